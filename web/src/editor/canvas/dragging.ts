// What moves with what, and in which loop a node lands.
import type { NodeType, Point, WorkflowDocument } from "../store/types";
import { type FlowNode, FRAME_OF_LOOP } from "./flow";
import { boxOf, type Heights, inside, loopFrame } from "./geometry";

/** Ids of all nodes that stand in a loop, at any depth. */
function bodyOf(document: WorkflowDocument, loop: string): string[] {
  return document.nodes
    .filter((node) => node.parent === loop)
    .flatMap((node) => [node.id, ...bodyOf(document, node.id)]);
}

/** What moves along when this is dragged: a frame's nodes; a loop's body and its frame. */
function companions(document: WorkflowDocument, id: string): string[] {
  if (id.startsWith(FRAME_OF_LOOP)) {
    const body = bodyOf(document, id.slice(FRAME_OF_LOOP.length));
    return [...body, ...body.map((node) => FRAME_OF_LOOP + node)];
  }
  const group = document.groups?.find((each) => each.id === id);
  if (group) return group.nodes.flatMap((node) => [node, ...companions(document, node)]);
  const body = bodyOf(document, id);
  return [FRAME_OF_LOOP + id, ...body, ...body.map((node) => FRAME_OF_LOOP + node)];
}

/** Moves the companions of what is dragged by as much as it moved itself. */
export function withCompanions(
  nodes: FlowNode[],
  moved: ReadonlyMap<string, Point>,
  document: WorkflowDocument,
): FlowNode[] {
  const shifts = new Map<string, Point>();
  for (const node of nodes) {
    const to = moved.get(node.id);
    if (!to) continue;
    const shift = { x: to.x - node.position.x, y: to.y - node.position.y };
    if (shift.x === 0 && shift.y === 0) continue;
    for (const id of companions(document, node.id)) if (!moved.has(id)) shifts.set(id, shift);
  }
  if (shifts.size === 0) return nodes;
  return nodes.map((node) => {
    const shift = shifts.get(node.id);
    return shift ? { ...node, position: { x: node.position.x + shift.x, y: node.position.y + shift.y } } : node;
  });
}

/** The loop into whose body a dropped node goes: the innermost whose frame is under its middle. */
export function loopUnder(
  document: WorkflowDocument,
  types: ReadonlyMap<string, NodeType>,
  heights: Heights,
  middle: Point,
  dropped: ReadonlySet<string>,
): string | null {
  const under = document.nodes.filter(
    (node) =>
      types.get(node.type)?.kind === "loop" &&
      !dropped.has(node.id) &&
      inside(middle, loopFrame(document, node, heights)),
  );
  const innermost = under.find((loop) => !under.some((other) => other.parent === loop.id));
  return innermost?.id ?? null;
}

/** The document with the nodes that were dragged by themselves standing in the loops they were dropped on. */
export function reparent(
  before: WorkflowDocument,
  after: WorkflowDocument,
  dropped: ReadonlySet<string>,
  types: ReadonlyMap<string, NodeType>,
  heights: Heights,
): WorkflowDocument {
  let changed = false;
  const nodes = after.nodes.map((node) => {
    if (!dropped.has(node.id) || types.get(node.type)?.kind === "trigger") return node;
    const box = boxOf(node, heights);
    const middle = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    const loop = loopUnder(before, types, heights, middle, new Set([...dropped, ...bodyOf(before, node.id)]));
    if ((node.parent ?? null) === loop) return node;
    changed = true;
    return { ...node, parent: loop };
  });
  return changed ? { ...after, nodes } : after;
}
