import { expect, test } from "vitest";
import { helpPages } from "./content";

const english = helpPages("en");
const german = helpPages("de");
const links = (text: string) => [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, to]) => to);
const lines = (text: string, begin: RegExp) => text.split("\n").filter((line) => begin.test(line)).length;

test("every page is there in German", () => {
  expect(german.map(({ slug }) => slug)).toEqual(english.map(({ slug }) => slug));
  for (const [index, page] of german.entries()) expect(page.text, page.slug).not.toBe(english[index]?.text);
});

test.each(english.map((page, index) => [page.slug, page.text, german[index]?.text ?? ""]))(
  "%s says as much in German and leads to the same places",
  (_, said, gesagt) => {
    expect(links(gesagt)).toEqual(links(said));
    for (const part of [/^#/, /^- /, /^\d+\. /, /^\|/, /^>/, /^```/])
      expect(lines(gesagt, part), String(part)).toBe(lines(said, part));
  },
);
