/** Both hands: a slot a kind, with its count; one tab stop a hand, arrow keys between its pieces. */

import { boardWords as words } from "../words/board";
import { div, stepFocus, write, writeText } from "./dom";
import { type Color, SQUARES } from "./geometry";
import { shareText } from "./heat";
import { pieceCode, pieceIcon } from "./pieces";
import type { Scene } from "./state";

/** The order in which a hand shows its kinds: R B G S N L P. */
const ORDER = [6, 5, 4, 3, 2, 1, 0];

interface Slot {
  kind: number;
  button: HTMLButtonElement;
  count: HTMLSpanElement;
  share: HTMLSpanElement;
}

export class Hand {
  readonly element: HTMLDivElement;
  readonly #place: 0 | 1;
  readonly #slots: readonly Slot[];
  #color: Color = 0;

  /** `place` is 0 for the far hand, 1 for the near one. */
  constructor(place: 0 | 1) {
    this.#place = place;
    this.#slots = (place === 0 ? [...ORDER].reverse() : ORDER).map((kind) => slot(kind, place === 1));
    const name = place === 0 ? "stand far" : "stand near";
    this.element = div(name, { role: "group" }, ...this.#slots.map(({ button }) => button));
  }

  draw(scene: Scene): void {
    const { state, origins, orientation, heat, editing } = scene;
    const color = this.#place === 1 ? orientation : ((1 - orientation) as Color);
    this.#color = color;
    const moves = color === state.turn;
    const side = words.sides[color];
    const counts = this.#slots.map(({ kind }) => scene.count(color, kind));
    write(this.element, "aria-label", words.hand(side, counts.every((count) => count === 0)));
    write(this.element, "data-color", color === 0 ? "black" : "white");
    this.#slots.forEach(({ kind, button, count: number, share }, index) => {
      const count = counts[index] ?? 0;
      const origin = SQUARES + kind;
      const playable = editing || (moves && origins.has(origin));
      const part = moves && heat !== null ? shareText(heat.shares[origin] ?? 0) : null;
      const parts = [count === 0 ? words.noneInHand(kind) : words.inHand(count, kind)];
      if (playable && !editing) parts.push(words.canBeDropped);
      if (heat !== null && part !== null) parts.push(words.share(part, heat.of));
      button.classList.toggle("empty", count === 0);
      button.classList.toggle("movable", playable);
      button.classList.toggle("several", count > 1);
      write(button, "aria-disabled", playable ? null : "true");
      write(button, "aria-hidden", count === 0 && !editing ? "true" : null);
      write(button, "aria-pressed", String(scene.isChosen({ on: "hand", color, kind })));
      write(button, "aria-label", words.parts(parts));
      writeText(number, count > 1 ? String(count) : "");
      writeText(share, part === null ? "" : String(Math.round((heat?.shares[origin] ?? 0) * 100)));
    });
    this.#keepTabStop();
  }

  get color(): Color {
    return this.#color;
  }

  /** The kind of a slot; null for another element. */
  kindOf(element: Element): number | null {
    return this.#slots.find(({ button }) => button === element)?.kind ?? null;
  }

  /** Slots that the keyboard reaches: those with pieces, and all while editing. */
  #reachable(): HTMLButtonElement[] {
    return this.#slots.map(({ button }) => button).filter((button) => !button.hasAttribute("aria-hidden"));
  }

  /** Focuses the first piece that can be dropped, else the first piece; returns whether there is any. */
  focus(): boolean {
    const reachable = this.#reachable();
    const first = reachable.find((button) => button.classList.contains("movable")) ?? reachable[0];
    first?.focus();
    return first !== undefined;
  }

  /** Moves the focus to the next or previous piece of the hand. */
  step(steps: number): void {
    stepFocus(this.#reachable(), steps);
  }

  /** The hand's tab stop: the focused piece, else the first one; none in an empty hand. */
  #keepTabStop(): void {
    const reachable = this.#reachable();
    const stop = reachable.find((button) => button.matches(":focus")) ?? reachable[0];
    for (const { button } of this.#slots) write(button, "tabindex", button === stop ? "0" : "-1");
  }
}

function slot(kind: number, near: boolean): Slot {
  const button = document.createElement("button");
  button.type = "button";
  button.className = kind === 0 ? "slot pawns" : "slot";
  button.dataset["kind"] = String(kind);
  const count = document.createElement("span");
  const share = document.createElement("span");
  count.className = "count";
  share.className = "share";
  // Kings alone look different by side, and a hand holds none.
  button.append(pieceIcon(pieceCode(kind, 0), near), count, share);
  return { kind, button, count, share };
}
