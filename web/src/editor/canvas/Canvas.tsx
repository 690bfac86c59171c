import {
  Background,
  BackgroundVariant,
  type Connection,
  type FinalConnectionState,
  MiniMap,
  ReactFlow,
  type ReactFlowProps,
  ReactFlowProvider,
  SelectionMode,
  useReactFlow,
} from "@xyflow/react";
import { type DragEvent, type MouseEvent as ReactMouseEvent, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { cx } from "@/ui/cx";
import { addFromPalette, changeNoteOf, dropNode, link, removeWire } from "../store/actions";
import { refusal } from "../store/edits";
import { openPanel, useEditor } from "../store/store";
import type { ConnectionDoc, NodeType, Point } from "../store/types";
import { openPalette, startWriting, useUi } from "../store/ui";
import { ActionsContext, type CanvasActions, EditingContext, HoveredContext, PlainContext } from "./context";
import { useDetail } from "./detail";
import { DRAGGED } from "./drag-type";
import type { FlowEdge, FlowNode } from "./flow";
import { EDGE_TYPES, FIT, NODE_TYPES } from "./GraphView";
import { GRID } from "./geometry";
import { type Marks, MarksContext } from "./marks";
import { minimapColor } from "./minimap";
import { useCanvas } from "./useCanvas";
import { viewport } from "./viewport";

// React Flow draws every node and connection anew when one of these is another object than before: none is made
// while drawing.
const BEHAVIOUR = {
  connectionRadius: 40,
  snapGrid: [GRID, GRID],
  selectionOnDrag: true,
  selectionMode: SelectionMode.Partial,
  panOnDrag: [1, 2],
  panActivationKeyCode: "Space",
  panOnScroll: true,
  zoomOnDoubleClick: false,
  deleteKeyCode: null,
  multiSelectionKeyCode: ["Shift", "Meta", "Control"],
  selectNodesOnDrag: false,
  onlyRenderVisibleElements: true,
  fitViewOptions: FIT,
  minZoom: 0.1,
  maxZoom: 2,
  proOptions: { hideAttribution: true },
} satisfies ReactFlowProps<FlowNode, FlowEdge>;
const ACTIONS: CanvasActions = {
  addAfter: (node, port) => openPalette({ after: { node, port } }),
  addInto: (into) => openPalette({ into }),
  removeConnection: removeWire,
  changeNote: changeNoteOf,
  renameGroup: (id, name) => changeNoteOf(id, { name }),
};

export function Canvas({ types, marks }: { types: ReadonlyMap<string, NodeType>; marks: Marks }) {
  return (
    <ReactFlowProvider>
      <MarksContext value={marks}>
        <Drawn types={types} />
      </MarksContext>
    </ReactFlowProvider>
  );
}

const wish = (connection: Connection | FlowEdge): ConnectionDoc => ({
  source: connection.source,
  source_port: connection.sourceHandle ?? "main",
  target: connection.target,
  target_port: "main",
});

function Drawn({ types }: { types: ReadonlyMap<string, NodeType> }) {
  const { t } = useTranslation("editor");
  const canvas = useCanvas(types);
  const name = useEditor((state) => state.document.name);
  const crowded = useEditor((state) => state.document.nodes.length > 8);
  const minimap = useUi((state) => state.minimap);
  const snap = useUi((state) => state.snap);
  const editing = useUi((state) => state.editing);
  const { plain, far, noteZoom } = useDetail();
  const { hovered, hovering } = useHovered();
  const connecting = useConnecting(types);
  const element = useRef<HTMLDivElement>(null);
  // A first node that is dropped stays where it was dropped.
  const [fits] = useState(canvas.nodes.length > 0);
  const instance = useReactFlow<FlowNode, FlowEdge>();
  useEffect(() => (element.current ? viewport.show(instance, element.current) : undefined), [instance]);

  return (
    <PlainContext value={plain}>
      <HoveredContext value={hovered}>
        <EditingContext value={editing}>
          <ActionsContext value={ACTIONS}>
            <ReactFlow<FlowNode, FlowEdge>
              ref={element}
              className={cx(far && "canvas-far", canvas.moving && "canvas-dragging")}
              aria-label={t("canvas.label", { name })}
              nodes={canvas.nodes}
              edges={canvas.edges}
              nodeTypes={NODE_TYPES}
              edgeTypes={EDGE_TYPES}
              onNodesChange={canvas.onNodesChange}
              onEdgesChange={canvas.onEdgesChange}
              onNodeDragStart={canvas.startDrag}
              onNodeDragStop={canvas.endDrag}
              onSelectionDragStart={canvas.startSelectionDrag}
              onSelectionDragStop={canvas.endDrag}
              onNodeDoubleClick={openDoubleClicked}
              {...hovering}
              {...connecting}
              onViewportChange={noteZoom}
              onDragOver={overCanvas}
              snapToGrid={snap}
              fitView={fits}
              {...BEHAVIOUR}
            >
              <Background variant={BackgroundVariant.Dots} gap={GRID} size={1.5} />
              {minimap && crowded && (
                <MiniMap pannable zoomable nodeColor={minimapColor} ariaLabel={t("canvas.minimap")} />
              )}
            </ReactFlow>
          </ActionsContext>
        </EditingContext>
      </HoveredContext>
    </PlainContext>
  );
}

/** The connection under the pointer. */
function useHovered() {
  const [hovered, setHovered] = useState<string | null>(null);
  const hovering = useMemo(
    () => ({
      onEdgeMouseEnter: (_event: ReactMouseEvent, edge: FlowEdge) => setHovered(edge.id),
      onEdgeMouseLeave: (event: ReactMouseEvent) => !overTools(event.relatedTarget) && setHovered(null),
      onPaneMouseMove: () => setHovered(null),
    }),
    [],
  );
  return { hovered, hovering };
}

/** What is drawn from an output, and what is dropped from the palette. */
function useConnecting(types: ReadonlyMap<string, NodeType>) {
  return useMemo(
    () => ({
      onConnect: (connection: Connection) => link(wish(connection), types),
      onConnectEnd: (event: MouseEvent | TouchEvent, state: FinalConnectionState) => endConnection(event, state, types),
      isValidConnection: (connection: Connection | FlowEdge) =>
        refusal(useEditor.getState().document, wish(connection), types) === null,
      onDrop: (event: DragEvent) => drop(event, types),
    }),
    [types],
  );
}

const openDoubleClicked = (_event: ReactMouseEvent, node: FlowNode): void =>
  node.type === "card" ? openPanel(node.id) : startWriting(node.id);

const overTools = (target: EventTarget | null): boolean => target instanceof Element && !!target.closest(".wire-tools");

/** A connection that was let go: on a node's body it connects, on the canvas it asks for what follows. */
function endConnection(
  event: MouseEvent | TouchEvent,
  state: FinalConnectionState,
  types: ReadonlyMap<string, NodeType>,
): void {
  if (state.isValid || !state.fromNode || state.fromHandle?.type !== "source") return;
  const { clientX: x, clientY: y } =
    "changedTouches" in event ? (event.changedTouches[0] ?? { clientX: 0, clientY: 0 }) : event;
  const from = { node: state.fromNode.id, port: state.fromHandle.id ?? "main" };
  const under = document.elementFromPoint(x, y);
  const target = state.toNode?.id ?? under?.closest<HTMLElement>(".react-flow__node-card")?.dataset.id;
  if (target !== undefined) {
    link({ source: from.node, source_port: from.port, target, target_port: "main" }, types);
  } else if (under?.closest(".react-flow__pane")) {
    const point = viewport.toCanvas({ x, y });
    openPalette({ after: from, at: { x: point.x, y: point.y - 30 } });
  }
}

function overCanvas(event: DragEvent): void {
  if (!event.dataTransfer.types.includes(DRAGGED)) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = "copy";
}

function drop(event: DragEvent, types: ReadonlyMap<string, NodeType>): void {
  const type = types.get(event.dataTransfer.getData(DRAGGED));
  if (!type) return;
  event.preventDefault();
  const point: Point = viewport.toCanvas({ x: event.clientX, y: event.clientY });
  const wire = document.elementFromPoint(event.clientX, event.clientY)?.closest<HTMLElement>(".react-flow__edge");
  if (wire?.dataset.id) addFromPalette(type, types, { into: wire.dataset.id });
  else dropNode(type, point, types);
}
