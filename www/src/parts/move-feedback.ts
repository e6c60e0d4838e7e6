/** Sound and vibration of a page's moves, as its settings ask; the code for them comes with the first that is asked for. */

import type { SettingsStore } from "../state/settings";
import type { Feedback, Happening } from "./feedback";

/** Number of pieces in both hands, which a capture raises. */
export const held = (board: { hands(): Uint8Array }): number => board.hands().reduce((sum, count) => sum + count, 0);

export class MoveFeedback {
  readonly #settings: SettingsStore;
  #feedback: Promise<Feedback> | null = null;

  constructor(settings: SettingsStore) {
    this.#settings = settings;
  }

  give(happening: Happening): void {
    const { sound, haptics } = this.#settings.value;
    if (!sound && !haptics) return;
    this.#feedback ??= import("./feedback").then(({ Feedback }) => new Feedback());
    // A page that went offline before the code had come stays silent.
    this.#feedback.then((feedback) => feedback.give(happening, { sound, haptics }), () => {});
  }
}
