// How a result can be drawn: over time, or by category.
import type { ChartSeries, ChartTone } from "@/ui/Chart";
import type { Result } from "./queries";

type Row = Result["rows"][number];
const TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/;
const TONES: ChartTone[] = ["accent", "warn", "good", "demo", "bad"];
export const MOST_LINES = TONES.length;
export const MOST_BARS = 40;

const some = (rows: Row[], column: string, is: (value: unknown) => boolean): boolean => {
  const values = rows.map((row) => row[column]).filter((value) => value !== null && value !== undefined);
  return values.length > 0 && values.every(is);
};
const isTime = (value: unknown): boolean => typeof value === "string" && TIME.test(value);
const isNumber = (value: unknown): boolean => typeof value === "number";
const isWord = (value: unknown): boolean => typeof value === "string" || typeof value === "boolean";

export type Charting = { across: string[]; figures: string[]; times: Set<string> };

/** Which columns may stand across and which are figures. */
export function chartingOf({ rows, columns }: Pick<Result, "rows" | "columns">): Charting {
  const times = new Set(columns.filter((column) => some(rows, column, isTime)));
  return {
    times,
    across: columns.filter((column) => times.has(column) || some(rows, column, isWord)),
    figures: columns.filter((column) => some(rows, column, isNumber) && column !== "id"),
  };
}

/** Lines over a time column, in order of time. */
export function seriesOf(rows: Row[], across: string, figures: string[]): ChartSeries[] {
  return figures.slice(0, MOST_LINES).map((figure, index) => ({
    id: figure,
    name: figure,
    kind: "line",
    tone: TONES[index] ?? "accent",
    points: rows
      .filter((row) => row[across] !== null)
      .map((row) => ({ time: String(row[across]), value: typeof row[figure] === "number" ? row[figure] : null })),
  }));
}

export type Bar = { label: string; value: number };

/** A bar for each row that has a figure; rows of the same word are added up. */
export function barsOf(rows: Row[], across: string, figure: string): Bar[] {
  const sums = new Map<string, number>();
  for (const row of rows) {
    const value = row[figure];
    if (typeof value !== "number") continue;
    const label = row[across] === null || row[across] === undefined ? "–" : String(row[across]);
    sums.set(label, (sums.get(label) ?? 0) + value);
  }
  return [...sums].map(([label, value]) => ({ label, value }));
}
