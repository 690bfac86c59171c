import { expect, test } from "vitest";
import { outcomeOf } from "./outcome";

type Run = Parameters<typeof outcomeOf>[0];
const node = (name: string, type: string, port: string, reason?: unknown): NonNullable<Run["node_runs"]>[number] => ({
  node: name,
  name,
  type,
  port,
  state: "succeeded",
  output: { reason },
});
const run = (more: Partial<Run>): Run => ({ status: "succeeded", orders: [], node_runs: [], error: null, ...more });

test("while it runs nothing is said of its end", () => {
  expect(outcomeOf(run({ status: "pending" })).kind).toBe("running");
  expect(outcomeOf(run({ status: "running" })).kind).toBe("running");
});

test("orders count as a trade", () => {
  expect(outcomeOf(run({ orders: [{}, {}] as never }))).toEqual({ kind: "traded", count: 2 });
});

test("the last condition that said no is the reason", () => {
  const node_runs = [
    node("First", "condition.if", "false", "1 is not above 2"),
    node("Last", "condition.logic", "false", "one of two holds"),
    node("Yes", "condition.if", "true", "it holds"),
    node("Note", "notify.dashboard", "false", "no condition"),
  ];
  expect(outcomeOf(run({ node_runs }))).toEqual({ kind: "declined", node: "Last", reason: "one of two holds" });
});

test("an odd reason is not shown", () => {
  expect(outcomeOf(run({ node_runs: [node("If", "condition.if", "false", { evil: 1 })] }))).toMatchObject({
    reason: "–",
  });
});

test("no order and no condition is just an end", () => {
  expect(outcomeOf(run({}))).toEqual({ kind: "quiet" });
});

test("a failure names the node and what it said", () => {
  const error = { name: "NotFound", message: "No such symbol.", node: "price" } as never;
  const node_runs = [{ ...node("Price now", "market.live_price", "error"), node: "price" }];
  expect(outcomeOf(run({ status: "failed", error, node_runs }))).toEqual({
    kind: "failed",
    node: "Price now",
    message: "No such symbol.",
  });
});
