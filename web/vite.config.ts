import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// `npm run dev` serves the console itself and hands the API on to a Tradeloom that runs here.
const server = process.env.TRADELOOM_ADDRESS ?? "http://127.0.0.1:8420";
const asItself = { target: server, changeOrigin: true, headers: { origin: server } };

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
    environment: "jsdom",
    globals: true,
    setupFiles: ["src/test-setup.ts"],
    css: false,
    // A guard against hanging, not a measure: a busy machine takes its time.
    testTimeout: 60_000,
  },
});
