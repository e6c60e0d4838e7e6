/** Games that come from an address. */

import type { Color } from "../board/geometry";
import { Tree } from "../rules";
import { type SavedEnd, type SavedGame, type Seat, newId } from "../state/games";

/** Ends of lines that the rules do not give by themselves. */
const REASONS: Partial<Record<string, string>> = { resign: "resignation", time_up: "time", declaration: "declaration" };

/**
 * The game in the text of an address, as a new one of this browser.
 *
 * Throws if the text is no game.
 */
export function savedOfLink(link: string, orientation: Color, seats: [Seat, Seat]): SavedGame {
  const tree = Tree.from_link(link);
  try {
    const line = Array.from(tree.line(0));
    const last = line.at(-1) ?? 0;
    const moves = line.map((node) => tree.move_usi(node)).filter((usi) => usi !== undefined);
    const reason = REASONS[tree.end(last) ?? ""];
    const winner = tree.winner(last);
    const end: SavedEnd | null = reason === undefined || winner === undefined ? null : { winner: winner as Color, reason };
    return {
      id: newId(),
      page: "play",
      changed: 0,
      black: "",
      white: "",
      start: tree.start(),
      moves: moves.join(" "),
      ply: moves.length,
      orientation,
      end,
      tree: null,
      play: { seats, clock: null, times: [], thoughts: [] },
    };
  } finally {
    tree.free();
  }
}
