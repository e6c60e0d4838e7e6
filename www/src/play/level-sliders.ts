/** The sliders for the agents' levels: one, or two for a game between two agents. */

import type { SettingsStore } from "../state/settings";
import { COLORS, playWords as words } from "../words/play";
import type { PlayGame } from "./game";
import { DEFAULT_LEVEL, LEVELS, type Level, eloOf, levelAt } from "./levels";
import type { PlayView } from "./view";

/** Levels of an agent, with what was measured of it. */
export interface Offer {
  levels: readonly Level[];
  ratings: readonly { play: string; elo: number }[];
}

export class LevelSliders {
  readonly #view: PlayView;
  readonly #settings: SettingsStore;
  /** Levels on the sliders, and which of them is chosen: an agent may have fewer than there are names. */
  readonly #offered: [readonly Level[], readonly Level[]] = [LEVELS, LEVELS];
  readonly #chosen: [number, number];

  /** `chosen` is told of a level for the first or the second agent. */
  constructor(view: PlayView, settings: SettingsStore, chosen: (index: number, level: number) => void) {
    this.#view = view;
    this.#settings = settings;
    this.#chosen = [this.remembered, this.remembered];
    view.levels.forEach(({ slider }, index) => {
      const side = index === 0 ? 0 : 1;
      this.#place(side);
      slider.addEventListener("input", () => {
        const level = this.#offered[side][Number(slider.value)]?.index ?? DEFAULT_LEVEL;
        this.#chosen[side] = level;
        if (side === 0) settings.change({ level });
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
    return [levelAt(this.#chosen[0], this.#offered[0]).index, levelAt(this.#chosen[1], this.#offered[1]).index];
  }

  /** Shows the levels of the game's agents; of a game without one, the level that was chosen last. */
  draw(game: PlayGame, watches: boolean, offers: readonly [Offer, Offer]): void {
    const agents = game.agents;
    const two = agents.length === 2 || watches;
    this.#view.secondLevel.hidden = !two;
    this.#view.levels.forEach(({ label, slider, name }, index) => {
      const side = index === 0 ? 0 : 1;
      const seat = agents[index];
      const { levels, ratings } = offers[side];
      this.#offered[side] = levels;
      if (seat) this.#chosen[side] = seat.level;
      const level = this.#place(side);
      label.textContent = two ? words.levelOf(COLORS[index] ?? "") : words.strength;
      const text = words.levelText(level.name, eloOf(ratings, level));
      slider.setAttribute("aria-valuetext", `${text}: ${level.about}`);
      name.textContent = text;
    });
  }

  /** Sets a slider to the chosen level, or to the nearest that its agent has. */
  #place(side: 0 | 1): Level {
    const levels = this.#offered[side];
    const level = levelAt(this.#chosen[side], levels);
    const { slider } = this.#view.levels[side];
    slider.max = String(levels.length - 1);
    slider.value = String(levels.indexOf(level));
    // A single level leaves nothing to choose.
    slider.disabled = levels.length === 1;
    return level;
  }
}
