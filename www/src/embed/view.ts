/**
 * View of a position: board, hands, and the squares' names for screen readers. It is drawn by the same parts as the board of the pages,
 * without those for playing; nothing in it is played.
 */

import { div, write, writeText } from "../board/dom";
import { type Color, HAND_KINDS, fileOf, rankOf, squareAt } from "../board/geometry";
import { Marks } from "../board/marks";
import { PieceLayer } from "../board/piece-layer";
import { colorOf, definitions, isPiece, kindOf, pieceCode, pieceIcon } from "../board/pieces";
import type { PieceSet } from "../board/piece-set";
import css from "../board/shogi-board.css?inline";
import type { BoardState } from "../board/state";
import { svg } from "../board/svg";
import { HEIGHT, MARGIN, WIDTH, gradients, lines, wood } from "../board/theme";
import { element, sheet } from "./dom";
import type { EmbedWords } from "../words/embed/english";

export interface Look {
  orientation: Color;
  pieceSet: PieceSet;
  words: EmbedWords;
}

/** Style of the board, for the shadow root in which the view stands. */
export const boardSheet = sheet(css);

/** Order in which a hand shows its kinds: R B G S N L P. */
const ORDER = [6, 5, 4, 3, 2, 1, 0];

export class PositionView {
  readonly element: HTMLElement;
  readonly #defs = svg("defs");
  readonly #coordinates = svg("g", { class: "coordinates", "aria-hidden": "true" });
  readonly #marks = new Marks();
  readonly #pieces = new PieceLayer();
  readonly #grid = div("grid", { role: "grid" });
  readonly #cells: HTMLElement[] = [];
  readonly #hands = [div("stand far", { role: "img" }), div("stand near", { role: "img" })] as const;
  #drawnSet: PieceSet | null = null;
  #drawnCoordinates = "";
  /** The cell that holds the grid's one tab stop, by row and column. */
  #stop = 40;

  constructor() {
    const surface = svg("svg", { class: "surface", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" },
      this.#defs, ...wood(), lines(), this.#coordinates,
      svg("g", { transform: `translate(${MARGIN} ${MARGIN})` }, this.#marks.element, this.#pieces.element));
    for (let row = 0; row < 9; row++) {
      const line = div("row", { role: "row" });
      for (let column = 0; column < 9; column++) {
        const cell = div("cell", { role: "gridcell", tabindex: "-1" });
        this.#cells.push(cell);
        line.append(cell);
      }
      this.#grid.append(line);
    }
    this.#stopAt(this.#stop);
    this.#grid.addEventListener("keydown", (event) => this.#onKey(event));
    this.#grid.addEventListener("focusin", (event) => {
      const index = this.#cells.indexOf(event.target as HTMLElement);
      if (index >= 0) this.#stopAt(index);
    });
    this.element = div("table", {}, this.#hands[0], div("board", {}, surface, this.#grid), this.#hands[1]);
  }

  draw(state: BoardState, look: Look): void {
    const { orientation, pieceSet, words } = look;
    if (pieceSet !== this.#drawnSet) {
      this.#drawnSet = pieceSet;
      this.#defs.replaceChildren(...gradients(), ...definitions(pieceSet));
      this.#fillHands();
    }
    this.#drawCoordinates(look);
    this.#pieces.draw({ state, orientation, lifted: null });
    this.#marks.draw({ state, orientation, selected: null, picked: null, hovered: null });
    write(this.#grid, "aria-label", words.board);
    this.#cells.forEach((cell, index) => {
      const square = squareAt(Math.floor(index / 9), index % 9, orientation);
      const code = state.squares[square] ?? 0;
      const parts = [words.square(fileOf(square), rankOf(square))];
      if (isPiece(code)) parts.push(words.piece(words.sides[colorOf(code)] ?? "", words.kinds[kindOf(code)] ?? ""));
      if (state.check === square) parts.push(words.inCheck);
      write(cell, "aria-label", parts.join(words.comma));
    });
    this.#hands.forEach((hand, place) => {
      const color = place === 1 ? orientation : 1 - orientation;
      const counts = ORDER.map((kind) => state.hands[color * HAND_KINDS + kind] ?? 0);
      const held = ORDER.flatMap((kind, index) => {
        const count = counts[index] ?? 0;
        return count > 0 ? [words.count(words.kinds[kind] ?? "", count)] : [];
      });
      write(hand, "aria-label", words.hand(words.sides[color] ?? "", held));
      for (const slot of hand.children) {
        const count = state.hands[color * HAND_KINDS + Number((slot as HTMLElement).dataset["kind"])] ?? 0;
        slot.classList.toggle("empty", count === 0);
        if (slot.lastElementChild) writeText(slot.lastElementChild, count > 1 ? String(count) : "");
      }
    });
  }

  #fillHands(): void {
    this.#hands.forEach((hand, place) => {
      const order = place === 0 ? [...ORDER].reverse() : ORDER;
      hand.replaceChildren(...order.map((kind) => {
        const slot = div(kind === 0 ? "slot pawns" : "slot");
        slot.dataset["kind"] = String(kind);
        slot.append(pieceIcon(pieceCode(kind, 0), place === 1), element("span", "count"));
        return slot;
      }));
    });
  }

  /** Files in digits, ranks in kanji beside kanji pieces and in letters otherwise, both as text: a page's fonts have them. */
  #drawCoordinates({ orientation, pieceSet }: Look): void {
    const drawn = `${pieceSet} ${orientation}`;
    if (drawn === this.#drawnCoordinates) return;
    this.#drawnCoordinates = drawn;
    const ranks = pieceSet === "international" ? "abcdefghi" : "一二三四五六七八九";
    const text = (content: string, x: number, y: number): SVGElement => {
      const made = svg("text", { x, y });
      made.textContent = content;
      return made;
    };
    const marks: SVGElement[] = [];
    for (let i = 0; i < 9; i++) {
      const square = squareAt(i, i, orientation);
      marks.push(
        text(String(fileOf(square)), MARGIN + i * 100 + 50, MARGIN - 10),
        text(ranks[rankOf(square) - 1] ?? "", WIDTH - MARGIN / 2, MARGIN + i * 110 + 62),
      );
    }
    this.#coordinates.replaceChildren(...marks);
  }

  #stopAt(index: number): void {
    this.#stop = index;
    this.#cells.forEach((cell, at) => write(cell, "tabindex", at === index ? "0" : "-1"));
  }

  /** Arrow keys, Home and End move over the squares, as far as the edge. */
  #onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const steps: Record<string, readonly [rows: number, columns: number]> = {
      ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -9], End: [0, 9], PageUp: [-9, 0], PageDown: [9, 0],
    };
    const step = steps[event.key];
    if (!step) return;
    const clamp = (value: number): number => Math.max(0, Math.min(8, value));
    this.#cells[clamp(Math.floor(this.#stop / 9) + step[0]) * 9 + clamp((this.#stop % 9) + step[1])]?.focus();
    event.preventDefault();
    event.stopPropagation();
  }
}
