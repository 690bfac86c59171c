import { Background, BackgroundVariant, Controls, MiniMap, ReactFlow, ReactFlowProvider } from "@xyflow/react";
import { type ReactNode, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { cx } from "@/ui/cx";
import type { NodeType, WorkflowDocument } from "../store/types";
import "./canvas.css";
import { ActionsContext, HoveredContext, PlainContext } from "./context";
import { useDetail } from "./detail";
import { Frame, Note } from "./Frame";
import { Flow } from "./flow";
import { GRID } from "./geometry";
import { type Marks, MarksContext, NO_MARKS } from "./marks";
import { minimapColor } from "./minimap";
import { NodeCard } from "./NodeCard";
import { useTypes } from "./types";
import { Wire } from "./Wire";

export const NODE_TYPES = { card: NodeCard, note: Note, frame: Frame };
export const EDGE_TYPES = { wire: Wire };
export const FIT = { padding: 0.15, maxZoom: 1 };
const NOTHING = {};

/** A document that is looked at, not edited: of an execution, a version, a template. */
export function GraphView({
  document,
  marks = NO_MARKS,
  selected,
  onOpen,
  minimap = true,
  children,
}: {
  document: WorkflowDocument;
  /** How nodes ran and what is marked on them; see `marks.ts`. */
  marks?: Marks;
  selected?: string | null;
  /** A node was clicked, or Enter pressed on it; null where the canvas itself was clicked. */
  onOpen?: (node: string | null) => void;
  minimap?: boolean;
  /** React Flow panels and the like. */
  children?: ReactNode;
}) {
  const types = useTypes();
  if (types === undefined) return null;
  return (
    <ReactFlowProvider>
      <ActionsContext value={NOTHING}>
        <MarksContext value={marks}>
          <Still document={document} types={types} selected={selected ?? null} onOpen={onOpen} minimap={minimap}>
            {children}
          </Still>
        </MarksContext>
      </ActionsContext>
    </ReactFlowProvider>
  );
}

function Still(props: {
  document: WorkflowDocument;
  types: ReadonlyMap<string, NodeType>;
  selected: string | null;
  onOpen: ((node: string | null) => void) | undefined;
  minimap: boolean;
  children: ReactNode;
}) {
  const { document, types, selected, onOpen, minimap, children } = props;
  const { t } = useTranslation("editor");
  const { plain, far, noteZoom } = useDetail();
  const flow = useMemo(() => new Flow(types, false), [types]);
  const nodes = useMemo(
    () => flow.nodes(document).map((node) => (node.id === selected ? { ...node, selected: true } : node)),
    [flow, document, selected],
  );
  const edges = useMemo(() => flow.edges(document), [flow, document]);
  return (
    <PlainContext value={plain}>
      <HoveredContext value={null}>
        <ReactFlow
          aria-label={t("canvas.label", { name: document.name })}
          nodes={nodes}
          edges={edges}
          nodeTypes={NODE_TYPES}
          edgeTypes={EDGE_TYPES}
          nodesDraggable={false}
          nodesConnectable={false}
          edgesFocusable={false}
          elementsSelectable={onOpen !== undefined}
          onNodeClick={(_event, node) => node.type === "card" && onOpen?.(node.id)}
          onPaneClick={() => onOpen?.(null)}
          onKeyDown={(event) => {
            const id = (event.target as HTMLElement).closest<HTMLElement>(".react-flow__node")?.dataset.id;
            if (id !== undefined && (event.key === "Enter" || event.key === " ")) onOpen?.(id);
          }}
          onViewportChange={noteZoom}
          className={cx(far && "canvas-far")}
          onlyRenderVisibleElements
          fitView
          fitViewOptions={FIT}
          minZoom={0.1}
          maxZoom={2}
          proOptions={{ hideAttribution: true }}
        >
          <Background variant={BackgroundVariant.Dots} gap={GRID} size={1.5} />
          <Controls showInteractive={false} className="canvas-controls" />
          {minimap && document.nodes.length > 12 && (
            <MiniMap pannable zoomable nodeColor={minimapColor} ariaLabel={t("canvas.minimap")} />
          )}
          {children}
        </ReactFlow>
      </HoveredContext>
    </PlainContext>
  );
}
