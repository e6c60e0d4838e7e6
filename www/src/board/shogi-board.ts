/**
 * `<shogi-board>`: an SVG board with hands that can be clicked, dragged on and played by keyboard.
 *
 * It knows no rule. The page gives it a state to draw and, where the user may move, a `Rules` object that answers which
 * origins and targets are legal; it answers with a `board-move` event whose detail is the move in USI.
 */

import { type Color, type Origin, SQUARES, ends, placeOf, squareAt, squareName, usi } from "./geometry";
import { OUTLINES } from "./outlines";
import { type PieceSet, colorOf, definitions, isPiece, kindName, kindOf, pieceCode, pieceUses, promotedKind } from "./pieces";
import css from "./shogi-board.css?inline";
import { svg } from "./svg";

/** What is drawn: piece codes a square (see pieces.ts), counts P L N S G B R of Black's hand and then of White's. */
export interface BoardState {
  squares: Uint8Array;
  hands: Uint8Array;
  turn: Color;
  /** The last move in USI. */
  last?: string | undefined;
  /** The square of the king in check. */
  check?: number | undefined;
}

/** Legal moves, asked for while the user chooses one. */
export interface Rules {
  /** Squares and hand pieces that have a legal move. */
  origins(): Uint8Array;
  /** 81 entries: 0 no move, 1 plain, 2 promoting only, 3 either. */
  targets(origin: Origin): Uint8Array;
}

/** A move drawn as an arrow; `weight` in 0..1 is its width. */
export interface Arrow {
  usi: string;
  weight: number;
}

export interface MoveEvent extends CustomEvent<{ usi: string }> {}

const MARGIN = 36;
const WIDTH = 900 + 2 * MARGIN;
const HEIGHT = 990 + 2 * MARGIN;
const DRAG_THRESHOLD = { mouse: 4, touch: 8 };
const NAMES = ["Black", "White"] as const;
/** The order in which a hand shows its kinds: R B G S N L P. */
const HAND_ORDER = [6, 5, 4, 3, 2, 1, 0];

interface Piece {
  code: number;
  element: SVGGElement;
}

interface Drag {
  origin: Origin;
  pointer: number;
  start: readonly [number, number];
  wasSelected: boolean;
  lifted: boolean;
}

const sheet = new CSSStyleSheet();
sheet.replaceSync(css);

