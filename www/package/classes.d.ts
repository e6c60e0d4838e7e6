/** Classes of the elements. */

/** Side at the bottom, number of moves and the like are attributes; see the README. */
declare class Embedded extends HTMLElement {}

/** `<shogi-board>`: a position. */
export declare class ShogiBoard extends Embedded {
  /** SFEN, or what follows `position` in USI. */
  sfen: string;
}

/** `<shogi-replay>`: a game to step through. */
export declare class ShogiReplay extends Embedded {
  /** Address of the game's file. */
  src: string;
  /** Text of the game. */
  game: string;
  /** Number of moves played in the position that is shown; another one is shown by setting it. */
  ply: number;
  /** Number of moves and ends of the line that is shown. */
  readonly length: number;
  /** Whether the moves are being played one after another. */
  readonly playing: boolean;
  first(): void;
  back(): void;
  forward(): void;
  last(): void;
  play(): void;
  pause(): void;
  /** Turns the board. */
  flip(): void;
}

/** Another position is shown. */
export type PlyChangeEvent = CustomEvent<{ ply: number }>;
/** There is no game to show; `text` is what the element says about it. */
export type ReplayErrorEvent = CustomEvent<{ reason: string; text: string }>;
