import { describe, expect, test } from "vitest";
import type { Schemas } from "@/api/client";
import { chosen, fileName, type Listed, listed, tagsOf, typedTags, type View } from "./listing";

const VIEW: View = { search: "", show: "all", tags: [], sort: "changed" };

function workflow(name: string, more: Partial<Listed> = {}): Listed {
  return {
    id: `wf-${name}`,
    name,
    description: "",
    active: false,
    version: "1",
    nodes: 3,
    account: "paper",
    tags: [],
    created_at: "2026-01-01T00:00:00Z",
    updated_at: "2026-01-01T00:00:00Z",
    next_fire: null,
    last_run: null,
    results: [],
    ...more,
  };
}

const ran = (status: string, started_at = "2026-01-02T00:00:00Z") => ({ id: "ex", status, started_at }) as never;
const names = (workflows: Listed[], view: Partial<View>) => chosen(workflows, { ...VIEW, ...view }).map((w) => w.name);

describe("what the list knows", () => {
  const sum = (account: string, currency: string, count: number, net: number) =>
    ({ workflow_id: "wf-a", account, currency, count, net }) as Schemas["TradeSummaryItem"];

  test("results are added up by currency, without what the test account made", () => {
    const sums = [
      sum("paper", "USD", 2, 10),
      sum("paper", "USD", 1, -4),
      sum("paper", "EUR", 1, 3),
      sum("paper-test", "USD", 9, 99),
    ];
    expect(listed([workflow("a")], sums)[0]?.results).toEqual([
      { currency: "USD", trades: 3, net: 6 },
      { currency: "EUR", trades: 1, net: 3 },
    ]);
  });
});

describe("search and filters", () => {
  const list = [
    workflow("RSI dip buyer", { description: "Buys the dip", tags: ["dips", "EURUSD"], active: true }),
    workflow("Überfall", { account: "demo", tags: ["EURUSD"], last_run: ran("failed") }),
    workflow("Breakout", { last_run: { ...(ran("succeeded") as object), has_errors: true } as never }),
  ];

  test.each([
    ["rsi", ["RSI dip buyer"]],
    ["BUY dip", ["RSI dip buyer"]],
    ["uberfall", ["Überfall"]],
    ["demo", ["Überfall"]],
    ["eurusd", ["RSI dip buyer", "Überfall"]],
    ["nothing like it", []],
    ["  ", ["Breakout", "RSI dip buyer", "Überfall"]],
  ])("search %j", (search, found) => {
    expect(names(list, { search, sort: "name" })).toEqual(found);
  });

  test("state and tags narrow down together", () => {
    expect(names(list, { show: "active" })).toEqual(["RSI dip buyer"]);
    expect(names(list, { show: "inactive", sort: "name" })).toEqual(["Breakout", "Überfall"]);
    expect(names(list, { show: "failing", sort: "name" })).toEqual(["Breakout", "Überfall"]);
    expect(names(list, { tags: ["EURUSD"], sort: "name" })).toEqual(["RSI dip buyer", "Überfall"]);
    expect(names(list, { tags: ["EURUSD", "dips"] })).toEqual(["RSI dip buyer"]);
    expect(names(list, { tags: ["EURUSD"], show: "failing" })).toEqual(["Überfall"]);
  });

  test("the list that was given stays as it was", () => {
    const before = [...list];
    chosen(list, { ...VIEW, sort: "name" });
    expect(list).toEqual(before);
  });
});

describe("order", () => {
  const list = [
    workflow("b", { updated_at: "2026-03-01T00:00:00Z", results: [{ currency: "USD", net: -5, trades: 1 }] }),
    workflow("a", { updated_at: "2026-02-01T00:00:00Z", next_fire: "2026-04-02T00:00:00Z", last_run: ran("failed") }),
    workflow("c", {
      next_fire: "2026-04-01T00:00:00Z",
      last_run: ran("succeeded", "2026-01-03T00:00:00Z"),
      results: [{ currency: "USD", net: 5, trades: 1 }],
    }),
  ];

  test.each([
    ["changed", ["b", "a", "c"]],
    ["name", ["a", "b", "c"]],
    ["run", ["c", "a", "b"]],
    ["profit", ["c", "b", "a"]],
    ["next", ["c", "a", "b"]],
  ] as const)("by %s; what has none comes last", (sort, found) => {
    expect(names(list, { sort })).toEqual(found);
  });
});

test("tags in use come by how often they are used", () => {
  const list = [workflow("a", { tags: ["x", "y"] }), workflow("b", { tags: ["y"] }), workflow("c", { tags: ["a"] })];
  expect(tagsOf(list)).toEqual([
    ["y", 2],
    ["a", 1],
    ["x", 1],
  ]);
});

test("typed tags are trimmed and each is there once", () => {
  expect(typedTags(" trend,, EURUSD , trend,")).toEqual(["trend", "EURUSD"]);
  expect(typedTags("  ")).toEqual([]);
});

test.each([
  ["RSI dip buyer", "rsi-dip-buyer.json"],
  ["../../etc/passwd", "etc-passwd.json"],
  ["Überfall!", "uberfall.json"],
  ["日本", "workflow.json"],
  ["x".repeat(200), `${"x".repeat(60)}.json`],
])("%j is exported into a name that every system takes", (name, file) => {
  expect(fileName(name)).toBe(file);
});
