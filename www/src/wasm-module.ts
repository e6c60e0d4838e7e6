/**
 * The compiled WebAssembly module: loaded and compiled once on the page's thread, and posted to every worker.
 *
 * This module imports nothing that computes, so that the download begins as soon as it is evaluated.
 */

import { hasRelaxedSimd } from "./relaxed-simd";
import fixedUrl from "./wasm/keisei_web_bg.wasm?url";
import relaxedUrl from "./wasm/relaxed/keisei_web_bg.wasm?url";

/** The network is faster with the relaxed vector instructions, which not every browser has. */
const url = hasRelaxedSimd() ? relaxedUrl : fixedUrl;

/** Compiles while the bytes arrive, where the server names their type; a plain file server may not. */
async function compile(url: string): Promise<WebAssembly.Module> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: the server answered ${response.status}`);
  const type = response.headers.get("content-type") ?? "";
  return type.startsWith("application/wasm") ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer());
}

/** The module; both of its variants have the same bindings. */
export const wasmModule: Promise<WebAssembly.Module> = compile(url);

// Whoever awaits it reports the error; a page that has nothing to ask yet must not.
wasmModule.catch(() => {});
