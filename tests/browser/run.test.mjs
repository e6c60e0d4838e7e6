/**
 * The page of training runs: bundles by `trainer-native export --web`, runs that go on by `trainer-native serve`, and bundles that are
 * damaged or mean harm.
 *
 * `HOSTILE` is the number of mutations of each kind (default 12; the bar's own run takes 400), `SEED` their seed.
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { end, open, serve, start, trainer } from "./harness.mjs";
import { violations } from "./look.mjs";
import { random } from "./play.mjs";

const COUNT = Number(process.env.HOSTILE ?? 12);
const SEED = Number(process.env.SEED ?? 1);
/** Longest time for one bundle, until the page has said something and answers again. */
const PATIENCE_MS = 20_000;
/** Longest time from a line in `metrics.jsonl` to its place on the page. */
const LIVE_MS = 2000;
const SCRIPTS = ['<img src=x onerror="window.ran=1">', "<script>window.ran=1</script>", '"><svg onload="window.ran=1">', "javascript:window.ran=1"];

/** Smallest settings with which games end, meet a pool and are evaluated. */
const SETTINGS = {
  "selfplay.envs": 16, "selfplay.horizon": 8, "selfplay.max_plies": 40, "selfplay.first_opening_plies": 38, "selfplay.records": 6,
  "league.share": 0.5, "run.evaluate_plies": 1024, "run.evaluate_games": 2, "run.checkpoint_plies": 1024,
};
const settings = (changed = {}) => Object.entries({ ...SETTINGS, ...changed }).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
const train = (out, plies, changed) => ["train", "--preset", "tiny", "--plies", String(plies), "--out", out, ...settings(changed)];

let site;
let directory;
let bundle;
let manifest;
/** Index of the games of the first run. */
let index;
before(async () => {
  site = await open();
  directory = await mkdtemp(join(tmpdir(), "keisei-runs-"));
  const runs = [join(directory, "first"), join(directory, "second")];
  await trainer(...train(runs[0], 4096));
  await trainer(...train(runs[1], 2048, { "ppo.clip_coef": 0.1, seed: 2 }));
  const games = join(directory, "cup.record");
  await trainer("rate", "random", "greedy", "ab:1", "--games", "4", "--record", games);
  bundle = join(site.site, "runs");
  await trainer("export", "--web", ...runs, "--tournaments", games, "--out", bundle);
  manifest = JSON.parse(await readFile(join(bundle, "run.json"), "utf8"));
  index = JSON.parse(await readFile(join(bundle, manifest.runs[0].games.index.file), "utf8"));
}, { timeout: 600_000 });
after(async () => {
  await site?.close();
  if (directory) await rm(directory, { recursive: true });
});

/** Opens the page and waits until it shows the runs. */
async function openRuns(page, fragment = "") {
  await page.goto(`${site.base}run.html${fragment}`);
  await page.locator("#games table").waitFor();
}

const chart = (page, title) => page.locator(`figure:has(h3:text-is("${title}"))`);
const found = async (page) => Number(/[\d,]+/.exec(await page.locator("#found").innerText())[0].replace(",", ""));

