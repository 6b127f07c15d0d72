// What the page shows, as DOM nodes. Everything that came from a person or a document becomes a text node:
// nothing here parses HTML.

const ICONS = {
  again: "M4 12a8 8 0 0 1 14-5.3L20 9M20 4v5h-5M20 12a8 8 0 0 1-14 5.3L4 15m0 5v-5h5",
  back: "M14 7l-5 5 5 5",
  check: "M5 12.5l4.5 4.5L19 7.5",
  chevron: "M7 10l5 5 5-5",
  close: "M6 6l12 12M18 6L6 18",
  copy: "M9 9h10v11H9zM15 9V4H5v11h4",
  down: "M7 4v10m0 0l4.5 6.5c1.6 0 2.3-1.2 2-2.6L12.8 15H19a1.8 1.8 0 0 0 1.8-2.2l-1.4-7A2.2 2.2 0 0 0 17.2 4H7zm0 0H3.5V4H7",
  layers: "M12 4l8.5 4.5L12 13 3.5 8.5zM3.5 12.5L12 17l8.5-4.5M3.5 16.5L12 21l8.5-4.5",
  menu: "M4 7h16M4 12h16M4 17h16",
  moon: "M20 14.5A8 8 0 1 1 9.5 4a6.5 6.5 0 0 0 10.5 10.5z",
  next: "M10 7l5 5-5 5",
  page: "M7 3h7l4 4v14H7zM14 3v4h4M10 12h5M10 16h5",
  plus: "M12 5v14M5 12h14",
  settings: "M4 8h9m5 0h2M4 16h2m5 0h9M15.5 5.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5zM8.5 13.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4",
  up: "M7 20V10m0 0l4.5-6.5c1.6 0 2.3 1.2 2 2.6L12.8 9H19a1.8 1.8 0 0 1 1.8 2.2l-1.4 7A2.2 2.2 0 0 1 17.2 20H7zm0 0H3.5v10H7",
};

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "rw-icon");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

export function iconButton(name, label, onclick, more = {}) {
  return el("button", { type: "button", class: "rw-icon-button", "aria-label": label, title: label, onclick, ...more }, icon(name));
}

// ---- the words of an answer: paragraphs, lists, code, bold, marks ----------------------------------------

// Statements that the sources do not support stand between these two, private to this page.
const DOUBT = ["\ue000", "\ue001"];

