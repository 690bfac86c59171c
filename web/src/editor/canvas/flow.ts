// A document as React Flow draws it. What did not change stays the same object, so that React Flow leaves it alone.
import { type Edge, type Node, Position } from "@xyflow/react";
import type { ConnectionDoc, NodeDoc, NodeType, NoteDoc, WorkflowDocument } from "../store/types";
import { connectionKey } from "../store/types";
import {
  type Box,
  groupFrame,
  heightOf,
  loopFrame,
  NODE_WIDTH,
  type PortDoc,
  portsOf,
  portY,
  usedPorts,
} from "./geometry";

export type CardData = {
  node: NodeDoc;
  type: NodeType | undefined;
  ports: PortDoc[];
  /** Names of the ports from which a connection leads. */
  used: string[];
};
export type CardNode = Node<CardData, "card">;
export type NoteNode = Node<{ note: NoteDoc }, "note">;
type FrameData = { title: string; tint: string; loop: NodeDoc | null; empty: boolean };
export type FrameNode = Node<FrameData, "frame">;
export type FlowNode = CardNode | NoteNode | FrameNode;
export type FlowEdge = Edge<{ connection: ConnectionDoc; error: boolean }, "wire">;

export const FRAME_OF_LOOP = "loop:";
const HANDLE = 14;

const same = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((each, position) => each === b[position]);

/** Turns documents into nodes and edges; one for each canvas. */
export class Flow {
  #cards = new Map<string, CardNode>();
  #notes = new Map<string, NoteNode>();
  #edges = new Map<string, FlowEdge>();
  readonly heights = new Map<string, number>();

  constructor(
    readonly types: ReadonlyMap<string, NodeType>,
    readonly editable: boolean,
  ) {}

  nodes(document: WorkflowDocument): FlowNode[] {
    const used = usedPorts(document);
    const cards = document.nodes.map((node) => this.#card(node, used.get(node.id) ?? []));
    this.#forget(this.#cards, cards);
    const notes = (document.notes ?? []).map((note) => this.#note(note));
    this.#forget(this.#notes, notes);
    return [...this.#frames(document), ...notes, ...cards];
  }

  edges(document: WorkflowDocument): FlowEdge[] {
    const there = new Set(document.nodes.map((node) => node.id));
    const edges = document.connections
      .filter(({ source, target }) => there.has(source) && there.has(target))
      .map((connection) => this.#edge(connection));
    this.#forget(this.#edges, edges);
    return edges;
  }

  #card(node: NodeDoc, connected: string[]): CardNode {
    const before = this.#cards.get(node.id);
    if (before && before.data.node === node && same(before.data.used, connected)) return before;
    const type = this.types.get(node.type);
    const ports = portsOf(node, type, connected);
    const height = heightOf(ports.length);
    this.heights.set(node.id, height);
    const handle = (name: string, kind: "source" | "target", x: number, y: number) => ({
      id: name,
      type: kind,
      position: kind === "source" ? Position.Right : Position.Left,
      x: x - HANDLE / 2,
      y: y - HANDLE / 2,
      width: HANDLE,
      height: HANDLE,
    });
    const card: CardNode = {
      id: node.id,
      type: "card",
      position: node.position,
      width: NODE_WIDTH,
      height,
      measured: { width: NODE_WIDTH, height },
      zIndex: 2,
      data: { node, type, ports, used: connected },
      draggable: this.editable,
      handles: [
        ...(type?.kind === "trigger" ? [] : [handle("main", "target", 0, height / 2)]),
        ...ports.map(({ name }, position) => handle(name, "source", NODE_WIDTH, portY(position, ports.length))),
      ],
    };
    this.#cards.set(node.id, card);
    return card;
  }

  #note(note: NoteDoc): NoteNode {
    const before = this.#notes.get(note.id);
    if (before?.data.note === note) return before;
    const { id, position, width, height } = note;
    const made: NoteNode = {
      id,
      type: "note",
      position,
      width,
      height,
      measured: { width, height },
      zIndex: 0,
      data: { note },
      draggable: this.editable,
    };
    this.#notes.set(id, made);
    return made;
  }

  #frames(document: WorkflowDocument): FrameNode[] {
    const loops = document.nodes
      .filter((node) => this.types.get(node.type)?.kind === "loop")
      .map((loop) => {
        const empty = !document.nodes.some((node) => node.parent === loop.id);
        const box = loopFrame(document, loop, this.heights);
        return this.#frame(FRAME_OF_LOOP + loop.id, box, {
          title: loop.name || loop.id,
          tint: "grey",
          loop,
          empty,
        });
      })
      // An inner loop's frame lies on that of the loop around it.
      .sort((a, b) => Number(b.data.loop?.parent == null) - Number(a.data.loop?.parent == null));
    const groups = (document.groups ?? []).flatMap((group) => {
      const box = groupFrame(document, group, this.heights);
      return box ? [this.#frame(group.id, box, { title: group.name, tint: group.tint, loop: null, empty: false })] : [];
    });
    return [...groups, ...loops];
  }

  #frame(id: string, box: Box, data: FrameData): FrameNode {
    return {
      id,
      type: "frame",
      position: { x: box.x, y: box.y },
      width: box.width,
      height: box.height,
      measured: { width: box.width, height: box.height },
      zIndex: -1,
      data,
      draggable: this.editable,
      selectable: data.loop === null,
      dragHandle: ".frame-title",
    };
  }

  #edge(connection: ConnectionDoc): FlowEdge {
    const id = connectionKey(connection);
    const before = this.#edges.get(id);
    if (before?.data?.connection === connection) return before;
    const edge: FlowEdge = {
      id,
      type: "wire",
      source: connection.source,
      sourceHandle: connection.source_port,
      target: connection.target,
      targetHandle: "main",
      data: { connection, error: connection.source_port === "error" },
    };
    this.#edges.set(id, edge);
    return edge;
  }

  #forget(kept: Map<string, { id: string }>, now: readonly { id: string }[]): void {
    if (kept.size === now.length) return;
    const ids = new Set(now.map(({ id }) => id));
    for (const id of kept.keys()) if (!ids.has(id)) kept.delete(id);
  }
}
