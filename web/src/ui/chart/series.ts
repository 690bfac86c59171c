// What a chart is given, and what the library that draws it wants of it. No library in here: screens import this.

/** Names of the palette in `app/styles.css`: the chart follows the theme. */
export type ChartTone = "accent" | "good" | "bad" | "warn" | "soft" | "ink" | "paper" | "demo" | "live";
/** RFC 3339, or milliseconds since 1970. */
export type ChartTime = string | number;
export type Candle = { time: ChartTime; open: number; high: number; low: number; close: number };
/** `null` leaves a gap: an indicator that has no value yet. */
export type Point = { time: ChartTime; value: number | null };

type Common = {
  id: string;
  name: string;
  /** 0 is the main pane; an oscillator stands in 1. */
  pane?: number;
  /** Digits after the point; by default those the values need, five at most. */
  digits?: number;
};
export type ChartSeries = Common &
  (
    | { kind: "candles"; points: readonly Candle[] }
    | { kind: "line" | "area" | "histogram"; points: readonly Point[]; tone?: ChartTone; dashed?: boolean }
    /** Above the base in the tone of gain, below in that of loss. */
    | { kind: "baseline"; points: readonly Point[]; base?: number }
  );

export type ChartMarker = {
  /** The series it stands at; the first without one. */
  series?: string;
  time: ChartTime;
  shape: "up" | "down" | "circle" | "square";
  at: "above" | "below" | "on";
  tone: ChartTone;
  text?: string;
};

export type ChartLevel = { series?: string; value: number; name: string; tone: ChartTone };

/** Seconds since 1970, as the library counts. */
export const seconds = (time: ChartTime): number =>
  Math.floor((typeof time === "number" ? time : Date.parse(time)) / 1_000);

/** In order of time and each moment once, the last word on it: the library refuses anything else. */
export function inTime<P extends { time: ChartTime }>(points: readonly P[]): (P & { at: number })[] {
  const last = new Map<number, P & { at: number }>();
  for (const point of points) {
    const at = seconds(point.time);
    if (Number.isFinite(at)) last.set(at, { ...point, at });
  }
  return [...last.values()].sort((a, b) => a.at - b.at);
}

/** Digits after the point that tell all values apart from their rounding: prices want five, equity two. */
export function digitsOf(series: ChartSeries): number {
  if (series.digits !== undefined) return series.digits;
  const values =
    series.kind === "candles" ? series.points.map((point) => point.close) : series.points.map((point) => point.value);
  let digits = 0;
  for (const value of values.slice(-200)) {
    if (value === null || !Number.isFinite(value)) continue;
    while (digits < 5 && Math.abs(value * 10 ** digits - Math.round(value * 10 ** digits)) > 1e-6) digits += 1;
  }
  const largest = values.reduce<number>((most, value) => Math.max(most, Math.abs(value ?? 0)), 0);
  return Math.min(digits, largest >= 1_000 ? 2 : largest >= 10 ? 3 : 5);
}

export type ChartRow = { at: number; values: (number | null)[] };

/** The same figures as rows of a table: a moment and each series' value at it. A candle's is its close. */
export function tableOf(all: readonly ChartSeries[]): ChartRow[] {
  const rows = new Map<number, ChartRow>();
  all.forEach((series, column) => {
    for (const point of inTime<Candle | Point>(series.points)) {
      let row = rows.get(point.at);
      if (row === undefined) {
        row = { at: point.at, values: all.map(() => null) };
        rows.set(point.at, row);
      }
      row.values[column] = "close" in point ? point.close : point.value;
    }
  });
  return [...rows.values()].sort((a, b) => b.at - a.at);
}
