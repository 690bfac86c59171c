// Where new nodes go.
import { type Box, gridPoint, heightOf, NODE_WIDTH, portsOf } from "../canvas/geometry";
import { addNodes, connect, insertInto, newNode, place, reaches, refusal } from "./edits";
import type { ConnectionDoc, NodeDoc, NodeType, Point, WorkflowDocument } from "./types";
import { connectionKey } from "./types";
import type { Place } from "./ui";

/** From one column to the next, and from one row to the next. */
const COLUMN = 260;
const ROW = 100;
const CLEAR = 10;

const boxAt = ({ x, y }: Point): Box => ({ x, y, width: NODE_WIDTH, height: heightOf(2) });
const overlap = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width + CLEAR &&
  b.x < a.x + a.width + CLEAR &&
  a.y < b.y + b.height + CLEAR &&
  b.y < a.y + a.height + CLEAR;

/** The nearest place downwards where no node stands yet. */
export function freeSpot(document: WorkflowDocument, wanted: Point): Point {
  const spot = gridPoint(wanted);
  while (document.nodes.some((node) => overlap(boxAt(node.position), boxAt(spot)))) spot.y += ROW;
  return spot;
}

export type Added = { document: WorkflowDocument; node: NodeDoc };

/** A node of this type where it was asked for: after an output, in a connection, or at a point. */
export function addAt(
  document: WorkflowDocument,
  type: NodeType,
  wanted: Place,
  middle: Point,
  types: ReadonlyMap<string, NodeType>,
): Added {
  if (wanted.into !== undefined) {
    const connection = document.connections.find((each) => connectionKey(each) === wanted.into);
    if (connection && type.kind !== "trigger") return into(document, type, connection);
  }
  const source = wanted.after && document.nodes.find((node) => node.id === wanted.after?.node);
  if (wanted.after && source && type.kind !== "trigger") {
    return after(document, type, source, wanted.after.port, wanted.at, types);
  }
  const node = newNode(document, type, freeSpot(document, wanted.at ?? middle));
  return { document: addNodes(document, [node]), node };
}

function after(
  document: WorkflowDocument,
  type: NodeType,
  source: NodeDoc,
  port: string,
  at: Point | undefined,
  types: ReadonlyMap<string, NodeType>,
): Added {
  const inBody = port === "item";
  const beside = inBody
    ? { x: source.position.x, y: source.position.y + 2 * ROW }
    : { x: source.position.x + COLUMN, y: source.position.y };
  const spot = freeSpot(document, at ?? beside);
  const node = newNode(document, type, spot, inBody ? source.id : source.parent);
  const added = addNodes(document, [node]);
  const wanted = { source: source.id, source_port: port, target: node.id, target_port: "main" };
  return { document: refusal(added, wanted, types) === null ? connect(added, wanted) : added, node };
}

/** In between; what follows moves on where there is no room. */
function into(document: WorkflowDocument, type: NodeType, connection: ConnectionDoc): Added {
  const source = document.nodes.find((node) => node.id === connection.source);
  const target = document.nodes.find((node) => node.id === connection.target);
  const from = source?.position ?? { x: 0, y: 0 };
  const to = target?.position ?? from;
  const room = to.x - from.x >= 2 * COLUMN - 40;
  const position = room ? { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 } : { x: from.x + COLUMN, y: to.y };
  const inBody = connection.source_port === "item" && target?.parent === source?.id;
  const parent = inBody ? target?.parent : source?.parent;
  const node = newNode(document, type, gridPoint(position), parent);
  const port = firstPort(type, node);
  let made = insertInto(document, connection, node, port);
  if (!room) {
    const later = made.nodes.filter(({ id }) => id !== node.id && reaches(made, node.id, id));
    const shift = from.x + 2 * COLUMN - to.x;
    made = place(
      made,
      new Map(later.map(({ id, position }) => [id, { x: position.x + Math.max(0, shift), y: position.y }])),
    );
  }
  return { document: made, node };
}

/** The output that leads on when nobody says which. */
export const firstPort = (type: NodeType | undefined, node: NodeDoc): string | null =>
  portsOf(node, type)[0]?.name ?? null;
