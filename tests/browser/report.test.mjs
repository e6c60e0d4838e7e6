/** `trainer-native report`: the page of two runs, opened as the file that it is. */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { openFiles, trainer } from "./harness.mjs";
import { WCAG, violations } from "./look.mjs";

let browser;
let directory;
let url;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "keisei-report-"));
  const runs = [join(directory, "a"), join(directory, "b")];
  const evaluate = ["--set", "run.evaluate_plies=512", "--set", "run.evaluate_games=2"];
  const common = ["train", "--preset", "tiny", "--plies", "2048", ...evaluate];
  await trainer(...common, "--out", runs[0]);
  await trainer(...common, "--out", runs[1], "--set", "ppo.clip_coef=0.1", "--set", "seed=2");
  const file = join(directory, "report.html");
  await trainer("report", ...runs, "--out", file);
  url = pathToFileURL(file).href;
  browser = await openFiles();
});
after(async () => {
  await browser?.close();
  if (directory) await rm(directory, { recursive: true });
});

for (const colorScheme of ["light", "dark"]) {
  for (const viewport of [{ width: 1280, height: 900 }, { width: 320, height: 640 }]) {
    test(`no violations: ${colorScheme}, ${viewport.width} px`, async () => {
      const page = await browser.page(url, { colorScheme, viewport });
      await page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));
      assert.deepEqual(await violations(page, [...WCAG, "best-practice"]), []);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= viewport.width, `the page is ${wide} px wide`);
      await page.checked();
    });
  }
}

test("curves of both runs, what differs, and a game to step through", async () => {
  const page = await browser.page(url);
  const lines = page.locator("figure:has(h3:text-is('value_loss')) polyline[stroke-width='2']");
  assert.equal(await lines.count(), 2);
  const differs = page.getByRole("region", { name: "Settings that differ" });
  assert.match(await differs.innerText(), /ppo\.clip_coef\s+0\.2\s+0\.1/);
  assert.match(await page.getByRole("region", { name: "Runs in this report" }).innerText(), /\ba\s+ended\s+32\s+2048/);

  const move = page.locator("#move");
  const last = await move.innerText();
  const pieces = () => page.locator("#pieces").innerHTML();
  const atEnd = await pieces();
  await page.getByRole("button", { name: "Back" }).click();
  assert.notEqual(await move.innerText(), last);
  await page.getByRole("button", { name: "First" }).click();
  assert.equal(await move.innerText(), "start");
  assert.ok(await page.getByRole("button", { name: "Back" }).isDisabled());
  await page.getByLabel("Ply").press("ArrowRight");
  assert.match(await move.innerText(), /^1\. ▲/);
  assert.equal(await page.locator("#marks rect").count(), 2);
  await page.getByRole("button", { name: "Last" }).click();
  assert.deepEqual([await move.innerText(), await pieces()], [last, atEnd]);
  const games = await page.locator("#game option").count();
  assert.ok(games >= 2, `${games} games`);
  await page.locator("#game").selectOption(String(games - 1));
  assert.match(await move.innerText(), /^\d+\. /);
  await page.checked();
});

test("without script everything but the steps is there", async () => {
  const page = await browser.page(url, { javaScriptEnabled: false });
  assert.ok(await page.locator("#board #pieces text").count() > 2);
  assert.ok(await page.locator("#controls").isHidden());
  await page.checked();
});
