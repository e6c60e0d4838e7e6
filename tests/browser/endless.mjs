/**
 * `node endless.mjs MODEL [SECONDS [SFEN]]`: a search without an end in the page's module, outside a browser; prints its memory.
 *
 * The module's memory never shrinks, so that its size at the end is the largest that it needed. Every tenth of the time the game moves on
 * by a move, or jumps elsewhere, as a reader of a game does.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT } from "./harness.mjs";

const [path, seconds = "60", start = "startpos"] = process.argv.slice(2);
const { default: init, Engine } = await import(pathToFileURL(join(ROOT, "www/src/wasm/keisei_web.js")).href);
const { memory } = await init({ module_or_path: await readFile(join(ROOT, "www/src/wasm/keisei_web_bg.wasm")) });
const engine = new Engine(await readFile(path));
const length = (1000 * Number(seconds)) / 10;
let moves = [];
for (let part = 0; part < 10; part++) {
  engine.search(start, moves.join(" "), 512);
  const end = performance.now() + length;
  while (performance.now() < end && !engine.step(8));
  const thought = engine.found(8, "usi");
  console.log(
    `${part + 1}: ${thought.visits} visits, ${engine.nodes()} nodes, ${(memory.buffer.byteLength / (1 << 20)).toFixed(1)} MiB of wasm, ` +
      `${(process.memoryUsage().heapUsed / (1 << 20)).toFixed(1)} MiB of JavaScript; best ${thought.usi}`,
  );
  moves = part % 4 === 3 ? [] : [...moves, thought.usi];
  thought.free();
}
