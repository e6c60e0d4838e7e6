/** Start positions: the rules' check of one that somebody put together, and the named ones. */

import type { BoardState } from "../board/shogi-board";
import { type SetupProblem, check_start as checkStart, handicaps } from "../records";
import { handicapName } from "../words/analysis";

/** Named start position. */
export interface Start {
  name: string;
  sfen: string;
}

/** Defect of a position: its place is a square, the colour of a king, or the kind of pieces that are too many. */
export interface SetupFault {
  problem: SetupProblem;
  place: number;
}

export function starts(): Start[] {
  return handicaps().map((handicap) => {
    const start = { name: handicapName(handicap.id, handicap.name), sfen: handicap.sfen };
    handicap.free();
    return start;
  });
}

/** The SFEN of a position from which a game can start, or null and everything that is wrong with it. */
export function checkedSetup({ squares, hands, turn }: BoardState): { sfen: string | null; faults: SetupFault[] } {
  const start = checkStart(squares, hands, turn);
  const places = start.places();
  const faults = start.problems().map((problem, index) => ({ problem, place: places[index] ?? 0 }));
  const sfen = start.sfen ?? null;
  start.free();
  return { sfen, faults };
}
