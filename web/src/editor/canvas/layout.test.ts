import type { NodeDoc, WorkflowDocument } from "../store/types";
import { loopUnder, reparent } from "./dragging";
import { boxOf, inside, loopFrame } from "./geometry";
import { tidy } from "./layout";

const node = (id: string, x: number, y: number, parent?: string): NodeDoc => ({
  id,
  type: id === "loop" ? "utility.loop" : "market.history",
  position: { x, y },
  config: {},
  ...(parent ? { parent } : {}),
});
const wire = (source: string, target: string) => ({ source, source_port: "main", target, target_port: "main" });
const DOCUMENT: WorkflowDocument = {
  name: "W",
  nodes: [
    node("a", 300, 40),
    node("b", 300, 40),
    node("loop", 300, 40),
    node("in", 300, 40, "loop"),
    node("in2", 0, 0, "loop"),
  ],
  connections: [wire("a", "b"), wire("b", "loop"), wire("in", "in2")],
  settings: {},
};
const TYPES = new Map([["utility.loop", { kind: "loop" } as never]]);

test("tidied nodes stand in the order they feed each other, apart, on the grid, bodies below their loop", () => {
  const places = tidy(DOCUMENT, new Map());
  const tidied = {
    ...DOCUMENT,
    nodes: DOCUMENT.nodes.map((each) => ({ ...each, position: places.get(each.id) ?? each.position })),
  };
  const boxes = tidied.nodes.map((each) => boxOf(each, new Map()));
  for (const [i, a] of boxes.entries()) {
    expect(a.x % 20).toBe(0);
    for (const b of boxes.slice(i + 1)) {
      expect(a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y).toBe(true);
    }
  }
  const x = (id: string) => places.get(id)?.x ?? 0;
  expect(x("a")).toBeLessThan(x("b"));
  expect(x("b")).toBeLessThan(x("loop"));
  expect(x("in")).toBeLessThan(x("in2"));
  const loop = tidied.nodes[2] as NodeDoc;
  const frame = loopFrame(tidied, loop, new Map());
  expect(frame.y).toBeGreaterThanOrEqual(loop.position.y + 60);
  for (const id of ["in", "in2"]) expect(inside(places.get(id) ?? { x: 0, y: 0 }, frame)).toBe(true);
});

test("a node that is dropped on a loop's body stands in it, and one dragged off leaves it", () => {
  const document = { ...DOCUMENT, nodes: [node("a", 900, 900), node("loop", 0, 0), node("in", 0, 200, "loop")] };
  expect(loopUnder(document, TYPES, new Map(), { x: 100, y: 230 }, new Set())).toBe("loop");
  const into = { ...document, nodes: [node("a", 20, 210), ...document.nodes.slice(1)] };
  expect(reparent(document, into, new Set(["a"]), TYPES, new Map()).nodes[0]?.parent).toBe("loop");
  const off = { ...document, nodes: [...document.nodes.slice(0, 2), node("in", 900, 0, "loop")] };
  expect(reparent(document, off, new Set(["in"]), TYPES, new Map()).nodes[2]?.parent).toBeNull();
});
