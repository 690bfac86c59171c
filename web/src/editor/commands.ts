// Everything that can be done in the editor: the one list behind keys, the command palette and the list of shortcuts.

import { viewport } from "./canvas/viewport";
import {
  type Alignment,
  align,
  chosenNodes,
  deleteSelected,
  duplicate,
  groupSelected,
  noteHere,
  selectAll,
  tidyUp,
  toggleDisabled,
  ungroup,
  walk,
} from "./store/actions";
import { openPanel, redo, select, undo, useEditor } from "./store/store";
import type { NodeType } from "./store/types";
import { closePalette, openPalette, openSheet, startWriting, useUi } from "./store/ui";

export type Command = {
  /** Key of its words: `commands.<id>`. */
  id: string;
  area: "file" | "edit" | "arrange" | "add" | "view" | "go";
  /** `Mod` is Ctrl, and Cmd on a Mac. The first is shown. */
  keys?: string[];
  run(): void;
};

type Doing = {
  save(): void;
  run(): void;
  test(): void;
  debug(): void;
  toggleActive(): void;
  exportFile(): void;
  types: ReadonlyMap<string, NodeType>;
};

const ALIGNMENTS: Alignment[] = ["left", "middle", "right", "top", "centre", "bottom", "columns", "rows"];

/** Enter: what is selected is opened. */
function openSelected(): void {
  const [node] = chosenNodes();
  const [id] = useEditor.getState().selected;
  if (node) openPanel(node.id);
  else if (id !== undefined) startWriting(id);
}

/** Escape closes what is on top, one at a time. */
function leave(): void {
  const { place, editing } = useUi.getState();
  const { opened } = useEditor.getState();
  if (editing !== null) useUi.setState({ editing: null });
  else if (opened !== null) openPanel(null);
  else if (place !== null) useUi.setState({ place: null });
  else select([]);
}

export function commandsOf(doing: Doing): Command[] {
  return [
    { id: "save", area: "file", keys: ["Mod+S"], run: doing.save },
    { id: "run", area: "file", keys: ["Mod+Enter"], run: doing.run },
    { id: "test", area: "file", keys: ["Mod+Shift+Enter"], run: doing.test },
    { id: "debug", area: "file", keys: ["Mod+Alt+Enter"], run: doing.debug },
    { id: "activate", area: "file", run: doing.toggleActive },
    { id: "export", area: "file", run: doing.exportFile },
    { id: "settings", area: "file", keys: [","], run: () => openSheet("settings") },
    { id: "undo", area: "edit", keys: ["Mod+Z"], run: undo },
    { id: "redo", area: "edit", keys: ["Mod+Shift+Z", "Mod+Y"], run: redo },
    { id: "selectAll", area: "edit", keys: ["Mod+A"], run: selectAll },
    { id: "duplicate", area: "edit", keys: ["Mod+D"], run: duplicate },
    { id: "delete", area: "edit", keys: ["Delete", "Backspace"], run: deleteSelected },
    { id: "disable", area: "edit", keys: ["D"], run: toggleDisabled },
    { id: "open", area: "edit", keys: ["Enter", "F2"], run: openSelected },
    { id: "add", area: "add", keys: ["N", "Tab"], run: () => openPalette() },
    { id: "note", area: "add", keys: ["Shift+S"], run: noteHere },
    { id: "group", area: "arrange", keys: ["Mod+G"], run: groupSelected },
    { id: "ungroup", area: "arrange", keys: ["Mod+Shift+G"], run: ungroup },
    { id: "tidy", area: "arrange", keys: ["Shift+Alt+T"], run: () => void tidyUp(doing.types) },
    ...ALIGNMENTS.map((how): Command => ({ id: `align.${how}`, area: "arrange", run: () => align(how, doing.types) })),
    { id: "commands", area: "view", keys: ["Mod+K"], run: () => openSheet("commands") },
    { id: "find", area: "view", keys: ["Mod+F"], run: () => openSheet("nodes") },
    { id: "fit", area: "view", keys: ["1"], run: viewport.fit },
    { id: "actualSize", area: "view", keys: ["0"], run: viewport.actualSize },
    { id: "zoomIn", area: "view", keys: ["+", "="], run: viewport.zoomIn },
    { id: "zoomOut", area: "view", keys: ["-"], run: viewport.zoomOut },
    {
      id: "palette",
      area: "view",
      keys: ["P"],
      run: () => (useUi.getState().palette ? closePalette() : openPalette()),
    },
    { id: "minimap", area: "view", keys: ["M"], run: () => useUi.setState(({ minimap }) => ({ minimap: !minimap })) },
    { id: "snap", area: "view", run: () => useUi.setState(({ snap }) => ({ snap: !snap })) },
    { id: "problems", area: "view", run: () => openSheet("problems") },
    { id: "shortcuts", area: "view", keys: ["?"], run: () => openSheet("shortcuts") },
    { id: "goRight", area: "go", keys: ["Alt+ArrowRight"], run: () => walk("right") },
    { id: "goLeft", area: "go", keys: ["Alt+ArrowLeft"], run: () => walk("left") },
    { id: "goUp", area: "go", keys: ["Alt+ArrowUp"], run: () => walk("up") },
    { id: "goDown", area: "go", keys: ["Alt+ArrowDown"], run: () => walk("down") },
    { id: "leave", area: "go", keys: ["Escape"], run: leave },
  ];
}

/** What the browser's own events and the node panel do; listed with the others. */
export const NATIVE: { id: string; area: Command["area"]; keys: string[] }[] = [
  { id: "copy", area: "edit", keys: ["Mod+C"] },
  { id: "cut", area: "edit", keys: ["Mod+X"] },
  { id: "paste", area: "edit", keys: ["Mod+V"] },
  { id: "move", area: "arrange", keys: ["ArrowKeys"] },
  { id: "map", area: "go", keys: ["Alt+I"] },
];

const SYMBOLS = new Set(["?", "+", "=", "-", ","]);

/** Whether an event is this chord. A symbol is itself whichever keys made it. */
function isChord(event: KeyboardEvent, chord: string): boolean {
  const parts = chord === "+" ? ["+"] : chord.split("+");
  const key = parts.at(-1) ?? "";
  const mod = event.ctrlKey || event.metaKey;
  if (mod !== parts.includes("Mod") || event.altKey !== parts.includes("Alt")) return false;
  if (!SYMBOLS.has(key) && event.shiftKey !== parts.includes("Shift")) return false;
  // Alt makes other characters of letters on a Mac: the key's place tells.
  return event.key.toLowerCase() === key.toLowerCase() || (event.altKey && event.code === `Key${key}`);
}

export const findCommand = (commands: readonly Command[], event: KeyboardEvent): Command | undefined =>
  commands.find((command) => command.keys?.some((chord) => isChord(event, chord)));
