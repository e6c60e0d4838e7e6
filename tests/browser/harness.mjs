/**
 * Shared by the browser tests: native fixtures, the site on `trainer-native serve`, and Chromium.
 *
 * | variable | meaning | default |
 * |---|---|---|
 * | `CHROMIUM` | the browser | `/usr/bin/chromium` |
 * | `KEISEI_DIST` | the built pages | `www/dist` |
 * | `KEISEI_BIN` | folder with built `trainer-native`, `fixtures` and `xtask` | `cargo run` builds them |
 */

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { chromium } from "playwright-core";

export const ROOT = resolve(import.meta.dirname, "../..");
const DIST = resolve(process.env.KEISEI_DIST ?? join(ROOT, "www/dist"));
const run = promisify(execFile);

const exists = (path) => stat(path).then(() => true, () => false);

/** The command line of a binary of the workspace. */
function command(name, args) {
  if (process.env.KEISEI_BIN) return [join(process.env.KEISEI_BIN, name), args];
  const crate = name === "fixtures" ? "keisei-tests" : name;
  return ["cargo", ["run", "--quiet", "-p", crate, "--bin", name, "--", ...args]];
}

/** Runs a binary of the workspace and returns its standard output. */
async function output(name, args) {
  const { stdout } = await run(...command(name, args), { cwd: ROOT, maxBuffer: 1 << 26 });
  return stdout;
}

export const fixtures = (...args) => output("fixtures", args);

/** Runs `trainer-native` with these arguments. */
export const trainer = (...args) => output("trainer-native", args);

/** Runs `cargo xtask` with these arguments. */
export const xtask = (...args) => output("xtask", args);

/** `trainer-native outcome` after these USI moves from the start position. */
export const nativeOutcome = async (moves) => (await output("trainer-native", ["outcome", "startpos", ...moves])).trim();

/**
 * Starts everything; `site.close()` ends it. With `gpu` the browser has WebGPU, which SwiftShader computes on the CPU.
 *
 * The site is a copy of the built pages with an untrained agent and its games, so that the tests need no training and find the same
 * wherever they run. An agent that a demo has trained for the pages is `files/trained.model`, and `trained` says so. With `shipped`
 * the list of agents is the shipped one, also where a demo has left its own; without, it is empty.
 */
export async function open({ gpu = false, shipped = false } = {}) {
  assert.ok(await exists(join(DIST, "index.html")), `${DIST} holds no built pages: run \`cargo xtask web\``);
  const directory = await mkdtemp(join(tmpdir(), "keisei-browser-"));
  const files = join(directory, "fixtures");
  const site = join(directory, "site");
  await fixtures("files", files);
  await cp(DIST, site, { recursive: true });
  const list = join(site, "agents/manifest.json");
  if (shipped) await cp(join(ROOT, "www/public/agents/manifest.json"), list);
  else await writeFile(list, '{ "format": "keisei-agents", "version": 1, "default": null, "agents": [] }');
  await mkdir(join(site, "models"), { recursive: true });
  const trained = await exists(join(site, "models/default.model"));
  if (trained) await cp(join(site, "models/default.model"), join(files, "trained.model"));
  await cp(join(files, "random.model"), join(site, "models/default.model"));
  await cp(join(files, "games.record"), join(site, "models/games.record"));
  const server = await serve(site);
  const { base } = server;
  const browser = await launch(gpu);
  return {
    base,
    files,
    site,
    trained,
    /** A page of this site, or of another one at the address `at`. */
    page: (options, at = base) => watchedPage(browser, at, options),
    /** Ends the browser's process for the GPU, as a driver's fault does; the browser starts another. */
    async loseGpu() {
      const session = await browser.newBrowserCDPSession();
      await session.send("Browser.crashGpuProcess").catch(() => {});
      await session.detach();
    },
    async close() {
      await browser.close();
      await server.close();
      await rm(directory, { recursive: true });
    },
  };
}

/** Starts `trainer-native` with these arguments in the background; its output is not read. */
export function start(...args) {
  return spawn(...command("trainer-native", args), { cwd: ROOT, stdio: ["ignore", "ignore", "ignore"] });
}

