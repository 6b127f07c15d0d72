// The page's behaviour: conversations (kept in this browser), turns as they stream in, sources, thumbs.
// Gradio carries questions and files; its hidden channels bring JSON, watched here.
import { cards, doubtLine, el, holds, icon, iconButton, library, prose, receipt } from "./draw.js";
import { comeBack, find, followups, fresh, isOurs, leave, merge, page, remove, RUNNING, save, storage, stored } from "./conversations.js";
import * as adapters from "./adapters.js";
import * as steps from "./steps.js";
import { show, tabs, trace } from "./trace.js";

const at = (id) => document.getElementById(id);
const PARTS = ["rw-nav", "rw-conversations", "rw-main", "rw-thread", "rw-composer", "rw-upload", "rw-question", "rw-send", "rw-stop", "rw-sources", "rw-library", "rw-history", "rw-turn", "rw-cards", "rw-trace", "rw-receipt"]; // Gradio's
const HISTORY = 6; // turns that a follow-up may lean on
const SILENCE = 6000; // ms without news before the server is asked whether it is still there
const RETRY = 4000; // ms after which a base that could not be read is asked for again
const GRACE = 5000; // ms after a stop in which a question is insisted on
const SILENT = 3; // times that it may say yes while no news comes; it sends some every half second
const looks = new WeakMap(); // what a drawn turn was drawn from
const question = () => at("rw-question")?.querySelector("textarea");
let early = {}; // what came beside a turn before the turn
const button = (id) => (at(id)?.matches("button") ? at(id) : at(id)?.querySelector("button"));

// ---- towards Gradio ------------------------------------------------------------------------------------

function fill(id, text) {
  const box = at(id)?.querySelector("textarea, input");
  if (!box) return;
  const kind = box instanceof HTMLTextAreaElement ? HTMLTextAreaElement : HTMLInputElement;
  Object.getOwnPropertyDescriptor(kind.prototype, "value").set.call(box, text);
  box.dispatchEvent(new Event("input", { bubbles: true }));
}

function offerHistory(replaces = "") {
  page.replaces = replaces;
  const turns = page.conversation.turns.filter((turn) => turn.id !== replaces && turn.answer && turn.status !== "failed");
  const messages = turns.slice(-HISTORY).flatMap((turn) => [{ role: "user", content: turn.question }, { role: "assistant", content: turn.answer }]);
  const conversation = page.conversation.id;
  fill("rw-history", JSON.stringify({ conversation, messages, replaces, adapter: adapters.asked(), without: steps.without() }));
}

async function send(text, replaces = "") {
  if (page.running || !text.trim()) return;
  const typed = question()?.value ?? "";
  page.draft = typed === text ? "" : typed;
  offerHistory(replaces);
  fill("rw-question", text);
  await new Promise((resolve) => setTimeout(resolve, 60)); // Gradio takes the two values up
  button("rw-send")?.click();
  insist();
}

// For a moment after a stop Gradio takes no question, and says nothing. Asked again it takes it; one that it
// has already taken it does not take twice.
function insist() {
  const text = question()?.value;
  if (!text?.trim() || Date.now() - page.stoppedAt > GRACE) return;
  const again = setInterval(() => {
    if (page.running || question()?.value !== text || Date.now() - page.stoppedAt > GRACE) clearInterval(again);
    else button("rw-send")?.click();
  }, 150);
}

// ---- from Gradio ---------------------------------------------------------------------------------------

function listen(id, take) {
  let last = "";
  const look = () => {
    const text = at(id)?.querySelector("[data-json]")?.dataset.json;
    if (text && text !== last) {
      last = text;
      take(JSON.parse(text));
    }
  };
  new MutationObserver(look).observe(at(id), { childList: true, subtree: true, attributes: true });
}

