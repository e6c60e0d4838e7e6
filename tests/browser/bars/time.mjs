/**
 * `node time.mjs [RUNS]`: times that a user feels, each the median of so many runs (default 5), in a new browser profile each.
 *
 * | time | bar |
 * |---|---|
 * | from opening Play to the agent's reply to a first move at the default level | 1000 ms |
 * | from `stop` to the end of a search | 50 ms |
 * | main thread for 100 steps through a game | 400 ms |
 * | frames dropped while a piece is dragged and the agent searches | none longer than two frames |
 *
 * A missed bar is an exit status of 1. Measure where nothing else runs.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { drop, open } from "../harness.mjs";

const RUNS = Number(process.argv[2] ?? 5);
const FRAME_MS = 1000 / 60;

const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];
const site = await open({ shipped: true });

/** From navigation to the agent's reply: the move is played as soon as the board takes it, as by a user who knows it. */
async function reply() {
  const page = await site.page();
  await page.addInitScript(() => {
    const square = (name) => document.querySelector("shogi-board")?.shadowRoot?.querySelector(`[data-square="${name}"]`);
    const played = () => [...(document.querySelector("move-list")?.shadowRoot?.querySelectorAll(".move:not(.gap)") ?? [])];
    let moved = false;
    const look = () => {
      if (!moved && square("7g")?.classList.contains("movable")) {
        moved = true;
        square("7g").click();
        square("7f").click();
        window.movedAt = performance.now();
      }
      if (played().length >= 2) window.repliedAt = performance.now();
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
  await page.goto(`${site.base}index.html`);
  await page.waitForFunction(() => window.repliedAt !== undefined, null, { timeout: 60_000 });
  const times = await page.evaluate(() => ({ moved: window.movedAt, replied: window.repliedAt }));
  await page.checked();
  return times;
}

/** Opens Analysis with a long game, everything judged. */
async function analysis() {
  const page = await site.page();
  await page.goto(`${site.base}replay.html`);
  await page.locator("#agent-state", { hasText: "ready" }).waitFor();
  await drop(page, "long.record", await readFile(join(site.files, "games.record")));
  await page.locator("#file-name", { hasText: "long.record" }).waitFor();
  await page.keyboard.press("Home");
  await page.locator("#agent-state", { hasText: "ready" }).waitFor();
  return page;
}

/** Time of the main thread's tasks for 100 steps by key, with the drawing that they cause. */
async function steps() {
  const page = await analysis();
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const busy = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return 1000 * metrics.find(({ name }) => name === "TaskDuration").value;
  };
  const before = await busy();
  const wall = await page.evaluate(async () => {
    const began = performance.now();
    for (let step = 0; step < 100; step++) {
      dispatchEvent(new KeyboardEvent("keydown", { key: step < 50 ? "ArrowRight" : "ArrowLeft", bubbles: true }));
      await new Promise((done) => requestAnimationFrame(done));
    }
    return performance.now() - began;
  });
  const spent = (await busy()) - before;
  await page.checked();
  return { spent, wall };
}

/** From a press of the button that ends a search to its end, as the page shows it. */
async function stopping() {
  const page = await analysis();
  const ms = await page.evaluate(async () => {
    const button = document.getElementById("explore");
    const note = document.getElementById("search-note");
    button.click();
    for (let waited = 0; !/[1-9]/.test(note.textContent) && waited < 20_000; waited += 20) await new Promise((done) => setTimeout(done, 20));
    await new Promise((done) => setTimeout(done, 300));
    const began = performance.now();
    button.click();
    while (document.getElementById("agent-state").textContent !== "ready") await new Promise((done) => setTimeout(done, 1));
    return performance.now() - began;
  });
  await page.checked();
  return ms;
}

/** Longest time between two frames while a piece is dragged to and fro and the agent searches. */
async function dragging() {
  const page = await analysis();
  await page.locator("#explore").click();
  await page.locator("#explore[aria-pressed=true]").waitFor();
  const box = await page.locator('[data-square="7g"]').boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + 20, y - 20, { steps: 5 });
  await page.evaluate(() => {
    window.frames = [];
    const frame = (now) => {
      window.frames.push(now);
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  for (let at = 0; at < 120; at++) {
    await page.mouse.move(x + 60 * Math.sin(at / 10), y - 80 - 60 * Math.cos(at / 10));
    await page.waitForTimeout(12);
  }
  const gaps = await page.evaluate(() => window.frames.slice(1).map((now, at) => now - window.frames[at]));
  await page.mouse.up();
  await page.checked();
  return { longest: Math.max(...gaps), dropped: gaps.filter((gap) => gap > 1.5 * (1000 / 60)).length, frames: gaps.length };
}

const repeat = async (measure) => {
  const results = [];
  for (let run = 0; run < RUNS; run++) results.push(await measure());
  return results;
};

const missed = [];
const row = (name, value, bar, unit) => {
  console.log(`| ${name} | ${value.toFixed(unit === "ms" ? 1 : 0)} ${unit} | ${bar} ${unit} |`);
  if (value > bar) missed.push(`${name}: ${value.toFixed(1)} ${unit}, more than ${bar}`);
};
try {
  console.log("| time | median | bar |\n|---|---:|---:|");
  const replies = await repeat(reply);
  console.log(`| of it, until the first move could be made | ${median(replies.map(({ moved }) => moved)).toFixed(1)} ms | |`);
  row("opening Play to the reply to a first move", median(replies.map(({ replied }) => replied)), 1000, "ms");
  row("stop to the end of a search", median(await repeat(stopping)), 50, "ms");
  row("main thread for 100 steps", median((await repeat(steps)).map(({ spent }) => spent)), 400, "ms");
  const drags = await repeat(dragging);
  row("longest frame of a drag during a search", median(drags.map(({ longest }) => longest)), 2 * FRAME_MS, "ms");
  row("frames dropped of about 120", median(drags.map(({ dropped }) => dropped)), 0, "frames");
} finally {
  await site.close();
}
if (missed.length > 0) {
  console.error(`missed:\n${missed.join("\n")}`);
  process.exitCode = 1;
}
