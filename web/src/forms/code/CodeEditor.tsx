import { json } from "@codemirror/lang-json";
import { sql } from "@codemirror/lang-sql";
import { bracketMatching } from "@codemirror/language";
import { lineNumbers } from "@codemirror/view";
import { useCodeMirror } from "./useCodeMirror";

export type CodeLanguage = "json" | "sql" | "text";
const LANGUAGES = { json, sql, text: () => [] };

/** Code over several lines. Tab leaves it. */
export default function CodeEditor({
  language,
  ...editing
}: {
  id?: string;
  label: string;
  language: CodeLanguage;
  text: string;
  onChange: (text: string) => void;
}) {
  const { place } = useCodeMirror(editing, () => [lineNumbers(), bracketMatching(), LANGUAGES[language]()], language);
  return <div ref={place} className="max-h-80 min-h-24 overflow-auto rounded-md border border-line-strong/60" />;
}
