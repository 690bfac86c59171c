import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { sql } from "@codemirror/lang-sql";
import { bracketMatching } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { EditorView, keymap, lineNumbers } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { appearance } from "./language";

export type CodeLanguage = "json" | "sql" | "text";

/** Code over several lines. Tab leaves it. */
export default function CodeEditor({
  id,
  label,
  language,
  text,
  onChange,
}: {
  id?: string;
  label: string;
  language: CodeLanguage;
  text: string;
  onChange: (text: string) => void;
}) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const tell = useRef(onChange);
  tell.current = onChange;

  // biome-ignore lint/correctness/useExhaustiveDependencies: made once for a language; the text is brought in below
  useEffect(() => {
    if (!place.current) return;
    const made = new EditorView({
      parent: place.current,
      state: EditorState.create({
        doc: text,
        extensions: [
          appearance,
          lineNumbers(),
          bracketMatching(),
          history(),
          keymap.of([...defaultKeymap, ...historyKeymap]),
          language === "json" ? json() : language === "sql" ? sql() : [],
          EditorView.contentAttributes.of({ "aria-label": label, ...(id ? { id } : {}) }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) tell.current(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = made;
    return () => {
      view.current = null;
      made.destroy();
    };
  }, [language]);
  useEffect(() => {
    const made = view.current;
    if (made && made.state.doc.toString() !== text)
      made.dispatch({ changes: { from: 0, to: made.state.doc.length, insert: text } });
  }, [text]);

  return <div ref={place} className="max-h-80 min-h-24 overflow-auto rounded-md border border-line-strong/60" />;
}
