/** A game's clock: main time, then byoyomi for each move, or an increment for each. */

import type { Color } from "../board/geometry";
import type { SavedClock } from "../state/saved-game";
import type { TimeControl } from "../state/settings";
import { partWords as words } from "../words/play";
import { element, shadow, sheet } from "./shadow";

const SECOND = 1000;

/** Time of both sides. It reads no clock itself: whoever runs it tells how much time went by. */
export class Clock {
  readonly control: TimeControl;
  readonly #main: [number, number];
  /** Byoyomi left for the move that is being thought about. */
  #byoyomi: number;

  constructor(control: TimeControl) {
    this.control = control;
    this.#main = [control.main * SECOND, control.main * SECOND];
    this.#byoyomi = control.byoyomi * SECOND;
  }

  /** Sets the times as they were saved. */
  restore({ main, byoyomi }: SavedClock): void {
    [this.#main[0], this.#main[1]] = main;
    this.#byoyomi = byoyomi;
  }

  /** Takes time from the side to move; false if it has none left. */
  spend(side: Color, time: number): boolean {
    const fromMain = Math.min(time, this.#main[side]);
    this.#main[side] -= fromMain;
    this.#byoyomi = Math.max(0, this.#byoyomi - (time - fromMain));
    return this.left(side) > 0;
  }

  /** A side has moved: it gets its increment, and the next move a whole byoyomi. */
  moved(side: Color): void {
    this.#main[side] += this.control.increment * SECOND;
    this.restartByoyomi();
  }

  restartByoyomi(): void {
    this.#byoyomi = this.control.byoyomi * SECOND;
  }

  /** Milliseconds until the side to move loses. */
  left(side: Color): number {
    return this.#main[side] + this.#byoyomi;
  }

  main(side: Color): number {
    return this.#main[side];
  }

  /** Milliseconds that an agent should use at most for its move. */
  budget(side: Color): number {
    const { byoyomi, increment } = this.control;
    const share = this.#main[side] / 30 + (0.8 * increment + 0.7 * byoyomi) * SECOND;
    return Math.min(share, 0.8 * this.left(side));
  }

  saved(): SavedClock {
    return { control: this.control, main: [...this.#main], byoyomi: this.#byoyomi };
  }
}

const css = sheet(`
  :host { display: grid; grid-template-columns: 1fr 1fr; gap: 8px; }
  div { display: flex; justify-content: space-between; align-items: baseline; gap: 8px; padding: 4px 10px; border: 1px solid var(--rule); border-radius: 8px; min-width: 0; }
  .running { border-color: var(--ink); box-shadow: inset 0 0 0 1px var(--ink); }
  .low { border-color: var(--accent); box-shadow: inset 0 0 0 1px var(--accent); color: var(--accent); }
  .name { font-size: 0.84rem; color: var(--muted); }
  .low .name { color: inherit; }
  .time { font: 600 1.1rem/1.4 var(--sans); font-variant-numeric: tabular-nums; }
  p { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
`);

/** Seconds left at which the running clock is announced. */
const ANNOUNCED = [60, 30, 10, 5, 3] as const;
/** Seconds under which a clock looks short of time. */
const LOW = 10;

/** `<game-clock>`: the time of both sides; short time is announced to screen readers. */
export class GameClock extends HTMLElement {
  readonly #faces = [element("div"), element("div")] as const;
  readonly #times = [element("span", "time"), element("span", "time")] as const;
  readonly #news = element("p");
  #announced: { side: Color; second: number } | null = null;

  constructor() {
    super();
    this.#faces.forEach((face, side) => {
      face.setAttribute("role", "timer");
      face.append(element("span", "name", words.colors[side]), this.#times[side] as HTMLElement);
    });
    this.#news.setAttribute("role", "status");
    shadow(this, css).append(...this.#faces, this.#news);
  }

  /** Shows both times; `running` is the side whose time runs, and `announce` whether its short time is announced. */
  show(clock: Clock, toMove: Color, running: Color | null, announce: boolean): void {
    for (const side of [0, 1] as const) {
      const main = Math.ceil(clock.main(side) / SECOND);
      const byoyomi = side === toMove ? Math.ceil((clock.left(side) - clock.main(side)) / SECOND) : clock.control.byoyomi;
      const inByoyomi = main === 0 && clock.control.byoyomi > 0;
      const shown = inByoyomi ? words.byoyomi(byoyomi) : words.time(main);
      const [face, time] = [this.#faces[side], this.#times[side]];
      if (time.textContent !== shown) time.textContent = shown;
      face.classList.toggle("running", side === running);
      face.classList.toggle("low", side === running && (inByoyomi ? byoyomi : main + clock.control.byoyomi) <= LOW);
    }
    if (running !== null && announce) this.#announce(running, Math.ceil(clock.left(running) / SECOND));
  }

  #announce(side: Color, second: number): void {
    const passed = ANNOUNCED.findLast((mark) => second <= mark);
    if (passed === undefined) {
      this.#announced = null;
      return;
    }
    if (this.#announced?.side === side && this.#announced.second <= passed) return;
    this.#announced = { side, second: passed };
    this.#news.textContent = words.secondsLeft(second);
  }
}

customElements.define("game-clock", GameClock);

declare global {
  interface HTMLElementTagNameMap {
    "game-clock": GameClock;
  }
}
