// When each node ran: rows of bars on one scale of time.
import { type NodeRun, runKey } from "@/live/run-record";

export type Bar = { key: string; state: NodeRun["state"]; from: number; to: number };
export type Row = { node: string; name: string; bars: Bar[]; from: number; to: number };
export type Scale = { start: number; end: number; ticks: number[] };

const STEPS = [1, 2, 5];
const MOST_BARS = 400;

/** Rows in the order in which nodes first started; what is still going on reaches to `now`. */
export function rowsOf(runs: readonly NodeRun[], now: number): Row[] {
  const rows = new Map<string, Row>();
  for (const run of runs) {
    if (!run.started_at) continue;
    const from = Date.parse(run.started_at);
    const to = Math.max(from, run.finished_at ? Date.parse(run.finished_at) : now);
    const bar = { key: runKey(run.node, run.iteration), state: run.state, from, to };
    const row = rows.get(run.node);
    if (!row) rows.set(run.node, { node: run.node, name: run.name, bars: [bar], from, to });
    else {
      if (row.bars.length < MOST_BARS) row.bars.push(bar);
      row.from = Math.min(row.from, from);
      row.to = Math.max(row.to, to);
    }
  }
  return [...rows.values()].sort((a, b) => a.from - b.from);
}

/** From the first start to the last end, with about six ticks at round distances from the start. */
export function scaleOf(rows: readonly Row[], start: number | null): Scale {
  const first = Math.min(...rows.map((row) => row.from), start ?? Number.POSITIVE_INFINITY);
  const from = Number.isFinite(first) ? first : 0;
  const end = Math.max(...rows.map((row) => row.to), from + 1);
  const step = roundStep((end - from) / 6);
  const ticks = [];
  for (let tick = 0; tick <= end - from; tick += step) ticks.push(tick);
  return { start: from, end, ticks };
}

/** The smallest of 1, 2, 5, 10, 20, … that is not below `span`. */
export function roundStep(span: number): number {
  const decade = 10 ** Math.floor(Math.log10(Math.max(span, 1)));
  return (STEPS.find((step) => step * decade >= span) ?? 10) * decade;
}

/** Left edge and width in percent of the scale. */
export function place(bar: { from: number; to: number }, { start, end }: Scale): { left: number; width: number } {
  const whole = end - start;
  return { left: ((bar.from - start) / whole) * 100, width: ((bar.to - bar.from) / whole) * 100 };
}
