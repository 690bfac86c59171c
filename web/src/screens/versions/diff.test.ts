import { describe, expect, test } from "vitest";
import type { NodeDoc, WorkflowDocument } from "@/editor/store/types";
import { changesOf, diffOf, isEmpty, marksOf, same, shown, together } from "./diff";

const node = (id: string, more: Partial<NodeDoc> = {}): NodeDoc => ({
  id,
  type: "indicator.rsi",
  name: id.toUpperCase(),
  position: { x: 0, y: 0 },
  config: { period: 14 },
  ...more,
});
const wire = (source: string, target: string, source_port = "main") => ({
  source,
  source_port,
  target,
  target_port: "main",
});
const document = (more: Partial<WorkflowDocument> = {}): WorkflowDocument => ({
  name: "n",
  nodes: [node("a"), node("b")],
  connections: [wire("a", "b")],
  settings: { timeout_s: 60 },
  ...more,
});

test("a document does not differ from itself, whatever the order of its keys", () => {
  const turned = JSON.parse(JSON.stringify(document()), (_key, value) =>
    value && typeof value === "object" && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).reverse())
      : value,
  );
  const diff = diffOf(document(), turned);
  expect(isEmpty(diff)).toBe(true);
  expect(diff.moved).toEqual([]);
});

test("a node that only lies elsewhere is moved, not changed", () => {
  const diff = diffOf(document(), document({ nodes: [node("a", { position: { x: 40, y: 0 } }), node("b")] }));
  expect(isEmpty(diff)).toBe(true);
  expect(diff.moved).toEqual(["a"]);
});

test("nodes that came, went and changed are told with the values that differ", () => {
  const after = document({
    nodes: [node("a", { config: { period: 20, source: "open" }, disabled: true }), node("c")],
    connections: [wire("a", "c", "true")],
  });
  const diff = diffOf(document(), after);
  expect(diff.nodes).toEqual([
    {
      id: "a",
      name: "A",
      type: "indicator.rsi",
      kind: "changed",
      changes: [
        { path: "config.period", before: 14, after: 20 },
        { path: "config.source", before: undefined, after: "open" },
        { path: "disabled", before: undefined, after: true },
      ],
    },
    { id: "c", name: "C", type: "indicator.rsi", kind: "added", changes: [] },
    { id: "b", name: "B", type: "indicator.rsi", kind: "removed", changes: [] },
  ]);
  expect(diff.connections.map(({ kind, connection }) => [kind, connection.source_port, connection.target])).toEqual([
    ["added", "true", "c"],
    ["removed", "main", "b"],
  ]);
});

test("what differs from one side is told the other way round from the other", () => {
  const one = document();
  const other = document({ nodes: [node("a", { config: { period: 9 } })], connections: [], name: "m" });
  const there = diffOf(one, other);
  const back = diffOf(other, one);
  const turn = { added: "removed", removed: "added", changed: "changed" } as const;
  const plain = (diff: typeof there) => diff.nodes.map(({ id, kind }) => `${id} ${kind}`).sort();
  expect(plain(back)).toEqual(there.nodes.map(({ id, kind }) => `${id} ${turn[kind]}`).sort());
  expect(back.workflow).toEqual(
    there.workflow.map(({ path, before, after }) => ({ path, before: after, after: before })),
  );
});

test("name, description and settings are the workflow's", () => {
  const after = document({ name: "m", description: "d", settings: { timeout_s: 90 } });
  expect(diffOf(document(), after).workflow).toEqual([
    { path: "description", before: "", after: "d" },
    { path: "name", before: "n", after: "m" },
    { path: "settings.timeout_s", before: 60, after: 90 },
  ]);
});

describe("both in one picture", () => {
  const before = document();
  const after = document({ nodes: [node("a"), node("c")], connections: [wire("a", "c")] });
  const diff = diffOf(before, after);

  test("what was removed is still drawn", () => {
    const both = together(before, after, diff);
    expect(both.nodes.map(({ id }) => id)).toEqual(["a", "c", "b"]);
    expect(both.connections).toEqual([wire("a", "c"), wire("a", "b")]);
  });

  test("and marked as what it is", () => {
    const [nodes, edges] = marksOf(diff);
    expect(nodes).toEqual({ b: { change: "removed" }, c: { change: "added" } });
    expect(edges).toEqual({ "a.main→c": { change: "added" }, "a.main→b": { change: "removed" } });
  });
});

describe("values", () => {
  test.each([
    [{ a: 1 }, { a: 1 }, true],
    [{ a: 1, b: undefined }, { a: 1 }, true],
    [[1, 2], [2, 1], false],
    [{ a: [] }, { a: {} }, false],
    [null, undefined, false],
    [0, "0", false],
    [Number.NaN, Number.NaN, true],
  ])("%j and %j", (one, other, equal) => {
    expect(same(one, other)).toBe(equal);
    expect(same(other, one)).toBe(equal);
  });

  test("lists are compared as a whole", () => {
    expect(changesOf({ a: [1, 2] }, { a: [1, 3] })).toEqual([{ path: "a", before: [1, 2], after: [1, 3] }]);
  });

  test.each([
    ["", null],
    [null, null],
    [undefined, null],
    ["= nodes.a.value", "= nodes.a.value"],
    [false, "false"],
    [{ x: 1 }, '{"x":1}'],
  ])("%j is shown as %j", (value, text) => {
    expect(shown(value)).toBe(text);
  });
});
