// The workflow document, as `workflow/document.py` has it. What a document leaves out stands at the server's default.
import type { Schemas } from "@/api/client";

export type NodeType = Schemas["NodeType"];
export type Point = { x: number; y: number };

export type NodeDoc = {
  id: string;
  type: string;
  name?: string;
  position: Point;
  /** The loop it stands in. */
  parent?: string | null;
  config: Record<string, unknown>;
  on_error?: "stop" | "continue" | "route";
  join?: "any" | "all" | "settled" | null;
  disabled?: boolean;
  notes?: string;
  retry?: Record<string, unknown>;
  timeout_s?: number | null;
};
export type ConnectionDoc = { source: string; source_port: string; target: string; target_port: string };
export type Tint = "yellow" | "blue" | "green" | "red" | "violet" | "grey";
/** Words on the canvas. */
export type NoteDoc = { id: string; text: string; position: Point; width: number; height: number; tint: Tint };
/** Nodes that belong together: a frame with a name around them. */
export type GroupDoc = { id: string; name: string; nodes: string[]; tint: Tint };

export type WorkflowDocument = {
  name: string;
  description?: string;
  nodes: NodeDoc[];
  connections: ConnectionDoc[];
  notes?: NoteDoc[];
  groups?: GroupDoc[];
  settings: Record<string, unknown>;
};

/** The document of a server's answer or of a file, with what this console counts on filled in. */
export function asDocument(value: unknown): WorkflowDocument {
  const given = (value ?? {}) as Partial<WorkflowDocument>;
  return {
    ...given,
    name: given.name ?? "",
    nodes: (given.nodes ?? []).map((node) => ({
      ...node,
      config: node.config ?? {},
      position: { x: node.position?.x ?? 0, y: node.position?.y ?? 0 },
    })),
    connections: (given.connections ?? []).map((connection) => ({
      source: connection.source,
      source_port: connection.source_port ?? "main",
      target: connection.target,
      target_port: connection.target_port ?? "main",
    })),
    settings: given.settings ?? {},
  };
}

export const connectionKey = (connection: ConnectionDoc): string =>
  `${connection.source}.${connection.source_port}→${connection.target}`;
