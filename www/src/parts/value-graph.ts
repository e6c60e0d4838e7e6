import { svg } from "../board/svg";
import { GRADES, VALUE_GRAPH, percent } from "../words/parts";
import type { Grade } from "./grade";
import { write } from "../words/mixed";
import { element, shadow, sheet } from "./shadow";

const css = sheet(`
  :host { display: grid; gap: 4px; font-size: 0.8rem; }
  .frame { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 2px 6px; }
  .up { display: grid; align-content: space-between; justify-items: end; color: var(--muted); line-height: 1; }
  .along { grid-column: 2; display: flex; justify-content: space-between; color: var(--muted); line-height: 1.2; font-variant-numeric: tabular-nums; }
  .plot { position: relative; height: 92px; cursor: pointer; touch-action: pan-y; border-radius: 4px; }
  .plot:focus-visible { outline: 3px solid var(--focus); outline-offset: 3px; }
  svg { display: block; width: 100%; height: 100%; overflow: visible; }
  svg * { vector-effect: non-scaling-stroke; }
  .ground { fill: none; stroke: var(--control); }
  .grid { stroke: var(--rule); }
  .zero { stroke: var(--control); stroke-dasharray: 3 4; }
  .line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
  .series-0 { stroke: var(--accent); }
  .series-1 { stroke: var(--focus); stroke-dasharray: 6 3; }
  .series-2 { stroke: var(--muted); stroke-dasharray: 2 3; }
  .area { fill: var(--accent); opacity: 0.13; stroke: none; }
  .cursor { position: absolute; inset: 0; border-left: 2px solid var(--ink); margin-left: -1px; will-change: transform; pointer-events: none; }
  .clip { position: absolute; inset: 0 -1px; overflow: hidden; pointer-events: none; }
  .clip .cursor { inset: 0 1px; }
  .hover { stroke: var(--control); stroke-width: 1; }
  .grade { stroke: var(--ink); }
  .inaccuracy { stroke-width: 5; stroke-linecap: round; }
  .mistake { stroke-width: 8; stroke-linecap: round; }
  .blunder { stroke-width: 10; stroke-linecap: square; stroke: var(--accent); }
  .tip { position: absolute; bottom: calc(100% + 4px); z-index: 3; max-width: min(260px, 100%); padding: 3px 8px; border-radius: 6px; background: var(--ink); color: var(--paper); pointer-events: none; white-space: normal; font-variant-numeric: tabular-nums; }
  .foot { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 8px; }
  details[open] { flex: 1 0 100%; }
  .legend { display: flex; flex-wrap: wrap; gap: 2px 9px; color: var(--muted); }
  .legend span { display: inline-flex; align-items: center; gap: 4px; }
  .legend i { width: 14px; flex: none; border-top: 2px solid var(--accent); }
  .legend .sample-1 { border-top: 2px dashed var(--focus); }
  .legend .sample-2 { border-top: 2px dotted var(--muted); }
  summary { cursor: pointer; min-height: 24px; color: var(--muted); width: max-content; }
  summary:focus-visible { outline: 3px solid var(--focus); border-radius: 4px; }
  .scroll { max-height: 220px; overflow: auto; }
  .scroll:focus-visible { outline: 3px solid var(--focus); outline-offset: -3px; }
  table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
  th, td { text-align: left; padding: 2px 6px; border-bottom: 1px solid var(--rule); font-weight: 400; }
  thead th { font-weight: 600; }
  @media (forced-colors: active) {
    .line, .grade { stroke: CanvasText; }
    .cursor { border-color: CanvasText; }
    .series-1 { stroke: Highlight; }
    .area { fill: Highlight; }
    .tip { border: 1px solid CanvasText; }
  }
`);

const [WIDTH, HEIGHT] = [300, 100];
/** Step of Page Up and Page Down. */
const PAGE = 10;

/** Line of the graph. */
export interface Series {
  name: string;
  /** Black's value (-1..1) after each number of moves; NaN where it is not known. */
  values: readonly number[];
}

/** Move that is marked in the graph: the one that led to `ply`. */
export interface GraphMark {
  ply: number;
  grade: Grade;
}

/** Content of the graph. */
export interface GraphData {
  /** Text of each move; the graph has one place more than moves. */
  moves: readonly string[];
  series: readonly Series[];
  marks: readonly GraphMark[];
}

/**
 * `<value-graph>`: Black's chances over a game with a scale, for one or more sources, with marked moves.
 *
 * A click, a drag and the keys of a slider send `ply-chosen`. The same numbers stand in a table below.
 */
export class ValueGraph extends HTMLElement {
  readonly #plot = element("div", "plot");
  readonly #svg = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  /** As wide as the plot and moved by its own width: a step moves a layer and paints nothing. */
  readonly #cursor = element("div", "cursor");
  readonly #hover = svg("line", { class: "hover", y1: 0, y2: HEIGHT, visibility: "hidden" });
  readonly #tip = element("div", "tip");
  readonly #along = element("div", "along");
  readonly #legend = element("div", "legend");
  readonly #table = element("details");
  readonly #scroll = element("div", "scroll");
  #data: GraphData = { moves: [], series: [], marks: [] };
  #grades = new Map<number, Grade>();
  #ply = 0;

