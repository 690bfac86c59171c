// Where a node's parts are. Sizes are known without measuring, so that what is off screen needs no element.
import type { GroupDoc, NodeDoc, NodeType, Point, WorkflowDocument } from "../store/types";

export const GRID = 20;
export const NODE_WIDTH = 200;
const NODE_HEIGHT = 60;
const PORT_HEIGHT = 20;
/** Room of a frame around the nodes in it, and for its name above them. */
export const FRAME_PADDING = 24;
export const FRAME_TITLE = 28;

export type Box = Point & { width: number; height: number };
export type PortDoc = { name: string; title: string };

const UNKNOWN: PortDoc[] = [{ name: "main", title: "Output" }];

/** The outputs that are shown: `error` where the node routes its errors. Connected ones a type has no more stay, marked. */
export function portsOf(node: NodeDoc, type: NodeType | undefined, connected: readonly string[] = []): PortDoc[] {
  const declared: PortDoc[] = type?.ports ?? UNKNOWN;
  const shown = declared.filter(
    ({ name }) => name !== "error" || node.on_error === "route" || connected.includes(name),
  );
  const lost = connected.filter((name) => !declared.some((port) => port.name === name));
  return [...shown, ...[...new Set(lost)].map((name) => ({ name, title: name }))];
}

/** The ports of each node from which a connection leads, once for each. */
export function usedPorts(document: WorkflowDocument): Map<string, string[]> {
  const used = new Map<string, string[]>();
  for (const { source, source_port } of document.connections) {
    used.set(source, [...(used.get(source) ?? []), source_port]);
  }
  return used;
}

export const heightOf = (ports: number): number => NODE_HEIGHT + Math.max(0, ports - 2) * PORT_HEIGHT;
export const portY = (position: number, ports: number): number => (heightOf(ports) * (position + 1)) / (ports + 1);

export const onGrid = (value: number): number => Math.round(value / GRID) * GRID;
export const gridPoint = ({ x, y }: Point): Point => ({ x: onGrid(x), y: onGrid(y) });

export function around(boxes: readonly Box[]): Box | null {
  if (boxes.length === 0) return null;
  const x = Math.min(...boxes.map((box) => box.x));
  const y = Math.min(...boxes.map((box) => box.y));
  const right = Math.max(...boxes.map((box) => box.x + box.width));
  const bottom = Math.max(...boxes.map((box) => box.y + box.height));
  return { x, y, width: right - x, height: bottom - y };
}

export type Heights = ReadonlyMap<string, number>;
export const boxOf = (node: NodeDoc, heights: Heights): Box => ({
  ...node.position,
  width: NODE_WIDTH,
  height: heights.get(node.id) ?? NODE_HEIGHT,
});

/** The frame around boxes, its name's line included. */
function frameAround(boxes: readonly Box[]): Box | null {
  const box = around(boxes);
  if (box === null) return null;
  return {
    x: box.x - FRAME_PADDING,
    y: box.y - FRAME_PADDING - FRAME_TITLE,
    width: box.width + 2 * FRAME_PADDING,
    height: box.height + 2 * FRAME_PADDING + FRAME_TITLE,
  };
}

/** The frame of a loop's body: around the nodes in it, or where its first one goes. Inner loops' frames are part of it. */
export function loopFrame(document: WorkflowDocument, loop: NodeDoc, heights: Heights): Box {
  const frame = frameAround(bodyBoxes(document, loop.id, heights));
  return frame ?? { x: loop.position.x, y: loop.position.y + 100, width: 240, height: 120 };
}

function bodyBoxes(document: WorkflowDocument, loop: string, heights: Heights): Box[] {
  return document.nodes
    .filter((node) => node.parent === loop)
    .flatMap((node) => {
      const inner = frameAround(bodyBoxes(document, node.id, heights));
      return inner ? [boxOf(node, heights), inner] : [boxOf(node, heights)];
    });
}

export function groupFrame(document: WorkflowDocument, group: GroupDoc, heights: Heights): Box | null {
  const members = new Set(group.nodes);
  return frameAround(document.nodes.filter((node) => members.has(node.id)).map((node) => boxOf(node, heights)));
}

export const inside = (point: Point, box: Box): boolean =>
  point.x >= box.x && point.x <= box.x + box.width && point.y >= box.y && point.y <= box.y + box.height;
