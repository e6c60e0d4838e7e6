/**
 * The files of a bundle of runs, as `trainer-native export --web` writes them (`docs/run-bundle.md`), read with every field checked:
 * a bundle may be damaged, of another version, or made to do harm.
 */

import { type Fields, fields, integer, list, number, oneOf, parsed, text } from "../state/decode";
import { runWords } from "../words/run";

const FORMAT = "keisei-run-bundle";
export const VERSION = 1;
export const MANIFEST = "run.json";

/** Reason why a part of a bundle cannot be shown, in the reader's words. */
export class BundleProblem extends Error {}

export interface Chunk {
  file: string;
  bytes: number;
  sha256: string;
}

export interface GameSet {
  count: number;
  stride: number;
  index: Chunk | null;
}

export interface RunEntry {
  name: string;
  state: string;
  began: number;
  iteration: number;
  plies: number;
  budgetPlies: number;
  gamesPlayed: number;
  seconds: number;
  learner: string;
  revision: string;
  weights: number;
  alarms: readonly string[];
  /** Chunks of curves by the group of their metrics. */
  curves: ReadonlyMap<string, Chunk>;
  story: Chunk;
  games: GameSet;
}

export interface Manifest {
  /** Address of the event stream beside the manifest; null for a bundle of files. */
  events: string | null;
  runs: readonly RunEntry[];
  tournaments: readonly { name: string; games: GameSet }[];
}

type Column = readonly (number | null)[];

export interface Curve {
  key: string;
  part: string;
  mean: Column;
  low: Column | null;
  high: Column | null;
}

export interface Curves {
  iterationsPerPoint: number;
  iteration: readonly number[];
  plies: readonly number[];
  seconds: readonly number[];
  curves: readonly Curve[];
}

export interface Evaluation {
  iteration: number;
  plies: number;
  opponent: string;
  games: number;
  score: number;
  low: number;
  high: number;
}

export interface Rating {
  iteration: number;
  plies: number;
  source: "evaluation" | "gate" | "tournament";
  anchor: string;
  elo: number | null;
  low: number | null;
  high: number | null;
  games: number;
}

export interface Alarm {
  iteration: number;
  id: string;
  text: string;
  advice: string;
}

export interface Story {
  evaluations: readonly Evaluation[];
  ratings: readonly Rating[];
  alarms: readonly Alarm[];
  settings: readonly (readonly [key: string, value: string])[];
}

export interface GameChunk extends Chunk {
  games: number;
}

export interface Standing {
  player: number;
  elo: number | null;
  low: number | null;
  high: number | null;
  games: number;
}

/** Facts about the games of a set, a column entry for each. */
export interface GameIndex {
  players: readonly string[];
  endings: readonly string[];
  black: readonly number[];
  white: readonly number[];
  /** 0 Black won, 1 White won, 2 draw, 3 none. */
  result: readonly number[];
  ending: readonly number[];
  plies: readonly number[];
  iteration: readonly number[];
  chunks: readonly GameChunk[];
  standings: readonly Standing[];
}

/** Most of each thing that is read; a real bundle has far less. */
const MOST = { runs: 32, tournaments: 64, points: 100_000, curves: 500, games: 500_000, events: 100_000, text: 10_000, players: 100_000, chunkBytes: 64 << 20 };
/** Largest number of plies of a game, and iterations, plies and games of a run. */
const MOST_PLIES = 10_000;
const MOST_COUNT = 1e12;
/** Largest magnitude of a number: above every finite number of 32 bits, and so small that differences of two stay finite. */
const LARGEST = 1e40;
const CHUNK_NAME = /^(?:curves|story|index|games)-([0-9a-f]{16})\.(?:json|record)$/;

/** Reader of one file: a part that does not fit is told with its place. */
class Place {
  readonly #file: string;
  readonly #path: string;

  constructor(file: string, path = "") {
    this.#file = file;
    this.#path = path;
  }

