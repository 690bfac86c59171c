import { expect, test } from "vitest";
import type { JsonSchema } from "@/forms/schema";
import type { WorkflowDocument } from "../store/types";
import { branchesOf, completionsOf, filtered, namedIn, promisedOf, sourcesOf, tableOf } from "./data";

const node = (id: string, more = {}) => ({
  id,
  type: "utility.formula",
  position: { x: 0, y: 0 },
  config: {},
  ...more,
});
const wire = (source: string, target: string, source_port = "main") => ({
  source,
  source_port,
  target,
  target_port: "main",
});

const DOCUMENT: WorkflowDocument = {
  name: "Test",
  settings: {},
  nodes: [
    node("start"),
    node("history", { name: "EURUSD H1" }),
    node("rsi"),
    node("aside"),
    node("loop"),
    node("body", { parent: "loop" }),
    node("after"),
  ],
  connections: [
    wire("start", "history"),
    wire("history", "rsi"),
    wire("rsi", "loop"),
    wire("loop", "body", "item"),
    wire("loop", "after", "done"),
  ],
};

test("what leads into a node comes first, then the others by how near they stand", () => {
  expect(sourcesOf(DOCUMENT, "rsi").map((each) => [each.id, each.name, each.direct])).toEqual([
    ["history", "EURUSD H1", true],
    ["start", "start", false],
  ]);
  expect(sourcesOf(DOCUMENT, "start")).toEqual([]);
});

test("inside a loop a node sees what stands before the loop, and not the loop itself", () => {
  expect(sourcesOf(DOCUMENT, "body").map((each) => each.id)).toEqual(["rsi", "history", "start"]);
  expect(sourcesOf(DOCUMENT, "after").map((each) => each.id)[0]).toBe("loop");
});

test("a circle in the drawing ends the search", () => {
  const round = { ...DOCUMENT, connections: [wire("rsi", "history"), wire("history", "rsi")] };
  expect(sourcesOf(round, "rsi").map((each) => each.id)).toEqual(["history"]);
});

test("the nodes that a configuration names", () => {
  expect([...namedIn({ a: "= nodes.rsi.value", deep: [{ b: "x {{ inputs.ma.value }}" }], c: "knowing.all" })]).toEqual([
    "rsi",
    "ma",
  ]);
  expect(namedIn(undefined).size).toBe(0);
});

const VALUE = {
  value: 25.8,
  positions: [{ ticket: 7 }, { ticket: 8 }],
  "content-type": "x",
  none: null,
  deep: { a: true },
};

test("each field is named as an expression names it", () => {
  const branches = branchesOf(VALUE, "nodes.rsi");
  expect(branches.map((each) => [each.source, each.kind])).toEqual([
    ["nodes.rsi.value", "number"],
    ["nodes.rsi.positions", "list"],
    ['nodes.rsi["content-type"]', "text"],
    ["nodes.rsi.none", "null"],
    ["nodes.rsi.deep", "object"],
  ]);
  expect(branches[1]?.length).toBe(2);
  expect(branches[1]?.children[1]?.children[0]?.source).toBe("nodes.rsi.positions[1].ticket");
});

test("a large output does not become a large tree", () => {
  const wide = branchesOf(
    Array.from({ length: 10_000 }, (_, index) => index),
    "nodes.x",
  );
  expect(wide.length).toBeLessThan(100);
});

const SCHEMA: JsonSchema = {
  $defs: { Bar: { type: "object", properties: { close: { type: "number", description: "The last price." } } } },
  properties: {
    last: { $ref: "#/$defs/Bar" },
    signal: { enum: ["up", "down"] },
    level: { anyOf: [{ type: "number" }, { type: "null" }] },
  },
};

test("a node that never ran promises the fields of its type", () => {
  const promised = promisedOf(SCHEMA, "nodes.bars");
  expect(promised.map((each) => [each.key, each.kind])).toEqual([
    ["last", "object"],
    ["signal", "text"],
    ["level", "number"],
  ]);
  expect(promised[0]?.children[0]).toMatchObject({ source: "nodes.bars.last.close", help: "The last price." });
  expect(branchesOf({ last: { close: 1.2 } }, "nodes.bars", SCHEMA)[0]?.children[0]?.help).toBe("The last price.");
});

test("a search keeps what leads to what it finds", () => {
  const found = filtered(branchesOf(VALUE, "nodes.rsi"), "TICK");
  expect(found.map((each) => each.key)).toEqual(["positions"]);
  expect(filtered(found, "nothing")).toEqual([]);
});

test("a list of objects is a table with a row each; anything else a row a field", () => {
  const table = tableOf(VALUE, "nodes.rsi");
  expect(table.columns).toEqual(["ticket"]);
  expect(table.rows.map((row) => [row.source, row.cells])).toEqual([
    ["nodes.rsi.positions[0]", [7]],
    ["nodes.rsi.positions[1]", [8]],
  ]);
  expect(tableOf({ a: 1 }, "nodes.x")).toMatchObject({ columns: [], rows: [{ source: "nodes.x.a", cells: [1] }] });
  expect(tableOf(3, "item")).toMatchObject({ rows: [{ source: "item", cells: [3] }], total: 1 });
});

test("completion offers every field with its value, lists as a whole", () => {
  const offered = completionsOf(branchesOf(VALUE, "nodes.rsi"), "RSI").map((each) => each.label);
  expect(offered).toContain("nodes.rsi.deep.a");
  expect(offered).toContain("nodes.rsi.positions");
  expect(offered).not.toContain("nodes.rsi.positions[0]");
});
