/** The agent's thread: loads a model, then answers positions. */

import { BATCH as GPU_BATCH, type Gpu, openGpu } from "./gpu";
import { type Answer, type Request, type Thought, listed } from "./protocol";
import { Threads, batchOf, threadsFor } from "./threads";
import init, { Engine, type Thought as WasmThought } from "./wasm/keisei_web.js";
import fixedUrl from "./wasm/keisei_web_bg.wasm?url";
import relaxedUrl from "./wasm/relaxed/keisei_web_bg.wasm?url";

/** The part of the worker's global scope used here; TypeScript's own type of it conflicts with the DOM's. */
interface Scope {
  postMessage(message: Answer): void;
  addEventListener(type: "message", listener: (event: MessageEvent<Request>) => void): void;
}

const scope = self as unknown as Scope;

/** A module of one function that uses `f32x4.relaxed_madd`: it is valid where the browser has relaxed vector instructions. */
const RELAXED = Uint8Array.of(
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // magic and version
  ...[1, 5, 1, 0x60, 0, 1, 0x7b], // types: () -> v128
  ...[3, 2, 1, 0], // functions: one of that type
  ...[10, 19, 1, 17, 0], // code: one body of 17 bytes without locals
  ...[0x41, 0, 0xfd, 0x11, 0x41, 0, 0xfd, 0x11, 0x41, 0, 0xfd, 0x11], // i32.const 0, i32x4.splat; thrice
  ...[0xfd, 0x85, 2, 0x0b], // f32x4.relaxed_madd, end
);

/** The network is faster with the relaxed vector instructions, which not every browser has. */
const wasmUrl = WebAssembly.validate(RELAXED) ? relaxedUrl : fixedUrl;
const ready = init({ module_or_path: wasmUrl });
let engine: Engine | null = null;
/** The engine's network on the GPU, if it runs there. */
let gpu: Gpu | null = null;
/** Further threads for the engine's network, opened at the first search; null until they are ready. */
let threads: Threads | null = null;
/** Opens `threads`, at most once for a model. */
let openThreads: (() => void) | null = null;
/** Leaves in one batch through the network. */
let batch = 0;

/** Interval of a search's progress reports. */
const TELL_MS = 100;
/** Interval at which a search lets waiting messages in, such as `stop`. */
const LISTEN_MS = 16;

/** Highest id of a search that must end. */
let stopped = 0;

class Missing extends Error {}

const answer = (message: Answer): void => scope.postMessage(message);

/** Downloads a file and reports its progress; `total` is 0 if the server does not state it. */
async function download(id: number, url: string): Promise<Uint8Array> {
  const response = await fetch(url);
  // A server that answers every address with its start page has no model either.
  const page = response.headers.get("content-type")?.startsWith("text/html") ?? false;
  if (response.status === 404 || (response.ok && page)) throw new Missing(`${url} does not exist`);
  if (!response.ok || !response.body) throw new Error(`${url}: the server answered ${response.status}`);
  const total = Number(response.headers.get("content-length") ?? 0);
  const chunks: Uint8Array[] = [];
  let loaded = 0;
  for (let reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    loaded += value.length;
    answer({ id, type: "progress", loaded, total });
  }
  const bytes = new Uint8Array(loaded);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** Replaces the agent; the old one stays if the new file is not a model. */
async function open(id: number, bytes: Uint8Array): Promise<void> {
  const opened = new Engine(bytes);
  engine?.free();
  gpu?.free();
  threads?.free();
  threads = null;
  engine = opened;
  const count = threadsFor(opened);
  gpu = await openGpu(bytes, opened, count);
  batch = gpu ? GPU_BATCH : batchOf(count);
  openThreads = gpu || count === 1 ? null : () => openThreadsOf(opened, bytes, count);
  const about = gpu ? `${opened.about()} · on the GPU` : opened.about();
  answer({ id, type: "ready", agent: { name: opened.name(), about } });
}

/** Opens the further threads. Searches run without them until they are ready, and if they never are. */
async function openThreadsOf(opened: Engine, bytes: Uint8Array, count: number): Promise<void> {
  openThreads = null;
  try {
    const ready = await Threads.open(wasmUrl, bytes, opened, count);
    if (engine !== opened) return ready.free();
    threads = ready;
    console.info(`${count} threads judge positions`);
  } catch (error) {
    console.info(`there is one thread: ${error}`);
  }
}

/** Converts the wasm's thought into a plain object and frees it. */
function told(thought: WasmThought): Thought {
  const { usi, win, draw, loss, visits } = thought;
  const candidates = listed(thought.candidates());
  thought.free();
  return { usi, win, draw, loss, visits, candidates };
}

const doorbell = new MessageChannel();

/** Yields to waiting messages. A timer would too, but browsers delay timers by milliseconds. */
function listen(): Promise<void> {
  return new Promise((resolve) => {
    doorbell.port1.onmessage = () => resolve();
    doorbell.port2.postMessage(null);
  });
}

/** Advances the search by one batch of leaves; returns whether it is done. */
async function step(engine: Engine): Promise<boolean> {
  const elsewhere = gpu ?? threads;
  if (!elsewhere) return engine.step(batch);
  const planes = engine.gather(batch);
  if (planes.length === 0) return engine.deliver(new Float32Array());
  try {
    return engine.deliver(await elsewhere.forward(planes));
  } catch (error) {
    // A GPU can be taken away at any time; this thread goes on.
    console.info(`the ${gpu ? "GPU" : "other threads"} will not do: ${error}`);
    threads?.free();
    gpu = threads = null;
    batch = batchOf(1);
    engine.abandon();
    return engine.step(batch);
  }
}

async function think(engine: Engine, request: Extract<Request, { type: "think" }>): Promise<Thought> {
  const { id, start, moves, maxPlies, strength, uniform } = request;
  if (strength.visits === 0) return told(engine.think(start, moves, maxPlies, strength.temperature, uniform));
  openThreads?.();
  const end = performance.now() + strength.time;
  let tell = performance.now() + TELL_MS;
  let rest = performance.now() + LISTEN_MS;
  engine.search(start, moves, maxPlies, strength.visits);
  while (id > stopped && performance.now() < end && !(await step(engine))) {
    if (performance.now() >= tell) {
      answer({ id, type: "thinking", thought: told(engine.found()) });
      tell = performance.now() + TELL_MS;
    }
    if (performance.now() >= rest) {
      await listen();
      rest = performance.now() + LISTEN_MS;
    }
  }
  return told(engine.found());
}

async function serve(request: Request): Promise<void> {
  await ready;
  switch (request.type) {
    case "fetch":
      await open(request.id, await download(request.id, request.url));
      break;
    case "open":
      await open(request.id, new Uint8Array(request.bytes));
      break;
    case "think": {
      if (!engine) throw new Error("no agent is loaded");
      answer({ id: request.id, type: "thought", thought: await think(engine, request) });
    }
  }
}

// One request after the other, in order.
let queue: Promise<void> = Promise.resolve();
scope.addEventListener("message", ({ data }) => {
  if (data.type === "stop") {
    stopped = data.id;
    return;
  }
  queue = queue
    .then(() => serve(data))
    .catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      answer({ id: data.id, type: "error", message, missing: error instanceof Missing });
      // After a trap the wasm's memory is not to be trusted: let the page start a new worker.
      if (error instanceof WebAssembly.RuntimeError) setTimeout(() => { throw error; });
    });
});