for (const { name, ...options } of [
  { name: "light, wide", colorScheme: "light" },
  { name: "dark, wide", colorScheme: "dark" },
  { name: "light, 320 px", colorScheme: "light", viewport: { width: 320, height: 640 } },
  { name: "dark, 320 px", colorScheme: "dark", viewport: { width: 320, height: 640 } },
  { name: "forced colours", forcedColors: "active" },
  { name: "Japanese", locale: "ja-JP" },
  { name: "Japanese, a phone on its side", locale: "ja-JP", viewport: { width: 844, height: 390 } },
]) {
  test(`no violations: ${name}`, { timeout: 120_000 }, async () => {
    const page = await site.page(options);
    await openRuns(page, "#g=1");
    await page.locator("#game:not([hidden])").waitFor();
    await page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));
    await page.locator("#more-performance figure").first().waitFor({ state: "attached" });
    await page.locator("figure details table").first().waitFor({ state: "attached" });
    assert.deepEqual(await violations(page), []);
    const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(wide <= room, `the page is ${wide} px wide in ${room} px`);
    if (name.startsWith("Japanese")) {
      const english = await page.evaluate(() => [...document.querySelectorAll("h1, h2, h3, label, legend, summary, figcaption, thead th, .pager button, #found, #status")]
        .map((element) => element.textContent.trim()).filter((text) => /^[A-Za-z][A-Za-z ]+$/.test(text) && !/^(first|second|cup|random|greedy|learner|self-play)/.test(text)));
      assert.deepEqual([...new Set(english)].filter((text) => text !== "Elo"), []);
    }
    await page.checked();
  });
}

test("curves of both runs: a line each, values by keyboard, table, smoothing, abscissa", async () => {
  const page = await site.page();
  await openRuns(page);
  assert.match(await page.locator("#status").innerText(), /2 runs, \d+ games/);
  const loss = chart(page, "Value loss");
  await loss.locator("canvas").waitFor();
  const plot = loss.getByRole("slider");
  const value = () => plot.getAttribute("aria-valuetext");
  await plot.focus();
  await page.keyboard.press("Home");
  const first = await value();
  assert.match(first, /^iteration 1 · first [\d.]+ · second [\d.]+$/);
  await page.keyboard.press("ArrowRight");
  assert.match(await value(), /^iteration 2 · /);
  assert.equal(await loss.locator(".reading").innerText(), await value());

  // The table has the numbers of the run's own file.
  await loss.locator("summary").click();
  const cells = await loss.locator("tbody tr").first().locator("th, td").allInnerTexts();
  const told = (await readFile(join(directory, "first/metrics.jsonl"), "utf8")).split("\n")[0];
  assert.ok(Math.abs(Number(cells[1]) - JSON.parse(told).value_loss) < 1e-3, `${cells}`);
  assert.equal(await loss.locator("thead th").count(), 3);

  // Smoothing leaves the first value and changes the others.
  const noisy = chart(page, "Policy loss").getByRole("slider");
  const ends = async () => {
    await noisy.focus();
    const told = [];
    for (const key of ["Home", "End"]) {
      await page.keyboard.press(key);
      told.push(await noisy.getAttribute("aria-valuetext"));
    }
    return told;
  };
  const [start, last] = await ends();
  await page.locator("#smoothing").fill("0.9");
  const [startAfter, lastAfter] = await ends();
  assert.equal(startAfter, start);
  assert.notEqual(lastAfter, last);
  await page.locator("#abscissa").selectOption("plies");
  await plot.focus();
  await page.keyboard.press("Home");
  assert.match(await value(), /^128 plies · /);

  // Every kind that a run tells has its chart, and every chart its table.
  for (const title of ["Policy loss", "Normalised entropy", "KL divergence", "Explained variance", "Mean length", "Ends: the limit of moves", "Score in evaluations", "Rating history"]) {
    assert.equal(await chart(page, title).count(), 1, title);
  }
  assert.equal(await page.locator("figure").count(), await page.locator("figure > details > summary").count());
  await page.checked();
});

test("hover tells values on all charts, and a run can be taken out", async () => {
  const page = await site.page();
  await openRuns(page);
  const loss = chart(page, "Value loss");
  await loss.locator("canvas").waitFor();
  const other = chart(page, "Policy loss").locator(".reading");
  const before = await other.innerText();
  const box = await loss.locator(".u-over").boundingBox();
  await page.mouse.move(box.x + box.width * 0.25, box.y + box.height / 2);
  await page.waitForFunction(([element, text]) => element.textContent !== text, [await other.elementHandle(), before]);
  assert.equal((await other.innerText()).split(" · ")[0], (await loss.locator(".reading").innerText()).split(" · ")[0]);
  await page.getByRole("checkbox", { name: "Show the curves of second" }).uncheck();
  await page.waitForFunction((element) => !element.textContent.includes("second"), await loss.locator(".reading").elementHandle());
  await page.locator("#more-performance summary").first().click();
  await chart(page, "Plies a second").locator("canvas").waitFor();
  await page.checked();
});