function takeTurn(update) {
  if (page.stopped.has(update.id)) return;
  page.heard = Date.now();
  page.silent = 0;
  const turns = page.conversation.turns;
  let turn = turns.find((one) => one.id === update.id);
  if (!turn) {
    if (!RUNNING.has(update.status) && page.running !== update.id) return; // of a conversation left behind
    if (update.conversation && update.conversation !== page.conversation.id) return leaveBehind(update);
    turn = { sources: [], feedback: "", at: Date.now() };
    adapters.keepChoice(update.asked);
    const replaced = turns.findIndex((one) => one.id === update.replaces);
    turns.splice(replaced < 0 ? turns.length : replaced, replaced < 0 ? 0 : 1, turn);
  }
  const begins = !turn.id;
  Object.assign(turn, update);
  page.shown = turn.id;
  page.running = RUNNING.has(turn.status) ? turn.id : null;
  if (begins) {
    if (early.id === turn.id) Object.assign(turn, early);
    save(); // a page that is loaded anew still has the question
  }
  giveBack();
  if (turn.status === "failed" && !question()?.value) fill("rw-question", turn.question);
  if (!page.running) done(turn);
  draw();
}

// The words that were in the box when another question was asked; Gradio empties it.
function giveBack() {
  if (!page.draft || question()?.value) return;
  fill("rw-question", page.draft);
  page.draft = "";
}

// The first word of a turn whose conversation was left meanwhile: it is stopped, as one that already ran would be.
function leaveBehind(update) {
  page.stopped.add(update.id);
  button("rw-stop")?.click();
  if (page.forgotten.has(update.conversation)) return;
  const conversation = find(update.conversation) ?? { ...fresh(), id: update.conversation };
  conversation.turns.push({ sources: [], feedback: "", at: Date.now(), ...update, status: "stopped" });
  save(conversation);
  drawConversations();
}

// What comes beside the words: the cards, or the trace.
function takeBeside({ id, ...beside }) {
  if (page.stopped.has(id)) return;
  const turn = page.conversation.turns.find((one) => one.id === id);
  if (!turn) {
    early = { ...(early.id === id ? early : {}), id, ...beside };
    return;
  }
  Object.assign(turn, beside);
  if (!RUNNING.has(turn.status)) save(); // the last cards come after the last words
  draw();
}

function done(turn) {
  page.draft = "";
  turn.followups = followups(turn);
  save();
  offerHistory();
  drawConversations();
  const cited = new Set(turn.citations.map((one) => one.n)).size;
  if (turn.status === "failed") adapters.learnAdapters(); // the one asked for may be gone
  say({ answered: `Answer ready, ${cited} ${cited === 1 ? "source" : "sources"}.`, abstained: "The documents do not answer this.", failed: turn.error, stopped: "Stopped." }[turn.status] ?? "");
}

function stop(note = "stopped") {
  const turn = page.conversation.turns.find((one) => one.id === page.running);
  page.running = null;
  if (!turn) return;
  page.stoppedAt = Date.now();
  page.stopped.add(turn.id);
  turn.status = note;
  turn.step = "";
  done(turn);
  draw();
}

async function watch() {
  const waits = page.running || page.uploading || page.lost;
  if (watch.asks || !waits || Date.now() - page.heard < SILENCE) return;
  watch.asks = true;
  const heard = page.heard;
  const answers = await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(10_000) }).then((one) => one.ok, () => false);
  watch.asks = false;
  if (page.lost && answers) return location.reload();
  if (page.lost || page.heard !== heard || (!page.running && !page.uploading)) return; // there was news meanwhile
  if (answers) page.heard = Date.now();
  const sends = !page.running && page.uploading.sending; // files on their way bring no news
  page.silent = answers && sends ? 0 : page.silent + (answers ? 1 : SILENT / 2); // after a sleep the first request often fails
  if (page.silent < SILENT) return;
  if (answers) lose("The connection was lost.", "Try again.");
  else lose("The server does not answer.", "Check that it still runs, then try again.");
  if (answers) location.reload();
}

// Nothing more will come of what runs. Gradio may not have noticed and would wait on for ever, with the next
// question too: the page is loaded anew as soon as the server answers.
function lose(reason, remedy) {
  page.lost = true;
  if (page.uploading) takeReceipt(cutOff(reason));
  const turn = page.conversation.turns.find((one) => one.id === page.running);
  if (!turn) return;
  turn.error = `${reason} ${remedy}`;
  if (!question()?.value) fill("rw-question", turn.question);
  stop("failed");
}

