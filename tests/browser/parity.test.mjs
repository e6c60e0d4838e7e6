/** The wasm in Chromium computes what the native side computes. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fixtures, open, trainer } from "./harness.mjs";

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
  }, [`/test-files/${name}.model`, name, module]);
  assert.equal(found.positions, POSITIONS);
  assert.equal(found.compared, found.native);
  console.log(
    `    ${name}.model, ${module}: ${found.positions} positions, largest difference ${found.worst.toExponential(2)}, ` +
      `${Math.round(found.positions / found.seconds)} positions/s`,
  );
  assert.ok(found.worst <= TOLERANCE, `logits differ by ${found.worst}`);
  await page.checked();
}

/** Compares the quick pass over a game and the whole policy at its positions with the native ones. */
async function compareOpinions(modelPath, name) {
  await fixtures("opinions", modelPath, join(site.files, `${name}.opinions`));
  for (const module of MODULES) await compareOpinionsOf(name, module);
}

async function compareOpinionsOf(name, module) {
  const page = await site.page({ serveFiles: site.files });
  await page.goto(`${site.base}index.html`);
  const found = await page.evaluate(async ([model, name, module]) => {
    const get = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer());
    const wasm = await import("/test-wasm/keisei_web.js");
    await wasm.default({ module_or_path: `/test-wasm/${module}` });
    const engine = new wasm.Engine(await get(model));
    const [game, ...lines] = new TextDecoder().decode(await get(`/test-files/${name}.opinions`)).trimEnd().split("\n");
    const moves = game.split(" ");
    const native = lines.map((line) => {
      const words = line.split(" ");
      const [win, draw, loss] = words.slice(0, 3).map(Number);
      const policy = new Map();
      for (let at = 3; at < words.length; at += 2) policy.set(words[at], Number(words[at + 1]));
      return { win, draw, loss, policy };
    });
    let [worst, compared] = [0, 0];
    const compare = (found, expected) => {
      const difference = Math.abs(found - expected);
      worst = Number.isFinite(difference) ? Math.max(worst, difference) : Infinity;
      compared++;
    };
    const started = performance.now();
    const pass = new wasm.Pass("startpos", game, 512, "usi");
    const judgements = [];
    while (!pass.done()) judgements.push(...pass.step(engine, 8));
    const seconds = (performance.now() - started) / 1000;
    for (const [ply, { win, draw, loss, policy }] of native.entries()) {
      const judgement = judgements[ply];
      if (judgement.ply !== ply) throw new Error(`ply ${judgement.ply} came as ${ply}`);
      compare(judgement.win, win);
      compare(judgement.draw, draw);
      compare(judgement.loss, loss);
      compare(judgement.probability, policy.get(judgement.best));
      compare(judgement.probability, Math.max(...policy.values()));
      if (ply < moves.length) compare(judgement.played, policy.get(moves[ply]));
      if (ply % 5 > 0) continue;
      const before = moves.slice(0, ply).join(" ");
      engine.search("startpos", before, 512, 3);
      while (!engine.step(1));
      const glance = engine.think("startpos", before, 512, 0, 0, "usi");
      compare(glance.win, win);
      compare(glance.draw, draw);
      compare(glance.loss, loss);
      // A search may know better who wins, but tells the network's own policy.
      for (const thought of [glance, engine.found(1, "usi")]) {
        const probabilities = thought.probabilities();
        const listed = thought.moves();
        if (listed.length !== policy.size) throw new Error(`${listed.length} moves at ply ${ply}, natively ${policy.size}`);
        listed.forEach((usi, at) => compare(probabilities[at], policy.get(usi)));
      }
    }
    return { positions: judgements.length, native: native.length, worst, compared, seconds };
  }, [`/test-files/${name}.model`, name, module]);
  assert.equal(found.positions, found.native);
  assert.ok(found.positions > 150 && found.compared > 3000);
  console.log(
    `    ${name}.model, ${module}: quick pass over ${found.positions} positions in ${found.seconds.toFixed(2)} s, ` +
      `${found.compared} numbers, largest difference ${found.worst.toExponential(2)}`,
  );
  assert.ok(found.worst <= TOLERANCE, `opinions differ by ${found.worst}`);
  await page.checked();
}

test("opinions of an untrained model", { timeout: 600_000 }, () => compareOpinions(join(site.files, "random.model"), "random"));

test("opinions of the demo's model", { timeout: 600_000 }, async (context) => {
  if (!site.trained) {
    context.skip("no demo has trained a model for the pages");
    return;
  }
  await compareOpinions(join(site.files, "trained.model"), "trained");
});

test("logits of an untrained model", { timeout: 600_000 }, () => compare(join(site.files, "random.model"), "random"));

test("logits of the demo's model", { timeout: 600_000 }, async (context) => {
  if (!site.trained) {
    context.skip("no demo has trained a model for the pages");
    return;
  }
  await compare(join(site.files, "trained.model"), "trained");
});

for (const format of ["f16", "int8"]) {
  test(`logits of a model stored as ${format}`, { timeout: 600_000 }, async () => {
    const path = join(site.files, `${format}.model`);
    await trainer("export", "--init", "7", `--${format}`, "--out", path);
    await compare(path, format);
  });
}
