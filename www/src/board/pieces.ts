/** The piece set: one drawn pentagon a kind, with one or two glyph outlines (kanji) or a letter and move hints (international). */

import { EM, outlineOf } from "./glyphs";
import type { PieceSet } from "./piece-set";
import { svg } from "./svg";

/** Width and height on a square of 100 × 110. */
type Size = readonly [width: number, height: number];

interface Kind {
  readonly size: Size;
  readonly kanji: string;
  /** Name in two characters. */
  readonly pair: string;
  readonly letter: string;
  readonly promoted: boolean;
  /** Steps (lower case) and slides (upper case) by compass point as the owner sees them; `j` is a knight's jump. */
  readonly hints: readonly string[];
}

/** Size of a glyph of two, by the piece's width. */
const PAIR_SIZE = 0.575;

const SMALL: Size = [68, 80];
const SLIM: Size = [74, 87];
const MIDDLE: Size = [79, 91];
const LARGE: Size = [84, 96];
const GOLD = ["n", "ne", "nw", "e", "w", "s"];

/** Indexed by the rules' piece kind: P L N S G B R K, then their promotions. */
const KINDS: readonly Kind[] = [
  { size: SMALL, kanji: "歩", pair: "歩兵", letter: "P", promoted: false, hints: ["n"] },
  { size: SLIM, kanji: "香", pair: "香車", letter: "L", promoted: false, hints: ["N"] },
  { size: SLIM, kanji: "桂", pair: "桂馬", letter: "N", promoted: false, hints: ["j"] },
  { size: MIDDLE, kanji: "銀", pair: "銀将", letter: "S", promoted: false, hints: ["n", "ne", "nw", "se", "sw"] },
  { size: MIDDLE, kanji: "金", pair: "金将", letter: "G", promoted: false, hints: GOLD },
  { size: LARGE, kanji: "角", pair: "角行", letter: "B", promoted: false, hints: ["NE", "NW", "SE", "SW"] },
  { size: LARGE, kanji: "飛", pair: "飛車", letter: "R", promoted: false, hints: ["N", "E", "W", "S"] },
  { size: [87, 98], kanji: "玉", pair: "玉将", letter: "K", promoted: false, hints: ["n", "ne", "nw", "e", "w", "s", "se", "sw"] },
  { size: SMALL, kanji: "と", pair: "と金", letter: "P", promoted: true, hints: GOLD },
  { size: SLIM, kanji: "杏", pair: "成香", letter: "L", promoted: true, hints: GOLD },
  { size: SLIM, kanji: "圭", pair: "成桂", letter: "N", promoted: true, hints: GOLD },
  { size: MIDDLE, kanji: "全", pair: "成銀", letter: "S", promoted: true, hints: GOLD },
  { size: LARGE, kanji: "馬", pair: "龍馬", letter: "B", promoted: true, hints: ["NE", "NW", "SE", "SW", "n", "e", "w", "s"] },
  { size: LARGE, kanji: "龍", pair: "龍王", letter: "R", promoted: true, hints: ["N", "E", "W", "S", "ne", "nw", "se", "sw"] },
];

const KING = 7;

/** A square's code from the rules: 0 is empty, 1 + kind is Black's, 17 + kind is White's. */
export const isPiece = (code: number): boolean => code > 0;
export const colorOf = (code: number): 0 | 1 => (code > 16 ? 1 : 0);
export const kindOf = (code: number): number => (code - 1) % 16;
export const pieceCode = (kind: number, color: 0 | 1): number => 1 + kind + 16 * color;
/** The kind after promotion, to draw the choice; called only where the rules offer one. */
export const promotedKind = (kind: number): number => (kind < 4 ? kind + 8 : kind + 7);

/** Whether a kind is promoted, and whether it can be. */
export const isPromoted = (kind: number): boolean => KINDS[kind]?.promoted ?? false;
export const isPromotable = (kind: number): boolean => kind < 7 && kind !== 4;
/** The kind before promotion. */
export const basicKind = (kind: number): number => (!isPromoted(kind) ? kind : kind < 12 ? kind - 8 : kind - 7);
export const isKing = (kind: number): boolean => kind === KING;

/** Glyph of a piece in one character; a king has two: 玉 for Black, 王 for White. */
export const glyphOf = (code: number): string => (code === pieceCode(KING, 1) ? "王" : (KINDS[kindOf(code)]?.kanji ?? ""));
/** Letter of a kind, the same before and after its promotion. */
export const letterOf = (kind: number): string => KINDS[kind]?.letter ?? "";

/** Side that a piece's tip points to on the screen. */
type Facing = "up" | "down";

/** Id of a piece's drawing in `definitions()`. A king has two glyphs: 玉 for Black, 王 for White. */
const drawingId = (code: number, facing: Facing): string =>
  `${facing}${kindOf(code)}${kindOf(code) === KING && colorOf(code) === 1 ? "w" : ""}`;

/** Path through points. */
const outline = (points: readonly (readonly [number, number])[]): string =>
  `M${points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}Z`;

