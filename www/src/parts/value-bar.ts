import type { Chances } from "../values";
import { element, shadow, sheet } from "./shadow";

const css = sheet(`
  :host { display: grid; gap: 4px; font-size: 0.84rem; }
  .bar { display: flex; height: 16px; border-radius: 8px; overflow: hidden; border: 1px solid var(--control); }
  .bar div { transition: flex-grow 240ms ease-out; min-width: 0; flex: 1 1 0; }
  .black { background: var(--black-side); }
  .draw { background: var(--drawn); }
  .white { background: var(--white-side); }
  .text { display: flex; justify-content: space-between; gap: 8px; font-variant-numeric: tabular-nums; }
  .note { color: var(--muted); }
  :host(.none) .bar { opacity: 0.45; }
  @media (prefers-reduced-motion: reduce) { .bar div { transition: none; } }
`);

/** `<value-bar>`: the chances of Black and White as the agent sees them, with numbers and whose view it is. */
export class ValueBar extends HTMLElement {
  readonly #parts = [element("div", "black"), element("div", "draw"), element("div", "white")] as const;
  readonly #black = element("span");
  readonly #note = element("span", "note");
  readonly #white = element("span");

  constructor() {
    super();
    const root = shadow(this, css);
    const bar = element("div", "bar");
    bar.setAttribute("aria-hidden", "true");
    bar.append(...this.#parts);
    const text = element("div", "text");
    text.append(this.#black, this.#note, this.#white);
    root.append(bar, text);
    this.show(null, "no estimate yet");
  }

  show(chances: Chances | null, note: string): void {
    const { black, draw, white } = chances ?? { black: 0.5, draw: 0, white: 0.5 };
    const shares = [black, draw, white];
    this.classList.toggle("none", chances === null);
    this.#parts.forEach((part, index) => {
      part.style.flexGrow = String(shares[index] ?? 0);
    });
    const percent = (share: number): string => (chances ? ` ${Math.round(share * 100)} %` : "");
    this.#black.textContent = `Black${percent(black)}`;
    this.#white.textContent = `White${percent(white)}`;
    this.#note.textContent = note;
  }
}

customElements.define("value-bar", ValueBar);

declare global {
  interface HTMLElementTagNameMap {
    "value-bar": ValueBar;
  }
}
