/**
 * `node long.mjs [MINUTES]`: endless analysis of a position (default 30 minutes), with a step to another position each minute; the
 * memory of page and workers every so often.
 *
 * The bars: at most 150 MB at the end, and no growth over the second half beyond a tenth of that, with a worker that searches in every
 * sample. A missed bar is an exit status of 1.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { drop, open } from "../harness.mjs";

const MINUTES = Number(process.argv[2] ?? 30);
const MB = 1e6;
const MOST = 150;
const MOST_GROWTH = MOST / 10;
const SAMPLES = 30;

const site = await open();
let failed = false;
try {
  const page = await site.page();
  await page.goto(`${site.base}replay.html`);
  await page.locator("#agent-state", { hasText: "ready" }).waitFor();
  await drop(page, "game.record", await readFile(join(site.files, "games.record")));
  await page.locator("#file-name", { hasText: "game.record" }).waitFor();
  await page.locator("#explore").click();
  await page.locator("#tab-candidates").click();
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.enable");
  const workers = new Set();
  session.on("Target.attachedToTarget", ({ sessionId }) => workers.add(sessionId));
  session.on("Target.detachedFromTarget", ({ sessionId }) => workers.delete(sessionId));
  // Those that run already are told at once, to whoever listens.
  await session.send("Target.setAutoAttach", { autoAttach: true, waitForDebuggerOnStart: false, flatten: false });
  let asked = 0;
  const replies = new Map();
  session.on("Target.receivedMessageFromTarget", ({ message }) => {
    const { id, result } = JSON.parse(message);
    replies.get(id)?.(result);
    replies.delete(id);
  });
  const ask = (sessionId, method, params = {}) =>
    new Promise((done, failed) => {
      const id = ++asked;
      replies.set(id, done);
      setTimeout(() => failed(new Error(`no answer from a worker to ${method}`)), 30_000).unref();
      session.send("Target.sendMessageToTarget", { sessionId, message: JSON.stringify({ id, method, params }) }).catch(failed);
    });
  /** Bytes of a thread, which answers to `send`: its heap after a collection with all buffers, and the memories of its modules. */
  const held = async (send) => {
    await send("HeapProfiler.collectGarbage");
    const { usedSize, embedderHeapUsedSize = 0, backingStorageSize = 0 } = await send("Runtime.getHeapUsage");
    const objectGroup = "memories";
    const { result } = await send("Runtime.evaluate", { expression: "WebAssembly.Memory.prototype", objectGroup });
    const { objects } = await send("Runtime.queryObjects", { prototypeObjectId: result.objectId, objectGroup });
    const memories = await send("Runtime.callFunctionOn", {
      objectId: objects.objectId,
      functionDeclaration: "function () { return this.reduce((sum, { buffer }) => sum + buffer.byteLength, 0); }",
      returnByValue: true,
    });
    await send("Runtime.releaseObjectGroup", { objectGroup });
    return usedSize + embedderHeapUsedSize + backingStorageSize + memories.result.value;
  };
  const measure = async () => {
    const here = await held((method, params) => session.send(method, params));
    let there = 0;
    for (const worker of workers) there += await held((method, params) => ask(worker, method, params));
    return { here: here / MB, there: there / MB, workers: workers.size };
  };
  await page.waitForTimeout(2000);
  console.log("| minute | page MB | workers MB | workers | state |\n|---|---:|---:|---:|---|");
  const sums = [];
  let searched = true;
  const ms = (MINUTES * 60_000) / SAMPLES;
  for (let sample = 0; sample <= SAMPLES; sample++) {
    const { here, there, workers } = await measure();
    sums.push(here + there);
    const note = await page.locator("#search-note").textContent();
    searched &&= workers > 0 && /\d visits/.test(note);
    console.log(`| ${((sample * MINUTES) / SAMPLES).toFixed(1)} | ${here.toFixed(1)} | ${there.toFixed(1)} | ${workers} | ${note.slice(0, 40)} |`);
    if (sample < SAMPLES) await page.waitForTimeout(ms);
    // Every sixth sample the analysis goes to the next position: old trees must be freed.
    if (sample % 6 === 5) await page.locator("#next").click();
  }
  const half = sums.slice(sums.length >> 1);
  const growth = half.at(-1) - Math.min(...half);
  console.log(`at the end ${sums.at(-1).toFixed(1)} MB of ${MOST}, growth over the second half ${growth.toFixed(1)} MB of ${MOST_GROWTH}`);
  if (!searched) console.log("in some samples no worker searched: nothing was measured");
  failed = sums.at(-1) > MOST || growth > MOST_GROWTH || !searched;
  await page.checked();
} finally {
  await site.close();
}
if (failed) {
  console.error("a bar is missed");
  process.exitCode = 1;
}
