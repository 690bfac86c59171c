import { expect, test } from "vitest";
import { matching, typesOf } from "./matching";
import type { Template } from "./queries";

const template = (id: string, more: Partial<Template>): Template => ({
  id,
  name: id,
  summary: "",
  category: "trend",
  level: "beginner",
  market: "EURUSD H1",
  tags: [],
  tier: "basic",
  idea: "",
  risks: [""],
  guide: [],
  document: { nodes: [] },
  ...more,
});

const LIST = [
  template("Turtle", {
    summary: "Buys breakouts",
    category: "breakout",
    document: { nodes: [{ type: "indicator.donchian" }] },
  }),
  template("Dips", { idea: "After a sharp fall", category: "mean_reversion", level: "advanced" }),
];

test.each([
  ["", null, ["Turtle", "Dips"]],
  ["buys BREAKOUT", null, ["Turtle"]],
  ["donchian", null, ["Turtle"]],
  ["advanced", null, ["Dips"]],
  ["eurusd fall", null, ["Dips"]],
  ["", "mean_reversion", ["Dips"]],
  ["turtle", "mean_reversion", []],
] as const)("search %j of kind %j", (search, category, found) => {
  expect(matching(LIST, search, category).map(({ id }) => id)).toEqual(found);
});

test("types are named once", () => {
  const nodes = [{ type: "a.b" }, { type: "c.d" }, { type: "a.b" }];
  expect(typesOf({ document: { nodes } })).toEqual(["a.b", "c.d"]);
});
