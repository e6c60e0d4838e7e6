/** Pieces on the field. The elements of pieces that stay are moved, so that a style transition shows the move. */

import { type Color, SQUARES, centreOf, ends } from "./geometry";
import { colorOf, pieceUse } from "./pieces";
import type { Scene } from "./state";
import { svg } from "./svg";

interface Piece {
  code: number;
  element: SVGGElement;
}

export class PieceLayer {
  readonly element = svg("g", { class: "pieces" });
  #pieces = new Map<number, Piece>();
  #orientation: Color = 0;
  #lifted: SVGGElement | null = null;

  draw({ state, orientation, lifted }: Pick<Scene, "state" | "orientation" | "lifted">): void {
    if (orientation !== this.#orientation) {
      this.#orientation = orientation;
      this.#pieces.clear();
      this.element.replaceChildren();
    }
    this.#move(state.squares, state.last);
    const up = lifted?.spot.on === "square" ? (this.#pieces.get(lifted.spot.square)?.element ?? null) : null;
    if (up === this.#lifted) return;
    if (this.#lifted) putDown(this.#lifted);
    up?.classList.add("lifted");
    this.#lifted = up;
  }

  #move(squares: Uint8Array, last: string | undefined): void {
    const leaving = new Map<number, Piece>();
    const come: number[] = [];
    for (let square = 0; square < SQUARES; square++) {
      const code = squares[square] ?? 0;
      const piece = this.#pieces.get(square);
      if ((piece?.code ?? 0) === code) continue;
      if (piece) leaving.set(square, piece);
      if (code !== 0) come.push(square);
    }
    for (const square of leaving.keys()) this.#pieces.delete(square);
    const moved = last === undefined ? null : ends(last);
    for (const square of come) {
      const code = squares[square] ?? 0;
      const from = [...leaving].find(
        ([origin, piece]) =>
          colorOf(piece.code) === colorOf(code) &&
          (piece.code === code || (moved !== null && moved.to === square && moved.from === origin)),
      );
      const piece = from?.[1] ?? { code: 0, element: svg("g", { class: "piece" }) };
      if (from) leaving.delete(from[0]);
      if (piece.code !== code) {
        piece.code = code;
        piece.element.replaceChildren(pieceUse(code, colorOf(code) === this.#orientation));
      }
      const [x, y] = centreOf(square, this.#orientation);
      piece.element.style.transform = `translate(${x}px, ${y}px)`;
      // Only new elements are inserted: one that is moved within the document loses its transition.
      if (!from) this.element.append(piece.element);
      this.#pieces.set(square, piece);
    }
    for (const piece of leaving.values()) piece.element.remove();
  }
}

/** Lets a dragged piece appear where it was put down: for two frames its place changes without a transition. */
function putDown(piece: SVGGElement): void {
  piece.classList.replace("lifted", "placed");
  requestAnimationFrame(() => requestAnimationFrame(() => piece.classList.remove("placed")));
}
