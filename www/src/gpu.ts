/** The network on the browser's GPU, where that is worth it. */

import type { Engine } from "./wasm/keisei_web.js";

/** A network on the GPU. */
export interface Gpu {
  /** Logits and values of a batch of planes. */
  forward(planes: Float32Array): Promise<Float32Array>;
  free(): void;
}

/** The module for GPUs and its bindings. */
interface GpuModule {
  default(options: { module_or_path: string }): Promise<unknown>;
  Gpu: { open(model: Uint8Array): Promise<Gpu> };
}

/** The module's two files; none where the build has left it out. */
const [bindings] = Object.values(import.meta.glob<GpuModule>("./wasm/gpu/keisei_web_gpu.js"));
const [gpuUrl] = Object.values(import.meta.glob<string>("./wasm/gpu/keisei_web_gpu_bg.wasm", { query: "?url", import: "default", eager: true }));

/** Leaves in one batch: a GPU needs many to be busy, and every answer takes milliseconds. */
export const BATCH = 32;

/** Least number of weights: smaller networks are fast enough on the CPU, and spare the page another download. */
const LARGE = 1_000_000;

/** Largest accepted logit difference from the CPU; GPUs round differently. */
const TOLERANCE = 0.05;

/** Time limit for opening: a slower driver is not used. */
const PATIENCE_MS = 10_000;

/** The part of WebGPU used here; the module does the rest. */
interface WithGpu {
  gpu?: { requestAdapter(): Promise<object | null> };
}

/** The network of this model on the GPU; null if it is small, or if no GPU computes it correctly and faster than this number of CPU
 * threads. */
export async function openGpu(model: Uint8Array, engine: Engine, threads: number): Promise<Gpu | null> {
  if (bindings === undefined || gpuUrl === undefined || engine.weights() < LARGE || !(await hasGpu())) return null;
  const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), PATIENCE_MS));
  try {
    return await Promise.race([openIfFaster(bindings, gpuUrl, model, engine, threads), late]);
  } catch (error) {
    console.info(`the GPU is not used: ${error}`);
    return null;
  }
}

async function hasGpu(): Promise<boolean> {
  const { gpu } = navigator as WithGpu;
  return ((await gpu?.requestAdapter().catch(() => null)) ?? null) !== null;
}

async function openIfFaster(load: () => Promise<GpuModule>, url: string, model: Uint8Array, engine: Engine, threads: number): Promise<Gpu | null> {
  const { default: init, Gpu } = await load();
  await init({ module_or_path: url });
  const gpu = await Gpu.open(model);

  const one = engine.planes("startpos", "", 0);
  const planes = new Float32Array(BATCH * one.length);
  for (let i = 0; i < BATCH; i++) planes.set(one, i * one.length);
  // The first pass compiles the kernels; whether its result is right is checked below.
  const found = await gpu.forward(planes);
  const began = performance.now();
  const expected = engine.logits("startpos", "", 0);
  const asked = performance.now();
  await gpu.forward(planes);
  const [cpu, onGpu] = [(asked - began) / threads, (performance.now() - asked) / BATCH];

  const actions = engine.actions();
  const last = BATCH - 1;
  const right = expected.every((logit, index) => {
    const at = index < actions ? last * actions + index : BATCH * actions + last * 3 + index - actions;
    return Math.abs((found[at] ?? NaN) - logit) <= TOLERANCE;
  });
  if (right && onGpu < cpu) return gpu;
  console.info(`the GPU is not used: ${onGpu.toFixed(1)} ms a position, the CPU ${cpu.toFixed(1)} ms, right: ${right}`);
  gpu.free();
  return null;
}
