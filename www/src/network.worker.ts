/** A further thread for the network: it evaluates its share of the leaves. */

import init, { Engine } from "./wasm/keisei_web.js";

/** Request: first the module and the model, then planes. Each request has one answer, before the next request. */
export type Share = { module: WebAssembly.Module; model: Uint8Array } | { planes: Float32Array<ArrayBuffer> };

/** Answer: empty once the model is loaded, then the logits of the planes; or an error. */
export type Judged = { logits?: Float32Array<ArrayBuffer>; error?: string };

/** The part of the worker's global scope used here; TypeScript's own type of it conflicts with the DOM's. */
interface Scope {
  postMessage(message: Judged, transfer: Transferable[]): void;
  addEventListener(type: "message", listener: (event: MessageEvent<Share>) => void): void;
}

const scope = self as unknown as Scope;
let engine: Engine | undefined;

async function judge(share: Share): Promise<Judged> {
  if ("model" in share) {
    await init({ module_or_path: share.module });
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
