/** Names of the piece sets. */

/** Kanji with one or two characters a piece, or letters with marks of the moves. */
export const PIECE_SETS = ["kanji", "two-kanji", "international"] as const;
export type PieceSet = (typeof PIECE_SETS)[number];
