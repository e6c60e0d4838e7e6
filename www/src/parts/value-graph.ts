import { svg } from "../board/svg";
import { shadow, sheet } from "./shadow";

const css = sheet(`
  :host { display: block; }
  svg { display: block; width: 100%; height: 92px; cursor: pointer; touch-action: pan-y; overflow: visible; }
  .ground { fill: none; stroke: var(--rule); }
  .zero { stroke: var(--control); stroke-dasharray: 3 4; }
  .line { fill: none; stroke: var(--accent); stroke-width: 1.8; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
  .area { fill: var(--accent); opacity: 0.13; }
  .cursor { stroke: var(--focus); stroke-width: 2; vector-effect: non-scaling-stroke; }
  .scale { display: flex; justify-content: space-between; font-size: 0.78rem; color: var(--muted); margin-top: 2px; }
`);

const [WIDTH, HEIGHT] = [300, 100];

/** `<value-graph>`: Black's value after every ply; a click sends `ply-chosen`. Entries that are not known are NaN. */
export class ValueGraph extends HTMLElement {
  readonly #svg = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" });
  readonly #cursor = svg("line", { class: "cursor", y1: 0, y2: HEIGHT });
  #values: readonly number[] = [];

  constructor() {
    super();
    const scale = document.createElement("div");
    scale.className = "scale";
    scale.innerHTML = "<span>above the line: Black is better</span><span>below: White</span>";
    shadow(this, css).append(this.#svg, scale);
    const choose = (event: PointerEvent): void => {
      if (event.buttons !== 1 || this.#values.length < 2) return;
      const box = this.#svg.getBoundingClientRect();
      const share = Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
      const ply = Math.round(share * (this.#values.length - 1));
      this.dispatchEvent(new CustomEvent("ply-chosen", { detail: { ply }, bubbles: true }));
    };
    this.#svg.addEventListener("pointerdown", choose);
    this.#svg.addEventListener("pointermove", choose);
  }

  /** `values[ply]` is Black's value (-1..1) of the position after `ply` moves. */
  set values(values: readonly number[]) {
    this.#values = values;
    const x = (ply: number): string => ((ply / Math.max(1, values.length - 1)) * WIDTH).toFixed(1);
    const y = (value: number): string => ((1 - value) * 0.5 * HEIGHT).toFixed(1);
    const known = values.map((value, ply) => ({ value, ply })).filter(({ value }) => Number.isFinite(value));
    const path = known.map(({ value, ply }) => `${x(ply)} ${y(value)}`).join("L");
    const [first, last] = [known[0], known.at(-1)];
    const middle = HEIGHT / 2;
    this.#svg.replaceChildren(
      svg("rect", { class: "ground", width: WIDTH, height: HEIGHT, rx: 2 }),
      svg("line", { class: "zero", x1: 0, x2: WIDTH, y1: middle, y2: middle }),
      ...(first && last && path
        ? [
            svg("path", { class: "area", d: `M${x(first.ply)} ${middle}L${path}L${x(last.ply)} ${middle}Z` }),
            svg("path", { class: "line", d: `M${path}` }),
          ]
        : []),
      this.#cursor,
    );
    this.#svg.setAttribute("aria-label", `Black's value over ${values.length - 1} moves; the numbers are given with each move`);
  }

  set ply(ply: number) {
    const x = (ply / Math.max(1, this.#values.length - 1)) * WIDTH;
    this.#cursor.setAttribute("x1", x.toFixed(1));
    this.#cursor.setAttribute("x2", x.toFixed(1));
  }
}

customElements.define("value-graph", ValueGraph);

declare global {
  interface HTMLElementTagNameMap {
    "value-graph": ValueGraph;
  }
}
