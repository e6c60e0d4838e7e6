/**
 * Arrows of candidate moves, and the user's own arrows and circles.
 *
 * No arrow hides a piece: its body lies below the pieces and only its outline above them. A drop is a small piece in a ring
 * on its square.
 */

import { type Color, SQUARES, centreOf, ends } from "./geometry";
import { pieceCode, pieceUse } from "./pieces";
import type { Arrow, Scene, Shape } from "./state";
import { svg } from "./svg";

type Point = readonly [x: number, y: number];

/** Least distance of two labels. */
const LABEL_ROOM = 36;

/** Offsets of drops that share a square, and their scale, by how many there are. */
const DROP_PLACES: readonly (readonly Point[])[] = [
  [[0, 0]],
  [[-24, 0], [24, 0]],
  [[-24, -26], [24, -26], [0, 26]],
  [[-24, -26], [24, -26], [-24, 26], [24, 26]],
];
const DROP_SCALES = [0.62, 0.42, 0.42, 0.42];

/** Attributes of an arrow from one point to another that stops a little before the latter's centre. */
function arrowPath([x1, y1]: Point, [x2, y2]: Point, width: number): Record<string, string> {
  const length = Math.hypot(x2 - x1, y2 - y1);
  const angle = (Math.atan2(y2 - y1, x2 - x1) * 180) / Math.PI;
  const [shaft, half] = [length - 16 - width * 1.6, width / 2];
  return {
    transform: `translate(${x1} ${y1}) rotate(${angle.toFixed(2)})`,
    d: `M12 ${-half}H${shaft.toFixed(1)}V${(-width * 1.3).toFixed(1)}L${(length - 12).toFixed(1)} 0L${shaft.toFixed(1)} ${(width * 1.3).toFixed(1)}V${half}H12Z`,
  };
}

export class Arrows {
  /** Bodies, below the pieces. */
  readonly below = svg("g", { class: "arrows" });
  /** Outlines, above the pieces. */
  readonly above = svg("g", { class: "arrows" });
  /** Labels and drops, above the numbers of the heat map. */
  readonly labels = svg("g", { class: "arrows" });
  #drawn = "";

