/** Moves that the user types, read by the module of records. */

import type { IllegalReason } from "../rules";
import type { TypedProblem } from "../records";
import { MAX_PLIES, type PlayGame } from "./game";

/** What a typed text means in the last position of a game. */
export interface Typed {
  /** The move in USI, if the text means one legal move. */
  usi: string | undefined;
  /** Why it does not, and why the move that it means is illegal, with the square of the piece to blame. */
  problem: TypedProblem | undefined;
  illegal: IllegalReason | undefined;
  blamed: number | undefined;
  /** Legal moves that an ambiguous text may mean. */
  candidates: string[];
}

/** Begins to load what reads typed moves; a failure is told by the first reading. */
export function prepareTyping(): void {
  void import("../records").then(({ loadRecords }) => loadRecords()).catch(() => {});
}

/**
 * Reads a typed text as the next move of a game.
 *
 * Rejects if the module cannot be loaded.
 */
export async function readTyped(game: PlayGame, text: string): Promise<Typed> {
  const { Board, loadRecords } = await import("../records");
  await loadRecords();
  const board = new Board(game.board.start(), MAX_PLIES);
  try {
    for (const usi of game.board.moves().split(" ").filter(Boolean)) board.play(usi);
    const typed = board.read_move(text);
    const { usi, problem, illegal, blamed } = typed;
    const candidates = typed.candidates();
    typed.free();
    // The rules of the other board know no resignation and no clock.
    if (usi !== undefined && game.end !== null) return { usi: undefined, problem: "illegal", illegal: "game_over", blamed, candidates };
    return { usi, problem, illegal, blamed, candidates };
  } finally {
    board.free();
  }
}
