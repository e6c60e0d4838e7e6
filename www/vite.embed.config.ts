/**
 * Build of what other sites load: `dist/embed/keisei.js` with its files beside it, and the page for frames, `dist/embed.html`, which is
 * `dist/embed/index.html` too. The folder `dist/embed` is at once the npm package. It adds to the folder that the build of the pages has
 * made.
 */

import { readFile, rm } from "node:fs/promises";
import { type Plugin, defineConfig } from "vite";
import { compress, sameOrigin } from "./vite.config";

const read = (file: string): Promise<string> => readFile(new URL(file, import.meta.url), "utf8");

/** Plugin that removes what an earlier build has left of the folder. */
const anew: Plugin = {
  name: "anew",
  apply: "build",
  buildStart: () => rm(new URL("dist/embed", import.meta.url), { recursive: true, force: true }),
};

/** Plugin in place of Vite's helper for preloading, of which nothing here has any use: it is a kilobyte of every page's load. */
const plainImports: Plugin = {
  name: "plain-imports",
  apply: "build",
  enforce: "pre",
  load: (id) => (id === "\0vite/preload-helper.js" ? "export const __vitePreload = (load) => load();" : null),
};

/** Plugin that compresses the files of this build; those of the pages are compressed already. */
const compressed: Plugin = {
  name: "compressed",
  apply: "build",
  writeBundle: ({ dir = "dist" }, bundle) => compress(dir, Object.keys(bundle)),
};

/** Plugin that adds what makes the folder a package: its description, types, README and licences. */
const npmPackage: Plugin = {
  name: "npm-package",
  apply: "build",
  async generateBundle() {
    const { version, license } = JSON.parse(await read("package.json")) as { version: string; license: string };
    const description = {
      name: "keisei-embed",
      version,
      description: "Shogi games and positions on any page: two custom elements",
      keywords: ["shogi", "kifu", "kif", "csa", "custom-element", "web-component"],
      license,
      type: "module",
      exports: { ".": { types: "./keisei.d.ts", default: "./keisei.js" } },
      types: "./keisei.d.ts",
      sideEffects: true,
      files: ["keisei.js", "*.d.ts", "assets/*.js", "assets/*.wasm", "!assets/page-*", "LICENSE-*", "OFL.txt"],
    };
    const files: Record<string, string> = {
      "package.json": `${JSON.stringify(description, null, 2)}\n`,
      "keisei.d.ts": await read("package/keisei.d.ts"),
      "classes.d.ts": await read("package/classes.d.ts"),
      "README.md": await read("package/README.md"),
      "LICENSE-MIT": await read("../LICENSE-MIT"),
      "LICENSE-APACHE": await read("../LICENSE-APACHE"),
      "OFL.txt": await read("pieces/OFL.txt"),
    };
    for (const [name, source] of Object.entries(files)) this.emitFile({ type: "asset", fileName: `embed/${name}`, source });
  },
};

/** Plugin that gives the page for frames its second address, `/embed/`. */
const secondAddress: Plugin = {
  name: "second-address",
  apply: "build",
  enforce: "post",
  generateBundle: {
    order: "post",
    handler(_, bundle) {
      const page = bundle["embed.html"];
      if (page?.type !== "asset") throw new Error("the build has no embed.html");
      const source = String(page.source).replaceAll('"./embed/', '"./').replaceAll('"./icon', '"../icon');
      this.emitFile({ type: "asset", fileName: "embed/index.html", source });
    },
  },
};

export default defineConfig({
  base: "./",
  publicDir: false,
  plugins: [anew, plainImports, sameOrigin, npmPackage, secondAddress, compressed],
  build: {
    target: "es2022",
    // Browsers with `light-dark()`: lowered, it needs a style sheet of the page.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    emptyOutDir: false,
    // The host page's content security policy need not allow `data:`.
    assetsInlineLimit: 0,
    modulePreload: false,
    rolldownOptions: {
      input: { page: "embed.html", keisei: "src/embed/keisei.ts" },
      preserveEntrySignatures: "strict",
      output: {
        entryFileNames: (chunk) => (chunk.name === "keisei" ? "embed/keisei.js" : "embed/assets/[name]-[hash].js"),
        chunkFileNames: "embed/assets/[name]-[hash].js",
        assetFileNames: "embed/assets/[name]-[hash][extname]",
      },
    },
  },
});
