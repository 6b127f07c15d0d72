// Switches for the steps of the chain, in the place of the conversations. What was switched stays in this
// browser; a step that the server no longer knows is forgotten.
import { el, icon } from "./draw.js";
import { page, storage } from "./conversations.js";

const SWITCHED = "ragweave.steps"; // {name: on} where it differs from the server's own choice
let changed = () => {};

const known = () => page.knowledge?.steps ?? [];

function switched() {
  try {
    const given = JSON.parse(storage.getItem(SWITCHED) ?? "{}");
    return Object.fromEntries(known().filter((one) => !one.needs && typeof given?.[one.name] === "boolean" && given[one.name] !== one.on).map((one) => [one.name, given[one.name]]));
  } catch {
    return {};
  }
}

const isOn = (one) => switched()[one.name] ?? one.on;

/** What goes along with a question: the steps to leave out; undefined where nothing was switched. */
export function without() {
  return Object.keys(switched()).length ? known().filter((one) => !one.needs && !isOn(one)).map((one) => one.name) : undefined;
}

export function onSwitch(tell) {
  changed = tell;
}

function keep(changes) {
  storage.setItem(SWITCHED, JSON.stringify(changes));
}

// ---- drawing -------------------------------------------------------------------------------------------

/** The button that opens the settings; null where there is nothing to set. */
export function settingsButton(open) {
  if (!known().length) return null;
  const number = Object.keys(switched()).length;
  return el("button", { type: "button", class: "rw-settings-button", onclick: open }, icon("settings"), "Settings",
    number ? el("span", { class: "rw-quiet" }, `${number} switched`) : null, icon("next"));
}

/** The panel of switches; `back` leaves it. */
export function settings(back) {
  const all = known(); // as drawn here, whatever the server says later
  const reset = el("button", { type: "button", class: "rw-more", hidden: !Object.keys(switched()).length, onclick: () => {
    keep({});
    for (const [index, input] of [...list.querySelectorAll("input")].entries()) input.checked = all[index].on;
    reset.hidden = true;
    list.querySelector("input:enabled").focus();
    changed("All steps are as they were at first.");
  } }, "As at first");
  const list = el("ul", { class: "rw-switches" }, all.map((one) => line(one, reset)));
  return [
    el("button", { type: "button", class: "rw-back", onclick: back }, icon("back"), "Conversations"),
    el("h2", { class: "rw-panel-title" }, "Steps"),
    el("p", { class: "rw-quiet rw-settings-note" }, "What a question goes through. A switch counts from the next question on; the trace shows its effect."),
    list,
    reset,
  ];
}

function line(one, reset) {
  const id = `rw-step-${one.name}`;
  const input = el("input", { type: "checkbox", role: "switch", id, disabled: Boolean(one.needs), "aria-describedby": `${id}-text`, onchange: () => {
    keep({ ...switched(), [one.name]: input.checked });
    reset.hidden = !Object.keys(switched()).length;
    changed(`${one.name} is ${input.checked ? "on" : "off"}.`);
  } });
  input.checked = isOn(one);
  return el("li", { class: one.needs ? "rw-lacking" : false }, el("div", { class: "rw-switch" }, el("label", { for: id }, one.name), input), el("p", { id: `${id}-text`, class: "rw-quiet" }, one.needs ? `${one.text} ${one.needs}` : one.text));
}
