/** The wasm in Chromium computes what the native side computes. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fixtures, open } from "./harness.mjs";

const POSITIONS = 1000;
const TOLERANCE = 1e-4;

let site;
before(async () => {
  site = await open();
});
after(() => site?.close());

/** The modules: of every browser, and of those with relaxed vector instructions. */
const MODULES = ["keisei_web_bg.wasm", "relaxed/keisei_web_bg.wasm"];

async function compare(modelPath, name) {
  await fixtures("logits", modelPath, join(site.files, `${name}.logits`));
  for (const module of MODULES) await compareModule(name, module);
}

async function compareModule(name, module) {
  const page = await site.page({ serveFiles: site.files });
  await page.goto(`${site.base}index.html`);
  const found = await page.evaluate(async ([model, name, module]) => {
    const get = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer());
    const wasm = await import("/test-wasm/keisei_web.js");
    await wasm.default({ module_or_path: `/test-wasm/${module}` });
    const engine = new wasm.Engine(await get(model));
    const native = new Float32Array((await get(`/test-files/${name}.logits`)).buffer);
    const lines = new TextDecoder().decode(await get("/test-files/positions.txt")).split("\n").slice(0, -1);
    let [worst, count] = [0, 0];
    const started = performance.now();
    for (const line of lines) {
      for (const logit of engine.logits("startpos", line, 512)) {
        const difference = Math.abs(logit - native[count++]);
        worst = Number.isFinite(difference) ? Math.max(worst, difference) : Infinity;
      }
    }
    const seconds = (performance.now() - started) / 1000;
    return { positions: lines.length, worst, compared: count, native: native.length, seconds };
  }, [name === "default" ? "/models/default.model" : `/test-files/${name}.model`, name, module]);
  assert.equal(found.positions, POSITIONS);
  assert.equal(found.compared, found.native);
  console.log(
    `    ${name}.model, ${module}: ${found.positions} positions, largest difference ${found.worst.toExponential(2)}, ` +
      `${Math.round(found.positions / found.seconds)} positions/s`,
  );
  assert.ok(found.worst <= TOLERANCE, `logits differ by ${found.worst}`);
  await page.checked();
}

test("logits of an untrained model", { timeout: 600_000 }, () => compare(join(site.files, "random.model"), "random"));

test("logits of the exported model", { timeout: 600_000 }, async (context) => {
  if (!site.trained) {
    context.skip("no model was exported into the pages");
    return;
  }
  await compare(join(site.site, "models/default.model"), "default");
});
