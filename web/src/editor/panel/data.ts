// What a node sees and gives, as the panel shows it. Nothing here asks the server.
import { referenceTo } from "@/forms/insert";
import { isObject, type JsonSchema, resolved } from "@/forms/schema";
import type { Completion } from "@/forms/surroundings";
import type { NodeDoc, WorkflowDocument } from "../store/types";

/** What is known of a node's output, and where from. */
export type Known = {
  output: unknown;
  state: string;
  port: string | null;
  from: "run" | "pin" | "test";
  error?: { name: string; message: string } | null;
  duration_ms?: number | null;
};

/** What a turn of a loop is given. */
export type Turn = { item: unknown; index: number };

export type Source = {
  id: string;
  name: string;
  type: string;
  /** It leads into the node. The others stand further up. */
  direct: boolean;
};

const nameOf = (node: NodeDoc) => node.name || node.id;

/** The nodes whose outputs a node may name: what leads into it first, then the others by how near they stand. */
export function sourcesOf(document: WorkflowDocument, id: string): Source[] {
  const nodes = new Map(document.nodes.map((node) => [node.id, node]));
  const before = new Map<string, string[]>();
  for (const { source, target } of document.connections) before.set(target, [...(before.get(target) ?? []), source]);
  const parent = nodes.get(id)?.parent ?? null;
  const direct = new Set(before.get(id) ?? []);
  const found: Source[] = [];
  const seen = new Set([id]);
  let level = [...direct, ...(parent ? (before.get(parent) ?? []) : [])];
  while (level.length > 0) {
    const next: string[] = [];
    for (const each of level) {
      const node = nodes.get(each);
      if (!node || seen.has(each)) continue;
      seen.add(each);
      // The loop around gives its item, which has an entry of its own.
      if (each !== parent) found.push({ id: each, name: nameOf(node), type: node.type, direct: direct.has(each) });
      next.push(...(before.get(each) ?? []));
    }
    level = next;
  }
  return found;
}

/** The nodes a configuration names. */
export function namedIn(config: unknown): Set<string> {
  const found = new Set<string>();
  for (const [, id] of JSON.stringify(config ?? {}).matchAll(/\b(?:nodes|inputs)\.([a-z_][a-z0-9_]{0,23})/g))
    if (id) found.add(id);
  return found;
}

export type Branch = {
  key: string;
  /** As an expression names it. */
  source: string;
  kind: "text" | "number" | "boolean" | "null" | "list" | "object" | "unknown";
  value?: unknown;
  /** For a list: how long it is. */
  length?: number;
  help?: string;
  children: Branch[];
};

const MOST_CHILDREN = 60;
const DEEPEST = 6;

function kindOf(value: unknown): Branch["kind"] {
  if (value === null) return "null";
  if (Array.isArray(value)) return "list";
  if (typeof value === "object") return "object";
  if (typeof value === "number") return "number";
  if (typeof value === "boolean") return "boolean";
  return typeof value === "string" ? "text" : "unknown";
}

const describedAt = (schema: JsonSchema | undefined, root: JsonSchema, key: string): JsonSchema | undefined => {
  if (!schema) return undefined;
  const [part] = (schema.anyOf ?? [schema]).map((each) => resolved(each, root)).filter((each) => each.properties);
  const found = part?.properties?.[key];
  return found && resolved(found, root);
};

/** The fields of a value, with what the output's schema says of them. */
export function branchesOf(
  value: unknown,
  source: string,
  schema?: JsonSchema,
  root = schema ?? {},
  depth = 0,
): Branch[] {
  if (depth > DEEPEST) return [];
  const entries: [string | number, unknown][] = Array.isArray(value)
    ? value.slice(0, MOST_CHILDREN).map((each, index) => [index, each])
    : isObject(value)
      ? Object.entries(value).slice(0, MOST_CHILDREN)
      : [];
  return entries.map(([key, each]) => {
    const named = referenceTo(source, [key]);
    const about = typeof key === "number" ? undefined : describedAt(schema, root, key);
    return {
      key: String(key),
      source: named,
      kind: kindOf(each),
      value: each,
      ...(Array.isArray(each) ? { length: each.length } : {}),
      ...(about?.description ? { help: about.description } : {}),
      children: branchesOf(each, named, about, root, depth + 1),
    };
  });
}

