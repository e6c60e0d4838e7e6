/**
 * Files and addresses that mean harm, or nothing: mutated models, records, game texts and fragments. The page says so in words or opens
 * what can be read; it neither crashes nor hangs, no script of the file runs, and the game stays.
 *
 * `HOSTILE` is the number of mutations of each kind (default 12; the bar's own run takes 400), `SEED` their seed.
 */

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT, drop, open, openPlay } from "./harness.mjs";
import { random } from "./play.mjs";

const COUNT = Number(process.env.HOSTILE ?? 12);
const SEED = Number(process.env.SEED ?? 1);
/** Longest time for one file, until the page has said something and answers again. */
const PATIENCE_MS = 20_000;
/** Markup and addresses that would run a script wherever text became markup; each raises `window.ran`. */
const SCRIPTS = [
  '<img src=x onerror="window.ran=1">',
  "<script>window.ran=1</script>",
  '"><svg onload="window.ran=1">',
  "javascript:window.ran=1",
  "'-(window.ran=1)-'",
  "${window.ran=1}",
];

let site;
before(async () => {
  site = await open();
});
after(() => site?.close());

/** One of the ways to break bytes. */
function mutated(bytes, uniform) {
  const at = (length) => Math.floor(uniform() * Math.max(1, length));
  const copy = Buffer.from(bytes);
  switch (at(7)) {
    case 0: // flipped bits
      for (let flip = 0; flip < 1 + at(16); flip++) copy[at(copy.length)] ^= 1 << at(8);
      return copy;
    case 1: // cut
      return copy.subarray(0, at(copy.length));
    case 2: // a piece twice
      return Buffer.concat([copy.subarray(0, at(copy.length)), copy.subarray(at(copy.length))]);
    case 3: // huge numbers in the head
      copy.fill(0xff, at(64), 64 + at(64));
      return copy;
    case 4: // noise in the middle
      for (let from = at(copy.length), end = from + at(64); from < end && from < copy.length; from++) copy[from] = at(256);
      return copy;
    case 5: { // a script in the text
      const script = Buffer.from(SCRIPTS[at(SCRIPTS.length)]);
      const place = at(copy.length);
      return Buffer.concat([copy.subarray(0, place), script, copy.subarray(place)]);
    }
    default: // the end repeated
      return Buffer.concat([copy, ...Array(1 + at(50)).fill(copy.subarray(-1 - at(200)))]);
  }
}

/** Fails if a script of a file ran, or the page does not answer. */
async function alive(page, what) {
  const answered = await Promise.race([
    page.evaluate(() => new Promise((done) => requestAnimationFrame(() => done(window.ran === undefined)))),
    new Promise((done) => setTimeout(done, PATIENCE_MS, "silent")),
  ]);
  assert.notEqual(answered, "silent", `${what}: the page hangs`);
  assert.equal(answered, true, `${what}: a script ran`);
}

/** Drops a file and waits until the page has told what came of it. */
async function dropped(page, name, bytes) {
  await page.evaluate(() => {
    document.getElementById("problem").hidden = true;
  });
  await drop(page, name, bytes);
  await page.waitForFunction(
    (name) => !document.getElementById("problem").hidden || document.getElementById("file-name")?.textContent.includes(name),
    name,
    { timeout: PATIENCE_MS },
  );
  await alive(page, name);
}

