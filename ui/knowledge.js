// What the base holds, asked for anew whenever it may have changed.
import { el, library } from "./draw.js";
import { comeBack, page, save } from "./conversations.js";
import { at, fill, question, redraw } from "./parts.js";
import { offerHistory } from "./asking.js";
import { drawConversations, put } from "./sidebar.js";
import { cutOff, takeReceipt } from "./uploads.js";
import { drawNav } from "./frame.js";
import { draw } from "./turns.js";

const RETRY = 4000; // ms after which a base that could not be read is asked for again

export async function ask() {
  try {
    const response = await fetch("/api/knowledge", { cache: "no-store" });
    if (response.status === 401) location.reload(); // the session ended: sign in again
    return await response.json();
  } catch {
    return { error: "The server does not answer." };
  }
}

/** The last word counts, however late one before it comes; what could not be read stays as it was. */
export async function learn(asked = ask()) {
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
