// Changes of a document as pure functions: a document in, a document out. What a change does not touch stays the same object.
import type { ConnectionDoc, GroupDoc, NodeDoc, NodeType, NoteDoc, Point, WorkflowDocument } from "./types";
import { connectionKey } from "./types";

const ID_LENGTH = 24;

/** An id no other part has, made of a word: `rsi`, `rsi_2`. */
export function freeId(word: string, taken: ReadonlySet<string>): string {
  const base =
    word
      .toLowerCase()
      .replace(/[^a-z0-9_]+/g, "_")
      .replace(/^[^a-z_]+/, "")
      .slice(0, ID_LENGTH - 4) || "node";
  if (!taken.has(base)) return base;
  for (let number = 2; ; number++) if (!taken.has(`${base}_${number}`)) return `${base}_${number}`;
}

export const idsOf = (document: WorkflowDocument): Set<string> =>
  new Set([
    ...document.nodes.map((node) => node.id),
    ...(document.notes ?? []).map((note) => note.id),
    ...(document.groups ?? []).map((group) => group.id),
  ]);

/** A new node of a type: named after it, and numbered where that name stands already. */
export function newNode(document: WorkflowDocument, type: NodeType, position: Point, parent?: string | null): NodeDoc {
  const id = freeId(type.type.split(".")[1] ?? type.type, idsOf(document));
  const names = new Set(document.nodes.map((node) => node.name || node.id));
  let name = type.title;
  for (let number = 2; names.has(name); number++) name = `${type.title} ${number}`;
  return { id, type: type.type, name, position, config: {}, ...(parent ? { parent } : {}) };
}

export const addNodes = (document: WorkflowDocument, nodes: NodeDoc[]): WorkflowDocument => ({
  ...document,
  nodes: [...document.nodes, ...nodes],
});

export function changeNode(document: WorkflowDocument, id: string, change: Partial<NodeDoc>): WorkflowDocument {
  return { ...document, nodes: document.nodes.map((node) => (node.id === id ? { ...node, ...change } : node)) };
}

/** Moves nodes and notes to where they were put. */
export function place(document: WorkflowDocument, places: ReadonlyMap<string, Point>): WorkflowDocument {
  const moved = <T extends { id: string; position: Point }>(part: T): T => {
    const position = places.get(part.id);
    return position && (position.x !== part.position.x || position.y !== part.position.y)
      ? { ...part, position }
      : part;
  };
  return {
    ...document,
    nodes: document.nodes.map(moved),
    ...(document.notes ? { notes: document.notes.map(moved) } : {}),
  };
}

/** Why this connection cannot be drawn, as a key of the editor's words; null where it can. */
export function refusal(
  document: WorkflowDocument,
  wanted: ConnectionDoc,
  types: ReadonlyMap<string, NodeType>,
): string | null {
  const source = document.nodes.find((node) => node.id === wanted.source);
  const target = document.nodes.find((node) => node.id === wanted.target);
  if (!source || !target) return "connect.gone";
  if (source.id === target.id) return "connect.self";
  if (types.get(target.type)?.kind === "trigger") return "connect.trigger";
  const feedsBody = wanted.source_port === "item" && target.parent === source.id;
  if ((source.parent ?? null) !== (target.parent ?? null) && !feedsBody) return "connect.border";
  if (document.connections.some((each) => connectionKey(each) === connectionKey(wanted))) return "connect.twice";
  if (reaches(document, target.id, source.id)) return "connect.circle";
  return null;
}

/** Whether connections lead from one node to another. */
export function reaches(document: WorkflowDocument, from: string, to: string): boolean {
  const following = new Map<string, string[]>();
  for (const { source, target } of document.connections) {
    following.set(source, [...(following.get(source) ?? []), target]);
  }
  const seen = new Set([from]);
  const waiting = [from];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (node === to) return true;
    for (const next of following.get(node) ?? []) {
      if (!seen.has(next)) {
        seen.add(next);
        waiting.push(next);
      }
    }
  }
  return false;
}

/** Connects; an error output that is connected routes its errors from now on. */
export function connect(document: WorkflowDocument, wanted: ConnectionDoc): WorkflowDocument {
  const connected = { ...document, connections: [...document.connections, wanted] };
  return wanted.source_port === "error" ? changeNode(connected, wanted.source, { on_error: "route" }) : connected;
}

