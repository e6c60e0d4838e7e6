/** Games that come from an address. */

import type { Color } from "../board/geometry";
import { LinkedGame } from "../rules";
import { newId } from "../state/games";
import type { SavedEnd, SavedGame, Seat } from "../state/saved-game";

/** Ends of lines that the rules do not give by themselves. */
const REASONS: Partial<Record<string, string>> = { resign: "resignation", time_up: "time", declaration: "declaration" };

/**
 * The game in the text of an address, as a new one of this browser.
 *
 * Throws if the text is no game.
 */
export function savedOfLink(link: string, orientation: Color, seats: [Seat, Seat]): SavedGame {
  const linked = new LinkedGame(link);
  try {
    const { start, moves, winner } = linked;
    const reason = REASONS[linked.end ?? ""];
    const end: SavedEnd | null = reason === undefined || winner === undefined ? null : { winner: winner as Color, reason };
    return {
      id: newId(),
      page: "play",
      changed: 0,
      black: "",
      white: "",
      start,
      moves,
      ply: moves.split(" ").filter(Boolean).length,
      orientation,
      end,
      tree: null,
      play: { seats, clock: null, times: [], thoughts: [] },
    };
  } finally {
    linked.free();
  }
}
