// The worker of the parity benchmark for WebGPU: the page's module in Chromium, where SwiftShader computes on the CPU what the
// module hands to the GPU.
//
// Arguments: the folder of the module and its bindings, the folder of the dumped networks, the folder that holds node_modules with
// playwright-core, the browser.
// It answers lines as inference.mjs does: `engines`, and `write EXECUTOR NET`.
import { readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';

const [module, folder, packages, executablePath] = process.argv.slice(2);
const { chromium } = createRequire(`${packages}/`)('playwright-core');

const ENGINE = 'webgpu-swiftshader';
// A secure context, as WebGPU needs one; nothing listens there.
const ORIGIN = 'http://localhost';
// Positions that the page hands over at once.
const BATCH = 32;

const browser = await chromium.launch({
  executablePath,
  args: [
    '--no-sandbox',
    '--enable-unsafe-webgpu',
    '--use-webgpu-adapter=swiftshader',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
});
const page = await browser.newPage();
const types = { html: 'text/html', js: 'text/javascript', wasm: 'application/wasm' };
await page.route('**/*', async (route) => {
  const { pathname } = new URL(route.request().url());
  const name = basename(pathname);
  const contentType = types[name.split('.').pop()] ?? 'application/octet-stream';
  const body = name === 'index.html' ? '' : await readFile(join(pathname.startsWith('/module/') ? module : folder, name));
  await route.fulfill({ body, contentType });
});
await page.goto(`${ORIGIN}/index.html`);
await page.evaluate(async () => {
  const gpu = await import('/module/keisei_web_gpu.js');
  await gpu.default({ module_or_path: '/module/keisei_web_gpu_bg.wasm' });
  globalThis.Gpu = gpu.Gpu;
});

async function write(net) {
  const positions = readFileSync(`${folder}/${net}.wdl`).length / 4 / 3;
  const found = await page.evaluate(
    async ([net, positions, batch]) => {
      const get = async (name) => (await fetch(`/networks/${name}`)).arrayBuffer();
      const gpu = await Gpu.open(new Uint8Array(await get(`${net}.model`)));
      const planes = new Float32Array(await get(`${net}.input`));
      const size = planes.length / positions;
      const [policy, wdl] = [[], []];
      for (let first = 0; first < positions; first += batch) {
        const count = Math.min(batch, positions - first);
        const logits = await gpu.forward(planes.slice(first * size, (first + count) * size));
        policy.push(...logits.subarray(0, logits.length - 3 * count));
        wdl.push(...logits.subarray(logits.length - 3 * count));
      }
      return { policy, wdl };
    },
    [net, positions, BATCH],
  );
  writeFileSync(`${folder}/${net}.policy.found`, Float32Array.from(found.policy));
  writeFileSync(`${folder}/${net}.wdl.found`, Float32Array.from(found.wdl));
  return 'written';
}

for await (const line of createInterface({ input: process.stdin })) {
  const [command, ...args] = line.split(' ');
  if (command === 'engines') console.log(ENGINE);
  else if (command === 'write' && args[0] === ENGINE) console.log(await write(args[1]));
  else throw new Error(`unknown line: ${line}`);
}
await browser.close();