// ---- the conversation ----------------------------------------------------------------------------------

function markFor(turn) {
  return (number) => {
    const known = turn.sources.some((one) => one.number === number);
    if (!known) return `[${number}]`;
    const light = (on) => lightUp(turn, number, on);
    return el("button", { type: "button", class: "rw-mark", "data-number": number, "aria-label": `Source ${number}`, onmouseenter: () => light(true), onmouseleave: () => light(false), onfocus: () => light(true), onblur: () => light(false), onclick: () => openSource(turn, number) }, `[${number}]`);
  };
}

function lightUp(turn, number, on) {
  if (on && page.shown !== turn.id) {
    page.shown = turn.id;
    drawSources();
  }
  for (const node of document.querySelectorAll(`#rw-sources .rw-card, [data-turn="${turn.id}"] .rw-card`)) {
    node.classList.toggle("rw-lit", on && node.dataset.number === String(number));
  }
  for (const node of document.querySelectorAll(`[data-turn="${turn.id}"] .rw-mark`)) {
    node.classList.toggle("rw-lit", on && node.dataset.number === String(number));
  }
}

function openSource(turn, number) {
  show("sources");
  lightUp(turn, number, true);
  const folded = document.querySelector(`[data-turn="${turn.id}"] .rw-folded`);
  if (folded && getComputedStyle(folded).display !== "none") folded.open = true;
  const places = [...document.querySelectorAll(`#rw-sources .rw-card, [data-turn="${turn.id}"] .rw-card`)];
  const target = places.find((node) => node.offsetParent && node.dataset.number === String(number));
  target?.scrollIntoView({ block: "nearest", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
}

function drawTurn(turn, last) {
  const running = RUNNING.has(turn.status);
  return el("article", { class: `rw-turn rw-${turn.status}`, "data-turn": turn.id },
    el("h2", { class: "rw-unseen" }, "Question"),
    el("div", { class: "rw-ask" }, turn.question),
    el("h3", { class: "rw-unseen" }, "Answer"),
    line(turn),
    turn.answer ? el("div", { class: "rw-answer" }, prose(turn.answer, markFor(turn), turn.doubts)) : null,
    doubtLine(turn.doubts),
    turn.status === "stopped" ? el("p", { class: "rw-quiet rw-note" }, turn.answer ? "Stopped here." : "Stopped before an answer.") : null,
    turn.status === "failed" ? failure(turn) : null,
    running ? null : actions(turn, last),
    folded(turn),
    last && !running ? chips(turn.followups) : null,
  );
}

function line(turn) {
  if (turn.status === "working") return el("p", { class: "rw-step" }, turn.step);
  if (turn.status === "failed" || !turn.sources.length) return null;
  const read = turn.sources.length === 1 ? "1 passage read" : `${turn.sources.length} passages read`;
  const seconds = turn.seconds < 1 ? `${Math.max(10, Math.round(turn.seconds * 100) * 10)} ms` : `${turn.seconds.toFixed(1)} s`;
  return el("p", { class: "rw-step" }, RUNNING.has(turn.status) ? read : `${read}, ${seconds}`, turn.standalone ? ` · searched for “${turn.standalone}”` : "");
}

function failure(turn) {
  return el("div", { class: "rw-failure", role: "alert" },
    el("p", {}, turn.error, " ", el("span", { class: "rw-quiet" }, `Request ${turn.id}.`)),
    el("button", { type: "button", class: "rw-button", onclick: () => send(turn.question, turn.id) }, "Try again"));
}

function actions(turn, last) {
  if (turn.status === "failed") return null;
  const copy = iconButton("copy", "Copy the answer", async (event) => {
    const target = event.currentTarget;
    const sources = turn.sources.filter((one) => one.cited).map((one) => `[${one.number}] ${one.title} (${[one.source, one.place].filter(Boolean).join(", ")})`);
    if (!(await copied([turn.answer, sources.join("\n")].filter(Boolean).join("\n\n")))) return say("The answer could not be copied.");
    target.replaceChildren(icon("check"));
    say("Copied.");
    setTimeout(() => target.replaceChildren(icon("copy")), 1500);
  });
  const thumb = (verdict, label) => iconButton(verdict, label, () => vote(turn, verdict), { "aria-pressed": String(turn.feedback === verdict) });
  return el("div", { class: "rw-actions" }, turn.answer ? copy : null,
    last ? iconButton("again", "Ask again", () => send(turn.question, turn.id)) : null,
    turn.answer ? [thumb("up", "Good answer"), thumb("down", "Bad answer")] : null, adapters.label(turn));
}

// Without https only this machine's own page has a clipboard; elsewhere the browser copies a selection.
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const before = document.activeElement;
    const box = document.body.appendChild(el("textarea", { class: "rw-unseen" }, text));
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    before?.focus();
    return done;
  }
}