export const disconnect = (document: WorkflowDocument, keys: ReadonlySet<string>): WorkflowDocument => ({
  ...document,
  connections: document.connections.filter((each) => !keys.has(connectionKey(each))),
});

/** Takes parts out, with what hangs on them. A loop's body moves out of it. What ran through one node is joined again. */
export function remove(document: WorkflowDocument, ids: ReadonlySet<string>): WorkflowDocument {
  const parents = new Map(document.nodes.map((node) => [node.id, node.parent ?? null]));
  const outside = (parent: string | null): string | null => {
    let around = parent;
    while (around !== null && ids.has(around)) around = parents.get(around) ?? null;
    return around;
  };
  const nodes = document.nodes
    .filter((node) => !ids.has(node.id))
    .map((node) => (node.parent && ids.has(node.parent) ? { ...node, parent: outside(node.parent) } : node));
  const groups = (document.groups ?? [])
    .filter((group) => !ids.has(group.id))
    .map((group) =>
      group.nodes.some((id) => ids.has(id)) ? { ...group, nodes: group.nodes.filter((id) => !ids.has(id)) } : group,
    )
    .filter((group) => group.nodes.length > 0);
  return {
    ...document,
    nodes,
    connections: bridged(document, ids).filter(({ source, target }) => !ids.has(source) && !ids.has(target)),
    ...(document.notes ? { notes: document.notes.filter((note) => !ids.has(note.id)) } : {}),
    ...(document.groups ? { groups } : {}),
  };
}

/** The connections, and those that close the gap of each removed node with one way in and one way out by `main`. */
function bridged(document: WorkflowDocument, ids: ReadonlySet<string>): ConnectionDoc[] {
  let connections = document.connections;
  const parent = new Map(document.nodes.map((node) => [node.id, node.parent ?? null]));
  for (const id of ids) {
    const [before, ...moreBefore] = connections.filter((each) => each.target === id);
    const [after, ...moreAfter] = connections.filter((each) => each.source === id);
    if (!before || !after || moreBefore.length || moreAfter.length || after.source_port !== "main") continue;
    if (parent.get(before.source) !== parent.get(after.target)) continue;
    const joined = { ...after, source: before.source, source_port: before.source_port };
    if (connections.some((each) => connectionKey(each) === connectionKey(joined))) continue;
    connections = [...connections.filter((each) => each !== before && each !== after), joined];
  }
  return connections;
}

/** Puts a node into a connection: what led to the target leads to it now, and its first output leads on. */
export function insertInto(
  document: WorkflowDocument,
  connection: ConnectionDoc,
  node: NodeDoc,
  port: string | null,
): WorkflowDocument {
  const kept = document.connections.filter((each) => connectionKey(each) !== connectionKey(connection));
  const into = { ...connection, target: node.id };
  const on = port === null ? [] : [{ ...connection, source: node.id, source_port: port }];
  return { ...addNodes(document, [node]), connections: [...kept, into, ...on] };
}

export const addNote = (document: WorkflowDocument, note: NoteDoc): WorkflowDocument => ({
  ...document,
  notes: [...(document.notes ?? []), note],
});

export const changeNote = (document: WorkflowDocument, id: string, change: Partial<NoteDoc>): WorkflowDocument => ({
  ...document,
  notes: (document.notes ?? []).map((note) => (note.id === id ? { ...note, ...change } : note)),
});

/** A group around nodes; they leave the groups they stood in. */
export function addGroup(document: WorkflowDocument, group: GroupDoc): WorkflowDocument {
  const taken = new Set(group.nodes);
  const others = (document.groups ?? [])
    .map((each) => ({ ...each, nodes: each.nodes.filter((id) => !taken.has(id)) }))
    .filter((each) => each.nodes.length > 0);
  return { ...document, groups: [...others, group] };
}

export const changeGroup = (document: WorkflowDocument, id: string, change: Partial<GroupDoc>): WorkflowDocument => ({
  ...document,
  groups: (document.groups ?? []).map((group) => (group.id === id ? { ...group, ...change } : group)),
});
