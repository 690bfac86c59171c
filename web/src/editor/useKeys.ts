// Keys and the clipboard, wherever the focus is not in a field.
import { useEffect } from "react";
import { type Command, findCommand } from "./commands";
import { copied, cut, pasteText } from "./store/actions";

/** Whether what has the focus takes keys itself. */
function takesKeys(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return (
    target.isContentEditable || !!target.closest("input, textarea, select, [role=dialog], [role=menu], [role=listbox]")
  );
}

const EVERYWHERE = new Set(["save", "run", "test", "debug", "commands"]);
/** A search field in which nothing stands has nothing to take back: the canvas has. */
const OVER_EMPTY_SEARCH = new Set(["undo", "redo"]);
const isEmptySearch = (target: EventTarget | null): boolean =>
  target instanceof HTMLInputElement && target.type === "search" && target.value === "";
/** On a button or a link these do what they always do there. */
const OWN_OF_BUTTONS = new Set(["Enter", "Tab", " "]);

export function useKeys(commands: readonly Command[]): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing) return;
      const command = findCommand(commands, event);
      if (!command) return;
      const passes = EVERYWHERE.has(command.id) || (OVER_EMPTY_SEARCH.has(command.id) && isEmptySearch(event.target));
      if (takesKeys(event.target) && !passes) return;
      const onCanvas = event.target instanceof Element && event.target.closest(".react-flow__node, .react-flow__edge");
      const onControl = event.target instanceof Element && !onCanvas && event.target.closest("button, a, [role=tab]");
      if (onControl && OWN_OF_BUTTONS.has(event.key)) return;
      // Tab walks through the page; only on the empty canvas does it ask for a node.
      if (event.key === "Tab" && event.target !== document.body) return;
      event.preventDefault();
      command.run();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [commands]);

  useEffect(() => {
    const foreign = (event: ClipboardEvent) => takesKeys(event.target) || String(getSelection() ?? "") !== "";
    const give = (text: string, event: ClipboardEvent) => {
      if (!text) return;
      event.clipboardData?.setData("text/plain", text);
      event.preventDefault();
    };
    const onCopy = (event: ClipboardEvent) => !foreign(event) && give(copied(), event);
    const onCut = (event: ClipboardEvent) => !foreign(event) && give(cut(), event);
    const onPaste = (event: ClipboardEvent) => {
      if (takesKeys(event.target)) return;
      event.preventDefault();
      pasteText(event.clipboardData?.getData("text/plain") ?? "");
    };
    document.addEventListener("copy", onCopy);
    document.addEventListener("cut", onCut);
    document.addEventListener("paste", onPaste);
    return () => {
      document.removeEventListener("copy", onCopy);
      document.removeEventListener("cut", onCut);
      document.removeEventListener("paste", onPaste);
    };
  }, []);
}
