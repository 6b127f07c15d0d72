// Around the conversation: the navigation, the colours, the two pages, and what Gradio does not put up.
import { el, icon, iconButton } from "./draw.js";
import { page, storage } from "./conversations.js";
import { at, redraw } from "./parts.js";
import * as adapters from "./adapters.js";

export function drawNav() {
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

/** Light or dark: as chosen, else as the system has it. */
export function theme(chosen) {
  if (chosen) storage.setItem("ragweave.theme", chosen);
  const wanted = storage.getItem("ragweave.theme") ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  document.documentElement.dataset.theme = wanted;
  document.body.classList.toggle("dark", wanted === "dark");
  if (document.body.classList.contains("rw-ready")) drawNav();
}

/** The page that the address names. */
export function route() {
  document.body.classList.toggle("rw-at-library", location.hash === "#library");
  document.body.classList.remove("rw-drawer");
  drawNav();
}

/** What Gradio cannot say of its parts, and the two that it does not have. */
export function arrange() {
  const role = (id, name, label) => { at(id).setAttribute("role", name); at(id).setAttribute("aria-label", label); };
  role("rw-conversations", "region", "Conversations");
  role("rw-main", "region", "Conversation");
  role("rw-sources", "region", "Sources");
  role("rw-library", "region", "Library");
  at("rw-thread").setAttribute("tabindex", "-1");
  at("rw-composer").before(el("div", { id: "rw-receipt-box", role: "status", hidden: true }));
  document.body.append(el("div", { id: "rw-status", class: "rw-unseen", role: "status" }));
}
