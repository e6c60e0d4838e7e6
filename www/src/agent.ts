/** The page's end of the agent's worker. */

import { ModelProblem, problemOf } from "./agents/problem";
import { type Progress, answered, checkSize, download } from "./model-file";
import type {
  AgentInfo,
  Analysis,
  Answer,
  Depth,
  Judgement,
  MoveStyle,
  Notice,
  Position,
  ReadFile,
  Request,
  Strength,
  Thought,
} from "./protocol";
import { wasmModule } from "./wasm-module";
import { aboutModel, nameOfModel } from "./words/agents";

export { ModelProblem };

type Ask<T> = T extends { id: number } ? Omit<T, "id"> : never;

/** Largest file of games in bytes: it is held twice while it is read. */
const LARGEST_GAMES = 256 << 20;

interface Pending {
  resolve(answer: Answer): void;
  reject(error: Error): void;
  /** Receives the messages that come before the answer, until the request is stopped. */
  news?: ((answer: Answer) => void) | undefined;
  /** Whether it searches, as opposed to a pass over a game, a file or a model. */
  searches: boolean;
}

/** The agent's worker died, so the request has no answer. */
export class WorkerStopped extends Error {
  /** Whether a new worker has the model and may be asked again. */
  readonly restarted: boolean;

  constructor(reason: string, restarted: boolean) {
    const next = restarted ? "It was started again." : "Open the model again, or reload the page.";
    super(`the agent's worker stopped: ${reason}. ${next}`);
    this.restarted = restarted;
  }
}

/**
 * An agent: a model in a worker of its own.
 *
 * Agents are independent of each other. For agent against agent make two, give each its model by `fetch` or `open` (the same one if they
 * differ in level only), and let `think` of the one answer the move of the other. `close` one that is needed no more.
 */
export class Agent {
  /** The loaded model; null if there is none, or if its worker has died for good. */
  info: AgentInfo | null = null;
  /** Language of the texts of moves in what is asked from now on. */
  style: MoveStyle = "western";
  #worker: Worker | null = null;
  #pending = new Map<number, Pending>();
  #id = 0;
  /** File of the loaded model, for a new worker. */
  #model: ArrayBuffer | null = null;
  /** Whether the worker died and has not thought since. */
  #died = false;
  /** Numbers of the last attempt to load a model, and of the last that succeeded. */
  #attempt = 0;
  #loaded = 0;

  /** Loads the model at an address; otherwise as `receive`. */
  async fetch(url: string, progress: Progress): Promise<AgentInfo> {
    return this.receive(answered(fetch(url)).then((response) => download(response, progress)));
  }

  /**
   * Loads a model whose file is on its way, and which must have this SHA-256 if one is given; the model that is loaded stays if that
   * fails. If a model that was asked for later is loaded before, that one stays. Resolves with the model that is loaded then.
   *
   * Rejects with `ModelProblem` if the file cannot be had or is no model.
   */
  async receive(file: Promise<ArrayBuffer>, sha256?: string): Promise<AgentInfo> {
    // The worker starts while the model is on its way.
    this.#start();
    const attempt = ++this.#attempt;
    const bytes = await file;
    if (this.info !== null && this.#loaded > attempt) return this.info;
    return this.#load(bytes, attempt, sha256);
  }

  /** Loads the model in a file or in its bytes; otherwise as `receive`. */
  async open(file: ArrayBuffer | Blob): Promise<AgentInfo> {
    checkSize(file instanceof Blob ? file.size : file.byteLength);
    return this.receive(file instanceof Blob ? file.arrayBuffer() : Promise.resolve(file));
  }

  /** Thinks about a position and chooses a move, or `win` for a declaration. `soFar` receives a search's progress. */
  async think(position: Position, strength: Strength, soFar: (thought: Thought) => void): Promise<Thought> {
    return this.#thought({ type: "think", position, strength, uniform: Math.random(), style: this.style }, soFar);
  }

  /**
   * Searches a position ever deeper, until it has these visits, its result is proven, or it is ended: by `stop`, by `signal`, or by the next
   * call of `explore` or `think`. Then it resolves with the last thought.
   */
  async explore(
    position: Position,
    { signal, ...depth }: Depth & { signal?: AbortSignal | undefined },
    soFar: (thought: Thought) => void,
  ): Promise<Thought> {
    return this.#thought({ type: "explore", position, depth, style: this.style }, soFar, signal);
  }

  /**
   * Judges every position of a game once by the network alone, and tells the judgements of a few positions at a time, in order. It goes on
   * beside a search. It ends early by `signal` or by the next call, and resolves with the judgements so far.
   */
  async analyse(
    game: Position,
    onValues: (judgements: Judgement[]) => void,
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): Promise<Analysis> {
    const judgements: Judgement[] = [];
    const news = (answer: Answer): void => {
      if (answer.type !== "judged") return;
      judgements.push(...answer.judgements);
      onValues(answer.judgements);
    };
    const answer = await this.#ask({ type: "analyse", game, style: this.style }, { news, signal });
    if (answer.type !== "analysed") throw new Error(`the agent answered ${answer.type}`);
    return { game, judgements, whole: answer.whole };
  }

  /**
   * Reads the games in a file or a text of any format and encoding; its name tells the format where the content does not. It needs no model.
   * Rejects, with the reason and its place, if there is no game in it.
   */
  async read(content: Blob | Uint8Array | string, name: string): Promise<ReadFile> {
    if (content instanceof Blob && content.size > LARGEST_GAMES) {
      throw new Error(`it has ${content.size} bytes, and a page opens games up to ${LARGEST_GAMES}`);
    }
    const bytes =
      typeof content === "string"
        ? new TextEncoder().encode(content)
        : new Uint8Array(content instanceof Blob ? await content.arrayBuffer() : content);
    const answer = await this.#ask({ type: "read", bytes, name }, { transfer: [bytes.buffer] });
    if (answer.type !== "file") throw new Error(`the agent answered ${answer.type}`);
    return answer.file;
  }

  /** Ends all searches, which answer with their best move so far and tell no more progress; a pass over a game goes on. */
  stop(): void {
    this.#stop([...this.#pending].filter(([, pending]) => pending.searches).map(([id]) => id));
  }

  /** Ends the worker and frees its memory; what is pending is rejected. */
  close(): void {
    this.#end(new Error("the agent was closed"));
    this.info = this.#model = null;
  }

  async #load(bytes: ArrayBuffer, attempt: number, sha256?: string): Promise<AgentInfo> {
    const answer = await this.#ask({ type: "open", bytes, sha256 });
    if (answer.type !== "ready") throw new Error(`the agent answered ${answer.type}`);
    const { model } = answer;
    this.#loaded = attempt;
    this.#model = bytes;
    this.info = { ...model, name: nameOfModel(model.facts), about: aboutModel(model) };
    return this.info;
  }

