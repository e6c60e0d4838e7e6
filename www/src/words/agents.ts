/** Visible text about the agent that is loaded: what every visit needs. The rest stands in `agent-picker.ts`. */

import { language, spoken } from ".";
import type { ShippedAgent } from "../agents/manifest";
import type { Facts, ModelInfo } from "../protocol";

/** Units that a language counts in, the largest first. */
const UNITS = spoken<readonly (readonly [size: number, name: string])[]>(
  [[1e9, " billion"], [1e6, " million"], [1e3, " thousand"]],
  [[1e8, "億"], [1e4, "万"]],
);

/** A count in a word: `2.4 million`, `240万`. The compact notation of `Intl` says the same, but its first use holds the page up for 30 ms. */
export function counted(count: number): string {
  // A hair below a unit is written as one: no `1000 thousand`.
  const [size, name] = UNITS.find(([size]) => count >= 0.99995 * size) ?? [1, ""];
  return `${Math.round((count / size) * 10) / 10}${name}`;
}

/** A size in bytes: `173 kB`, `1.2 MB`. */
export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 999_500 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

export const agentWords = spoken(
  {
    unnamed: "Unnamed agent",
    selfTaught: "Self-taught agent",
    named: (name: string, iteration: number): string => `${name}, iteration ${iteration}`,
    untrained: "untrained",
    learned: (plies: string): string => `learned from ${plies} moves of its own games`,
    size: (blocks: number, channels: number, weights: string): string => `${blocks} blocks of ${channels} channels, ${weights} weights`,
    onGpu: "on the GPU",
    share: (loaded: string, total: string): string => (total === "" ? loaded : `${loaded} of ${total}`),
    yours: "The model that you opened",
  },
  {
    unnamed: "名前のないAI",
    selfTaught: "自己学習AI",
    named: (name, iteration) => `${name}（反復${iteration}回）`,
    untrained: "未学習",
    learned: (plies) => `自己対局${plies}手から学習`,
    size: (blocks, channels, weights) => `${channels}チャンネル×${blocks}ブロック、重み${weights}個`,
    onGpu: "GPUで計算",
    share: (loaded, total) => (total === "" ? loaded : `${total}中${loaded}`),
    yours: "開いたモデル",
  },
);

/** Name of a model: its run and iteration. A run that its trainer named by the time alone has no name. */
export function nameOfModel({ run, iteration }: Facts): string {
  return run === undefined ? agentWords.unnamed : agentWords.named(run || agentWords.selfTaught, iteration);
}

/** Name of an agent of the manifest. */
export const nameOfAgent = ({ name, nameJa }: ShippedAgent): string => (language === "ja" ? nameJa : name);

/** Line about a model's training and network. */
export function aboutModel({ facts, onGpu }: Pick<ModelInfo, "facts" | "onGpu">): string {
  const { plies, blocks, channels, weights, created, notes } = facts;
  const parts = [
    plies === 0 ? agentWords.untrained : agentWords.learned(counted(plies)),
    agentWords.size(blocks, channels, counted(weights)),
    created.split(/[T ]/)[0] ?? "",
    notes,
    onGpu ? agentWords.onGpu : "",
  ];
  return parts.filter((part) => part !== "").join(" · ");
}
