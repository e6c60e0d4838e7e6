/** The board's numbering: square = (file - 1) * 9 + (rank - 1), so 1a = 0 and 9i = 80; a hand's piece is 81 + its kind. */

export type Color = 0 | 1; // Black (sente, ☗), White (gote, ☖)
export const SQUARES = 81;
/** Kinds that can be in hand, in the rules' order; `HAND_LETTERS[kind]` is the kind's USI letter. */
export const HAND_LETTERS = "PLNSGBR";
export const HAND_KINDS = HAND_LETTERS.length;

/** Where a move starts: a square, or 81 + kind for a piece in hand. */
export type Origin = number;

export const fileOf = (square: number): number => Math.floor(square / 9) + 1;
export const rankOf = (square: number): number => (square % 9) + 1;
export const squareName = (square: number): string => `${fileOf(square)}${"abcdefghi"[square % 9]}`;

/** The square drawn at a row and column (0..8 from the top left), seen from a side. */
export function squareAt(row: number, column: number, orientation: Color): number {
  const square = (8 - column) * 9 + row;
  return orientation === 0 ? square : SQUARES - 1 - square;
}

/** Row and column (0..8 from the top left) of a square, seen from a side. */
export function placeOf(square: number, orientation: Color): { row: number; column: number } {
  const seen = orientation === 0 ? square : SQUARES - 1 - square;
  return { row: seen % 9, column: 8 - Math.floor(seen / 9) };
}

/** Centre of a square in the units of the drawing: a square is 100 × 110, the origin is the field's top left corner. */
export function centreOf(square: number, orientation: Color): readonly [x: number, y: number] {
  const { row, column } = placeOf(square, orientation);
  return [column * 100 + 50, row * 110 + 55];
}

/** USI text of a move given by its ends. */
export function usi(origin: Origin, to: number, promote: boolean): string {
  return origin < SQUARES
    ? `${squareName(origin)}${squareName(to)}${promote ? "+" : ""}`
    : `${HAND_LETTERS[origin - SQUARES]}*${squareName(to)}`;
}

/** The ends of a USI move. */
export function ends(move: string): { from: Origin; to: number } {
  const square = (name: string): number => (Number(name[0]) - 1) * 9 + name.charCodeAt(1) - 97;
  const from = move[1] === "*" ? SQUARES + HAND_LETTERS.indexOf(move[0] ?? "") : square(move);
  return { from, to: square(move.slice(2)) };
}
