/** Games of a set: filter, order and pages of the list, and the table of who met whom. Facts only; nothing is drawn here. */

import type { GameIndex } from "./format";

/** Games of a page of the list. */
export const PAGE = 50;
/** Most players of the matrix: those with the most games. */
export const MOST_PLAYERS = 40;

export type Order = "number" | "iteration" | "black" | "white" | "result" | "ending" | "plies";

/** Conditions that a listed game meets; null is any. */
export interface Filter {
  player: number | null;
  /** Two players who met, in either order. */
  pair: readonly [number, number] | null;
  result: number | null;
  ending: number | null;
  pliesFrom: number | null;
  pliesTo: number | null;
  iterationFrom: number | null;
  iterationTo: number | null;
}

export const EVERYTHING: Filter = {
  player: null, pair: null, result: null, ending: null, pliesFrom: null, pliesTo: null, iterationFrom: null, iterationTo: null,
};

/** Numbers of the games that meet the filter, in this order. */
export function listed(index: GameIndex, filter: Filter, order: Order, descending: boolean): Uint32Array {
  const { black, white, result, ending, plies, iteration } = index;
  const found: number[] = [];
  for (let game = 0; game < black.length; game++) {
    const [b, w] = [black[game], white[game]];
    if (filter.player !== null && b !== filter.player && w !== filter.player) continue;
    if (filter.pair && !((b === filter.pair[0] && w === filter.pair[1]) || (b === filter.pair[1] && w === filter.pair[0]))) continue;
    if (filter.result !== null && result[game] !== filter.result) continue;
    if (filter.ending !== null && ending[game] !== filter.ending) continue;
    if (!within(plies[game] ?? 0, filter.pliesFrom, filter.pliesTo)) continue;
    if (!within(iteration[game] ?? 0, filter.iterationFrom, filter.iterationTo)) continue;
    found.push(game);
  }
  const sorted = Uint32Array.from(found);
  const sign = descending ? -1 : 1;
  if (order === "number") return descending ? sorted.reverse() : sorted;
  const rank = order === "black" || order === "white" ? namesInOrder(index.players) : null;
  const column = index[order];
  const key = (game: number): number => (rank ? (rank[column[game] ?? 0] ?? 0) : (column[game] ?? 0));
  return sorted.sort((a, b) => sign * (key(a) - key(b)) || a - b);
}

const within = (value: number, from: number | null, to: number | null): boolean => (from === null || value >= from) && (to === null || value <= to);

/** Place of each name in alphabetical order, numbers in names by their size. */
export function namesInOrder(names: readonly string[]): Uint32Array {
  const { compare } = new Intl.Collator(undefined, { numeric: true });
  const places = new Uint32Array(names.length);
  names.map((_, player) => player).sort((a, b) => compare(names[a] ?? "", names[b] ?? "")).forEach((player, place) => (places[player] = place));
  return places;
}

/** Results of the player of a row. */
export interface Cell {
  wins: number;
  draws: number;
  losses: number;
}

export interface Matrix {
  /** Players of the rows and columns. */
  players: readonly number[];
  cell: (row: number, column: number) => Cell | null;
  /** Number of all players. */
  all: number;
}

/** Who met whom: of a player against itself, wins are those of Black. */
export function matrixOf(index: GameIndex): Matrix {
  const games = new Uint32Array(index.players.length);
  const cells = new Map<string, Cell>();
  const add = (row: number, column: number, outcome: keyof Cell): void => {
    const key = `${row} ${column}`;
    let cell = cells.get(key);
    if (!cell) cells.set(key, (cell = { wins: 0, draws: 0, losses: 0 }));
    cell[outcome]++;
  };
  const byBlack = ["wins", "losses", "draws", "draws"] as const;
  const byWhite = ["losses", "wins", "draws", "draws"] as const;
  for (let game = 0; game < index.black.length; game++) {
    const [black = 0, white = 0, result = 3] = [index.black[game], index.white[game], index.result[game]];
    games[black] = (games[black] ?? 0) + 1;
    if (black !== white) games[white] = (games[white] ?? 0) + 1;
    add(black, white, byBlack[result] ?? "draws");
    if (black !== white) add(white, black, byWhite[result] ?? "draws");
  }
  const places = namesInOrder(index.players);
  const most = index.players.map((_, player) => player).sort((a, b) => (games[b] ?? 0) - (games[a] ?? 0)).slice(0, MOST_PLAYERS);
  const players = most.sort((a, b) => (places[a] ?? 0) - (places[b] ?? 0));
  return { players, cell: (row, column) => cells.get(`${row} ${column}`) ?? null, all: index.players.length };
}

/** The chunk of a game, and the game's place in it; null if there is no such game. */
export function chunkOf(index: GameIndex, game: number): { number: number; place: number } | null {
  let first = 0;
  for (const [number, chunk] of index.chunks.entries()) {
    if (game < first + chunk.games) return game < first ? null : { number, place: game - first };
    first += chunk.games;
  }
  return null;
}