test("strength has intervals, and settings that differ are told", async () => {
  const page = await site.page();
  await openRuns(page);
  const rating = chart(page, "Rating history");
  await rating.locator("summary").click();
  const story = JSON.parse(await readFile(join(bundle, manifest.runs[0].story.file), "utf8"));
  assert.ok(story.evaluations.length > 0);
  const text = await rating.locator("tbody").innerText();
  assert.match(text, / to /);
  assert.match(await page.getByRole("region", { name: "Settings that differ" }).innerText(), /ppo\.clip_coef\s+0\.2\s+0\.1/);
  await page.checked();
});

test("the list: filter, order, pages", async () => {
  const page = await site.page();
  await openRuns(page);
  const count = index.black.length;
  assert.ok(count > 100, `${count} games`);
  assert.equal(await found(page), count);
  const rows = page.locator("#games tbody tr");
  assert.equal(await rows.count(), 50);
  await page.locator("#page-next").click();
  assert.equal(await page.locator("#page-now").innerText(), `Page 2 of ${Math.ceil(count / 50)}`);
  assert.equal(await rows.first().locator("button").innerText(), "51");
  await page.locator("#page-last").click();
  assert.equal(await rows.count(), count % 50 || 50);
  assert.equal(await page.locator("#page-next").getAttribute("aria-disabled"), "true");

  const countIf = (holds) => index.black.filter((_, game) => holds(game)).length;
  const limit = index.endings.indexOf("max_plies");
  await page.locator("#filter-ending").selectOption({ label: "the limit of moves" });
  assert.equal(await found(page), countIf((game) => index.ending[game] === limit));
  assert.equal(await page.locator("#page-now").innerText(), `Page 1 of ${Math.max(1, Math.ceil((await found(page)) / 50))}`);
  await page.locator("#filter button[type=reset]").click();
  await page.waitForFunction((count) => document.getElementById("found").textContent.startsWith(String(count)), count);
  await page.locator("#filter-plies-from").fill("20");
  await page.locator("#filter-plies-to").fill("30");
  await page.locator("#filter-iteration-to").fill("16");
  assert.equal(await found(page), countIf((game) => index.plies[game] >= 20 && index.plies[game] <= 30 && index.iteration[game] <= 16));
  await page.locator("#filter button[type=reset]").click();
  const learner = index.players.indexOf("learner");
  assert.ok(learner >= 0, `${index.players}`);
  await page.locator("#filter-player").selectOption({ label: "learner" });
  await page.locator("#filter-result").selectOption({ label: "Black won" });
  assert.equal(await found(page), countIf((game) => index.result[game] === 0 && [index.black[game], index.white[game]].includes(learner)));
  await page.locator("#filter button[type=reset]").click();

  const head = page.locator('#games [data-order="plies"]');
  await head.focus();
  await page.keyboard.press("Enter");
  const lengths = (await page.locator("#games tbody tr td:last-child").allInnerTexts()).map(Number);
  assert.deepEqual(lengths, [...index.plies].sort((a, b) => a - b).slice(0, 50));
  assert.equal(await page.evaluate(() => document.activeElement?.dataset.order), "plies", "the key's place stays");
  await page.keyboard.press("Enter");
  assert.equal(Number(await page.locator("#games tbody tr td:last-child").first().innerText()), Math.max(...index.plies));
  assert.equal(await page.locator("#games thead [aria-sort=descending]").count(), 1);
  await page.checked();
});

