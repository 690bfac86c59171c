import { addGroup, connect, freeId, insertInto, newNode, refusal, remove } from "./edits";
import type { NodeDoc, NodeType, WorkflowDocument } from "./types";

const type = (name: string, kind: NodeType["kind"] = "task"): NodeType => ({
  type: name,
  version: 1,
  category: name.split(".")[0] ?? "",
  title: name,
  description: "",
  icon: "",
  tier: "basic",
  kind,
  effects: [],
  ports: [
    { name: "main", title: "Output" },
    { name: "error", title: "Error" },
  ],
  default_join: "any",
});
const TYPES = new Map(
  [type("trigger.manual", "trigger"), type("market.history"), type("utility.loop", "loop")].map((each) => [
    each.type,
    each,
  ]),
);
const node = (id: string, of = "market.history", parent?: string): NodeDoc => ({
  id,
  type: of,
  name: id,
  position: { x: 0, y: 0 },
  config: {},
  ...(parent ? { parent } : {}),
});
const wire = (source: string, target: string, source_port = "main") => ({
  source,
  source_port,
  target,
  target_port: "main",
});
const drawn = (nodes: NodeDoc[], ...wires: ReturnType<typeof wire>[]): WorkflowDocument => ({
  name: "W",
  nodes,
  connections: wires,
  settings: {},
});

test("ids fit the server's pattern and are never taken twice", () => {
  const taken = new Set(["rsi", "rsi_2"]);
  expect(freeId("RSI", taken)).toBe("rsi_3");
  for (const word of ["14 Ätna!", "", "a".repeat(60), "123"])
    expect(freeId(word, taken)).toMatch(/^[a-z_][a-z0-9_]{0,23}$/);
});

test("a second node of a type has a name and an id of its own", () => {
  const first = newNode(drawn([]), type("market.history"), { x: 0, y: 0 });
  const second = newNode(drawn([first]), type("market.history"), { x: 0, y: 0 });
  expect(second.id).toBe("history_2");
  expect(second.name).toBe("market.history 2");
});

test("what cannot be connected is refused with its reason", () => {
  const document = drawn(
    [
      node("start", "trigger.manual"),
      node("a"),
      node("b"),
      node("loop", "utility.loop"),
      node("body", "market.history", "loop"),
    ],
    wire("start", "a"),
    wire("a", "b"),
  );
  expect(refusal(document, wire("a", "a"), TYPES)).toBe("connect.self");
  expect(refusal(document, wire("a", "start"), TYPES)).toBe("connect.trigger");
  expect(refusal(document, wire("a", "b"), TYPES)).toBe("connect.twice");
  expect(refusal(document, wire("b", "a"), TYPES)).toBe("connect.circle");
  expect(refusal(document, wire("a", "body"), TYPES)).toBe("connect.border");
  expect(refusal(document, wire("a", "nowhere"), TYPES)).toBe("connect.gone");
  expect(refusal(document, wire("loop", "body", "item"), TYPES)).toBeNull();
  expect(refusal(document, wire("start", "b"), TYPES)).toBeNull();
});

test("connecting an error output routes the node's errors", () => {
  const made = connect(drawn([node("a"), node("b")]), wire("a", "b", "error"));
  expect(made.nodes[0]?.on_error).toBe("route");
});

test("a removed node's neighbours are joined, its loop's body moves out, its group loses it", () => {
  const document = addGroup(
    drawn([node("a"), node("b"), node("c"), node("in", "market.history", "b")], wire("a", "b"), wire("b", "c")),
    { id: "g", name: "", nodes: ["b", "c"], tint: "blue" },
  );
  const left = remove(document, new Set(["b"]));
  expect(left.connections).toEqual([wire("a", "c")]);
  expect(left.nodes.find(({ id }) => id === "in")?.parent).toBeNull();
  expect(left.groups?.[0]?.nodes).toEqual(["c"]);
  expect(remove(left, new Set(["c"])).groups).toEqual([]);
});

test("a node with two ways out is not bridged", () => {
  const document = drawn([node("a"), node("b"), node("c"), node("d")], wire("a", "b"), wire("b", "c"), wire("b", "d"));
  expect(remove(document, new Set(["b"])).connections).toEqual([]);
});

test("a node put into a connection carries it on", () => {
  const before = wire("a", "b", "true");
  const made = insertInto(drawn([node("a"), node("b")], before), before, node("new"), "main");
  expect(made.connections).toEqual([wire("a", "new", "true"), wire("new", "b")]);
});
