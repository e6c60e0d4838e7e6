/** Strength of the runs: scores in evaluations and ratings, each with its interval. */

import { type Abscissa, runWords as words } from "../words/run";
import { Chart, type Line, table } from "./chart";
import type { GameIndex, Story } from "./format";

/** A run's events, if they could be read. */
export interface ToldRun {
  name: string;
  style: number;
  story: Story;
}

/** Evaluations and ratings have no time of their own: over time they stand at their iteration. */
type Place = Exclude<Abscissa, "seconds">;

export class Strength {
  readonly #holder: HTMLElement;
  readonly #score = new Chart(words.score, words.scoreAbout, true);
  readonly #rating = new Chart(words.rating, words.ratingAbout, true);

  constructor(holder: HTMLElement) {
    this.#holder = holder;
  }

  redraw(): void {
    this.#score.redraw();
    this.#rating.redraw();
  }

  show(runs: readonly ToldRun[], abscissa: Abscissa): void {
    const place: Place = abscissa === "plies" ? "plies" : "iteration";
    const several = runs.length > 1;
    const scores = grouped(runs, ({ story }) => story.evaluations, ({ opponent }) => words.against(opponent), several, (entry) => entry.score, place);
    const ratings = grouped(runs, ({ story }) => story.ratings, ({ source, anchor }) => words.rated(words.sources[source] ?? source, anchor), several, (entry) => entry.elo, place);
    if (ratings.length === 0) {
      this.#holder.replaceChildren(noteOf(words.noStrength));
      return;
    }
    const charts = scores.length === 0 ? [this.#rating.element] : [this.#score.element, this.#rating.element];
    if (charts.some((chart, at) => this.#holder.children[at] !== chart) || this.#holder.children.length !== charts.length) this.#holder.replaceChildren(...charts);
    this.#score.show({ abscissa: place, lines: scores, from: null });
    this.#rating.show({ abscissa: place, lines: ratings, from: null });
  }
}

const noteOf = (text: string): HTMLElement => {
  const note = document.createElement("p");
  note.className = "muted";
  note.textContent = text;
  return note;
};

/** A line for each run and each name that `nameOf` gives its entries. */
function grouped<T extends { iteration: number; plies: number; low: number | null; high: number | null }>(
  runs: readonly ToldRun[],
  entriesOf: (run: ToldRun) => readonly T[],
  nameOf: (entry: T) => string,
  several: boolean,
  valueOf: (entry: T) => number | null,
  place: Place,
): Line[] {
  const lines: Line[] = [];
  for (const run of runs) {
    const byName = new Map<string, T[]>();
    for (const entry of entriesOf(run)) byName.set(nameOf(entry), [...(byName.get(nameOf(entry)) ?? []), entry]);
    for (const [name, entries] of byName) {
      const sorted = entries.toSorted((a, b) => a[place] - b[place]);
      lines.push({
        name: several ? `${run.name}, ${name}` : name,
        style: several && byName.size === 1 ? run.style : lines.length,
        x: sorted.map((entry) => entry[place]),
        y: sorted.map(valueOf),
        raw: null,
        low: sorted.map(({ low }) => low),
        high: sorted.map(({ high }) => high),
      });
    }
  }
  return lines;
}

/** Ratings of the players of a tournament; null if there are none. */
export function standingsTable({ standings, players }: GameIndex): HTMLElement | null {
  if (standings.length === 0) return null;
  const { player, elo, interval, games } = words.standingsColumns;
  const rows = standings.map((standing) =>
    [players[standing.player] ?? "", words.elo(standing.elo), standing.elo === null ? "–" : words.interval(standing.low, standing.high), String(standing.games)]);
  return table(words.standings, [player, elo, interval, games], rows);
}
