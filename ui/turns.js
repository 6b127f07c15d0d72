// The conversation as it is drawn: each turn with its answer and what can be done with it, or the welcome.
import { doubtLine, el, holds, icon, iconButton, prose } from "./draw.js";
import { find, page, RUNNING, save } from "./conversations.js";
import { at, redraw, say } from "./parts.js";
import { drawSources, folded, markFor } from "./sources.js";
import { send } from "./asking.js";
import * as adapters from "./adapters.js";

const looks = new WeakMap(); // what a drawn turn was drawn from

// ---- a turn --------------------------------------------------------------------------------------------

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

function chips(questions) {
  if (!questions?.length) return null;
  return el("div", { class: "rw-chips", role: "group", "aria-label": "Questions to go on with" }, questions.map((text) => el("button", { type: "button", class: "rw-chip", onclick: () => send(text) }, text)));
}

// ---- all of them ---------------------------------------------------------------------------------------

/** The conversation, and the sources beside it. */
export function draw() {
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
