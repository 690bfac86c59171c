// The canvas that is shown, for commands that come from elsewhere.
import type { ReactFlowInstance } from "@xyflow/react";
import type { Point } from "../store/types";
import type { FlowEdge, FlowNode } from "./flow";
import { heightOf, NODE_WIDTH } from "./geometry";

type Instance = ReactFlowInstance<FlowNode, FlowEdge>;
const FIT = { padding: 0.15, maxZoom: 1, duration: 200 };
let shown: { instance: Instance; element: HTMLElement } | null = null;

export const viewport = {
  show(instance: Instance, element: HTMLElement): () => void {
    shown = { instance, element };
    return () => {
      if (shown?.instance === instance) shown = null;
    };
  },
  /** Where a node goes that nothing else places: its top left corner, in the middle of what is seen. */
  middle(): Point {
    if (!shown) return { x: 0, y: 0 };
    const box = shown.element.getBoundingClientRect();
    const middle = shown.instance.screenToFlowPosition({ x: box.x + box.width / 2, y: box.y + box.height / 2 });
    return { x: middle.x - NODE_WIDTH / 2, y: middle.y - heightOf(1) / 2 };
  },
  toCanvas: (screen: Point): Point => shown?.instance.screenToFlowPosition(screen) ?? screen,
  fit: (): void => void shown?.instance.fitView(FIT),
  zoomIn: (): void => void shown?.instance.zoomIn({ duration: 150 }),
  zoomOut: (): void => void shown?.instance.zoomOut({ duration: 150 }),
  actualSize: (): void => void shown?.instance.zoomTo(1, { duration: 150 }),
  /** Moves the view where a node is out of sight, and gives it the focus when that is asked. */
  makeVisible(id: string, focus = false): void {
    const node = shown?.instance.getNode(id);
    if (!shown || !node) return;
    const { instance, element } = shown;
    const box = element.getBoundingClientRect();
    const { x, y } = instance.flowToScreenPosition(node.position);
    const size = instance.getZoom();
    const [width, height] = [(node.width ?? 0) * size, (node.height ?? 0) * size];
    const seen = x > box.left && y > box.top && x + width < box.right && y + height < box.bottom;
    const middle = { x: node.position.x + (node.width ?? 0) / 2, y: node.position.y + (node.height ?? 0) / 2 };
    const moved = seen
      ? Promise.resolve(true)
      : instance.setCenter(middle.x, middle.y, { zoom: Math.max(size, 0.6), duration: 150 });
    const selector = `.react-flow__node[data-id="${CSS.escape(id)}"]`;
    if (focus)
      void moved.then(() => requestAnimationFrame(() => element.querySelector<HTMLElement>(selector)?.focus()));
  },
};
