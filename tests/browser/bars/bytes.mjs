/** `node --test bytes.mjs`: bytes of the first visit to Play, until its agent is ready, gzipped. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { open, openPlay } from "../harness.mjs";

const KB = 1024;
/** Bars in bytes: HTML, style, scripts and WebAssembly together; and the default network. */
const PAGE = 200 * KB;
const NETWORK = 400 * KB;
const KINDS = { html: "HTML", css: "CSS", js: "scripts", wasm: "WebAssembly", model: "network", svg: "icon", json: "list of agents" };

let site;
before(async () => {
  site = await open({ shipped: true });
});
after(() => site?.close());

test("the first visit to Play", async () => {
  const page = await site.page();
  const loaded = new Map();
  page.context().on("response", (response) => {
    const path = new URL(response.url()).pathname;
    loaded.set(path, response.body().catch(() => Buffer.alloc(0)));
  });
  await openPlay(page, site.base);
  const rows = [];
  for (const [path, body] of loaded) {
    const bytes = await body;
    rows.push({ path, kind: KINDS[path.split(".").pop()] ?? "other", bytes: bytes.length, gzipped: gzipSync(bytes, { level: 9 }).length });
  }
  await page.checked();
  rows.sort((a, b) => b.gzipped - a.gzipped);
  console.log("    | file | kind | bytes | gzipped |\n    |---|---|---:|---:|");
  for (const { path, kind, bytes, gzipped } of rows) console.log(`    | ${path} | ${kind} | ${bytes} | ${gzipped} |`);
  const sum = (kinds) => rows.filter(({ kind }) => kinds.includes(kind)).reduce((total, { gzipped }) => total + gzipped, 0);
  const first = sum(["HTML", "CSS", "scripts", "WebAssembly", "list of agents"]);
  console.log(`    page ${first} of ${PAGE}, network ${sum(["network"])} of ${NETWORK}`);
  assert.deepEqual(rows.filter(({ kind }) => kind === "other").map(({ path }) => path), [], "nothing else is loaded");
  assert.equal(rows.filter(({ kind }) => kind === "WebAssembly").length, 1, "one module for the page and its workers");
  assert.ok(first <= PAGE, `HTML, style, scripts and WebAssembly: ${first} bytes gzipped`);
  assert.ok(sum(["network"]) <= NETWORK, "the default network is too large");
});
