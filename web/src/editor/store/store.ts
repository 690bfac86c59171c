// The document that is being edited, with undo. Everything that edits goes through `edit`; nothing else writes the document.
import { type TemporalState, temporal } from "zundo";
import { create, useStore } from "zustand";
import { changeNode, idsOf } from "./edits";
import type { NodeDoc, WorkflowDocument } from "./types";

const LIMIT = 200;
/** Changes of one thing that follow each other this closely are undone together: typing, not its letters. */
const TOGETHER_MS = 1_000;

export type EditorState = {
  /** Null for a workflow that was never saved. */
  workflowId: string | null;
  document: WorkflowDocument;
  /** Ids of selected nodes, notes and groups. */
  selected: ReadonlySet<string>;
  /** Keys of selected connections. */
  selectedConnections: ReadonlySet<string>;
  /** The node whose panel is open. */
  opened: string | null;
};

const EMPTY: WorkflowDocument = { name: "", nodes: [], connections: [], settings: {} };
const NONE: ReadonlySet<string> = new Set();

let recording: { name: string | undefined; at: number } = { name: undefined, at: 0 };
let joining = false;

export const useEditor = create<EditorState>()(
  temporal(
    (): EditorState => ({
      workflowId: null,
      document: EMPTY,
      selected: NONE,
      selectedConnections: NONE,
      opened: null,
    }),
    {
      limit: LIMIT,
      partialize: ({ document }) => ({ document }),
      equality: (before, after) => before.document === after.document,
      handleSet: (record) => (before) => {
        if (!joining) record(before);
      },
    },
  ),
);

export const history = useEditor.temporal;
export const useHistory = <T>(select: (state: TemporalState<Pick<EditorState, "document">>) => T): T =>
  useStore(history, select);

/** Opens a document. What was done to another can be undone no more. */
export function open(workflowId: string | null, document: WorkflowDocument): void {
  useEditor.setState({ workflowId, document, selected: NONE, selectedConnections: NONE, opened: null });
  history.getState().clear();
  recording = { name: undefined, at: 0 };
}

/** Changes the document. Changes with the same name that follow each other at once are one step of undo. */
export function edit(change: (document: WorkflowDocument) => WorkflowDocument, name?: string): void {
  const now = performance.now();
  joining = name !== undefined && name === recording.name && now - recording.at < TOGETHER_MS;
  recording = { name, at: now };
  try {
    useEditor.setState(({ document }) => ({ document: change(document) }));
  } finally {
    joining = false;
  }
}

/** For the node panel: one node's fields. `field` names what is typed in, so that its letters are undone together. */
export function editNode(id: string, change: Partial<NodeDoc>, field?: string): void {
  edit((document) => changeNode(document, id, change), field && `${id} ${field}`);
}

export const undo = (): void => step("undo");
export const redo = (): void => step("redo");
function step(way: "undo" | "redo"): void {
  history.getState()[way]();
  recording = { name: undefined, at: 0 };
  const { document, selected, opened } = useEditor.getState();
  const there = idsOf(document);
  useEditor.setState({
    selected: new Set([...selected].filter((id) => there.has(id))),
    selectedConnections: NONE,
    opened: opened !== null && there.has(opened) ? opened : null,
  });
}

export function select(ids: Iterable<string>, connections: Iterable<string> = []): void {
  useEditor.setState({ selected: new Set(ids), selectedConnections: new Set(connections) });
}

export const openPanel = (id: string | null): void => useEditor.setState({ opened: id });

export const useNode = (id: string | null): NodeDoc | undefined =>
  useEditor((state) => state.document.nodes.find((node) => node.id === id));
