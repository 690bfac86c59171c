import { expect, test } from "vitest";
import { fieldsOf } from "./fields";

test("a schema's properties become lines", () => {
  const schema = {
    required: ["symbol"],
    properties: {
      symbol: { type: "string", title: "Symbol", description: "What." },
      period: { type: "integer", default: 14 },
      side: { enum: ["buy", "sell"] },
      stop: { anyOf: [{ type: "number" }, { type: "null" }], default: null },
      many: { type: "array", items: { $ref: "#/$defs/Bar" } },
      odd: {},
    },
  };
  expect(fieldsOf(schema).map(({ name, kind, standard, required }) => [name, kind, standard, required])).toEqual([
    ["symbol", "string", null, true],
    ["period", "integer", "14", false],
    ["side", "buy | sell", null, false],
    ["stop", "number", null, false],
    ["many", "Bar[]", null, false],
    ["odd", "any", null, false],
  ]);
});

test("no schema has no lines", () => {
  expect(fieldsOf(undefined)).toEqual([]);
});
