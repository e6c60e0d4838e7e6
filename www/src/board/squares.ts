/** The grid of squares that the pointer, the keyboard and a screen reader use: one element a square, with its name. */

import { boardWords as words } from "../words/board";
import { div, write } from "./dom";
import { type Color, SQUARES, placeOf, squareAt, squareName } from "./geometry";
import { shareText } from "./heat";
import { colorOf, isPiece, kindOf } from "./pieces";
import type { Scene } from "./state";

export class Squares {
  readonly element = div("grid", { role: "grid", "aria-label": words.board });
  /** Cells by row and column, from the top left. */
  readonly #cells: HTMLDivElement[] = [];
  /** What each cell shows, by which a step of a game finds the few that change. */
  readonly #shown: string[] = [];
  #orientation: Color = 0;
  /** The square that holds the grid's one tab stop: at first 7g, whose pawn is most often the first to move. */
  #focused = 60;

  constructor() {
    for (let row = 0; row < 9; row++) {
      const line = div("row", { role: "row" });
      for (let column = 0; column < 9; column++) {
        const cell = div("cell", { role: "gridcell", tabindex: "-1", "aria-selected": "false" });
        cell.addEventListener("focus", () => this.#moveTabStop(cell));
        this.#cells.push(cell);
        line.append(cell);
      }
      this.element.append(line);
    }
    this.#name();
  }

  draw(scene: Scene): void {
    if (scene.orientation !== this.#orientation) this.#turn(scene.orientation);
    this.#cells.forEach((cell, index) => {
      const square = this.#square(index);
      const shows = shown(scene, square);
      if (shows === this.#shown[index]) return;
      this.#shown[index] = shows;
      write(cell, "aria-label", label(scene, square));
      write(cell, "aria-selected", String(scene.isChosen({ on: "square", square })));
      cell.classList.toggle("movable", scene.editing ? isPiece(scene.state.squares[square] ?? 0) : scene.origins.has(square));
      cell.classList.toggle("legal", (scene.targets?.[square] ?? 0) > 0);
    });
  }

  /** The square of a cell or of something in it; null elsewhere. */
  squareOf(element: Element): number | null {
    const index = this.#cells.indexOf(element as HTMLDivElement);
    return index < 0 ? null : this.#square(index);
  }

  /** Puts the keyboard focus on the grid. */
  focus(): void {
    this.#cellOf(this.#focused)?.focus();
  }

  /** Moves the focus by rows and columns, as far as the edge. */
  step(rows: number, columns: number): void {
    const clamp = (value: number): number => Math.max(0, Math.min(8, value));
    const { row, column } = placeOf(this.#focused, this.#orientation);
    this.#cells[clamp(row + rows) * 9 + clamp(column + columns)]?.focus();
  }

  #square(index: number): number {
    return squareAt(Math.floor(index / 9), index % 9, this.#orientation);
  }

  #cellOf(square: number): HTMLDivElement | undefined {
    const { row, column } = placeOf(square, this.#orientation);
    return this.#cells[row * 9 + column];
  }

  #name(): void {
    this.#shown.length = 0;
    this.#cells.forEach((cell, index) => {
      cell.dataset["square"] = squareName(this.#square(index));
    });
    const stop = this.#cellOf(this.#focused);
    if (stop) this.#moveTabStop(stop);
  }

  /** Turns the board. A focus that is on the grid stays on its square; otherwise the tab stop stays near the user. */
  #turn(orientation: Color): void {
    const inside = this.#cells.some((cell) => cell.matches(":focus"));
    this.#orientation = orientation;
    if (!inside) this.#focused = SQUARES - 1 - this.#focused;
    this.#name();
    if (inside) this.focus();
  }

  #moveTabStop(cell: HTMLDivElement): void {
    for (const other of this.#cells) write(other, "tabindex", other === cell ? "0" : "-1");
    this.#focused = this.squareOf(cell) ?? this.#focused;
  }
}

/** Everything that a cell's names and classes follow from, in short. */
function shown(scene: Scene, square: number): string {
  const { state, targets, origins, heat, editing } = scene;
  const code = state.squares[square] ?? 0;
  const flags =
    (state.check === square ? 1 : 0) +
    (scene.isChosen({ on: "square", square }) ? 2 : 0) +
    ((targets?.[square] ?? 0) > 0 ? 4 : 0) +
    (origins.has(square) ? 8 : 0) +
    (editing ? 16 : 0);
  return heat === null ? `${code} ${flags}` : `${code} ${flags} ${heat.of} ${shareText(heat.shares[square] ?? 0)}`;
}

/** What a screen reader says of a square: its name, its piece, and what the user can do there. */
function label(scene: Scene, square: number): string {
  const { state, targets, origins, heat, editing } = scene;
  const code = state.squares[square] ?? 0;
  const parts = [words.square(square)];
  if (isPiece(code)) parts.push(words.piece(words.sides[colorOf(code)], kindOf(code)));
  if (state.check === square) parts.push(words.inCheck);
  if (scene.isChosen({ on: "square", square })) parts.push(words.selected);
  else if ((targets?.[square] ?? 0) > 0) parts.push(isPiece(code) ? words.canBeCaptured : words.legalMove);
  else if (origins.has(square) && !editing) parts.push(words.canMove);
  const share = heat === null ? null : shareText(heat.shares[square] ?? 0);
  if (heat !== null && share !== null) parts.push(words.share(share, heat.of));
  return words.parts(parts);
}
