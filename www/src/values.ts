/** Points of view. The agent's values are from the side to move, everything that the pages show is Black's: converted here alone. */

import type { Color } from "./board/geometry";
import type { Thought } from "./protocol";

/** Chances of Black's win, of a draw and of White's win; they add up to 1. */
export interface Chances {
  black: number;
  draw: number;
  white: number;
}

export function chances({ win, draw, loss }: Pick<Thought, "win" | "draw" | "loss">, sideToMove: Color): Chances {
  return sideToMove === 0 ? { black: win, draw, white: loss } : { black: loss, draw, white: win };
}

/** Black's value from that of the side to move, both in -1..1. */
export const blackValue = (value: number, sideToMove: Color): number => (sideToMove === 0 ? value : -value);

/** Chances that match Black's value when the share of draws is not known. */
export const chancesOfValue = (value: number): Chances => ({ black: (1 + value) / 2, draw: 0, white: (1 - value) / 2 });

/** A side's expected score: a win counts 1 and a draw a half. */
export const scoreOf = ({ black, draw, white }: Chances, side: Color): number => (side === 0 ? black : white) + draw / 2;

/** Black's value (-1..1) of these chances. */
export const valueOfChances = ({ black, white }: Chances): number => black - white;

/** Chances once the game is over: certain. */
export const chancesOfResult = (winner: Color | null): Chances => ({
  black: winner === 0 ? 1 : 0,
  draw: winner === null ? 1 : 0,
  white: winner === 1 ? 1 : 0,
});
