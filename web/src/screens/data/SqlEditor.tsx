import { autocompletion } from "@codemirror/autocomplete";
import { PostgreSQL, sql } from "@codemirror/lang-sql";
import { bracketMatching } from "@codemirror/language";
import { Compartment, Prec } from "@codemirror/state";
import { keymap, lineNumbers } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { useCodeMirror } from "@/forms/code/useCodeMirror";
import type { Table } from "./queries";

type Props = { label: string; text: string; tables: Table[]; onChange: (text: string) => void; onRun: () => void };

const languageOf = (tables: Table[]) =>
  sql({
    dialect: PostgreSQL,
    upperCaseKeywords: true,
    schema: Object.fromEntries(tables.map((table) => [table.name, table.columns.map((column) => column.name)])),
  });

/** SQL that completes tables and columns; Ctrl-Enter runs it. */
export default function SqlEditor({ label, text, tables, onChange, onRun }: Props) {
  const language = useRef(new Compartment());
  const run = useRef(onRun);
  run.current = onRun;
  const execute = () => {
    run.current();
    return true;
  };
  const { place, view } = useCodeMirror({ label, text, onChange }, () => [
    Prec.highest(keymap.of([{ key: "Mod-Enter", run: execute }])),
    lineNumbers(),
    bracketMatching(),
    autocompletion({ icons: false }),
    language.current.of(languageOf(tables)),
  ]);
  useEffect(() => {
    view.current?.dispatch({ effects: language.current.reconfigure(languageOf(tables)) });
  }, [view, tables]);

  return <div ref={place} className="max-h-80 min-h-28 overflow-auto rounded-md border border-line-strong" />;
}
