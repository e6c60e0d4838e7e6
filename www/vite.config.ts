import { existsSync, readFileSync } from "node:fs";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { defineConfig, type Plugin } from "vite";
import { catalogues } from "./build/catalogues";
import { FIRST, sharedChunks } from "./build/chunks";
import { offline } from "./build/offline";

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

/** A text in both languages, `[[English|Japanese]]`. */
const PAIR = /\[\[([^|\]]+)\|([^|\]]+)\]\]/g;

/**
 * Plugin for text in two languages (`src/words/index.ts`): a pair becomes two spans, one of which base.css hides; where there can be
 * no spans, English stands in its place, and Japanese in `data-ja`, by the attribute's name, or by "" for the element's text.
 */
const languages: Plugin = {
  name: "languages",
  transformIndexHtml: {
    order: "pre",
    handler: (html, { filename }) => {
      const english = (text: string): string => text.replace(PAIR, "$1");
      const japanese = (text: string): string => text.replace(PAIR, "$2");
      const tags = html.replace(/<([a-z][a-z0-9-]*)((?:\s+[a-z-]+(?:="[^"]*")?)*)\s*(\/?)>(?:([^<]*)(?=<\/(?:title|option)>))?/g,
        (tag, name: string, attributes: string, closing: string, text: string | undefined) => {
          const said: Record<string, string> = {};
          for (const [, attribute, value] of attributes.matchAll(/([a-z-]+)="([^"]*)"/g)) {
            if (attribute !== undefined && value !== undefined && value !== japanese(value)) said[attribute] = japanese(value);
          }
          if (text !== undefined && text !== japanese(text)) said[""] = japanese(text);
          if (Object.keys(said).length === 0) return tag;
          const data = JSON.stringify(said).replaceAll("'", "&#39;");
          return `<${name}${english(attributes)} data-ja='${data}'${closing && ` ${closing}`}>${english(text ?? "")}`;
        });
      const whole = tags.replace(PAIR, '<span class="said" lang="en">$1</span><span class="said" lang="ja">$2</span>');
      const lame = /\[\[.{0,60}|.{0,60}\]\]/s.exec(whole);
      if (lame) throw new Error(`${filename}: a text without its two languages: ${lame[0]}`);
      return whole;
    },
  },
};

/**
 * Plugin for what a browser loads first. Files of the same origin need no `crossorigin`, with which a browser refuses the style
 * sheet of a page opened as a file; such a page could then not even say why it does not start.
 */
export const sameOrigin: Plugin = {
  name: "same-origin",
  transformIndexHtml: { order: "post", handler: (html) => html.replaceAll(" crossorigin", "") },
};

/** Names of the chunks that begin the page's downloads: the module that plays and the network; the module of records. */
const BEGINNING = ["start", "records"];

/**
 * Plugin that runs the chunks of `BEGINNING` which a page needs before the page's own script, which needs more chunks, has come, and that
 * names those for the browser to load with it. Vite's own links would come with a script in each chunk that imports another later.
 */
const startFirst: Plugin = {
  name: "start-first",
  apply: "build",
  transformIndexHtml: {
    order: "post",
    handler: (html, { chunk, bundle = {} }) => {
      const needed = new Set<string>();
      const visit = (name: string): void => {
        const file = bundle[name];
        if (file?.type !== "chunk" || needed.has(name)) return;
        needed.add(name);
        file.imports.forEach(visit);
      };
      chunk?.imports.forEach(visit);
      const isFirst = (name: string): boolean => BEGINNING.includes(bundle[name]?.name ?? "");
      const tags = [...needed].map((name) =>
        isFirst(name) ? `<script type="module" src="./${name}"></script>` : `<link rel="modulepreload" href="./${name}" />`,
      );
      return html.replace('<script type="module"', [...tags, "$&"].join("\n    "));
    },
  },
};

/**
 * Plugin that lets style sheets come before scripts. These are modules, which run when the page is there: asked for with the sheets and
 * as urgently, they share the line with what the first paint waits for.
 */
const sheetsFirst: Plugin = {
  name: "sheets-first",
  apply: "build",
  transformIndexHtml: {
    order: "post",
    handler: (html) => html.replaceAll(/<(script type="module"|link rel="modulepreload")/g, '$& fetchpriority="low"'),
  },
};

/**
 * Plugin that makes workers chunks of the build, which share chunks with the pages: Vite would build each by itself, with another copy
 * of the bindings, a tenth of the scripts of a first visit.
 */
const sharingWorkers: Plugin = {
  name: "sharing-workers",
  apply: "build",
  enforce: "pre",
  transform(code, id) {
    if (!code.includes("new Worker(")) return null;
    return code.replace(/new URL\("(\.\/[\w.-]+\.worker\.ts)", import\.meta\.url\)/g, (_, file: string) => {
      const chunk = this.emitFile({ type: "chunk", id: join(dirname(id), file), name: basename(file, ".ts") });
      return `import.meta.ROLLUP_FILE_URL_${chunk}`;
    });
  },
};

/**
 * Plugin for a site with an agent of its own, `models/default.model`, as `cargo xtask demo` trains one: it is opened first there, and not
 * the first of those that every site ships.
 */
const ownAgentFirst: Plugin = {
  name: "own-agent-first",
  apply: "build",
  writeBundle: {
    order: "pre",
    sequential: true,
    async handler({ dir = "dist" }) {
      if (!existsSync(join(dir, "models/default.model"))) return;
      const file = join(dir, "agents/manifest.json");
      const manifest = JSON.parse(await readFile(file, "utf8")) as { default: string | null };
      await writeFile(file, `${JSON.stringify({ ...manifest, default: null }, null, 2)}\n`);
    },
  },
};

/** Writes `FILE.br` and `FILE.gz` beside each text, script and module among the files of a folder. */
export async function compress(dir: string, files: readonly string[]): Promise<void> {
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
}

/** Plugin that writes `FILE.br` and `FILE.gz` beside each file of the build; a server that looks for them sends them. */
const compressed: Plugin = {
  name: "compressed",
  apply: "build",
  writeBundle: async ({ dir = "dist" }) => compress(dir, await readdir(dir, { recursive: true })),
};

export default defineConfig({
  // Relative addresses: the built folder works from any path of any static host.
  base: "./",
  plugins: [include, languages, catalogues, sameOrigin, startFirst, sheetsFirst, sharingWorkers, ownAgentFirst, offline, compressed],
  worker: { format: "es" },
  build: {
    target: "es2022",
    // The content security policy has no `data:` for scripts or wasm: nothing is inlined.
    assetsInlineLimit: 0,
    modulePreload: false,
    rolldownOptions: {
      input: { index: "index.html", replay: "replay.html", run: "run.html", missing: "404.html" },
      output: {
        codeSplitting: {
          groups: [
            {
              name: "start",
              priority: FIRST,
              test: /src\/(start|wasm-module|relaxed-simd|model-file|agents\/(first|choice|manifest|kept-models|problem))\.ts$/,
            },
            // Of the page of runs too, which starts without a network.
            { name: "decode", test: /src\/state\/decode\.ts$/, priority: FIRST + 1 },
            { name: "records", test: /src\/(records\.ts|wasm\/records\/)/, priority: FIRST },
            // Of workers and pages alike: it loads style sheets with the chunks that come later.
            { name: "preload", test: /vite\/preload-helper\.js$/, priority: FIRST },
            ...sharedChunks(),
          ],
        },
      },
    },
  },
});