async function vote(turn, verdict) {
  const conversation = page.conversation;
  const given = turn.feedback === verdict ? "" : verdict;
  const sources = [...new Set(turn.sources.filter((one) => one.cited).map((one) => one.source))];
  const body = JSON.stringify({ request_id: turn.id, verdict: given, question: turn.question, answer: turn.answer, sources, adapter: turn.adapter, adapter_version: turn.adapter_version });
  const response = await fetch("/api/feedback", { method: "POST", headers: { "Content-Type": "application/json" }, body }).catch(() => null);
  say(response?.ok ? (given ? "Thank you, stored." : "Taken back.") : "The opinion could not be stored.");
  if (!response?.ok) return;
  turn.feedback = given;
  if (conversation === page.conversation || find(conversation.id)) save(conversation);
  draw();
}

function folded(turn) {
  if (!turn.sources.length && !turn.trace?.steps.length) return null;
  const before = document.querySelector(`[data-turn="${turn.id}"] .rw-folded`);
  const box = beside(turn, `rw-${turn.id}`, sourcesTitle(turn).replace(/ \(\d+\)$/, "")); // the summary counts
  const fold = el("details", { class: "rw-folded", open: before?.open ?? false, ontoggle: () => { if (fold.open) box.fill(); } }, el("summary", {}, turn.sources.length ? sourcesTitle(turn) : "Trace"), box);
  return fold;
}

// The sources and the trace of a turn, as two tabs.
function beside(turn, id, title = sourcesTitle(turn)) {
  const none = id === "rw-beside" ? [el("p", { class: "rw-quiet" }, "The passages behind an answer stand here.")] : null; // a fold called "Trace"
  const sources = turn?.sources.length ? cards(turn.sources, turn.status !== "abstained") : none;
  return tabs(id, title, sources, () => trace(turn?.trace, RUNNING.has(turn?.status)));
}

function sourcesTitle(turn) {
  if (!turn?.sources.length) return "Sources";
  const cited = turn.sources.filter((one) => one.cited).length;
  return turn.status === "abstained" ? `Closest passages (${turn.sources.length})` : `Sources (${cited || turn.sources.length})`;
}

function chips(questions) {
  if (!questions?.length) return null;
  return el("div", { class: "rw-chips", role: "group", "aria-label": "Questions to go on with" }, questions.map((text) => el("button", { type: "button", class: "rw-chip", onclick: () => send(text) }, text)));
}

// ---- drawing -------------------------------------------------------------------------------------------

function draw() {
  const thread = at("rw-thread");
  const turns = page.conversation.turns;
  const near = thread.scrollHeight - thread.scrollTop - thread.clientHeight < 120;
  const lastBefore = thread.lastElementChild?.dataset?.turn;
  document.body.classList.toggle("rw-busy", Boolean(page.running));
  document.body.classList.toggle("rw-empty", !turns.length);
  if (!turns.length) drawEmpty(thread);
  else drawTurns(thread, turns);
  if (near || lastBefore !== turns.at(-1)?.id) thread.scrollTop = thread.scrollHeight;
  drawSources();
}

