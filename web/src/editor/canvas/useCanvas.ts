// The canvas' own copy of the nodes: it moves with the pointer, and the document learns of it once, when it is let go.
import { applyNodeChanges, type EdgeChange, type NodeChange } from "@xyflow/react";
import { useCallback, useLayoutEffect, useMemo, useRef, useState } from "react";
import { place } from "../store/edits";
import { edit, select, useEditor } from "../store/store";
import type { NodeType, Point } from "../store/types";
import { reparent, withCompanions } from "./dragging";
import { Flow, type FlowEdge, type FlowNode } from "./flow";

const toggled = (chosen: ReadonlySet<string>, changes: readonly { id: string; selected: boolean }[]): Set<string> => {
  const now = new Set(chosen);
  for (const { id, selected } of changes) {
    if (selected) now.add(id);
    else now.delete(id);
  }
  return now;
};

const withSelection = (nodes: FlowNode[], selected: ReadonlySet<string>): FlowNode[] =>
  nodes.map((node) =>
    (node.selected ?? false) === selected.has(node.id) ? node : { ...node, selected: selected.has(node.id) },
  );

export function useCanvas(types: ReadonlyMap<string, NodeType>) {
  const document = useEditor((state) => state.document);
  const selected = useEditor((state) => state.selected);
  const selectedConnections = useEditor((state) => state.selectedConnections);
  const flow = useMemo(() => new Flow(types, true), [types]);
  const [nodes, setNodes] = useState<FlowNode[]>(() => flow.nodes(document));
  const dragging = useRef<ReadonlySet<string> | null>(null);
  const [moving, setMoving] = useState(false);
  const latest = useRef(nodes);
  latest.current = nodes;

  useLayoutEffect(() => {
    const drawn = flow.nodes(document);
    setNodes((before) => {
      const known = new Map(before.map((node) => [node.id, node]));
      return drawn.map((node) => {
        const old = known.get(node.id);
        if (old?.type === node.type && old.data === node.data && samePlace(old, node)) return old;
        return { ...node, selected: old?.selected ?? false } as FlowNode;
      });
    });
  }, [flow, document]);
  useLayoutEffect(() => setNodes((before) => withSelection(before, selected)), [selected]);

  const edges = useMemo(() => {
    const drawn = flow.edges(document);
    return drawn.map((edge) => (selectedConnections.has(edge.id) ? { ...edge, selected: true } : edge));
  }, [flow, document, selectedConnections]);

  const commit = useCallback(
    (moved: FlowNode[], dropped: ReadonlySet<string>, name?: string) => {
      const places = new Map<string, Point>();
      for (const node of moved) if (node.type !== "frame") places.set(node.id, node.position);
      edit((before) => {
        const after = place(before, places);
        return reparent(before, after, dropped, types, flow.heights);
      }, name);
    },
    [flow, types],
  );

  const onNodesChange = useCallback(
    (changes: NodeChange<FlowNode>[]) => {
      const choices = changes.filter((change) => change.type === "select");
      if (choices.length > 0) {
        const state = useEditor.getState();
        select(toggled(state.selected, choices), state.selectedConnections);
      }
      const others = changes.filter((change) => change.type === "position" || change.type === "dimensions");
      if (others.length === 0) return;
      const moved = new Map<string, Point>();
      for (const change of others)
        if (change.type === "position" && change.position) moved.set(change.id, change.position);
      const { document } = useEditor.getState();
      const now = applyNodeChanges(others, withCompanions(latest.current, moved, document));
      latest.current = now;
      setNodes(now);
      // Arrow keys move nodes without a drag.
      if (dragging.current === null && moved.size > 0) commit(now, new Set(), "move");
    },
    [commit],
  );

  const onEdgesChange = useCallback((changes: EdgeChange<FlowEdge>[]) => {
    const choices = changes.filter((change) => change.type === "select");
    if (choices.length === 0) return;
    const state = useEditor.getState();
    select(state.selected, toggled(state.selectedConnections, choices));
  }, []);

  const startSelectionDrag = useCallback((_event: unknown, dragged: readonly FlowNode[]) => {
    dragging.current = new Set(dragged.filter((node) => node.type === "card").map((node) => node.id));
    setMoving(true);
  }, []);
  const startDrag = useCallback(
    (event: unknown, _node: FlowNode, dragged: readonly FlowNode[]) => startSelectionDrag(event, dragged),
    [startSelectionDrag],
  );
  const endDrag = useCallback(() => {
    const dropped = dragging.current ?? new Set<string>();
    dragging.current = null;
    setMoving(false);
    commit(latest.current, dropped);
  }, [commit]);

  return { flow, nodes, edges, moving, onNodesChange, onEdgesChange, startDrag, startSelectionDrag, endDrag };
}

function samePlace(a: FlowNode, b: FlowNode): boolean {
  return a.position.x === b.position.x && a.position.y === b.position.y && a.width === b.width && a.height === b.height;
}
