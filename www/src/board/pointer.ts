/** Mouse, pen and touch: clicks, dragging a piece, and drawing with the right button. */

import type { Actions } from "./chooser";
import { squareAt } from "./geometry";
import { colorOf, pieceUse } from "./pieces";
import type { Grip, Scene, Spot } from "./state";
import { svg } from "./svg";
import { WIDTH } from "./theme";

/** Pixels before a press becomes a drag. */
const DRAG_THRESHOLD = { mouse: 4, touch: 8 };
/** Events after which the board may lie elsewhere. */
const MOVING = ["scroll", "resize"];

interface Drag {
  grip: Grip;
  pointer: number;
  start: readonly [x: number, y: number];
  lifted: boolean;
}

/** The parts of the board that the pointer measures and listens to. */
export interface Surface {
  table: HTMLElement;
  board: HTMLElement;
  grid: HTMLElement;
  /** What an element of the table stands for. */
  spotOf(element: Element): Spot;
  /** What lies at a point of the window. */
  spotAt(x: number, y: number): Spot;
  draw(): void;
  /** Puts the keyboard focus on the squares. */
  focus(): void;
}

interface Boxes {
  grid: DOMRect;
  table: DOMRect;
  /** Width of a square. */
  width: number;
}

export class Pointer {
  /** The dragged piece, drawn above everything. */
  readonly ghost = svg("svg", { class: "ghost", viewBox: "-50 -55 100 110", "aria-hidden": "true" });
  readonly #scene: Scene;
  readonly #actions: () => Actions;
  readonly #surface: Surface;
  #drag: Drag | null = null;
  /** Square where a drawing with the right button began. */
  #drawing: number | null = null;
  /** Boxes of the board's parts, measured once a drag: a move of the pointer then causes no layout. */
  #boxes: Boxes | null = null;
  readonly #remeasure = (): void => {
    this.#boxes = null;
  };

  constructor(scene: Scene, actions: () => Actions, surface: Surface) {
    this.#scene = scene;
    this.#actions = actions;
    this.#surface = surface;
    const { table, board } = surface;
    table.addEventListener("pointerdown", (event) => this.#onDown(event));
    table.addEventListener("pointermove", (event) => this.#onMove(event));
    table.addEventListener("pointerup", (event) => this.#onUp(event));
    table.addEventListener("pointercancel", () => this.#onCancel());
    table.addEventListener("click", (event) => this.#onClick(event));
    board.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  /** Ends a drag whose piece the scene no longer holds up. */
  draw(): void {
    if (this.#drag?.lifted && this.#scene.lifted === null) this.#end();
  }

  #onDown(event: PointerEvent): void {
    const spot = this.#surface.spotOf(event.target as Element);
    if (event.button === 2) {
      this.#drawing = spot.on === "square" ? spot.square : null;
      return;
    }
    if (event.button !== 0 || !event.isPrimary) return;
    if (this.#scene.shapes.length > 0) {
      this.#scene.shapes = [];
      this.#surface.draw();
    }
    const grip = this.#actions().grip(spot);
    if (grip === null) return;
    // Touch captures the pointer on the pressed element, which would hide what is below it.
    const target = event.target as Element;
    if (target.hasPointerCapture(event.pointerId)) target.releasePointerCapture(event.pointerId);
    this.#drag = { grip, pointer: event.pointerId, start: [event.clientX, event.clientY], lifted: false };
  }

  #onMove(event: PointerEvent): void {
    const drag = this.#drag;
    if (drag?.pointer !== event.pointerId) return;
    if (!drag.lifted) {
      const threshold = event.pointerType === "mouse" ? DRAG_THRESHOLD.mouse : DRAG_THRESHOLD.touch;
      if (Math.hypot(event.clientX - drag.start[0], event.clientY - drag.start[1]) < threshold) return;
      if (this.#actions().grip(drag.grip.spot)?.code !== drag.grip.code) {
        // The position changed after the press.
        this.#drag = null;
        return;
      }
      this.#lift(drag);
    }
    const { table, width } = this.#measure();
    // A finger would hide the piece, so it is drawn a little above.
    const above = event.pointerType === "touch" ? width * 0.6 : 0;
    this.ghost.style.transform = `translate(${event.clientX - table.left - width / 2}px, ${event.clientY - table.top - width * 0.55 - above}px)`;
    this.#actions().hover(this.#squareAt(event));
  }

  #lift(drag: Drag): void {
    drag.lifted = true;
    const { code } = drag.grip;
    this.ghost.replaceChildren(pieceUse(code, colorOf(code) === this.#scene.orientation));
    this.ghost.classList.add("shown");
    for (const type of MOVING) addEventListener(type, this.#remeasure, { passive: true, capture: true });
    this.ghost.style.width = `${this.#measure().width}px`;
    this.#surface.board.setPointerCapture(drag.pointer);
    this.#actions().lift(drag.grip);
  }

  #onUp(event: PointerEvent): void {
    if (event.button === 2) {
      this.#stroke(event);
      return;
    }
    const drag = this.#drag;
    if (drag?.pointer !== event.pointerId) return;
    if (!drag.lifted) {
      // The click that follows selects or deselects.
      this.#drag = null;
      return;
    }
    const square = this.#squareAt(event);
    this.#end();
    const spot = square === null ? this.#surface.spotAt(event.clientX, event.clientY) : { on: "square" as const, square };
    this.#actions().drop(spot);
  }

  #onCancel(): void {
    const lifted = this.#drag?.lifted ?? false;
    this.#end();
    if (lifted) this.#actions().cancel();
  }

  #onClick(event: MouseEvent): void {
    const spot = this.#surface.spotOf(event.target as Element);
    if (spot.on === "outside" || this.#drag !== null) return;
    this.#actions().activate(spot);
    // After a click by keyboard the focus moves on to the squares, for the target.
    if (spot.on === "hand" && event.detail === 0 && this.#scene.selected !== null) this.#surface.focus();
  }

  #end(): void {
    const drag = this.#drag;
    this.#drag = null;
    this.#boxes = null;
    for (const type of MOVING) removeEventListener(type, this.#remeasure, { capture: true });
    this.ghost.classList.remove("shown");
    const { board } = this.#surface;
    if (drag?.lifted && board.hasPointerCapture(drag.pointer)) board.releasePointerCapture(drag.pointer);
  }

  #stroke(event: PointerEvent): void {
    const from = this.#drawing;
    this.#drawing = null;
    const to = this.#squareAt(event);
    if (from !== null && to !== null) this.#actions().stroke(from, to);
  }

  #measure(): Boxes {
    if (this.#boxes) return this.#boxes;
    const { grid, table, board } = this.#surface;
    const boxes = {
      grid: grid.getBoundingClientRect(),
      table: table.getBoundingClientRect(),
      width: (board.getBoundingClientRect().width / WIDTH) * 100,
    };
    if (this.#drag?.lifted) this.#boxes = boxes;
    return boxes;
  }

  #squareAt({ clientX, clientY }: PointerEvent): number | null {
    const { grid } = this.#measure();
    const column = Math.floor(((clientX - grid.left) / grid.width) * 9);
    const row = Math.floor(((clientY - grid.top) / grid.height) * 9);
    return row < 0 || row > 8 || column < 0 || column > 8 ? null : squareAt(row, column, this.#scene.orientation);
  }
}
