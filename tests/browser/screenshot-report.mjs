/** `node screenshot-report.mjs RUN…` takes the README's picture of a report on these runs and writes it to `docs/report.png`. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT, openFiles, trainer } from "./harness.mjs";

const directory = await mkdtemp(join(tmpdir(), "keisei-report-"));
const browser = await openFiles();
try {
  const file = join(directory, "report.html");
  await trainer("report", ...process.argv.slice(2).map((run) => resolve(run)), "--out", file);
  const page = await browser.page(pathToFileURL(file).href, { viewport: { width: 1180, height: 1250 } });
  await page.screenshot({ path: join(ROOT, "docs/report.png") });
  await page.checked();
} finally {
  await browser.close();
  await rm(directory, { recursive: true });
}
