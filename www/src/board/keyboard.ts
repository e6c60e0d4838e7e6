/** Keys: arrows move over squares and pieces in hand, Enter and Space choose, Escape gives up, `h` goes to the hand and back. */

import { boardWords as words } from "../words/board";
import type { Actions } from "./chooser";
import { SQUARES } from "./geometry";
import type { Hand } from "./hands";
import type { PieceBox } from "./piece-box";
import type { Squares } from "./squares";
import type { Scene, Spot } from "./state";

/** Rows and columns that a key moves the focus by on the grid. */
const STEPS: Readonly<Record<string, readonly [rows: number, columns: number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  Home: [0, -9],
  End: [0, 9],
  PageUp: [-9, 0],
  PageDown: [9, 0],
};

export interface KeyboardParts {
  scene: Scene;
  actions: Actions;
  squares: Squares;
  hands: readonly Hand[];
  /** The editor's box, once there is one. */
  box: PieceBox | null;
  spotOf(element: Element): Spot;
  say(text: string): void;
}

/** Handles a key on the board; one that the board uses goes no further. */
export function onKey(event: KeyboardEvent, parts: KeyboardParts): void {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (!handled(event, parts)) return;
  event.preventDefault();
  event.stopPropagation();
}

function handled(event: KeyboardEvent, { scene, actions, squares, hands, box, spotOf, say }: KeyboardParts): boolean {
  const target = event.target as Element;
  const hand = hands.find(({ element }) => element.contains(target));
  if (event.key === "Escape") return actions.cancel();
  if (event.key === "h") {
    const own = hands.find(({ color }) => color === scene.state.turn);
    if (hand !== undefined && hand === own) squares.focus();
    else goToHand(scene, own, say);
    return true;
  }
  if (actions.key(event.key, spotOf(target))) return true;
  const step = STEPS[event.key];
  if (box?.element.contains(target)) {
    if (!step) return false;
    box.step(step[0] + step[1]);
    return true;
  }
  if (hand) {
    if (!step) return false;
    hand.step(step[0] + step[1]);
    return true;
  }
  const square = squares.squareOf(target);
  if (square === null) return false;
  if (step) squares.step(step[0], step[1]);
  else if (event.key === "Enter" || event.key === " ") actions.activate({ on: "square", square });
  else return false;
  return true;
}

/** Goes to the mover's hand, or says why that is of no use. */
function goToHand(scene: Scene, hand: Hand | undefined, say: (text: string) => void): void {
  const side = words.sides[scene.state.turn];
  if (!hand?.focus()) say(words.emptyHand(side));
  else if (![...scene.origins].some((origin) => origin >= SQUARES)) say(words.noDrop(side));
}
