/** What a board needs before it is drawn: the outlines of its pieces, and of the ranks beside it. */

import { addOutlines, loadOutlines } from "./glyphs";
import type { PieceSet } from "./piece-set";

const boards = new Map<PieceSet, { loading: Promise<void>; loaded: boolean }>();

/** Whether a board with this set can be drawn. */
export const isReady = (set: PieceSet): boolean => boards.get(set)?.loaded ?? false;

/** Loads what a board with this set needs, once. */
export function getReady(set: PieceSet): Promise<void> {
  const begun = boards.get(set);
  if (begun) return begun.loading;
  const load = async (): Promise<void> => {
    // International boards have letters of the page's font.
    const ranks = set === "international" ? null : import("./outlines/ranks");
    const [loadedRanks] = await Promise.all([ranks, loadOutlines(set)]);
    if (loadedRanks) addOutlines(loadedRanks.RANKS);
    entry.loaded = true;
  };
  const entry = { loading: Promise.resolve(), loaded: false };
  boards.set(set, entry);
  entry.loading = load();
  return entry.loading;
}
