import { afterEach, expect, test } from "vitest";
import type { Told } from "./queries";
import { byDay, markSeen, unseen } from "./seen";

afterEach(() => localStorage.clear());

const item = (id: string, time: string): Told => ({
  id,
  time,
  level: "info",
  title: id,
  message: "",
  execution_id: "",
  workflow_id: "",
  node: "",
});
const items = [item("c", "2026-01-06T00:00:01Z"), item("b", "2026-01-05T23:59:59Z"), item("a", "2026-01-05T08:00:00Z")];

test("only what was told after the last look is new", () => {
  expect(unseen(items, "2026-01-05T23:59:59Z").map(({ id }) => id)).toEqual(["c"]);
  expect(unseen(items, "")).toHaveLength(3);
});

test("what was seen stays seen", () => {
  markSeen("2026-01-05T23:59:59Z");
  markSeen("2026-01-05T08:00:00Z");
  expect(localStorage.getItem("tradeloom.notifications.seen")).toBe("2026-01-05T23:59:59Z");
});

test("days are UTC's and keep the order", () => {
  expect(byDay(items).map(([day, told]) => [day, told.map(({ id }) => id)])).toEqual([
    ["2026-01-06", ["c"]],
    ["2026-01-05", ["b", "a"]],
  ]);
});