  draw({ arrows, orientation, state }: Scene): void {
    const key = JSON.stringify([arrows, orientation, state.turn]);
    if (key === this.#drawn) return;
    this.#drawn = key;
    const bodies: SVGElement[] = [];
    const outlines: SVGElement[] = [];
    const labels: SVGElement[] = [];
    const taken: Point[] = [];
    const drops = new Map<number, Arrow[]>();
    for (const arrow of arrows) {
      const { from, to } = ends(arrow.usi);
      if (from >= SQUARES) drops.set(to, [...(drops.get(to) ?? []), arrow]);
    }
    // The heaviest comes first and lies on top.
    for (const arrow of [...arrows].reverse()) {
      const { from, to } = ends(arrow.usi);
      if (from >= SQUARES) continue;
      const [tail, head] = [centreOf(from, orientation), centreOf(to, orientation)];
      const width = 6 + 14 * arrow.weight;
      const path = arrowPath(tail, head, width);
      bodies.push(svg("path", { class: "arrow", opacity: (0.4 + 0.5 * arrow.weight).toFixed(2), ...path }));
      outlines.push(svg("path", { class: "outline", ...path }));
    }
    for (const arrow of arrows) {
      const { from, to } = ends(arrow.usi);
      const text = labelText(arrow);
      if (from >= SQUARES || text === "") continue;
      const place = labelPlace(centreOf(from, orientation), centreOf(to, orientation), taken);
      taken.push(place);
      labels.push(label(place, text));
    }
    for (const [to, onSquare] of drops) labels.push(...dropMarks(onSquare, centreOf(to, orientation), state.turn, orientation));
    this.below.replaceChildren(...bodies);
    this.above.replaceChildren(...outlines);
    this.labels.replaceChildren(...labels);
  }
}

/** Label of an arrow: its number or share, and `+` for a promotion. */
const labelText = ({ usi, label: text = "" }: Arrow): string => `${text}${usi.endsWith("+") ? "+" : ""}`;

/**
 * A place on the arrow that no other label has: where it crosses from square to square, as near to its point as possible,
 * so that numbers in the squares stay free; beside the arrow if all are taken.
 */
function labelPlace([x1, y1]: Point, [x2, y2]: Point, taken: readonly Point[]): Point {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const squares = Math.round(Math.max(Math.abs(dx) / 100, Math.abs(dy) / 110));
  const [aside, length] = [LABEL_ROOM, Math.hypot(dx, dy)];
  const crossings = Array.from({ length: squares }, (_, index): Point => {
    const share = (squares - index - 0.5) / squares;
    return [x1 + share * dx, y1 + share * dy];
  });
  const places = [0, aside, -aside, 2 * aside, -2 * aside].flatMap((shift) =>
    crossings.map(([x, y]): Point => [x - (shift * dy) / length, y + (shift * dx) / length]));
  const free = places.find(([x, y]) => taken.every(([u, v]) => Math.hypot(u - x, v - y) >= LABEL_ROOM));
  return free ?? places[0] ?? [x2, y2];
}

/** Short text on a pill. */
function label([x, y]: Point, text: string): SVGElement {
  const width = 20 + 14 * text.length;
  const words = svg("text", { y: 1 });
  words.textContent = text;
  return svg("g", { class: "label", transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})` },
    svg("rect", { x: -width / 2, y: -16, width, height: 32, rx: 16 }),
    words);
}

function dropMarks(drops: readonly Arrow[], [x, y]: Point, turn: Color, orientation: Color): SVGElement[] {
  const shown = drops.slice(0, DROP_PLACES.length);
  const places = DROP_PLACES[shown.length - 1] ?? [];
  const scale = DROP_SCALES[shown.length - 1] ?? 1;
  return shown.map((arrow, index) => {
    const [dx, dy] = places[index] ?? [0, 0];
    const mark = svg("g", { class: "drop", transform: `translate(${x + dx} ${y + dy})` },
      svg("circle", { class: "ring", r: 60 * scale, "stroke-width": (3 + 8 * arrow.weight) * Math.min(1, scale * 1.6) }),
      svg("g", { transform: `scale(${scale})` }, pieceUse(pieceCode(ends(arrow.usi).from - SQUARES, turn), turn === orientation)));
    const text = labelText(arrow);
    if (text !== "") mark.append(label([0, 50 * scale + 8], text));
    return mark;
  });
}

/** Arrows and circles that the user drew with the right button, and the line of a threat. */
export class Drawings {
  readonly element = svg("g", { class: "drawings" });
  #drawn = "";

  draw({ shapes, threat, orientation }: Scene): void {
    const key = JSON.stringify([shapes, threat, orientation]);
    if (key === this.#drawn) return;
    this.#drawn = key;
    this.element.replaceChildren(svg("g", { class: "shapes" }, ...shapes.map((shape) => drawn(shape, orientation, 13))));
    if (threat === null) return;
    // A new element each time, so that it fades anew.
    const king = drawn({ from: threat.to, to: threat.to }, orientation, 0);
    const line = threat.from === threat.to ? [] : [drawn(threat, orientation, 12)];
    this.element.append(svg("g", { class: "threat" }, king, ...line));
  }
}

/** A drawn arrow, or a circle around one square. */
function drawn({ from, to }: Shape, orientation: Color, width: number): SVGElement {
  const [cx, cy] = centreOf(to, orientation);
  return from === to
    ? svg("ellipse", { class: "drawn", cx, cy, rx: 45, ry: 50 })
    : svg("path", { class: "drawn", ...arrowPath(centreOf(from, orientation), [cx, cy], width) });
}
