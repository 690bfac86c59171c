import type { Schemas } from "@/api/client";

export const STATUSES = ["running", "succeeded", "failed", "stopped", "timed_out", "pending"] as const;
export const PERIODS = ["all", "hour", "day", "week", "month"] as const;
export type Filters = {
  status: Schemas["ExecutionSummary"]["status"] | "";
  workflow: string;
  period: (typeof PERIODS)[number];
};
export const NO_FILTERS: Filters = { status: "", workflow: "", period: "all" };

const HOUR_MS = 3_600_000;
const SPANS: Record<Filters["period"], number | null> = {
  all: null,
  hour: HOUR_MS,
  day: 24 * HOUR_MS,
  week: 7 * 24 * HOUR_MS,
  month: 30 * 24 * HOUR_MS,
};

/** When the period began; null for all of time. */
export function sinceOf(period: Filters["period"], now: number): string | null {
  const span = SPANS[period];
  return span === null ? null : new Date(now - span).toISOString();
}
