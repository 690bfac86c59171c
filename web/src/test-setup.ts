import "@testing-library/jest-dom/vitest";
import "@/i18n";
import { configure } from "@testing-library/react";
import i18next from "i18next";

// A guard against hanging, not a measure: a busy machine takes its time.
configure({ asyncUtilTimeout: 30_000 });

// Tests look at once: every word is there before the first of them.
const english = import.meta.glob<object>("./i18n/en/*.json", { eager: true, import: "default" });
for (const [path, words] of Object.entries(english))
  i18next.addResourceBundle("en", /(\w+)\.json$/.exec(path)?.[1] ?? "", words);

// jsdom draws nothing and knows no media.
window.matchMedia ??= ((query: string) => ({
  media: query,
  matches: false,
  addEventListener() {},
  removeEventListener() {},
})) as never;
globalThis.ResizeObserver ??= class {
  observe() {}
  unobserve() {}
  disconnect() {}
};
