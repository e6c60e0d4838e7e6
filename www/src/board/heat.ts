/** The network's policy as a heat map: a square's share is the sum of the moves to it. */

import { boardWords as words } from "../words/board";
import { div, write, writeText } from "./dom";
import { type Color, HAND_KINDS, type Origin, SQUARES, ends, placeOf } from "./geometry";
import { colorOf, isPiece } from "./pieces";
import type { Heat, Scene } from "./state";
import { svg } from "./svg";

/** A legal move with its probability. */
export interface MoveShare {
  usi: string;
  probability: number;
}

/** Heat of a policy. With an origin only its own moves count, as shares of that piece's moves. */
export function heatOf(policy: readonly MoveShare[], origin: Origin | null = null): Heat {
  const shares = new Float32Array(SQUARES + HAND_KINDS);
  let total = 0;
  for (const { usi, probability } of policy) {
    const { from, to } = ends(usi);
    if (origin !== null && from !== origin) continue;
    total += probability;
    shares[to] = (shares[to] ?? 0) + probability;
    if (from >= SQUARES) shares[from] = (shares[from] ?? 0) + probability;
  }
  if (origin === null) return { shares, of: "position" };
  return { shares: total > 0 ? shares.map((share) => share / total) : shares, of: "piece" };
}

/** Smallest share that is written as a number. */
const LEAST_WRITTEN = 0.01;
/** Smallest share that tints its square. */
const LEAST_TINTED = 0.001;
/** Shares in the legend. */
const SCALE = [0.01, 0.05, 0.2, 0.5, 1];

/** Text of a share from 1 % up; null for less. */
export const shareText = (share: number): string | null =>
  share < LEAST_WRITTEN ? null : words.percent(Math.round(share * 100));

/** Opacity of a share's tint. The root keeps small shares visible, and the scale is the same in every position. */
const opacityOf = (share: number): string => (share < LEAST_TINTED ? 0 : 0.08 + 0.72 * Math.sqrt(Math.min(1, share))).toFixed(2);

/** Width of a number's pill by its digits. */
const PILL_WIDTH = [34, 48, 68];

interface HeatSquare {
  tint: SVGRectElement;
  badge: SVGGElement;
  pill: SVGRectElement;
  number: SVGTextElement;
}

export class HeatMap {
  /** Tints, below the pieces. */
  readonly below = svg("g", { class: "heat" });
  /** Numbers, above the pieces. */
  readonly above = svg("g", { class: "shares", "aria-hidden": "true" });
  readonly #title = document.createElement("span");
  readonly legend = legend(this.#title);
  #squares: HeatSquare[] = [];
  #orientation: Color | null = null;

  draw({ heat, state, orientation }: Scene): void {
    write(this.legend, "hidden", heat === null ? "" : null);
    write(this.below, "visibility", heat === null ? "hidden" : null);
    write(this.above, "visibility", heat === null ? "hidden" : null);
    if (heat === null) return;
    writeText(this.#title, words.legend(heat.of));
    if (this.#orientation !== orientation) this.#build(orientation);
    this.#squares.forEach(({ tint, badge, pill, number }, square) => {
      const share = heat.shares[square] ?? 0;
      const text = shareText(share);
      write(tint, "fill-opacity", opacityOf(share));
      write(badge, "visibility", text === null ? "hidden" : null);
      if (text === null) return;
      const digits = String(Math.round(share * 100));
      writeText(number, digits);
      write(pill, "width", String(PILL_WIDTH[digits.length - 1]));
      write(pill, "x", String(-(PILL_WIDTH[digits.length - 1] ?? 0) / 2));
      write(badge, "transform", badgePlace(square, state.squares[square] ?? 0, orientation));
    });
  }

  #build(orientation: Color): void {
    this.#orientation = orientation;
    this.#squares = Array.from({ length: SQUARES }, (_, square) => {
      const { row, column } = placeOf(square, orientation);
      const tint = svg("rect", { x: column * 100 + 2, y: row * 110 + 2, width: 96, height: 106, "fill-opacity": 0 });
      const number = svg("text", { y: 1 });
      const pill = svg("rect", { y: -19, height: 38, rx: 9 });
      const badge = svg("g", { visibility: "hidden" }, pill, number);
      return { tint, badge, pill, number };
    });
    this.below.replaceChildren(...this.#squares.map(({ tint }) => tint));
    this.above.replaceChildren(...this.#squares.map(({ badge }) => badge));
  }
}

/** A number stands in the middle of an empty square, else in the corner beside the piece's tip. */
function badgePlace(square: number, code: number, orientation: Color): string {
  const { row, column } = placeOf(square, orientation);
  if (!isPiece(code)) return `translate(${column * 100 + 50} ${row * 110 + 55})`;
  const upright = colorOf(code) === orientation;
  return `translate(${column * 100 + 25} ${row * 110 + (upright ? 20 : 90)})`;
}

/** The scale of the tints, each with its share. */
function legend(title: HTMLSpanElement): HTMLDivElement {
  title.className = "title";
  const steps = SCALE.map((share) => {
    const swatch = svg("svg", { viewBox: "0 0 10 10", "aria-hidden": "true" }, svg("rect", { width: 10, height: 10, "fill-opacity": opacityOf(share) }));
    const text = document.createElement("span");
    text.textContent = words.percent(share * 100);
    return div("step", {}, swatch, text);
  });
  return div("legend", { hidden: "" }, title, ...steps);
}
