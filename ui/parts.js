// The parts that Gradio puts up, found by id and filled, and the one line that is said aloud.

const PARTS = ["rw-nav", "rw-conversations", "rw-main", "rw-thread", "rw-composer", "rw-upload", "rw-question", "rw-send", "rw-stop", "rw-sources", "rw-library", "rw-history", "rw-turn", "rw-cards", "rw-trace", "rw-receipt"];
const looks = new WeakMap(); // what a part was drawn from

export const at = (id) => document.getElementById(id);
export const button = (id) => (at(id)?.matches("button") ? at(id) : at(id)?.querySelector("button"));
/** The box that questions are typed in. */
export const question = () => at("rw-question")?.querySelector("textarea");
/** Gradio may put up its parts in any order; nothing is drawn before all stand. */
export const stand = () => PARTS.every(at) && Boolean(question());

/** Put words into one of Gradio's boxes, as if they were typed. */
export function fill(id, text) {
  const box = at(id)?.querySelector("textarea, input");
  if (!box) return;
  const kind = box instanceof HTMLTextAreaElement ? HTMLTextAreaElement : HTMLInputElement;
  Object.getOwnPropertyDescriptor(kind.prototype, "value").set.call(box, text);
  box.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Tell of each value that comes through a hidden channel. */
export function listen(id, take) {
  let last = "";
  const look = () => {
    const text = at(id)?.querySelector("[data-json]")?.dataset.json;
    if (text && text !== last) {
      last = text;
      take(JSON.parse(text));
    }
  };
  new MutationObserver(look).observe(at(id), { childList: true, subtree: true, attributes: true });
}

/** A part of the frame is drawn anew only when it would look different: focus and scrolling stay. */
export function redraw(node, look, make) {
  if (looks.get(node) === look) return;
  looks.set(node, look);
  node.replaceChildren(...make().filter(Boolean));
}

/** Said aloud to those who do not see the page. */
export function say(text) {
  at("rw-status").textContent = text;
}