// Only turns that look different are drawn anew, so that focus and selection elsewhere stay.
function drawTurns(thread, turns) {
  const focused = document.activeElement?.closest?.("[data-turn]")?.dataset.turn;
  const label = document.activeElement?.getAttribute?.("aria-label");
  const before = new Map([...thread.children].map((node) => [node.dataset.turn, node]));
  for (const [index, turn] of turns.entries()) {
    const last = index === turns.length - 1;
    const look = JSON.stringify([turn, last, adapters.madeBy(turn)]);
    const old = before.get(turn.id);
    const there = thread.children[index];
    if (old && looks.get(old) === look && old === there) continue;
    const node = old && looks.get(old) === look ? old : drawTurn(turn, last);
    looks.set(node, look);
    if (there) there.replaceWith(node);
    else thread.append(node);
  }
  while (thread.children.length > turns.length) thread.lastElementChild.remove();
  if (focused && label && document.activeElement === document.body) thread.querySelector(`[data-turn="${focused}"] [aria-label="${CSS.escape(label)}"]`)?.focus();
}

// A part of the frame is drawn anew only when it would look different: focus and scrolling stay.
function redraw(node, look, make) {
  if (looks.get(node) === look) return;
  looks.set(node, look);
  node.replaceChildren(...make().filter(Boolean));
}

function drawEmpty(thread) {
  if (!thread.querySelector(".rw-welcome")) thread.replaceChildren(el("div", { class: "rw-shell" }));
  redraw(thread.firstElementChild, JSON.stringify(page.knowledge), () => [empty()]);
}

function empty() {
  const knowledge = page.knowledge;
  if (!knowledge) return el("div", { class: "rw-welcome" });
  const none = !knowledge.documents;
  const examples = (knowledge.examples ?? []).slice(0, 3).map((one) => one.question);
  return el("div", { class: "rw-welcome" },
    el("h2", {}, knowledge.error && none ? "Nothing can be asked yet" : none ? "No documents yet" : "Ask about your documents"),
    el("p", { class: "rw-quiet" }, knowledge.error ? knowledge.error : none ? "Add some with the plus button below. Answers quote them and say where." : `Answers quote ${holds(knowledge)}.`),
    examples.length ? chips(examples) : knowledge.examples_pending && !none ? el("p", { class: "rw-quiet rw-looking" }, "Looking for questions that they answer") : null);
}

function drawSources() {
  const turn = page.conversation.turns.find((one) => one.id === page.shown) ?? page.conversation.turns.at(-1);
  const column = at("rw-sources");
  const focused = column.contains(document.activeElement) ? document.activeElement.id : "";
  redraw(column, JSON.stringify([turn?.id, turn?.status, turn?.sources, turn?.trace]), () => [beside(turn, "rw-beside")]);
  column.firstElementChild.fill();
  if (focused && !column.contains(document.activeElement)) at(focused)?.focus();
}

function drawConversations() {
  const day = new Date().toDateString();
  const groups = { Today: [], Earlier: [] };
  if (page.settings) {
    if (!at("rw-conversations").querySelector(".rw-switches")) at("rw-conversations").replaceChildren(...steps.settings(() => openSettings(false)));
    return;
  }
  for (const one of stored()) groups[new Date(one.at).toDateString() === day ? "Today" : "Earlier"].push(one);
  at("rw-conversations").replaceChildren(
    el("h2", { class: "rw-panel-title" }, "Conversations"),
    el("button", { type: "button", class: "rw-new", onclick: () => open(fresh()) }, icon("plus"), "New chat"),
    ...Object.entries(groups).filter(([, list]) => list.length).flatMap(([name, list]) => [
      el("h3", { class: "rw-group" }, name),
      el("ul", {}, list.map((one) => el("li", {},
        el("button", { type: "button", class: "rw-conversation", "aria-current": one.id === page.conversation.id ? "true" : false, title: one.turns[0].question, onclick: () => open(find(one.id) ?? one) }, one.turns[0].question),
        iconButton("close", `Delete the conversation: ${one.turns[0].question}`, () => forget(one))))),
    ]),
    ...[steps.settingsButton(() => openSettings(true))].filter(Boolean));
}

function openSettings(open) {
  page.settings = open;
  drawConversations();
  at("rw-conversations").querySelector(open ? ".rw-back" : ".rw-settings-button")?.focus();
}

function leaveRunning() {
  if (!page.running) return;
  button("rw-stop")?.click();
  stop();
}

