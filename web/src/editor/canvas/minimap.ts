import type { FlowNode } from "./flow";

/** A node's colour on the map: its category's. */
export function minimapColor(node: { type?: string; data: unknown }): string {
  if (node.type === "frame") return "transparent";
  if (node.type === "note") return "var(--tint-yellow)";
  const { type, node: drawn } = node.data as Extract<FlowNode, { type?: "card" }>["data"];
  return `var(--cat-${type?.category ?? drawn.type.split(".")[0]}, var(--line-strong))`;
}
