/** Setting up a position: pieces from the box, the hands and the squares are placed, moved, turned, promoted and removed. */

import { boardWords as words } from "../words/board";
import type { Actions, Outlet } from "./chooser";
import { type Color, HAND_KINDS } from "./geometry";
import type { Tool } from "./piece-box";
import { PieceBox } from "./piece-box";
import { basicKind, colorOf, isKing, isPiece, isPromotable, isPromoted, kindOf, pieceCode, promotedKind } from "./pieces";
import { type Grip, type Scene, type Spot, sameSpot } from "./state";

/** Most pieces of a kind in one hand: all pawns. */
const MOST_IN_HAND = 18;

const pieceName = (code: number): string => words.piece(words.sides[colorOf(code)], kindOf(code));
const turned = (code: number): number => pieceCode(kindOf(code), (1 - colorOf(code)) as Color);

/** The code with its promotion undone or done; the same where the kind has none. */
function promotionSwitched(code: number): number {
  const kind = kindOf(code);
  if (isPromoted(kind)) return pieceCode(basicKind(kind), colorOf(code));
  return isPromotable(kind) ? pieceCode(promotedKind(kind), colorOf(code)) : code;
}

export class Editor implements Actions {
  readonly box = new PieceBox((tool) => this.#use(tool));
  readonly #scene: Scene;
  readonly #outlet: Outlet;

  constructor(scene: Scene, outlet: Outlet) {
    this.#scene = scene;
    this.#outlet = outlet;
  }

  activate(spot: Spot): void {
    const { picked } = this.#scene;
    if (picked !== null && !sameSpot(picked, spot) && spot.on !== "box" && this.#give(picked, spot)) return;
    const again = sameSpot(picked, spot);
    const nothing = spot.on === "outside" || (spot.on === "square" && this.#scene.codeAt(spot) === 0);
    this.#pick(again || nothing ? null : spot);
  }

  grip(spot: Spot): Grip | null {
    const code = this.#scene.codeAt(spot);
    return code === 0 ? null : { spot, code };
  }

  lift(grip: Grip): void {
    this.#scene.lifted = grip;
    this.#scene.picked = null;
    this.#outlet.draw();
  }

  drop(spot: Spot): void {
    const grip = this.#scene.lifted;
    this.#scene.lifted = null;
    this.#scene.hovered = null;
    if (grip === null) return;
    if (sameSpot(grip.spot, spot)) this.#outlet.draw();
    else if (spot.on === "square" || spot.on === "hand") this.#give(grip.spot, spot);
    else this.#takeAway(grip.spot);
    this.#outlet.draw();
  }

  hover(square: number | null): void {
    if (square === this.#scene.hovered) return;
    this.#scene.hovered = square;
    this.#outlet.draw();
  }

  /** The right button turns a piece through its forms: promoted, the other side's, the other side's promoted. */
  stroke(from: number, to: number): void {
    const code = this.#scene.state.squares[to] ?? 0;
    if (from !== to || !isPiece(code)) return;
    const next = promotionSwitched(code);
    this.#put(to, isPromoted(kindOf(next)) ? next : turned(next));
  }

  key(key: string, spot: Spot): boolean {
    if (spot.on === "hand") {
      if (key === "+" || key === "=") this.#count(spot.color, spot.kind, 1);
      else if (key === "-" || key === "Delete" || key === "Backspace") this.#count(spot.color, spot.kind, -1);
      else return false;
      return true;
    }
    if (spot.on !== "square") return false;
    const code = this.#scene.codeAt(spot);
    if (code === 0) return false;
    if (key === "Delete" || key === "Backspace") this.#put(spot.square, 0);
    else if (key === "+") this.#put(spot.square, promotionSwitched(code));
    else if (key === "t") this.#put(spot.square, turned(code));
    else return false;
    return true;
  }

  cancel(): boolean {
    const begun = this.#scene.picked !== null || this.#scene.lifted !== null;
    this.#scene.letGo();
    this.#outlet.draw();
    return begun;
  }

  #pick(spot: Spot | null): void {
    this.#scene.picked = spot;
    this.#outlet.draw();
    if (spot === null) return;
    const code = this.#scene.codeAt(spot);
    if (spot.on === "square") this.#outlet.say(words.pickedUp(words.square(spot.square), pieceName(code)));
    else if (spot.on === "box") this.#outlet.say(words.brush(pieceName(code)));
  }

  /** Brings the piece of one spot to another; returns whether it could go there. */
  #give(from: Spot, to: Spot): boolean {
    const code = this.#scene.codeAt(from);
    if (code === 0) return false;
    if (to.on === "square") {
      const same = from.on === "box" && this.#scene.codeAt(to) === code;
      this.#change(() => {
        this.#takeFrom(from);
        this.#set(to.square, same ? 0 : code);
      });
      this.#outlet.say(same ? words.emptied(words.square(to.square)) : words.placed(words.square(to.square), pieceName(code)));
      return true;
    }
    if (to.on !== "hand" || isKing(kindOf(code)) || from.on === "hand") return false;
    const kind = basicKind(kindOf(code));
    this.#change(() => {
      this.#takeFrom(from);
      this.#add(to.color, kind, 1);
    });
    this.#sayCount(to.color, kind);
    return true;
  }

  #takeAway(from: Spot): void {
    if (from.on === "box" || from.on === "outside") return;
    this.#change(() => this.#takeFrom(from));
    if (from.on === "square") this.#outlet.say(words.emptied(words.square(from.square)));
    else if (from.on === "hand") this.#sayCount(from.color, from.kind);
  }

  /** Tools of the box act on the picked piece, or on the hand's picked kind. */
  #use(tool: Tool): void {
    const { picked } = this.#scene;
    if (tool === "side") {
      this.box.color = (1 - this.box.color) as Color;
      if (picked?.on === "box") this.#scene.picked = { on: "box", code: turned(picked.code) };
      this.#outlet.draw();
      return;
    }
    if (picked?.on === "hand") {
      if (tool === "more") this.#count(picked.color, picked.kind, 1);
      else if (tool === "less" || tool === "remove") this.#count(picked.color, picked.kind, -1);
      return;
    }
    const code = picked?.on === "square" ? this.#scene.codeAt(picked) : 0;
    if (picked?.on !== "square" || code === 0) {
      this.#outlet.say(words.nothingPicked);
      return;
    }
    if (tool === "turn") this.#put(picked.square, turned(code));
    else if (tool === "promote") this.#put(picked.square, promotionSwitched(code));
    else if (tool === "remove") this.#put(picked.square, 0);
  }

  #put(square: number, code: number): void {
    this.#change(() => this.#set(square, code));
    this.#outlet.say(code === 0 ? words.emptied(words.square(square)) : words.placed(words.square(square), pieceName(code)));
  }

  #count(color: Color, kind: number, change: number): void {
    this.#change(() => this.#add(color, kind, change));
    this.#sayCount(color, kind);
  }

  #sayCount(color: Color, kind: number): void {
    const count = this.#scene.count(color, kind);
    this.#outlet.say(words.handCount(words.sides[color], count === 0 ? words.noneInHand(kind) : words.inHand(count, kind)));
  }

  /** Changes a copy of the position, which may be the page's own arrays. */
  #change(edit: () => void): void {
    const { squares, hands, turn } = this.#scene.state;
    this.#scene.state = { squares: squares.slice(), hands: hands.slice(), turn };
    edit();
    const { picked } = this.#scene;
    if (picked?.on === "square" && this.#scene.codeAt(picked) === 0) this.#scene.picked = null;
    if (picked?.on === "hand" && this.#scene.codeAt(picked) === 0) this.#scene.picked = null;
    this.#outlet.draw();
    this.#outlet.edited();
  }

  #set(square: number, code: number): void {
    this.#scene.state.squares[square] = code;
  }

  #add(color: Color, kind: number, change: number): void {
    const index = color * HAND_KINDS + kind;
    const count = (this.#scene.state.hands[index] ?? 0) + change;
    this.#scene.state.hands[index] = Math.max(0, Math.min(MOST_IN_HAND, count));
  }

  #takeFrom(spot: Spot): void {
    if (spot.on === "square") this.#set(spot.square, 0);
    else if (spot.on === "hand") this.#add(spot.color, spot.kind, -1);
  }
}
