import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// `npm run dev` serves the console itself and hands the API on to a Tradeloom that runs here.
const server = process.env.TRADELOOM_ADDRESS ?? "http://127.0.0.1:8420";
const asItself = { target: server, changeOrigin: true, headers: { origin: server } };

// Logic that keeps something in the browser, or hears from it.
const NEED_A_PAGE = [
  "src/editor/saving/saver.test.ts",
  "src/live/run-watch.test.ts",
  "src/screens/notifications/seen.test.ts",
  "src/tour/outcome.test.ts",
];

export default defineConfig({
  plugins: [react(), tailwindcss()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  base: "/static/",
  build: {
    target: "es2023",
    // Scripts and styles inside the page would need a laxer content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: true,
  },
  server: {
    proxy: { "/api": asItself, "/hooks": asItself, "/event": { ...asItself, ws: true } },
  },
  test: {
    globals: true,
    css: false,
    // A guard against hanging, not a measure: a busy machine takes its time.
    testTimeout: 60_000,
    // A page for every file costs more than most tests: those of plain logic (`.test.ts`) do without one.
    projects: [
      {
        extends: true,
        test: {
          name: "logic",
          environment: "node",
          include: ["src/**/*.test.ts"],
          exclude: NEED_A_PAGE,
          setupFiles: ["src/test-setup-logic.ts"],
        },
      },
      {
        extends: true,
        test: {
          name: "screens",
          environment: "jsdom",
          include: ["src/**/*.test.tsx", ...NEED_A_PAGE],
          setupFiles: ["src/test-setup.ts"],
        },
      },
    ],
  },
});
