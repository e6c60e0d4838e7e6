/** The rules of shogi on the page's thread: one instance of the wasm, loaded once. */

import init from "./wasm/keisei_web.js";
import wasmUrl from "./wasm/keisei_web_bg.wasm?url";

export { Board, GameEnd, Recorder, Replay } from "./wasm/keisei_web.js";

/** Resolves when the rules can be used. */
export const rulesReady: Promise<unknown> = init({ module_or_path: wasmUrl });
