/** Levels of the agent: the weak ones play by the policy at falling temperatures, the strong ones by a search of ever more visits. */

import type { Rating, Strength } from "../protocol";
import { levelWords } from "../words/play";

export interface Level {
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

export const LEVELS: readonly Level[] = levelWords.map((words, index) => ({ ...words, strength: STRENGTHS[index] as Strength }));
/** Level until the user chooses one: the middle. */
export const DEFAULT_LEVEL = 3;
/** Least effort for the moves that are shown to the user, whatever the level. */
export const SHOWN: Strength = { visits: 200, time: 2000, temperature: 0 };
/** Effort of a hint, whatever the level. */
export const HINT: Strength = { visits: 400, time: 2000, temperature: 0 };

export const levelAt = (index: number): Level => LEVELS[index] ?? (LEVELS[DEFAULT_LEVEL] as Level);

/** Elo of a level, if a tournament measured the model at its number of visits. The playful levels below are not measured. */
export const eloOf = (ratings: readonly Rating[], level: number): number | undefined => {
  const { visits } = levelAt(level).strength;
  return visits === 0 ? undefined : ratings.find(({ play }) => play === `${visits} visits`)?.elo;
};
