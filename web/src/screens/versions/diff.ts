// How two documents of a workflow differ: what a trader would call a change. Places on the canvas are none.
import type { EdgeMark, NodeMark } from "@/editor/canvas/marks";
import { type ConnectionDoc, connectionKey, type NodeDoc, type WorkflowDocument } from "@/editor/store/types";
import { isObject } from "@/forms/schema";

/** One value. `path` is dotted, as errors name fields; `undefined` where there is none. */
export type Change = { path: string; before: unknown; after: unknown };
export type NodeChange = {
  id: string;
  name: string;
  type: string;
  kind: "added" | "removed" | "changed";
  /** Of a changed node only. */
  changes: Change[];
};
export type Diff = {
  nodes: NodeChange[];
  connections: { connection: ConnectionDoc; kind: "added" | "removed" }[];
  /** Name, description, settings. */
  workflow: Change[];
  /** Nodes that only lie elsewhere. */
  moved: string[];
};

/** Equal as JSON, whatever the order of keys. */
export function same(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((value, at) => same(value, other[at]));
  }
  if (!isObject(one) || !isObject(other)) return false;
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...keys].every((key) => same(one[key], other[key]));
}

/** Every value that differs, by its path. Lists are compared as a whole: places in them are no names. */
export function changesOf(before: unknown, after: unknown, path = ""): Change[] {
  if (same(before, after)) return [];
  if (!isObject(before) || !isObject(after)) return [{ path, before, after }];
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return keys.flatMap((key) => changesOf(before[key], after[key], path ? `${path}.${key}` : key));
}

function nodeChange(before: NodeDoc, after: NodeDoc): Change[] {
  const { position: _was, ...old } = before;
  const { position: _is, ...now } = after;
  return changesOf(old, now);
}

const named = ({ id, name, type }: NodeDoc) => ({ id, name: name || id, type });

export function diffOf(before: WorkflowDocument, after: WorkflowDocument): Diff {
  const old = new Map(before.nodes.map((node) => [node.id, node]));
  const now = new Map(after.nodes.map((node) => [node.id, node]));
  const nodes: NodeChange[] = [];
  const moved: string[] = [];
  for (const node of after.nodes) {
    const was = old.get(node.id);
    if (was === undefined) {
      nodes.push({ ...named(node), kind: "added", changes: [] });
      continue;
    }
    const changes = nodeChange(was, node);
    if (changes.length > 0) nodes.push({ ...named(node), kind: "changed", changes });
    else if (!same(was.position, node.position)) moved.push(node.id);
  }
  for (const node of before.nodes) {
    if (!now.has(node.id)) nodes.push({ ...named(node), kind: "removed", changes: [] });
  }
  return { nodes, connections: connectionsOf(before, after), workflow: workflowChanges(before, after), moved };
}

/** Of a node, a connection from one port to another is what a person sees: the whole of it is its name. */
const wire = (connection: ConnectionDoc): string => `${connectionKey(connection)}.${connection.target_port}`;

function connectionsOf(before: WorkflowDocument, after: WorkflowDocument): Diff["connections"] {
  const old = new Set(before.connections.map(wire));
  const now = new Set(after.connections.map(wire));
  return [
    ...after.connections
      .filter((each) => !old.has(wire(each)))
      .map((connection) => ({ connection, kind: "added" as const })),
    ...before.connections
      .filter((each) => !now.has(wire(each)))
      .map((connection) => ({ connection, kind: "removed" as const })),
  ];
}

function workflowChanges(before: WorkflowDocument, after: WorkflowDocument): Change[] {
  const shown = ({ name, description, settings }: WorkflowDocument) => ({
    name,
    description: description ?? "",
    settings,
  });
  return changesOf(shown(before), shown(after));
}

/** Both documents in one: what was removed stays where it lay, so that it can be seen. */
export function together(before: WorkflowDocument, after: WorkflowDocument, diff: Diff): WorkflowDocument {
  const gone = new Set(diff.nodes.filter(({ kind }) => kind === "removed").map(({ id }) => id));
  const cut = diff.connections.filter(({ kind }) => kind === "removed").map(({ connection }) => connection);
  const kept = new Set(after.connections.map(connectionKey));
  return {
    ...after,
    nodes: [...after.nodes, ...before.nodes.filter(({ id }) => gone.has(id))],
    connections: [...after.connections, ...cut.filter((connection) => !kept.has(connectionKey(connection)))],
  };
}

export function marksOf(diff: Diff): [Record<string, NodeMark>, Record<string, EdgeMark>] {
  return [
    Object.fromEntries(diff.nodes.map(({ id, kind }) => [id, { change: kind }])),
    Object.fromEntries(diff.connections.map(({ connection, kind }) => [connectionKey(connection), { change: kind }])),
  ];
}

export const isEmpty = (diff: Diff): boolean =>
  diff.nodes.length + diff.connections.length + diff.workflow.length === 0;

/** A value as a person reads it in one line. */
export function shown(value: unknown): string | null {
  if (value === undefined || value === null || value === "") return null;
  return typeof value === "string" ? value : JSON.stringify(value);
}
