// What the dashboard reads off the trade ledger's sums. Nothing is added up here that the server adds up.
import type { Schemas } from "@/api/client";

export type Sum = Schemas["TradeSummaryItem"];
export const PERIODS = ["7", "30", "90", "365", "all"] as const;
export type Period = (typeof PERIODS)[number];

const DAY_MS = 86_400_000;

/** Where a period begins that ends at the account's market time; null: at the first trade. */
export const sinceOf = (period: Period, marketTime: string): string | null =>
  period === "all" ? null : new Date(Date.parse(marketTime) - Number(period) * DAY_MS).toISOString();

/** The replays of an account that have trades, the latest kept first; a broker's account has one, without a name. */
export const replaysOf = (sums: readonly Sum[], account: string): string[] => [
  ...new Set(sums.filter((sum) => sum.account === account).map(({ replay }) => replay)),
];

/** The curve as the chart takes it, beginning at nothing a moment before the first trade. */
export function resultCurve(sum: Sum): { time: string; value: number }[] {
  const points = (sum.curve ?? []).map(({ at, net }) => ({ time: at, value: net }));
  const first = points[0];
  if (!first) return [];
  const before = new Date(Date.parse(first.time) - 1_000).toISOString();
  return [{ time: before, value: 0 }, ...points];
}

/** How far the curve is below its highest so far, as a negative amount. */
export const fallCurve = (sum: Sum): { time: string; value: number }[] =>
  (sum.curve ?? []).map(({ at, drawdown }) => ({ time: at, value: drawdown === 0 ? 0 : -drawdown }));

/** Best first; what nobody's workflow opened stands last. */
export const ranked = (sums: readonly Sum[]): Sum[] =>
  [...sums].sort((a, b) => Number(a.workflow_id === null) - Number(b.workflow_id === null) || b.net - a.net);

export const shortVersion = (version: string | null): string => version?.replace(/^sha256:/, "").slice(0, 7) ?? "–";
