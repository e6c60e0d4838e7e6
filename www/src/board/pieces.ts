/** The piece set: one drawn pentagon a kind, with a glyph outline (kanji) or a letter and move hints (international). */

import { OUTLINES } from "./outlines";
import { svg } from "./svg";

export type PieceSet = "kanji" | "international";

/** Width and height on a square of 100 × 110. */
type Size = readonly [width: number, height: number];

interface Kind {
  readonly name: string;
  readonly size: Size;
  readonly kanji: string;
  readonly letter: string;
  readonly promoted: boolean;
  /** Steps (lower case) and slides (upper case) by compass point as the owner sees them; `j` is a knight's jump. */
  readonly hints: readonly string[];
}

const SMALL: Size = [68, 80];
const SLIM: Size = [74, 87];
const MIDDLE: Size = [79, 91];
const LARGE: Size = [84, 96];
const GOLD = ["n", "ne", "nw", "e", "w", "s"];

/** Indexed by the rules' piece kind: P L N S G B R K, then their promotions. */
const KINDS: readonly Kind[] = [
  { name: "pawn", size: SMALL, kanji: "歩", letter: "P", promoted: false, hints: ["n"] },
  { name: "lance", size: SLIM, kanji: "香", letter: "L", promoted: false, hints: ["N"] },
  { name: "knight", size: SLIM, kanji: "桂", letter: "N", promoted: false, hints: ["j"] },
  { name: "silver", size: MIDDLE, kanji: "銀", letter: "S", promoted: false, hints: ["n", "ne", "nw", "se", "sw"] },
  { name: "gold", size: MIDDLE, kanji: "金", letter: "G", promoted: false, hints: GOLD },
  { name: "bishop", size: LARGE, kanji: "角", letter: "B", promoted: false, hints: ["NE", "NW", "SE", "SW"] },
  { name: "rook", size: LARGE, kanji: "飛", letter: "R", promoted: false, hints: ["N", "E", "W", "S"] },
  { name: "king", size: [87, 98], kanji: "玉", letter: "K", promoted: false, hints: ["n", "ne", "nw", "e", "w", "s", "se", "sw"] },
  { name: "promoted pawn", size: SMALL, kanji: "と", letter: "P", promoted: true, hints: GOLD },
  { name: "promoted lance", size: SLIM, kanji: "杏", letter: "L", promoted: true, hints: GOLD },
  { name: "promoted knight", size: SLIM, kanji: "圭", letter: "N", promoted: true, hints: GOLD },
  { name: "promoted silver", size: MIDDLE, kanji: "全", letter: "S", promoted: true, hints: GOLD },
  { name: "horse", size: LARGE, kanji: "馬", letter: "B", promoted: true, hints: ["NE", "NW", "SE", "SW", "n", "e", "w", "s"] },
  { name: "dragon", size: LARGE, kanji: "龍", letter: "R", promoted: true, hints: ["N", "E", "W", "S", "ne", "nw", "se", "sw"] },
];

/** A square's code from the rules: 0 is empty, 1 + kind is Black's, 17 + kind is White's. */
export const isPiece = (code: number): boolean => code > 0;
export const colorOf = (code: number): 0 | 1 => (code > 16 ? 1 : 0);
export const kindOf = (code: number): number => (code - 1) % 16;
export const pieceCode = (kind: number, color: 0 | 1): number => 1 + kind + 16 * color;
export const kindName = (kind: number): string => KINDS[kind]?.name ?? "piece";
/** The kind after promotion, to draw the choice; called only where the rules offer one. */
export const promotedKind = (kind: number): number => (kind < 4 ? kind + 8 : kind + 7);

/** The id of a piece's symbol in `definitions()`. A king has two glyphs: 玉 for Black, 王 for White. */
export const symbolId = (code: number): string => `p${kindOf(code)}${kindOf(code) === 7 && colorOf(code) === 1 ? "w" : ""}`;

/** Corners of a piece, clockwise from the tip. */
function pentagon([width, height]: Size): string {
  const corners = [
    [0, -0.5 * height],
    [0.37 * width, -0.34 * height],
    [0.5 * width, 0.5 * height],
    [-0.5 * width, 0.5 * height],
    [-0.37 * width, -0.34 * height],
  ];
  return `M${corners.map(([x, y]) => `${x?.toFixed(1)} ${y?.toFixed(1)}`).join("L")}Z`;
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
function hint(mark: string, [width, height]: Size): SVGElement[] {
  const triangle = (x: number, y: number, angle: number): SVGElement =>
    svg("path", { d: "M0 -5.2L5 3.6H-5Z", transform: `translate(${x.toFixed(1)} ${y.toFixed(1)}) rotate(${angle})` });
  if (mark === "j") return [triangle(-0.17 * width, -0.29 * height, -20), triangle(0.17 * width, -0.29 * height, 20)];
  const [angle, x, y] = COMPASS[mark.toLowerCase()] ?? [0, 0, 0];
  const centre = [x * width, y * height] as const;
  if (mark === mark.toLowerCase()) return [triangle(...centre, angle)];
  const shift = (mark.length === 1 ? 3.2 : 2.4) * 1.1;
  const [dx, dy] = [Math.sin((angle * Math.PI) / 180) * shift, -Math.cos((angle * Math.PI) / 180) * shift];
  return [triangle(centre[0] + dx, centre[1] + dy, angle), triangle(centre[0] - dx, centre[1] - dy, angle)];
}

function symbol(id: string, kind: Kind, glyph: string, set: PieceSet): SVGElement {
  const [width, height] = kind.size;
  const ink = svg("g", { class: kind.promoted ? "ink red" : "ink" });
  if (set === "kanji") {
    const scale = kind.size === SMALL ? 0.055 : kind.size === SLIM ? 0.059 : kind.size === MIDDLE ? 0.063 : 0.067;
    ink.append(svg("path", { class: "kanji", d: OUTLINES[glyph] ?? "", transform: `translate(0 ${height * 0.07}) scale(${scale})` }));
  } else {
    ink.append(svg("path", { d: OUTLINES[kind.letter] ?? "", transform: `translate(0 ${height * 0.07}) scale(0.054)` }));
    ink.append(svg("g", { class: "hints" }, ...kind.hints.flatMap((mark) => hint(mark, kind.size))));
  }
  return svg(
    "symbol",
    { id, viewBox: "-50 -55 100 110", overflow: "visible" },
    svg("path", { class: "edge", d: pentagon([width, height]) }),
    svg("path", { class: "face", d: pentagon([width - 5, height - 6]) }),
    ink,
  );
}

/** All symbols of a set, for one `<defs>`. */
export function definitions(set: PieceSet): SVGElement[] {
  return [
    ...KINDS.map((kind, index) => symbol(`p${index}`, kind, kind.kanji, set)),
    ...KINDS.filter((kind) => kind.name === "king").map((king) => symbol("p7w", king, "王", set)),
    ...KINDS.map((kind, index) => svg("symbol", { id: `s${index}`, viewBox: "-50 -55 100 110", overflow: "visible" },
      svg("path", { d: pentagon(kind.size) }))),
  ];
}

/** One piece centred on (0, 0) of a 100 × 110 square; `upright` points its tip up. */
export function pieceUses(code: number, upright: boolean): SVGElement[] {
  const turn = upright ? "" : " rotate(180)";
  const box = { x: -50, y: -55, width: 100, height: 110 };
  return [
    svg("use", { class: "shadow", href: `#s${kindOf(code)}`, ...box, transform: `translate(2 4.5)${turn}` }),
    svg("use", { href: `#${symbolId(code)}`, ...box, transform: turn.trim() }),
  ];
}
