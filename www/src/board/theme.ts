/** Look of the board below the pieces: wood, lines and coordinates. */

import { type Color, squareAt } from "./geometry";
import { EM, outlineOf } from "./glyphs";
import type { PieceSet } from "./piece-set";
import { svg } from "./svg";

/** Room around the field of 900 × 990, for the coordinates. */
export const MARGIN = 36;
export const WIDTH = 900 + 2 * MARGIN;
export const HEIGHT = 990 + 2 * MARGIN;

/** Colour runs of the wood and of the pieces' faces; their colours are in the style sheet. */
export function gradients(): SVGElement[] {
  const gradient = (id: string, stops: readonly string[], attributes: Record<string, number>): SVGElement =>
    svg("linearGradient", { id, ...attributes },
      ...stops.map((name, index) => svg("stop", { class: name, offset: index / (stops.length - 1) })));
  return [
    gradient("wood", ["wood-1", "wood-2", "wood-1", "wood-3"], { x1: 0, y1: 0, x2: 1, y2: 0.25 }),
    gradient("face", ["face-1", "face-2"], { x1: 0, y1: 0, x2: 0.3, y2: 1 }),
  ];
}

/** The board's wood with its long straight grain; the waves come from fixed numbers, so that it never flickers. */
export function wood(): SVGElement[] {
  const grain: SVGElement[] = [];
  for (let i = 0; i < 26; i++) {
    const x = (i + 0.5) * (WIDTH / 26) + 13 * Math.sin(i * 2.4);
    const bend = 9 * Math.sin(i * 1.7 + 1);
    grain.push(
      svg("path", {
        class: "grain",
        d: `M${x.toFixed(0)} 0C${(x + bend).toFixed(0)} ${HEIGHT / 3} ${(x - bend).toFixed(0)} ${HEIGHT / 1.6} ${(x + bend / 2).toFixed(0)} ${HEIGHT}`,
        "stroke-width": (1.5 + 2.5 * Math.abs(Math.sin(i * 3.1))).toFixed(1),
      }),
    );
  }
  return [svg("rect", { class: "wood", width: WIDTH, height: HEIGHT, rx: 8 }), ...grain];
}

export function lines(): SVGElement {
  let path = "";
  for (let i = 1; i < 9; i++) path += `M${MARGIN + i * 100} ${MARGIN}v990M${MARGIN} ${MARGIN + i * 110}h900`;
  const stars = [3, 6].flatMap((column) =>
    [3, 6].map((row) => svg("circle", { cx: MARGIN + column * 100, cy: MARGIN + row * 110, r: 6 })),
  );
  return svg("g", { class: "lines" },
    svg("path", { d: path }),
    svg("rect", { class: "frame", x: MARGIN, y: MARGIN, width: 900, height: 990 }),
    ...stars);
}

/** Files in digits at the top; ranks at the right, in kanji beside kanji pieces and in letters otherwise. */
export function coordinates(orientation: Color, set: PieceSet): SVGElement[] {
  const marks: SVGElement[] = [];
  for (let i = 0; i < 9; i++) {
    const square = squareAt(i, i, orientation);
    const file = svg("text", { x: MARGIN + i * 100 + 50, y: MARGIN - 10 });
    file.textContent = String(Math.floor(square / 9) + 1);
    const [x, y] = [WIDTH - MARGIN / 2 + 1, MARGIN + i * 110 + 55];
    const rank = svg("text", { x, y: y + 7 });
    rank.textContent = "abcdefghi"[square % 9] ?? "";
    const kanji = svg("path", {
      d: outlineOf("一二三四五六七八九"[square % 9] ?? ""),
      transform: `translate(${x} ${y}) scale(${24 / EM})`,
    });
    marks.push(file, set === "international" ? rank : kanji);
  }
  return marks;
}
