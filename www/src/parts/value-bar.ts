import type { Chances } from "../values";
import { SIDES, VALUE_BAR } from "../words/parts";
import { element, shadow, sheet } from "./shadow";

const css = sheet(`
  :host { display: grid; gap: 4px; font-size: 0.84rem; }
  .bar { position: relative; display: flex; height: 16px; border-radius: 8px; overflow: hidden; border: 1px solid var(--control); forced-color-adjust: none; }
  .bar div { transition: flex-grow 240ms ease-out; min-width: 0; flex: 1 1 0; }
  .bar::after { content: ""; position: absolute; inset: 0 auto 0 50%; width: 2px; margin-left: -1px; background: var(--accent); }
  .black { background: var(--black-side); }
  .draw { background: var(--drawn); }
  .white { background: var(--white-side); }
  .text { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 8px; font-variant-numeric: tabular-nums; }
  .muted, .note { color: var(--muted); }
  .note { min-height: 1lh; text-align: center; margin-top: -4px; }
  :host(.none) .bar { opacity: 0.45; }
  @media (prefers-reduced-motion: reduce) { .bar div { transition: none; } }
  @media (forced-colors: active) {
    .bar { border-color: CanvasText; background: Canvas; }
    .black { background: CanvasText; }
    .draw { background: GrayText; }
    .white { background: Canvas; }
    .bar::after { background: Highlight; }
  }
`);

/**
 * `<value-bar>`: chances of Black's win, of a draw and of White's win, with numbers and a note on where they come from.
 *
 * It shows what it is told and keeps nothing: a page calls `show` with null as soon as the position changes and nothing is
 * known of the new one.
 */
export class ValueBar extends HTMLElement {
  readonly #parts = [element("div", "black"), element("div", "draw"), element("div", "white")] as const;
  readonly #black = element("span");
  readonly #draw = element("span", "muted");
  readonly #note = element("div", "note");
  readonly #white = element("span");

  constructor() {
    super();
    const root = shadow(this, css);
    const bar = element("div", "bar");
    bar.setAttribute("aria-hidden", "true");
    bar.append(...this.#parts);
    const text = element("div", "text");
    text.append(this.#black, this.#draw, this.#white);
    root.append(bar, text, this.#note);
    this.show(null, VALUE_BAR.none);
  }

  /** Shows the chances, or with null that they are not known; `note` says whose view it is. */
  show(chances: Chances | null, note: string): void {
    const { black, draw, white } = chances ?? { black: 0.5, draw: 0, white: 0.5 };
    const shares = [black, draw, white];
    this.classList.toggle("none", chances === null);
    this.#parts.forEach((part, index) => {
      part.style.flexGrow = String(shares[index] ?? 0);
    });
    setText(this.#black, VALUE_BAR.side(SIDES[0], chances && black));
    setText(this.#white, VALUE_BAR.side(SIDES[1], chances && white));
    // A value alone says nothing of draws.
    setText(this.#draw, chances && draw > 0 ? VALUE_BAR.draw(draw) : "");
    setText(this.#note, note);
  }
}

function setText(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

customElements.define("value-bar", ValueBar);

declare global {
  interface HTMLElementTagNameMap {
    "value-bar": ValueBar;
  }
}
