/**
 * The network on several threads.
 *
 * Each thread is a worker with its own instance of the module and its own model. Threads share no memory, so the page needs no cross-origin isolation and any
 * static host will do; only planes and logits travel, a few dozen kilobytes a position.
 */

import type { Judged, Share } from "./network.worker";
import type { Engine } from "./wasm/keisei_web.js";

/** Most threads: more would exhaust a phone's memory, and need larger batches than a search gains from. */
const MOST = 4;

/** Range of weights: a smaller network answers faster than a worker, a larger one is too big to copy into each thread. */
const [LEAST_WEIGHTS, MOST_WEIGHTS] = [1_000_000, 8_000_000];

/** Most leaves a thread in one batch. */
const SHARE = 4;

/** Most leaves in one batch with a single thread. */
const ALONE = 8;

/** Weights that a thread goes through in one batch: some tens of milliseconds, for which a `stop` has to wait. */
const WEIGHTS_AT_ONCE = 8_000_000;

/** Outcome logits: win, draw and loss. */
const OUTCOMES = 3;

/** Number of threads that evaluate a search's leaves with this network, the engine's own included. */
export function threadsFor(engine: Engine): number {
  const weights = engine.weights();
  if (weights < LEAST_WEIGHTS || weights > MOST_WEIGHTS) return 1;
  return Math.min(navigator.hardwareConcurrency || 1, MOST);
}

/** Leaves in one batch for this number of threads, ready or not, so that the search is the same either way. */
export function batchOf(engine: Engine, threads: number): number {
  const each = Math.max(1, Math.floor(WEIGHTS_AT_ONCE / engine.weights()));
  return threads > 1 ? threads * Math.min(each, SHARE) : Math.min(each, ALONE);
}

/** A worker; at most one request waits for its answer. */
class Thread {
  readonly #worker = new Worker(new URL("./network.worker.ts", import.meta.url), { type: "module" });

  ask(share: Share, transfer: Transferable[] = []): Promise<Judged> {
    return new Promise((resolve, reject) => {
      this.#worker.onmessage = ({ data }: MessageEvent<Judged>) => {
        if (data.error === undefined) resolve(data);
        else reject(new Error(data.error));
      };
      this.#worker.onerror = (event) => reject(new Error(event.message || "a thread could not be loaded"));
      this.#worker.postMessage(share, transfer);
    });
  }

  end(): void {
    this.#worker.terminate();
  }
}

export class Threads {
  readonly #engine: Engine;
  readonly #others: Thread[];
  /** Count of values in a position's planes, and of its policy logits. */
  readonly #inputs: number;
  readonly #actions: number;

  private constructor(engine: Engine, others: Thread[]) {
    this.#engine = engine;
    this.#others = others;
    this.#inputs = engine.inputs();
    this.#actions = engine.actions();
  }

  /** Opens this number of threads for the model's network, the engine's own included; resolves once each has read the model. */
  static async open(module: WebAssembly.Module, model: Uint8Array, engine: Engine, threads: number): Promise<Threads> {
    const others = Array.from({ length: threads - 1 }, () => new Thread());
    try {
      await Promise.all(others.map((thread) => thread.ask({ module, model })));
      return new Threads(engine, others);
    } catch (error) {
      for (const thread of others) thread.end();
      throw error;
    }
  }

  /** Policy logits `[batch, actions]` followed by outcome logits `[batch, 3]`, from planes `[batch, planes, 81]`. */
  async forward(planes: Float32Array): Promise<Float32Array> {
    const batch = planes.length / this.#inputs;
    const share = Math.ceil(batch / (this.#others.length + 1));
    const part = (index: number): Float32Array<ArrayBuffer> =>
      planes.slice(index * share * this.#inputs, (index + 1) * share * this.#inputs);
    const asked = this.#others.slice(0, Math.ceil(batch / share) - 1).map((thread, index) => {
      const planes = part(index + 1);
      return thread.ask({ planes }, [planes.buffer]);
    });
    // This thread computes its own share while the others compute theirs.
    const own = this.#engine.forward(part(0));
    const parts = [own, ...(await Promise.all(asked)).map(({ logits }) => logits ?? new Float32Array())];
    const all = new Float32Array(batch * (this.#actions + OUTCOMES));
    let first = 0;
    for (const logits of parts) {
      const count = logits.length / (this.#actions + OUTCOMES);
      all.set(logits.subarray(0, count * this.#actions), first * this.#actions);
      all.set(logits.subarray(count * this.#actions), batch * this.#actions + first * OUTCOMES);
      first += count;
    }
    return all;
  }

  free(): void {
    for (const thread of this.#others) thread.end();
  }
}
