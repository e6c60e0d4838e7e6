/** Settings that outlive the page: one object under one key. */

import { PIECE_SETS, type PieceSet } from "../board/pieces";
import { type Fields, fields, flag, integer, oneOf, parsed } from "./decode";
import type { Store } from "./store";

/** Notations of moves. */
export const NOTATIONS = ["western", "japanese", "usi"] as const;
export type Notation = (typeof NOTATIONS)[number];

/** Times of a game in seconds: main time, byoyomi for each move after it, increment added for each move. */
export interface TimeControl {
  main: number;
  byoyomi: number;
  increment: number;
}

export interface Settings {
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
const VERSION = 1;
/** Longest time in seconds of each part of a clock. */
export const MOST_SECONDS = 6 * 3600;

/** Readers of Japanese, Chinese or Korean get kanji, others letters, until they choose. */
const defaults = (): Settings => ({
  pieceSet: navigator.languages.some((language) => /^(ja|zh|ko)\b/.test(language)) ? "kanji" : "international",
  notation: "western",
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

/** The settings in an object; a field that is missing or does not fit has its default. */
function readSettings(read: Fields): Settings {
  const other = defaults();
  return {
    pieceSet: oneOf(read["pieceSet"], PIECE_SETS) ?? other.pieceSet,
    notation: oneOf(read["notation"], NOTATIONS) ?? other.notation,
    level: integer(read["level"], 0, 99) ?? other.level,
    candidates: flag(read["candidates"]) ?? other.candidates,
    heat: flag(read["heat"]) ?? other.heat,
    graph: flag(read["graph"]) ?? other.graph,
    clock: readTimeControl(read["clock"]) ?? other.clock,
  };
}

export class SettingsStore {
  readonly #store: Store;
  #settings: Settings;

  /** Reads the stored settings; `onUnreadable` is told of text that is no settings of this version, which is set aside. */
  constructor(store: Store, onUnreadable: () => void) {
    this.#store = store;
    const text = store.get(KEY);
    const read = text === null ? {} : fields(parsed(text));
    if (text !== null && read?.["version"] !== VERSION) {
      store.setAside(KEY);
      onUnreadable();
    }
    this.#settings = read && (text === null || read["version"] === VERSION) ? readSettings(read) : defaults();
  }

  get value(): Readonly<Settings> {
    return this.#settings;
  }

  change(part: Partial<Settings>): void {
    this.#settings = { ...this.#settings, ...part };
    this.#store.set(KEY, JSON.stringify({ version: VERSION, ...this.#settings }));
  }
}
