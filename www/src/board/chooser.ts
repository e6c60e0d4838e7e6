/** Choosing a legal move: the board's answer to clicks, drags and keys while a game is played. */

import { boardWords as words } from "../words/board";
import { type Origin, SQUARES, usi } from "./geometry";
import { colorOf, isPiece, kindOf } from "./pieces";
import { type Grip, type Scene, type Spot, sameSpot } from "./state";

/** What pointer and keyboard ask for. */
export interface Actions {
  /** A click, or Enter, on a square or on a piece in hand. */
  activate(spot: Spot): void;
  /** The piece that a press may lift; null where nothing can be dragged. */
  grip(spot: Spot): Grip | null;
  lift(grip: Grip): void;
  /** Ends a drag: `spot` is where the piece was let go. */
  drop(spot: Spot): void;
  /** Marks the square below the dragged piece. */
  hover(square: number | null): void;
  /** A stroke with the right button; on one square it starts and ends there. */
  stroke(from: number, to: number): void;
  /** A key on a spot that is not a matter of moving the focus; returns whether it had a meaning. */
  key(key: string, spot: Spot): boolean;
  /** Gives up what was begun; returns whether there was anything. */
  cancel(): boolean;
}

/** What the chooser needs of the element around it. */
export interface Outlet {
  draw(): void;
  say(text: string): void;
  moved(move: string): void;
  /** The user changed the position. */
  edited(): void;
  /** `to` is null where the piece has no legal move at all. */
  refused(origin: Origin, to: number | null): void;
  selected(origin: Origin | null): void;
}

export class Chooser implements Actions {
  readonly #scene: Scene;
  readonly #outlet: Outlet;

  constructor(scene: Scene, outlet: Outlet) {
    this.#scene = scene;
    this.#outlet = outlet;
  }

  activate(spot: Spot): void {
    const { selected, origins } = this.#scene;
    if (spot.on === "square" && this.#isTarget(spot.square)) {
      this.#moveTo(spot.square);
      return;
    }
    const origin = this.#scene.originAt(spot);
    if (origin !== null && origins.has(origin)) {
      this.#select(selected === origin ? null : origin);
      return;
    }
    this.#select(null);
    this.#refuse(spot, selected);
  }

  grip(spot: Spot): Grip | null {
    const origin = this.#scene.originAt(spot);
    return origin !== null && this.#scene.origins.has(origin) ? { spot, code: this.#scene.codeAt(spot) } : null;
  }

  lift(grip: Grip): void {
    const origin = this.#scene.originAt(grip.spot);
    this.#scene.lifted = grip;
    if (this.#scene.selected === origin) this.#outlet.draw();
    else this.#select(origin);
  }

  drop(spot: Spot): void {
    const grip = this.#scene.lifted;
    this.#scene.lifted = null;
    this.#scene.hovered = null;
    if (grip === null) return;
    if (spot.on === "square" && this.#isTarget(spot.square)) {
      this.#moveTo(spot.square);
    } else if (sameSpot(spot, grip.spot)) {
      // Let go where it was: the piece stays selected.
      this.#outlet.draw();
    } else {
      const origin = this.#scene.selected;
      this.#select(null);
      if (spot.on === "square") this.#refuse(spot, origin);
    }
  }

  hover(square: number | null): void {
    const hovered = square !== null && this.#isTarget(square) ? square : null;
    if (hovered === this.#scene.hovered) return;
    this.#scene.hovered = hovered;
    this.#outlet.draw();
  }

  /** Draws an arrow or a circle; the same one again removes it. */
  stroke(from: number, to: number): void {
    const { shapes } = this.#scene;
    const others = shapes.filter((shape) => shape.from !== from || shape.to !== to);
    this.#scene.shapes = others.length < shapes.length ? others : [...shapes, { from, to }];
    this.#outlet.draw();
  }

  key(): boolean {
    return false;
  }

  cancel(): boolean {
    const { selected, lifted, shapes } = this.#scene;
    if (selected === null && lifted === null && shapes.length === 0) return false;
    this.#scene.lifted = null;
    this.#scene.hovered = null;
    this.#scene.shapes = [];
    this.#select(null);
    return true;
  }

  /** Answers the question whether the chosen move promotes. */
  promote(promote: boolean): void {
    const { selected, promoting } = this.#scene;
    if (selected !== null && promoting !== null) this.#play(usi(selected, promoting, promote));
  }

  #isTarget(square: number): boolean {
    return (this.#scene.targets?.[square] ?? 0) > 0;
  }

  #select(origin: Origin | null): void {
    const before = this.#scene.selected;
    this.#scene.select(origin);
    this.#outlet.draw();
    if (before === origin) return;
    this.#outlet.say(origin === null ? words.letGo : this.#chosen(origin));
    this.#outlet.selected(origin);
  }

  #chosen(origin: Origin): string {
    const code = origin < SQUARES ? (this.#scene.state.squares[origin] ?? 0) : 0;
    const kind = words.kind(origin < SQUARES ? kindOf(code) : origin - SQUARES);
    const moves = this.#scene.targets?.reduce((count, target) => count + (target > 0 ? 1 : 0), 0) ?? 0;
    return words.chosen(origin < SQUARES ? words.on(words.square(origin), kind) : kind, moves);
  }

  #moveTo(to: number): void {
    const { selected, targets } = this.#scene;
    const target = targets?.[to] ?? 0;
    if (selected === null || target === 0) return;
    if (target === 3) {
      this.#scene.promoting = to;
      this.#outlet.draw();
    } else {
      this.#play(usi(selected, to, target === 2));
    }
  }

  #play(move: string): void {
    this.#scene.select(null);
    this.#outlet.draw();
    this.#outlet.selected(null);
    this.#outlet.moved(move);
  }

  /** Says that nothing legal was asked for: a wrong target of the selected piece, or an own piece without a move. */
  #refuse(spot: Spot, selected: Origin | null): void {
    const { rules, state } = this.#scene;
    if (rules === null) return;
    if (spot.on === "square") {
      const code = state.squares[spot.square] ?? 0;
      const own = isPiece(code) && colorOf(code) === state.turn;
      if (selected !== null && selected !== spot.square) this.#outlet.refused(selected, spot.square);
      else if (own) this.#outlet.refused(spot.square, null);
    } else if (spot.on === "hand" && spot.color === state.turn && this.#scene.count(spot.color, spot.kind) > 0) {
      this.#outlet.refused(SQUARES + spot.kind, null);
    }
  }
}
