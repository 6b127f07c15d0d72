// Conversations, kept in this browser: one entry each, by knowledge base. Knows nothing of the page.

// Where a browser blocks site data, conversations last as long as the tab.
function shelf() {
  try {
    localStorage.getItem("ragweave.theme");
    return localStorage;
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

export const storage = shelf();
const KEPT = 50; // conversations in this browser
const TRACES = 5; // of each: the last turns keep theirs
export const page = { knowledge: null, conversation: fresh(), shown: null, running: null, heard: 0, replaces: "", uploading: null, settings: false, stopped: new Set() };

export function fresh() {
  return { id: crypto.randomUUID ? crypto.randomUUID() : String(Date.now()), at: Date.now(), turns: [] };
}

const prefix = () => `ragweave.${page.knowledge?.id ?? "base"}.`;

export function stored() {
  const found = [];
  for (let index = 0; index < storage.length; index++) {
    const key = storage.key(index);
    if (!key.startsWith(prefix())) continue;
    try {
      found.push(JSON.parse(storage.getItem(key)));
    } catch {
      storage.removeItem(key);
    }
  }
  return found.filter((one) => one?.turns?.length).sort((a, b) => b.at - a.at);
}

export function save() {
  const conversation = page.conversation;
  if (!conversation.turns.length) return;
  conversation.at = Date.now();
  const old = stored().filter((one) => one.id !== conversation.id).slice(KEPT - 1);
  for (const one of old) storage.removeItem(prefix() + one.id);
  try {
    const old = conversation.turns.length - TRACES;
    const turns = conversation.turns.map((turn, index) => (index < old ? { ...turn, trace: null } : turn));
    storage.setItem(prefix() + conversation.id, JSON.stringify({ ...conversation, turns }));
  } catch {
    const oldest = stored().filter((one) => one.id !== conversation.id).at(-1);
    if (oldest) {
      storage.removeItem(prefix() + oldest.id);
      save();
    }
  }
}

export function remove(conversation) {
  storage.removeItem(prefix() + conversation.id);
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
