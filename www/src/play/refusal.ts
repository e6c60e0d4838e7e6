/** Answer to a move that is not legal: why not, and the threat to draw. */

import { type Color, type Origin, SQUARES } from "../board/geometry";
import { pieceCode } from "../board/pieces";
import type { Threat } from "../board/shogi-board";
import type { Board, IllegalReason } from "../rules";
import { refusalWords as words } from "../words/play";

export interface Refusal {
  text: string;
  threat: Threat | null;
}

const KING = 7;

/** Reasons that say more than others, for a piece that has no move at all. */
const TELLING: readonly IllegalReason[] = ["in_check", "pinned", "into_check", "drop_pawn_mate", "two_pawns", "dead_drop", "own_piece", "blocked"];

/** Why no move leads from `origin` to `to`; with null, why the piece has no move. Null if there is one. */
export function refusalOf(board: Board, origin: Origin, to: number | null): Refusal | null {
  const target = to ?? tellingTarget(board, origin);
  if (target === null) return { text: words.noMove, threat: null };
  const reason = board.why_illegal(origin, target);
  if (reason === undefined) return null;
  const side = board.side_to_move() as Color;
  const text = words.reasons[reason](words.square(target));
  return { text: to === null ? words.noMoveBecause(text) : text, threat: threatOf(board, reason, board.blamed(origin, target), target, side) };
}

/** Refusal of a move that was typed. */
export function typedRefusal(board: Board, reason: IllegalReason, blamed: number | undefined): Refusal {
  const threat = reason === "into_check" ? null : threatOf(board, reason, blamed, 0, board.side_to_move() as Color);
  return { text: words.reasons[reason](null), threat };
}

/** The target whose refusal tells most about a piece without a legal move. */
function tellingTarget(board: Board, origin: Origin): number | null {
  let best: { target: number; rank: number } | null = null;
  for (let target = 0; target < SQUARES; target++) {
    const reason = board.why_illegal(origin, target);
    const rank = reason === undefined ? -1 : TELLING.indexOf(reason);
    if (reason === "not_yours" || reason === "no_piece" || reason === "not_in_hand" || reason === "game_over") return target;
    if (rank >= 0 && (best === null || rank < best.rank)) best = { target, rank };
  }
  return best?.target ?? null;
}

function threatOf(board: Board, reason: IllegalReason, blamed: number | undefined, to: number, side: Color): Threat | null {
  if (blamed === undefined) return null;
  if (reason === "into_check") return { from: blamed, to };
  if (reason === "in_check" || reason === "pinned") {
    const king = board.squares().indexOf(pieceCode(KING, side));
    return king < 0 ? null : { from: blamed, to: king };
  }
  return { from: blamed, to: blamed };
}

