// The page's start: conversations (kept in this browser), turns as they stream in, sources, thumbs.
// Gradio carries questions and files; its hidden channels bring JSON, watched here.
import { isOurs, leave, page } from "./conversations.js";
import { at, question, say, stand } from "./parts.js";
import { insist, offerHistory } from "./asking.js";
import { draw } from "./turns.js";
import { leaveRunning, startTurns, stop } from "./running.js";
import { drawConversations, takeFromOtherTab } from "./sidebar.js";
import { startUploads } from "./uploads.js";
import { watch } from "./connection.js";
import { arrange, route, theme } from "./frame.js";
import { ask, learn } from "./knowledge.js";
import * as adapters from "./adapters.js";
import * as steps from "./steps.js";

function start() {
  arrange();
  startTurns(drawConversations);
  startUploads(() => learn());
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("#rw-stop")) stop();
    if (event.isTrusted && event.target.closest?.("#rw-send")) insist();
  });
  window.addEventListener("hashchange", route);
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
const waiting = setInterval(() => {
  if (!stand()) return;
  clearInterval(waiting);
  theme();
  start();
}, 30);
