/** The agent's thread: loads a model, then answers positions. */

import { type Answer, type Request, listed } from "./protocol";
import init, { Engine } from "./wasm/keisei_web.js";
import wasmUrl from "./wasm/keisei_web_bg.wasm?url";

/** What is used of the worker's global scope; TypeScript's own type of it cannot stand beside the DOM's. */
interface Scope {
  postMessage(message: Answer): void;
  addEventListener(type: "message", listener: (event: MessageEvent<Request>) => void): void;
}

const scope = self as unknown as Scope;
const ready = init({ module_or_path: wasmUrl });
let engine: Engine | null = null;

class Missing extends Error {}

const answer = (message: Answer): void => scope.postMessage(message);

/** Downloads a file and reports how far it is; `total` is 0 where the server does not say. */
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
function open(id: number, bytes: Uint8Array): void {
  const opened = new Engine(bytes);
  engine?.free();
  engine = opened;
  answer({ id, type: "ready", agent: { name: engine.name(), about: engine.about() } });
}

async function serve(request: Request): Promise<void> {
  await ready;
  switch (request.type) {
    case "fetch":
      open(request.id, await download(request.id, request.url));
      break;
    case "open":
      open(request.id, new Uint8Array(request.bytes));
      break;
    case "think": {
      if (!engine) throw new Error("no agent is loaded");
      const { id, start, moves, maxPlies, temperature, uniform } = request;
      const thought = engine.think(start, moves, maxPlies, temperature, uniform);
      const { usi, win, draw, loss } = thought;
      const candidates = listed(thought.candidates());
      thought.free();
      answer({ id, type: "thought", thought: { usi, win, draw, loss, candidates } });
    }
  }
}

// One request after the other, in order.
let queue: Promise<void> = Promise.resolve();
scope.addEventListener("message", ({ data }) => {
  queue = queue
    .then(() => serve(data))
    .catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      answer({ id: data.id, type: "error", message, missing: error instanceof Missing });
      // After a trap the wasm's memory is not to be trusted: let the page start a new worker.
      if (error instanceof WebAssembly.RuntimeError) setTimeout(() => { throw error; });
    });
});
