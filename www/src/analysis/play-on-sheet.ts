/** The dialog that plays on from the position on the board: against the agent on the other page, or agent against agent here. */

import type { Color } from "../board/geometry";
import { element } from "../parts/shadow";
import { Sheet, action } from "../parts/sheet";
import { PLAYING_ON } from "../words/analysis";

export interface PlayOnActions {
  /** Hands the position over to Play, where the user has this side. */
  against(human: Color): void;
  both(): void;
}

export class PlayOnSheet {
  readonly #sheet = new Sheet(PLAYING_ON.title, PLAYING_ON.close, "play-on-sheet");
  readonly #over = element("p", "", PLAYING_ON.over);
  readonly #choices = element("div", "dialog-column");
  readonly #both: HTMLButtonElement;

  constructor(actions: PlayOnActions) {
    const done = (run: () => void) => (): void => {
      this.#sheet.close();
      run();
    };
    this.#both = action(PLAYING_ON.both, done(() => actions.both()));
    this.#choices.append(
      action(PLAYING_ON.black, done(() => actions.against(0)), "primary"),
      action(PLAYING_ON.white, done(() => actions.against(1)), "primary"),
      this.#both,
      element("p", "muted small", PLAYING_ON.bothHint),
    );
    this.#sheet.body.append(this.#over, this.#choices);
  }

  open(state: { over: boolean; network: boolean }): void {
    this.#over.hidden = !state.over;
    this.#choices.hidden = state.over;
    this.#both.hidden = !state.network;
    this.#sheet.open();
  }
}
