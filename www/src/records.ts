/**
 * Everything that is written down: trees of variations, game records of every format, typed moves, start positions of one's own.
 *
 * A module of its own with its own memory. A game against the agent does without it, so Play loads it when it is asked for; the
 * analysis page, whose game is a tree, has its rules from here. Its classes can be used once `loadRecords` has resolved.
 */

import init from "./wasm/records/keisei_web.js";
import url from "./wasm/records/keisei_web_bg.wasm?url";

export { Board, Tree, check_start, handicaps, read_games } from "./wasm/records/keisei_web.js";
export type { LostPart, RecordFormat, SetupProblem, TypedProblem } from "./wasm/records/keisei_web.js";

let loaded: Promise<unknown> | null = null;

/** Loads the module at the first call; after a failure the next call tries again. */
export function loadRecords(): Promise<unknown> {
  if (loaded) return loaded;
  const loading = init({ module_or_path: url });
  loading.catch(() => {
    loaded = null;
  });
  loaded = loading;
  return loading;
}
