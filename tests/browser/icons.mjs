/**
 * `node icons.mjs`: draws the icons of the installed pages into `www/public` from the one drawing there, `icon.svg`.
 *
 * | file | shape |
 * |---|---|
 * | `icon-192.png`, `icon-512.png` | the piece alone |
 * | `icon-maskable-512.png` | the piece inside the middle 80 %, which no mask cuts, on paper |
 * | `apple-touch-icon.png` | the same in 180 pixels |
 */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT, openFiles } from "./harness.mjs";

/** File, size in pixels, share of the size that the piece takes, and the ground behind it. */
const ICONS = [
  ["icon-192.png", 192, 1, "transparent"],
  ["icon-512.png", 512, 1, "transparent"],
  ["icon-maskable-512.png", 512, 0.62, "#f5efe3"],
  ["apple-touch-icon.png", 180, 0.74, "#f5efe3"],
];
const folder = join(ROOT, "www/public");
const svg = (await readFile(join(folder, "icon.svg"))).toString("base64");

const browser = await openFiles();
try {
  for (const [name, size, share, ground] of ICONS) {
    const page = await browser.page("about:blank", { viewport: { width: size, height: size }, deviceScaleFactor: 1 });
    await page.setContent(`<body style="margin:0; display:grid; place-items:center; height:${size}px; background:${ground}">
      <img src="data:image/svg+xml;base64,${svg}" style="width:${share * size}px; height:${share * size}px; object-fit:contain">`);
    await page.locator("img").evaluate((image) => image.decode());
    await writeFile(join(folder, name), await page.screenshot({ omitBackground: ground === "transparent" }));
    await page.context().close();
  }
} finally {
  await browser.close();
}
