// Conversations, kept in this browser: one entry each, by knowledge base. Knows nothing of the page.

// Where a browser blocks site data, conversations last as long as the tab.
function shelf(open) {
  try {
    const there = open();
    there.getItem("ragweave.theme");
    return there;
  } catch {
    const kept = new Map();
    return {
      get length() { return kept.size; },
      key: (index) => [...kept.keys()][index],
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, value) => kept.set(key, value),
      removeItem: (key) => kept.delete(key),
    };
  }
}

export const storage = shelf(() => localStorage);
const tab = shelf(() => sessionStorage);
const OPEN = "ragweave.open"; // what stood in this tab
export const RUNNING = new Set(["working", "answering"]);
const KEPT = 50; // conversations in this browser
const TRACES = 5; // of each: the last turns keep theirs
export const page = { knowledge: null, conversation: fresh(), shown: null, running: null, heard: 0, silent: 0, replaces: "", uploading: null, settings: false, stopped: new Set(), stoppedAt: 0, forgotten: new Set(), draft: "", lost: false, cutOff: false };

export function fresh() {
  return { id: crypto.randomUUID ? crypto.randomUUID() : String(Date.now()), at: Date.now(), turns: [] };
}

// Nothing is kept before it is known for which base.
const key = (id = "") => `ragweave.${page.knowledge.id}.${id}`;

function read(name) {
  try {
    const one = JSON.parse(storage.getItem(name));
    return one?.turns?.length ? one : null;
  } catch {
    storage.removeItem(name);
    return null;
  }
}

export function stored() {
  if (!page.knowledge?.id) return [];
  const names = Array.from({ length: storage.length }, (_, index) => storage.key(index)).filter((name) => name.startsWith(key()));
  return names.map(read).filter(Boolean).sort((a, b) => b.at - a.at);
}

/** A conversation as it was last kept, in this tab or in another; null where it is not kept. */
export const find = (id) => (page.knowledge?.id ? read(key(id)) : null);

/** Take in what another tab has added to this conversation. Says whether there was anything. */
export function merge(conversation) {
  const own = new Set(conversation.turns.flatMap((turn) => [turn.id, turn.replaces]));
  const added = (find(conversation.id)?.turns ?? []).filter((turn) => !own.has(turn.id) && !RUNNING.has(turn.status));
  const replaced = new Set(added.map((turn) => turn.replaces));
  if (added.length) conversation.turns = [...conversation.turns.filter((turn) => !replaced.has(turn.id)), ...added].sort((a, b) => a.at - b.at);
  return added.length > 0;
}

export function save(conversation = page.conversation) {
  if (!conversation.turns.length || !page.knowledge?.id) return;
  merge(conversation);
  conversation.at = Date.now();
  const old = stored().filter((one) => one.id !== conversation.id).slice(KEPT - 1);
  for (const one of old) remove(one);
  try {
    const old = conversation.turns.length - TRACES;
    const turns = conversation.turns.map((turn, index) => (index < old ? { ...turn, trace: null } : turn));
    storage.setItem(key(conversation.id), JSON.stringify({ ...conversation, turns }));
  } catch {
    const oldest = stored().filter((one) => one.id !== conversation.id).at(-1);
    if (oldest) {
      remove(oldest);
      save(conversation);
    }
  }
}

export function remove(conversation) {
  storage.removeItem(key(conversation.id));
}

/** Whether a key of the storage is a conversation of this base. */
export const isOurs = (name) => Boolean(page.knowledge?.id && name?.startsWith(key()));

/** Keep what a reload of this tab would lose; Gradio reloads the page when a lost connection is back. */
export function leave(draft, uploading) {
  if (!page.knowledge?.id) return; // what was left before is not come back yet
  if (page.running) save();
  const { id } = page.conversation;
  tab.setItem(OPEN, JSON.stringify({ id, draft, uploading }));
}

/** What `leave` kept, once: the conversation as stored, the words in the box, whether files were under way. */
export function comeBack() {
  const text = tab.getItem(OPEN);
  tab.removeItem(OPEN);
  const { id = "", draft = "", uploading = false } = JSON.parse(text ?? "{}");
  return { conversation: find(id), draft, uploading };
}

// Questions to go on with: those that the base answers, of the sources just cited first.
export function followups(turn) {
  if (turn.status === "failed") return [];
  const asked = new Set(page.conversation.turns.map((one) => one.question.toLowerCase()));
  const near = new Set(turn.citations.map((one) => one.source));
  const open = (page.knowledge?.examples ?? []).filter((one) => !asked.has(one.question.toLowerCase()));
  const sorted = [...open.filter((one) => near.has(one.source)), ...open.filter((one) => !near.has(one.source))];
  return sorted.slice(0, turn.status === "abstained" ? 2 : 3).map((one) => one.question);
}
