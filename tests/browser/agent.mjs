/** The page's `Agent` alone, for tests of the protocol: built from its sources into the site of a test, on a page without anything else. */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT } from "./harness.mjs";

/** Builds `agent.ts`, `rules.ts` and `records.ts` with their workers into `agent-test/` of the site, and with them the sources named in `more`. */
export async function buildAgent(site, more = {}) {
  const www = join(ROOT, "www");
  const { build } = await import(pathToFileURL(createRequire(join(www, "package.json")).resolve("vite")).href);
  const outDir = join(site, "agent-test");
  await mkdir(outDir, { recursive: true });
  await build({
    root: www,
    configFile: false,
    base: "./",
    publicDir: false,
    logLevel: "error",
    worker: { format: "es" },
    build: {
      outDir,
      emptyOutDir: true,
      target: "es2022",
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      rolldownOptions: {
        input: Object.fromEntries(
          Object.entries({ agent: "agent.ts", rules: "rules.ts", records: "records.ts", ...more }).map(([name, file]) => [name, join(www, "src", file)]),
        ),
        preserveEntrySignatures: "strict",
        output: { entryFileNames: "[name].js" },
      },
    },
  });
  // The pages' own policy holds here as well.
  const head = await readFile(join(www, "shared/head.html"), "utf8");
  const [policy] = /<meta\s+http-equiv="Content-Security-Policy"[^>]*>/.exec(head);
  await writeFile(join(outDir, "index.html"), `<!doctype html><html lang="en"><head>${policy}</head><title>Agent</title></html>`);
}

/** Opens the page; in it `Agent`, `agent` (a new one), `start` (a position after moves) and `bytesOf` (a served file) are global. */
export async function openAgent(site, { model = "models/default.model" } = {}) {
  const page = await site.page({ serveFiles: site.files });
  await page.goto(`${site.base}agent-test/index.html`);
  await page.evaluate(async (model) => {
    const { Agent, ModelProblem, WorkerStopped } = await import("./agent.js");
    const bytesOf = async (path) => (await fetch(path)).arrayBuffer();
    const start = (moves = "") => ({ start: "startpos", moves, maxPlies: 512 });
    const agent = new Agent();
    Object.assign(globalThis, { Agent, ModelProblem, WorkerStopped, bytesOf, start, agent });
    if (model !== null) await agent.fetch(`/${model}`, () => {});
  }, model);
  return page;
}
