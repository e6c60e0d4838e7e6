/** The rules of shogi on the thread of Play: one instance of the module that plays, loaded once. */

import { wasmModule } from "./wasm-module";
import init from "./wasm/keisei_web.js";

export { Board, GameEnd, LinkedGame, handicaps } from "./wasm/keisei_web.js";
export type { EndReason, IllegalReason, LineEnd, MoveStyle } from "./wasm/keisei_web.js";

/** Resolves when the rules can be used. */
export const rulesReady: Promise<unknown> = wasmModule.then((module) => init({ module_or_path: module }));
