// Whether the server is still there while something is waited for, and what is done where it is not.
import { page } from "./conversations.js";
import { fill, question } from "./parts.js";
import { stop } from "./running.js";
import { cutOff, takeReceipt } from "./uploads.js";

const SILENCE = 6000; // ms without news before the server is asked whether it is still there
const SILENT = 3; // times that it may say yes while no news comes; it sends some every half second

/** Looked at every two seconds. */
export async function watch() {
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
