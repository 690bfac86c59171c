// Every language says the same things: the same keys with the same values put in. And code asks only for words there are.
import { expect, test } from "vitest";

type Words = { [key: string]: string | Words };
const FILES = import.meta.glob<Words>("./*/*.json", { eager: true, import: "default" });
const SOURCES = import.meta.glob<string>("../**/*.{ts,tsx}", { eager: true, query: "?raw", import: "default" });

/** `language → namespace.key → words`. */
const said = new Map<string, Map<string, string>>();
for (const [path, words] of Object.entries(FILES)) {
  const [, language = "", namespace = ""] = /\.\/([^/]+)\/([^/]+)\.json$/.exec(path) ?? [];
  const all = said.get(language) ?? new Map<string, string>();
  said.set(language, all);
  flatten(words, namespace, all);
}

function flatten(words: Words, prefix: string, into: Map<string, string>): void {
  for (const [key, value] of Object.entries(words)) {
    if (typeof value === "string") into.set(`${prefix}.${key}`, value);
    else flatten(value, `${prefix}.${key}`, into);
  }
}

const english = said.get("en") ?? new Map<string, string>();
const others = [...said].filter(([language]) => language !== "en");
const placeholders = (text: string): string[] =>
  [...text.matchAll(/\{\{\s*(\w+)[^}]*\}\}/g)].map((each) => each[1] ?? "").sort();
const tags = (text: string): string[] => [...text.matchAll(/<\/?\w+\/?>/g)].map((each) => each[0]).sort();

test("English is not alone", () => {
  expect(english.size).toBeGreaterThan(300);
  expect(others.length).toBeGreaterThan(0);
});

test.each(others)("%s has every key of English and no other", (_, words) => {
  expect([...english.keys()].filter((key) => !words.has(key))).toEqual([]);
  expect([...words.keys()].filter((key) => !english.has(key))).toEqual([]);
});

test.each(others)("%s puts in the same values", (_, words) => {
  const differing = [...english].filter(([key, text]) => {
    const other = words.get(key) ?? "";
    return `${placeholders(text)} ${tags(text)}` !== `${placeholders(other)} ${tags(other)}`;
  });
  expect(differing.map(([key, text]) => [key, text, words.get(key)])).toEqual([]);
});

test("no words are empty", () => {
  for (const [, words] of said) expect([...words].filter(([, text]) => !text.trim())).toEqual([]);
});

/** Every `t("…")` with the namespaces its file names. */
function asked(): [file: string, key: string, candidates: string[]][] {
  const found: [string, string, string[]][] = [];
  for (const [file, text] of Object.entries(SOURCES)) {
    if (/\.test\.tsx?$/.test(file)) continue;
    const namespaces = [...text.matchAll(/useTranslation\(\s*(?:"(\w+)"|\[([^\]]+)\])/g)].flatMap((use) =>
      use[1] ? [use[1]] : [...(use[2] ?? "").matchAll(/"(\w+)"/g)].map((each) => each[1] ?? ""),
    );
    if (!namespaces.length) continue;
    for (const use of text.matchAll(/\bt\(\s*"([^"]+)"/g)) {
      const key = use[1] ?? "";
      const [before, after] = key.includes(":") ? key.split(":") : [undefined, key];
      found.push([file, key, before ? [`${before}.${after}`] : namespaces.map((each) => `${each}.${after}`)]);
    }
  }
  return found;
}

test("code asks only for words there are", () => {
  const keys = asked();
  expect(keys.length).toBeGreaterThan(200);
  const known = (key: string) => english.has(key) || english.has(`${key}_other`);
  expect(keys.filter(([, , candidates]) => !candidates.some(known)).map(([file, key]) => `${file}: ${key}`)).toEqual(
    [],
  );
});
