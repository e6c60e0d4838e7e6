/**
 * `node screenshot.mjs [PLIES]` takes the README's picture and writes it to `docs/play.png`: a game of the site's agent, which
 * moves for both sides, after this number of plies.
 */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { ROOT, open, openPlay } from "./harness.mjs";

const HAND = "PLNSGBR";
const plies = Number(process.argv[2] ?? 30);

const site = await open();
try {
  const page = await site.page({ locale: "ja-JP" });
  await openPlay(page, site.base);
  await page.locator("#show-candidates").check();
  for (let ply = 0; ply < plies; ply += 2) {
    await page.locator("#status", { hasText: "Your turn" }).waitFor();
    const usi = await page.locator("#candidates tr[data-usi]").first().getAttribute("data-usi");
    const origin = usi[1] === "*" ? `.slot.movable[data-kind="${HAND.indexOf(usi[0])}"]` : `[data-square="${usi.slice(0, 2)}"]`;
    await page.locator(origin).click();
    await page.locator(`[data-square="${usi.slice(2, 4)}"]`).click();
    const choice = page.locator(".choice button");
    if ((await choice.count()) > 0) await choice.nth(usi.endsWith("+") ? 0 : 1).click();
    await page.locator(`#moves .move:not(.gap) >> nth=${ply + 1}`).waitFor();
  }
  await page.locator("#candidates tr[data-usi]").first().waitFor();
  await page.mouse.move(2, 2);
  await page.evaluate(() => document.activeElement?.blur());
  await mkdir(join(ROOT, "docs"), { recursive: true });
  await page.screenshot({ path: join(ROOT, "docs/play.png") });
  await page.checked();
} finally {
  await site.close();
}
