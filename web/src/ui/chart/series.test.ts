import { expect, test } from "vitest";
import { type ChartSeries, digitsOf, inTime, seconds, tableOf } from "./series";

test("times are seconds, whatever way they are told", () => {
  expect(seconds("2024-01-02T00:00:01Z")).toBe(1_704_153_601);
  expect(seconds(1_704_153_601_999)).toBe(1_704_153_601);
});

test("points go by time, each moment once, and what has no time is left out", () => {
  const points = [
    { time: 3_000, value: 3 },
    { time: 1_000, value: 1 },
    { time: 3_400, value: 4 },
    { time: "never", value: 9 },
  ];
  expect(inTime(points).map((point) => [point.at, point.value])).toEqual([
    [1, 1],
    [3, 4],
  ]);
});

const line = (values: (number | null)[], digits?: number): ChartSeries => ({
  id: "x",
  name: "X",
  kind: "line",
  points: values.map((value, index) => ({ time: index * 1_000, value })),
  ...(digits === undefined ? {} : { digits }),
});

test("as many digits as the values need", () => {
  expect(digitsOf(line([1, 2, null]))).toBe(0);
  expect(digitsOf(line([1.1, 1.25]))).toBe(2);
  expect(digitsOf(line([1.08512, 1.2]))).toBe(5);
  expect(digitsOf(line([10_000.12345]))).toBe(2);
  expect(digitsOf(line([1 / 3], 1))).toBe(1);
});

test("rows of a table: newest first, one column a series, a candle by its close", () => {
  const candles: ChartSeries = {
    id: "c",
    name: "EURUSD",
    kind: "candles",
    points: [{ time: 1_000, open: 1, high: 3, low: 0, close: 2 }],
  };
  expect(tableOf([candles, line([null, 7, 8])])).toEqual([
    { at: 2, values: [null, 8] },
    { at: 1, values: [2, 7] },
    { at: 0, values: [null, null] },
  ]);
});