  constructor() {
    super();
    const up = element("div", "up");
    up.setAttribute("aria-hidden", "true");
    for (const text of [VALUE_GRAPH.black, VALUE_GRAPH.even, VALUE_GRAPH.white]) up.append(element("span", "", text));
    this.#along.setAttribute("aria-hidden", "true");
    this.#plot.setAttribute("role", "slider");
    this.#plot.tabIndex = 0;
    this.#plot.setAttribute("aria-label", VALUE_GRAPH.name);
    this.#plot.setAttribute("aria-valuemin", "0");
    this.#tip.hidden = true;
    this.#tip.setAttribute("aria-hidden", "true");
    const clip = element("div", "clip");
    clip.append(this.#cursor);
    this.#plot.append(this.#svg, clip, this.#tip);
    const frame = element("div", "frame");
    frame.append(up, this.#plot, this.#along);
    this.#scroll.tabIndex = 0;
    this.#scroll.setAttribute("role", "region");
    this.#scroll.setAttribute("aria-label", VALUE_GRAPH.name);
    this.#table.append(element("summary", "", VALUE_GRAPH.table), this.#scroll);
    const foot = element("div", "foot");
    foot.append(this.#legend, this.#table);
    shadow(this, css).append(frame, foot);
    this.#listen();
    this.show(this.#data);
  }

  /** Replaces the content. */
  show(data: GraphData): void {
    this.#data = data;
    this.#grades = new Map(data.marks.map(({ ply, grade }) => [ply, grade]));
    this.#ply = Math.min(this.#ply, data.moves.length);
    this.#plot.setAttribute("aria-valuemax", String(data.moves.length));
    this.#draw();
    this.#drawAlong();
    this.#drawLegend();
    this.#drawCursor();
    if (this.#table.open) this.#drawTable();
  }

  /** Number of moves at which the cursor stands. */
  set ply(ply: number) {
    // The moves of another game may be drawn a frame later.
    this.#ply = Math.min(ply, this.#data.moves.length);
    this.#drawCursor();
  }

  #listen(): void {
    const plyAt = (event: PointerEvent): number => {
      const box = this.#plot.getBoundingClientRect();
      const share = Math.max(0, Math.min(1, (event.clientX - box.left) / Math.max(1, box.width)));
      return Math.round(share * this.#data.moves.length);
    };
    this.#plot.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.#plot.setPointerCapture(event.pointerId);
      this.#choose(plyAt(event));
    });
    this.#plot.addEventListener("pointermove", (event) => {
      const ply = plyAt(event);
      if (event.buttons === 1) this.#choose(ply);
      this.#showTip(ply);
    });
    this.#plot.addEventListener("pointerleave", () => this.#hideTip());
    this.#plot.addEventListener("focus", () => {
      if (this.#plot.matches(":focus-visible")) this.#showTip(this.#ply);
    });
    this.#plot.addEventListener("blur", () => this.#hideTip());
    this.#plot.addEventListener("keydown", (event) => this.#onKey(event));
    this.#table.addEventListener("toggle", () => {
      if (this.#table.open) this.#drawTable();
    });
  }

  #onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      this.#hideTip();
      return;
    }
    const targets: Record<string, number> = {
      ArrowLeft: this.#ply - 1,
      ArrowDown: this.#ply - 1,
      ArrowRight: this.#ply + 1,
      ArrowUp: this.#ply + 1,
      PageDown: this.#ply - PAGE,
      PageUp: this.#ply + PAGE,
      Home: 0,
      End: this.#data.moves.length,
    };
    const target = targets[event.key];
    if (target === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.#choose(Math.max(0, Math.min(this.#data.moves.length, target)));
    this.#showTip(this.#ply);
  }

  #choose(ply: number): void {
    if (ply === this.#ply) return;
    this.#ply = ply;
    this.#drawCursor();
    this.dispatchEvent(new CustomEvent("ply-chosen", { detail: { ply }, bubbles: true }));
  }

  #x(ply: number): string {
    return ((ply / Math.max(1, this.#data.moves.length)) * WIDTH).toFixed(1);
  }

  /** The first series that knows the value here. */
  #valueAt(ply: number): number {
    return this.#data.series.map(({ values }) => values[ply] ?? NaN).find(Number.isFinite) ?? NaN;
  }

  #draw(): void {
    const middle = HEIGHT / 2;
    const level = (y: number, name: string): SVGElement => svg("line", { class: name, x1: 0, x2: WIDTH, y1: y, y2: y });
    this.#svg.replaceChildren(
      svg("rect", { class: "ground", width: WIDTH, height: HEIGHT }),
      level(HEIGHT / 4, "grid"),
      level((3 * HEIGHT) / 4, "grid"),
      level(middle, "zero"),
      ...this.#data.series.flatMap((series, index) => this.#lines(series, index)),
      ...[...this.#dots()].map(([grade, dots]) => svg("path", { class: `grade ${grade}`, d: dots })),
      this.#hover,
    );
  }

  /** Path of the dots of each grade. */
  #dots(): Map<Grade, string> {
    const paths = new Map<Grade, string>();
    for (const { ply, grade } of this.#data.marks) {
      const value = this.#valueAt(ply);
      if (Number.isFinite(value)) paths.set(grade, `${paths.get(grade) ?? ""}M${this.#x(ply)} ${yOf(value)}h0.01`);
    }
    return paths;
  }

  /** The pieces of a line between gaps, and for the first series the areas below. */
  #lines({ values }: Series, index: number): SVGElement[] {
    const middle = HEIGHT / 2;
    const drawn: SVGElement[] = [];
    let run: string[] = [];
    let first = 0;
    const finish = (end: number): void => {
      if (run.length > 0) {
        const path = run.join("L");
        if (index === 0) drawn.push(svg("path", { class: "area", d: `M${this.#x(first)} ${middle}L${path}L${this.#x(end)} ${middle}Z` }));
        // A single point is drawn as a dot.
        drawn.push(svg("path", { class: `line series-${index}`, d: run.length > 1 ? `M${path}` : `M${path}h0.01` }));
      }
      run = [];
    };
    for (let ply = 0; ply <= this.#data.moves.length; ply++) {
      const value = values[ply] ?? NaN;
      if (!Number.isFinite(value)) {
        finish(ply - 1);
        continue;
      }
      if (run.length === 0) first = ply;
      run.push(`${this.#x(ply)} ${yOf(value)}`);
    }
    finish(this.#data.moves.length);
    return drawn;
  }

  #drawAlong(): void {
    const last = this.#data.moves.length;
    const ticks = last === 0 ? [0] : [...new Set([0, 0.25, 0.5, 0.75, 1].map((share) => Math.round(share * last)))];
    this.#along.replaceChildren(...ticks.map((ply) => element("span", "", String(ply))));
  }

  #drawLegend(): void {
    this.#legend.hidden = this.#data.series.length < 2;
    this.#legend.replaceChildren(
      ...this.#data.series.map(({ name }, index) => {
        const entry = element("span");
        entry.append(element("i", `sample-${index}`), name);
        return entry;
      }),
    );
  }

  #drawCursor(): void {
    const share = this.#ply / Math.max(1, this.#data.moves.length);
    this.#cursor.style.transform = `translateX(${(share * 100).toFixed(2)}%)`;
    this.#plot.setAttribute("aria-valuenow", String(this.#ply));
    this.#plot.setAttribute("aria-valuetext", this.#textAt(this.#ply));
  }

  #textAt(ply: number): string {
    const grade = this.#grades.get(ply);
    const known = this.#data.series.filter(({ values }) => Number.isFinite(values[ply]));
    return VALUE_GRAPH.point([
      VALUE_GRAPH.at(ply, this.#data.moves[ply - 1] ?? ""),
      ...(grade ? [GRADES[grade].name] : []),
      ...known.map(({ name, values }) => VALUE_GRAPH.chance(name, ((values[ply] ?? 0) + 1) / 2)),
    ]);
  }

  #showTip(ply: number): void {
    const x = this.#x(ply);
    this.#hover.setAttribute("x1", x);
    this.#hover.setAttribute("x2", x);
    this.#hover.setAttribute("visibility", "visible");
    write(this.#tip, this.#textAt(ply));
    this.#tip.hidden = false;
    const share = ply / Math.max(1, this.#data.moves.length);
    // The tip stays over the plot: its own share of its width lies left of the point.
    this.#tip.style.left = `${(share * 100).toFixed(1)}%`;
    this.#tip.style.transform = `translateX(-${(share * 100).toFixed(1)}%)`;
  }

  #hideTip(): void {
    this.#tip.hidden = true;
    this.#hover.setAttribute("visibility", "hidden");
  }

  #drawTable(): void {
    const { moves, series } = this.#data;
    const table = element("table");
    const head = element("tr");
    for (const text of [VALUE_GRAPH.ply, VALUE_GRAPH.move, ...series.map(({ name }) => name), VALUE_GRAPH.grade]) {
      const cell = element("th", "", text);
      cell.scope = "col";
      head.append(cell);
    }
    const body = element("tbody");
    for (let ply = 0; ply <= moves.length; ply++) {
      const row = element("tr");
      const name = element("th", "", String(ply));
      name.scope = "row";
      const grade = this.#grades.get(ply);
      row.append(name, element("td", "", moves[ply - 1] ?? VALUE_GRAPH.start));
      for (const { values } of series) {
        const value = values[ply] ?? NaN;
        row.append(element("td", "", Number.isFinite(value) ? percent((value + 1) / 2) : "–"));
      }
      row.append(element("td", "", grade ? GRADES[grade].name : ""));
      body.append(row);
    }
    const top = element("thead");
    top.append(head);
    table.append(top, body);
    this.#scroll.replaceChildren(table);
  }
}

const yOf = (value: number): string => ((1 - Math.max(-1, Math.min(1, value))) * 0.5 * HEIGHT).toFixed(1);

customElements.define("value-graph", ValueGraph);

declare global {
  interface HTMLElementTagNameMap {
    "value-graph": ValueGraph;
  }
}
