/** The rules of shogi on the page's thread: one instance of the wasm, loaded once. */

import { wasmModule } from "./wasm-module";
import init from "./wasm/keisei_web.js";

export { Board, GameEnd, Tree, check_start, handicaps } from "./wasm/keisei_web.js";
export type { EndReason, IllegalReason, LineEnd, MoveStyle, SetupProblem } from "./wasm/keisei_web.js";
export type { LostPart, RecordFormat } from "./wasm/records/keisei_web.js";

/** Resolves when the rules can be used. */
export const rulesReady: Promise<unknown> = wasmModule.then((module) => init({ module_or_path: module }));
