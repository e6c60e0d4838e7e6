// The worker of the inference benchmark for WebAssembly: our own module and onnxruntime-web, one thread each.
//
// Arguments: our module, the folder of the dumped networks, the folder that holds node_modules, our module with relaxed-simd
// if there is one.
// It answers lines as src/bin/inference/worker.rs describes.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { createInterface } from 'node:readline';
import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';

// Node 20 has it behind a flag, which later versions ignore.
setFlagsFromString('--experimental-wasm-relaxed-simd');

const [module, folder, packages, relaxed] = process.argv.slice(2);
const require = createRequire(`${packages}/`);
const ort = await import(pathToFileURL(require.resolve('onnxruntime-web')).href).then((m) => m.default ?? m);
ort.env.wasm.numThreads = 1;

const PLANES = 96;
const NETS = ['C64N4', 'C128N8'];

const floats = (name) => {
  const bytes = readFileSync(`${folder}/${name}`);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
};

// The dumped positions, repeated or cut to a batch.
const input = (net, batch) => {
  const dumped = floats(`${net}.input`);
  return Float32Array.from({ length: batch * PLANES * 81 }, (_, i) => dumped[i % dumped.length]);
};

const own = (module, kind) => async (net, batch) => {
  const { instance } = await WebAssembly.instantiate(readFileSync(module));
  const { memory, prepare, planes, policy, wdl, forward } = instance.exports;
  prepare(NETS.indexOf(net), batch, kind);
  new Float32Array(memory.buffer, planes(), batch * PLANES * 81).set(input(net, batch));
  return {
    run: forward,
    outputs: () => [
      new Float32Array(memory.buffer, policy(), batch * 2187),
      new Float32Array(memory.buffer, wdl(), batch * 3),
    ],
  };
};

async function onnx(net, batch) {
  const session = await ort.InferenceSession.create(readFileSync(`${folder}/${net}.onnx`), {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
  });
  const feeds = { planes: new ort.Tensor('float32', input(net, batch), [batch, PLANES, 9, 9]) };
  let results;
  return {
    run: async () => {
      results = await session.run(feeds);
    },
    outputs: () => [results.policy.data, results.wdl.data],
  };
}

const [F32, INTEGERS] = [0, 1];
const executors = {
  'wasm-simd128': own(module, F32),
  ...(relaxed && { 'wasm-relaxed': own(relaxed, F32) }),
  'wasm-int-simd128': own(module, INTEGERS),
  'onnxruntime-web': onnx,
};
const built = new Map();

async function executor(name, net, batch) {
  const key = `${name} ${net} ${batch}`;
  if (!built.has(key)) built.set(key, await executors[name](net, batch));
  return built.get(key);
}

const cpuSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

async function run(name, net, batch, seconds) {
  const { run } = await executor(name, net, batch);
  // The first calls are compiled in the background: let that end before counting.
  const warm = performance.now() + 300;
  while (performance.now() < warm) await run();
  const start = performance.now();
  const cpu = cpuSeconds();
  let positions = 0;
  while (performance.now() - start < seconds * 1000) {
    await run();
    positions += batch;
  }
  return `${positions} ${(cpuSeconds() - cpu).toFixed(6)}`;
}

async function check(name, net) {
  const batch = floats(`${net}.wdl`).length / 3;
  const { run, outputs } = await executor(name, net, batch);
  await run();
  const expected = [floats(`${net}.policy`), floats(`${net}.wdl`)];
  let worst = 0;
  outputs().forEach((found, i) =>
    expected[i].forEach((x, j) => {
      worst = Math.max(worst, Number.isNaN(found[j]) ? Infinity : Math.abs(x - found[j]));
    }),
  );
  return worst.toExponential(2);
}

for await (const line of createInterface({ input: process.stdin })) {
  const [command, ...args] = line.split(' ');
  if (command === 'engines') console.log(Object.keys(executors).join(' '));
  else if (command === 'check') console.log(await check(args[0], args[1]));
  else if (command === 'run') console.log(await run(args[0], args[1], Number(args[2]), Number(args[3])));
  else throw new Error(`unknown line: ${line}`);
}
