import { autocompletion } from "@codemirror/autocomplete";
import { EditorView } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { carried, insertReference } from "../insert";
import { useSurroundings } from "../surroundings";
import { completing, expressionLanguage } from "./language";
import { useCodeMirror } from "./useCodeMirror";

type Props = {
  id?: string | undefined;
  label: string;
  text: string;
  onChange: (text: string) => void;
  focused?: boolean;
  invalid?: boolean | undefined;
  describedBy?: string | undefined;
};

/** One expression. What is dropped goes where it is dropped. */
export default function ExpressionEditor({ id, label, text, onChange, focused, invalid, describedBy }: Props) {
  const { completions } = useSurroundings();
  const offered = useRef(completions);
  offered.current = completions;
  const { place, view } = useCodeMirror({ id, label, text, onChange }, () => [
    expressionLanguage,
    autocompletion({ override: [completing(() => offered.current)], icons: false }),
    EditorView.domEventHandlers({ drop: dropped }),
  ]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the focus comes along once
  useEffect(() => {
    const made = view.current;
    if (!made || !focused) return;
    made.focus();
    made.dispatch({ selection: { anchor: made.state.doc.length } });
  }, []);
  useEffect(() => {
    const content = view.current?.contentDOM;
    content?.toggleAttribute("aria-invalid", !!invalid);
    if (describedBy) content?.setAttribute("aria-describedby", describedBy);
    else content?.removeAttribute("aria-describedby");
  }, [view, invalid, describedBy]);

  return <div ref={place} className="min-w-0" />;
}

function dropped(event: DragEvent, view: EditorView): boolean {
  const reference = carried(event.dataTransfer);
  if (!reference) return false;
  event.preventDefault();
  event.stopPropagation();
  const at = view.posAtCoords({ x: event.clientX, y: event.clientY }) ?? undefined;
  const { value, caret } = insertReference(view.state.doc.toString(), reference.source, "bare", atEnd(view, at));
  view.dispatch({
    changes: { from: 0, to: view.state.doc.length, insert: value },
    selection: { anchor: caret },
  });
  view.focus();
  return true;
}

/** Behind the last letter is no place between letters: there a value replaces what it cannot follow. */
const atEnd = (view: EditorView, at: number | undefined) => (at === view.state.doc.length ? undefined : at);
