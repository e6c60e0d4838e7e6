/** Settings that outlive the page: one object under one key. */

import { PIECE_SETS, type PieceSet } from "../board/piece-set";
import { LANGUAGES, type Language, language } from "../words";
import { type Fields, fields, flag, integer, oneOf, parsed } from "./decode";
import { Store } from "./store";

/** Notations of moves. */
export const NOTATIONS = ["western", "japanese", "usi"] as const;
export type Notation = (typeof NOTATIONS)[number];

/** Colours of the board. */
export const BOARD_THEMES = ["wood", "walnut", "paper", "slate"] as const;
export type BoardTheme = (typeof BOARD_THEMES)[number];

/** Colours of the pages: by the system, or always one of two. */
export const APPEARANCES = ["system", "light", "dark"] as const;
export type Appearance = (typeof APPEARANCES)[number];

/** Times of a game in seconds: main time, byoyomi for each move after it, increment added for each move. */
export interface TimeControl {
  main: number;
  byoyomi: number;
  increment: number;
}

export interface Settings {
  /** Language of the pages; null follows the browser. */
  language: Language | null;
  appearance: Appearance;
  boardTheme: BoardTheme;
  /** Whether moves sound, and whether they are felt on devices that vibrate. */
  sound: boolean;
  haptics: boolean;
  pieceSet: PieceSet;
  notation: Notation;
  /** Index of the level that the agent plays at, in `play/levels.ts`; null until the user chooses. */
  level: number | null;
  /** Whether the pages show the moves that the agent considers, and the policy as a heat map. */
  candidates: boolean;
  heat: boolean;
  /** Whether Play shows the game as a graph. */
  graph: boolean;
  /** Clock of new games; null is none. */
  clock: TimeControl | null;
}

const KEY = "keisei.settings";
/** Event of the window with which the stores of a page tell each other of a change. */
const CHANGED = "keisei-settings";
const VERSION = 1;
/** Longest time in seconds of each part of a clock. */
export const MOST_SECONDS = 6 * 3600;

/** Readers of Japanese, Chinese or Korean get kanji, others letters; moves are written as readers of the page's language do. */
const defaults = (): Settings => ({
  language: null,
  appearance: "system",
  boardTheme: "wood",
  sound: false,
  haptics: false,
  pieceSet: [language, ...navigator.languages].some((each) => /^(ja|zh|ko)\b/.test(each)) ? "kanji" : "international",
  notation: language === "ja" ? "japanese" : "western",
  level: null,
  candidates: false,
  heat: false,
  graph: false,
  clock: null,
});

export function readTimeControl(value: unknown): TimeControl | undefined {
  const read = fields(value);
  if (!read) return undefined;
  const [main, byoyomi, increment] = [read["main"], read["byoyomi"], read["increment"]].map((part) => integer(part, 0, MOST_SECONDS));
  if (main === undefined || byoyomi === undefined || increment === undefined || main + byoyomi + increment === 0) return undefined;
  return { main, byoyomi, increment };
}

/** The piece set of the stored settings or else the default, before the page has its settings. */
export function storedPieceSet(): PieceSet {
  const text = new Store(() => {}).get(KEY);
  const read = text === null ? undefined : fields(parsed(text));
  return oneOf(read?.["pieceSet"], PIECE_SETS) ?? defaults().pieceSet;
}

/** The choices in an object; what is missing or does not fit is left out. */
function readChoices(read: Fields): Partial<Settings> {
  const choices = {
    language: oneOf(read["language"], LANGUAGES),
    appearance: oneOf(read["appearance"], APPEARANCES),
    boardTheme: oneOf(read["boardTheme"], BOARD_THEMES),
    sound: flag(read["sound"]),
    haptics: flag(read["haptics"]),
    pieceSet: oneOf(read["pieceSet"], PIECE_SETS),
    notation: oneOf(read["notation"], NOTATIONS),
    level: integer(read["level"], 0, 99),
    candidates: flag(read["candidates"]),
    heat: flag(read["heat"]),
    graph: flag(read["graph"]),
    clock: readTimeControl(read["clock"]),
  } satisfies Record<keyof Settings, unknown>;
  return Object.fromEntries(Object.entries(choices).filter(([, choice]) => choice !== undefined));
}

export class SettingsStore {
  readonly #store: Store;
  /** Choices of the user; only they are stored, so that the defaults go on to follow the language. */
  #choices: Partial<Settings>;
  readonly #watchers: ((settings: Readonly<Settings>) => void)[] = [];

  /** Reads the stored settings; `onUnreadable` is told of text that is no settings of this version, which is set aside. */
  constructor(store: Store, onUnreadable: () => void) {
    this.#store = store;
    const choices = this.#read();
    if (choices === undefined) {
      store.setAside(KEY);
      onUnreadable();
    }
    this.#choices = choices ?? {};
    addEventListener("storage", (event) => {
      if (event.key === KEY) this.#adopt(this.#read() ?? {});
    });
    addEventListener(CHANGED, (event) => {
      if (event instanceof CustomEvent && event.detail !== this.#choices) this.#adopt(event.detail as Partial<Settings>);
    });
  }

  /** The stored choices; undefined if the text is none of this version. */
  #read(): Partial<Settings> | undefined {
    const text = this.#store.get(KEY);
    if (text === null) return {};
    const read = fields(parsed(text));
    return read?.["version"] === VERSION ? readChoices(read) : undefined;
  }

  #adopt(choices: Partial<Settings>): void {
    this.#choices = choices;
    for (const changed of this.#watchers) changed(this.value);
  }

  /** Calls `changed` when the settings panel, another part of the page or another tab has changed the settings. */
  watch(changed: (settings: Readonly<Settings>) => void): void {
    this.#watchers.push(changed);
  }

  get value(): Readonly<Settings> {
    return { ...defaults(), ...this.#choices };
  }

  /** Changes settings for this page and those to come; false if they could not be stored. */
  change(part: Partial<Settings>): boolean {
    const choices = { ...this.#choices, ...part };
    this.#choices = choices;
    const stored = this.#store.set(KEY, JSON.stringify({ version: VERSION, ...choices }));
    dispatchEvent(new CustomEvent(CHANGED, { detail: choices }));
    return stored;
  }
}
