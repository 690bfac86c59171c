import { place } from "./edits";
import { edit, editNode, history, open, redo, select, undo, useEditor } from "./store";
import type { WorkflowDocument } from "./types";

const DOCUMENT: WorkflowDocument = {
  name: "W",
  nodes: [{ id: "a", type: "market.history", position: { x: 0, y: 0 }, config: {} }],
  connections: [],
  settings: {},
};
const rename = (name: string, together?: string) => edit((document) => ({ ...document, name }), together);

beforeEach(() => open("w", DOCUMENT));

test("undo goes back step by step to the very object that was opened, and redo forth", () => {
  rename("one");
  rename("two");
  undo();
  expect(useEditor.getState().document.name).toBe("one");
  undo();
  expect(useEditor.getState().document).toBe(DOCUMENT);
  undo();
  expect(useEditor.getState().document).toBe(DOCUMENT);
  redo();
  redo();
  expect(useEditor.getState().document.name).toBe("two");
});

test("letters typed at once are one step, another field's are another", () => {
  for (const text of ["n", "na", "nam"]) rename(text, "name");
  editNode("a", { config: { period: 1 } }, "period");
  editNode("a", { config: { period: 14 } }, "period");
  expect(history.getState().pastStates).toHaveLength(2);
  undo();
  expect(useEditor.getState().document.nodes[0]?.config).toEqual({});
  undo();
  expect(useEditor.getState().document).toBe(DOCUMENT);
});

test("what is typed after an undo is a step of its own", () => {
  rename("na", "name");
  undo();
  rename("b", "name");
  undo();
  expect(useEditor.getState().document).toBe(DOCUMENT);
});

test("selecting and opening are no steps, and nothing gone stays selected", () => {
  edit((document) => ({ ...document, nodes: [...document.nodes, { ...document.nodes[0], id: "b" } as never] }));
  select(["a", "b"]);
  expect(history.getState().pastStates).toHaveLength(1);
  undo();
  expect([...useEditor.getState().selected]).toEqual(["a"]);
});

test("moving to the same place leaves each node the object it was", () => {
  edit((document) => place(document, new Map([["a", { x: 0, y: 0 }]])));
  expect(useEditor.getState().document.nodes[0]).toBe(DOCUMENT.nodes[0]);
});
