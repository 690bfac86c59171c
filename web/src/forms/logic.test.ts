import { expect, test } from "vitest";
import { insertReference, mannerOf, referenceTo } from "./insert";
import { within } from "./SchemaForm";
import { fieldsOf, isShown, itemKinds, type JsonSchema, wordsOf } from "./schema";
import { jsonOf, lineOf, numberOf, unitOf, withValue } from "./values";

test.each([
  [["value"], "nodes.rsi.value"],
  [["last", "close"], "nodes.rsi.last.close"],
  [["positions", 0, "ticket"], "nodes.rsi.positions[0].ticket"],
  [["content-type"], 'nodes.rsi["content-type"]'],
  [["in", 'a"b'], 'nodes.rsi["in"]["a\\"b"]'],
  [["for"], "nodes.rsi.for"],
])("a path is written as the language reads it: %j", (path, written) => {
  expect(referenceTo("nodes.rsi", path as (string | number)[])).toBe(written);
});

test("an empty field becomes the expression", () => {
  expect(insertReference(undefined, "nodes.rsi.value", "whole").value).toBe("= nodes.rsi.value");
  expect(insertReference(14, "nodes.rsi.value", "whole").value).toBe("= nodes.rsi.value");
});

test("a text keeps its words and takes the value where the caret stands", () => {
  const { value, caret } = insertReference("RSI is .", "nodes.rsi.value", "text", 7);
  expect(value).toBe("RSI is {{ nodes.rsi.value }}.");
  expect(value.slice(caret)).toBe(".");
  expect(insertReference("old", "nodes.a", "text", 0, 3).value).toBe("{{ nodes.a }}");
});

test("an expression that waits for a value takes it; one that is whole is replaced", () => {
  expect(insertReference("= nodes.rsi.value < ", "nodes.ma.value", "whole").value).toBe(
    "= nodes.rsi.value < nodes.ma.value",
  );
  expect(insertReference("= max(nodes.a, ", "nodes.b", "whole").value).toBe("= max(nodes.a, nodes.b");
  expect(insertReference("= nodes.rsi.value", "nodes.ma.value", "whole").value).toBe("= nodes.ma.value");
  expect(insertReference("=", "nodes.ma.value", "whole").value).toBe("= nodes.ma.value");
});

test("within an expression the value goes to the caret, and over what is selected", () => {
  expect(insertReference("= a + c", "nodes.b", "whole", 6, 7).value).toBe("= a + nodes.b");
  expect(insertReference("a + c", "nodes.b", "bare", 4, 5).value).toBe("a + nodes.b");
  expect(insertReference("", "element.side", "bare").value).toBe("element.side");
});

const SCHEMA: JsonSchema = {
  order: ["side", "volume", "text", "rules"],
  required: ["side"],
  $defs: {
    Side: { enum: ["buy", "sell"], title: "Side" },
    Drop: { properties: { op: { const: "drop" }, paths: { type: "array" } }, required: ["op"] },
    Pick: { properties: { op: { const: "pick" } } },
  },
  properties: {
    text: { type: "string", title: "Text" },
    side: { $ref: "#/$defs/Side", widget: "select", static: true },
    volume: { anyOf: [{ type: "number", minimum: 0.01 }, { type: "null" }], default: null, show_if: { side: ["buy"] } },
    rules: {
      type: "array",
      items: {
        oneOf: [{ $ref: "#/$defs/Drop" }, { $ref: "#/$defs/Pick" }],
        discriminator: { propertyName: "op" },
      },
    },
  },
};

test("a schema's fields come in its order, references followed, null apart", () => {
  const [side, volume, text, rules] = fieldsOf(SCHEMA);
  expect(side).toMatchObject({ name: "side", title: "Side", required: true, static: true });
  expect(side?.schema.enum).toEqual(["buy", "sell"]);
  expect(volume).toMatchObject({ widget: "number", nullable: true, title: "Volume" });
  expect(volume?.schema.minimum).toBe(0.01);
  expect(text?.widget).toBe("text");
  expect(rules?.widget).toBe("list");
  expect([...itemKinds(rules?.schema ?? {}, SCHEMA).kinds.keys()]).toEqual(["drop", "pick"]);
});

test("a field shows by the values of others, their defaults, and while one of them is not known", () => {
  const fields = fieldsOf(SCHEMA);
  const volume = fields[1];
  if (!volume) throw new Error("no field");
  expect(isShown(volume, { side: "buy" }, fields)).toBe(true);
  expect(isShown(volume, { side: "sell" }, fields)).toBe(false);
  expect(isShown(volume, {}, fields)).toBe(false);
  expect(isShown(volume, { side: "= nodes.a.side" }, fields)).toBe(true);
});

test("how a field takes references follows from what it is", () => {
  const [side, volume, text] = fieldsOf(SCHEMA);
  expect(side && mannerOf(side)).toBeNull();
  expect(volume && mannerOf(volume)).toBe("whole");
  expect(text && mannerOf(text)).toBe("text");
  expect(text && mannerOf({ ...text, static: true, names: ["element"] })).toBe("bare");
});

test.each([
  ["14", 14],
  ["1.50", 1.5],
  ["0,1", 0.1],
  ["-3e2", -300],
  ["", undefined],
  ["abc", "abc"],
  ["1.2.3", "1.2.3"],
  ["= nodes.a", "= nodes.a"],
])("a number is read from %j", (text, value) => {
  expect(numberOf(text)).toBe(value);
});

test.each([1, "text", "14", "= nodes.a", true, null, [1, "a"], { a: 1 }, "[", "null"])(
  "%j survives being shown and read",
  (value) => {
    expect(jsonOf(lineOf(value))).toEqual(value);
  },
);

test("durations are shown in the unit in which they are whole", () => {
  expect([60, 90, 3_600, 86_400, 0, undefined].map(unitOf)).toEqual(["min", "s", "h", "d", "s", "s"]);
});

test("emptying a field leaves it out", () => {
  expect(withValue({ a: 1, b: 2 }, "a", undefined)).toEqual({ b: 2 });
  expect(withValue({ a: 1 }, "a", null)).toEqual({ a: null });
});

test("a server's field is a path of the form", () => {
  expect(within("config.rules.0.path", "config")).toBe("rules.0.path");
  expect(within("config", "config")).toBe("");
  expect(within(null, "config")).toBe("");
});

test("words are written as people write them, signs as they are", () => {
  expect(["take_profit", "H1", "<", "crosses_above", "SMA"].map(wordsOf)).toEqual([
    "Take profit",
    "H1",
    "<",
    "Crosses above",
    "SMA",
  ]);
});
