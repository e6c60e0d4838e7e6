/** Arrangement of the pages on every viewport: nothing jumps while loading, the game is on the first screen, no text runs off. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { open, openFiles, openPlay } from "./harness.mjs";
import { VIEWPORTS, cutText, setTextSize, shifts, watchShifts } from "./look.mjs";

/** Largest accepted sum of layout shifts. */
const MOST_SHIFT = 0.01;
/** Least width of the board without its hands, in pixels, on some viewports. */
const LEAST_BOARD = { "1280x800": 560, "1024x768": 500, "768x1024": 530, "390x844": 370, "360x800": 340, "844x390": 340 };

let site;
before(async () => {
  site = await open();
});
after(() => site?.close());

/** Opens a page and waits until it is complete: Play with its agent, Analysis with the games of the site. */
async function opened(page, name) {
  if (name === "index") return openPlay(page, site.base);
  await page.goto(`${site.base}${name}.html`);
  await page.locator("#agent-state", { hasText: "ready" }).waitFor();
  await page.locator("#ply-text", { hasText: /\/ [1-9]/ }).waitFor();
}

const box = (page, selector) =>
  page.evaluate((selector) => {
    let root = document;
    for (const part of selector.split(" >>> ")) root = root.querySelector(part)?.shadowRoot ?? root.querySelector(part);
    const { left, top, right, bottom, width, height } = root.getBoundingClientRect();
    return { left, top, right, bottom, width, height };
  }, selector);

for (const name of ["index", "replay"]) {
  for (const viewport of VIEWPORTS) {
    const size = `${viewport.width}x${viewport.height}`;
    test(`${name} at ${size}`, async () => {
      const page = await site.page({ viewport });
      await watchShifts(page);
      await opened(page, name);
      const { total, moved } = await shifts(page);
      const board = await box(page, "shogi-board >>> .board");
      console.log(`    shift ${total.toFixed(4)}, board ${Math.round(board.width)} x ${Math.round(board.height)}`);
      assert.ok(total <= MOST_SHIFT, `layout shift ${total}:\n${moved.join("\n")}`);
      assert.ok(board.bottom <= viewport.height + 1, `the board ends at ${board.bottom}`);
      assert.ok(board.width >= (LEAST_BOARD[size] ?? 275), `the board is ${board.width} px wide`);
      // On every viewport the game can be followed without scrolling.
      for (const part of name === "index" ? ["#status"] : [".transport", ...(viewport.height > 568 ? ["#status"] : [])]) {
        const { bottom } = await box(page, part);
        assert.ok(bottom <= viewport.height || size === "320x568", `${part} ends at ${bottom}`);
      }
      // A button alone on the last line looks forgotten, unless it fills the line.
      const lonely = await page.evaluate(() => {
        const items = [...document.querySelectorAll(".switches > *")].filter((item) => item.checkVisibility());
        const boxes = items.map((item) => item.getBoundingClientRect());
        const last = boxes.at(-1);
        const beside = boxes.filter(({ top, bottom }) => top < last.bottom && bottom > last.top);
        const room = document.querySelector(".switches").getBoundingClientRect().width;
        return beside.length === 1 && boxes.length > 1 && last.width < 0.9 * room;
      });
      assert.ok(!lonely, "the last button stands alone on a line");
      assert.deepEqual(await cutText(page), []);
      await page.checked();
    });
  }

  for (const viewport of VIEWPORTS.slice(0, 6)) {
    test(`${name} at ${viewport.width}x${viewport.height} with text of twice the size`, async () => {
      const page = await site.page({ viewport });
      await setTextSize(page, 2);
      await opened(page, name);
      assert.deepEqual(await cutText(page), []);
      await page.checked();
    });
  }
}

test("an address without a file has a page that leads back", async () => {
  const page = await site.page();
  for (const path of ["repaly.html", "a/b/c"]) {
    const response = await page.goto(`${site.base}${path}`);
    assert.equal(response.status(), 404);
    await page.locator("main a", { hasText: "Play" }).click();
    await page.locator("shogi-board").waitFor();
  }
  await page.checked(/404/);
});

test("without scripts, and opened as a file, a page says what to do", async () => {
  const page = await site.page({ javaScriptEnabled: false });
  for (const name of ["index", "replay"]) {
    await page.goto(`${site.base}${name}.html`);
    assert.match(await page.locator("noscript").innerText(), /needs JavaScript and WebAssembly/);
  }
  await page.checked();
  const files = await openFiles();
  try {
    for (const name of ["index", "replay"]) {
      const page = await files.page(pathToFileURL(join(site.site, `${name}.html`)).href);
      await page.locator(".unstarted", { hasText: "trainer-native serve" }).waitFor();
      // The style sheet has come: the message is a box of its own colour.
      assert.notEqual(await page.locator(".unstarted").evaluate((box) => getComputedStyle(box).backgroundColor), "rgba(0, 0, 0, 0)");
      await page.checked(/CORS|Failed to load|origin|request to file:/);
    }
  } finally {
    await files.close();
  }
});

test("the built files' types, variants and cache headers", async () => {
  const get = (path, headers = {}) => fetch(`${site.base}${path}`, { headers });
  const html = await readFile(join(site.site, "index.html"), "utf8");
  const script = /assets\/[^"]+\.js/.exec(html)[0];
  for (const [path, type] of [["index.html", "text/html"], [script, "text/javascript"], ["icon.svg", "image/svg+xml"]]) {
    for (const [accept, encoding] of [["br, gzip", "br"], ["gzip", "gzip"], ["identity", null]]) {
      const response = await get(path, { "accept-encoding": accept });
      assert.equal(response.headers.get("content-encoding"), encoding, `${path} for ${accept}`);
      assert.ok(response.headers.get("content-type").startsWith(type), path);
      assert.deepEqual(Buffer.from(await response.arrayBuffer()), await readFile(join(site.site, path)));
    }
  }
  assert.match((await get(script)).headers.get("cache-control"), /immutable/);
  const part = await get("models/default.model", { range: "bytes=0-9" });
  assert.equal(part.status, 206);
  assert.equal((await part.arrayBuffer()).byteLength, 10);
});
