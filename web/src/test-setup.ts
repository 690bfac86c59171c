import "@testing-library/jest-dom/vitest";
import "@/i18n";

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
