import {
  Background,
  BackgroundVariant,
  type Connection,
  type FinalConnectionState,
  MiniMap,
  ReactFlow,
  ReactFlowProvider,
  SelectionMode,
  useReactFlow,
} from "@xyflow/react";
import { type DragEvent, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { addFromPalette, changeNoteOf, dropNode, link, removeWire } from "../store/actions";
import { refusal } from "../store/edits";
import { openPanel, useEditor } from "../store/store";
import type { ConnectionDoc, NodeType, Point } from "../store/types";
import { openPalette, startWriting, useUi } from "../store/ui";
import { ActionsContext, type CanvasActions, EditingContext, HoveredContext, PlainContext } from "./context";
import { DRAGGED } from "./drag-type";
import type { FlowEdge, FlowNode } from "./flow";
import { EDGE_TYPES, FIT, NODE_TYPES, PLAIN_BELOW } from "./GraphView";
import { GRID } from "./geometry";
import { type Marks, MarksContext } from "./marks";
import { minimapColor } from "./minimap";
import { useCanvas } from "./useCanvas";
import { viewport } from "./viewport";

const SNAP: [number, number] = [GRID, GRID];
const PAN_WITH = [1, 2];

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
  const { minimap, snap, editing } = useUi();
  const [plain, setPlain] = useState(false);
  const [hovered, setHovered] = useState<string | null>(null);
  const element = useRef<HTMLDivElement>(null);
  // A first node that is dropped stays where it was dropped.
  const [fits] = useState(canvas.nodes.length > 0);
  const instance = useReactFlow<FlowNode, FlowEdge>();
  useEffect(() => (element.current ? viewport.show(instance, element.current) : undefined), [instance]);

  const actions = useMemo<CanvasActions>(
    () => ({
      addAfter: (node, port) => openPalette({ after: { node, port } }),
      addInto: (into) => openPalette({ into }),
      removeConnection: removeWire,
      changeNote: changeNoteOf,
      renameGroup: (id, name) => changeNoteOf(id, { name }),
    }),
    [],
  );
  const isValid = useCallback(
    (connection: Connection | FlowEdge) => refusal(useEditor.getState().document, wish(connection), types) === null,
    [types],
  );
  const endConnecting = useCallback(
    (event: MouseEvent | TouchEvent, state: FinalConnectionState) => endConnection(event, state, types),
    [types],
  );

  return (
    <PlainContext value={plain}>
      <HoveredContext value={hovered}>
        <EditingContext value={editing}>
          <ActionsContext value={actions}>
            <ReactFlow<FlowNode, FlowEdge>
              ref={element}
              aria-label={t("canvas.label", { name })}
              nodes={canvas.nodes}
              edges={canvas.edges}
              nodeTypes={NODE_TYPES}
              edgeTypes={EDGE_TYPES}
              onNodesChange={canvas.onNodesChange}
              onEdgesChange={canvas.onEdgesChange}
              onNodeDragStart={(_event, _node, dragged) => canvas.startDrag(dragged)}
              onNodeDragStop={canvas.endDrag}
              onSelectionDragStart={(_event, dragged) => canvas.startDrag(dragged)}
              onSelectionDragStop={canvas.endDrag}
              onNodeDoubleClick={(_event, node) => (node.type === "card" ? openPanel(node.id) : startWriting(node.id))}
              onEdgeMouseEnter={(_event, edge) => setHovered(edge.id)}
              onEdgeMouseLeave={(event) => !overTools(event.relatedTarget) && setHovered(null)}
              onPaneMouseMove={() => setHovered(null)}
              onConnect={(connection) => link(wish(connection), types)}
              onConnectEnd={endConnecting}
              isValidConnection={isValid}
              onViewportChange={({ zoom }) => setPlain(zoom < PLAIN_BELOW)}
              onDragOver={overCanvas}
              onDrop={(event) => drop(event, types)}
              connectionRadius={40}
              snapToGrid={snap}
              snapGrid={SNAP}
              selectionOnDrag
              selectionMode={SelectionMode.Partial}
              panOnDrag={PAN_WITH}
              panActivationKeyCode="Space"
              panOnScroll
              zoomOnDoubleClick={false}
              deleteKeyCode={null}
              multiSelectionKeyCode={["Shift", "Meta", "Control"]}
              selectNodesOnDrag={false}
              onlyRenderVisibleElements
              fitView={fits}
              fitViewOptions={FIT}
              minZoom={0.1}
              maxZoom={2}
              proOptions={{ hideAttribution: true }}
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
