// The expression language for CodeMirror: its colours and what it completes.
import type { CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { HighlightStyle, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { nonce } from "@/app/nonce";
import type { Completion } from "../surroundings";

const ROOTS = /^(input|inputs|nodes|trigger|item|index)\b/;

export const expressionLanguage = StreamLanguage.define<{ after: boolean }>({
  name: "tradeloom-expression",
  startState: () => ({ after: false }),
  token(stream, state) {
    if (stream.eatSpace()) return null;
    const after = state.after;
    state.after = false;
    if (stream.match(/^"([^"\\]|\\.)*"?|^'([^'\\]|\\.)*'?/)) return "string";
    if (stream.match(/^\d+(\.\d+)?([eE][+-]?\d+)?/)) return "number";
    if (!after && stream.match(ROOTS)) return "variableName";
    if (!after && stream.match(/^(true|false|null|in)\b/)) return "keyword";
    if (stream.match(/^[A-Za-z_]\w*(?=\s*\()/)) return "function";
    if (stream.match(/^[A-Za-z_]\w*/)) return after ? "propertyName" : "name";
    if (stream.eat(".")) {
      state.after = true;
      return "punctuation";
    }
    stream.next();
    return "operator";
  },
  tokenTable: { function: tags.function(tags.variableName) },
});

const colours = HighlightStyle.define([
  { tag: tags.string, color: "var(--good)" },
  { tag: tags.number, color: "var(--demo)" },
  { tag: tags.keyword, color: "var(--demo)", fontWeight: "600" },
  { tag: tags.variableName, color: "var(--accent)", fontWeight: "600" },
  { tag: tags.propertyName, color: "var(--accent)" },
  { tag: tags.function(tags.variableName), color: "var(--warn)" },
  { tag: tags.operator, color: "var(--soft)" },
]);

const looks = EditorView.theme({
  "&": { fontSize: "13px", color: "var(--ink)", backgroundColor: "var(--surface)" },
  "&.cm-focused": { outline: "none" },
  ".cm-content": { fontFamily: "ui-monospace, monospace", padding: "7px 8px", caretColor: "var(--ink)" },
  ".cm-line": { padding: "0" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--accent-soft)" },
  ".cm-gutters": { backgroundColor: "var(--sunken)", color: "var(--soft)", border: "none" },
  ".cm-tooltip": {
    backgroundColor: "var(--raised)",
    color: "var(--ink)",
    border: "1px solid var(--line)",
    borderRadius: "8px",
    boxShadow: "var(--shadow)",
    overflow: "hidden",
  },
  ".cm-tooltip-autocomplete > ul > li": { padding: "3px 8px" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": {
    backgroundColor: "var(--accent-soft)",
    color: "var(--ink)",
  },
  ".cm-completionDetail": { color: "var(--soft)", fontStyle: "normal", marginLeft: "1em" },
  ".cm-completionInfo": { maxWidth: "26rem", padding: "6px 10px", color: "var(--soft)" },
  ".cm-placeholder": { color: "var(--soft)" },
});

export const appearance = [EditorView.cspNonce.of(nonce), looks, syntaxHighlighting(colours), EditorView.lineWrapping];

const TYPES = { node: "variable", field: "property", function: "function" } as const;

/** Values of other nodes by their whole path, and functions. */
export const completing =
  (offered: () => Completion[]) =>
  (context: CompletionContext): CompletionResult | null => {
    const word = context.matchBefore(/[\w.]+/);
    if (!word && !context.explicit) return null;
    return {
      from: word?.from ?? context.pos,
      options: offered().map(({ label, detail, info, kind }) => ({
        label,
        type: TYPES[kind],
        boost: kind === "function" ? -10 : 0,
        ...(kind === "function" ? { apply: `${label}(` } : {}),
        ...(detail ? { detail } : {}),
        ...(info ? { info } : {}),
      })),
      validFor: /^[\w.]*$/,
    };
  };
