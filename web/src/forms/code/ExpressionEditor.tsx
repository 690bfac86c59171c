import { autocompletion, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { EditorState } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { carried, insertReference } from "../insert";
import { useSurroundings } from "../surroundings";
import { appearance, completing, expressionLanguage } from "./language";

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
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const { completions } = useSurroundings();
  const now = useRef({ onChange, completions });
  now.current = { onChange, completions };

  // biome-ignore lint/correctness/useExhaustiveDependencies: made once; what changes is brought in below
  useEffect(() => {
    if (!place.current) return;
    const made = new EditorView({
      parent: place.current,
      state: EditorState.create({
        doc: text,
        extensions: [
          appearance,
          expressionLanguage,
          history(),
          keymap.of([...completionKeymap, ...defaultKeymap, ...historyKeymap]),
          autocompletion({ override: [completing(() => now.current.completions)], icons: false }),
          EditorView.contentAttributes.of({ "aria-label": label, ...(id ? { id } : {}) }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) now.current.onChange(update.state.doc.toString());
          }),
          EditorView.domEventHandlers({ drop: dropped }),
        ],
      }),
    });
    view.current = made;
    if (focused) {
      made.focus();
      made.dispatch({ selection: { anchor: made.state.doc.length } });
    }
    return () => {
      view.current = null;
      made.destroy();
    };
  }, []);

  useEffect(() => {
    const made = view.current;
    if (made && made.state.doc.toString() !== text)
      made.dispatch({ changes: { from: 0, to: made.state.doc.length, insert: text } });
  }, [text]);
  useEffect(() => {
    const content = view.current?.contentDOM;
    content?.toggleAttribute("aria-invalid", !!invalid);
    if (describedBy) content?.setAttribute("aria-describedby", describedBy);
    else content?.removeAttribute("aria-describedby");
  }, [invalid, describedBy]);

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
