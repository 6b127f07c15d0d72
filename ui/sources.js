// What stands beside an answer, in its column and folded under it, and the marks that lead there.
import { cards, el } from "./draw.js";
import { page, RUNNING } from "./conversations.js";
import { at, redraw } from "./parts.js";
import { show, tabs, trace } from "./trace.js";

/** Makes the mark of a source in the words of this turn. */
export function markFor(turn) {
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

/** The fold under an answer, for narrow windows; null where there is nothing to show. */
export function folded(turn) {
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

/** The column, for the turn that is looked at or else the last. */
export function drawSources() {
  const turn = page.conversation.turns.find((one) => one.id === page.shown) ?? page.conversation.turns.at(-1);
  const column = at("rw-sources");
  const focused = column.contains(document.activeElement) ? document.activeElement.id : "";
  redraw(column, JSON.stringify([turn?.id, turn?.status, turn?.sources, turn?.trace]), () => [beside(turn, "rw-beside")]);
  column.firstElementChild.fill();
  if (focused && !column.contains(document.activeElement)) at(focused)?.focus();
}
