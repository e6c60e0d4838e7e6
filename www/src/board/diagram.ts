/**
 * Diagram of a position as in print: an SVG document without fonts, colours of a page or scripts.
 *
 * Pieces are glyphs alone, White's upside down; the hands stand beside the board, each under its side's mark. A triangle points at
 * the mark of the side to move, and the square of the last move is shaded.
 */

import { type Color, SQUARES, ends, placeOf, squareAt, fileOf, rankOf } from "./geometry";
import { EM, outlineOf } from "./glyphs";
import { RANKS as NUMERAL_OUTLINES } from "./outlines/ranks";
import { colorOf, glyphOf, isPiece, isPromoted, kindOf, letterOf, pieceCode } from "./pieces";
import type { PieceSet } from "./piece-set";
import type { BoardState } from "./state";

export interface DiagramOptions {
  orientation: Color;
  pieceSet: PieceSet;
  /** Title for screen readers and programs that list pictures. */
  title: string;
  /** Description: the position in words or SFEN. */
  description: string;
}

const CELL = { width: 100, height: 110 };
/** Columns of the hands at both sides, and room for the files above and the ranks at the right. */
const [HAND, TOP, RANKS, BOTTOM] = [120, 60, 50, 24];
const BOARD = { x: HAND + 20, y: TOP, width: 9 * CELL.width, height: 9 * CELL.height };
const WIDTH = BOARD.x + BOARD.width + RANKS + 20 + HAND;
const HEIGHT = TOP + BOARD.height + BOTTOM;

/** Order in which a hand shows its kinds: R B G S N L P. */
const HAND_ORDER = [6, 5, 4, 3, 2, 1, 0];
const NUMERALS = "一二三四五六七八九";

/** Strokes of the digits 1 to 9 in a box of 20 × 32 around the origin. */
const DIGITS = [
  "M-7-9L1-16V16",
  "M-9-9C-8-19 9-19 9-8C9-1-9 8-9 16H10",
  "M-9-13C-4-18 8-18 8-9C8-3 2-1-2-1C4-1 10 2 10 8C10 18-5 18-10 12",
  "M5 16V-16L-10 7H11",
  "M8-16H-6L-8-2C-3-6 10-5 10 5C10 18-6 18-10 12",
  "M7-14C-4-18-10-6-9 4C-8 19 10 19 10 6C10-5-7-5-9 4",
  "M-10-16H10L-2 16",
  "M0-1C-11-3-10-16 0-16S11-3 0-1C-12 2-12 16 0 16S12 2 0-1Z",
  "M-7 14C4 18 10 6 9-4C8-19-10-19-10-6C-10 5 7 5 9-4",
];

const escaped = (text: string): string =>
  // A document of XML holds no control characters.
  text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "").replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

const digit = (number: number, x: number, y: number): string =>
  `<path class="stroke" d="${DIGITS[number - 1] ?? ""}" transform="translate(${x} ${y})"/>`;

/** A numeral, or a glyph of the outlines that are loaded, `size` high and centred on a point; `turned` puts it upside down. */
function glyph(name: string, x: number, y: number, size: number, turned = false): string {
  const turn = turned ? " rotate(180)" : "";
  return `<path d="${NUMERAL_OUTLINES[name] ?? outlineOf(name)}" transform="translate(${x} ${y})${turn} scale(${size / EM})"/>`;
}

/** A count of 2 to 18 in kanji, below each other; 十 is two bars. */
function count(number: number, x: number, y: number, size: number): { marks: string; height: number } {
  const tens = number >= 10 ? `<path d="M${x - 0.42 * size} ${y - 2}h${0.84 * size}v5h${-0.84 * size}zM${x - 4} ${y - 0.45 * size}h8v${0.9 * size}h-8z"/>` : "";
  const ones = number % 10;
  const below = y + (tens === "" ? 0 : size);
  const marks = tens + (ones === 0 ? "" : glyph(NUMERALS[ones - 1] ?? "", x, below, size));
  return { marks, height: (tens === "" ? 0 : size) + (ones === 0 ? 0 : size) };
}

