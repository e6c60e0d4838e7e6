/** The form for a new game: who plays, from where, with what clock. */

import type { Color } from "../board/geometry";
import { byId } from "../parts/page";
import { element } from "../parts/shadow";
import type { Seat } from "../state/saved-game";
import { MOST_SECONDS, type SettingsStore, type TimeControl } from "../state/settings";
import { playWords as words } from "../words/play";
import type { PlayGame, Setup } from "./game";
import type { PlayView } from "./view";

/** Clocks to choose from, in seconds. */
const CLOCKS: readonly TimeControl[] = [
  { main: 180, byoyomi: 0, increment: 2 },
  { main: 300, byoyomi: 10, increment: 0 },
  { main: 600, byoyomi: 30, increment: 0 },
  { main: 900, byoyomi: 60, increment: 0 },
  { main: 0, byoyomi: 30, increment: 0 },
];

const same = (a: TimeControl, b: TimeControl): boolean =>
  a.main === b.main && a.byoyomi === b.byoyomi && a.increment === b.increment;

const OWN = "own";

/** Who the user may be. */
type Side = "black" | "white" | "random" | "both" | "none";

export class NewGameForm {
  readonly #view: PlayView;
  readonly #settings: SettingsStore;
  readonly #times = {
    main: byId("clock-main", HTMLInputElement),
    byoyomi: byId("clock-byoyomi", HTMLInputElement),
    increment: byId("clock-increment", HTMLInputElement),
  };

  /** `begin` is told of a submitted form. */
  constructor(view: PlayView, settings: SettingsStore, begin: () => void) {
    this.#view = view;
    this.#settings = settings;
    this.#offerClocks();
    view.form.addEventListener("submit", (event) => {
      event.preventDefault();
      begin();
    });
  }

  /** The starting positions to choose from, beside the even one. */
  offerStarts(starts: readonly { name: string; sfen: string }[]): void {
    const option = (text: string, value: string): HTMLOptionElement => {
      const made = element("option", "", text);
      made.value = value;
      return made;
    };
    this.#view.start.replaceChildren(option(words.evenGame, "startpos"), ...starts.map(({ name, sfen }) => option(name, sfen)));
  }

  /** The game that the form describes; `levels` are those of Black's and White's agent, `second` says whether there is a second model. */
  setup(levels: readonly [number, number], second: boolean): Setup {
    const side = new FormData(this.#view.form).get("color") as Side;
    const human: Seat = { kind: "human" };
    const agent = (model: Color): Seat => ({ kind: "agent", level: levels[model], model: second ? model : 0 });
    const black = side === "random" ? Math.random() < 0.5 : side === "black";
    const seats: Record<Side, [Seat, Seat]> = {
      black: [human, { ...agent(0) }],
      white: [{ ...agent(0) }, human],
      random: black ? [human, agent(0)] : [agent(0), human],
      both: [human, { kind: "human" }],
      none: [agent(0), agent(1)],
    };
    return { start: this.#view.start.value || "startpos", seats: seats[side], clock: this.#clock() };
  }

  /** Shows who plays the game, so that the next one is played likewise. */
  reflect({ seats: [black, white] }: PlayGame): void {
    const side: Side = black.kind === "human" ? (white.kind === "human" ? "both" : "black") : white.kind === "human" ? "white" : "none";
    for (const input of this.#view.form.querySelectorAll<HTMLInputElement>("input[name=color]")) input.checked = input.value === side;
  }

  /** Whether the form asks for a game between two agents. */
  get watches(): boolean {
    return new FormData(this.#view.form).get("color") === "none";
  }

  #offerClocks(): void {
    const { clockChoice, ownClock } = this.#view;
    const stored = this.#settings.value.clock;
    const options = CLOCKS.map(({ main, byoyomi, increment }) => element("option", "", words.clockName(main, byoyomi, increment)));
    for (const [index, option] of options.entries()) option.value = String(index);
    const none = element("option", "", words.clocks.none);
    none.value = "none";
    const own = element("option", "", words.clocks.own);
    own.value = OWN;
    clockChoice.replaceChildren(none, ...options, own);
    const known = stored ? CLOCKS.findIndex((clock) => same(clock, stored)) : -1;
    clockChoice.value = stored ? (known < 0 ? OWN : String(known)) : "none";
    if (stored) this.#show(stored);
    for (const input of Object.values(this.#times)) input.max = String(MOST_SECONDS);
    const change = (): void => {
      ownClock.hidden = clockChoice.value !== OWN;
      this.#settings.change({ clock: this.#clock() });
    };
    ownClock.hidden = clockChoice.value !== OWN;
    clockChoice.addEventListener("change", change);
    ownClock.addEventListener("change", change);
  }

  #show({ main, byoyomi, increment }: TimeControl): void {
    this.#times.main.value = String(Math.round(main / 60));
    this.#times.byoyomi.value = String(byoyomi);
    this.#times.increment.value = String(increment);
  }

  /** The chosen clock; null is none, and so are own times that are all zero. */
  #clock(): TimeControl | null {
    const choice = this.#view.clockChoice.value;
    if (choice !== OWN) return CLOCKS[Number(choice)] ?? null;
    const read = (input: HTMLInputElement, unit: number): number =>
      Math.min(MOST_SECONDS, Math.max(0, Math.round(Number(input.value) * unit) || 0));
    const { main, byoyomi, increment } = this.#times;
    const clock = { main: read(main, 60), byoyomi: read(byoyomi, 1), increment: read(increment, 1) };
    return clock.main + clock.byoyomi + clock.increment > 0 ? clock : null;
  }
}
