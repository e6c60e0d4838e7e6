/**
 * Chart of several lines over one abscissa, by uPlot: hover, zoom by dragging, the keys of a slider, and the same numbers as text and
 * as a table.
 */

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { element } from "../parts/shadow";
import { type Abscissa, duration, runWords as words, short } from "../words/run";

type Column = readonly (number | null)[];

/** A line of a chart. */
export interface Line {
  name: string;
  /** Number of its colour and dashes. */
  style: number;
  x: readonly number[];
  y: Column;
  /** Values behind a smoothed line. */
  raw: Column | null;
  /** Bounds: a band around a line, or, of a chart with intervals, each a bar, where null is an open end. */
  low: Column | null;
  high: Column | null;
}

export interface ChartData {
  abscissa: Abscissa;
  lines: readonly Line[];
  /** First place of the abscissa that is shown; null for all. */
  from: number | null;
}

/** Colours and dashes that tell lines apart; the colours are the custom properties `--line-0` … of run.css. */
const STYLES = 8;
const DASHES: readonly (readonly number[])[] = [[], [8, 4], [2, 3], [10, 3, 2, 3], [5, 2], [1, 4], [12, 4, 4, 4], [3, 6]];
const HEIGHT = 190;
/** Most rows of a table; of more values it has their means. */
const MOST_ROWS = 60;
/** Step of Page Up and Page Down, as a share of the points. */
const LEAP = 0.1;
const GROUP = "runs";

/** Class of a sample of a line's style, drawn by run.css. */
export const styleClass = (style: number): string => `line-style line-style-${style % STYLES}`;

