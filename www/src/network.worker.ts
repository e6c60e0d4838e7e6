/** One more thread for the network: it judges its share of the leaves. */

import init, { Engine } from "./wasm/keisei_web.js";

/** First the module and the model, then planes, one after the other; after each of them an answer. */
export type Share = { wasmUrl: string; model: Uint8Array } | { planes: Float32Array<ArrayBuffer> };

/** Nothing but the word that it is ready, or the logits of those planes, or why there are none. */
export type Judged = { logits?: Float32Array<ArrayBuffer>; error?: string };

/** What is used of the worker's global scope; TypeScript's own type of it cannot stand beside the DOM's. */
interface Scope {
  postMessage(message: Judged, transfer: Transferable[]): void;
  addEventListener(type: "message", listener: (event: MessageEvent<Share>) => void): void;
}

const scope = self as unknown as Scope;
let engine: Engine | undefined;

async function judge(share: Share): Promise<Judged> {
  if ("model" in share) {
    await init({ module_or_path: share.wasmUrl });
    engine = new Engine(share.model);
    return {};
  }
  if (!engine) throw new Error("no model is loaded");
  return { logits: engine.forward(share.planes) as Float32Array<ArrayBuffer> };
}

scope.addEventListener("message", ({ data }) => {
  judge(data)
    .catch((error: unknown): Judged => ({ error: String(error) }))
    .then((judged) => scope.postMessage(judged, judged.logits ? [judged.logits.buffer] : []));
});
