/** Names of pieces and squares. */

import { spoken } from ".";
import { fileOf, rankOf, squareName } from "../board/geometry";

/** Indexed by the rules' piece kind: P L N S G B R K, then their promotions. */
const KINDS = spoken(
  [
    "pawn", "lance", "knight", "silver", "gold", "bishop", "rook", "king",
    "promoted pawn", "promoted lance", "promoted knight", "promoted silver", "horse", "dragon",
  ],
  ["歩", "香", "桂", "銀", "金", "角", "飛車", "玉", "と金", "成香", "成桂", "成銀", "馬", "龍"],
);

const PIECE = spoken("piece", "駒");

/** Name of a piece kind. */
export const pieceKind = (index: number): string => KINDS[index] ?? PIECE;

/** Name of a square. */
export const squareWord: (square: number) => string = spoken(
  squareName,
  (square) => `${"１２３４５６７８９"[fileOf(square) - 1] ?? ""}${"一二三四五六七八九"[rankOf(square) - 1] ?? ""}`,
);
