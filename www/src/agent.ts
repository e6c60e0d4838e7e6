/** The page's end of the agent's worker. */

import type { AgentInfo, Answer, Request, Thought } from "./protocol";

type Ask<T> = T extends { id: number } ? Omit<T, "id"> : never;

interface Pending {
  resolve(answer: Answer): void;
  reject(error: Error): void;
  progress?: ((loaded: number, total: number) => void) | undefined;
}

/** There is no model at the address, as opposed to one that cannot be read. */
export class MissingModel extends Error {}

export class Agent {
  info: AgentInfo | null = null;
  #worker: Worker | null = null;
  #pending = new Map<number, Pending>();
  #id = 0;

  async fetch(url: string, progress: (loaded: number, total: number) => void): Promise<AgentInfo> {
    return this.#loaded(await this.#ask({ type: "fetch", url }, [], progress));
  }

  async open(bytes: ArrayBuffer): Promise<AgentInfo> {
    return this.#loaded(await this.#ask({ type: "open", bytes }, [bytes]));
  }

  /** `moves` is USI, separated by spaces; the position before them is `start` in SFEN. */
  async think(start: string, moves: string, maxPlies: number, temperature: number): Promise<Thought> {
    const answer = await this.#ask({ type: "think", start, moves, maxPlies, temperature, uniform: Math.random() });
    if (answer.type !== "thought") throw new Error(`the agent answered ${answer.type}`);
    return answer.thought;
  }

  #loaded(answer: Answer): AgentInfo {
    if (answer.type !== "ready") throw new Error(`the agent answered ${answer.type}`);
    this.info = answer.agent;
    return answer.agent;
  }

  #ask(request: Ask<Request>, transfer: Transferable[] = [], progress?: Pending["progress"]): Promise<Answer> {
    const id = ++this.#id;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, progress });
      this.#start().postMessage({ id, ...request }, transfer);
    });
  }

  #start(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(new URL("./agent.worker.ts", import.meta.url), { type: "module" });
    worker.addEventListener("message", ({ data }: MessageEvent<Answer>) => {
      const pending = this.#pending.get(data.id);
      if (!pending) return;
      if (data.type === "progress") {
        pending.progress?.(data.loaded, data.total);
        return;
      }
      this.#pending.delete(data.id);
      if (data.type !== "error") pending.resolve(data);
      else pending.reject(data.missing ? new MissingModel(data.message) : new Error(data.message));
    });
    // A dead worker answers nothing any more: whoever waits is told, and the next request starts a new one.
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      worker.terminate();
      this.#worker = null;
      this.info = null;
      const error = new Error(`the agent's worker stopped: ${event.message || "it could not be loaded"}`);
      for (const pending of this.#pending.values()) pending.reject(error);
      this.#pending.clear();
    });
    this.#worker = worker;
    return worker;
  }
}
