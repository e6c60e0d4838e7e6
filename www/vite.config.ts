import { defineConfig } from "vite";

export default defineConfig({
  // Relative addresses: the built folder works from any path of any static host.
  base: "./",
  worker: { format: "es" },
  build: {
    target: "es2022",
    // The content security policy has no `data:` for scripts or wasm: nothing is inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: { index: "index.html", replay: "replay.html" } },
  },
});