const KINDS: Record<string, Branch["kind"]> = {
  string: "text",
  number: "number",
  integer: "number",
  boolean: "boolean",
  array: "list",
  object: "object",
  null: "null",
};

/** The fields an output will have, for a node that never ran. */
export function promisedOf(schema: JsonSchema, source: string, root = schema, depth = 0): Branch[] {
  if (depth > DEEPEST) return [];
  const whole = resolved(schema, root);
  const [part = whole] = (whole.anyOf ?? [whole])
    .map((each) => resolved(each, root))
    .filter((each) => each.type !== "null");
  return Object.entries(part.properties ?? {}).map(([key, each]) => {
    const field = resolved(each, root);
    const [only = field] = (field.anyOf ?? [field]).filter((one) => one.type !== "null");
    const named = referenceTo(source, [key]);
    return {
      key,
      source: named,
      kind: KINDS[String(resolved(only, root).type)] ?? (field.enum || field.const !== undefined ? "text" : "unknown"),
      ...(field.description ? { help: field.description } : {}),
      children: promisedOf(field, named, root, depth + 1),
    };
  });
}

/** Those whose key holds the words, and what leads to them. */
export function filtered(branches: Branch[], words: string): Branch[] {
  const wanted = words.trim().toLowerCase();
  if (wanted === "") return branches;
  return branches.flatMap((branch) => {
    if (branch.key.toLowerCase().includes(wanted)) return [branch];
    const children = filtered(branch.children, wanted);
    return children.length > 0 ? [{ ...branch, children }] : [];
  });
}

export type Table = { columns: string[]; rows: { key: string; cells: unknown[]; source: string }[]; total: number };
const MOST_ROWS = 100;

/** A value as a table: a row for each element of its longest list of objects, or a row a field. */
export function tableOf(value: unknown, source: string): Table {
  const lists: [string, unknown[]][] = Array.isArray(value)
    ? [[source, value]]
    : isObject(value)
      ? Object.entries(value)
          .filter((entry): entry is [string, unknown[]] => Array.isArray(entry[1]))
          .map(([key, list]): [string, unknown[]] => [referenceTo(source, [key]), list])
      : [];
  const [longest] = lists
    .filter(([, list]) => list.length > 0 && list.every(isObject))
    .sort((a, b) => b[1].length - a[1].length);
  if (longest) {
    const [at, list] = longest;
    const columns = [...new Set(list.slice(0, MOST_ROWS).flatMap((row) => Object.keys(row as object)))];
    const rows = list.slice(0, MOST_ROWS).map((row, index) => ({
      key: String(index),
      source: `${at}[${index}]`,
      cells: columns.map((column) => (row as Record<string, unknown>)[column]),
    }));
    return { columns, rows, total: list.length };
  }
  if (!isObject(value)) return { columns: [], rows: [{ key: "value", source, cells: [value] }], total: 1 };
  const entries = Object.entries(value);
  return {
    columns: [],
    rows: entries.map(([key, each]) => ({ key, source: referenceTo(source, [key]), cells: [each] })),
    total: entries.length,
  };
}

/** What an expression may name, for its completion. */
export function completionsOf(branches: Branch[], from: string): Completion[] {
  return branches.flatMap((branch) => [
    {
      label: branch.source,
      kind: "field" as const,
      detail: branch.value === undefined || typeof branch.value === "object" ? branch.kind : shown(branch.value),
      info: branch.help ?? from,
    },
    ...(branch.kind === "list" ? [] : completionsOf(branch.children, from)),
  ]);
}

const SHOWN = 60;
/** A value in a few letters. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return `[${value.length}]`;
  if (typeof value === "object" && value !== null) return "{…}";
  const text = typeof value === "number" ? String(Number(value.toPrecision(8))) : String(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}
