// Tidy-up: columns by what feeds what, from left to right; each loop's body in its frame below the loop.
import dagre from "@dagrejs/dagre";
import type { NodeDoc, Point, WorkflowDocument } from "../store/types";
import { FRAME_PADDING, FRAME_TITLE, type Heights, heightOf, NODE_WIDTH, onGrid } from "./geometry";

const COLUMN_GAP = 60;
const ROW_GAP = 40;
const BODY_GAP = 20;

type Block = { width: number; height: number; places: Map<string, Point> };

/** Where each node goes; the top left corner of all stays where it was. */
export function tidy(document: WorkflowDocument, heights: Heights): Map<string, Point> {
  const { places } = scope(document, null, heights);
  const corner = (axis: "x" | "y", points: Iterable<Point>) => Math.min(...[...points].map((point) => point[axis]));
  const before = document.nodes.map((node) => node.position);
  const shift = {
    x: onGrid(corner("x", before) - corner("x", places.values())),
    y: onGrid(corner("y", before) - corner("y", places.values())),
  };
  return new Map([...places].map(([id, { x, y }]) => [id, { x: onGrid(x) + shift.x, y: onGrid(y) + shift.y }]));
}

/** One scope laid out from (0, 0), with the bodies of its loops. */
function scope(document: WorkflowDocument, parent: string | null, heights: Heights): Block {
  const members = document.nodes.filter((node) => (node.parent ?? null) === parent);
  const blocks = new Map(members.map((node) => [node.id, block(document, node, heights)]));
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: "LR", ranksep: COLUMN_GAP, nodesep: ROW_GAP, marginx: 0, marginy: 0 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const [id, { width, height }] of blocks) graph.setNode(id, { width, height });
  for (const { source, target } of document.connections) {
    if (source !== target && blocks.has(source) && blocks.has(target)) graph.setEdge(source, target);
  }
  if (members.length > 0) dagre.layout(graph);
  const places = new Map<string, Point>();
  let width = 0;
  let height = 0;
  for (const [id, made] of blocks) {
    const { x, y } = graph.node(id) as Point;
    const corner = { x: x - made.width / 2, y: y - made.height / 2 };
    for (const [inner, at] of made.places) places.set(inner, { x: corner.x + at.x, y: corner.y + at.y });
    width = Math.max(width, corner.x + made.width);
    height = Math.max(height, corner.y + made.height);
  }
  return { width, height, places };
}

function block(document: WorkflowDocument, node: NodeDoc, heights: Heights): Block {
  const own = heights.get(node.id) ?? heightOf(1);
  if (!document.nodes.some((each) => each.parent === node.id)) {
    return { width: NODE_WIDTH, height: own, places: new Map([[node.id, { x: 0, y: 0 }]]) };
  }
  const body = scope(document, node.id, heights);
  const top = own + BODY_GAP + FRAME_PADDING + FRAME_TITLE;
  const places = new Map([[node.id, { x: FRAME_PADDING, y: 0 }]]);
  for (const [id, { x, y }] of body.places) places.set(id, { x: FRAME_PADDING + x, y: top + y });
  return {
    width: Math.max(NODE_WIDTH, body.width) + 2 * FRAME_PADDING,
    height: top + body.height + FRAME_PADDING,
    places,
  };
}
