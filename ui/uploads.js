// Files on their way into the base, and the receipt that tells of them.
import { receipt } from "./draw.js";
import { page } from "./conversations.js";
import { at, listen, question } from "./parts.js";

let finished = () => {}; // told at the end of an upload

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

/** Show how far the upload is, or how it ended. */
export function takeReceipt(event) {
  page.uploading = event.finished ? null : event;
  page.cutOff = Boolean(event.cutOff);
  page.heard = Date.now();
  page.silent = 0;
  const box = at("rw-receipt-box");
  box.replaceChildren(...receipt(event, () => { box.hidden = true; page.cutOff = false; question()?.focus(); }));
  box.hidden = false;
  if (event.finished) finished();
}

/** The end of an upload that nobody told of; a page that is loaded anew shows it once more. */
export function cutOff(reason) {
  return { finished: true, cutOff: true, added: [], updated: [], unchanged: [], failed: [{ name: "", reason, remedy: "The library says what is there. Add the others again." }] };
}

export function startUploads(onfinish) {
  finished = onfinish;
  listen("rw-receipt", takeReceipt);
  document.addEventListener("change", chosen, true);
}
