/** State of the board: what the page gave it to show, and what the user is doing on it. */

import { type Color, type Origin, HAND_KINDS, SQUARES } from "./geometry";
import { pieceCode } from "./pieces";
import type { PieceSet } from "./piece-set";

/** Shares of moves, drawn as tints and numbers. */
export interface Heat {
  /** 81 entries in 0..1 by destination, then 7 by kind of the mover's hand for drops. */
  shares: Float32Array;
  /** What the shares are of: all moves of the position, or those of one piece. */
  of: "position" | "piece";
}

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

/** A move drawn as an arrow; `weight` in 0..1 is its width, `label` a short text on it, as a number or a share. */
export interface Arrow {
  usi: string;
  weight: number;
  label?: string | undefined;
}

/** A line from an attacker's square to the king that it would capture; a ring alone where both are the same square. */
export interface Threat {
  from: number;
  to: number;
}

/** An arrow that the user drew, or a circle where it starts and ends on the same square. */
export interface Shape {
  from: number;
  to: number;
}

/** A place on the table that a pointer or a key names. */
export type Spot =
  | { on: "square"; square: number }
  | { on: "hand"; color: Color; kind: number }
  /** A piece of the editor's box. */
  | { on: "box"; code: number }
  | { on: "outside" };

/** A piece that can hang at the pointer, and where it comes from. */
export interface Grip {
  spot: Spot;
  code: number;
}

export const sameSpot = (a: Spot | null, b: Spot | null): boolean => a === b || (a !== null && b !== null && JSON.stringify(a) === JSON.stringify(b));

/** Pieces, hands and side to move: what must stay the same for a begun move to go on. */
const samePosition = (a: BoardState, b: BoardState): boolean =>
  a === b ||
  (a.turn === b.turn &&
    a.squares.every((code, square) => code === b.squares[square]) &&
    a.hands.every((count, kind) => count === b.hands[kind]));

export class Scene {
  state: BoardState = { squares: new Uint8Array(SQUARES), hands: new Uint8Array(2 * HAND_KINDS), turn: 0 };
  rules: Rules | null = null;
  orientation: Color = 0;
  pieceSet: PieceSet = "kanji";
  arrows: readonly Arrow[] = [];
  heat: Heat | null = null;
  threat: Threat | null = null;

  /** Squares and hand pieces that have a legal move; empty while the board is read-only. */
  origins: ReadonlySet<Origin> = new Set();
  selected: Origin | null = null;
  /** Legal targets of the selected origin. */
  targets: Uint8Array | null = null;
  /** The target that waits for the choice to promote or not. */
  promoting: number | null = null;
  /** The piece that hangs at the pointer. */
  lifted: Grip | null = null;
  /** The square under the dragged piece, if it may go there. */
  hovered: number | null = null;
  /** Whether the user sets up a position instead of playing. */
  editing = false;
  /** What the next square gets while editing: a piece of the box, of a hand or of another square. */
  picked: Spot | null = null;
  shapes: Shape[] = [];

  /** The state that the user's begun move belongs to. */
  #begun: BoardState = this.state;

  /** Color of the hand at a place: 0 far, 1 near. */
  handColor(place: number): Color {
    return place === 1 ? this.orientation : ((1 - this.orientation) as Color);
  }

  count(color: Color, kind: number): number {
    return this.state.hands[color * HAND_KINDS + kind] ?? 0;
  }

  /** The piece code at a spot; 0 where there is none. */
  codeAt(spot: Spot): number {
    if (spot.on === "square") return this.state.squares[spot.square] ?? 0;
    if (spot.on === "hand") return this.count(spot.color, spot.kind) > 0 ? pieceCode(spot.kind, spot.color) : 0;
    return spot.on === "box" ? spot.code : 0;
  }

  /** Whether a spot is chosen as a move's origin, or picked while editing. */
  isChosen(spot: Spot): boolean {
    if (this.editing) return sameSpot(this.picked, spot);
    return this.selected !== null && this.originAt(spot) === this.selected;
  }

  /** The origin that a spot is for the side to move. */
  originAt(spot: Spot): Origin | null {
    if (spot.on === "square") return spot.square;
    return spot.on === "hand" && spot.color === this.state.turn ? SQUARES + spot.kind : null;
  }

  /** Chooses an origin, or none. */
  select(origin: Origin | null): void {
    this.selected = origin;
    this.targets = origin === null ? null : (this.rules?.targets(origin) ?? null);
    this.promoting = null;
  }

  /**
   * Takes over a new state or new rules. A begun move goes on if the position is the same and its origin is still legal;
   * returns whether it did.
   */
  refresh(): boolean {
    this.origins = new Set(this.rules?.origins());
    const same = samePosition(this.#begun, this.state);
    this.#begun = this.state;
    if (!same) this.shapes = [];
    if (this.editing) {
      if (this.picked?.on === "square" && this.codeAt(this.picked) === 0) this.picked = null;
      return true;
    }
    if (this.selected === null && this.lifted === null) return true;
    const origin = this.selected ?? (this.lifted === null ? null : this.originAt(this.lifted.spot));
    if (same && origin !== null && this.origins.has(origin)) {
      const { promoting } = this;
      this.select(origin);
      if (promoting !== null && this.targets?.[promoting] === 3) this.promoting = promoting;
      return true;
    }
    this.letGo();
    return false;
  }

  /** Drops everything that was begun. */
  letGo(): void {
    this.select(null);
    this.lifted = null;
    this.hovered = null;
    this.picked = null;
  }
}