  /** The value, unless it does not fit. */
  must<T>(value: T | undefined, name: string): T {
    if (value === undefined) throw new BundleProblem(runWords.problems.nonsense(this.#file, this.#path + name));
    return value;
  }

  object(value: unknown, name: string): Fields {
    return this.must(fields(value), name);
  }

  count(from: Fields, name: string, most = MOST_COUNT): number {
    return this.must(integer(from[name], 0, most), name);
  }

  finite(from: Fields, name: string): number {
    return this.must(finite(from[name]), name);
  }

  text(from: Fields, name: string): string {
    return this.must(text(from[name], MOST.text), name);
  }

  /** Entries, each read by `read` with its place. */
  list<T>(from: Fields, name: string, most: number, read: (entry: unknown, place: Place) => T): T[] {
    const entries = this.must(list(from[name], most, (entry) => ({ entry })), name);
    return entries.map(({ entry }, at) => read(entry, new Place(this.#file, `${this.#path}${name}[${at}].`)));
  }

  /** A column of numbers that `fits` accepts. */
  column<T extends number | null>(from: Fields, name: string, length: number | null, fits: (value: unknown) => value is T): T[] {
    const column = from[name];
    if (!Array.isArray(column) || (length === null ? column.length > MOST.games : column.length !== length)) return this.must<T[]>(undefined, name);
    const lame = column.findIndex((value) => !fits(value));
    if (lame >= 0) return this.must<T[]>(undefined, `${name}[${lame}]`);
    return column as T[];
  }
}

const finite = (value: unknown): number | undefined => number(value, -LARGEST, LARGEST);
const orNull = (value: unknown): value is number | null => value === null || finite(value) !== undefined;
const whole = (most: number) => (value: unknown): value is number => integer(value, 0, most) !== undefined;
const isFinite = (value: unknown): value is number => finite(value) !== undefined;

function ascending(values: readonly number[]): boolean {
  return values.every((value, at) => at === 0 || value >= (values[at - 1] ?? 0));
}

function readChunk(value: unknown, name: string, place: Place): Chunk {
  const read = place.object(value, name);
  const file = place.must(text(read["file"], 60), `${name}.file`);
  const bytes = place.must(integer(read["bytes"], 0, MOST_COUNT), `${name}.bytes`);
  const sha256 = place.must(text(read["sha256"], 64), `${name}.sha256`);
  const digits = CHUNK_NAME.exec(file)?.[1];
  place.must(digits && /^[0-9a-f]{64}$/.test(sha256) && sha256.startsWith(digits) ? true : undefined, `${name}.file`);
  if (bytes > MOST.chunkBytes) throw new BundleProblem(runWords.problems.large(file, bytes));
  return { file, bytes, sha256 };
}

function readSet(value: unknown, place: Place): GameSet {
  const read = place.object(value, "games");
  const count = place.count(read, "count", MOST.games);
  const index = read["index"] === null ? null : readChunk(read["index"], "index", place);
  place.must((index === null) === (count === 0) ? true : undefined, "games.index");
  return { count, stride: place.must(integer(read["stride"], 1, MOST_COUNT), "games.stride"), index };
}

function json(file: string, content: string): unknown {
  const value = parsed(content);
  if (value === undefined) throw new BundleProblem(runWords.problems.json(file));
  return value;
}

export function readManifest(content: string, file = MANIFEST): Manifest {
  const read = fields(json(file, content));
  if (!read || read["format"] !== FORMAT) throw new BundleProblem(runWords.problems.notABundle(file));
  if (read["version"] !== VERSION) {
    throw new BundleProblem(runWords.problems.version(String(read["version"]).slice(0, 20), VERSION));
  }
  const top = new Place(file);
  const events = read["events"] ?? null;
  return {
    events: events === null ? null : top.must(events === "events" ? "events" : undefined, "events"),
    runs: top.list(read, "runs", MOST.runs, readRun),
    tournaments: top.list(read, "tournaments", MOST.tournaments, (value, place) => {
      const entry = place.object(value, "");
      return { name: place.text(entry, "name"), games: readSet(entry["games"], place) };
    }),
  };
}

function readRun(value: unknown, place: Place): RunEntry {
  const run = place.object(value, "");
  const chunks = Object.entries(place.object(run["curves"], "curves"));
  place.must(chunks.length <= MOST.curves ? true : undefined, "curves");
  return {
    name: place.text(run, "name"),
    state: place.text(run, "state"),
    began: place.must(number(run["began"], 0, 1e11), "began"),
    iteration: place.count(run, "iteration"),
    plies: place.count(run, "plies"),
    budgetPlies: place.count(run, "budget_plies"),
    gamesPlayed: place.count(run, "games_played"),
    seconds: place.must(number(run["seconds"], 0, 1e11), "seconds"),
    learner: place.text(run, "learner"),
    revision: place.text(run, "revision"),
    weights: place.count(run, "weights"),
    alarms: place.list(run, "alarms", 1000, (id, of) => of.must(text(id, MOST.text), "")),
    curves: new Map(chunks.map(([group, chunk]) => [group, readChunk(chunk, `curves.${group}`, place)])),
    story: readChunk(run["story"], "story", place),
    games: readSet(run["games"], place),
  };
}

export function readCurves(content: string, file: string): Curves {
  const top = new Place(file);
  const read = top.object(json(file, content), "");
  const iteration = top.column(read, "iteration", null, whole(MOST_COUNT));
  const length = iteration.length;
  const plies = top.column(read, "plies", length, whole(MOST_COUNT));
  const seconds = top.column(read, "seconds", length, isFinite);
  for (const [name, column] of Object.entries({ iteration, plies, seconds })) top.must(ascending(column) ? true : undefined, name);
  top.must(length <= MOST.points ? true : undefined, "iteration");
  return {
    iterationsPerPoint: top.must(integer(read["iterations_per_point"], 1, MOST_COUNT), "iterations_per_point"),
    iteration,
    plies,
    seconds,
    curves: top.list(read, "curves", MOST.curves, (value, place) => {
      const curve = place.object(value, "");
      const bound = (name: string): Column | null => (curve[name] === null ? null : place.column(curve, name, length, orNull));
      return { key: place.text(curve, "key"), part: place.text(curve, "part"), mean: place.column(curve, "mean", length, orNull), low: bound("low"), high: bound("high") };
    }),
  };
}

export function readStory(content: string, file: string): Story {
  const top = new Place(file);
  const read = top.object(json(file, content), "");
  const optional = (from: Fields, name: string, place: Place): number | null => (from[name] === null ? null : place.finite(from, name));
  return {
    evaluations: top.list(read, "evaluations", MOST.events, (value, place) => {
      const of = place.object(value, "");
      const share = (entry: unknown, name: string): number => place.must(number(entry, 0, 1), name);
      const interval = place.must(list(of["interval"], 2, (bound) => number(bound, 0, 1)), "interval");
      return {
        iteration: place.count(of, "iteration"),
        plies: place.count(of, "plies"),
        opponent: place.text(of, "opponent"),
        games: place.count(of, "games"),
        score: share(of["score"], "score"),
        low: share(interval[0], "interval[0]"),
        high: share(interval[1], "interval[1]"),
      };
    }),
    ratings: top.list(read, "ratings", MOST.events, (value, place) => {
      const of = place.object(value, "");
      return {
        iteration: place.count(of, "iteration"),
        plies: place.count(of, "plies"),
        source: place.must(oneOf(of["source"], ["evaluation", "gate", "tournament"] as const), "source"),
        anchor: place.text(of, "anchor"),
        elo: optional(of, "elo", place),
        low: optional(of, "low", place),
        high: optional(of, "high", place),
        games: place.count(of, "games"),
      };
    }),
    alarms: top.list(read, "alarms", MOST.events, (value, place) => {
      const of = place.object(value, "");
      return { iteration: place.count(of, "iteration"), id: place.text(of, "id"), text: place.text(of, "text"), advice: place.text(of, "advice") };
    }),
    settings: top.list(read, "settings", 5000, (value, place) => {
      const [key, setting] = place.must(list(value, 2, (part) => text(part, MOST.text)), "");
      return [place.must(key, "[0]"), place.must(setting, "[1]")] as const;
    }),
  };
}

export function readIndex(content: string, file: string, count: number): GameIndex {
  const top = new Place(file);
  const read = top.object(json(file, content), "");
  const players = top.list(read, "players", MOST.players, (name, place) => place.must(text(name, MOST.text), ""));
  const endings = top.list(read, "endings", 50, (name, place) => place.must(text(name, 40), ""));
  const column = (name: string, most: number): number[] => top.column(read, name, count, whole(most));
  const chunks = top.list(read, "chunks", MOST.games, (value, place) => ({
    ...readChunk(value, "chunk", place),
    games: place.must(integer(fields(value)?.["games"], 1, 100_000), "games"),
  }));
  top.must(chunks.reduce((sum, chunk) => sum + chunk.games, 0) === count ? true : undefined, "chunks");
  return {
    players,
    endings,
    black: column("black", players.length - 1),
    white: column("white", players.length - 1),
    result: column("result", 3),
    ending: column("ending", endings.length - 1),
    plies: column("plies", MOST_PLIES),
    iteration: column("iteration", MOST_COUNT),
    chunks,
    standings: top.list(read, "standings", 1000, (value, place) => {
      const of = place.object(value, "");
      const elo = (name: string): number | null => (of[name] === null ? null : place.finite(of, name));
      return { player: place.count(of, "player", players.length - 1), elo: elo("elo"), low: elo("low"), high: elo("high"), games: place.count(of, "games") };
    }),
  };
}
