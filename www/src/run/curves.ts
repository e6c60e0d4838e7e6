/** Curves of the runs: which there are, in which order, and their lines. */

import { type Abscissa, curveTitle, runWords as words } from "../words/run";
import { Chart, type Line } from "./chart";
import type { Curve, Curves } from "./format";

/** Curves that are shown at once, the most telling first; the others wait in their group. */
const FIRST: readonly (readonly [group: string, key: string])[] = [
  ["losses", "value_loss"], ["losses", "policy_loss"], ["losses", "score_loss"], ["losses", "normalized_entropy"], ["losses", "entropy"],
  ["losses", "approx_kl"], ["losses", "clipfrac"], ["losses", "explained_variance"], ["losses", "brier"], ["losses", "top_probability"],
  ["losses", "grad_norm"], ["games", "length_mean"], ["games", "results"], ["games", "reasons"], ["games", "repeats"], ["games", "opening_diversity"],
];
/** Groups whose curves are not loaded before they are asked for. */
export const LATER: readonly string[] = ["league", "performance", "schedule", "run"];
const UNITS: Record<string, string> = {
  value_loss: "nats", entropy: "nats", approx_kl: "nats", old_approx_kl: "nats", length_mean: "plies", length_p50: "plies", length_p95: "plies",
  samples: "plies", games_ended: "games", pool_games: "games", plies_per_second: "1/s", samples_per_second: "1/s", collect_seconds: "s",
  env_seconds: "s", inference_seconds: "s", learn_seconds: "s", log_seconds: "s", sink_failures: "events",
};

/** How the curves are shown. */
export interface CurveView {
  abscissa: Abscissa;
  /** Weight of the past in the moving average, 0 to below 1. */
  smoothing: number;
  /** Last part of the runs that is shown, 0 to 1. */
  part: number;
}

/** Curves of a run that is shown. */
export interface ShownRun {
  name: string;
  style: number;
  groups: ReadonlyMap<string, Curves>;
}

/** Moving average of the values that are there, with the weight that the past has at the start taken out. */
export function smoothed(values: readonly (number | null)[], weight: number): (number | null)[] {
  let [sum, total] = [0, 0];
  return values.map((value) => {
    if (value === null) return null;
    sum = weight * sum + (1 - weight) * value;
    total = weight * total + (1 - weight);
    return sum / total;
  });
}

const id = (group: string, key: string, part: string): string => `${group}/${key}/${part}`;

/** Place of a curve among those shown at once; null if it waits. */
function rank(group: string, key: string): number | null {
  const found = FIRST.findIndex(([shownGroup, shownKey]) => shownGroup === group && shownKey === key);
  return found < 0 ? null : found;
}

export class CurveCharts {
  readonly #first: HTMLElement;
  readonly #groups = new Map<string, HTMLElement>();
  readonly #charts = new Map<string, Chart>();

  /** `first` holds the charts that are shown at once, `groups` those of each group that wait. */
  constructor(first: HTMLElement, groups: ReadonlyMap<string, HTMLElement>) {
    this.#first = first;
    this.#groups = new Map(groups);
  }

  /** All groups that hold a chart besides those shown at once. */
  get waiting(): ReadonlySet<string> {
    return new Set([...this.#charts.keys()].map((name) => name.split("/") as [string, string]).filter(([group, key]) => rank(group, key) === null).map(([group]) => group));
  }

  redraw(): void {
    for (const chart of this.#charts.values()) chart.redraw();
  }

  show(runs: readonly ShownRun[], view: CurveView): void {
    const found = new Map<string, { group: string; key: string; part: string; lines: Line[] }>();
    for (const run of runs) {
      for (const [group, curves] of run.groups) {
        for (const curve of curves.curves) {
          const name = id(group, curve.key, curve.part);
          let entry = found.get(name);
          if (!entry) found.set(name, (entry = { group, key: curve.key, part: curve.part, lines: [] }));
          entry.lines.push(lineOf(run, curves, curve, view));
        }
      }
    }
    for (const [name, chart] of this.#charts) {
      if (found.has(name)) continue;
      chart.element.remove();
      this.#charts.delete(name);
    }
    const last = Math.max(0, ...runs.flatMap((run) => [...run.groups.values()].map((curves) => curves[view.abscissa].at(-1) ?? 0)));
    const from = view.part < 1 ? last * (1 - view.part) : null;
    // Entries in their order: a stable sort keeps the order of the parts.
    const entries = [...found].sort(([, a], [, b]) => (rank(a.group, a.key) ?? 99) - (rank(b.group, b.key) ?? 99));
    const places = new Map<HTMLElement, number>();
    for (const [name, { group, key, part, lines }] of entries) {
      const holder = rank(group, key) === null ? this.#groups.get(group) : this.#first;
      if (!holder) continue;
      let chart = this.#charts.get(name);
      if (!chart) this.#charts.set(name, (chart = new Chart(curveTitle(key, part), about(key))));
      const at = places.get(holder) ?? 0;
      places.set(holder, at + 1);
      if (holder.children[at] !== chart.element) holder.insertBefore(chart.element, holder.children[at] ?? null);
      chart.show({ abscissa: view.abscissa, lines, from });
    }
  }
}

function about(key: string): string {
  if (key === "reasons" || key === "results") return words.shareOf;
  const unit = UNITS[key];
  return unit === undefined ? "" : (words.units[unit] ?? unit);
}

function lineOf(run: ShownRun, curves: Curves, curve: Curve, view: CurveView): Line {
  const isSmoothed = view.smoothing > 0;
  const thinned = curve.low && curve.high && !isSmoothed;
  return {
    name: run.name,
    style: run.style,
    x: curves[view.abscissa],
    y: isSmoothed ? smoothed(curve.mean, view.smoothing) : curve.mean,
    raw: isSmoothed ? curve.mean : null,
    low: thinned ? curve.low : null,
    high: thinned ? curve.high : null,
  };
}
