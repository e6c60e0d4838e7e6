// The worker of the move generation benchmark for WebAssembly; its argument is our module.
//
// It answers lines as src/bin/movegen/worker.rs describes.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { performance } from 'node:perf_hooks';

const { instance } = await WebAssembly.instantiate(readFileSync(process.argv[2]));

const cpuSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

// The first calls are compiled in the background: let that end before counting.
const warm = performance.now() + 500;
while (performance.now() < warm) instance.exports.playouts(0);

function run(what, row, seconds) {
  const start = cpuSeconds();
  let units = 0;
  let spent = 0;
  while (spent < seconds) {
    units += instance.exports[what](row);
    spent = cpuSeconds() - start;
  }
  return `${units} ${spent.toFixed(6)}`;
}

for await (const line of createInterface({ input: process.stdin })) {
  const [word, , what, row, seconds] = line.split(' ');
  if (word === 'engines') console.log('keisei');
  else if (word === 'run') console.log(run(what, Number(row), Number(seconds)));
  else throw new Error(`unknown line: ${line}`);
}
