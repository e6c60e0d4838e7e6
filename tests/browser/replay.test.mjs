/** The Replay page: a dropped file, its controls, and files that are no records. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { drop, open } from "./harness.mjs";

let site;
let record;
before(async () => {
  site = await open();
  record = await readFile(join(site.files, "games.record"));
});
after(() => site?.close());

async function openReplay(page) {
  await page.goto(`${site.base}replay.html`);
  await page.locator("#status", { hasText: "Start." }).waitFor();
}

test("a dropped record is shown and stepped through", async () => {
  const page = await site.page();
  await openReplay(page);
  await drop(page, "dropped.record", record);
  await page.locator("#file-name", { hasText: "dropped.record" }).waitFor();
  assert.equal(await page.locator("#game option").count(), 2);
  const plies = Number(await page.locator("#ply").getAttribute("max"));
  assert.ok(plies > 10);
  const at = (ply) => page.locator("#ply-text", { hasText: new RegExp(`^${ply} / ${plies}$`) }).waitFor();
  await at(0);
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await at(2);
  await page.keyboard.press("ArrowLeft");
  await at(1);
  await page.keyboard.press("End");
  await at(plies);
  assert.match(await page.locator("#status").textContent(), /End: /);
  await page.keyboard.press("Home");
  await at(0);
  await page.locator("#moves button.move").nth(6).click();
  await at(7);
  assert.equal(await page.locator("#moves [aria-current]").count(), 1);
  await page.locator("#ply").fill("9");
  await at(9);
  const graph = await page.locator("#graph svg").boundingBox();
  await page.mouse.click(graph.x + graph.width / 2, graph.y + graph.height / 2);
  await at(Math.round(plies / 2));
  assert.ok((await page.locator("#candidates li").count()) > 0);
  await page.locator("#game").selectOption("1");
  await page.locator("#status", { hasText: "Start." }).waitFor();
  await page.checked();
});

test("files that are no records are refused and the page stays alive", async () => {
  const page = await site.page();
  await openReplay(page);
  const flipped = Buffer.from(record);
  flipped[record.length >> 1] ^= 16;
  const problem = page.locator("#problem");
  for (const [name, bytes] of [
    ["text.record", Buffer.from("1. P-7f P-3d")],
    ["empty.record", Buffer.alloc(0)],
    ["short.record", record.subarray(0, 60)],
    ["flipped.record", flipped],
    ["random.model", await readFile(join(site.files, "random.model"))],
  ]) {
    await drop(page, name, bytes);
    await problem.filter({ hasText: `${name} could not be opened` }).waitFor();
    console.log(`    ${await problem.locator("span").textContent()}`);
    await problem.locator("button").click();
  }
  await page.keyboard.press("ArrowRight");
  await page.locator("#ply-text", { hasText: /^1 \// }).waitFor();
  await page.checked();
});
