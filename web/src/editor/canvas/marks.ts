// What is shown on nodes and connections besides the document: how they ran, what is wrong, what changed.
// A source outside React: a live run marks some nodes a frame, and only those are drawn anew.
import { createContext, useContext, useSyncExternalStore } from "react";

export type NodeMark = {
  /** State of the node's run: running, succeeded, failed, skipped, waiting, paused. */
  status?: string;
  durationMs?: number | null;
  /** How often it ran, where that is more than once. */
  runs?: number;
  /** Why it failed, or what is wrong with its configuration: shown on the node. */
  problem?: string;
  warning?: string;
  breakpoint?: boolean;
  pinned?: boolean;
  /** How a version differs from another. */
  change?: "added" | "removed" | "changed";
};
export type EdgeMark = {
  /** It was taken, by so many items. */
  items?: number | null;
  status?: "taken" | "failed" | "idle";
  change?: "added" | "removed";
  /** It leads from or to what is not there. */
  invalid?: string;
};

export interface Marks {
  subscribe(hear: () => void): () => void;
  /** The same object while nothing changed. `undefined` for a node without marks. */
  node(id: string): NodeMark | undefined;
  /** By `connectionKey`. */
  edge(key: string): EdgeMark | undefined;
}

const quiet = (): (() => void) => () => {};
export const NO_MARKS: Marks = { subscribe: quiet, node: () => undefined, edge: () => undefined };

/** Marks that do not change. */
export const stillMarks = (
  nodes: Readonly<Record<string, NodeMark>>,
  edges: Readonly<Record<string, EdgeMark>> = {},
): Marks => ({ subscribe: quiet, node: (id) => nodes[id], edge: (key) => edges[key] });

/** Marks that are set from outside: `set` tells all who draw. */
export class LiveMarks implements Marks {
  #nodes: Readonly<Record<string, NodeMark>> = {};
  #edges: Readonly<Record<string, EdgeMark>> = {};
  #heard = new Set<() => void>();

  subscribe = (hear: () => void): (() => void) => {
    this.#heard.add(hear);
    return () => this.#heard.delete(hear);
  };
  get nodes(): Readonly<Record<string, NodeMark>> {
    return this.#nodes;
  }
  get edges(): Readonly<Record<string, EdgeMark>> {
    return this.#edges;
  }
  node = (id: string): NodeMark | undefined => this.#nodes[id];
  edge = (key: string): EdgeMark | undefined => this.#edges[key];

  /** Objects of marks that did not change are to be the same ones. */
  set(nodes: Readonly<Record<string, NodeMark>>, edges: Readonly<Record<string, EdgeMark>>): void {
    this.#nodes = nodes;
    this.#edges = edges;
    for (const hear of this.#heard) hear();
  }
}

export const MarksContext = createContext<Marks>(NO_MARKS);

export function useNodeMark(id: string): NodeMark | undefined {
  const marks = useContext(MarksContext);
  return useSyncExternalStore(marks.subscribe, () => marks.node(id));
}

export function useEdgeMark(key: string): EdgeMark | undefined {
  const marks = useContext(MarksContext);
  return useSyncExternalStore(marks.subscribe, () => marks.edge(key));
}
