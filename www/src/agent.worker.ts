/** The agent's thread: loads a model, then answers positions. The order of requests is described in `protocol.ts`. */

import { BATCH as GPU_BATCH, type Gpu, openGpu } from "./gpu";
import { plain } from "./plain";
import type { Answer, Depth, Ended, Notice, ReadGame, Request, Thought } from "./protocol";
import { Threads, batchOf, threadsFor } from "./threads";
import init, { Engine, Pass, type Thought as WasmThought, sha256 } from "./wasm/keisei_web.js";

type Asked<Type extends Request["type"]> = Extract<Request, { type: Type }>;

/** The part of the worker's global scope used here; TypeScript's own type of it conflicts with the DOM's. */
interface Scope {
  postMessage(message: Answer, transfer?: Transferable[]): void;
  addEventListener(type: "message", listener: (event: MessageEvent<Request | Notice>) => void): void;
}

const scope = self as unknown as Scope;

/** Interval of a search's progress reports. */
const TELL_MS = 100;
/** Interval at which a search lets waiting messages in, such as `stop`. */
const LISTEN_MS = 16;

const answer = (message: Answer, transfer: Transferable[] = []): void => scope.postMessage(message, transfer);

// --- yielding -------------------------------------------------------------------------------------------------------

const doorbell = new MessageChannel();
const listeners: (() => void)[] = [];
doorbell.port1.onmessage = () => listeners.shift()?.();

/** Yields to waiting messages. A timer would too, but browsers delay timers by milliseconds. */
function listen(): Promise<void> {
  return new Promise((resolve) => {
    listeners.push(resolve);
    doorbell.port2.postMessage(null);
  });
}

/** Work in slices, between which messages and other work come in. */
class Slices {
  #rest = performance.now() + LISTEN_MS;

  /** Call between two steps; it yields once the slice is used up. */
  async next(): Promise<void> {
    if (performance.now() < this.#rest) return;
    await listen();
    this.#rest = performance.now() + LISTEN_MS;
  }
}

// --- the model ------------------------------------------------------------------------------------------------------

/** A model with what computes its network. */
class Player {
  readonly engine: Engine;
  readonly #gpu: Gpu | null;
  /** Further threads for the network, opened at the first search; null until they are ready. */
  #threads: Threads | null = null;
  /** Opens the threads, at most once. */
  #open: (() => Promise<void>) | null;
  /** Whether GPU or threads have failed, or were freed. */
  #alone = false;
  /** Leaves in one batch through the network. */
  #batch: number;
  /** The last pass through GPU or threads, which take one at a time. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(engine: Engine, gpu: Gpu | null, module: WebAssembly.Module, bytes: Uint8Array<ArrayBuffer>) {
    const count = threadsFor(engine);
    this.engine = engine;
    this.#gpu = gpu;
    this.#batch = gpu ? GPU_BATCH : batchOf(engine, count);
    this.#open = gpu || count === 1 ? null : () => this.#openThreads(module, bytes, count);
  }

  get onGpu(): boolean {
    return this.#gpu !== null;
  }

  /** Opens further threads if the network gains from them. Searches run without them until they are ready, and if they never are. */
  prepare(): void {
    void this.#open?.();
    this.#open = null;
  }

  async #openThreads(module: WebAssembly.Module, bytes: Uint8Array<ArrayBuffer>, count: number): Promise<void> {
    try {
      const ready = await Threads.open(module, bytes, this.engine, count);
      if (this.#alone) return ready.free();
      this.#threads = ready;
      console.info(`${count} threads judge positions`);
    } catch (error) {
      console.info(`there is one thread: ${error}`);
    }
  }

