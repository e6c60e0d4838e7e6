/** Marks on squares: below the pieces the last move, the selection and the check; above them the legal targets. */

import { type Color, SQUARES, centreOf, ends, placeOf } from "./geometry";
import { write } from "./dom";
import { isPiece } from "./pieces";
import type { Scene } from "./state";
import { svg } from "./svg";

const square = (className: string): SVGElement => svg("rect", { class: className, width: 100, height: 110 });

/** Moves a mark to a square, or hides it. */
function put(element: Element, at: number | null | undefined, orientation: Color): void {
  const shown = at !== null && at !== undefined && at < SQUARES;
  write(element, "visibility", shown ? null : "hidden");
  if (!shown) return;
  const { row, column } = placeOf(at, orientation);
  write(element, "transform", `translate(${column * 100} ${row * 110})`);
}

export class Marks {
  readonly #from = square("last from");
  readonly #to = svg("g", {},
    square("last"),
    svg("path", { class: "corners", d: "M4 24V4H24M96 24V4H76M4 86V106H24M96 86V106H76" }));
  readonly #selected = square("selected");
  readonly #hovered = square("hovered");
  readonly #check = svg("ellipse", { class: "check", cx: 50, cy: 55, rx: 46, ry: 51 });
  readonly element = svg("g", { class: "marks" }, this.#from, this.#to, this.#selected, this.#hovered, this.#check);

  draw({ state, selected, picked, hovered, orientation }: Pick<Scene, "state" | "selected" | "picked" | "hovered" | "orientation">): void {
    const move = state.last === undefined ? null : ends(state.last);
    put(this.#from, move?.from, orientation);
    put(this.#to, move?.to, orientation);
    put(this.#selected, picked?.on === "square" ? picked.square : selected, orientation);
    put(this.#hovered, hovered, orientation);
    put(this.#check, state.check, orientation);
  }
}

export class Targets {
  readonly element = svg("g", { class: "targets" });
  #drawn: Uint8Array | null = null;

  draw({ state, targets, orientation }: Scene): void {
    if (targets === this.#drawn) return;
    this.#drawn = targets;
    const marks: SVGElement[] = [];
    targets?.forEach((target, at) => {
      if (target === 0) return;
      const [cx, cy] = centreOf(at, orientation);
      marks.push(
        isPiece(state.squares[at] ?? 0)
          ? svg("ellipse", { class: "target take", cx, cy, rx: 45, ry: 50 })
          : svg("circle", { class: "target", cx, cy, r: 14 }),
      );
    });
    this.element.replaceChildren(...marks);
  }
}
