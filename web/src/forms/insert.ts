// What becomes of a field when a value of another node is put into it.
import type { Field } from "./schema";
import { isExpression } from "./values";

/** What is dragged: how an expression names the value, how people do, and what it was. */
export type Reference = { source: string; label: string; value?: unknown };

export const REFERENCE_TYPE = "application/x-tradeloom-reference";

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
// Words that are no field after a dot (`expressions/words.py`): such keys go in brackets.
const KEYWORDS = new Set(["true", "false", "null", "in"]);

/** `nodes.rsi.value`, with brackets where a key is no name. */
export function referenceTo(root: string, path: (string | number)[]): string {
  return path.reduce<string>((whole, step) => {
    if (typeof step === "number") return `${whole}[${step}]`;
    return NAME.test(step) && !KEYWORDS.has(step) ? `${whole}.${step}` : `${whole}[${JSON.stringify(step)}]`;
  }, root);
}

type Change = { value: string; caret: number };

/** How a field takes references: as an expression's bare text, within its text, or as its whole value. */
export type Manner = "bare" | "text" | "whole";

export function mannerOf(field: Field): Manner | null {
  if (field.names) return "bare";
  if (field.static) return null;
  const plain = field.widget === "text" || field.widget === "code";
  return plain && field.schema.type === "string" ? "text" : "whole";
}

const between = (text: string, from: number, to: number, put: string): Change => ({
  value: text.slice(0, from) + put + text.slice(to),
  caret: from + put.length,
});

/** Whether what stands before the caret leaves room for a value: nothing, an operator, a comma, an opening bracket. */
const open = (before: string) => /(^=?|[-+*/%<>=!&|?:,([{]|\bin)\s*$/.test(before);

/** `from` and `to` are the selection; the end of the text where the field has none. */
export function insertReference(
  now: unknown,
  source: string,
  manner: Manner,
  from?: number,
  to: number | undefined = from,
): Change {
  const text = typeof now === "string" ? now : "";
  const [start, end] = [from ?? text.length, to ?? text.length];
  if (manner === "bare" || isExpression(text)) {
    const bare = manner === "bare" && !isExpression(text);
    const at = bare ? start : Math.max(start, 1);
    const before = text.slice(0, at);
    // A value dropped behind another replaces it where nothing joins the two: `a b` is no expression.
    if (from === undefined && !open(before)) return between("", 0, 0, bare ? source : `= ${source}`);
    const gap = /[\s([]$|^$/.test(before) ? "" : " ";
    return between(text, at, Math.max(end, at), gap + source);
  }
  if (manner === "text") return between(text, start, end, `{{ ${source} }}`);
  const whole = `= ${source}`;
  return { value: whole, caret: whole.length };
}

/** Puts a reference into a drag: as itself, and as text for whatever takes no references. */
export function carry(data: DataTransfer, { source, label }: Reference): void {
  data.setData(REFERENCE_TYPE, JSON.stringify({ source, label }));
  data.setData("text/plain", source);
}

/** The reference that an event carries, if any. */
export function carried(data: DataTransfer | null): Reference | null {
  const text = data?.getData(REFERENCE_TYPE);
  if (!text) return null;
  try {
    const told = JSON.parse(text);
    return typeof told?.source === "string" ? (told as Reference) : null;
  } catch {
    return null;
  }
}