function put(conversation) {
  leaveRunning();
  for (const turn of conversation.turns) if (RUNNING.has(turn.status)) turn.status = "stopped";
  page.conversation = conversation;
  page.shown = null;
  adapters.draw();
  offerHistory();
  at("rw-thread").replaceChildren();
  draw();
  drawConversations();
}

function open(conversation) {
  document.body.classList.remove("rw-drawer");
  location.hash = "";
  put(conversation);
  question()?.focus();
}

function forget(conversation) {
  if (conversation.id === page.conversation.id) leaveRunning(); // which keeps it once more
  page.forgotten.add(conversation.id);
  remove(conversation);
  if (conversation.id === page.conversation.id) open(fresh());
  else drawConversations();
}

// ---- frame ---------------------------------------------------------------------------------------------

function drawNav() {
  const here = location.hash || "#";
  const link = (hash, name) => el("a", { href: hash, "aria-current": here === hash ? "page" : false }, name);
  const dark = document.documentElement.dataset.theme === "dark";
  const open = document.body.classList.contains("rw-drawer");
  const title = page.knowledge?.title ?? document.title;
  const model = page.knowledge?.model ?? "";
  redraw(at("rw-nav"), JSON.stringify([here, dark, title, model]), () => [
    el("button", { type: "button", class: "rw-icon-button rw-menu", "aria-label": "Conversations", onclick: () => { document.body.classList.toggle("rw-drawer"); drawNav(); } }, icon("menu")),
    el("h1", { class: "rw-title" }, title),
    el("nav", { "aria-label": "Pages" }, link("#", "Chat"), link("#library", "Library")),
    model && el("span", { class: "rw-model", title: "The model that words the answers" }, model),
    iconButton(dark ? "sun" : "moon", dark ? "Light colours" : "Dark colours", () => theme(dark ? "light" : "dark")),
  ]);
  at("rw-nav").querySelector(".rw-menu").setAttribute("aria-expanded", String(open));
  adapters.place();
}

function theme(chosen) {
  if (chosen) storage.setItem("ragweave.theme", chosen);
  const wanted = storage.getItem("ragweave.theme") ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  document.documentElement.dataset.theme = wanted;
  document.body.classList.toggle("dark", wanted === "dark");
  if (document.body.classList.contains("rw-ready")) drawNav();
}

function route() {
  document.body.classList.toggle("rw-at-library", location.hash === "#library");
  document.body.classList.remove("rw-drawer");
  drawNav();
}

function say(text) {
  at("rw-status").textContent = text;
}

async function ask() {
  try {
    const response = await fetch("/api/knowledge", { cache: "no-store" });
    if (response.status === 401) location.reload(); // the session ended: sign in again
    return await response.json();
  } catch {
    return { error: "The server does not answer." };
  }
}

// The last word counts, however late one before it comes; what could not be read stays as it was.
async function learn(asked = ask()) {
  learn.last = asked;
  clearTimeout(learn.again);
  const told = await asked;
  if (learn.last !== asked) return;
  const before = page.knowledge;
  page.knowledge = { documents: 0, passages: 0, sources: [], examples: [], ...(told.error ? before : null), error: "", ...told };
  if (page.knowledge.id && !before?.id) takeUp();
  if (!page.conversation.turns.length) draw();
  const { examples, examples_pending, ...listed } = page.knowledge;
  redraw(at("rw-library"), JSON.stringify(listed), () => [el("div", { class: "rw-library-body" }, library(listed))]);
  drawNav();
  if (told.error || told.examples_pending) learn.again = setTimeout(learn, told.error ? RETRY : 1200);
}

// The base is known: its conversations, and what stood in this tab before it was loaded anew.
function takeUp() {
  const { conversation, draft, uploading } = comeBack();
  if (page.conversation.turns.length) save();
  else if (conversation) put(conversation);
  if (draft && !question()?.value) {
    fill("rw-question", draft);
    question()?.focus();
  }
  if (uploading && !page.uploading) takeReceipt(cutOff("The connection was lost."));
  offerHistory(page.replaces); // what was switched counts from the start
  drawConversations();
}