/** Ends a process in the background and waits for its end. */
export async function end(child, signal = "SIGTERM") {
  child.kill(signal);
  await new Promise((done) => (child.exitCode === null && child.signalCode === null ? child.once("exit", done) : done()));
}

/** Starts `trainer-native serve` with these arguments, at a free port unless they name one; `base` is its address, `close()` ends it. */
export async function serve(...args) {
  const server = spawn(...command("trainer-native", ["serve", ...(args.includes("--port") ? [] : ["--port", "0"]), ...args]), { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
  return { base: await firstAddress(server), close: () => end(server) };
}

/** Chromium, with WebGPU if asked for. */
function launch(gpu) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      ...(gpu ? ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"] : ["--disable-gpu"]),
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** A browser for files alone; `browser.page(url)` opens one of them, `browser.close()` ends it. */
export async function openFiles() {
  const browser = await launch(false);
  return {
    page: async (url, options) => {
      const page = await watchedPage(browser, url, options);
      await page.goto(url);
      return page;
    },
    close: () => browser.close(),
  };
}

/** The address that the server prints once it answers. */
async function firstAddress(server) {
  const lines = createInterface({ input: server.stdout });
  for await (const line of lines) {
    const address = /http:\/\/127\.0\.0\.1:\d+\//.exec(line);
    if (address) {
      // The pipe stays open and is read on: a server must not block on its own output.
      server.stdout.resume();
      return address[0];
    }
  }
  throw new Error("the server ended without an address");
}

/** Answers a request with a file; a route that threw would leave the page waiting for one that is missing. */
async function answer(route, file, contentType) {
  const body = await readFile(file).catch(() => null);
  await route.fulfill(body === null ? { status: 404, body: `${file} is missing` } : { body, contentType });
}

/**
 * A page that fails its test at `page.checked()` if the console had an error (but for an expected one) or a request went to
 * another host.
 *
 * There is no service worker unless a test allows it: it would answer requests in place of the test. Motion is reduced, which also
 * spares the agent's pause before its move. Under `/test-wasm/` lies the wasm itself, for tests that call it directly, and under
 * `/test-files/` what `serveFiles` names.
 */
async function watchedPage(browser, base, { serveFiles, ...options } = {}) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    reducedMotion: "reduce",
    locale: "en-GB",
    acceptDownloads: true,
    serviceWorkers: "block",
    ...options,
  });
  const problems = [];
  context.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(base) && !/^(data|blob):/.test(url)) problems.push(`request to ${url}`);
  });
  await context.route("**/test-wasm/**", async (route) => {
    const name = new URL(route.request().url()).pathname.split("/test-wasm/").pop();
    await answer(route, join(ROOT, "www/src/wasm", name), name.endsWith(".wasm") ? "application/wasm" : "text/javascript");
  });
  await context.route("**/test-files/*", async (route) => {
    const name = new URL(route.request().url()).pathname.split("/").pop();
    await answer(route, join(serveFiles, name), "application/octet-stream");
  });
  const page = await context.newPage();
  page.on("console", (message) => {
    if (message.text() === "Service Worker registration blocked by Playwright") return;
    if (message.type() === "error" || message.type() === "warning") problems.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => problems.push(`page: ${error}`));
  page.checked = async (expected) => {
    await context.close();
    assert.deepEqual(problems.filter((problem) => !expected?.test(problem)), []);
  };
  return page;
}

/** Drops a file on the page, as from a file manager. */
export async function drop(page, name, bytes) {
  const data = Buffer.from(bytes).toString("base64");
  await page.evaluate(
    ([name, data]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.from(atob(data), (char) => char.charCodeAt(0))], name));
      for (const type of ["dragover", "drop"]) {
        document.body.dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
      }
    },
    [name, data],
  );
}

/** Opens Play and waits until the agent is loaded. */
export async function openPlay(page, base) {
  await page.goto(`${base}index.html`);
  await page.locator("#agent-state", { hasText: "ready" }).waitFor();
}

/** A game file in another format by `trainer-native convert`; null if it holds no game. Defects of a text are no failure here. */
export async function convert(path, format) {
  const [file, args] = command("trainer-native", ["convert", path, "--to", format]);
  const result = await run(file, args, { cwd: ROOT, maxBuffer: 1 << 26 }).catch((error) => error);
  return result.stdout === "" ? null : result.stdout;
}
