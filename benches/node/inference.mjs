// The worker of the inference and parity benchmarks for WebAssembly: our own module and onnxruntime-web, one thread each.
//
// Arguments: our module, the folder of the dumped networks, the folder that holds node_modules, our module with relaxed-simd
// if there is one.
// It answers lines as src/bin/inference/worker.rs describes, and `write EXECUTOR NET`, after which NET.policy.found and
// NET.wdl.found are its logits.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { createInterface } from 'node:readline';
import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';

// Node 20 has relaxed SIMD behind a flag, which later versions ignore.
setFlagsFromString('--experimental-wasm-relaxed-simd');

const [module, folder, packages, relaxed] = process.argv.slice(2);

const floats = (name) => {
  const bytes = readFileSync(`${folder}/${name}`);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
};

// Number of positions dumped for a network.
const positions = (net) => floats(`${net}.wdl`).length / 3;

// The dumped positions, repeated or cut to a batch.
const input = (net, batch) => {
  const dumped = floats(`${net}.input`);
  return Float32Array.from({ length: (batch * dumped.length) / positions(net) }, (_, i) => dumped[i % dumped.length]);
};

const own = (module, kind) => async (net, batch) => {
  const { instance } = await WebAssembly.instantiate(readFileSync(module));
  const { memory, file, prepare, planes, build, policy, wdl, forward } = instance.exports;
  const model = readFileSync(`${folder}/${net}.model`);
  const place = file(model.length); // First, because it may move the memory that is viewed next.
  new Uint8Array(memory.buffer, place, model.length).set(model);
  prepare(batch);
  const numbers = input(net, batch);
  new Float32Array(memory.buffer, planes(), numbers.length).set(numbers);
  build(kind);
  const actions = floats(`${net}.policy`).length / positions(net);
  return {
    run: forward,
    outputs: () => [
      new Float32Array(memory.buffer, policy(), batch * actions),
      new Float32Array(memory.buffer, wdl(), batch * 3),
    ],
  };
};

async function onnx(net, batch) {
  const require = createRequire(`${packages}/`);
  const ort = await import(pathToFileURL(require.resolve('onnxruntime-web')).href).then((m) => m.default ?? m);
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(readFileSync(`${folder}/${net}.onnx`), {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
  });
  const numbers = input(net, batch);
  const feeds = { planes: new ort.Tensor('float32', numbers, [batch, numbers.length / batch / 81, 9, 9]) };
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
  ...(relaxed && { 'wasm-int-relaxed': own(relaxed, INTEGERS) }),
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
  const { run, outputs } = await executor(name, net, positions(net));
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

async function write(name, net) {
  const { run, outputs } = await executor(name, net, positions(net));
  await run();
  const [policy, wdl] = outputs();
  writeFileSync(`${folder}/${net}.policy.found`, policy);
  writeFileSync(`${folder}/${net}.wdl.found`, wdl);
  return 'written';
}

for await (const line of createInterface({ input: process.stdin })) {
  const [command, ...args] = line.split(' ');
  if (command === 'engines') console.log(Object.keys(executors).join(' '));
  else if (command === 'check') console.log(await check(args[0], args[1]));
  else if (command === 'write') console.log(await write(args[0], args[1]));
  else if (command === 'run') console.log(await run(args[0], args[1], Number(args[2]), Number(args[3])));
  else throw new Error(`unknown line: ${line}`);
}