// Puts the two around each doubt; where one runs over lines, around its part of each line, behind a list's mark.
function doubtful(text, doubts) {
  const clean = text.replace(/[\ue000\ue001]/g, "\ufffd"); // from a document; as long as before
  let drawn = "";
  let position = 0;
  for (const { start, end } of doubts) {
    if (start < position || end <= start) continue;
    const said = clean.slice(start, end).split("\n").map((line) => {
      const [, before, words] = line.match(/^(\s*(?:[-*•]\s+|\d{1,3}[.)]\s+)?)(.*)$/);
      return !words.trim() || /^\s*\||^```/.test(line) ? line : before + DOUBT[0] + words + DOUBT[1];
    });
    drawn += clean.slice(position, start) + said.join("\n");
    position = end;
  }
  return drawn + clean.slice(position);
}

function inline(text, mark) {
  return text.split(DOUBT[0]).flatMap((part, index) => {
    if (!index) return plain(part, mark);
    const [doubt, rest] = part.split(DOUBT[1]);
    const unseen = el("span", { class: "rw-unseen" }, "Not supported by the sources: ");
    return [el("span", { class: "rw-doubt", title: "Not supported by the sources" }, unseen, plain(doubt, mark)), ...plain(rest ?? "", mark)];
  });
}

function plain(text, mark) {
  const nodes = [];
  const pattern = /\[(\d{1,2})\]|`([^`\n]+)`|\*\*([^*\n]+)\*\*/g;
  let position = 0;
  for (const match of text.matchAll(pattern)) {
    const before = text.slice(position, match.index);
    nodes.push(match[1] ? before.replace(/ $/, "\u00a0") : before); // a mark stays with its sentence
    if (match[1]) nodes.push(mark(Number(match[1])));
    else if (match[2]) nodes.push(el("code", {}, match[2]));
    else nodes.push(el("strong", {}, match[3]));
    position = match.index + match[0].length;
  }
  nodes.push(text.slice(position));
  return nodes;
}

export function prose(text, mark, doubts = []) {
  const blocks = [];
  for (const [index, part] of doubtful(text, doubts).split(/^```.*$/m).entries()) {
    if (index % 2) blocks.push(el("pre", { tabindex: "0" }, el("code", {}, part.replace(/^\n|\n$|[\ue000\ue001]/g, ""))));
    else blocks.push(...part.split(/\n\s*\n/).filter((one) => one.trim()).flatMap((one) => paragraph(one, mark)));
  }
  return blocks;
}

function table(lines, mark) {
  const rows = lines.map((line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim()));
  const body = rows.filter((row) => !row.every((cell) => /^:?-*:?$/.test(cell)));
  const row = (cells, kind) => el("tr", {}, cells.map((cell) => el(kind, {}, inline(cell, mark))));
  const head = rows.length > body.length ? el("thead", {}, row(body.shift(), "th")) : null;
  return el("div", { class: "rw-answer-table", tabindex: "0", role: "group", "aria-label": "Table" }, el("table", {}, [head, el("tbody", {}, body.map((cells) => row(cells, "td")))].filter(Boolean)));
}

function paragraph(text, mark) {
  const blocks = [];
  let list = null;
  const lines = text.trim().split("\n");
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index];
    if (/^\s*\|.*\|/.test(line)) {
      let end = index;
      while (end < lines.length && lines[end].trim().startsWith("|")) end++;
      const after = lines[end - 1].match(/\|((?:\s*\[\d+\])+)\s*$/); // the mark behind a quoted table
      if (after) lines[end - 1] = lines[end - 1].slice(0, after.index + 1);
      blocks.push(table(lines.slice(index, end), mark));
      if (after) blocks.push(el("p", {}, inline(after[1].trim(), mark)));
      index = end - 1;
      list = null;
      continue;
    }
    const item = line.match(/^\s*(?:([-*•])|(\d{1,3})[.)])\s+(.*)$/);
    const kind = item ? (item[1] ? "ul" : "ol") : "p";
    if (item) {
      if (!list || list.tagName.toLowerCase() !== kind) {
        list = el(kind, item[2] && item[2] !== "1" ? { start: item[2] } : {});
        blocks.push(list);
      }
      list.append(el("li", {}, inline(item[3], mark)));
    } else {
      const last = blocks.at(-1);
      if (last && last.tagName === "P") last.append(" ", ...inline(line.trim(), mark));
      else blocks.push(el("p", {}, inline(line.trim(), mark)));
      list = null;
    }
  }
  return blocks;
}

/** The line under an answer that its sources do not wholly support; it opens to what and why. */
export function doubtLine(doubts) {
  if (!doubts?.length) return null;
  const line = doubts.length === 1 ? "1 sentence is not supported by the sources." : `${doubts.length} sentences are not supported by the sources.`;
  return el("details", { class: "rw-doubts" }, el("summary", {}, line),
    el("ul", {}, doubts.map((one) => el("li", {}, `“${one.text}” `, el("span", { class: "rw-quiet" }, one.why)))));
}

// ---- sources -------------------------------------------------------------------------------------------

export function card(source, numbered = true) {
  return el(
    "li",
    { class: source.cited ? "rw-card rw-cited" : "rw-card", "data-number": source.number, tabindex: "-1" },
    el("div", { class: "rw-card-head" }, numbered ? el("span", { class: "rw-number" }, String(source.number)) : null, el("span", { class: "rw-card-title", title: source.source }, source.title)),
    el("div", { class: "rw-card-meta" }, el("span", { class: "rw-place" }, source.place || source.source), el("span", {}, source.date), score(source.score)),
    passage(source.parts),
  );
}

function score(value) {
  if (value === null || value === undefined) return null;
  const bar = el("span", { class: "rw-bar", "aria-hidden": "true" }, el("span", {}));
  bar.firstChild.style.inlineSize = `${Math.round(value * 100)}%`;
  const text = value.toFixed(2).replace(/^0/, "");
  return el("span", { class: "rw-score", title: "How well this passage fits the search, 0 to 1" }, bar, el("span", { class: "rw-score-value" }, el("span", { class: "rw-unseen" }, "score "), text));
}

// The words before the first quote are cut to its neighbourhood; the whole passage opens on request.
function passage(parts) {
  const quote = el("div", { class: "rw-passage" }, parts.map(([text, quoted]) => (quoted ? el("mark", {}, text) : text)));
  const whole = parts.map(([text]) => text).join("");
  if (whole.length <= 320) return quote;
  const short = el("div", { class: "rw-passage" }, clipped(parts));
  const more = el("button", { type: "button", class: "rw-more", "aria-expanded": "false" }, "Whole passage");
  const box = el("div", {}, short, more);
  more.addEventListener("click", () => {
    const open = more.getAttribute("aria-expanded") !== "true";
    more.setAttribute("aria-expanded", String(open));
    more.textContent = open ? "Less" : "Whole passage";
    box.replaceChild(open ? quote : short, box.firstChild);
  });
  return box;
}

function clipped(parts, around = 110, uncited = 260) {
  if (!parts.some(([, quoted]) => quoted)) {
    const text = parts.map(([one]) => one).join("");
    return [`${text.slice(0, uncited).replace(/\s+\S*$/, "")} …`];
  }
  const first = parts.findIndex(([, quoted]) => quoted);
  const last = parts.findLastIndex(([, quoted]) => quoted);
  return parts.slice(Math.max(0, first - 1), last + 2).map(([text, quoted], index, kept) => {
    if (quoted) return el("mark", {}, text);
    if (index === 0 && text.length > around) return `… ${text.slice(-around).replace(/^\S*\s/, "")}`;
    if (index === kept.length - 1 && text.length > around) return `${text.slice(0, around).replace(/\s+\S*$/, "")} …`;
    return text;
  });
}

export function cards(sources, numbered = true) {
  const cited = sources.filter((source) => source.cited);
  const others = sources.filter((source) => !source.cited);
  if (!cited.length) return [el("ol", { class: "rw-cards" }, others.map((one) => card(one, numbered)))];
  const rest = others.length
    ? el("details", { class: "rw-others" }, el("summary", {}, others.length === 1 ? "1 other passage was read" : `${others.length} other passages were read`), el("ol", { class: "rw-cards" }, others.map((one) => card(one, false))))
    : null;
  return [el("ol", { class: "rw-cards" }, cited.map((one) => card(one))), rest].filter(Boolean);
}

// ---- library -------------------------------------------------------------------------------------------

const count = (number, one, many) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

export function holds(knowledge) {
  const documents = count(knowledge.documents, "document", "documents");
  return knowledge.updated ? `${documents}, last updated ${knowledge.updated}` : documents;
}

export function library(knowledge) {
  if (!knowledge.documents) {
    return [el("h2", {}, "Library"), el("p", { class: "rw-quiet" }, "No documents yet. Add some with the plus button beside the question, or with ragweave ingest.")];
  }
  const rows = knowledge.sources.map((one) =>
    el("tr", {}, el("th", { scope: "row" }, el("span", { class: "rw-doc-title" }, one.title), el("span", { class: "rw-doc-source" }, one.source)), el("td", { class: "rw-number-cell" }, String(one.passages)), el("td", {}, one.changed || "–"), el("td", {}, one.added || "–")),
  );
  const hidden = knowledge.documents - knowledge.sources.length;
  return [
    el("h2", {}, "Library"),
    el("p", { class: "rw-quiet" }, `${holds(knowledge)}, ${count(knowledge.passages, "passage", "passages")} to search.`),
    el("div", { class: "rw-table", tabindex: "0", role: "region", "aria-label": "Documents" },
      el("table", {},
        el("thead", {}, el("tr", {}, ["Document", "Passages", "Changed", "Added"].map((name, index) => el("th", { scope: "col", class: index === 1 ? "rw-number-cell" : false }, name)))),
        el("tbody", {}, rows))),
    hidden > 0 ? el("p", { class: "rw-quiet" }, `And ${hidden.toLocaleString("en")} more: ragweave sources lists them all.`) : null,
  ].filter(Boolean);
}

// ---- receipt -------------------------------------------------------------------------------------------

export function receipt(event, onclose) {
  if (!event.finished) {
    const text = event.sending ? "Uploading" : event.current ? `Reading ${event.current}` : "Storing the files";
    const share = event.total ? Math.round((100 * event.done) / event.total) : 0;
    const bar = el("progress", { max: "100", value: String(share), "aria-label": "Documents read" });
    return [el("div", { class: "rw-receipt-line" }, el("span", {}, text), el("span", { class: "rw-quiet" }, `${event.done} of ${event.total}`)), bar];
  }
  const groups = [["Added", event.added], ["Updated", event.updated], ["Unchanged", event.unchanged]].filter(([, names]) => names.length);
  const heading = event.cutOff ? "The upload was cut off" : event.failed.length ? (groups.length ? "Some documents could not be added" : "Nothing could be added") : event.added.length + event.updated.length ? "Ready to be asked" : "Nothing new";
  return [
    el("div", { class: "rw-receipt-line" }, el("strong", {}, heading), iconButton("close", "Close the receipt", onclose)),
    el("ul", {}, groups.map(([name, names]) => el("li", {}, el("span", { class: "rw-quiet" }, `${name} `), names.join(", "))),
      event.failed.map((one) => el("li", { class: "rw-bad" }, el("strong", {}, one.name || "Upload"), " ", one.reason, " ", el("span", { class: "rw-quiet" }, one.remedy)))),
  ];
}