  /**
   * One batch of work: `here` computes it on this thread; or `gather` gives the planes of at most so many positions, which may be
   * none, and `deliver` takes their logits, or `abandon` drops them if they do not come.
   */
  async step<Result>(work: {
    here(batch: number): Result;
    gather(batch: number): Float32Array;
    deliver(logits: Float32Array): Result;
    abandon(): void;
  }): Promise<Result> {
    const elsewhere = this.#alone ? null : (this.#gpu ?? this.#threads);
    if (!elsewhere) return work.here(this.#batch);
    const planes = work.gather(this.#batch);
    if (planes.length === 0) return work.deliver(new Float32Array());
    const logits = this.#last.then(() => elsewhere.forward(planes));
    this.#last = logits.catch(() => {});
    try {
      return work.deliver(await logits);
    } catch (error) {
      // A GPU can be taken away at any time; this thread goes on.
      console.info(`the ${this.#gpu ? "GPU" : "other threads"} will not do: ${error}`);
      this.#dismiss();
      work.abandon();
      return work.here(this.#batch);
    }
  }

  #dismiss(): void {
    this.#alone = true;
    this.#batch = batchOf(this.engine, 1);
    this.#threads?.free();
    this.#threads = null;
  }

  free(): void {
    this.#dismiss();
    this.#gpu?.free();
    this.engine.free();
  }
}

let provide: (module: WebAssembly.Module) => void;
/** The module, from the page; the wasm's bindings can be used once `ready` resolves. */
const module = new Promise<WebAssembly.Module>((resolve) => {
  provide = resolve;
});
const ready = module.then((module) => init({ module_or_path: module }));

let player: Player | null = null;

/** The player of the loaded model. */
function loaded(): Player {
  if (!player) throw new Error("no agent is loaded");
  return player;
}

/** Replaces the model once `before`, which uses the old one, has ended; the old one stays if the file is not a model. */
async function open({ id, bytes, sha256: expected }: Asked<"open">, before: Promise<unknown>): Promise<void> {
  const data = new Uint8Array(bytes);
  const engine = new Engine(data, expected);
  const digest = expected ?? sha256(data);
  const gpu = await openGpu(data, engine, threadsFor(engine));
  endAll(id);
  await before;
  player?.free();
  player = new Player(engine, gpu, await module, data);
  const model = { facts: plain(engine.facts()), ratings: engine.ratings().map(plain), sha256: digest, onGpu: gpu !== null };
  answer({ id, type: "ready", model });
}

// --- thinking -------------------------------------------------------------------------------------------------------

/** Requests for the model that have no answer yet; those whose value is true must end with what they have. */
const stopped = new Map<number, boolean>();

const isStopped = (id: number): boolean => stopped.get(id) ?? true;

function stop(id: number): void {
  if (stopped.has(id)) stopped.set(id, true);
}

/** Ends all requests for the model that came before this one. */
function endAll(before: number): void {
  for (const id of stopped.keys()) if (id < before) stop(id);
}

/** Converts the wasm's thought into a plain object and frees it. */
function told(thought: WasmThought, about: Pick<Thought, "position" | "ended">): Thought {
  const [moves, texts, probabilities] = [thought.moves(), thought.texts(), thought.probabilities()];
  const candidates = thought.candidates().map(plain);
  const policy = moves.map((usi, index) => ({ usi, text: texts[index] ?? usi, probability: probabilities[index] ?? 0 }));
  return { ...plain(thought), ...about, policy, candidates };
}

function think(request: Asked<"think">): Promise<Thought> | Thought {
  const { position, strength, uniform, style } = request;
  if (strength.visits > 0) return search(request, { visits: strength.visits }, strength.time);
  const { start, moves, maxPlies } = position;
  const thought = loaded().engine.think(start, moves, maxPlies, strength.temperature, uniform, style);
  return told(thought, { position, ended: thought.over ? "over" : "visits" });
}

async function search(
  { id, position, style }: Asked<"think"> | Asked<"explore">,
  { visits, candidates }: Depth,
  time = Infinity,
): Promise<Thought> {
  const player = loaded();
  const { engine } = player;
  player.prepare();
  const end = performance.now() + time;
  const slices = new Slices();
  let tell = performance.now() + TELL_MS;
  const work = {
    here: (batch: number) => engine.step(batch),
    gather: (batch: number) => engine.gather(batch),
    deliver: (logits: Float32Array) => engine.deliver(logits),
    abandon: () => engine.abandon(),
  };
  engine.search(position.start, position.moves, position.maxPlies, visits);
  let done = false;
  while (!done && !isStopped(id) && performance.now() < end) {
    done = await player.step(work);
    if (performance.now() >= tell) {
      answer({ id, type: "thinking", thought: told(engine.found(candidates, style), { position, ended: null }) });
      tell = performance.now() + TELL_MS;
    }
    await slices.next();
  }
  const thought = engine.found(candidates, style);
  let ended: Ended = isStopped(id) ? "stopped" : "time";
  if (thought.over) ended = "over";
  else if (thought.proven) ended = "proven";
  else if (done) ended = "visits";
  return told(thought, { position, ended });
}

/** Judges every position of a game once; returns whether it came to the end. */
async function analyse({ id, game, style }: Asked<"analyse">): Promise<boolean> {
  const player = loaded();
  const { engine } = player;
  player.prepare();
  const pass = new Pass(game.start, game.moves, game.maxPlies, style);
  const slices = new Slices();
  const work = {
    here: (batch: number) => pass.step(engine, batch),
    gather: (batch: number) => pass.gather(engine, batch),
    deliver: (logits: Float32Array) => pass.deliver(engine, logits),
    // The next step judges what was gathered.
    abandon: () => {},
  };
  try {
    while (!pass.done() && !isStopped(id)) {
      const judgements = (await player.step(work)).map(plain);
      answer({ id, type: "judged", judgements });
      await slices.next();
    }
    return pass.done();
  } finally {
    pass.free();
  }
}

// --- reading --------------------------------------------------------------------------------------------------------

/** Reads a file of games. */
async function read({ id, bytes, name }: Asked<"read">): Promise<void> {
  // A module of its own, which only a visit with a file needs.
  const { loadRecords, read_games: readGames } = await import("./records");
  await loadRecords();
  const file = readGames(bytes, name);
  try {
    const games: ReadGame[] = [];
    const slices = new Slices();
    for (let game = 0; game < file.games; game++) {
      games.push({
        black: file.black(game),
        white: file.white(game),
        event: file.event(game),
        plies: file.plies(game),
        end: file.end(game),
        winner: file.winner(game),
        defects: file.defects(game),
        bytes: file.bytes(game) as Uint8Array<ArrayBuffer>,
      });
      await slices.next();
    }
    const { kind, encoding } = file;
    const transfer = games.map(({ bytes }) => bytes.buffer);
    answer({ id, type: "file", file: { kind, encoding, games, problems: file.problems() } }, transfer);
  } finally {
    file.free();
  }
}

// --- requests -------------------------------------------------------------------------------------------------------

/** The last request of each kind that was accepted: the next one of its kind begins when it has ended. */
const last = { open: Promise.resolve(), search: Promise.resolve(), pass: Promise.resolve() };
/** The pending requests that a later one ends. */
const superseded: { explore?: number; analyse?: number } = {};

async function serve(request: Asked<"think" | "explore" | "analyse">, before: Promise<unknown>): Promise<void> {
  await Promise.all([ready, before]);
  switch (request.type) {
    case "think":
      return answer({ id: request.id, type: "thought", thought: await think(request) });
    case "explore":
      return answer({ id: request.id, type: "thought", thought: await search(request, request.depth) });
    case "analyse":
      return answer({ id: request.id, type: "analysed", whole: await analyse(request) });
  }
}

function report(id: number, error: unknown): void {
  const [name, message] = error instanceof Error ? [error.name, error.message] : ["", String(error)];
  // After a trap, or without stack or memory, the wasm is not to be trusted: let the page start a new worker.
  if (error instanceof WebAssembly.RuntimeError || error instanceof RangeError) {
    setTimeout(() => {
      throw error;
    });
    return;
  }
  answer({ id, type: "error", name, message });
}

/** Gives a request its place among the others. */
function accept(request: Request): void {
  const { id, type } = request;
  if (type === "open") {
    const using = Promise.all([last.search, last.pass]);
    last.open = Promise.all([ready, last.open])
      .then(() => open(request, using))
      .catch((error: unknown) => report(id, error));
    return;
  }
  if (type === "read") {
    void ready.then(() => read(request)).catch((error: unknown) => report(id, error));
    return;
  }
  const lane = type === "analyse" ? "pass" : "search";
  const ends = type === "analyse" ? superseded.analyse : superseded.explore;
  if (ends !== undefined) stop(ends);
  superseded[type === "think" ? "explore" : type] = type === "think" ? undefined : id;
  stopped.set(id, false);
  last[lane] = serve(request, Promise.all([last.open, last[lane]]))
    .catch((error: unknown) => report(id, error))
    .finally(() => stopped.delete(id));
}

scope.addEventListener("message", ({ data }) => {
  if (data.type === "module") provide(data.module);
  else if (data.type === "stop") data.ids.forEach(stop);
  else accept(data);
});
