// How rows are put in order: numbers by size, texts as people sort them, nothing always last.
export type Sortable = string | number | boolean | Date | null | undefined;
export type Direction = "ascending" | "descending";
export type Order = { column: string; direction: Direction };

const words = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
const nothing = (value: Sortable): boolean =>
  value === null || value === undefined || (typeof value === "number" && Number.isNaN(value));

function compare(one: Sortable, other: Sortable): number {
  if (typeof one === "string" || typeof other === "string") return words.compare(String(one), String(other));
  return Number(one) - Number(other);
}

/** The rows in order; rows that are alike keep the order they came in. */
export function inOrder<Row>(rows: readonly Row[], key: (row: Row) => Sortable, direction: Direction): Row[] {
  const turn = direction === "ascending" ? 1 : -1;
  return rows
    .map((row) => ({ row, value: key(row) }))
    .sort((a, b) => {
      const missing = Number(nothing(a.value)) - Number(nothing(b.value));
      return missing !== 0 ? missing : nothing(a.value) ? 0 : turn * compare(a.value, b.value);
    })
    .map(({ row }) => row);
}

/** The order after a click on a column's head: ascending, descending, then as the rows came. */
export function nextOrder(now: Order | null, column: string): Order | null {
  if (now?.column !== column) return { column, direction: "ascending" };
  return now.direction === "ascending" ? { column, direction: "descending" } : null;
}

export type Slice<Row> = { rows: Row[]; page: number; pages: number; from: number; to: number };

/** One page of rows. A page beyond the last is the last one: rows go away while one looks. */
export function pageOf<Row>(rows: Row[], page: number, size: number): Slice<Row> {
  const pages = Math.max(1, Math.ceil(rows.length / size));
  const at = Math.min(Math.max(page, 0), pages - 1);
  const from = at * size;
  const shown = rows.slice(from, from + size);
  return { rows: shown, page: at, pages, from: shown.length ? from + 1 : 0, to: from + shown.length };
}
