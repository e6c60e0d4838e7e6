/** Accessibility by axe in both themes, at a desktop and at the narrowest width, on both pages. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { open, openPlay } from "./harness.mjs";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let site;
before(async () => {
  site = await open();
});
after(() => site?.close());

async function violations(page) {
  await page.evaluate(axe);
  return page.evaluate(async (tags) => {
    const { violations } = await window.axe.run(document, { runOnly: tags });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
  }, TAGS);
}

for (const colorScheme of ["light", "dark"]) {
  for (const viewport of [{ width: 1280, height: 800 }, { width: 320, height: 640 }]) {
    test(`no violations: ${colorScheme}, ${viewport.width} px`, async () => {
      const page = await site.page({ colorScheme, viewport });
      await openPlay(page, site.base);
      await page.locator("#show-candidates").check();
      await page.locator("#candidates li").first().waitFor();
      assert.deepEqual(await violations(page), []);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= viewport.width, `the page is ${wide} px wide`);
      await page.goto(`${site.base}replay.html`);
      await page.locator("#status", { hasText: "Start." }).waitFor();
      assert.deepEqual(await violations(page), []);
      await page.checked();
    });
  }
}
