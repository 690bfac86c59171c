// Between what is typed and the JSON that a configuration holds. What cannot be read stays as it was typed: the server
// says what is wrong with it, and nothing is lost.

export const isExpression = (value: unknown): value is string => typeof value === "string" && value.startsWith("=");

const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;

/** A number where the text is one (a decimal comma too); the text itself otherwise, undefined for nothing. */
export function numberOf(text: string): number | string | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  const plain = /^[^.]*,\d+$/.test(trimmed) ? trimmed.replace(",", ".") : trimmed;
  return NUMBER.test(plain) && Number.isFinite(Number(plain)) ? Number(plain) : trimmed;
}

/** Any JSON from one line: numbers, true, false, null, lists, objects and quoted texts; everything else is a text. */
export function jsonOf(text: string): unknown {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  if (isExpression(trimmed)) return trimmed;
  if (NUMBER.test(trimmed)) return Number(trimmed);
  if (/^(true|false|null)$/.test(trimmed) || /^["[{]/.test(trimmed)) {
    try {
      return JSON.parse(trimmed);
    } catch {
      return text;
    }
  }
  return text;
}

/** The line that `jsonOf` reads as this value. */
export function lineOf(value: unknown): string {
  if (value === undefined) return "";
  if (typeof value !== "string") return JSON.stringify(value);
  return jsonOf(value) === value ? value : JSON.stringify(value);
}

export const UNITS = { s: 1, min: 60, h: 3_600, d: 86_400 } as const;
export type Unit = keyof typeof UNITS;

/** The largest unit in which a number of seconds is whole. */
export function unitOf(seconds: unknown): Unit {
  if (typeof seconds !== "number" || seconds === 0) return "s";
  return (["d", "h", "min"] as const).find((unit) => seconds % UNITS[unit] === 0) ?? "s";
}

/** A copy without keys whose value is undefined: an empty field is one that is not there. */
export function without<T extends Record<string, unknown>>(values: T, name: string): T {
  const { [name]: _gone, ...rest } = values;
  return rest as T;
}

export const withValue = (values: Record<string, unknown>, name: string, value: unknown): Record<string, unknown> =>
  value === undefined ? without(values, name) : { ...values, [name]: value };
