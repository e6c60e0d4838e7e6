import { VARIATIONS } from "../words/parts";
import { element, shadow, sheet } from "./shadow";

const css = sheet(`
  :host { display: block; overflow-y: auto; overscroll-behavior: contain; font-size: 0.92rem; scrollbar-width: thin; }
  ol { list-style: none; margin: 0; padding: 0; display: grid; grid-template-columns: 2.6em 1fr 1fr; gap: 1px 4px; }
  li { display: contents; }
  .number { color: var(--muted); text-align: right; padding: 4px 6px 4px 0; font-variant-numeric: tabular-nums; font-size: 0.86em; }
  .move { all: unset; box-sizing: border-box; padding: 3px 8px; border-radius: 6px; min-height: 26px; font-variant-numeric: tabular-nums; }
  .gap { visibility: hidden; }
  button.move { cursor: pointer; }
  button.move:hover { background: color-mix(in srgb, var(--rule) 55%, transparent); }
  .move:focus-visible { outline: 3px solid var(--focus); outline-offset: -2px; }
  .move.current { background: var(--rule); font-weight: 600; }
  .empty { color: var(--muted); margin: 0; }
`);

export interface PlyEvent extends CustomEvent<{ ply: number }> {}

/** `<move-list>`: two columns, Black and White. With `selectable` a click sends `ply-chosen`. */
export class MoveList extends HTMLElement {
  readonly #list = element("ol");
  readonly #empty = element("p", "empty", VARIATIONS.empty);
  #moves: HTMLElement[] = [];
  #texts: readonly string[] = [];
  #whiteFirst = false;

  constructor() {
    super();
    shadow(this, css).append(this.#list, this.#empty);
  }

  /** Shows the moves; `current` is the number of plies on the board. */
  show(texts: readonly string[], current: number, whiteFirst = false): void {
    const grown = this.#moves.length <= texts.length && whiteFirst === this.#whiteFirst;
    const same = grown && this.#texts.every((text, index) => text === texts[index]);
    if (!same) {
      this.#list.replaceChildren();
      this.#moves = [];
      this.#whiteFirst = whiteFirst;
    }
    for (let index = this.#moves.length; index < texts.length; index++) this.#append(texts[index] ?? "", index);
    this.#texts = [...texts];
    this.#empty.hidden = texts.length > 0;
    this.#moves.forEach((move, index) => {
      const isCurrent = index + 1 === current;
      if (isCurrent === move.classList.contains("current")) return;
      move.classList.toggle("current", isCurrent);
      if (isCurrent) move.setAttribute("aria-current", "step");
      else move.removeAttribute("aria-current");
    });
    this.#reveal(this.#moves[current - 1]);
  }

  #append(text: string, index: number): void {
    const place = index + (this.#whiteFirst ? 1 : 0);
    let row = this.#list.lastElementChild;
    if (place % 2 === 0 || !row) {
      row = element("li");
      row.append(element("span", "number", String(Math.floor(place / 2) + 1)));
      if (place % 2 === 1) row.append(element("span", "move gap"));
      this.#list.append(row);
    }
    const selectable = this.hasAttribute("selectable");
    const move = element(selectable ? "button" : "span", "move", text);
    if (selectable) {
      move.setAttribute("type", "button");
      move.addEventListener("click", () =>
        this.dispatchEvent(new CustomEvent("ply-chosen", { detail: { ply: index + 1 }, bubbles: true })));
    }
    row.append(move);
    this.#moves.push(move);
  }

  /** Scrolls inside the list only; the page stays where it is. */
  #reveal(move: HTMLElement | undefined): void {
    if (!move) {
      this.scrollTop = 0;
      return;
    }
    const [box, line] = [this.getBoundingClientRect(), move.getBoundingClientRect()];
    if (line.top < box.top) this.scrollTop -= box.top - line.top + 4;
    else if (line.bottom > box.bottom) this.scrollTop += line.bottom - box.bottom + 4;
  }
}

customElements.define("move-list", MoveList);

declare global {
  interface HTMLElementTagNameMap {
    "move-list": MoveList;
  }
  interface HTMLElementEventMap {
    "ply-chosen": PlyEvent;
  }
}
