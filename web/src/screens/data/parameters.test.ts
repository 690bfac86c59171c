import { expect, test } from "vitest";
import { namesIn, parametersOf } from "./parameters";

test("names are found where the server finds them", () => {
  expect(
    namesIn("SELECT a::text, ':no' FROM t WHERE b = :yes AND c > :since -- :comment\n /* :more */ AND d = :yes"),
  ).toEqual(["yes", "since"]);
});

test("values are JSON where they can be", () => {
  expect(parametersOf("SELECT :a, :b, :c, :d", { a: "1.5", b: "EURUSD", c: '["EURUSD"]', other: "1" })).toEqual({
    a: 1.5,
    b: "EURUSD",
    c: ["EURUSD"],
    d: "",
  });
});
