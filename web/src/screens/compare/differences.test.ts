import { expect, test } from "vitest";
import type { Execution } from "@/live/run-record";
import { differencesOf } from "./differences";

const execution = (...runs: object[]): Execution =>
  ({ node_runs: runs.map((run) => ({ name: "N", state: "succeeded", port: "main", ...run })) }) as unknown as Execution;

test("each field that differs is told with both values, a series as one", () => {
  const [rsi] = differencesOf(
    execution({ node: "rsi", output: { value: 25, deep: { a: 1, b: null }, series: [1, 2], kept: "x" } }),
    execution({ node: "rsi", output: { value: 43, deep: { a: 2, b: null }, series: [2, 3], kept: "x" } }),
  );
  expect(rsi?.fields.map(({ path, one, other }) => [path, one, other])).toEqual([
    ["value", 25, 43],
    ["deep.a", 1, 2],
    ["series", [1, 2], [2, 3]],
  ]);
  expect(rsi?.same).toBe(false);
});

test("who ran in one only, went another way or failed differs; who did the same does not", () => {
  const found = differencesOf(
    execution({ node: "a", output: { x: [1] } }, { node: "if", port: "true" }, { node: "buy" }),
    execution({ node: "a", output: { x: [1] } }, { node: "if", port: "false" }, { node: "sell", state: "failed" }),
  );
  expect(found.map(({ node, same }) => [node, same])).toEqual([
    ["a", true],
    ["if", false],
    ["buy", false],
    ["sell", false],
  ]);
});
