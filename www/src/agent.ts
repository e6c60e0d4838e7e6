/** The page's end of the agent's worker. */

import type { AgentInfo, Answer, Request, Strength, Thought } from "./protocol";

type Ask<T> = T extends { id: number } ? Omit<T, "id"> : never;

interface Pending {
  resolve(answer: Answer): void;
  reject(error: Error): void;
  /** Receives the messages that come before the answer. */
  news?: ((answer: Answer) => void) | undefined;
}

/** No model at the address, as opposed to one that cannot be read. */
export class MissingModel extends Error {}

export class Agent {
  info: AgentInfo | null = null;
  #worker: Worker | null = null;
  #pending = new Map<number, Pending>();
  #id = 0;

  async fetch(url: string, progress: (loaded: number, total: number) => void): Promise<AgentInfo> {
    const news = (answer: Answer): void => {
      if (answer.type === "progress") progress(answer.loaded, answer.total);
    };
    return this.#loaded(await this.#ask({ type: "fetch", url }, [], news));
  }

  async open(bytes: ArrayBuffer): Promise<AgentInfo> {
    return this.#loaded(await this.#ask({ type: "open", bytes }, [bytes]));
  }

  /** Thinks about a position: `start` in SFEN, then `moves` in USI, separated by spaces. `soFar` receives a search's progress. */
  async think(
    position: { start: string; moves: string; maxPlies: number },
    strength: Strength,
    soFar: (thought: Thought) => void,
  ): Promise<Thought> {
    const news = (answer: Answer): void => {
      if (answer.type === "thinking") soFar(answer.thought);
    };
    const answer = await this.#ask({ type: "think", ...position, strength, uniform: Math.random() }, [], news);
    if (answer.type !== "thought") throw new Error(`the agent answered ${answer.type}`);
    return answer.thought;
  }

  /** Ends the current search, which answers with its best move so far. */
  stop(): void {
    this.#worker?.postMessage({ id: this.#id, type: "stop" } satisfies Request);
  }

  #loaded(answer: Answer): AgentInfo {
    if (answer.type !== "ready") throw new Error(`the agent answered ${answer.type}`);
    this.info = answer.agent;
    return answer.agent;
  }

  #ask(request: Ask<Request>, transfer: Transferable[] = [], news?: Pending["news"]): Promise<Answer> {
    const id = ++this.#id;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, news });
      this.#start().postMessage({ id, ...request }, transfer);
    });
  }

  #start(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(new URL("./agent.worker.ts", import.meta.url), { type: "module" });
    worker.addEventListener("message", ({ data }: MessageEvent<Answer>) => {
      const pending = this.#pending.get(data.id);
      if (!pending) return;
      if (data.type === "progress" || data.type === "thinking") {
        pending.news?.(data);
        return;
      }
      this.#pending.delete(data.id);
      if (data.type !== "error") pending.resolve(data);
      else pending.reject(data.missing ? new MissingModel(data.message) : new Error(data.message));
    });
    // A dead worker answers nothing: every pending request is rejected, and the next one starts a new worker.
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
