/**
 * `node lighthouse.mjs [RUNS [PAGE...]]`: Lighthouse on every page, or on those named, in both languages, as a phone and as a desktop;
 * the median of so many runs (default 3).
 *
 * Scores depend on the machine: measure where nothing else runs. A missed bar is an exit status of 1.
 */

import { launch } from "chrome-launcher";
import lighthouse, { desktopConfig } from "lighthouse";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open, trainer } from "../harness.mjs";

const RUNS = Number(process.argv[2] ?? 3);
const PAGES = process.argv.length > 3 ? process.argv.slice(3) : ["index.html", "replay.html", "run.html"];
const LANGUAGES = ["en", "ja"];
/** Least scores of a hundred. */
const LEAST = { performance: 98, accessibility: 100, "best-practices": 100, seo: 100 };
const MOST_SHIFT = 0.01;
const MOST_BLOCKED_MS = 50;

const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];
const missed = [];
const site = await open({ shipped: true });
// A short run for the page of runs.
const directory = await mkdtemp(join(tmpdir(), "keisei-scores-"));
await trainer("train", "--preset", "tiny", "--plies", "8192", "--out", join(directory, "run"));
await trainer("export", "--web", join(directory, "run"), "--out", join(site.site, "runs"));
const chrome = await launch({
  chromePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  chromeFlags: ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"],
});
try {
  console.log("| page | language | device | performance | accessibility | best practices | SEO | FCP s | LCP s | TBT ms | CLS | SI s |");
  console.log("|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
  for (const [page, language] of PAGES.flatMap((page) => LANGUAGES.map((language) => [page, language]))) {
    const name = `${page} in ${language}`;
    for (const [device, config] of [["mobile", undefined], ["desktop", desktopConfig]]) {
      const results = [];
      for (let run = 0; run < RUNS; run++) {
        const { lhr } = await lighthouse(`${site.base}${page}?lang=${language}`, { port: chrome.port, logLevel: "error" }, config);
        results.push(lhr);
      }
      const score = (category) => median(results.map((lhr) => Math.round(lhr.categories[category].score * 100)));
      const value = (audit) => median(results.map((lhr) => lhr.audits[audit].numericValue));
      const scores = Object.keys(LEAST).map(score);
      const seconds = (audit) => (value(audit) / 1000).toFixed(2);
      const [shift, blocked] = [value("cumulative-layout-shift"), value("total-blocking-time")];
      console.log(
        `| ${page} | ${language} | ${device} | ${scores.join(" | ")} | ${seconds("first-contentful-paint")} | ` +
          `${seconds("largest-contentful-paint")} | ${Math.round(blocked)} | ${shift.toFixed(4)} | ${seconds("speed-index")} |`,
      );
      Object.entries(LEAST).forEach(([category, least], at) => {
        if (scores[at] < least) missed.push(`${name}, ${device}: ${category} ${scores[at]} < ${least}`);
      });
      if (shift > MOST_SHIFT) missed.push(`${name}, ${device}: layout shift ${shift}`);
      if (blocked >= MOST_BLOCKED_MS) missed.push(`${name}, ${device}: blocked for ${blocked} ms`);
      for (const lhr of results.slice(0, 1)) {
        for (const { id, title, score: got, scoreDisplayMode, details } of Object.values(lhr.audits)) {
          if (got === null || got >= 0.9 || scoreDisplayMode === "metricSavings") continue;
          const where = (details?.items ?? []).slice(0, 3).map((item) => item.node?.selector ?? item.url ?? item.description ?? "");
          console.error(`  ${name}, ${device}: ${id} ${got}: ${title} ${where.join(" ")}`);
        }
      }
    }
  }
} finally {
  await chrome.kill();
  await site.close();
  await rm(directory, { recursive: true });
}
if (missed.length > 0) {
  console.error(`missed:\n${missed.join("\n")}`);
  process.exitCode = 1;
}
