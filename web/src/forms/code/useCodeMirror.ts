// What all code editors share: one is made in its place, hears of its text and tells what was typed.
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import type { Extension } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { appearance } from "./language";

type Editing = { id?: string | undefined; label: string; text: string; onChange: (text: string) => void };

/** `extensions` are asked for once, and anew when `kind` is another: what else changes has to be brought in. */
export function useCodeMirror({ id, label, text, onChange }: Editing, extensions: () => Extension, kind?: string) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const tell = useRef(onChange);
  tell.current = onChange;

  // biome-ignore lint/correctness/useExhaustiveDependencies: made once for a kind; the text is brought in below
  useEffect(() => {
    if (!place.current) return;
    const made = new EditorView({
      parent: place.current,
      doc: text,
      extensions: [
        appearance,
        extensions(),
        history(),
        keymap.of([...defaultKeymap, ...historyKeymap]),
        EditorView.contentAttributes.of({ "aria-label": label, ...(id ? { id } : {}) }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) tell.current(update.state.doc.toString());
        }),
      ],
    });
    view.current = made;
    return () => {
      view.current = null;
      made.destroy();
    };
  }, [kind]);
  useEffect(() => {
    const made = view.current;
    if (made && made.state.doc.toString() !== text)
      made.dispatch({ changes: { from: 0, to: made.state.doc.length, insert: text } });
  }, [text]);

  return { place, view };
}