/** A piece on a point: a kanji, or a letter with a plus before a promoted one. */
function piece(code: number, x: number, y: number, size: number, set: PieceSet, orientation: Color): string {
  const turned = colorOf(code) !== orientation;
  if (set !== "international") return glyph(glyphOf(code), x, y, size, turned);
  const kind = kindOf(code);
  const letter = glyph(letterOf(kind), x + (isPromoted(kind) ? (turned ? -1 : 1) * 0.14 * size : 0), y, 0.86 * size, turned);
  const plus = x + (turned ? 1 : -1) * 0.38 * size;
  return isPromoted(kind) ? `${letter}<path class="stroke" d="M${plus - 11} ${y}h22M${plus} ${y - 11}v22"/>` : letter;
}

/** Mark of a side at the head of its hand: a filled piece for Black, an empty one for White. */
const sideMark = (color: Color, x: number, y: number): string =>
  `<path class="${color === 0 ? "stroke full" : "stroke"}" d="M${x} ${y - 26}l17 9l7 35h-48l7-35z"/>`;

function hand(state: BoardState, color: Color, x: number, options: DiagramOptions): string {
  let y = TOP + 30;
  let marks = sideMark(color, x, y);
  if (state.turn === color) marks += `<path d="M${x - 46} ${y - 12}l16 12l-16 12z"/>`;
  y += 78;
  let empty = true;
  for (const kind of HAND_ORDER) {
    const held = state.hands[color * HAND_ORDER.length + kind] ?? 0;
    if (held === 0) continue;
    empty = false;
    // Both hands are read upright, as in print.
    marks += piece(pieceCode(kind, options.orientation), x, y, 72, options.pieceSet, options.orientation);
    y += 66;
    if (held > 1) {
      const number = count(held, x, y, 46);
      marks += number.marks;
      y += number.height;
    }
    y += 24;
  }
  return empty ? `${marks}<path class="stroke" d="M${x} ${TOP + 82}v34"/>` : marks;
}

/** Diagram of a position as the text of an SVG document. */
export function diagram(state: BoardState, options: DiagramOptions): string {
  const { orientation, pieceSet } = options;
  const place = (square: number): readonly [number, number] => {
    const { row, column } = placeOf(square, orientation);
    return [BOARD.x + column * CELL.width, BOARD.y + row * CELL.height];
  };
  let marks = "";
  if (state.last !== undefined) {
    const [x, y] = place(ends(state.last).to);
    marks += `<rect class="last" x="${x}" y="${y}" width="${CELL.width}" height="${CELL.height}"/>`;
  }
  let grid = "";
  for (let line = 1; line < 9; line++) {
    grid += `M${BOARD.x + line * CELL.width} ${BOARD.y}v${BOARD.height}M${BOARD.x} ${BOARD.y + line * CELL.height}h${BOARD.width}`;
  }
  marks += `<path class="thin" d="${grid}"/>`;
  marks += `<rect class="frame" x="${BOARD.x}" y="${BOARD.y}" width="${BOARD.width}" height="${BOARD.height}"/>`;
  for (const column of [3, 6]) {
    for (const row of [3, 6]) {
      marks += `<circle cx="${BOARD.x + column * CELL.width}" cy="${BOARD.y + row * CELL.height}" r="7"/>`;
    }
  }
  for (let index = 0; index < 9; index++) {
    const square = squareAt(index, index, orientation);
    marks += digit(fileOf(square), BOARD.x + (index + 0.5) * CELL.width, TOP - 26);
    const [x, y] = [BOARD.x + BOARD.width + 28, BOARD.y + (index + 0.5) * CELL.height];
    const rank = rankOf(square);
    marks += pieceSet === "international" ? digit(rank, x, y) : glyph(NUMERALS[rank - 1] ?? "", x, y, 38);
  }
  for (let square = 0; square < SQUARES; square++) {
    const code = state.squares[square] ?? 0;
    if (!isPiece(code)) continue;
    const [x, y] = place(square);
    marks += piece(code, x + CELL.width / 2, y + CELL.height / 2, 82, pieceSet, orientation);
  }
  const near = WIDTH - HAND / 2;
  marks += hand(state, orientation, near, options) + hand(state, orientation === 0 ? 1 : 0, HAND / 2, options);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH / 2}" height="${HEIGHT / 2}" role="img">
<title>${escaped(options.title)}</title>
<desc>${escaped(options.description)}</desc>
<style>.thin,.frame,.stroke{fill:none;stroke:#000}.thin{stroke-width:2}.frame{stroke-width:5}.stroke{stroke-width:4;stroke-linejoin:round;stroke-linecap:round}.full{fill:#000}.last{fill:#d8d8d8}</style>
<rect width="100%" height="100%" fill="#fff"/>
${marks}
</svg>
`;
}
