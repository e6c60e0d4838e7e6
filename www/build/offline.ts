/** Plugin that writes `sw.js`: the service worker, behind a line that names every file of the build with its digest. */

import { createHash } from "node:crypto";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Plugin, type Rolldown, build } from "vite";
import { AGENTS, type Build, HASHED, MODELS, SHIPPED_GAMES } from "../src/offline/build";

/** Files that a page can do without until it asks for them: the module for GPUs, which few networks need, is larger than all others. */
const LATER = /^assets\/keisei_web_gpu/;
/** What a host reads, or sends in place of a file that is not there. */
const HOSTS = /\.(br|gz)$|^404\.html$|^sw\.js$|^[_.]/;
/** Pages with the files beside them. What lies in other folders is kept when it is opened. */
const PAGES = /^[^/]+$|^assets\//;
const DATA = [AGENTS, `${MODELS}default.model`, `${MODELS}games.record`, SHIPPED_GAMES];

export const offline: Plugin = {
  name: "offline",
  apply: "build",
  writeBundle: {
    order: "pre",
    sequential: true,
    async handler({ dir = "dist" }, bundle) {
      const names = (await readdir(dir, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
      const paths = names.map((entry) => join(entry.parentPath, entry.name).slice(join(dir, "/").length).replaceAll("\\", "/"));
      const kept = paths.filter((path) => PAGES.test(path) && !HOSTS.test(path) && !LATER.test(path)).sort();
      const digests = kept.map(async (path) => [path, createHash("sha256").update(await readFile(join(dir, path))).digest("base64")]);
      const files: Build["files"] = Object.fromEntries(await Promise.all(digests));
      const script = await serviceWorker();
      const version = createHash("sha256").update(JSON.stringify(files)).update(script).digest("hex").slice(0, 16);
      const about: Build = { version, files, modules: modules(bundle), data: DATA };
      await writeFile(join(dir, "sw.js"), `const BUILD = ${JSON.stringify(about)};\n${script}`);
    },
  },
};

/** The script as one file without imports: not every browser takes modules as service workers. */
async function serviceWorker(): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: "warn",
    publicDir: false,
    build: {
      target: "es2022",
      write: false,
      rolldownOptions: { input: new URL("../src/offline/worker.ts", import.meta.url).pathname, output: { format: "iife" } },
    },
  });
  const [chunk] = (result as Rolldown.RolldownOutput).output;
  return chunk.code;
}

/** The variants of the wasm module by the folders that they were built in. */
function modules(bundle: Rolldown.OutputBundle): Build["modules"] {
  const of = (folder: string): string | undefined =>
    Object.values(bundle).find((file) => file.type === "asset" && file.originalFileNames.some((name) => name.endsWith(`src/wasm/${folder}keisei_web_bg.wasm`)))?.fileName;
  const [relaxed, fixed] = [of("relaxed/"), of("")];
  return relaxed?.startsWith(HASHED) && fixed && relaxed !== fixed ? { relaxed, fixed } : null;
}
