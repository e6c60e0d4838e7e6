/**
 * Saved games: each under a key of its own, so that two tabs never overwrite each other's games.
 *
 * Both pages save here. A text that is no game of this version stays under its key, and the list names it, so that the user
 * decides about it. The number of games and their size are bounded: the games that were not touched for longest leave first.
 */

import type { Color } from "../board/geometry";
import { stateWords as words } from "../words/state";
import { ID } from "./address";
import { type Fields, fields, flag, integer, list, number, oneOf, parsed, text } from "./decode";
import { readTimeControl } from "./settings";
import { PAGES, type PlayState, type SavedClock, type SavedEnd, type SavedGame, type SavedThought, type Page, type Seat } from "./saved-game";
import type { Store } from "./store";

/** A stored text that is no game of this version, with the reason in words. */
export interface Unreadable {
  id: string;
  unreadable: string;
}

export const isUnreadable = (entry: SavedGame | Unreadable): entry is Unreadable => "unreadable" in entry;

const VERSION = 1;
const PREFIX = "keisei.game.";
const CURRENT = "keisei.current.";
/** Most saved games. */
export const MOST_GAMES = 100;
/** Most characters of all saved games; browsers give a site about five million. */
const MOST_CHARACTERS = 3_000_000;
/** Most characters of one saved game. */
const LONGEST_GAME = 1_000_000;
const MOST_PLIES = 9999;
/** Candidates kept for a ply. */
const BEST_KEPT = 5;

/** Outcome of saving. */
export type Saving = "saved" | "too long" | "failed";