test("mutated models on Play", { timeout: 3_600_000 }, async () => {
  const page = await site.page();
  await openPlay(page, site.base);
  await page.locator('[data-square="7g"]').click();
  await page.locator('[data-square="7f"]').click();
  await page.locator("#status", { hasText: "Your turn" }).waitFor();
  const model = await readFile(join(site.files, "random.model"));
  const uniform = random(SEED);
  let refused = 0;
  for (let file = 0; file < COUNT; file++) {
    const name = `mutated-${file}.model`;
    await page.evaluate(() => {
      document.getElementById("problem").hidden = true;
    });
    await drop(page, name, mutated(model, uniform));
    // It is refused, or another agent is ready: both are words on the page.
    await page.waitForFunction(
      () => !document.getElementById("problem").hidden || document.getElementById("agent-state").textContent === "ready",
      null,
      { timeout: PATIENCE_MS },
    );
    await page.waitForTimeout(60);
    await alive(page, name);
    if (await page.locator("#problem").isVisible()) refused++;
  }
  console.log(`    ${refused} of ${COUNT} refused`);
  assert.ok(refused > 0);
  assert.ok((await page.locator("#moves .move:not(.gap)").count()) >= 2, "the game is gone");
  // The agent, whichever it is now, goes on with the game.
  await page.locator('[data-square="2g"]').click();
  await page.locator('[data-square="2f"]').click();
  await page.locator("#moves .move:not(.gap) >> nth=3").waitFor({ state: "attached" });
  await page.checked();
});

test("mutated records and game texts on Analysis", { timeout: 3_600_000 }, async () => {
  const page = await site.page();
  await page.goto(`${site.base}replay.html`);
  await page.locator("#agent-state", { hasText: "ready" }).waitFor();
  const seeds = [["games.record", await readFile(join(site.files, "games.record"))]];
  const cases = join(ROOT, "../shared/data/kifu/files");
  const names = await readdir(cases).catch(() => []);
  for (const extension of ["kif", "ki2", "csa", "jkf", "json", "usi", "sfen"]) {
    const name = names.find((name) => name.endsWith(`.${extension}`));
    if (name) seeds.push([name, await readFile(join(cases, name))]);
  }
  if (seeds.length === 1) seeds.push(["plain.kif", Buffer.from("手合割：平手\n   1 ７六歩(77)\n   2 ３四歩(33)\n")]);
  const uniform = random(SEED + 1);
  for (const [name, bytes] of seeds) {
    const extension = name.split(".").pop();
    for (let file = 0; file < COUNT; file++) await dropped(page, `mutated-${file}.${extension}`, mutated(bytes, uniform));
  }
  for (const script of SCRIPTS) {
    const kif = `手合割：平手\n先手：${script}\n後手：${script}\n棋戦：${script}\n   1 ７六歩(77)\n*${script}\n   2 ３四歩(33)\n`;
    await dropped(page, `${script.replace(/[^a-z]/gi, "")}.kif`, Buffer.from(kif));
  }
  await dropped(page, `${SCRIPTS[0].replaceAll("/", "")}.kif`, Buffer.from("no game"));
  // Afterwards an honest file opens.
  await drop(page, "honest.record", seeds[0][1]);
  await page.locator("#file-name", { hasText: "honest.record" }).waitFor();
  await page.keyboard.press("End");
  await alive(page, "the end");
  await page.checked();
});

test("absurd fragments on both pages", { timeout: 3_600_000 }, async () => {
  const uniform = random(SEED + 2);
  const fragments = [
    "g=", "g=%00", "g=AAAA&p=999999999", "g=____&o=z", "p=-1&o=w", "p=1e9", `g=${"A".repeat(200_000)}`, "g=%F0%9F%92%A9", "s=../../etc",
    ...SCRIPTS.map((script) => `g=${encodeURIComponent(script)}&s=${encodeURIComponent(script)}`),
  ];
  for (let at = 0; at < COUNT; at++) {
    const letters = Array.from({ length: 4 + Math.floor(uniform() * 60) }, () => "ABCDwxyz0189-_"[Math.floor(uniform() * 14)]);
    fragments.push(`g=${letters.join("")}&p=${Math.floor(uniform() * 40)}`);
  }
  for (const name of ["index.html", "replay.html"]) {
    const page = await site.page();
    await page.goto(`${site.base}${name}`);
    for (const fragment of fragments) {
      await page.goto("about:blank");
      await page.goto(`${site.base}${name}#${fragment}`);
      const started = page.waitForFunction(() => !document.getElementById("status").textContent.includes("Setting up"), null, { timeout: PATIENCE_MS });
      await started.catch(() => assert.fail(`${name}#${fragment.slice(0, 60)}: the page does not start`));
      await alive(page, fragment.slice(0, 60));
    }
    await page.checked();
  }
});
