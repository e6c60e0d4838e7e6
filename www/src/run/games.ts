/** List of games with its filter and pages, and the matrix of who met whom. */

import { element } from "../parts/shadow";
import { byId, onPress, setEnabled } from "../parts/page";
import { reasonWord } from "../words/ends";
import { runWords as words } from "../words/run";
import { table } from "./chart";
import type { GameIndex } from "./format";
import { EVERYTHING, type Filter, type Order, PAGE, listed, matrixOf, namesInOrder } from "./library";
import { standingsTable } from "./strength";

/** Most players among which the filter lets choose by name. */
const MOST_CHOICES = 2000;
const ORDERS: readonly Order[] = ["number", "iteration", "black", "white", "result", "ending", "plies"];
const NUMBERS: ReadonlySet<Order> = new Set(["iteration", "plies"]);

export class GameList {
  readonly #holder = byId("games", HTMLDivElement);
  readonly #form = byId("filter", HTMLFormElement);
  readonly #found = byId("found", HTMLSpanElement);
  readonly #pairButton = byId("pair", HTMLButtonElement);
  readonly #now = byId("page-now", HTMLSpanElement);
  readonly #matrix = byId("matrix", HTMLDetailsElement);
  readonly #selects = {
    player: byId("filter-player", HTMLSelectElement),
    result: byId("filter-result", HTMLSelectElement),
    ending: byId("filter-ending", HTMLSelectElement),
  };
  readonly #bounds = {
    pliesFrom: byId("filter-plies-from", HTMLInputElement),
    pliesTo: byId("filter-plies-to", HTMLInputElement),
    iterationFrom: byId("filter-iteration-from", HTMLInputElement),
    iterationTo: byId("filter-iteration-to", HTMLInputElement),
  };
  readonly #pagers: readonly (readonly [HTMLButtonElement, () => number])[];
  readonly #open: (game: number) => void;
  #index: GameIndex | null = null;
  #filter: Filter = EVERYTHING;
  #order: Order = "number";
  #descending = false;
  #list: Uint32Array = new Uint32Array();
  #page = 0;
  #current: number | null = null;

  /** `open` is asked to open a game by its number. */
  constructor(open: (game: number) => void) {
    this.#open = open;
    const last = (): number => Math.max(0, Math.ceil(this.#list.length / PAGE) - 1);
    this.#pagers = [
      [byId("page-first", HTMLButtonElement), () => 0],
      [byId("page-back", HTMLButtonElement), () => Math.max(0, this.#page - 1)],
      [byId("page-next", HTMLButtonElement), () => Math.min(last(), this.#page + 1)],
      [byId("page-last", HTMLButtonElement), last],
    ];
    for (const [button, target] of this.#pagers) {
      onPress(button, () => {
        this.#page = target();
        this.#drawPage();
      });
    }
    this.#form.addEventListener("input", () => this.#refilter());
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    this.#form.addEventListener("reset", () => {
      this.#filter = EVERYTHING;
      // The fields have their first values after the event.
      setTimeout(() => this.#refilter());
    });
    this.#pairButton.addEventListener("click", () => {
      this.#filter = { ...this.#filter, pair: null };
      this.#refilter();
      this.#found.closest("p")?.scrollIntoView({ block: "nearest" });
    });
  }

  /** The open game, which the list marks; null for none. */
  set current(game: number | null) {
    this.#current = game;
    for (const row of this.#holder.querySelectorAll<HTMLElement>("tr[data-game]")) row.classList.toggle("current", Number(row.dataset["game"]) === game);
  }

  /** Shows the games of a set; null if it has none. With `same` it is the set shown before, grown: filter and page stay. */
  show(index: GameIndex | null, same: boolean): void {
    this.#index = index;
    byId("filter", HTMLFormElement).hidden = index === null;
    byId("standings", HTMLDivElement).replaceChildren(...(index ? [standingsTable(index)].filter((made) => made !== null) : []));
    if (!index) {
      this.#matrix.hidden = true;
      this.#list = new Uint32Array();
      this.#drawPage();
      return;
    }
    if (!same) {
      this.#filter = EVERYTHING;
      this.#form.reset();
      [this.#order, this.#descending, this.#page] = ["number", false, 0];
    }
    this.#fillSelects(index);
    this.#drawMatrix(index);
    this.#refilter(same);
  }

  #fillSelects(index: GameIndex): void {
    const places = namesInOrder(index.players);
    const players = index.players.map((_, player) => player).sort((a, b) => (places[a] ?? 0) - (places[b] ?? 0)).slice(0, MOST_CHOICES);
    const seen = new Set(index.ending);
    fill(this.#selects.player, players.map((player) => [player, index.players[player] ?? ""]));
    fill(this.#selects.result, words.gameResults.map((name, result) => [result, name] as const));
    fill(this.#selects.ending, index.endings.map((id, ending) => [ending, endingWord(id)] as const).filter(([ending]) => seen.has(ending)));
  }

  #refilter(stay = false): void {
    if (!this.#index) return;
    const chosen = ({ value }: HTMLSelectElement): number | null => (value === "" ? null : Number(value));
    const bound = ({ valueAsNumber }: HTMLInputElement): number | null => (Number.isFinite(valueAsNumber) ? valueAsNumber : null);
    const { player, result, ending } = this.#selects;
    const { pliesFrom, pliesTo, iterationFrom, iterationTo } = this.#bounds;
    this.#filter = {
      pair: this.#filter.pair,
      player: chosen(player), result: chosen(result), ending: chosen(ending),
      pliesFrom: bound(pliesFrom), pliesTo: bound(pliesTo), iterationFrom: bound(iterationFrom), iterationTo: bound(iterationTo),
    };
    this.#list = listed(this.#index, this.#filter, this.#order, this.#descending);
    if (!stay) this.#page = 0;
    this.#drawPage();
  }

  #showPair(row: number, column: number): void {
    this.#filter = { ...EVERYTHING, pair: [row, column] };
    this.#form.reset();
    // The reset's own answer comes later and would take the pair away.
    setTimeout(() => {
      this.#filter = { ...EVERYTHING, pair: [row, column] };
      this.#refilter();
      this.#pairButton.focus({ preventScroll: true });
      this.#found.closest("p")?.scrollIntoView({ block: "start", behavior: "auto" });
    });
  }

  #drawMatrix(index: GameIndex): void {
    const { players, cell, all } = matrixOf(index);
    this.#matrix.hidden = false;
    const name = (player: number): string => index.players[player] ?? "";
    const rows = players.map((row) => [name(row), ...players.map(() => "")]);
    const region = table(words.matrix, [words.opponents, ...players.map(name)], rows);
    region.querySelector("table")?.classList.add("matrix");
    const lines = region.querySelectorAll("tbody tr");
    for (const [at, row] of players.entries()) {
      const cells = lines[at]?.querySelectorAll("td") ?? [];
      for (const [to, column] of players.entries()) {
        const found = cell(row, column);
        const place = cells[to];
        if (!place) continue;
        if (!found) {
          place.className = "none";
          place.textContent = "–";
          continue;
        }
        const { wins, draws, losses } = found;
        const counts = `${wins}–${draws}–${losses}`;
        const button = element("button", "", counts);
        button.type = "button";
        button.setAttribute("aria-label", `${counts}, ${words.cell(name(row), name(column), wins, draws, losses)}`);
        button.style.setProperty("--share", ((wins + draws / 2) / (wins + draws + losses)).toFixed(2));
        button.addEventListener("click", () => this.#showPair(row, column));
        place.append(button);
      }
    }
    const notes = [element("p", "muted small", words.matrix), ...(players.length < all ? [element("p", "muted small", words.matrixCut(players.length, all))] : [])];
    byId("matrix-table", HTMLDivElement).replaceChildren(...notes, region);
  }

  #drawPage(): void {
    const index = this.#index;
    const pages = Math.max(1, Math.ceil(this.#list.length / PAGE));
    this.#page = Math.min(this.#page, pages - 1);
    const all = index?.black.length ?? 0;
    this.#found.textContent = all === 0 ? words.noGames : words.found(this.#list.length, all);
    const pair = this.#filter.pair;
    this.#pairButton.hidden = !pair || !index;
    if (pair && index) {
      this.#pairButton.textContent = `${words.pair(index.players[pair[0]] ?? "", index.players[pair[1]] ?? "")} ✕`;
    }
    this.#now.textContent = words.page(this.#page + 1, pages);
    for (const [at, [button]] of this.#pagers.entries()) setEnabled(button, at < 2 ? this.#page > 0 : this.#page < pages - 1);
    const focused = this.#holder.contains(document.activeElement) ? (document.activeElement as HTMLElement).dataset["order"] : undefined;
    if (!index || all === 0) return this.#holder.replaceChildren();
    const shown = Array.from(this.#list.subarray(this.#page * PAGE, (this.#page + 1) * PAGE));
    const name = (player: number | undefined): string => index.players[player ?? 0] ?? "";
    const rows = shown.map((game) => [
      "", String(index.iteration[game] ?? 0), name(index.black[game]), name(index.white[game]), words.gameResults[index.result[game] ?? 3] ?? "",
      endingWord(index.endings[index.ending[game] ?? 0] ?? ""), String(index.plies[game] ?? 0),
    ]);
    const region = table(words.gamesTable, ORDERS.map(() => ""), rows);
    region.querySelector("table")?.classList.add("games-table");
    for (const [at, cell] of region.querySelectorAll<HTMLElement>("thead th").entries()) this.#drawHead(cell, ORDERS[at] ?? "number");
    for (const [at, row] of region.querySelectorAll<HTMLElement>("tbody tr").entries()) {
      const game = shown[at] ?? 0;
      row.dataset["game"] = String(game);
      row.classList.toggle("current", game === this.#current);
      const button = element("button", "", String(game + 1));
      button.type = "button";
      button.setAttribute("aria-label", words.openGame(game + 1));
      button.addEventListener("click", () => this.#open(game));
      row.firstElementChild?.append(button);
      for (const column of NUMBERS) row.children[ORDERS.indexOf(column)]?.classList.add("number");
    }
    this.#holder.replaceChildren(region);
    if (focused !== undefined) region.querySelector<HTMLElement>(`[data-order="${focused}"]`)?.focus();
  }

  #drawHead(cell: HTMLElement, order: Order): void {
    const button = element("button", "", words.gameColumns[order]);
    button.type = "button";
    button.dataset["order"] = order;
    if (NUMBERS.has(order)) cell.classList.add("number");
    cell.setAttribute("aria-sort", order === this.#order ? (this.#descending ? "descending" : "ascending") : "none");
    button.addEventListener("click", () => {
      this.#descending = order === this.#order && !this.#descending;
      this.#order = order;
      this.#refilter();
    });
    cell.append(button);
  }
}

const endingWord = (id: string): string => (id === "unfinished" ? words.unfinished : reasonWord(id));

/** Fills a select with numbered choices after "any"; what was chosen stays chosen. */
function fill(select: HTMLSelectElement, choices: readonly (readonly [number, string])[]): void {
  const chosen = select.value;
  select.replaceChildren(new Option(words.any, ""), ...choices.map(([value, name]) => new Option(name, String(value))));
  select.value = chosen;
  if (select.selectedIndex < 0) select.value = "";
}