const property = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A colour as a canvas takes it: custom properties may hold `light-dark(…)`. */
function canvasColor(name: string): string {
  if (matchMedia("(forced-colors: active)").matches) return "CanvasText";
  const probe = element("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color || property(name);
}

const place = (abscissa: Abscissa, value: number): string => (abscissa === "seconds" ? duration(value) : short(value));

export class Chart {
  readonly element = element("figure", "chart");
  readonly #title: string;
  readonly #plot = element("div", "plot");
  readonly #reading = element("output", "reading");
  readonly #legend = element("ul", "legend");
  readonly #table = element("details");
  readonly #intervals: boolean;
  #data: ChartData = { abscissa: "iteration", lines: [], from: null };
  #joined: uPlot.AlignedData = [[]];
  /** Number of each line's values among the joined columns. */
  #columns: readonly number[] = [];
  #uplot: uPlot | null = null;
  #index = -1;
  #visible = false;
  #width = 0;
  #drawnForm = "";
  /** Whether the user has chosen a part by dragging. */
  #zoomed = false;

  /** With `intervals` bounds are bars at the points, otherwise bands. */
  constructor(title: string, about: string, intervals = false) {
    this.#title = title;
    this.#intervals = intervals;
    const heading = element("h3", "", title);
    const caption = element("figcaption", "muted small", about);
    this.#plot.tabIndex = 0;
    this.#plot.setAttribute("role", "slider");
    this.#plot.setAttribute("aria-label", title);
    this.#plot.setAttribute("aria-valuemin", "0");
    this.#reading.setAttribute("aria-hidden", "true");
    this.#legend.hidden = true;
    this.#table.append(element("summary", "", words.tableOf(title)));
    this.element.append(heading, this.#plot, this.#reading, this.#legend, caption, this.#table);
    this.#plot.addEventListener("keydown", (event) => this.#onKey(event));
    this.#table.addEventListener("toggle", () => {
      if (this.#table.open) this.#drawTable();
    });
    // Charts that nobody sees yet cost nothing.
    new IntersectionObserver(([entry]) => {
      this.#visible = entry?.isIntersecting ?? true;
      if (this.#visible && !this.#uplot) this.#draw();
    }, { rootMargin: "300px" }).observe(this.#plot);
    new ResizeObserver(() => {
      const width = this.#plot.clientWidth;
      if (width === this.#width || !this.#uplot) return;
      this.#width = width;
      this.#uplot.setSize({ width, height: HEIGHT });
    }).observe(this.#plot);
  }

  show(data: ChartData): void {
    this.#data = data;
    const tables = data.lines.map((line) => [line.x, line.y, ...this.#extras(line)] as unknown as uPlot.AlignedData);
    let column = 1;
    this.#columns = tables.map((table) => {
      const first = column;
      column += table.length - 1;
      return first;
    });
    this.#joined = tables.length === 0 ? [[]] : uPlot.join(tables);
    const last = this.#length - 1;
    if (this.#index < 0 || this.#index > last || !this.#plot.matches(":focus")) this.#index = last;
    this.#plot.setAttribute("aria-valuemax", String(Math.max(0, last)));
    this.#tell(this.#index);
    this.#drawLegend();
    if (this.#table.open) this.#drawTable();
    if (!this.#visible) this.#forget();
    else if (this.#uplot && this.#form === this.#drawnForm) {
      // The same lines, grown: the cursor and what the user has zoomed to stay.
      this.#uplot.setData(this.#joined, !this.#zoomed);
      if (this.#zoomed) this.#uplot.redraw();
      else this.#fit();
    } else this.#draw();
  }

  /** Everything that a drawing is made for, apart from the values. */
  get #form(): string {
    const { abscissa, lines, from } = this.#data;
    return JSON.stringify([abscissa, from === null, lines.map((line) => [line.style, line.raw !== null, line.low !== null]), this.#length === 0]);
  }

  /** Shows the part of the abscissa that is asked for. */
  #fit(): void {
    const { from } = this.#data;
    const last = this.#joined[0].at(-1) ?? 0;
    if (from !== null && from < last) this.#uplot?.setScale("x", { min: from, max: last });
  }

  /** Draws again, in the colours that hold now. */
  redraw(): void {
    this.#forget();
    if (this.#visible) this.#draw();
  }

  get #length(): number {
    return this.#joined[0].length;
  }

  #extras(line: Line): Column[] {
    const extras = line.raw ? [line.raw] : [];
    return line.low && line.high ? [...extras, line.low, line.high] : extras;
  }

  #forget(): void {
    this.#uplot?.destroy();
    this.#uplot = null;
  }

  #draw(): void {
    this.#forget();
    this.#drawnForm = this.#form;
    this.#zoomed = false;
    this.#width = this.#plot.clientWidth;
    if (this.#length === 0 || this.#width === 0) {
      this.#plot.replaceChildren(...(this.#length === 0 ? [element("p", "muted small", words.none)] : []));
      return;
    }
    this.#plot.replaceChildren();
    const [ink, rule] = [canvasColor("--muted"), canvasColor("--rule")];
    const series: uPlot.Series[] = [{}];
    const bands: uPlot.Band[] = [];
    for (const line of this.#data.lines) {
      const style = line.style % STYLES;
      const stroke = canvasColor(`--line-${style}`);
      const dash = [...(DASHES[style] ?? [])];
      const points = { show: this.#intervals || line.x.length === 1, size: 7, fill: stroke };
      series.push({ stroke, width: 1.75, dash, spanGaps: true, points });
      if (line.raw) series.push({ stroke, width: 1, alpha: 0.3, spanGaps: true, points: { show: false } });
      if (!line.low || !line.high) continue;
      if (!this.#intervals) bands.push({ series: [series.length + 1, series.length], fill: translucent(stroke) });
      for (let bound = 0; bound < 2; bound++) series.push({ stroke: "transparent", width: 0, spanGaps: true, points: { show: false } });
    }
    const { abscissa } = this.#data;
    const axis = { stroke: ink, font: "12px system-ui, sans-serif", grid: { stroke: rule, width: 1 }, ticks: { stroke: rule, width: 1 } };
    this.#uplot = new uPlot({
      width: this.#width,
      height: HEIGHT,
      series,
      bands,
      legend: { show: false },
      scales: {
        x: { time: false, range: (_, low, high) => (high > low ? [low, high] : [low - 1, low + 1]) },
        y: { range: (_, low, high) => padded(low, high) },
      },
      axes: [
        { ...axis, values: (_, ticks) => ticks.map((tick) => place(abscissa, tick)), space: 64 },
        { ...axis, values: (_, ticks) => ticks.map(short), size: 62 },
      ],
      cursor: { sync: { key: `${GROUP}-${abscissa}`, scales: ["x", null] }, drag: { x: true, y: false }, points: { size: 8 } },
      hooks: {
        setCursor: [(uplot) => this.#tell(uplot.cursor.idx ?? this.#index)],
        setSelect: [({ select }) => (this.#zoomed = select.width > 0)],
        draw: this.#intervals ? [(uplot) => this.#drawIntervals(uplot)] : [],
      },
    }, this.#joined, this.#plot);
    this.#uplot.over.addEventListener("dblclick", () => (this.#zoomed = false));
    this.#fit();
  }

  #drawIntervals(uplot: uPlot): void {
    const { ctx, bbox } = uplot;
    const pixels = devicePixelRatio;
    ctx.save();
    ctx.lineWidth = 1.5 * pixels;
    for (const [number, line] of this.#data.lines.entries()) {
      if (!line.low || !line.high) continue;
      ctx.strokeStyle = canvasColor(`--line-${line.style % STYLES}`);
      const first = (this.#columns[number] ?? 0) + 1 + (line.raw ? 1 : 0);
      for (const [at, x] of this.#joined[0].entries()) {
        const [value, low, high] = [first - 1, first, first + 1].map((column) => this.#joined[column]?.[at]);
        if (value === undefined && low === undefined && high === undefined) continue;
        if ((value ?? null) === null && (low ?? null) === null && (high ?? null) === null) continue;
        const left = uplot.valToPos(x, "x", true);
        const top = high == null ? bbox.top : Math.max(bbox.top, uplot.valToPos(high, "y", true));
        const bottom = low == null ? bbox.top + bbox.height : Math.min(bbox.top + bbox.height, uplot.valToPos(low, "y", true));
        const wing = 3 * pixels;
        ctx.beginPath();
        ctx.moveTo(left, top);
        ctx.lineTo(left, bottom);
        // A stroke across at a bound, an arrow at an open end.
        for (const [end, bound, inward] of [[top, high, wing], [bottom, low, -wing]] as const) {
          ctx.moveTo(left - wing, bound == null ? end + inward : end);
          ctx.lineTo(left, end);
          ctx.lineTo(left + wing, bound == null ? end + inward : end);
        }
        ctx.stroke();
      }
    }
    ctx.restore();
  }

  /** Values at a place of the abscissa in words. */
  #textAt(index: number): string {
    const x = this.#joined[0][index];
    if (x === undefined) return words.none;
    const told = this.#data.lines.flatMap((line, number) => {
      const column = this.#columns[number] ?? 0;
      const value = this.#joined[column]?.[index] ?? null;
      const bounds = line.low && line.high ? [1, 2].map((further) => this.#joined[column + further + (line.raw ? 1 : 0)]?.[index] ?? null) : [];
      if (value === null && bounds.every((bound) => bound === null)) return [];
      const interval = bounds.length === 2 ? ` (${words.range(...(bounds.map((bound) => short(bound).replace("–", "…")) as [string, string]))})` : "";
      return [`${this.#data.lines.length > 1 ? `${line.name} ` : ""}${short(value)}${interval}`];
    });
    return [words.at(this.#data.abscissa, x), ...told].join(" · ");
  }

  #tell(index: number): void {
    const text = this.#textAt(index);
    this.#reading.textContent = text;
    this.#plot.setAttribute("aria-valuenow", String(Math.max(0, index)));
    this.#plot.setAttribute("aria-valuetext", text);
  }

  #onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const last = this.#length - 1;
    const leap = Math.max(1, Math.round(LEAP * last));
    const target = {
      ArrowLeft: this.#index - 1, ArrowDown: this.#index - 1, ArrowRight: this.#index + 1, ArrowUp: this.#index + 1,
      PageDown: this.#index - leap, PageUp: this.#index + leap, Home: 0, End: last,
    }[event.key];
    if (target === undefined || last < 0) return;
    event.preventDefault();
    this.#index = Math.max(0, Math.min(last, target));
    const uplot = this.#uplot;
    const x = this.#joined[0][this.#index] ?? 0;
    if (uplot) uplot.setCursor({ left: uplot.valToPos(x, "x"), top: uplot.over.clientHeight / 2 });
    this.#tell(this.#index);
  }

  #drawLegend(): void {
    this.#legend.hidden = !this.#intervals || this.#data.lines.length < 2;
    this.#legend.replaceChildren(...this.#data.lines.map((line) => {
      const entry = element("li");
      entry.append(element("span", styleClass(line.style)), line.name);
      return entry;
    }));
  }

  #drawTable(): void {
    const { abscissa, lines } = this.#data;
    const names = lines.flatMap((line) => (this.#intervals ? [line.name, words.strengthColumns.interval] : [line.name]));
    const body = this.#rows().map(([x, ...cells]) => [words.at(abscissa, x ?? 0), ...cells.map(short)]);
    const rows = this.#intervals ? body.map((row) => withIntervals(row)) : body;
    const save = element("button", "quiet", words.csv);
    save.type = "button";
    save.addEventListener("click", () => this.#save());
    const region = table(words.tableOf(this.#title), [words.abscissas[abscissa], ...names], rows);
    this.#table.replaceChildren(this.#table.firstElementChild ?? "", region, save);
  }

  /** Rows of the table: place, and for each line its value and, of a chart with intervals, its bounds. */
  #rows(): (number | null)[][] {
    const columns = this.#data.lines.flatMap((line, number) => {
      const first = this.#columns[number] ?? 0;
      return this.#intervals && line.low ? [first, first + 1, first + 2] : [first];
    });
    const parts = Math.min(this.#length, MOST_ROWS);
    return Array.from({ length: parts }, (_, part) => {
      const [from, to] = [part, part + 1].map((edge) => Math.floor((edge * this.#length) / parts)) as [number, number];
      const means = columns.map((column) => {
        const values = Array.from({ length: to - from }, (_, at) => this.#joined[column]?.[from + at]).filter((value) => typeof value === "number");
        return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
      });
      return [this.#joined[0][to - 1] ?? 0, ...means];
    });
  }

  /** All values as a file. */
  #save(): void {
    const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
    const columns = this.#data.lines.map((_, number) => this.#columns[number] ?? 0);
    const head = [this.#data.abscissa, ...this.#data.lines.map(({ name }) => quoted(name))].join(",");
    const rows = Array.from(this.#joined[0], (x, at) => [x, ...columns.map((column) => this.#joined[column]?.[at] ?? "")].join(","));
    const link = element("a");
    link.href = URL.createObjectURL(new Blob([[head, ...rows].join("\n"), "\n"], { type: "text/csv" }));
    link.download = `${this.#title}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
}

/** Value and bounds in one row, the bounds put together. */
function withIntervals([place = "", ...cells]: string[]): string[] {
  const groups = Array.from({ length: Math.ceil(cells.length / 3) }, (_, at) => cells.slice(3 * at, 3 * at + 3));
  return [place, ...groups.flatMap(([value = "", low = "", high = ""]) => [value, words.range(low.replace("–", "…"), high.replace("–", "…"))])];
}

/** Range of the ordinate: never so narrow that numbers between its ends could not be told apart. */
function padded(low: number | null, high: number | null): [number, number] {
  const [least, most] = [low ?? 0, high ?? 1];
  const size = Math.max(Math.abs(least), Math.abs(most));
  const room = most - least > 1e-9 * size + 1e-12 ? 0.06 * (most - least) : Math.max(0.1 * size, 1e-9);
  return [least - room, most + room];
}

const translucent = (color: string): string => color.replace(/^rgb\((.*)\)$/, "rgba($1, 0.16)");

/** A table in a region that scrolls; the first cell of each row names it. */
export function table(name: string, head: readonly string[], rows: readonly (readonly string[])[]): HTMLElement {
  const region = element("div", "scroll");
  region.tabIndex = 0;
  region.setAttribute("role", "region");
  region.setAttribute("aria-label", name);
  const made = element("table");
  const line = element("tr");
  for (const text of head) {
    const cell = element("th", "", text);
    cell.scope = "col";
    line.append(cell);
  }
  const top = element("thead");
  top.append(line);
  const body = element("tbody");
  for (const row of rows) {
    const shown = element("tr");
    for (const [at, text] of row.entries()) {
      const cell = element(at === 0 ? "th" : "td", "", text);
      if (cell instanceof HTMLTableCellElement && at === 0) cell.scope = "row";
      shown.append(cell);
    }
    body.append(shown);
  }
  made.append(top, body);
  region.append(made);
  return region;
}
