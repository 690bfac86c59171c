// Figures of models as the screen tells them.
import { number } from "@/ui/format";
import type { Model, Scores, Version } from "./queries";

/** What a model is for, in a few words; an uploaded one by its name. */
export const titleOf = (model: Pick<Model, "name" | "symbol" | "timeframe">): string =>
  model.symbol ? `${model.symbol} ${model.timeframe ?? ""}`.trim() : model.name.replace(/^uploaded\//, "");

export const short = (version: string): string => version.slice(0, 10);

export type Verdict = "beats" | "no_better" | "worse" | "untested";

/** What the test says of a version. `worse` needs the same proof the other way. */
export function verdictOf(scores: Scores | null | undefined): Verdict {
  if (!scores) return "untested";
  if (scores.beats_naive) return "beats";
  return scores.t_statistic <= -1.645 ? "worse" : "no_better";
}

/** How often the direction was right, by how strong the forecast was, weakest first. */
export const hitRates = ({ hits, counts }: Scores): (number | null)[] =>
  counts.map((count, place) => (count ? (hits[place] ?? 0) / count : null));

/** The version a roll-back would choose, if there is one. */
export function earlier(history: readonly Version[], current: string): Version | undefined {
  const place = history.findIndex((each) => each.version === current);
  return place < 0 ? undefined : history[place + 1];
}

export const signed = (value: number, digits: number): string => `${value > 0 ? "+" : ""}${number(value, digits)}`;

/** Digits after the point that show an error of this size: three that matter. */
export const digitsFor = (value: number): number =>
  value > 0 ? Math.min(8, Math.max(0, 2 - Math.floor(Math.log10(value)))) : 2;
