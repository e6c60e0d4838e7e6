/**
 * Game records of every format, read and written by a module of its own: most visits open and save no file, and none waits for it.
 *
 * It has its own memory: games go in and come out as the bytes of trees.
 */

import init, { Tree, read_games } from "./wasm/records/keisei_web.js";
import url from "./wasm/records/keisei_web_bg.wasm?url";

const records = { Tree, readGames: read_games };

export type Records = typeof records;
export type { Tree as RecordTree } from "./wasm/records/keisei_web.js";

let loaded: Promise<Records> | null = null;

/** The module, loaded at the first call; after a failure the next call tries again. */
export function loadRecords(): Promise<Records> {
  if (loaded) return loaded;
  const loading = init({ module_or_path: url }).then(() => records);
  loading.catch(() => {
    loaded = null;
  });
  loaded = loading;
  return loading;
}
