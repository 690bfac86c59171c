/** A value in a few characters: figures as short as they are exact enough, texts cut, lists by their length. */
export function short(value: unknown): string {
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(7)));
  if (typeof value === "string") return value.length > 80 ? `${value.slice(0, 79)}…` : value;
  if (Array.isArray(value)) return `[${value.length}]`;
  if (typeof value === "object" && value !== null) return `{${Object.keys(value).length}}`;
  return String(value);
}

export const isBranch = (value: unknown): value is object => typeof value === "object" && value !== null;

/** What stands in a list or an object, by name. */
export const entriesOf = (value: object): [string, unknown][] => Object.entries(value);

/** The value a person typed as JSON; `undefined` where it is none. */
export function parsed(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}
