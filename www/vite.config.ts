import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { defineConfig, type Plugin } from "vite";

/** Plugin for markup that all pages share: replaces `<!-- include FILE -->` by the file, and marks the page's own link. */
const include: Plugin = {
  name: "include",
  transformIndexHtml: {
    order: "pre",
    handler: (html, { filename }) => {
      const whole = html.replace(/<!-- include (\S+) -->/g, (_, file: string) =>
        readFileSync(new URL(file, import.meta.url), "utf8"),
      );
      const link = `<a href="./${basename(filename)}">`;
      return whole.replace(link, link.replace(">", ' aria-current="page">'));
    },
  },
};

export default defineConfig({
  // Relative addresses: the built folder works from any path of any static host.
  base: "./",
  plugins: [include],
  worker: { format: "es" },
  build: {
    target: "es2022",
    // The content security policy has no `data:` for scripts or wasm: nothing is inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: { index: "index.html", replay: "replay.html" } },
  },
});
