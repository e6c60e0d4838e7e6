/**
 * `node long.mjs [MINUTES]`: endless analysis of a position (default 30 minutes), with a step to another position each minute; the
 * memory of page and workers every so often.
 *
 * The bars: at most 150 MB at the end, and no growth over the second half beyond a tenth of that. A missed bar is an exit status of 1.
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
  // Memory of every thread of the page: the JavaScript heaps after a collection, and what WebAssembly and buffers hold.
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.enable");
  const workers = new Map();
  await session.send("Target.setAutoAttach", { autoAttach: true, waitForDebuggerOnStart: false, flatten: false });
  session.on("Target.attachedToTarget", ({ sessionId }) => workers.set(sessionId, true));
  session.on("Target.detachedFromTarget", ({ sessionId }) => workers.delete(sessionId));
  let asked = 0;
  const replies = new Map();
  session.on("Target.receivedMessageFromTarget", ({ message }) => {
    const { id, result } = JSON.parse(message);
    replies.get(id)?.(result);
    replies.delete(id);
  });
  const ask = (sessionId, method) =>
    new Promise((done) => {
      const id = ++asked;
      replies.set(id, done);
      setTimeout(() => done(undefined), 5000);
      void session.send("Target.sendMessageToTarget", { sessionId, message: JSON.stringify({ id, method }) }).catch(() => done(undefined));
    });
  const total = ({ usedSize = 0, embedderHeapUsedSize = 0, backingStorageSize = 0 } = {}) => usedSize + embedderHeapUsedSize + backingStorageSize;
  const measure = async () => {
    await session.send("HeapProfiler.collectGarbage");
    const here = total(await session.send("Runtime.getHeapUsage"));
    let there = 0;
    for (const worker of workers.keys()) {
      await ask(worker, "HeapProfiler.collectGarbage");
      there += total(await ask(worker, "Runtime.getHeapUsage"));
    }
    return { here: here / MB, there: there / MB, workers: workers.size };
  };
  await page.waitForTimeout(2000);
  console.log("| minute | page MB | workers MB | workers | state |\n|---|---:|---:|---:|---|");
  const sums = [];
  const ms = (MINUTES * 60_000) / SAMPLES;
  for (let sample = 0; sample <= SAMPLES; sample++) {
    const { here, there, workers } = await measure();
    sums.push(here + there);
    const note = await page.locator("#search-note").textContent();
    console.log(`| ${((sample * MINUTES) / SAMPLES).toFixed(1)} | ${here.toFixed(1)} | ${there.toFixed(1)} | ${workers} | ${note.slice(0, 40)} |`);
    if (sample < SAMPLES) await page.waitForTimeout(ms);
    // Every sixth sample the analysis goes to the next position: old trees must be freed.
    if (sample % 6 === 5) await page.keyboard.press("ArrowRight");
  }
  const half = sums.slice(sums.length >> 1);
  const growth = half.at(-1) - Math.min(...half);
  console.log(`at the end ${sums.at(-1).toFixed(1)} MB of ${MOST}, growth over the second half ${growth.toFixed(1)} MB of ${MOST_GROWTH}`);
  failed = sums.at(-1) > MOST || growth > MOST_GROWTH;
  await page.checked();
} finally {
  await site.close();
}
if (failed) {
  console.error("a bar is missed");
  process.exitCode = 1;
}