function div(className: string, attributes: Record<string, string> = {}): HTMLDivElement {
  const element = document.createElement("div");
  element.className = className;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

export class ShogiBoard extends HTMLElement {
  #state: BoardState = { squares: new Uint8Array(SQUARES), hands: new Uint8Array(14), turn: 0 };
  #rules: Rules | null = null;
  #orientation: Color = 0;
  #pieceSet: PieceSet = "kanji";
  #arrows: readonly Arrow[] = [];

  #selected: Origin | null = null;
  #targets: Uint8Array | null = null;
  #focus = { row: 6, column: 2 };
  #drag: Drag | null = null;
  #pieces = new Map<number, Piece>();

  readonly #root: ShadowRoot;
  readonly #defs = svg("defs");
  readonly #coordinates = svg("g", { class: "coordinates", "aria-hidden": "true" });
  readonly #marks = svg("g", { class: "marks" });
  readonly #pieceLayer = svg("g", { class: "pieces" });
  readonly #overlay = svg("g", { class: "overlay" });
  readonly #ghost = svg("svg", { class: "ghost", viewBox: "-50 -55 100 110", "aria-hidden": "true" });
  readonly #board = div("board");
  readonly #grid = div("grid", { role: "grid", "aria-label": "Shogi board" });
  readonly #choice = div("choice", { role: "dialog", "aria-label": "Promote?", hidden: "" });
  readonly #stands = [div("stand far", { role: "group" }), div("stand near", { role: "group" })] as const;
  readonly #cells: HTMLDivElement[] = [];
  readonly #slots: HTMLButtonElement[][] = [];

  constructor() {
    super();
    this.#root = this.attachShadow({ mode: "open" });
    this.#root.adoptedStyleSheets = [sheet];
    const surface = svg("svg", { class: "surface", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" });
    surface.append(this.#defs, ...wood(), lines(), this.#coordinates);
    const field = svg("g", { transform: `translate(${MARGIN} ${MARGIN})` }, this.#marks, this.#pieceLayer, this.#overlay);
    surface.append(field);
    this.#buildGrid();
    this.#buildStands();
    this.#board.append(surface, this.#grid, this.#choice);
    const table = div("table");
    table.append(this.#stands[0], this.#board, this.#stands[1], this.#ghost);
    this.#root.append(table);
    this.#redrawSet();
    table.addEventListener("pointermove", (event) => this.#onPointerMove(event));
    table.addEventListener("pointerup", (event) => this.#onPointerUp(event));
    table.addEventListener("pointercancel", () => this.#endDrag());
    table.addEventListener("keydown", (event) => this.#onKey(event));
  }

  get state(): BoardState {
    return this.#state;
  }

  set state(state: BoardState) {
    this.#state = state;
    this.#clear();
    this.#render();
  }

  /** The rules while the user may move; null makes the board read-only. */
  set rules(rules: Rules | null) {
    this.#rules = rules;
    this.#clear();
    this.#render();
  }

  get orientation(): Color {
    return this.#orientation;
  }

  set orientation(orientation: Color) {
    this.#orientation = orientation;
    this.#clear();
    for (const piece of this.#pieces.values()) piece.element.remove();
    this.#pieces.clear();
    this.#redrawSet();
  }

  get pieceSet(): PieceSet {
    return this.#pieceSet;
  }

  set pieceSet(set: PieceSet) {
    this.#pieceSet = set;
    this.#redrawSet();
  }

  set arrows(arrows: readonly Arrow[]) {
    this.#arrows = arrows;
    this.#drawOverlay();
  }

  /** Puts the keyboard focus on the board. */
  override focus(): void {
    this.#cellAt(this.#focus.row, this.#focus.column)?.focus();
  }

  // --- building -------------------------------------------------------------------------------------------------

  #buildGrid(): void {
    for (let row = 0; row < 9; row++) {
      const line = div("row", { role: "row" });
      for (let column = 0; column < 9; column++) {
        const cell = div("cell", { role: "gridcell", tabindex: "-1" });
        cell.addEventListener("pointerdown", (event) => this.#onPointerDown(event, this.#squareOf(cell)));
        cell.addEventListener("click", () => this.#activate(this.#squareOf(cell)));
        cell.addEventListener("focus", () => this.#moveFocus(row, column));
        this.#cells.push(cell);
        line.append(cell);
      }
      this.#grid.append(line);
    }
  }

  #buildStands(): void {
    this.#stands.forEach((stand, place) => {
      const order = place === 0 ? [...HAND_ORDER].reverse() : HAND_ORDER;
      this.#slots.push(
        order.map((kind) => {
          const slot = document.createElement("button");
          slot.type = "button";
          slot.className = kind === 0 ? "slot pawns" : "slot";
          slot.dataset["kind"] = String(kind);
          slot.addEventListener("pointerdown", (event) => this.#onPointerDown(event, SQUARES + kind, place));
          slot.addEventListener("click", (event) => this.#onSlotClick(event, kind, place));
          return slot;
        }),
      );
      stand.append(...(this.#slots[place] ?? []));
    });
  }

  #redrawSet(): void {
    this.#defs.replaceChildren(...gradients(), ...definitions(this.#pieceSet));
    this.#drawCoordinates();
    this.#render();
  }

  #drawCoordinates(): void {
    const marks: Element[] = [];
    for (let i = 0; i < 9; i++) {
      const square = squareAt(i, i, this.#orientation);
      const file = svg("text", { x: MARGIN + i * 100 + 50, y: MARGIN - 10 });
      file.textContent = String(Math.floor(square / 9) + 1);
      const [x, y] = [WIDTH - MARGIN / 2 + 1, MARGIN + i * 110 + 55];
      const rank = svg("text", { x, y: y + 7 });
      rank.textContent = "abcdefghi"[square % 9] ?? "";
      const kanji = svg("path", {
        d: OUTLINES["一二三四五六七八九"[square % 9] ?? ""] ?? "",
        transform: `translate(${x} ${y}) scale(0.024)`,
      });
      marks.push(file, this.#pieceSet === "kanji" ? kanji : rank);
    }
    this.#coordinates.replaceChildren(...marks);
  }

  // --- drawing --------------------------------------------------------------------------------------------------

  #render(): void {
    this.#drawPieces();
    this.#drawMarks();
    this.#drawOverlay();
    this.#labelCells();
    this.#drawHands();
  }

  /** Moves the elements of pieces that stay, so that a style transition shows the move. */
  #drawPieces(): void {
    const { squares, last } = this.#state;
    const gone: number[] = [];
    const come: number[] = [];
    for (let square = 0; square < SQUARES; square++) {
      const code = squares[square] ?? 0;
      const piece = this.#pieces.get(square);
      if (piece?.code === code || (!piece && code === 0)) continue;
      if (piece) gone.push(square);
      if (code !== 0) come.push(square);
    }
    const leaving = new Map(gone.map((square) => [square, this.#pieces.get(square) as Piece]));
    for (const square of gone) this.#pieces.delete(square);
    const moved = last === undefined ? null : ends(last);
    for (const square of come) {
      const code = squares[square] ?? 0;
      const from = [...leaving].find(
        ([origin, piece]) =>
          colorOf(piece.code) === colorOf(code) &&
          (piece.code === code || (moved !== null && moved.to === square && moved.from === origin)),
      );
      let piece = from?.[1];
      if (from && piece) {
        leaving.delete(from[0]);
      } else {
        piece = { code: 0, element: svg("g", { class: "piece" }) };
      }
      if (piece === undefined) continue;
      if (piece.code !== code) {
        piece.code = code;
        piece.element.replaceChildren(...pieceUses(code, colorOf(code) === this.#orientation));
      }
      this.#place(piece.element, square);
      // The mover is drawn last, above what it passes.
      if (piece.element.parentNode !== this.#pieceLayer || from) this.#pieceLayer.append(piece.element);
      this.#pieces.set(square, piece);
    }
    for (const piece of leaving.values()) piece.element.remove();
  }

  #place(element: SVGElement, square: number): void {
    const { row, column } = placeOf(square, this.#orientation);
    element.style.transform = `translate(${column * 100 + 50}px, ${row * 110 + 55}px)`;
  }

  #rect(square: number, className: string): SVGElement {
    const { row, column } = placeOf(square, this.#orientation);
    return svg("rect", { class: className, x: column * 100, y: row * 110, width: 100, height: 110 });
  }

  #drawMarks(): void {
    const { last, check } = this.#state;
    const marks: Element[] = [];
    if (last !== undefined) {
      const { from, to } = ends(last);
      if (from < SQUARES) marks.push(this.#rect(from, "last from"));
      const { row, column } = placeOf(to, this.#orientation);
      const [x, y] = [column * 100, row * 110];
      const corner = (cx: number, cy: number, dx: number, dy: number): string =>
        `M${x + cx} ${y + cy + 20 * dy}V${y + cy}H${x + cx + 20 * dx}`;
      marks.push(
        this.#rect(to, "last"),
        svg("path", {
          class: "corners",
          d: corner(4, 4, 1, 1) + corner(96, 4, -1, 1) + corner(4, 106, 1, -1) + corner(96, 106, -1, -1),
        }),
      );
    }
    if (this.#selected !== null && this.#selected < SQUARES) marks.push(this.#rect(this.#selected, "selected"));
    if (check !== undefined) {
      const { row, column } = placeOf(check, this.#orientation);
      marks.push(svg("ellipse", { class: "check", cx: column * 100 + 50, cy: row * 110 + 55, rx: 46, ry: 51 }));
    }
    this.#marks.replaceChildren(...marks);
  }

  #drawOverlay(): void {
    const marks: Element[] = this.#arrows.map((arrow) => this.#arrow(arrow));
    this.#targets?.forEach((target, square) => {
      if (target === 0) return;
      const { row, column } = placeOf(square, this.#orientation);
      const [cx, cy] = [column * 100 + 50, row * 110 + 55];
      marks.push(
        isPiece(this.#state.squares[square] ?? 0)
          ? svg("ellipse", { class: "target take", cx, cy, rx: 45, ry: 50 })
          : svg("circle", { class: "target", cx, cy, r: 14 }),
      );
    });
    this.#overlay.replaceChildren(...marks);
  }

  #arrow({ usi: move, weight }: Arrow): SVGElement {
    const { from, to } = ends(move);
    const head = placeOf(to, this.#orientation);
    const [x2, y2] = [head.column * 100 + 50, head.row * 110 + 55];
    const width = 6 + 14 * weight;
    const opacity = (0.35 + 0.5 * weight).toFixed(2);
    if (from >= SQUARES) {
      return svg("circle", { class: "arrow drop", cx: x2, cy: y2, r: 40, "stroke-width": width * 0.7, opacity });
    }
    const tail = placeOf(from, this.#orientation);
    const [x1, y1] = [tail.column * 100 + 50, tail.row * 110 + 55];
    const length = Math.hypot(x2 - x1, y2 - y1);
    const angle = (Math.atan2(y2 - y1, x2 - x1) * 180) / Math.PI;
    const [shaft, half] = [length - 16 - width * 1.6, width / 2];
    return svg("path", {
      class: "arrow",
      opacity,
      transform: `translate(${x1} ${y1}) rotate(${angle.toFixed(2)})`,
      d: `M12 ${-half}H${shaft}V${-width * 1.3}L${length - 12} 0L${shaft} ${width * 1.3}V${half}H12Z`,
    });
  }

  #labelCells(): void {
    const origins = new Set(this.#rules?.origins() ?? []);
    this.#cells.forEach((cell, index) => {
      const [row, column] = [Math.floor(index / 9), index % 9];
      const square = squareAt(row, column, this.#orientation);
      const code = this.#state.squares[square] ?? 0;
      const target = this.#targets?.[square] ?? 0;
      const parts = [squareName(square)];
      if (isPiece(code)) parts.push(`${NAMES[colorOf(code)]} ${kindName(kindOf(code))}`);
      if (this.#state.check === square) parts.push("in check");
      if (this.#selected === square) parts.push("selected");
      else if (target > 0) parts.push(isPiece(code) ? "can be captured" : "legal move");
      else if (origins.has(square)) parts.push("can move");
      cell.dataset["square"] = squareName(square);
      cell.setAttribute("aria-label", parts.join(", "));
      cell.setAttribute("aria-selected", String(this.#selected === square));
      cell.classList.toggle("movable", origins.has(square));
      cell.classList.toggle("legal", target > 0);
      cell.tabIndex = row === this.#focus.row && column === this.#focus.column ? 0 : -1;
    });
  }

  #drawHands(): void {
    const origins = new Set(this.#rules?.origins() ?? []);
    this.#stands.forEach((stand, place) => {
      const color = this.#handColor(place);
      stand.setAttribute("aria-label", `${NAMES[color]}'s hand`);
      stand.dataset["color"] = NAMES[color].toLowerCase();
      for (const slot of this.#slots[place] ?? []) {
        const kind = Number(slot.dataset["kind"]);
        const count = this.#state.hands[color * 7 + kind] ?? 0;
        const playable = color === this.#state.turn && origins.has(SQUARES + kind);
        const selected = color === this.#state.turn && this.#selected === SQUARES + kind;
        slot.classList.toggle("empty", count === 0);
        slot.classList.toggle("movable", playable);
        slot.disabled = !playable;
        slot.setAttribute("aria-pressed", String(selected));
        slot.setAttribute("aria-label", count === 0 ? `no ${kindName(kind)}` : `${count} ${kindName(kind)}${count > 1 ? "s" : ""} in hand`);
        slot.toggleAttribute("aria-hidden", false);
        const picture = svg("svg", { viewBox: "-50 -55 100 110", "aria-hidden": "true" });
        picture.append(...pieceUses(pieceCode(kind, color), place === 1));
        const number = document.createElement("span");
        number.textContent = count > 1 ? String(count) : "";
        slot.replaceChildren(picture, number);
      }
    });
  }

  #handColor(place: number): Color {
    return place === 1 ? this.#orientation : ((1 - this.#orientation) as Color);
  }

  // --- choosing a move ------------------------------------------------------------------------------------------

  #clear(): void {
    this.#selected = null;
    this.#targets = null;
    this.#closeChoice();
    this.#endDrag();
  }

  #select(origin: Origin | null): void {
    this.#selected = origin;
    this.#targets = origin === null ? null : (this.#rules?.targets(origin) ?? null);
    this.#closeChoice();
    this.#render();
  }

  #isOrigin(origin: Origin): boolean {
    return this.#rules?.origins().includes(origin) ?? false;
  }

  /** A click or Enter on a square. */
  #activate(square: number): void {
    if (this.#drag) return;
    if (this.#targets && (this.#targets[square] ?? 0) > 0) this.#moveTo(square);
    else this.#select(this.#isOrigin(square) && this.#selected !== square ? square : null);
  }

  #onSlotClick(event: MouseEvent, kind: number, place: number): void {
    if (this.#drag || this.#handColor(place) !== this.#state.turn) return;
    const origin = SQUARES + kind;
    this.#select(this.#isOrigin(origin) && this.#selected !== origin ? origin : null);
    // After a click by keyboard the focus moves on to the board, for the target.
    if (event.detail === 0 && this.#selected !== null) this.focus();
  }

  #moveTo(to: number): void {
    const origin = this.#selected;
    const target = this.#targets?.[to] ?? 0;
    if (origin === null || target === 0) return;
    if (target === 3) this.#askPromotion(origin, to);
    else this.#play(usi(origin, to, target === 2));
  }

  #play(move: string): void {
    this.#select(null);
    this.dispatchEvent(new CustomEvent("board-move", { detail: { usi: move }, bubbles: true, composed: true }));
  }

  #askPromotion(origin: Origin, to: number): void {
    const code = this.#state.squares[origin] ?? 0;
    const { row, column } = placeOf(to, this.#orientation);
    const choices = [promotedKind(kindOf(code)), kindOf(code)].map((kind, index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-label", index === 0 ? `promote to ${kindName(kind)}` : `do not promote, stay ${kindName(kind)}`);
      const picture = svg("svg", { viewBox: "-50 -55 100 110", "aria-hidden": "true" });
      picture.append(...pieceUses(pieceCode(kind, colorOf(code)), colorOf(code) === this.#orientation));
      button.append(picture);
      button.addEventListener("click", () => this.#play(usi(origin, to, index === 0)));
      return button;
    });
    this.#choice.replaceChildren(...choices);
    const percent = (value: number, of: number): string => `${((value / of) * 100).toFixed(3)}%`;
    this.#choice.style.left = percent(MARGIN + column * 100, WIDTH);
    this.#choice.style.top = percent(MARGIN + Math.min(row, 7) * 110, HEIGHT);
    this.#choice.hidden = false;
    choices[0]?.focus();
  }

  #closeChoice(): void {
    if (this.#choice.hidden) return;
    const hadFocus = this.#choice.contains(this.#root.activeElement);
    this.#choice.hidden = true;
    this.#choice.replaceChildren();
    if (hadFocus) this.focus();
  }

  // --- keyboard -------------------------------------------------------------------------------------------------

  #cellAt(row: number, column: number): HTMLDivElement | undefined {
    return this.#cells[row * 9 + column];
  }

  #squareOf(cell: HTMLDivElement): number {
    const index = this.#cells.indexOf(cell);
    return squareAt(Math.floor(index / 9), index % 9, this.#orientation);
  }

  #moveFocus(row: number, column: number): void {
    const old = this.#cellAt(this.#focus.row, this.#focus.column);
    if (old) old.tabIndex = -1;
    this.#focus = { row, column };
    const cell = this.#cellAt(row, column);
    if (cell) cell.tabIndex = 0;
  }

  #onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Escape" && (this.#selected !== null || !this.#choice.hidden)) {
      this.#endDrag();
      this.#select(null);
      event.preventDefault();
      return;
    }
    if (event.key === "h") {
      const hand = this.#slots.flat().find((slot) => !slot.disabled);
      if (hand) {
        hand.focus();
        event.preventDefault();
      }
      return;
    }
    const cell = this.#root.activeElement;
    if (!(cell instanceof HTMLDivElement) || !this.#cells.includes(cell)) return;
    const steps: Record<string, readonly [number, number]> = {
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
      Home: [0, -9],
      End: [0, 9],
      PageUp: [-9, 0],
      PageDown: [9, 0],
    };
    const step = steps[event.key];
    if (step) {
      const clamp = (value: number): number => Math.max(0, Math.min(8, value));
      this.#cellAt(clamp(this.#focus.row + step[0]), clamp(this.#focus.column + step[1]))?.focus();
    } else if (event.key === "Enter" || event.key === " ") {
      this.#activate(this.#squareOf(cell));
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  // --- dragging -------------------------------------------------------------------------------------------------

  #onPointerDown(event: PointerEvent, origin: Origin, place?: number): void {
    if (!event.isPrimary || event.button !== 0) return;
    this.#drag = null;
    if (place !== undefined && this.#handColor(place) !== this.#state.turn) return;
    if (!this.#isOrigin(origin)) return;
    // No piece moves onto a square that its own side occupies, so an origin is never a target.
    this.#drag = {
      origin,
      pointer: event.pointerId,
      start: [event.clientX, event.clientY],
      wasSelected: this.#selected === origin,
      lifted: false,
    };
  }

  #onPointerMove(event: PointerEvent): void {
    const drag = this.#drag;
    if (drag?.pointer !== event.pointerId) return;
    if (!drag.lifted) {
      const threshold = event.pointerType === "mouse" ? DRAG_THRESHOLD.mouse : DRAG_THRESHOLD.touch;
      if (Math.hypot(event.clientX - drag.start[0], event.clientY - drag.start[1]) < threshold) return;
      this.#lift(drag, event.pointerId);
    }
    const box = this.#board.getBoundingClientRect();
    const table = this.#ghost.parentElement?.getBoundingClientRect() ?? box;
    const width = (box.width / WIDTH) * 100;
    // A finger would hide the piece, so it is drawn a little above.
    const above = event.pointerType === "touch" ? width * 0.6 : 0;
    this.#ghost.style.width = `${width}px`;
    this.#ghost.style.transform = `translate(${event.clientX - table.left - width / 2}px, ${event.clientY - table.top - width * 0.55 - above}px)`;
  }

  #lift(drag: Drag, pointer: number): void {
    drag.lifted = true;
    this.#select(drag.origin);
    const color = this.#state.turn;
    const code = drag.origin < SQUARES ? (this.#state.squares[drag.origin] ?? 0) : pieceCode(drag.origin - SQUARES, color);
    this.#ghost.replaceChildren(...pieceUses(code, color === this.#orientation));
    this.#ghost.classList.add("shown");
    this.#pieces.get(drag.origin)?.element.classList.add("lifted");
    this.#board.setPointerCapture(pointer);
  }

  #onPointerUp(event: PointerEvent): void {
    const drag = this.#drag;
    if (drag?.pointer !== event.pointerId) return;
    if (!drag.lifted) {
      // The click that follows selects or deselects.
      this.#drag = null;
      return;
    }
    const square = this.#squareAtPoint(event.clientX, event.clientY);
    this.#endDrag();
    if (square !== null && (this.#targets?.[square] ?? 0) > 0) this.#moveTo(square);
    else if (square === null || square !== drag.origin) this.#select(null);
  }

  #endDrag(): void {
    const drag = this.#drag;
    this.#drag = null;
    this.#ghost.classList.remove("shown");
    if (!drag?.lifted) return;
    this.#pieces.get(drag.origin)?.element.classList.remove("lifted");
    if (this.#board.hasPointerCapture(drag.pointer)) this.#board.releasePointerCapture(drag.pointer);
  }

  #squareAtPoint(x: number, y: number): number | null {
    const box = this.#grid.getBoundingClientRect();
    const column = Math.floor(((x - box.left) / box.width) * 9);
    const row = Math.floor(((y - box.top) / box.height) * 9);
    return row < 0 || row > 8 || column < 0 || column > 8 ? null : squareAt(row, column, this.#orientation);
  }
}

function gradients(): SVGElement[] {
  const gradient = (id: string, stops: readonly string[], attributes: Record<string, number>): SVGElement =>
    svg("linearGradient", { id, ...attributes },
      ...stops.map((name, index) => svg("stop", { class: name, offset: index / (stops.length - 1) })));
  return [
    gradient("wood", ["wood-1", "wood-2", "wood-1", "wood-3"], { x1: 0, y1: 0, x2: 1, y2: 0.25 }),
    gradient("face", ["face-1", "face-2"], { x1: 0, y1: 0, x2: 0.3, y2: 1 }),
  ];
}

/** The board's wood with its long straight grain; the waves come from fixed numbers, so that it never flickers. */
function wood(): SVGElement[] {
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

function lines(): SVGElement {
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

customElements.define("shogi-board", ShogiBoard);

declare global {
  interface HTMLElementTagNameMap {
    "shogi-board": ShogiBoard;
  }
  interface HTMLElementEventMap {
    "board-move": MoveEvent;
  }
}
