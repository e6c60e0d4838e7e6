/** What the board shows instead of the game's last position: an earlier one, or a line of the agent. */

import type { Board } from "../rules";
import type { PlayGame } from "./game";

export class Looking {
  #review: { board: Board; ply: number } | null = null;
  #preview: Board | null = null;

  /** The line that is played out, after its last move. */
  get preview(): Board | null {
    return this.#preview;
  }

  /** Whether an earlier position is shown. */
  get back(): boolean {
    return this.#review !== null;
  }

  position(game: PlayGame): Board {
    return this.#review?.board ?? game.board;
  }

  ply(game: PlayGame): number {
    return this.#review?.ply ?? game.plies;
  }

  /** Shows the position after this many moves of the game. */
  goTo(game: PlayGame, ply: number): void {
    this.end();
    const wanted = Math.max(0, ply);
    if (wanted < game.plies) this.#review = { board: game.boardAfter(wanted), ply: wanted };
  }

  /** Plays a line out from the shown position; null ends that. */
  playOut(game: PlayGame, moves: readonly string[] | null): void {
    this.#preview?.free();
    this.#preview = null;
    if (moves === null) return;
    const board = game.boardAfter(this.ply(game));
    try {
      for (const usi of moves) board.play(usi);
      this.#preview = board;
    } catch {
      // The position has changed since the line was drawn.
      board.free();
    }
  }

  /** Shows the game itself again. */
  end(): void {
    this.#preview?.free();
    this.#preview = null;
    this.#review?.board.free();
    this.#review = null;
  }
}
