/** The sliders for the agents' levels: one, or two for a game between two agents. */

import type { Rating } from "../protocol";
import type { SettingsStore } from "../state/settings";
import { COLORS, playWords as words } from "../words/play";
import type { PlayGame } from "./game";
import { DEFAULT_LEVEL, LEVELS, eloOf, levelAt } from "./levels";
import type { PlayView } from "./view";

export class LevelSliders {
  readonly #view: PlayView;
  readonly #settings: SettingsStore;

  /** `chosen` is told of a level for the first or the second agent. */
  constructor(view: PlayView, settings: SettingsStore, chosen: (index: number, level: number) => void) {
    this.#view = view;
    this.#settings = settings;
    view.levels.forEach(({ slider }, index) => {
      slider.max = String(LEVELS.length - 1);
      slider.value = String(this.remembered);
      slider.addEventListener("input", () => {
        const level = Number(slider.value);
        if (index === 0) settings.change({ level });
        chosen(index, level);
      });
    });
  }

  /** The level that was chosen last. */
  get remembered(): number {
    return this.#settings.value.level ?? DEFAULT_LEVEL;
  }

  /** The levels on the sliders, for Black's and White's agent of a game between two. */
  get values(): [number, number] {
    const [first, second] = this.#view.levels;
    return [Number(first.slider.value), Number(second.slider.value)];
  }

  /** Shows the levels of the game's agents; of a game without one, the level that was chosen last. */
  draw(game: PlayGame, watches: boolean, ratings: readonly Rating[]): void {
    const agents = game.agents;
    const two = agents.length === 2 || watches;
    this.#view.secondLevel.hidden = !two;
    this.#view.levels.forEach(({ label, slider, name }, index) => {
      const seat = agents[index];
      if (seat) slider.value = String(seat.level);
      label.textContent = two ? words.levelOf(COLORS[index] ?? "") : words.strength;
      const level = Number(slider.value);
      const text = words.levelText(levelAt(level).name, eloOf(ratings, level));
      slider.setAttribute("aria-valuetext", `${text}: ${levelAt(level).about}`);
      name.textContent = text;
    });
  }
}
