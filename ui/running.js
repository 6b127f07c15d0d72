// The turn that runs: its words, cards and trace as they come in, its end, and its stop.
import { button, fill, listen, question, say } from "./parts.js";
import { find, followups, fresh, page, RUNNING, save } from "./conversations.js";
import { offerHistory } from "./asking.js";
import { draw } from "./turns.js";
import * as adapters from "./adapters.js";

let early = {}; // what came beside a turn before the turn
let kept = () => {}; // told when a conversation was kept anew

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
  kept();
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
  kept();
  const cited = new Set(turn.citations.map((one) => one.n)).size;
  if (turn.status === "failed") adapters.learnAdapters(); // the one asked for may be gone
  say({ answered: `Answer ready, ${cited} ${cited === 1 ? "source" : "sources"}.`, abstained: "The documents do not answer this.", failed: turn.error, stopped: "Stopped." }[turn.status] ?? "");
}

/** The turn that runs is over, as far as this page goes; `note` says how. */
export function stop(note = "stopped") {
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

/** Stop what runs, on the server too. */
export function leaveRunning() {
  if (!page.running) return;
  button("rw-stop")?.click();
  stop();
}

export function startTurns(onkeep) {
  kept = onkeep;
  listen("rw-turn", takeTurn);
  listen("rw-cards", takeBeside);
  listen("rw-trace", takeBeside);
}