  async #thought(request: Ask<Request>, soFar: (thought: Thought) => void, signal?: AbortSignal): Promise<Thought> {
    const news = (answer: Answer): void => {
      if (answer.type === "thinking") soFar(answer.thought);
    };
    const answer = await this.#ask(request, { news, signal, searches: true });
    if (answer.type !== "thought") throw new Error(`the agent answered ${answer.type}`);
    this.#died = false;
    return answer.thought;
  }

  #ask(
    request: Ask<Request>,
    {
      news,
      signal,
      searches = false,
      transfer = [],
    }: { news?: Pending["news"]; signal?: AbortSignal | undefined; searches?: boolean; transfer?: Transferable[] } = {},
  ): Promise<Answer> {
    const id = ++this.#id;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, news, searches });
      this.#start().postMessage({ id, ...request } satisfies Request, transfer);
      signal?.addEventListener("abort", () => this.#stop([id]), { once: true });
      if (signal?.aborted) this.#stop([id]);
    });
  }

  #stop(ids: number[]): void {
    const pending = ids.filter((id) => this.#pending.has(id));
    if (pending.length === 0) return;
    for (const id of pending) this.#pending.get(id)!.news = undefined;
    this.#worker?.postMessage({ type: "stop", ids: pending } satisfies Notice);
  }

  #start(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(new URL("./agent.worker.ts", import.meta.url), { type: "module" });
    worker.addEventListener("message", ({ data }: MessageEvent<Answer>) => this.#answered(data));
    const died = (reason: string): void => {
      if (worker === this.#worker) this.#restart(reason);
    };
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      died(event.message || "it could not be loaded");
    });
    wasmModule.then(
      (module) => worker.postMessage({ type: "module", module } satisfies Notice),
      (error: unknown) => died(`its WebAssembly could not be loaded (${error instanceof Error ? error.message : error})`),
    );
    this.#worker = worker;
    return worker;
  }

  #answered(answer: Answer): void {
    const pending = this.#pending.get(answer.id);
    if (!pending) return;
    if (answer.type === "thinking" || answer.type === "judged") {
      pending.news?.(answer);
      return;
    }
    this.#pending.delete(answer.id);
    if (answer.type === "error") pending.reject(problemOf(answer.name, answer.message) ?? new Error(answer.message));
    else pending.resolve(answer);
  }

  /** Starts a new worker with the model, unless the last one died without a thought. */
  #restart(reason: string): void {
    const model = this.#died ? null : this.#model;
    this.#died = true;
    this.#end(new WorkerStopped(reason, model !== null));
    if (model === null) {
      this.info = this.#model = null;
      return;
    }
    this.#load(model, this.#loaded).catch(() => {
      this.info = null;
    });
  }

  /** Ends the worker; what is pending is rejected. */
  #end(error: Error): void {
    this.#worker?.terminate();
    this.#worker = null;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(error);
  }
}
