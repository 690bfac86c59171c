import { expect, test } from "vitest";
import {
  added,
  changed,
  drawnFor,
  drawnOf,
  filterValue,
  nameOf,
  operatorsFor,
  sortable,
  sqlOf,
  without,
} from "./builder";

const KINDS = {
  id: "bigint",
  created_at: "timestamp with time zone",
  symbol: "text",
  profit: "double precision",
  traded: "boolean",
  more: "jsonb",
};

test("a table alone is its newest rows", () => {
  expect(sqlOf(drawnOf("signals"), KINDS)).toEqual({
    sql: "SELECT *\nFROM signals\nORDER BY id DESC NULLS LAST\nLIMIT 100",
    parameters: {},
  });
});

test("what was drawn of a table that is gone gives way: its columns are none of the next one's", () => {
  const drawn = { ...drawnOf("gone"), filters: [{ id: 1, column: "its_own", operator: "=" as const, value: "1" }] };
  expect(drawnFor("gone", drawn)).toBe(drawn);
  expect(sqlOf(drawnFor("signals", drawn), KINDS)).toEqual(sqlOf(drawnOf("signals"), KINDS));
});

test("filters and figures are added, changed and taken away by their number", () => {
  const one = added<{ id: number; column: string }>([], { column: "symbol" });
  const two = added(one, { column: "profit" });
  expect(two).toEqual([
    { id: 1, column: "symbol" },
    { id: 2, column: "profit" },
  ]);
  expect(changed(two, 2, { column: "traded" })).toEqual([two[0], { id: 2, column: "traded" }]);
  expect(without(two, 1)).toEqual([two[1]]);
});

test("values never stand in the text, and are of the column's kind", () => {
  const drawn = {
    ...drawnOf("signals"),
    columns: ["symbol", "profit"],
    filters: [
      { id: 1, column: "symbol", operator: "=" as const, value: "'; DROP TABLE signals --" },
      { id: 2, column: "profit", operator: ">=" as const, value: "1.5" },
      { id: 3, column: "more", operator: "is_null" as const, value: "" },
      { id: 4, column: "symbol", operator: "contains" as const, value: "USD" },
      { id: 5, column: "", operator: "=" as const, value: "not chosen yet" },
    ],
  };
  const { sql, parameters } = sqlOf(drawn, KINDS);
  expect(sql).toContain(
    "SELECT symbol, profit\nFROM signals\nWHERE symbol = :value_1\n  AND profit >= :value_2\n  AND more IS NULL\n  AND strpos(symbol, :value_4) > 0",
  );
  expect(parameters).toEqual({ value_1: "'; DROP TABLE signals --", value_2: 1.5, value_4: "USD" });
});

test("groups and figures; times by their bucket; sorted by place", () => {
  const drawn = {
    ...drawnOf("signals"),
    group: "created_at",
    bucket: "week" as const,
    figures: [
      { id: 1, fn: "count" as const, column: "" },
      { id: 2, fn: "sum" as const, column: "profit" },
    ],
    order: "sum_profit",
    descending: false,
  };
  expect(sqlOf(drawn, KINDS).sql).toBe(
    "SELECT date_trunc('week', created_at) AS created_at, count(*) AS rows, sum(profit) AS sum_profit\n" +
      "FROM signals\nGROUP BY 1\nORDER BY 3 NULLS LAST\nLIMIT 100",
  );
  expect(sortable(drawn, KINDS)).toEqual(["created_at", "rows", "sum_profit"]);
  expect(sqlOf({ ...drawn, order: "gone" }, KINDS).sql).not.toContain("ORDER BY");
});

test("figures of all rows need no group", () => {
  const drawn = { ...drawnOf("signals"), figures: [{ id: 1, fn: "avg" as const, column: "profit" }] };
  expect(sqlOf(drawn, KINDS).sql).toBe("SELECT avg(profit) AS avg_profit\nFROM signals\nLIMIT 100");
  expect(nameOf({ id: 1, fn: "count", column: "" })).toBe("rows");
});

test("a column that is called like a word of SQL is quoted", () => {
  expect(sqlOf({ ...drawnOf("order"), columns: ["user"], order: "user" }, {}).sql).toBe(
    'SELECT "user"\nFROM "order"\nORDER BY "user" DESC NULLS LAST\nLIMIT 100',
  );
});

test("only what a type can be asked is offered", () => {
  expect(operatorsFor("text")).toContain("contains");
  expect(operatorsFor("bigint")).not.toContain("contains");
  expect(operatorsFor("boolean")).not.toContain("<");
  expect(operatorsFor("jsonb")).toEqual(["is_null", "is_not_null"]);
  expect(filterValue("true", "boolean")).toBe(true);
  expect(filterValue(" ", "bigint")).toBe(" ");
  expect(filterValue("abc", "bigint")).toBe("abc");
});