test("the matrix counts every game, and a cell shows those of its pair", async () => {
  const page = await site.page();
  await openRuns(page);
  const cells = page.locator(".matrix tbody button");
  const numbers = async (cell) => (await cell.innerText()).split("–").map(Number);
  const sum = (values) => values.reduce((sum, value) => sum + value, 0);
  const all = sum((await Promise.all((await cells.all()).map(numbers))).flat());
  // A game of two players stands in both rows, one of a player against itself in one.
  const own = index.black.filter((player, game) => player === index.white[game]).length;
  assert.equal(all, 2 * index.black.length - own);
  const cell = page.getByRole("button", { name: /, learner against opponent/ }).first();
  const counts = await numbers(cell);
  await cell.focus();
  await page.keyboard.press("Enter");
  await page.locator("#pair:not([hidden])").waitFor();
  assert.equal(await found(page), sum(counts));
  assert.ok(await page.locator("#pair").evaluate((button) => button === document.activeElement));
  await page.locator("#pair").click();
  assert.equal(await found(page), index.black.length);

  await page.locator("#set").selectOption({ label: "Tournament cup" });
  await page.getByRole("region", { name: "Ratings of the players" }).waitFor();
  assert.equal(await found(page), 12);
  assert.equal(await page.locator(".matrix tbody button").count(), 6);
  await page.checked();
});

