import "@testing-library/jest-dom/vitest";
import "@/i18n";
import { configure } from "@testing-library/react";
import { addWords } from "./test-words";

// A guard against hanging, not a measure: a busy machine takes its time.
configure({ asyncUtilTimeout: 30_000 });

addWords();

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
