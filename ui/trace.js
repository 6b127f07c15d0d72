// The two tabs beside an answer, sources and trace, and the trace itself: its steps, and what became of each
// passage. Everything is a text node.
import { el } from "./draw.js";
import { storage } from "./conversations.js";

const CHOSEN = "ragweave.tab"; // stays chosen over turns and visits
const KINDS = ["sources", "trace"];

// ---- tabs ----------------------------------------------------------------------------------------------

const chosen = () => (storage.getItem(CHOSEN) === "trace" ? "trace" : "sources");

/** A list of two tabs and their panels. `id` keeps them apart; the trace is made when it is first looked at.
 *  Without `sources` there is nothing to choose: the trace stands there alone. */
export function tabs(id, title, sources, makeTrace) {
  const names = { sources: title, trace: "Trace" };
  const tab = (kind) => el("button", { type: "button", role: "tab", id: `${id}-${kind}-tab`, class: "rw-tab", "data-kind": kind, "aria-controls": `${id}-${kind}`, onclick: () => show(kind), onkeydown: move }, names[kind]);
  const panel = (kind, children) => el("div", { role: "tabpanel", id: `${id}-${kind}`, "data-kind": kind, "aria-label": names[kind], tabindex: "0" }, children);
  const box = el("div", { class: "rw-tabs" }, sources ? [el("div", { role: "tablist", "aria-label": "Sources and trace" }, KINDS.map(tab)), panel("sources", sources)] : null, panel("trace", []));
  box.fill = () => {
    const trace = box.lastElementChild;
    if (!trace.hidden && !trace.childElementCount) trace.replaceChildren(...makeTrace());
  };
  select(box, chosen());
  return box;
}

function select(box, wanted) {
  const kind = box.querySelector("[role=tablist]") ? wanted : "trace";
  for (const one of box.querySelectorAll("[role=tab]")) {
    one.setAttribute("aria-selected", String(one.dataset.kind === kind));
    one.tabIndex = one.dataset.kind === kind ? 0 : -1;
  }
  for (const one of box.querySelectorAll("[role=tabpanel]")) one.hidden = one.dataset.kind !== kind;
}

/** Show this tab beside every answer. */
export function show(kind) {
  storage.setItem(CHOSEN, kind);
  for (const box of document.querySelectorAll(".rw-tabs")) {
    select(box, kind);
    if (box.offsetParent) box.fill();
  }
}

function move(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1, Home: 0, End: 0 }[event.key];
  if (step === undefined) return;
  event.preventDefault();
  const here = KINDS.indexOf(event.currentTarget.dataset.kind);
  const kind = event.key === "Home" ? KINDS[0] : event.key === "End" ? KINDS.at(-1) : KINDS[(here + step + KINDS.length) % KINDS.length];
  show(kind);
  event.currentTarget.parentElement.querySelector(`[data-kind="${kind}"]`).focus();
}

// ---- the trace -----------------------------------------------------------------------------------------

const count = (number, one, many) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
const time = (ms) => (ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : `${ms >= 100 ? Math.round(ms) : ms.toFixed(1)} ms`);

export function trace(view, running) {
  if (!view?.steps.length) return [el("p", { class: "rw-quiet" }, running ? "The steps stand here as they are done." : "How an answer was made stands here, step by step.")];
  const longest = Math.max(...view.steps.map((one) => one.ms), 0.1);
  return [
    el("p", { class: "rw-quiet rw-trace-sum" }, `${count(view.steps.length + view.hidden, "step", "steps")}, ${time(view.ms)}`),
    el("ol", { class: "rw-steps" }, view.steps.map((one) => step(one, longest))),
    view.hidden ? el("p", { class: "rw-quiet" }, `${count(view.hidden, "later step is", "later steps are")} not shown.`) : null,
    ...passages(view),
  ].filter(Boolean);
}

function step(one, longest) {
  const bar = el("span", { class: "rw-step-bar", "aria-hidden": "true" }, el("span", {}));
  bar.firstChild.style.inlineSize = `${Math.max(1, (100 * one.ms) / longest)}%`;
  const more = [
    ...one.dropped.map((line) => el("li", {}, line)),
    ...one.facts.map(([name, value]) => el("li", {}, el("span", { class: "rw-quiet" }, `${name} `), value)),
  ];
  return el("li", { class: one.left_out ? "rw-left-out" : one.cautions.length ? "rw-cautioned" : false },
    el("div", { class: "rw-step-head" }, el("span", { class: "rw-step-name" }, one.step), one.left_out ? null : el("span", { class: "rw-step-ms" }, time(one.ms))),
    one.left_out ? null : bar,
    el("p", {}, one.sentence),
    one.cautions.map((text) => el("p", { class: "rw-caution" }, text)),
    more.length ? el("details", {}, el("summary", { "aria-label": `Details of ${one.step}` }, "Details"), el("ul", {}, more)) : null);
}

// What became of each passage: the kept ones in their order, then the dropped ones with the reason.
function passages(view) {
  const kept = view.passages.filter((one) => one.place !== null);
  const dropped = view.passages.filter((one) => one.place === null);
  if (!view.passages.length) return [];
  const all = dropped.length + view.passages_hidden;
  return [
    el("h3", { class: "rw-trace-title" }, `${count(view.passages.length + view.passages_hidden, "passage", "passages")} looked at`),
    kept.length ? el("ol", { class: "rw-passages" }, kept.map(row)) : null,
    dropped.length
      ? el("details", { class: "rw-gone" }, el("summary", {}, `${all} dropped`), el("ul", { class: "rw-passages" }, dropped.map(row)),
          view.passages_hidden ? el("p", { class: "rw-quiet" }, `${view.passages_hidden} of them are not shown.`) : null)
      : null,
  ];
}

function row(one) {
  return el("li", { class: one.place === null ? "rw-dropped" : false },
    el("div", { class: "rw-passage-name", title: one.source }, one.place === null ? null : el("span", { class: "rw-passage-place" }, String(one.place)), one.name),
    el("dl", {}, one.scores.map(([stage, score]) => el("div", {}, el("dt", {}, stage), el("dd", {}, score)))),
    one.end ? el("p", {}, one.end) : null);
}
