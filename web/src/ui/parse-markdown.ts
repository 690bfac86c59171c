// A small Markdown: what our own help and node descriptions use. It gives data, so nothing in a text can become markup.

export type Inline =
  | { kind: "text" | "code"; text: string }
  | { kind: "strong" | "em"; of: Inline[] }
  | { kind: "link"; to: string; of: Inline[] };

export type Block =
  | { kind: "heading"; level: number; of: Inline[] }
  | { kind: "paragraph" | "quote"; of: Inline[] }
  | { kind: "code"; text: string }
  | { kind: "list"; ordered: boolean; start: number; items: Inline[][] }
  | { kind: "table"; head: Inline[][]; rows: Inline[][][] };

const ITEM = /^(?:[-*]|(\d+)\.)\s+(.*)$/;
/** Addresses a text may lead to: screens of the console, and the web. */
const SAFE = /^(?:#\/|https?:\/\/)/;

export function parse(text: string): Block[] {
  const lines = text.replace(/\r\n?/g, "\n").split("\n");
  const blocks: Block[] = [];
  let at = 0;
  /** The lines from here on for which it holds. */
  const take = (holds: (line: string) => boolean): string[] => {
    const from = at;
    while (at < lines.length && holds(lines[at] ?? "")) at += 1;
    return lines.slice(from, at);
  };
  while (at < lines.length) {
    const line = lines[at] ?? "";
    const heading = /^(#{1,4})\s+(.*)$/.exec(line);
    if (line.trim() === "") at += 1;
    else if (heading) {
      blocks.push({ kind: "heading", level: heading[1]?.length ?? 1, of: inline(heading[2] ?? "") });
      at += 1;
    } else if (line.startsWith("```")) {
      at += 1;
      blocks.push({ kind: "code", text: take((each) => !each.startsWith("```")).join("\n") });
      at += 1;
    } else if (line.startsWith("|")) blocks.push(table(take((each) => each.startsWith("|"))));
    else if (line.startsWith(">")) {
      const quoted = take((each) => each.startsWith(">")).map((each) => each.replace(/^>\s?/, ""));
      blocks.push({ kind: "quote", of: inline(quoted.join(" ")) });
    } else if (ITEM.test(line)) blocks.push(list(take((each) => ITEM.test(each) || /^\s+\S/.test(each))));
    else blocks.push({ kind: "paragraph", of: inline(take(isPlain).join(" ")) });
  }
  return blocks;
}

const isPlain = (line: string): boolean =>
  line.trim() !== "" && !/^(?:#{1,4}\s|```|\||>)/.test(line) && !ITEM.test(line);

function list(lines: string[]): Block {
  const items: string[] = [];
  for (const line of lines) {
    const item = ITEM.exec(line);
    if (item) items.push(item[2] ?? "");
    else items[items.length - 1] += ` ${line.trim()}`;
  }
  const number = ITEM.exec(lines[0] ?? "")?.[1];
  return { kind: "list", ordered: number !== undefined, start: Number(number ?? 1), items: items.map(inline) };
}

function table(lines: string[]): Block {
  const rows = lines.map((line) => cells(line));
  const [head = [], rule, ...rest] = rows;
  const ruled = rule?.every((cell) => /^:?-+:?$/.test(cell)) ?? false;
  const body = ruled ? rest : rows.slice(1);
  return { kind: "table", head: head.map(inline), rows: body.map((row) => row.map(inline)) };
}

/** A bar within backticks parts no cells: expressions use it. */
const cells = (line: string): string[] =>
  (line.replace(/^\||\|$/g, "").match(/(?:`[^`]*`|[^|])+/g) ?? []).map((cell) => cell.trim());

const SPAN =
  /`([^`]+)`|\*\*(.+?)\*\*|(?:\*([^*\s](?:[^*]*[^*\s])?)\*|(?<!\w)_([^_\s](?:[^_]*[^_\s])?)_(?!\w))|\[([^\]]+)\]\(([^)\s]+)\)/;

export function inline(text: string): Inline[] {
  const found = SPAN.exec(text);
  if (found === null) return text === "" ? [] : [{ kind: "text", text }];
  const [whole, code, strong, starred, underlined, label, to] = found;
  const em = starred ?? underlined;
  const before = text.slice(0, found.index);
  const after = text.slice(found.index + whole.length);
  return [...(before ? [{ kind: "text" as const, text: before }] : []), span(), ...inline(after)];

  function span(): Inline {
    if (code !== undefined) return { kind: "code", text: code };
    if (strong !== undefined) return { kind: "strong", of: inline(strong) };
    if (em !== undefined) return { kind: "em", of: inline(em) };
    if (label !== undefined && to !== undefined && SAFE.test(to)) return { kind: "link", to, of: inline(label) };
    return { kind: "text", text: whole };
  }
}

const plainInline = (parts: Inline[]): string =>
  parts.map((part) => ("of" in part ? plainInline(part.of) : part.text)).join("");

/** The words alone, to search in. */
export const plainText = (blocks: Block[]): string =>
  blocks
    .map((block) => {
      if (block.kind === "code") return block.text;
      if (block.kind === "list") return block.items.map(plainInline).join(" ");
      if (block.kind === "table")
        return [block.head, ...block.rows].map((row) => row.map(plainInline).join(" ")).join(" ");
      return plainInline(block.of);
    })
    .join(" ");
