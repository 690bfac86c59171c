import { expect, test } from "vitest";
import { digitsFor, earlier, hitRates, titleOf, verdictOf } from "./figures";
import type { Scores, Version } from "./queries";

const scores = (more: Partial<Scores>): Scores =>
  ({ beats_naive: false, t_statistic: 0, hits: [], counts: [], ...more }) as Scores;

test("what a test says", () => {
  expect(verdictOf(null)).toBe("untested");
  expect(verdictOf(scores({ beats_naive: true }))).toBe("beats");
  expect(verdictOf(scores({ t_statistic: 1 }))).toBe("no_better");
  expect(verdictOf(scores({ t_statistic: -2 }))).toBe("worse");
});

test("a model is called by what it forecasts, an uploaded one by its name", () => {
  expect(titleOf({ name: "trained/EURUSD/H1/ridge/h1/0", symbol: "EURUSD", timeframe: "H1" })).toBe("EURUSD H1");
  expect(titleOf({ name: "uploaded/my-model", symbol: null, timeframe: null })).toBe("my-model");
});

test("hit rates, the version before, digits", () => {
  expect(hitRates(scores({ hits: [3, 0], counts: [4, 0] }))).toEqual([0.75, null]);
  const history = ["c", "b", "a"].map((version) => ({ version }) as Version);
  expect(earlier(history, "b")?.version).toBe("a");
  expect(earlier(history, "a")).toBeUndefined();
  expect(earlier(history, "gone")).toBeUndefined();
  expect([digitsFor(0.00123), digitsFor(12.3), digitsFor(2_500)]).toEqual([5, 1, 0]);
});
