// Who words the answers: the menu of adapters, the choice of each conversation, the label of each answer.
// The list is the server's; a name that it no longer has stays chosen and is shown as missing.
import { el, icon } from "./draw.js";
import { page, save, storage } from "./conversations.js";

const LAST = "ragweave.adapter"; // what a new conversation begins with
const PHONE = matchMedia("(max-width: 799px)");
const box = el("div", { id: "rw-picker", hidden: true });
let known = { base: "", adapters: [], error: "", loaded: false };
let asks = 0;
let typed = "";
let typedAt = 0;
let changed = () => {}; // told after a choice and after news

const find = (name) => known.adapters.find((one) => one.name === name);
const short = (version) => (/^[0-9a-f]{12,}$/.test(version) ? version.slice(0, 8) : version); // a content hash
const offered = () => known.adapters.length > 0 || Boolean(page.conversation.adapter);

/** The adapter of this conversation: "" is the base model. */
function chosen() {
  const own = page.conversation.adapter;
  if (own !== undefined) return own;
  const last = storage.getItem(LAST) ?? "";
  return find(last) ? last : "";
}

/** What goes along with a question; undefined where there is nothing to choose. A choice once made always goes. */
export function asked() {
  if (page.conversation.adapter !== undefined) return page.conversation.adapter;
  return known.loaded && offered() ? chosen() : undefined;
}

/** A conversation keeps the adapter that it was begun with, whatever is chosen in others later. */
export function keepChoice(name) {
  if (offered()) page.conversation.adapter ??= name;
}

/** Who made an answer, or "" where there never was a choice. */
export function madeBy(turn) {
  const version = turn.adapter_version ? ` · version ${short(turn.adapter_version)}` : "";
  if (turn.by === "reader" && turn.adapter) return `quotes, because ${turn.adapter}${version} gave no answer`;
  if (turn.adapter) return `${turn.adapter}${version}`;
  if (turn.status === "stopped" && turn.asked && turn.answer) return turn.asked;
  const choice = known.adapters.length > 0 || page.conversation.turns.some((one) => one.adapter);
  if (!choice || !turn.by || turn.by === "abstention") return "";
  return turn.by === "model" ? "base model" : "quotes";
}

export function label(turn) {
  const text = madeBy(turn);
  return text ? el("span", { class: "rw-made-by" }, el("span", { class: "rw-unseen" }, "Answered by "), text) : null;
}

/** Ask the server again: adapters come and go while the page is open. */
export async function learnAdapters() {
  const asked = ++asks;
  const told = await fetch("/api/adapters", { cache: "no-store" }).then((response) => response.json(), () => ({ error: "The server does not answer." })).catch(() => ({ error: "The list cannot be read." }));
  if (asked !== asks) return; // a later answer counts
  known = told.error === undefined ? { base: "", adapters: [], error: "", ...told, loaded: true } : { ...known, error: told.error?.message ?? told.error };
  draw();
  changed();
}

function choose(name) {
  page.conversation.adapter = name;
  storage.setItem(LAST, name);
  save();
  close(true);
  draw();
  changed(`The next answer comes from ${name || "the base model"}.`);
}

// ---- the button and its menu -----------------------------------------------------------------------------

const items = () => [...box.querySelectorAll("[role=menuitemradio]")];

export function draw() {
  box.hidden = !offered();
  const name = chosen();
  const missing = Boolean(name) && !find(name);
  const look = JSON.stringify([known, name, page.conversation.adapter]);
  if (box.dataset.look === look) return;
  box.dataset.look = look;
  const open = box.querySelector("[role=menu]") !== null;
  const focused = box.contains(document.activeElement);
  const at = items().indexOf(document.activeElement);
  box.replaceChildren(
    el("button", { type: "button", class: missing ? "rw-picker-button rw-missing" : "rw-picker-button", "aria-haspopup": "menu", "aria-expanded": String(open), title: missing ? `${name} is no longer there` : "Who words the answers", onclick: () => (box.querySelector("[role=menu]") ? close(true) : show()), onkeydown: (event) => { if (event.key === "ArrowDown") { event.preventDefault(); show(); } } },
      icon("layers"), el("span", { class: "rw-unseen" }, "Adapter: "), el("span", { class: "rw-picker-name" }, name || "Base model"), icon("chevron")),
    ...(open ? [menu()] : []),
  );
  if (focused) (items()[Math.min(at, items().length - 1)] ?? box.firstElementChild).focus();
}

function menu() {
  const name = chosen();
  const gone = name && !find(name) ? [{ name, missing: true }] : [];
  const lines = [{ name: "", description: known.base }, ...gone, ...known.adapters];
  return el("div", { role: "menu", class: "rw-picker-menu", "aria-label": "Who words the answers", onkeydown: move },
    lines.map((one) => item(one, one.name === name)),
    known.error ? el("p", { class: "rw-quiet", role: "presentation" }, known.error) : null);
}

function item(one, checked) {
  const facts = one.missing ? "no longer there" : [one.version && `version ${short(one.version)}`, one.rank && `rank ${one.rank}`].filter(Boolean).join(" · ");
  return el("button", { type: "button", role: "menuitemradio", "aria-checked": String(checked), tabindex: "-1", class: one.missing ? "rw-missing" : false, onclick: () => choose(one.name) },
    icon("check"),
    el("span", { class: "rw-picker-line" }, el("span", { class: "rw-picker-title" }, one.name || "Base model"), facts ? el("span", { class: "rw-quiet" }, facts) : null),
    one.description ? el("span", { class: "rw-picker-text" }, one.description) : null);
}

function show() {
  if (box.querySelector("[role=menu]")) return;
  box.append(menu());
  box.firstElementChild.setAttribute("aria-expanded", "true");
  (box.querySelector("[aria-checked=true]") ?? items()[0])?.focus();
  learnAdapters();
}

function close(focus = false) {
  const there = box.querySelector("[role=menu]");
  there?.remove();
  box.querySelector("button")?.setAttribute("aria-expanded", "false");
  if (there && focus) box.querySelector("button")?.focus();
}

function move(event) {
  const all = items();
  const here = all.indexOf(document.activeElement);
  const keys = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: all.length - 1 };
  if (event.key === "Escape" || event.key === "Tab") {
    if (event.key === "Escape") event.preventDefault();
    event.stopPropagation();
    close(true);
  } else if (event.key in keys) {
    event.preventDefault();
    all[(keys[event.key] + all.length) % all.length].focus();
  } else if (event.key.length === 1 && /\S/.test(event.key)) seek(event.key.toLowerCase(), all, here);
}

// The item that begins with what was typed within a second; one letter again and again goes through all of its.
function seek(letter, all, here) {
  typed = Date.now() - typedAt < 1000 ? typed + letter : letter;
  typedAt = Date.now();
  const same = [...typed].every((one) => one === typed[0]);
  const from = same ? here + 1 : here;
  const wanted = same ? letter : typed;
  const title = (one) => one.querySelector(".rw-picker-title").textContent.toLowerCase();
  [...all.slice(from), ...all.slice(0, from)].find((one) => title(one).startsWith(wanted))?.focus();
}

/** In the navigation where there is room, else above the question. */
export function place() {
  const next = PHONE.matches ? document.getElementById("rw-composer") : document.getElementById("rw-nav").lastElementChild;
  if (next !== box && next.previousElementSibling !== box) next.before(box); // moving it would take its focus
}

export function startAdapters(onchange) {
  changed = onchange;
  document.addEventListener("click", (event) => { if (!box.contains(event.target)) close(); });
  PHONE.addEventListener("change", place);
  window.addEventListener("focus", learnAdapters);
  place();
}
