// Questions on their way to Gradio, with what goes along: the turns before, the adapter, the steps left out.
import { page } from "./conversations.js";
import { button, fill, question } from "./parts.js";
import * as adapters from "./adapters.js";
import * as steps from "./steps.js";

const HISTORY = 6; // turns that a follow-up may lean on
const GRACE = 5000; // ms after a stop in which a question is insisted on

/** What goes along with the next question; `replaces` is the turn that is asked again. */
export function offerHistory(replaces = "") {
  page.replaces = replaces;
  const turns = page.conversation.turns.filter((turn) => turn.id !== replaces && turn.answer && turn.status !== "failed");
  const messages = turns.slice(-HISTORY).flatMap((turn) => [{ role: "user", content: turn.question }, { role: "assistant", content: turn.answer }]);
  const conversation = page.conversation.id;
  fill("rw-history", JSON.stringify({ conversation, messages, replaces, adapter: adapters.asked(), without: steps.without() }));
}

/** Ask this; the words that stood in the box meanwhile come back when it is taken. */
export async function send(text, replaces = "") {
  if (page.running || !text.trim()) return;
  const typed = question()?.value ?? "";
  page.draft = typed === text ? "" : typed;
  offerHistory(replaces);
  fill("rw-question", text);
  await new Promise((resolve) => setTimeout(resolve, 60)); // Gradio takes the two values up
  button("rw-send")?.click();
  insist();
}

/** For a moment after a stop Gradio takes no question, and says nothing. Asked again it takes it; one that it
 *  has already taken it does not take twice. */
export function insist() {
  const text = question()?.value;
  if (!text?.trim() || Date.now() - page.stoppedAt > GRACE) return;
  const again = setInterval(() => {
    if (page.running || question()?.value !== text || Date.now() - page.stoppedAt > GRACE) clearInterval(again);
    else button("rw-send")?.click();
  }, 150);
}
