// The parameters an SQL text names, and their values as people type them.

/** Names of `:name`, in their order: not those in texts, comments, or behind `::`. */
export function namesIn(sql: string): string[] {
  const bare = sql.replace(/'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|::\s*\w+/g, (text) =>
    " ".repeat(text.length),
  );
  return [...new Set([...bare.matchAll(/:([A-Za-z_]\w*)/g)].map((found) => found[1] ?? ""))];
}

/** JSON where it is JSON (a number, true, a list), else the text itself. */
export function typed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export const parametersOf = (sql: string, values: Record<string, string>): Record<string, unknown> =>
  Object.fromEntries(namesIn(sql).map((name) => [name, typed(values[name] ?? "")]));
