import { expect, test } from "vitest";
import type { NodeType } from "@/editor/store/types";
import type { HelpPage } from "./content";
import { helpPages } from "./content";
import { excerptOf, searchHelp } from "./searching";

const page = (slug: string, title: string, words: string): HelpPage => ({
  slug,
  part: "begin",
  title,
  text: words,
  words,
});
const type = (name: string, title: string, description: string) => ({ type: name, title, description }) as NodeType;
const PAGES = [
  page("rsi-strategy", "An RSI strategy", "We let it trade"),
  page("begin", "Begin", "The RSI is an index"),
];
const TYPES = [type("indicator.rsi", "RSI", "Relative strength index"), type("order.market", "Market order", "Buys")];

const paths = (search: string) => searchHelp(PAGES, TYPES, search).map(({ path }) => path);

test("titles count before texts, and every word has to be there", () => {
  expect(paths("rsi")).toEqual(["/help/rsi-strategy", "/help/indicator.rsi", "/help/begin"]);
  expect(paths("RSI strength")).toEqual(["/help/indicator.rsi"]);
  expect(paths("order market")).toEqual(["/help/order.market"]);
  expect(paths("rsi nothing")).toEqual([]);
  expect(paths("  ")).toEqual([]);
});

test("an excerpt holds the word and says that there is more", () => {
  const text = `${"before ".repeat(30)}needle ${"after ".repeat(30)}`;
  const excerpt = excerptOf(text, ["needle"]);
  expect(excerpt).toMatch(/^… .*needle.* …$/);
  expect(excerpt.length).toBeLessThan(200);
  expect(excerptOf("short needle", ["needle"])).toBe("short needle");
});

test("every page is there, has a title, and leads only to pages that are", () => {
  const pages = helpPages("en");
  expect(pages.map(({ part }) => part).filter((part) => part === "tutorials")).toHaveLength(5);
  const known = new Set(pages.map(({ slug }) => slug));
  for (const { text, title, slug } of pages) {
    expect(title).not.toBe(slug);
    for (const [, to] of text.matchAll(/\(#\/help\/([^)]+)\)/g)) {
      if (to && !to.includes(".")) expect(known, `${slug} leads to ${to}`).toContain(to);
    }
  }
});
