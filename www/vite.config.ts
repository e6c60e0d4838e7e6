import { readFileSync } from "node:fs";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
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

/**
 * Plugin for what a browser loads first. Files of the same origin need no `crossorigin`, with which a browser refuses the style
 * sheet of a page opened as a file; such a page could then not even say why it does not start.
 */
const sameOrigin: Plugin = {
  name: "same-origin",
  transformIndexHtml: { order: "post", handler: (html) => html.replaceAll(" crossorigin", "") },
};

/** Name of the chunk of `src/start.ts`, whose downloads are to begin first. */
const START = "start";

/** Plugin that runs the chunk of `src/start.ts` before the page's own script, which needs more chunks, has come. */
const startFirst: Plugin = {
  name: "start-first",
  apply: "build",
  transformIndexHtml: {
    order: "post",
    handler: (html, { bundle = {} }) => {
      const start = Object.values(bundle).find((file) => file.type === "chunk" && file.name === START);
      return start ? html.replace("<script ", `<script type="module" src="./${start.fileName}"></script>\n    <script `) : html;
    },
  },
};

/** Plugin that writes `FILE.br` and `FILE.gz` beside each file of the build; a server that looks for them sends them. */
const compressed: Plugin = {
  name: "compressed",
  apply: "build",
  async writeBundle({ dir = "dist" }) {
    const files = await readdir(dir, { recursive: true });
    await Promise.all(
      files.filter((file) => /\.(html|css|js|wasm|svg)$/.test(file)).map(async (file) => {
        const bytes = await readFile(join(dir, file));
        // The module for GPUs is 2.8 MB: the best quality would take longer than everything else.
        const quality = bytes.length < 1e6 ? 11 : 5;
        const brotli = await promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: quality } });
        await writeFile(join(dir, `${file}.br`), brotli);
        await writeFile(join(dir, `${file}.gz`), await promisify(gzip)(bytes, { level: 9 }));
      }),
    );
  },
};

export default defineConfig({
  // Relative addresses: the built folder works from any path of any static host.
  base: "./",
  plugins: [include, sameOrigin, startFirst, compressed],
  worker: { format: "es" },
  build: {
    target: "es2022",
    // The content security policy has no `data:` for scripts or wasm: nothing is inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: { index: "index.html", replay: "replay.html", missing: "404.html" },
      output: { codeSplitting: { groups: [{ name: START, test: /src\/(start|wasm-module)\.ts$/ }] } },
    },
  },
});
