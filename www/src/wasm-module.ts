/**
 * The compiled WebAssembly module: loaded and compiled once on the page's thread, and posted to every worker.
 *
 * This module imports nothing that computes, so that the download begins as soon as it is evaluated.
 */

import fixedUrl from "./wasm/keisei_web_bg.wasm?url";
import relaxedUrl from "./wasm/relaxed/keisei_web_bg.wasm?url";

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
const url = WebAssembly.validate(RELAXED) ? relaxedUrl : fixedUrl;

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
