// The conversations beside the page: opened, deleted, taken from another tab. The settings stand in their place.
import { el, icon, iconButton } from "./draw.js";
import { find, fresh, merge, page, remove, RUNNING, stored } from "./conversations.js";
import { at, question } from "./parts.js";
import { offerHistory } from "./asking.js";
import { leaveRunning } from "./running.js";
import { draw } from "./turns.js";
import * as adapters from "./adapters.js";
import * as steps from "./steps.js";

export function drawConversations() {
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

/** Show this conversation; what runs in another is stopped. */
export function put(conversation) {
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

/** A conversation that is open in two tabs is one conversation. */
export function takeFromOtherTab() {
  if (!page.running && merge(page.conversation)) {
    draw();
    offerHistory(page.replaces);
  }
  drawConversations();
}