/** A new id for a game. */
export function newId(): string {
  return base64(crypto.getRandomValues(new Uint8Array(9))).replace(/\+/g, "-").replace(/\//g, "_");
}

export function base64(bytes: Uint8Array): string {
  let characters = "";
  for (let at = 0; at < bytes.length; at += 0x8000) characters += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(characters);
}

/** The bytes of base64 text; undefined if it is none. */
export function fromBase64(encoded: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

export class SavedGames {
  readonly #store: Store;
  readonly #now: () => number;

  constructor(store: Store, now: () => number = Date.now) {
    this.#store = store;
    this.#now = now;
  }

  /** All games, the last changed first; unreadable ones at the end. */
  list(): (SavedGame | Unreadable)[] {
    const changed = (entry: SavedGame | Unreadable): number => (isUnreadable(entry) ? -1 : entry.changed);
    const ids = this.#store.keys(PREFIX).map((key) => key.slice(PREFIX.length));
    return ids
      .map((id) => this.load(id))
      .filter((entry) => entry !== null)
      .sort((a, b) => changed(b) - changed(a));
  }

  /** The game with this id; null if there is none. */
  load(id: string): SavedGame | Unreadable | null {
    const stored = this.#store.get(PREFIX + id);
    if (stored === null) return null;
    const read = stored.length > LONGEST_GAME ? undefined : fields(parsed(stored));
    if (!read) return { id, unreadable: words.unreadable };
    const version = integer(read["version"], 0, Number.MAX_SAFE_INTEGER);
    if (version !== undefined && version !== VERSION) return { id, unreadable: words.otherVersion(version) };
    return readGame(id, read) ?? { id, unreadable: words.notAGame };
  }

  /** Saves a game under its id and sets its time of change. */
  save(game: SavedGame): Saving {
    game.changed = this.#now();
    const { id, ...rest } = game;
    const play = rest.play && { ...rest.play, thoughts: rest.play.thoughts.map(writeThought) };
    const text = JSON.stringify({ version: VERSION, ...rest, play });
    if (text.length > LONGEST_GAME) return "too long";
    this.#makeRoom(PREFIX + id, text.length);
    return this.#store.set(PREFIX + id, text) ? "saved" : "failed";
  }

  delete(id: string): void {
    this.#store.delete(PREFIX + id);
  }

  /** The id of the game that a page showed last. */
  current(page: Page): string | null {
    const id = this.#store.get(CURRENT + page);
    return id !== null && ID.test(id) ? id : null;
  }

  setCurrent(page: Page, id: string): void {
    if (this.current(page) !== id) this.#store.set(CURRENT + page, id);
  }

  /** The id of the game whose stored text another tab has changed, if `event` tells of one. */
  static changedBy(event: StorageEvent): string | null {
    return event.key?.startsWith(PREFIX) && event.newValue !== null ? event.key.slice(PREFIX.length) : null;
  }

  /** Deletes the games that were not touched for longest until one more text fits; games that a page shows stay. */
  #makeRoom(key: string, length: number): void {
    const others = this.#store.keys(PREFIX).filter((other) => other !== key);
    let count = others.length + 1;
    let characters = length;
    for (const other of others) characters += this.#store.get(other)?.length ?? 0;
    if (count <= MOST_GAMES && characters <= MOST_CHARACTERS) return;
    const shown = PAGES.map((page) => this.current(page));
    const oldest = this.list().filter((entry) => PREFIX + entry.id !== key && !shown.includes(entry.id)).reverse();
    for (const { id } of oldest.filter((entry) => !isUnreadable(entry))) {
      if (count <= MOST_GAMES && characters <= MOST_CHARACTERS) return;
      characters -= this.#store.get(PREFIX + id)?.length ?? 0;
      count--;
      this.delete(id);
    }
  }
}

const COLORS = [0, 1] as const;
const color = (value: unknown): Color | undefined => oneOf(value, COLORS);

function readGame(id: string, read: Fields): SavedGame | undefined {
  const [page, orientation] = [oneOf(read["page"], PAGES), color(read["orientation"])];
  const changed = number(read["changed"], 0, Number.MAX_SAFE_INTEGER);
  const [black, white] = [text(read["black"], 200), text(read["white"], 200)];
  const start = text(read["start"], 300);
  const moves = text(read["moves"], 6 * MOST_PLIES);
  const ply = integer(read["ply"], 0, MOST_PLIES);
  const tree = read["tree"] === null ? null : text(read["tree"], LONGEST_GAME);
  const end = read["end"] === null ? null : readEnd(read["end"]);
  const play = read["play"] === null ? null : readPlay(read["play"]);
  if (page === undefined || orientation === undefined || changed === undefined || ply === undefined) return undefined;
  if (black === undefined || white === undefined || start === undefined || moves === undefined) return undefined;
  if (tree === undefined || end === undefined || play === undefined) return undefined;
  return { id, page, changed, black, white, start, moves, ply, orientation, end, tree, play };
}

function readEnd(value: unknown): SavedEnd | undefined {
  const read = fields(value);
  const winner = read?.["winner"] === null ? null : color(read?.["winner"]);
  const reason = text(read?.["reason"], 60);
  return winner === undefined || reason === undefined ? undefined : { winner, reason };
}

function readSeat(value: unknown): Seat | undefined {
  const read = fields(value);
  if (read?.["kind"] === "human") return { kind: "human" };
  const [level, model] = [integer(read?.["level"], 0, 99), color(read?.["model"])];
  return read?.["kind"] !== "agent" || level === undefined || model === undefined ? undefined : { kind: "agent", level, model };
}

function readClock(value: unknown): SavedClock | undefined {
  const read = fields(value);
  const most = 1000 * 3600 * 100;
  const control = readTimeControl(read?.["control"]);
  const [black, white] = list(read?.["main"], 2, (part) => number(part, 0, most)) ?? [];
  const byoyomi = number(read?.["byoyomi"], 0, most);
  if (!control || black === undefined || white === undefined || byoyomi === undefined) return undefined;
  return { control, main: [black, white], byoyomi };
}

function readPlay(value: unknown): PlayState | undefined {
  const read = fields(value);
  const [black, white] = list(read?.["seats"], 2, readSeat) ?? [];
  const clock = read?.["clock"] === null ? null : readClock(read?.["clock"]);
  const times = list(read?.["times"], MOST_PLIES, (time) => number(time, 0, Number.MAX_SAFE_INTEGER));
  const thoughts = list(read?.["thoughts"], MOST_PLIES + 1, (thought) => (thought === null ? null : readThought(thought)));
  if (!black || !white || clock === undefined || times === undefined || thoughts === undefined) return undefined;
  return { seats: [black, white], clock, times, thoughts, paused: flag(read?.["paused"]) ?? false };
}

/** A thought as a short list: three chances, visits, then moves with their shares. */
function writeThought(thought: SavedThought | null): unknown {
  if (!thought) return null;
  const round = (value: number): number => Math.round(value * 1e4) / 1e4;
  const { win, draw, loss, visits, best } = thought;
  const moves = best.slice(0, BEST_KEPT).flatMap(({ usi, share }) => [usi, round(share)]);
  return [round(win), round(draw), round(loss), visits, ...moves];
}

function readThought(value: unknown): SavedThought | undefined {
  if (!Array.isArray(value) || value.length > 4 + 2 * BEST_KEPT || value.length % 2 !== 0) return undefined;
  const [win, draw, loss] = [0, 1, 2].map((at) => number(value[at], 0, 1));
  const visits = integer(value[3], 0, Number.MAX_SAFE_INTEGER);
  if (win === undefined || draw === undefined || loss === undefined || visits === undefined) return undefined;
  const best: SavedThought["best"] = [];
  for (let at = 4; at < value.length; at += 2) {
    const [usi, share] = [text(value[at], 5), number(value[at + 1], 0, 1)];
    if (usi === undefined || !/^([1-9][a-i]|[PLNSGBR]\*)[1-9][a-i]\+?$/.test(usi) || share === undefined) return undefined;
    best.push({ usi, share });
  }
  return { win, draw, loss, visits, best };
}
