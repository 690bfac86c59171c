import { expect, test } from "vitest";
import { inOrder, nextOrder, pageOf } from "./rows";

const values = (rows: { v: number | string | null | undefined }[]) => rows.map((row) => row.v);

test("numbers go by size and what is missing stands last, whichever way", () => {
  const rows = [{ v: 10 }, { v: null }, { v: 9 }, { v: Number.NaN }, { v: 100 }];
  expect(values(inOrder(rows, (row) => row.v, "ascending"))).toEqual([9, 10, 100, null, Number.NaN]);
  expect(values(inOrder(rows, (row) => row.v, "descending"))).toEqual([100, 10, 9, null, Number.NaN]);
});

test("texts go as people sort them", () => {
  const rows = [{ v: "run 10" }, { v: "Run 2" }, { v: "apple" }];
  expect(values(inOrder(rows, (row) => row.v, "ascending"))).toEqual(["apple", "Run 2", "run 10"]);
});

test("rows that are alike keep their order", () => {
  const rows = [
    { v: 1, n: "a" },
    { v: 1, n: "b" },
    { v: 1, n: "c" },
  ];
  expect(inOrder(rows, (row) => row.v, "descending").map((row) => row.n)).toEqual(["a", "b", "c"]);
});

test("a column's head goes ascending, descending, off", () => {
  const first = nextOrder(null, "a");
  expect(first).toEqual({ column: "a", direction: "ascending" });
  const second = nextOrder(first, "a");
  expect(second).toEqual({ column: "a", direction: "descending" });
  expect(nextOrder(second, "a")).toBeNull();
  expect(nextOrder(second, "b")).toEqual({ column: "b", direction: "ascending" });
});

test("a page that is no longer there is the last one", () => {
  const rows = [1, 2, 3, 4, 5];
  expect(pageOf(rows, 9, 2)).toEqual({ rows: [5], page: 2, pages: 3, from: 5, to: 5 });
  expect(pageOf([], 0, 2)).toEqual({ rows: [], page: 0, pages: 1, from: 0, to: 0 });
});
