/** WebGPU computes what the CPU computes, and the page keeps to the faster of the two. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fixtures, open, openPlay } from "./harness.mjs";

const POSITIONS = 96;
const BATCH = 32;
const TOLERANCE = 1e-3;

let site;
before(async () => {
  site = await open({ gpu: true });
});
after(() => site?.close());

/** Opens a page in which `gpu` is the module's class, `Engine` the CPU's, and `get` reads a file. */
async function openModules() {
  const page = await site.page({ serveFiles: site.files });
  await page.goto(`${site.base}index.html`);
  await page.evaluate(async () => {
    globalThis.get = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer());
    const [web, gpu] = await Promise.all([import("/test-wasm/keisei_web.js"), import("/test-wasm/gpu/keisei_web_gpu.js")]);
    await web.default({ module_or_path: "/test-wasm/keisei_web_bg.wasm" });
    await gpu.default({ module_or_path: "/test-wasm/gpu/keisei_web_gpu_bg.wasm" });
    Object.assign(globalThis, { Engine: web.Engine, Gpu: gpu.Gpu });
  });
  return page;
}

test("logits on the GPU", { timeout: 300_000 }, async () => {
  await fixtures("logits", join(site.files, "random.model"), join(site.files, "random.logits"));
  const page = await openModules();
  const found = await page.evaluate(async ([positions, batch]) => {
    const model = await get("/test-files/random.model");
    const [engine, gpu] = [new Engine(model), await Gpu.open(model)];
    const native = new Float32Array((await get("/test-files/random.logits")).buffer);
    const lines = new TextDecoder().decode(await get("/test-files/positions.txt")).split("\n");
    const row = engine.logits("startpos", "", 0).length;
    let [worst, compared] = [0, 0];
    for (let first = 0; first < positions; first += batch) {
      const planes = lines.slice(first, first + batch).map((line) => engine.planes("startpos", line, 512));
      const all = new Float32Array(planes.reduce((sum, one) => sum + one.length, 0));
      planes.forEach((one, index) => all.set(one, index * one.length));
      const logits = await gpu.forward(all);
      for (let i = 0; i < batch; i++) {
        const policy = logits.subarray(i * (row - 3), (i + 1) * (row - 3));
        const wdl = logits.subarray(batch * (row - 3) + i * 3, batch * (row - 3) + i * 3 + 3);
        for (const logit of [...policy, ...wdl]) {
          const difference = Math.abs(logit - native[compared++]);
          worst = Number.isFinite(difference) ? Math.max(worst, difference) : Infinity;
        }
      }
    }
    const refused = await gpu.forward(new Float32Array(5)).catch((error) => error.message);
    return { worst, compared, row, refused };
  }, [POSITIONS, BATCH]);
  assert.equal(found.compared, POSITIONS * found.row);
  console.log(`    random.model on SwiftShader: ${POSITIONS} positions, largest difference ${found.worst.toExponential(2)}`);
  assert.ok(found.worst <= TOLERANCE, `logits differ by ${found.worst}`);
  assert.match(found.refused, /5 numbers are not planes/);
  await page.checked();
});

test("a search with its network on the GPU", { timeout: 300_000 }, async () => {
  const page = await openModules();
  const [cpu, gpu] = await page.evaluate(async (batch) => {
    const model = await get("/test-files/random.model");
    const network = await Gpu.open(model);
    const result = (engine) => {
      const thought = engine.found(undefined, "usi");
      return { usi: thought.usi, visits: thought.visits, win: thought.win };
    };
    const cpu = new Engine(model);
    cpu.search("startpos", "7g7f 3c3d", 512, 200);
    while (!cpu.step(batch));
    const gpu = new Engine(model);
    gpu.search("startpos", "7g7f 3c3d", 512, 200);
    // Planes that were gathered and then abandoned are gathered again.
    gpu.gather(batch);
    gpu.abandon();
    for (let done = false; !done; ) {
      const planes = gpu.gather(batch);
      done = gpu.deliver(planes.length > 0 ? await network.forward(planes) : planes);
    }
    return [result(cpu), result(gpu)];
  }, BATCH);
  assert.deepEqual([gpu.usi, gpu.visits], [cpu.usi, cpu.visits]);
  assert.ok(gpu.visits >= 200);
  // Rounding may swap candidates that the untrained network finds equally probable.
  assert.ok(Math.abs(gpu.win - cpu.win) < 0.01, `${gpu.win} and ${cpu.win}`);
  await page.checked();
});

test("the page asks the GPU about a large network, and keeps to what is faster", { timeout: 300_000 }, async () => {
  await fixtures("large", join(site.site, "models/default.model"));
  const page = await site.page();
  // SwiftShader needs a third of a second for a position, on a busy machine several times as long.
  const predicate = (message) => message.text().startsWith("the GPU is not used");
  const told = page.waitForEvent("console", { predicate, timeout: 240_000 });
  await openPlay(page, site.base);
  const answer = (await told).text();
  console.log(`    ${answer}`);
  assert.match(answer, /right: true/);
  await page.checked();
});

// This test stands last: afterwards the browser may have no GPU.
test("a GPU that is taken away is an error, not silence", { timeout: 300_000 }, async () => {
  await fixtures("logits", join(site.files, "random.model"), join(site.files, "random.logits"));
  const page = await openModules();
  await page.evaluate(async (batch) => {
    const model = await get("/test-files/random.model");
    const [engine, network] = [new Engine(model), await Gpu.open(model)];
    const one = engine.planes("startpos", "", 512);
    const planes = new Float32Array(batch * one.length);
    for (let i = 0; i < batch; i++) planes.set(one, i * one.length);
    await network.forward(planes);
    const ask = () => network.forward(planes).then(() => "an answer", (error) => error.message);
    const silence = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds, "silence"));
    globalThis.heard = () => Promise.race([ask(), silence(60)]);
    globalThis.during = (async () => {
      for (;;) {
        const answer = await heard();
        if (answer !== "an answer") return answer;
      }
    })();
  }, BATCH);
  await site.loseGpu();
  for (const heard of [await page.evaluate(() => during), await page.evaluate(() => heard())]) {
    assert.match(heard, /^the GPU was taken away/);
  }
  await page.checked(/external Instance reference no longer exists/);
});
