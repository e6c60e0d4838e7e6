// The worker of the search benchmark for WebAssembly. Argument: our module.
// It answers lines as src/bin/search/main.rs describes.
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { setFlagsFromString } from 'node:v8';

// Older versions of Node have these instructions behind a flag.
setFlagsFromString('--experimental-wasm-relaxed-simd');

const { instance } = await WebAssembly.instantiate(readFileSync(process.argv[2]));
const engines = { forward: instance.exports.forward, search: instance.exports.search };

function speed(step, seconds) {
  const start = performance.now();
  const cpu = process.cpuUsage().user;
  let count = 0;
  while (performance.now() - start < seconds * 1000) count += step();
  return (count * 1e6) / (process.cpuUsage().user - cpu);
}

// The first calls are compiled in the background: let that end before counting.
for (const step of Object.values(engines)) speed(step, 0.3);
for await (const line of createInterface({ input: process.stdin })) {
  const [command, engine, seconds] = line.split(' ');
  if (command === 'engines') console.log(Object.keys(engines).join(' '));
  else if (command === 'run') console.log(speed(engines[engine], Number(seconds)));
  else if (command === 'decide') console.log(instance.exports.decide(Number(engine)));
  else throw new Error(`unknown line: ${line}`);
}
