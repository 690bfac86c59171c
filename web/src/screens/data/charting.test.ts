import { expect, test } from "vitest";
import { barsOf, chartingOf, seriesOf } from "./charting";

const RESULT = {
  columns: ["id", "day", "symbol", "profit", "note"],
  rows: [
    { id: 1, day: "2024-01-01T00:00:00Z", symbol: "EURUSD", profit: 2, note: null },
    { id: 2, day: "2024-01-02T00:00:00Z", symbol: "GBPUSD", profit: -1, note: null },
    { id: 3, day: null, symbol: "EURUSD", profit: 5, note: null },
  ],
};

test("tells times, words and figures apart; an id is no figure", () => {
  const found = chartingOf(RESULT);
  expect(found.across).toEqual(["day", "symbol"]);
  expect(found.figures).toEqual(["profit"]);
  expect([...found.times]).toEqual(["day"]);
});

test("a line leaves out rows without a time", () => {
  const [line] = seriesOf(RESULT.rows, "day", ["profit"]);
  expect(line?.points).toEqual([
    { time: "2024-01-01T00:00:00Z", value: 2 },
    { time: "2024-01-02T00:00:00Z", value: -1 },
  ]);
});

test("bars add up rows of the same word", () => {
  expect(barsOf(RESULT.rows, "symbol", "profit")).toEqual([
    { label: "EURUSD", value: 7 },
    { label: "GBPUSD", value: -1 },
  ]);
});
