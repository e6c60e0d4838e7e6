import type { Color } from "../board/geometry";
import { decimal } from "../words";
import { rewrite, write } from "../words/mixed";
import { CANDIDATES, SIDES, percent } from "../words/parts";
import { type LineMove, LinePreview } from "./lines";
import { Roving } from "./roving";
import { element, shadow, sheet } from "./shadow";

const css = sheet(`
  :host { display: block; font-size: 0.86rem; }
  table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
  th, td { text-align: right; padding: 1px 3px; font-weight: 400; white-space: nowrap; }
  th:first-child, td:first-child { text-align: left; }
  thead th { color: var(--muted); font-size: 0.92em; border-bottom: 1px solid var(--rule); }
  abbr { text-decoration: none; cursor: help; }
  .line { text-align: left; white-space: normal; padding-bottom: 5px; border-bottom: 1px solid var(--rule); color: var(--muted); }
  button { all: unset; box-sizing: border-box; cursor: pointer; min-height: 24px; min-width: 24px; padding: 2px 4px; border-radius: 5px; line-height: 1.4; }
  button:hover, button.shown { background: var(--rule); color: var(--ink); }
  button:focus-visible { outline: 3px solid var(--focus); outline-offset: -2px; }
  .move button { font-weight: 600; padding-left: 6px; }
  .played .move button { text-decoration: underline; text-underline-offset: 3px; }
  .bar { display: block; height: 4px; border-radius: 2px; background: var(--rule); overflow: hidden; }
  .bar span { display: block; height: 100%; background: var(--accent); }
  .proof { color: var(--accent); padding-left: 4px; }
  .empty { color: var(--muted); margin: 0; }
  @media (forced-colors: active) { .bar span { background: Highlight; forced-color-adjust: none; } .bar { border: 1px solid CanvasText; } }
`);

/** Candidate move with what the network and the search hold of it. */
export interface CandidateRow {
  usi: string;
  text: string;
  /** P: probability by the policy. */
  prior: number;
  /** N: visits of the search; 0 without one. */
  visits: number;
  /** Q: value for the side that plays the move, -1..1; undefined without a visit. */
  value?: number | undefined;
  /** U: the search's exploration bonus; undefined without a search. */
  bonus?: number | undefined;
  /** Result that the search has proved for the side that plays the move. */
  proof?: "win" | "draw" | "loss" | undefined;
  /** Expected line, the candidate first. */
  line: readonly LineMove[];
}

/** What else the list needs to know of the position. */
export interface CandidateContext {
  /** The side to move. */
  turn: Color;
  /** The move that was played in the game, if there is one. */
  played?: string | undefined;
}

interface Row {
  numbers: HTMLTableRowElement;
  line: HTMLTableRowElement;
  move: HTMLButtonElement;
  proof: HTMLSpanElement;
  cells: Record<"visits" | "prior" | "value" | "bonus", HTMLTableCellElement>;
  fill: HTMLSpanElement;
  steps: HTMLTableCellElement;
  buttons: HTMLButtonElement[];
  text: string;
}

/**
 * `<candidate-list>`: candidate moves with N, P, Q and U, each with its line.
 *
 * A move under the pointer or with the focus sends `line-preview` (null ends it, also Escape), a click or Enter `line-chosen`.
 * While a preview is shown the rows keep their places and lines, and only their numbers change.
 */
export class CandidateList extends HTMLElement {
  readonly #table = element("table");
  readonly #body = element("tbody");
  readonly #side = element("abbr");
  readonly #empty = element("p", "empty", CANDIDATES.empty);
  readonly #roving: Roving;
  readonly #preview: LinePreview;
  readonly #moves = new WeakMap<HTMLElement, readonly string[]>();
  #rows = new Map<string, Row>();
  /** Whether the row that had the focus is gone: the next first row gets it, unless the user went elsewhere. */
  #focusLost = false;