test("a game opens on the page and in the analysis, and an address names it", async () => {
  const page = await site.page();
  await openRuns(page);
  const game = page.locator("#game");
  const at = index.plies.indexOf(Math.max(...index.plies));
  await page.locator('#games [data-order="plies"]').click();
  await page.locator('#games [data-order="plies"]').click();
  await page.locator(`tr[data-game="${at}"] button`).click();
  await game.locator("h3", { hasText: `Game ${at + 1}` }).waitFor();
  assert.ok(await game.locator("h3").evaluate((heading) => heading === document.activeElement));
  assert.equal(await game.locator("move-list .move:not(.gap)").count(), index.plies[at]);
  assert.equal(await game.locator("#ply-text").innerText(), `0 / ${index.plies[at]}`);
  await page.keyboard.press("ArrowRight");
  assert.match(await page.locator("#game-move").innerText(), /^1\. /);
  await page.keyboard.press("End");
  assert.equal(await game.locator("#ply-text").innerText(), `${index.plies[at]} / ${index.plies[at]}`);
  const text = await page.locator("#game-move").innerText();
  const address = new URL(page.url());
  assert.equal(address.hash, `#g=${at + 1}&p=${index.plies[at]}`);

  // The same place by its address, and the same moves in the analysis.
  const again = await site.page();
  await openRuns(again, address.hash);
  await again.locator("#game-move", { hasText: text }).waitFor();
  await again.locator("#game-analyse").click();
  await again.waitForURL(/replay\.html#g=/);
  await again.locator("#ply-text", { hasText: new RegExp(`^${index.plies[at]} / `) }).waitFor();
  await again.checked();

  await page.locator("#game-close").click();
  assert.ok(await game.isHidden());
  assert.equal(new URL(page.url()).hash, "");
  await page.checked();
});

/** A page on which the bundle's files are changed on their way: `change` gets the name and the bytes, and returns others or null for none. */
async function changedPage(change, options) {
  const page = await site.page(options);
  await page.route("**/runs/*", async (route) => {
    const name = new URL(route.request().url()).pathname.split("/").pop();
    const bytes = await readFile(join(bundle, name)).catch(() => null);
    const changed = bytes && (await change(name, bytes));
    await (changed ? route.fulfill({ body: changed, contentType: "application/octet-stream" }) : route.fulfill({ status: 404, body: "" }));
  });
  return page;
}

const alerts = (page) => page.locator('[role="alert"]:visible');

test("damaged bundles say so in the reader's language, and the rest is shown", { timeout: 240_000 }, async () => {
  const [run] = manifest.runs;
  const curves = run.curves.losses.file;
  const told = async (change, expected, rest, options = {}) => {
    const page = await changedPage(change, options);
    await page.goto(`${site.base}run.html`);
    await alerts(page).first().waitFor({ timeout: PATIENCE_MS });
    assert.match(await alerts(page).first().innerText(), expected);
    if (rest) await page.locator(rest).first().waitFor();
    await page.checked(/404|Failed to load/);
  };
  const only = (name, changed) => (file, bytes) => (file === name ? changed(bytes) : bytes);
  await told(only(curves, () => null), /is missing \(answer 404\)/, "#games table");
  await told(only(curves, (bytes) => Buffer.concat([bytes, Buffer.from(" ")])), /bytes instead of/, "#games table");
  await told(only(curves, (bytes) => Buffer.from(bytes.toString().replace("1", "2"))), /SHA-256/, "#games table");
  await told(only(run.story.file, () => null), /is missing/, "#curves canvas");
  await told(only(run.games.index.file, () => null), /is missing/, "#curves canvas");
  const changed = (change) => only("run.json", (bytes) => Buffer.from(JSON.stringify({ ...JSON.parse(bytes), ...change })));
  await told(changed({ version: 2 }), /version 2 of the format; this page reads version 1/);
  await told(changed({ format: "other" }), /not a bundle of runs/);
  await told(changed({ runs: [{}] }), /makes no sense at runs\[0\]/);
  await told(only("run.json", () => Buffer.from("{")), /is not JSON/);
  await told(() => null, /There are no runs at \/runs\//);
  await told(only(curves, () => null), /がありません（応答 404）/, "#games table", { locale: "ja-JP" });
  await told(changed({ version: 9 }), /バージョン9/, null, { locale: "ja-JP" });

  const page = await site.page();
  await page.goto(`${site.base}run.html#b=${encodeURIComponent("https://example.org/runs")}`);
  await alerts(page).first().waitFor();
  assert.match(await alerts(page).first().innerText(), /not on this site/);
  await page.checked();
});

test("a chunk of games that is gone leaves the list", async () => {
  const [chunk] = index.chunks;
  const page = await changedPage((name, bytes) => (name === chunk.file ? null : bytes));
  await openRuns(page);
  await page.locator('tr[data-game="0"] button').click();
  await page.locator("#problem:not([hidden])").waitFor();
  assert.match(await page.locator("#problem").innerText(), /is missing/);
  await page.locator("#filter-plies-from").fill("10");
  await page.locator("#games table").waitFor();
  await page.checked(/404|Failed to load/);
});

/** Fails if a script of a bundle ran, or the page does not answer. */
async function alive(page, what) {
  const answered = await Promise.race([
    page.evaluate(() => new Promise((done) => requestAnimationFrame(() => done(window.ran === undefined)))),
    wait(PATIENCE_MS, "silent"),
  ]);
  assert.notEqual(answered, "silent", `${what}: the page hangs`);
  assert.equal(answered, true, `${what}: a script ran`);
}

/** A value of JSON with something else in one of its places. */
function mutatedJson(value, uniform) {
  const at = (length) => Math.floor(uniform() * length);
  const other = () => [null, -1, 1e308, 1e39, 1e-320, 0.5, Number.MAX_SAFE_INTEGER, "", "x".repeat(5000), [], {}, true, [[]], { length: 1e9 }, ...SCRIPTS][at(14 + SCRIPTS.length)];
  const places = [];
  const walk = (node) => {
    if (node === null || typeof node !== "object") return;
    const keys = Object.keys(node);
    for (const key of keys.length > 30 ? [keys[at(keys.length)], ...keys.slice(0, 5)] : keys) {
      places.push([node, key]);
      walk(node[key]);
    }
  };
  const copy = structuredClone(value);
  walk(copy);
  for (let change = 0; change < 1 + at(3); change++) {
    const [node, key] = places[at(places.length)];
    if (uniform() < 0.2) {
      if (Array.isArray(node)) node.splice(Number(key), 1);
      else delete node[key];
    } else node[key] = other();
  }
  return copy;
}

function mutatedBytes(bytes, uniform) {
  const at = (length) => Math.floor(uniform() * Math.max(1, length));
  const copy = Buffer.from(bytes);
  if (uniform() < 0.3) return copy.subarray(0, at(copy.length));
  for (let flip = 0; flip < 1 + at(20); flip++) copy[at(copy.length)] = at(256);
  return copy;
}

/** The bundle with one file in place of another, and every name and digest made to fit. */
function replaced(files, name, content) {
  const sealed = new Map(files);
  const rename = (from, bytes) => {
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const to = from.replace(/[0-9a-f]{16}/, sha256.slice(0, 16));
    sealed.delete(from);
    sealed.set(to, bytes);
    for (const [holder, text] of [...sealed]) {
      if (!holder.endsWith(".json")) continue;
      const old = text.toString();
      const changed = old.replaceAll(new RegExp(`\\{"file":"${from}","bytes":\\d+,"sha256":"[0-9a-f]{64}"`, "g"), `{"file":"${to}","bytes":${bytes.length},"sha256":"${sha256}"`);
      if (changed === old) continue;
      if (holder === "run.json") sealed.set(holder, Buffer.from(changed));
      else rename(holder, Buffer.from(changed));
    }
  };
  if (name === "run.json") sealed.set(name, content);
  else rename(name, content);
  return sealed;
}

test("mutated bundles: no crash, no hang, no script", { timeout: 3_600_000 }, async () => {
  const files = new Map();
  for (const name of await readdir(bundle)) files.set(name, await readFile(join(bundle, name)));
  const [run] = manifest.runs;
  const targets = ["run.json", run.curves.losses.file, run.curves.games.file, run.story.file, run.games.index.file, index.chunks[0].file];
  let refused = 0;
  const attack = async (name, seed) => {
    const uniform = random(seed);
    let current = files;
    const page = await site.page();
    await page.route("**/runs/*", async (route) => {
      const bytes = current.get(new URL(route.request().url()).pathname.split("/").pop());
      await (bytes ? route.fulfill({ body: bytes }) : route.fulfill({ status: 404, body: "" }));
    });
    for (let number = 0; number < COUNT; number++) {
      const what = `${name} ${number}`;
      const content = files.get(name);
      const mutated = name.endsWith(".json") ? Buffer.from(JSON.stringify(mutatedJson(JSON.parse(content), uniform))) : mutatedBytes(content, uniform);
      current = replaced(files, name, mutated);
      await page.goto("about:blank");
      await page.goto(`${site.base}run.html#g=1`);
      // It is told or shown: both are something on the page.
      await page.waitForFunction(
        () => document.querySelector('[role="alert"]:not([hidden])') || (document.querySelector("#games table") && document.querySelector("#curves figure, .told-curves")) || document.querySelector("#found")?.textContent,
        null,
        { timeout: PATIENCE_MS },
      ).catch(() => assert.fail(`${what}: nothing is shown`));
      await alive(page, what);
      if ((await alerts(page).count()) > 0) refused++;
    }
    console.log(`    ${name}: ${COUNT} mutated`);
    // Afterwards an honest bundle is shown.
    current = files;
    await page.goto("about:blank");
    await openRuns(page, "#g=1");
    await page.locator("#game:not([hidden])").waitFor();
    await page.checked(/404|Failed to load/);
  };
  // Two at a time, each in a page of its own: most of the time is a page's start.
  const attacks = targets.map((name, at) => () => attack(name, SEED + at));
  const lane = async () => {
    for (let next = attacks.shift(); next; next = attacks.shift()) await next();
  };
  await Promise.all([lane(), lane()]);
  console.log(`    ${refused} of ${COUNT * targets.length} refused`);
  assert.ok(refused > COUNT);
});

test("names that are scripts stay text", async () => {
  const files = new Map();
  for (const name of await readdir(bundle)) files.set(name, await readFile(join(bundle, name)));
  const [script] = SCRIPTS;
  const changedIndex = { ...index, players: index.players.map((name, at) => `${script}${at}`) };
  const changed = replaced(files, manifest.runs[0].games.index.file, Buffer.from(JSON.stringify(changedIndex)));
  const top = JSON.parse(changed.get("run.json"));
  top.runs.forEach((run, at) => Object.assign(run, { name: `${script}${at}`, learner: script, revision: script, state: script, alarms: [script] }));
  changed.set("run.json", Buffer.from(JSON.stringify(top)));
  const page = await site.page();
  await page.route("**/runs/*", (route) => route.fulfill({ body: changed.get(new URL(route.request().url()).pathname.split("/").pop()) }));
  await openRuns(page, "#g=1");
  await page.locator("#game h3", { hasText: "<img" }).waitFor();
  await alive(page, "names");
  await page.checked();
});

test("a run that goes on is shown live, through its restart", { timeout: 300_000 }, async () => {
  const run = join(directory, "live");
  const out = join(run, "metrics.jsonl");
  const iterations = async () => (await readFile(out, "utf8").catch(() => "")).split("\n").length - 1;
  const reached = async (count) => {
    for (let at = 0; at < 600 && (await iterations()) < count; at++) await wait(100);
  };
  let trains = start(...train(run, 1_000_000, { "run.evaluate_plies": 0 }));
  let server;
  let page;
  try {
    await reached(3);
    server = await serve("--pages", site.site, run);
    page = await site.page({}, server.base);
    await page.goto(`${server.base}run.html`);
    await page.locator("#curves canvas").first().waitFor();
    await page.locator("#status", { hasText: "Live" }).waitFor();
    const shown = async () => Number((await page.locator("#overview tbody td").nth(1).innerText()).replaceAll(",", ""));
    const catchesUp = async (what) => {
      const target = await iterations();
      const begin = Date.now();
      while ((await shown()) < target) {
        assert.ok(Date.now() - begin < LIVE_MS + 30_000, `${what}: iteration ${target} does not come`);
        await wait(20);
      }
      return Date.now() - begin;
    };
    const times = [];
    for (let look = 0; look < 5; look++) {
      times.push(await catchesUp("while it trains"));
      await wait(700);
    }
    console.log(`    ${times.join(", ")} ms behind`);
    assert.ok(times.sort((a, b) => a - b)[2] <= LIVE_MS, `${times}`);
    assert.equal(await page.locator("#overview tbody td").first().innerText(), "training");
    const plot = chart(page, "Value loss").getByRole("slider");
    assert.match(await plot.getAttribute("aria-valuetext"), /^iteration \d+ · [\d.]+$/);
    // Games come with the checkpoints.
    await page.locator("#games table").waitFor({ timeout: 60_000 });

    await end(trains, "SIGKILL");
    await page.locator("#overview tbody td", { hasText: "ended without a word" }).waitFor({ timeout: 10_000 });
    const atKill = await shown();
    trains = start("train", "--resume", run);
    await reached(atKill + 2);
    await page.locator("#overview tbody td", { hasText: "training" }).waitFor({ timeout: 20_000 });
    await catchesUp("after its restart");

    // Without the server the page says so, keeps what it has, and goes on when there is one again.
    const port = new URL(server.base).port;
    await server.close();
    await page.locator("#status", { hasText: "does not answer" }).waitFor();
    assert.ok((await shown()) > 0);
    server = await serve("--port", port, "--pages", site.site, run);
    await page.locator("#status", { hasText: "Live" }).waitFor({ timeout: 20_000 });
    await catchesUp("after the server's restart");
    await page.checked(/ERR_CONNECTION_REFUSED|Failed to load|ERR_INCOMPLETE_CHUNKED|ERR_/);
  } finally {
    await end(trains, "SIGKILL");
    await server?.close();
  }
});
