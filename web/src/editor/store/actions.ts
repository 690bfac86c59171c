// What people do on the canvas: each one step of undo, on the document of the store.
import i18next from "i18next";
import { toast } from "@/ui/toast";
import { loopUnder } from "../canvas/dragging";
import { type Box, boxOf, GRID, gridPoint, heightOf, NODE_WIDTH, portsOf, usedPorts } from "../canvas/geometry";
import { viewport } from "../canvas/viewport";
import { asText, fromText, partsOf, paste } from "./clipboard";
import {
  addGroup,
  addNodes,
  addNote,
  changeGroup,
  changeNote,
  connect,
  disconnect,
  freeId,
  idsOf,
  newNode,
  place,
  refusal,
  remove,
} from "./edits";
import { addAt, firstPort, freeSpot } from "./placing";
import { edit, select, useEditor } from "./store";
import type { ConnectionDoc, NodeDoc, NodeType, Point, Tint, WorkflowDocument } from "./types";
import { type Place, placed, startWriting, useUi } from "./ui";

type Types = ReadonlyMap<string, NodeType>;
const word = (key: string, values?: Record<string, unknown>): string => i18next.t(`editor:${key}`, values ?? {});
const now = (): WorkflowDocument => useEditor.getState().document;
const chosen = (): ReadonlySet<string> => useEditor.getState().selected;
export const chosenNodes = (): NodeDoc[] => now().nodes.filter((node) => chosen().has(node.id));

/** The heights of cards, as the canvas draws them. */
function heightsOf(document: WorkflowDocument, types: Types): Map<string, number> {
  const used = usedPorts(document);
  return new Map(
    document.nodes.map((node) => [
      node.id,
      heightOf(portsOf(node, types.get(node.type), used.get(node.id) ?? []).length),
    ]),
  );
}

/** Adds what was chosen in the palette. Without a place it follows the one node that is selected. */
export function addFromPalette(type: NodeType, types: Types, given: Place | null): void {
  const [only, ...more] = chosenNodes();
  const port = only && firstPort(types.get(only.type), only);
  const wanted = given ?? (only && !more.length && port ? { after: { node: only.id, port } } : {});
  const added = addAt(now(), type, wanted, viewport.middle(), types);
  edit(() => added.document);
  select([added.node.id]);
  placed();
  requestAnimationFrame(() => viewport.makeVisible(added.node.id));
}

/** Puts a node where it was let go, into the loop that lies there. */
export function dropNode(type: NodeType, point: Point, types: Types): void {
  const document = now();
  const corner = gridPoint({ x: point.x - NODE_WIDTH / 2, y: point.y - heightOf(1) / 2 });
  const loop =
    type.kind === "trigger" ? null : loopUnder(document, types, heightsOf(document, types), point, new Set());
  const node = newNode(document, type, corner, loop);
  edit((before) => addNodes(before, [node]));
  select([node.id]);
}

/** Connects, or says why not. */
export function link(wanted: ConnectionDoc, types: Types): boolean {
  const why = refusal(now(), wanted, types);
  if (why !== null) {
    toast.failed(new Error(word(why)));
    return false;
  }
  edit((document) => connect(document, wanted));
  return true;
}

export const removeWire = (key: string): void => edit((document) => disconnect(document, new Set([key])));

/** Writes a note, or renames a group. */
export function changeNoteOf(
  id: string,
  change: { text?: string; name?: string; width?: number; height?: number },
): void {
  if (useUi.getState().editing === id) useUi.setState({ editing: null });
  const { name, ...note } = change;
  const document = now();
  const group = document.groups?.find((each) => each.id === id);
  if (group && name !== undefined && name !== group.name) edit((before) => changeGroup(before, id, { name }));
  const known = document.notes?.find((each) => each.id === id);
  if (known && Object.entries(note).some(([field, value]) => known[field as "text"] !== value)) {
    edit((before) => changeNote(before, id, note));
  }
}

export function tintSelected(tint: Tint): void {
  const ids = chosen();
  edit((document) => ({
    ...document,
    ...(document.notes ? { notes: document.notes.map((each) => (ids.has(each.id) ? { ...each, tint } : each)) } : {}),
    ...(document.groups
      ? { groups: document.groups.map((each) => (ids.has(each.id) ? { ...each, tint } : each)) }
      : {}),
  }));
}

export function deleteSelected(): void {
  const { selected, selectedConnections, opened } = useEditor.getState();
  if (selected.size === 0 && selectedConnections.size === 0) return;
  edit((document) => remove(disconnect(document, selectedConnections), selected));
  select([]);
  if (opened !== null && selected.has(opened)) useEditor.setState({ opened: null });
}

export function selectAll(): void {
  const { nodes, notes = [], groups = [] } = now();
  select([...nodes, ...notes, ...groups].map(({ id }) => id));
}

/** The selection as text for the clipboard; empty without one. */
export function copied(): string {
  const ids = chosen();
  return ids.size === 0 ? "" : asText(partsOf(now(), ids));
}

export function cut(): string {
  const text = copied();
  if (text) deleteSelected();
  return text;
}

/** Pastes into the middle of what is seen. Says so where the text holds no nodes. */
export function pasteText(text: string): void {
  const parts = fromText(text);
  if (parts === null) {
    toast.failed(new Error(word("paste.nothing")));
    return;
  }
  const pasted = paste(now(), parts, freeSpot(now(), viewport.middle()));
  edit(() => pasted.document);
  select(pasted.ids);
}