  constructor() {
    super();
    const root = shadow(this, css);
    this.#table.setAttribute("aria-label", CANDIDATES.name);
    const head = element("tr");
    const titled = (text: string, title: string, abbr = element("abbr")): HTMLTableCellElement => {
      const cell = element("th");
      cell.scope = "col";
      abbr.textContent = text;
      abbr.title = title;
      cell.append(abbr);
      return cell;
    };
    const move = element("th", "", CANDIDATES.move);
    move.scope = "col";
    head.append(
      move,
      titled(CANDIDATES.visits, CANDIDATES.visitsTitle),
      titled(CANDIDATES.prior, CANDIDATES.priorTitle),
      titled(CANDIDATES.value, CANDIDATES.valueTitle(SIDES[0]), this.#side),
      titled(CANDIDATES.bonus, CANDIDATES.bonusTitle),
    );
    const top = element("thead");
    top.append(head);
    this.#table.append(top, this.#body);
    root.append(this.#table, this.#empty);
    this.#roving = new Roving(root, () => [...this.#rows.values()].map(({ move, buttons }) => [move, ...buttons]));
    this.#preview = new LinePreview(this, root, (button) => this.#moves.get(button));
    this.show([], { turn: 0 });
  }

  /** Shows these candidates, the best first. */
  show(candidates: readonly CandidateRow[], { turn, played }: CandidateContext): void {
    this.#side.title = CANDIDATES.valueTitle(SIDES[turn]);
    this.#table.hidden = candidates.length === 0;
    this.#empty.hidden = candidates.length > 0;
    const held = this.#preview.active;
    const wanted = new Map(candidates.map((candidate) => [candidate.usi, candidate]));
    for (const [usi, row] of this.#rows) {
      if (wanted.has(usi)) continue;
      this.#focusLost ||= [row.move, ...row.buttons].some((button) => button === this.shadowRoot?.activeElement);
      row.numbers.remove();
      row.line.remove();
      this.#rows.delete(usi);
    }
    if (held && this.#rows.size === 0) this.#preview.end();
    const total = candidates.reduce((sum, { visits }) => sum + visits, 0);
    for (const candidate of candidates) {
      let row = this.#rows.get(candidate.usi);
      if (!row) {
        row = this.#made(candidate);
        this.#rows.set(candidate.usi, row);
        this.#body.append(row.numbers, row.line);
      }
      this.#fill(row, candidate, total, candidate.usi === played, held);
    }
    if (!held) this.#sort(candidates);
    this.#roving.refresh();
    this.#restoreFocus();
  }

  #restoreFocus(): void {
    if (!this.#focusLost || this.#rows.size === 0) return;
    this.#focusLost = false;
    if (document.activeElement === document.body || document.activeElement === this) {
      this.#preview.focusQuietly([...this.#rows.values()][0]?.move);
    }
  }

  #made({ usi, text }: CandidateRow): Row {
    const cell = (): HTMLTableCellElement => element("td");
    const row: Row = {
      numbers: element("tr"),
      line: element("tr"),
      move: element("button"),
      proof: element("span", "proof"),
      cells: { visits: cell(), prior: cell(), value: cell(), bonus: cell() },
      fill: element("span"),
      steps: element("td", "line"),
      buttons: [],
      text: "",
    };
    row.move.type = "button";
    write(row.move, text);
    row.numbers.dataset["usi"] = usi;
    this.#moves.set(row.move, [usi]);
    const name = element("td", "move");
    const bar = element("span", "bar");
    bar.append(row.fill);
    bar.setAttribute("aria-hidden", "true");
    name.append(row.move, row.proof, bar);
    row.numbers.append(name, row.cells.visits, row.cells.prior, row.cells.value, row.cells.bonus);
    row.steps.colSpan = 5;
    row.line.append(row.steps);
    return row;
  }

  #fill(row: Row, candidate: CandidateRow, total: number, played: boolean, held: boolean): void {
    const set = (target: HTMLElement, text: string): void => {
      rewrite(target, text);
    };
    row.numbers.classList.toggle("played", played);
    if (played) row.move.title = CANDIDATES.played;
    else row.move.removeAttribute("title");
    set(row.move, candidate.text);
    set(row.proof, candidate.proof ? CANDIDATES.proofs[candidate.proof] : "");
    set(row.cells.visits, total > 0 ? decimal(candidate.visits) : "–");
    set(row.cells.prior, percent(candidate.prior));
    set(row.cells.value, candidate.value === undefined ? "–" : percent((candidate.value + 1) / 2));
    set(row.cells.bonus, candidate.bonus === undefined ? "–" : candidate.bonus.toFixed(2));
    const share = total > 0 ? candidate.visits / total : candidate.prior;
    row.fill.style.width = `${(share * 100).toFixed(1)}%`;
    const line = candidate.line.map(({ usi }) => usi).join(" ");
    if (line === row.text || (held && row.text !== "")) return;
    row.text = line;
    this.#fillLine(row, candidate.line);
  }

  /** Reuses the buttons of the old line, so that the focus stays. */
  #fillLine(row: Row, line: readonly LineMove[]): void {
    const rest = line.slice(1);
    while (row.buttons.length > rest.length) row.buttons.pop()?.remove();
    while (row.buttons.length < rest.length) {
      const button = element("button");
      button.type = "button";
      button.tabIndex = -1;
      row.buttons.push(button);
      row.steps.append(button);
    }
    row.buttons.forEach((button, index) => {
      write(button, rest[index]?.text ?? "");
      this.#moves.set(button, line.slice(0, index + 2).map(({ usi }) => usi));
    });
    row.line.hidden = rest.length === 0;
  }

  #sort(candidates: readonly CandidateRow[]): void {
    const order = candidates.map(({ usi }) => usi);
    if (order.join() === [...this.#rows.keys()].join()) return;
    const active = (this.shadowRoot?.activeElement ?? null) as HTMLElement | null;
    const sorted = new Map<string, Row>();
    for (const usi of order) {
      const row = this.#rows.get(usi);
      if (!row) continue;
      sorted.set(usi, row);
      this.#body.append(row.numbers, row.line);
    }
    this.#rows = sorted;
    // A row that is moved loses the focus. A preview that the user ended stays ended.
    if (active && this.shadowRoot?.activeElement !== active) this.#preview.focusQuietly(active);
  }
}

customElements.define("candidate-list", CandidateList);

declare global {
  interface HTMLElementTagNameMap {
    "candidate-list": CandidateList;
  }
}