// The browser sends the files before the server says a word, so the page says that much itself.
function chosen(event) {
  if (!event.target.matches?.("#rw-composer input[type=file]") || !event.target.files.length) return;
  const files = [...event.target.files];
  const limit = (page.knowledge?.upload_megabytes ?? 200) * 2 ** 20;
  const large = files.filter((file) => file.size > limit);
  const base = { finished: false, current: "", done: 0, total: files.length, added: [], updated: [], unchanged: [], failed: [] };
  if (large.length) {
    event.stopImmediatePropagation();
    event.target.value = "";
    const failed = large.map((file) => ({ name: file.name, reason: `is larger than ${limit / 2 ** 20} MB.`, remedy: "Split it, or take it in with ragweave ingest." }));
    return takeReceipt({ ...base, finished: true, failed });
  }
  takeReceipt({ ...base, sending: true });
}

function takeReceipt(event) {
  page.uploading = event.finished ? null : event;
  page.cutOff = Boolean(event.cutOff);
  page.heard = Date.now();
  page.silent = 0;
  const box = at("rw-receipt-box");
  box.replaceChildren(...receipt(event, () => { box.hidden = true; page.cutOff = false; question()?.focus(); }));
  box.hidden = false;
  if (event.finished) learn();
}

// The end of an upload that nobody told of; a page that is loaded anew shows it once more.
function cutOff(reason) {
  return { finished: true, cutOff: true, added: [], updated: [], unchanged: [], failed: [{ name: "", reason, remedy: "The library says what is there. Add the others again." }] };
}

function arrange() {
  const role = (id, name, label) => { at(id).setAttribute("role", name); at(id).setAttribute("aria-label", label); };
  role("rw-conversations", "region", "Conversations");
  role("rw-main", "region", "Conversation");
  role("rw-sources", "region", "Sources");
  role("rw-library", "region", "Library");
  at("rw-thread").setAttribute("tabindex", "-1");
  at("rw-composer").before(el("div", { id: "rw-receipt-box", role: "status", hidden: true }));
  document.body.append(el("div", { id: "rw-status", class: "rw-unseen", role: "status" }));
}

// A conversation that is open in two tabs is one conversation.
function takeFromOtherTab() {
  if (!page.running && merge(page.conversation)) {
    draw();
    offerHistory(page.replaces);
  }
  drawConversations();
}

function start() {
  arrange();
  listen("rw-turn", takeTurn);
  listen("rw-cards", takeBeside);
  listen("rw-trace", takeBeside);
  listen("rw-receipt", takeReceipt);
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("#rw-stop")) stop();
    if (event.isTrusted && event.target.closest?.("#rw-send")) insist();
  });
  window.addEventListener("hashchange", route);
  document.addEventListener("change", chosen, true);
  document.addEventListener("input", (event) => { if (event.isTrusted && event.target === question() && page.replaces && !page.running) offerHistory(); }); // typed anew: replaces nothing
  at("rw-main").addEventListener("click", () => { if (document.body.classList.contains("rw-drawer")) route(); });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.target === question()) insist();
    if (event.key !== "Escape") return;
    if (document.body.classList.contains("rw-drawer")) route();
    else leaveRunning();
  });
  setInterval(watch, 2000);
  route();
  draw();
  drawConversations();
  offerHistory();
  learn(knowledge);
  const left = () => leave(question()?.value ?? "", Boolean(page.uploading) || page.cutOff);
  window.addEventListener("pagehide", left);
  document.addEventListener("visibilitychange", () => { if (document.hidden) left(); }); // phones may end a hidden page
  window.addEventListener("storage", (event) => { if (isOurs(event.key)) takeFromOtherTab(); });
  steps.onSwitch((news) => { offerHistory(page.replaces); say(news); });
  adapters.startAdapters((news) => { offerHistory(page.replaces); draw(); if (news) say(news); });
  document.body.classList.add("rw-ready");
}

const knowledge = ask(); // while Gradio puts up its parts
adapters.learnAdapters();
theme();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => theme());
const waiting = setInterval(() => { // Gradio may put up its parts in any order; nothing is drawn before all stand
  if (!PARTS.every(at) || !question()) return;
  clearInterval(waiting);
  theme();
  start();
}, 30);
