/** Levels of the agent: the weak ones play by the policy at falling temperatures, the strong ones by a search of ever more visits. */

import { LEVEL_NAMES, type ShippedLevel } from "../agents/manifest";
import { playOf } from "../agents/play-text";
import type { Strength } from "../protocol";
import { levelWords } from "../words/play";

export interface Level {
  /** Place among the names of levels, by which saved games and settings know it. */
  index: number;
  name: string;
  about: string;
  strength: Strength;
}

const STRENGTHS: readonly Strength[] = [
  { visits: 0, time: 0, temperature: 2.5 },
  { visits: 0, time: 0, temperature: 1.4 },
  { visits: 0, time: 0, temperature: 0.8 },
  { visits: 0, time: 0, temperature: 0.3 },
  { visits: 50, time: 2000, temperature: 0 },
  { visits: 200, time: 3000, temperature: 0 },
  { visits: 800, time: 5000, temperature: 0 },
];

const levelOf = (index: number, strength: Strength): Level => ({ ...(levelWords[index] ?? levelWords[0]), index, strength });

/** Levels of an agent that has none of its own. */
export const LEVELS: readonly Level[] = STRENGTHS.map((strength, index) => levelOf(index, strength));
/** Level until the user chooses one: the middle. */
export const DEFAULT_LEVEL = 3;
/** Least effort for the moves that are shown to the user, whatever the level. */
export const SHOWN: Strength = { visits: 200, time: 2000, temperature: 0 };
/** Effort of a hint, whatever the level. */
export const HINT: Strength = { visits: 400, time: 2000, temperature: 0 };

/** The levels that an agent's entry in the manifest names, or the usual ones. */
export function levelsOf(shipped: readonly ShippedLevel[]): readonly Level[] {
  if (shipped.length === 0) return LEVELS;
  return shipped.map(({ name, visits, temperature, milliseconds: time }) => levelOf(LEVEL_NAMES.indexOf(name), { visits, temperature, time }));
}

/** The level with this index; of an agent without it the nearest one, the weaker of two. */
export function levelAt(index: number, levels: readonly Level[] = LEVELS): Level {
  const wanted = Number.isInteger(index) && index >= 0 && index < LEVELS.length ? index : DEFAULT_LEVEL;
  return levels.reduce((best, level) => (Math.abs(level.index - wanted) < Math.abs(best.index - wanted) ? level : best));
}

/**
 * Elo of a level, if a tournament measured the agent at its number of visits; of the policy alone, at its temperature too, which is
 * all that tells these levels apart.
 */
export function eloOf(ratings: readonly { play: string; elo: number }[], { strength }: Level): number | undefined {
  const measured = ratings.find(({ play }) => {
    const found = playOf(play);
    if (found?.visits !== strength.visits) return false;
    return strength.visits > 0 || Math.abs((found.temperature ?? NaN) - strength.temperature) < 0.005;
  });
  return measured?.elo;
}
