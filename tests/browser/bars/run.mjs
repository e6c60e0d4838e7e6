/**
 * `node run.mjs [RUN]`: times of the page of training runs, on a run of 1,000 iterations and 10,000 games; without one it trains one
 * by the smallest settings, which takes some minutes. Each is the median of five, in a new browser profile each.
 *
 * | time | bar |
 * |---|---|
 * | from navigation until curves are drawn and the page takes input | 1000 ms |
 * | from navigation until the list of games is there | 500 ms after the index has come |
 * | a filter and a page of the list | 100 ms |
 * | any game, from the click to its position on the board | 100 ms |
 *
 * A missed bar is an exit status of 1. Measure where nothing else runs.
 */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { open, trainer } from "../harness.mjs";

const TIMES = 5;
const ITERATIONS = 1000;
const GAMES = 10_000;
const SETTINGS = {
  "selfplay.envs": 48, "selfplay.horizon": 8, "selfplay.max_plies": 40, "selfplay.first_opening_plies": 38, "selfplay.records": 12,
  "league.share": 0.5, "league.snapshots": 8, "run.evaluate_plies": 76_800, "run.evaluate_games": 8, "run.checkpoint_plies": 3840,
};

const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];
const directory = await mkdtemp(join(tmpdir(), "keisei-run-bar-"));
const site = await open();
let missed = false;
function tell(name, times, bar) {
  const time = median(times);
  missed ||= time > bar;
  console.log(`${time > bar ? "MISSED" : "ok    "} ${name}: ${time.toFixed(0)} ms (bar ${bar} ms; ${times.map((each) => each.toFixed(0)).join(", ")})`);
}
try {
  const run = process.argv[2] ? resolve(process.argv[2]) : join(directory, "run");
  if (!process.argv[2]) {
    const plies = ITERATIONS * SETTINGS["selfplay.envs"] * SETTINGS["selfplay.horizon"];
    await trainer("train", "--preset", "tiny", "--plies", String(plies), "--out", run, ...Object.entries(SETTINGS).flatMap(([key, value]) => ["--set", `${key}=${value}`]));
  }
  const bundle = join(site.site, "runs");
  console.log((await trainer("export", "--web", run, "--out", bundle)).replace(/^.*: (?=\d)/, ""));
  const manifest = JSON.parse(await readFile(join(bundle, "run.json"), "utf8"));
  const [{ iteration, games }] = manifest.runs;
  if (iteration < ITERATIONS || games.count < GAMES) throw new Error(`the run has ${iteration} iterations and ${games.count} games`);

  const [interactive, listed, filtered, opened] = [[], [], [], []];
  for (let time = 0; time < TIMES; time++) {
    const page = await site.page();
    // Times are taken in the page: the way from here costs more than a frame.
    await page.addInitScript(() => {
      window.at = {};
      const look = () => {
        if (document.querySelector("#curves canvas")) window.at.interactive ??= performance.now();
        if (document.querySelector("#games tbody tr")?.checkVisibility()) window.at.listed ??= performance.now();
        if (!window.at.interactive || !window.at.listed) requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    });
    await page.goto(`${site.base}run.html`);
    await page.waitForFunction(() => window.at.interactive && window.at.listed);
    const at = await page.evaluate(() => {
      const index = performance.getEntriesByType("resource").find(({ name }) => /\/index-[0-9a-f]+\.json$/.test(name));
      return { ...window.at, index: index.responseEnd };
    });
    interactive.push(at.interactive);
    listed.push(at.listed - at.index);
    await page.waitForTimeout(1500);
    filtered.push(await page.evaluate(() => {
      const begin = performance.now();
      const field = document.getElementById("filter-plies-from");
      field.value = "20";
      field.dispatchEvent(new Event("input", { bubbles: true }));
      document.getElementById("page-next").click();
      void document.body.offsetHeight;
      return performance.now() - begin;
    }));
    await page.locator("#filter button[type=reset]").click();
    // Games all over the set, the first of them before any other was opened.
    for (let sample = 0; sample < 6; sample++) {
      const number = Math.floor((sample / 6) * games.count) + 1;
      opened.push(await page.evaluate(async (number) => {
        const { promise, resolve } = Promise.withResolvers();
        const heading = document.getElementById("game-name");
        const watch = new MutationObserver(() => resolve());
        watch.observe(heading, { childList: true, characterData: true, subtree: true });
        const begin = performance.now();
        location.hash = `#g=${number}`;
        await promise;
        await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
        return performance.now() - begin;
      }, number));
    }
    await page.checked();
  }
  tell("page with its curves", interactive, 1000);
  tell("list of the games after their index", listed, 500);
  tell("filter and page", filtered, 100);
  tell("a game", opened, 100);
  console.log(`the slowest game took ${Math.max(...opened).toFixed(0)} ms`);
} finally {
  await site.close();
  await rm(directory, { recursive: true });
}
process.exitCode = missed ? 1 : 0;
