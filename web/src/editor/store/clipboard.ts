// Parts of a document as text, for the clipboard: between workflows, tabs and people.
import { around, type Box, boxOf, gridPoint } from "../canvas/geometry";
import { freeId, idsOf } from "./edits";
import type { ConnectionDoc, GroupDoc, NodeDoc, NoteDoc, Point, WorkflowDocument } from "./types";
import { asDocument } from "./types";

export type Parts = { nodes: NodeDoc[]; connections: ConnectionDoc[]; notes: NoteDoc[]; groups: GroupDoc[] };

/** The chosen nodes with the bodies of their loops, the connections among them, and the chosen notes and groups. */
export function partsOf(document: WorkflowDocument, chosen: ReadonlySet<string>): Parts {
  const taken = new Set(chosen);
  const groups = (document.groups ?? []).filter((group) => chosen.has(group.id));
  for (const group of groups) for (const id of group.nodes) taken.add(id);
  for (let before = -1; before !== taken.size; ) {
    before = taken.size;
    for (const node of document.nodes) if (node.parent && taken.has(node.parent)) taken.add(node.id);
  }
  return {
    nodes: document.nodes.filter((node) => taken.has(node.id)),
    connections: document.connections.filter(({ source, target }) => taken.has(source) && taken.has(target)),
    notes: (document.notes ?? []).filter((note) => chosen.has(note.id)),
    groups,
  };
}

export const asText = (parts: Parts): string => JSON.stringify({ tradeloom: 1, ...parts }, null, 2);

/** The parts in a text: of this clipboard, or a whole workflow document. Null for anything else. */
export function fromText(text: string): Parts | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null || !Array.isArray((value as { nodes?: unknown }).nodes)) return null;
  try {
    const document = asDocument(value);
    const sound = document.nodes.every((node) => typeof node.id === "string" && typeof node.type === "string");
    if (!sound) return null;
    const { nodes, connections, notes = [], groups = [] } = document;
    return { nodes, connections, notes, groups };
  } catch {
    return null;
  }
}

type Pasted = { document: WorkflowDocument; ids: string[] };

/** Puts parts into a document under ids of their own. What they say of one another, they go on saying. */
export function paste(document: WorkflowDocument, parts: Parts, at: Point): Pasted {
  const taken = idsOf(document);
  const renamed = new Map<string, string>();
  for (const { id } of [...parts.nodes, ...parts.notes, ...parts.groups]) {
    const fresh = freeId(id.replace(/_\d+$/, ""), taken);
    taken.add(fresh);
    renamed.set(id, fresh);
  }
  const boxes: Box[] = [
    ...parts.nodes.map((node) => boxOf(node, new Map())),
    ...parts.notes.map((note) => ({ ...note.position, width: note.width, height: note.height })),
  ];
  const corner = around(boxes) ?? { x: 0, y: 0 };
  const moved = ({ x, y }: Point): Point => gridPoint({ x: at.x + x - corner.x, y: at.y + y - corner.y });
  const now = (id: string): string => renamed.get(id) ?? id;
  const names = new Set(document.nodes.map((node) => node.name ?? ""));
  const nodes = parts.nodes.map((node) => ({
    ...node,
    id: now(node.id),
    name: freeName(node.name ?? "", names),
    position: moved(node.position),
    parent: node.parent && renamed.has(node.parent) ? now(node.parent) : null,
    config: renameIn(node.config, renamed) as Record<string, unknown>,
  }));
  const connections = parts.connections.map((each) => ({
    ...each,
    source: now(each.source),
    target: now(each.target),
  }));
  const notes = parts.notes.map((note) => ({ ...note, id: now(note.id), position: moved(note.position) }));
  const groups = parts.groups.map((group) => ({
    ...group,
    id: now(group.id),
    nodes: group.nodes.filter((id) => renamed.has(id)).map(now),
  }));
  return {
    document: {
      ...document,
      nodes: [...document.nodes, ...nodes],
      connections: [...document.connections, ...connections],
      ...(notes.length || document.notes ? { notes: [...(document.notes ?? []), ...notes] } : {}),
      ...(groups.length || document.groups ? { groups: [...(document.groups ?? []), ...groups] } : {}),
    },
    ids: [...nodes, ...notes, ...groups].map(({ id }) => id),
  };
}

function freeName(name: string, taken: Set<string>): string {
  if (name === "") return name;
  const base = name.replace(/ \(\d+\)$/, "");
  let free = name;
  for (let number = 2; taken.has(free); number++) free = `${base} (${number})`;
  taken.add(free);
  return free;
}

/** Follows new ids in expressions: `nodes.rsi` and `nodes["rsi"]`. Other text stays as it is. */
export function renameIn(value: unknown, renamed: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((each) => renameIn(each, renamed));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, renameIn(each, renamed)]));
  }
  if (typeof value !== "string") return value;
  const follow = (code: string): string =>
    code.replace(
      /\bnodes(\.|\[\s*["'])([a-z_][a-z0-9_]*)/g,
      (_all, link: string, id: string) => `nodes${link}${renamed.get(id) ?? id}`,
    );
  if (value.startsWith("=")) return follow(value);
  return value.replace(/\{\{.*?\}\}/gs, follow);
}
