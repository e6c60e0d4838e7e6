/** What the page shows at one moment; `drawing.ts` draws it, `status.ts` puts it into words. */

import type { Color, Origin } from "../board/geometry";
import type { Thought } from "../protocol";
import type { Board, MoveStyle } from "../rules";
import type { Seat } from "../state/saved-game";
import type { Agents } from "./agents";
import type { PlayGame } from "./game";

export interface Scene {
  readonly game: PlayGame;
  readonly notation: MoveStyle;
  readonly agents: Agents;
  /** The position on the board, which is an earlier one while the user looks back. */
  readonly position: Board;
  /** Number of moves played in it. */
  readonly ply: number;
  readonly reviewing: boolean;
  readonly thinking: boolean;
  readonly paused: boolean;
  /** Line of the agent that is played out on the board instead, while the user points at it. */
  readonly preview: Board | null;
  /** Origin of the piece that the user touched, whose own policy is shown. */
  readonly touched: Origin | null;
  /** Hint for the shown position. */
  readonly hint: Thought | null;
  /** Message that stands in the status line until the position changes. */
  readonly notice: string;
}

/** Whether the user moves this seat: its own, and every seat if there is no agent. */
export const isHuman = (seat: Seat, agents: Agents): boolean => seat.kind === "human" || agents.state === "none";

/** Whether the user moves for one side only. */
export function soleHuman({ game, agents }: Scene): Color | null {
  const [black, white] = game.seats.map((seat) => isHuman(seat, agents));
  if (black === white) return null;
  return black ? 0 : 1;
}

/** Whether two agents play. */
export const isWatched = (game: PlayGame): boolean => game.seats.every(({ kind }) => kind === "agent");
