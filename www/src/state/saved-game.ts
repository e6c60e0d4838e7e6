/** A saved game, as it is stored. */

import type { Color } from "../board/geometry";
import type { TimeControl } from "./settings";

export const PAGES = ["play", "analysis"] as const;
export type Page = (typeof PAGES)[number];

/** Who moves a side: the user, or an agent at a level; `model` 1 is the second model of a game between two. */
export type Seat = { kind: "human" } | { kind: "agent"; level: number; model: 0 | 1 };

/** A clock as it stood when the game was saved; time does not run while no page shows the game. */
export interface SavedClock {
  control: TimeControl;
  /** Milliseconds of main time left, Black's and White's. */
  main: [number, number];
  /** Milliseconds left of the byoyomi of the move that is being thought about. */
  byoyomi: number;
}

/** Judgement of a position from the side to move, short enough to be kept for every ply. */
export interface SavedThought {
  win: number;
  draw: number;
  loss: number;
  visits: number;
  /** The best moves with their shares, the best first. */
  best: { usi: string; share: number }[];
}

/** What Play keeps beside the moves. */
export interface PlayState {
  seats: [Seat, Seat];
  clock: SavedClock | null;
  /** Milliseconds that each move took. */
  times: number[];
  /** The agent's thought about the position after each number of moves. */
  thoughts: (SavedThought | null)[];
  /** Whether the agent waits until the user lets the game go on. */
  paused?: boolean;
}

/** End of a game: `reason` is an id of the rules or of a page (such as `time`), never a phrase. */
export interface SavedEnd {
  winner: Color | null;
  reason: string;
}

export interface SavedGame {
  id: string;
  /** The page that the game belongs to. */
  page: Page;
  /** Time of the last change, in milliseconds since 1970. */
  changed: number;
  black: string;
  white: string;
  /** The position before the first move, in SFEN. */
  start: string;
  /** The line that the page shows, in USI, separated by spaces. */
  moves: string;
  /** Number of moves of that line played in the position that is shown. */
  ply: number;
  orientation: Color;
  end: SavedEnd | null;
  /** The tree with its variations, comments and values, by `Tree.to_bytes` in base64; null if the line is all there is. */
  tree: string | null;
  play: PlayState | null;
}