/** Outline of a piece, clockwise from the tip; `dx` and `dy` move it. */
function pentagon(width: number, height: number, facing: Facing, dx = 0, dy = 0): string {
  const turn = facing === "up" ? 1 : -1;
  const corners = [
    [0, -0.5],
    [0.37, -0.34],
    [0.5, 0.5],
    [-0.5, 0.5],
    [-0.37, -0.34],
  ] as const;
  return outline(corners.map(([x, y]) => [turn * x * width + dx, turn * y * height + dy] as const));
}

const COMPASS: Record<string, readonly [angle: number, x: number, y: number]> = {
  n: [0, 0, -0.37],
  ne: [45, 0.27, -0.24],
  nw: [-45, -0.27, -0.24],
  e: [90, 0.36, 0.06],
  w: [-90, -0.36, 0.06],
  se: [135, 0.35, 0.36],
  sw: [-135, -0.35, 0.36],
  s: [180, 0, 0.41],
};

/** Small marks around a letter: a triangle where the piece steps, a double one where it slides, two for a knight's jump. */
function hint(mark: string, [width, height]: Size, facing: Facing): string[] {
  const turn = facing === "up" ? 1 : -1;
  const triangle = (x: number, y: number, angle: number): string => {
    const [sine, cosine] = [Math.sin((angle * Math.PI) / 180), Math.cos((angle * Math.PI) / 180)];
    const corners = [[0, -5.2], [5, 3.6], [-5, 3.6]] as const;
    return outline(corners.map(([u, v]) => [turn * (x + u * cosine - v * sine), turn * (y + u * sine + v * cosine)] as const));
  };
  if (mark === "j") return [triangle(-0.17 * width, -0.29 * height, -20), triangle(0.17 * width, -0.29 * height, 20)];
  const [angle, x, y] = COMPASS[mark.toLowerCase()] ?? [0, 0, 0];
  const centre = [x * width, y * height] as const;
  if (mark === mark.toLowerCase()) return [triangle(...centre, angle)];
  const shift = (mark.length === 1 ? 3.2 : 2.4) * 1.1;
  const [dx, dy] = [Math.sin((angle * Math.PI) / 180) * shift, -Math.cos((angle * Math.PI) / 180) * shift];
  return [triangle(centre[0] + dx, centre[1] + dy, angle), triangle(centre[0] - dx, centre[1] - dy, angle)];
}

/**
 * Drawing of a piece with its shadow, which falls the same way whichever side owns it. Nothing in it is transformed but the
 * glyph: every transform is a layer for the browser to sort, in every frame.
 */
function drawing(id: string, kind: Kind, set: PieceSet, facing: Facing): SVGElement {
  const [width, height] = kind.size;
  const ink = svg("g", { class: "ink" });
  const turn = facing === "up" ? "" : "rotate(180) ";
  /** A glyph of which an em is `size` wide. */
  const glyph = (character: string, className: string, y: number, size: number, stretch = 1): SVGElement =>
    svg("path", {
      class: className,
      d: outlineOf(character),
      transform: `${turn}translate(0 ${(y * height).toFixed(2)}) scale(${(size / EM).toFixed(4)} ${((size * stretch) / EM).toFixed(4)})`,
    });
  if (set === "international") {
    ink.append(
      glyph(kind.letter, "", 0.07, 54),
      svg("path", { class: "hints", d: kind.hints.flatMap((mark) => hint(mark, kind.size, facing)).join("") }),
    );
  } else if (set === "two-kanji") {
    const size = width * PAIR_SIZE;
    ink.append(
      glyph(kind.pair[0] ?? "", "kanji", -0.14, size * 0.94, 0.92),
      glyph(kind.pair[1] ?? "", "kanji", 0.26, size, 0.92),
    );
  } else {
    const size = kind.size === SMALL ? 55 : kind.size === SLIM ? 59 : kind.size === MIDDLE ? 63 : 67;
    ink.append(glyph(kind.kanji, "kanji", 0.07, size));
  }
  return svg(
    "g",
    { id, class: kind.promoted ? "promoted" : "" },
    svg("path", { class: "shadow", d: pentagon(width + 3, height + 3, facing, 2, 4.5) }),
    svg("path", { class: "edge", d: pentagon(width, height, facing) }),
    svg("path", { class: "face", d: pentagon(width - 5, height - 6, facing) }),
    ink,
  );
}

/** All drawings of a set whose outlines are loaded, for one `<defs>`. */
export function definitions(set: PieceSet): SVGElement[] {
  return (["up", "down"] as const).flatMap((facing) => [
    ...KINDS.map((kind, index) => drawing(`${facing}${index}`, kind, set, facing)),
    ...KINDS.slice(KING, KING + 1).map((king) => drawing(`${facing}${KING}w`, { ...king, kanji: "王", pair: "王将" }, set, facing)),
  ]);
}

/** One piece in a drawing of its own, as a hand's slot or a button shows it. */
export const pieceIcon = (code: number, upright: boolean): SVGSVGElement =>
  svg("svg", { viewBox: "-50 -55 100 110", "aria-hidden": "true" }, pieceUse(code, upright));

/** One piece centred on (0, 0) of a 100 × 110 square; `upright` points its tip up. */
export const pieceUse = (code: number, upright: boolean): SVGElement =>
  svg("use", { href: `#${drawingId(code, upright ? "up" : "down")}` });
