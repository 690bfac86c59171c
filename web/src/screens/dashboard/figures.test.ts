import { expect, test } from "vitest";
import { fallCurve, ranked, replaysOf, resultCurve, type Sum, sinceOf } from "./figures";

const sum = (parts: Partial<Sum>): Sum => ({
  account: "paper",
  replay: "a",
  currency: "USD",
  workflow_id: null,
  workflow_name: null,
  version: null,
  count: 0,
  wins: 0,
  losses: 0,
  net: 0,
  gross_profit: 0,
  gross_loss: 0,
  win_rate: null,
  profit_factor: null,
  expectancy: null,
  average_win: null,
  average_loss: null,
  average_r: null,
  r_count: 0,
  max_drawdown: 0,
  first_closed_at: null,
  last_closed_at: null,
  curve: [],
  ...parts,
});

test("a period ends where the account's market stands, not now", () => {
  expect(sinceOf("7", "2017-08-30T19:00:00Z")).toBe("2017-08-23T19:00:00.000Z");
  expect(sinceOf("all", "2017-08-30T19:00:00Z")).toBeNull();
});

test("a curve begins at nothing and keeps every point it was told", () => {
  const told = sum({
    curve: [
      { at: "2017-08-30T19:00:00Z", net: 10, drawdown: 0 },
      { at: "2017-08-31T19:00:00Z", net: -5, drawdown: 15 },
    ],
  });
  expect(resultCurve(told)).toEqual([
    { time: "2017-08-30T18:59:59.000Z", value: 0 },
    { time: "2017-08-30T19:00:00Z", value: 10 },
    { time: "2017-08-31T19:00:00Z", value: -5 },
  ]);
  expect(fallCurve(told).map(({ value }) => value)).toEqual([0, -15]);
  expect(resultCurve(sum({}))).toEqual([]);
});

test("replays of other accounts are not this one's", () => {
  const sums = [sum({ replay: "b" }), sum({ replay: "a" }), sum({ account: "live", replay: "" }), sum({ replay: "b" })];
  expect(replaysOf(sums, "paper")).toEqual(["b", "a"]);
  expect(replaysOf(sums, "live")).toEqual([""]);
});

test("the best stands first, and what was done by hand last", () => {
  const sums = [sum({ net: 900 }), sum({ workflow_id: "w1", net: -3 }), sum({ workflow_id: "w2", net: 20 })];
  expect(ranked(sums).map(({ workflow_id }) => workflow_id)).toEqual(["w2", "w1", null]);
});
