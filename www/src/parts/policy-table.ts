import { POLICY_TABLE, exactPercent, percent } from "../words/parts";
import { LinePreview } from "./lines";
import { Roving } from "./roving";
import { element, shadow, sheet } from "./shadow";

const css = sheet(`
  :host { display: grid; gap: 6px; font-size: 0.86rem; }
  table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
  th, td { text-align: right; padding: 1px 3px; font-weight: 400; white-space: nowrap; }
  th:first-child, td:first-child { text-align: left; }
  thead th { color: var(--muted); border-bottom: 1px solid var(--rule); }
  .bar { width: 40%; }
  .bar span { display: block; height: 6px; border-radius: 3px; background: var(--accent); min-width: 1px; }
  button { all: unset; box-sizing: border-box; cursor: pointer; min-height: 24px; min-width: 24px; padding: 1px 6px; border-radius: 5px; }
  button:hover { background: var(--rule); }
  button:focus-visible { outline: 3px solid var(--focus); outline-offset: -2px; }
  .more { color: var(--accent); text-decoration: underline; text-underline-offset: 2px; justify-self: start; }
  .empty { color: var(--muted); margin: 0; }
  @media (forced-colors: active) { .bar span { background: Highlight; forced-color-adjust: none; } }
`);

/** Rows that are shown until the user asks for all. */
const FEW = 8;

/** Legal move with its probability by the policy. */
export interface PolicyEntry {
  usi: string;
  text: string;
  probability: number;
}

/**
 * `<policy-table>`: the legal moves with their probabilities, the most probable first; of one piece, if the page chooses one.
 *
 * It sends `line-preview` and `line-chosen` as `<candidate-list>` does.
 */
export class PolicyTable extends HTMLElement {
  readonly #table = element("table");
  readonly #body = element("tbody");
  readonly #share = element("th", "", POLICY_TABLE.piece);
  readonly #more = element("button", "more");
  readonly #empty = element("p", "empty", POLICY_TABLE.empty);
  readonly #roving: Roving;
  readonly #preview: LinePreview;
  readonly #moves = new WeakMap<HTMLElement, readonly string[]>();
  #entries: readonly PolicyEntry[] = [];
  #origin: string | null = null;
  #all = false;
  /** Whether the row that had the focus is gone: the next first row gets it, unless the user went elsewhere. */
  #focusLost = false;

  constructor() {
    super();
    const root = shadow(this, css);
    this.#table.setAttribute("aria-label", POLICY_TABLE.name);
    const head = element("tr");
    const column = (cell: HTMLTableCellElement): HTMLTableCellElement => {
      cell.scope = "col";
      return cell;
    };
    head.append(column(element("th", "", POLICY_TABLE.move)), column(element("th", "", POLICY_TABLE.all)), column(this.#share), element("td"));
    const top = element("thead");
    top.append(head);
    this.#table.append(top, this.#body);
    this.#more.type = "button";
    this.#more.addEventListener("click", () => {
      this.#all = !this.#all;
      this.#draw();
    });
    root.append(this.#table, this.#more, this.#empty);
    this.#roving = new Roving(root, () => [...this.#body.querySelectorAll("button")].map((button) => [button]));
    this.#preview = new LinePreview(this, root, (button) => this.#moves.get(button));
    this.#draw();
  }

  /** Shows these moves; with `origin` (a square such as `7g`, or a hand piece such as `P*`) only those of one piece. */
  show(entries: readonly PolicyEntry[], origin: string | null = null): void {
    // A search tells the same policy over and over; the rows under the user's pointer stay.
    if (origin === this.#origin && same(entries, this.#entries)) return;
    this.#entries = entries;
    this.#origin = origin;
    this.#draw();
  }

  #draw(): void {
    const origin = this.#origin;
    const chosen = this.#entries
      .filter(({ usi }) => origin === null || usi.startsWith(origin))
      .toSorted((a, b) => b.probability - a.probability);
    const sum = chosen.reduce((total, { probability }) => total + probability, 0);
    const shown = this.#all ? chosen : chosen.slice(0, FEW);
    const most = chosen[0]?.probability ?? 1;
    this.#share.hidden = origin === null;
    this.#focusLost ||= this.#body.contains(this.shadowRoot?.activeElement ?? null);
    this.#preview.end();
    this.#body.replaceChildren(
      ...shown.map(({ usi, text, probability }) => {
        const row = element("tr");
        row.dataset["usi"] = usi;
        const button = element("button", "", text);
        button.type = "button";
        button.tabIndex = -1;
        this.#moves.set(button, [usi]);
        const move = element("td");
        move.append(button);
        const bar = element("td", "bar");
        const fill = element("span");
        fill.style.width = `${((probability / Math.max(most, 1e-9)) * 100).toFixed(1)}%`;
        bar.append(fill);
        const share = element("td", "", percent(sum > 0 ? probability / sum : 0));
        share.hidden = origin === null;
        row.append(move, element("td", "", exactPercent(probability)), share, bar);
        return row;
      }),
    );
    this.#table.hidden = chosen.length === 0;
    this.#empty.hidden = chosen.length > 0;
    this.#more.hidden = chosen.length <= FEW;
    this.#more.textContent = this.#all ? POLICY_TABLE.fewer : POLICY_TABLE.more(chosen.length);
    this.#more.setAttribute("aria-expanded", String(this.#all));
    this.#roving.refresh();
    if (!this.#focusLost || shown.length === 0) return;
    this.#focusLost = false;
    if (document.activeElement === document.body) this.#preview.focusQuietly(this.#body.querySelector("button") ?? undefined);
  }
}

const same = (a: readonly PolicyEntry[], b: readonly PolicyEntry[]): boolean =>
  a === b ||
  (a.length === b.length &&
    a.every(({ usi, probability }, index) => usi === b[index]?.usi && Math.abs(probability - b[index].probability) < 1e-4));

customElements.define("policy-table", PolicyTable);

declare global {
  interface HTMLElementTagNameMap {
    "policy-table": PolicyTable;
  }
}