export function duplicate(): void {
  const document = now();
  const parts = partsOf(document, chosen());
  const positions = [...parts.nodes, ...parts.notes].map((part) => part.position);
  if (positions.length === 0) return;
  const corner = { x: Math.min(...positions.map((at) => at.x)), y: Math.min(...positions.map((at) => at.y)) };
  const pasted = paste(document, parts, freeSpot(document, { x: corner.x + 2 * GRID, y: corner.y + 2 * GRID }));
  edit(() => pasted.document);
  select(pasted.ids);
}

export function toggleDisabled(): void {
  const ids = chosen();
  const nodes = chosenNodes();
  if (nodes.length === 0) return;
  const disabled = !nodes.every((node) => node.disabled);
  edit((document) => ({
    ...document,
    nodes: document.nodes.map((node) => (ids.has(node.id) ? { ...node, disabled } : node)),
  }));
}

export function noteHere(): void {
  const document = now();
  const id = freeId("note", idsOf(document));
  const note = {
    id,
    text: "",
    position: gridPoint(viewport.middle()),
    width: 240,
    height: 120,
    tint: "yellow" as const,
  };
  edit((before) => addNote(before, note));
  select([id]);
  startWriting(id);
}

export function groupSelected(): void {
  const nodes = chosenNodes().map((node) => node.id);
  if (nodes.length === 0) return;
  const id = freeId("group", idsOf(now()));
  edit((document) => addGroup(document, { id, name: "", nodes, tint: "blue" }));
  select([id]);
  startWriting(id);
}

/** Takes the frames away of the selected groups, and of those whose nodes are selected. */
export function ungroup(): void {
  const ids = chosen();
  edit((document) => ({
    ...document,
    groups: (document.groups ?? []).filter((group) => !ids.has(group.id) && !group.nodes.some((node) => ids.has(node))),
  }));
}

export type Alignment = "left" | "middle" | "right" | "top" | "centre" | "bottom" | "columns" | "rows";

export function align(how: Alignment, types: Types): void {
  const nodes = chosenNodes();
  if (nodes.length < 2) return;
  const heights = heightsOf(now(), types);
  const boxes = nodes.map((node) => ({ id: node.id, ...boxOf(node, heights) }));
  edit((document) => place(document, aligned(boxes, how)));
}

/** Where boxes stand once they are in line, or spread evenly between the outermost. */
function aligned(boxes: (Box & { id: string })[], how: Alignment): Map<string, Point> {
  const right = Math.max(...boxes.map((box) => box.x + box.width));
  const bottom = Math.max(...boxes.map((box) => box.y + box.height));
  const left = Math.min(...boxes.map((box) => box.x));
  const top = Math.min(...boxes.map((box) => box.y));
  const put: Record<Exclude<Alignment, "columns" | "rows">, (box: Box) => Point> = {
    left: ({ y }) => ({ x: left, y }),
    middle: ({ y, width }) => ({ x: (left + right - width) / 2, y }),
    right: ({ y, width }) => ({ x: right - width, y }),
    top: ({ x }) => ({ x, y: top }),
    centre: ({ x, height }) => ({ x, y: (top + bottom - height) / 2 }),
    bottom: ({ x, height }) => ({ x, y: bottom - height }),
  };
  if (how !== "columns" && how !== "rows") return new Map(boxes.map((box) => [box.id, put[how](box)]));
  const axis = how === "columns" ? "x" : "y";
  const sorted = [...boxes].sort((a, b) => a[axis] - b[axis]);
  const first = sorted[0]?.[axis] ?? 0;
  const step = ((sorted.at(-1)?.[axis] ?? first) - first) / (sorted.length - 1);
  return new Map(sorted.map((box, position) => [box.id, { x: box.x, y: box.y, [axis]: first + position * step }]));
}

/** Lays the whole workflow out anew; its layout engine is loaded when first asked for. */
export async function tidyUp(types: Types): Promise<void> {
  const { tidy } = await import("../canvas/layout");
  edit((document) => place(document, tidy(document, heightsOf(document, types))));
  requestAnimationFrame(() => viewport.fit());
}

/** The neighbour a walk by keys comes to: along connections, or up and down. */
export function walk(way: "left" | "right" | "up" | "down"): void {
  const document = now();
  const from = chosenNodes()[0] ?? document.nodes[0];
  if (!from) return;
  const node = (id: string | undefined) => document.nodes.find((each) => each.id === id);
  const to = {
    right: () => node(document.connections.find((each) => each.source === from.id)?.target),
    left: () => node(document.connections.find((each) => each.target === from.id)?.source),
    up: () => nearest(document, from, -1),
    down: () => nearest(document, from, 1),
  }[way]();
  const next = chosenNodes().length === 0 ? from : to;
  if (!next) return;
  select([next.id]);
  viewport.makeVisible(next.id, true);
}

function nearest(document: WorkflowDocument, from: NodeDoc, way: 1 | -1): NodeDoc | undefined {
  const beyond = document.nodes.filter((each) => (each.position.y - from.position.y) * way > 0);
  const far = (each: NodeDoc) =>
    Math.abs(each.position.y - from.position.y) + 3 * Math.abs(each.position.x - from.position.x);
  return beyond.sort((a, b) => far(a) - far(b))[0];
}
