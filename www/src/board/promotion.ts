/** The choice whether a move promotes: a dialog with two buttons on the target square. */

import { boardWords as words } from "../words/board";
import { div, write } from "./dom";
import { placeOf } from "./geometry";
import { colorOf, kindOf, pieceCode, pieceIcon, promotedKind } from "./pieces";
import type { Scene } from "./state";
import { HEIGHT, MARGIN, WIDTH } from "./theme";

const percent = (value: number, of: number): string => `${((value / of) * 100).toFixed(3)}%`;

export class PromotionChoice {
  readonly element = div("choice", { role: "dialog", "aria-modal": "true", "aria-label": words.promote, hidden: "" });
  readonly #answer: (promote: boolean) => void;
  #shown = "";

  constructor(answer: (promote: boolean) => void) {
    this.#answer = answer;
    this.element.addEventListener("keydown", (event) => this.#onKey(event));
  }

  /** Opens or closes the dialog as the scene says; returns whether it closed while it had the focus. */
  draw({ state, orientation, selected, promoting }: Scene): boolean {
    const key = promoting === null || selected === null ? "" : `${selected} ${promoting} ${orientation}`;
    if (key === this.#shown) return false;
    this.#shown = key;
    write(this.element, "hidden", key === "" ? "" : null);
    if (promoting === null || selected === null) {
      const focused = this.element.querySelector(":focus") !== null;
      this.element.replaceChildren();
      return focused;
    }
    const code = state.squares[selected] ?? 0;
    const { row, column } = placeOf(promoting, orientation);
    const buttons = [promotedKind(kindOf(code)), kindOf(code)].map((kind, index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-label", index === 0 ? words.promoteTo(kind) : words.stay(kind));
      button.append(pieceIcon(pieceCode(kind, colorOf(code)), colorOf(code) === orientation));
      button.addEventListener("click", () => this.#answer(index === 0));
      return button;
    });
    this.element.replaceChildren(...buttons);
    this.element.style.left = percent(MARGIN + column * 100, WIDTH);
    this.element.style.top = percent(MARGIN + Math.min(row, 7) * 110, HEIGHT);
    buttons[0]?.focus();
    return false;
  }

  /** Tab and the arrow keys go round the two buttons. */
  #onKey(event: KeyboardEvent): void {
    if (!/^(Tab|Arrow(Up|Down|Left|Right))$/.test(event.key)) return;
    const buttons = [...this.element.querySelectorAll("button")];
    const other = buttons.find((button) => !button.matches(":focus"));
    other?.focus();
    event.preventDefault();
    event.stopPropagation();
  }
}
