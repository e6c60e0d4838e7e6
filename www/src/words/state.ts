/** Visible text about saved games, settings and addresses. */

import type { SavedEnd, SavedGame } from "../state/games";

export const stateWords = {
  forbidden: "This browser does not let the page store anything, so games and settings last until the page is closed. The address keeps the moves: copy it to come back to them.",
  full: "The browser's storage for this site is full: the latest moves are not saved. Delete saved games to make room.",
  gameTooLong: "This game is too long to be saved in the browser. Save it as a file.",
  unreadableSettings: "The stored settings could not be read and were set aside; the page uses its defaults.",
  changedElsewhere: "This game was played on in another tab. If you play on here, this tab makes a copy of its own.",
  badAddress: (defects: readonly string[]): string => `The address could not be used as it stands: ${defects.join("; ")}.`,
  addressTooLong: (length: number, most: number): string => `it has ${length} characters, more than ${most}`,
  addressField: (field: string, value: string): string => `${field}=${value.length > 24 ? `${value.slice(0, 24)}…` : value} means nothing here`,
  unreadable: "not JSON",
  notAGame: "not a saved game",
  otherVersion: (version: number): string => `written by another version of this page (${version})`,
} as const;

/** Ends of games by their ids, as a continuation of `Black won: …`. */
const reasons: Record<string, string> = {
  checkmate: "checkmate",
  no_legal_move: "no legal move",
  repetition: "repetition",
  perpetual_check: "perpetual check",
  declaration: "declaration",
  resignation: "resignation",
  max_plies: "the limit of moves",
  forfeit: "an illegal move",
  time: "time",
};

/** The word for an end's id; an id of another version stands for itself. */
export const reasonWord = (id: string): string => reasons[id] ?? id.replaceAll("_", " ");

const endText = (end: SavedEnd | null): string => {
  if (!end) return "not finished";
  if (end.winner === null) return `no winner: ${reasonWord(end.reason)}`;
  return `${end.winner === 0 ? "Black" : "White"} won: ${reasonWord(end.reason)}`;
};

const countMoves = (moves: string): number => (moves === "" ? 0 : moves.split(" ").length);

/** Words of the list of saved games. */
export const savedWords = {
  none: "No saved games yet.",
  unreadableTitle: "A game that cannot be read",
  title: ({ black, white }: SavedGame): string => (black === "" && white === "" ? "Game without names" : `${black} – ${white}`),
  about: (game: SavedGame): string => {
    const plies = countMoves(game.moves);
    const date = new Date(game.changed).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
    return `${plies} ${plies === 1 ? "move" : "moves"} · ${endText(game.end)} · ${date}${game.page === "analysis" ? " · analysis" : ""}`;
  },
  delete: "Delete",
  deleteNamed: (title: string): string => `Delete ${title}`,
  sure: "Sure?",
  sureNamed: (title: string): string => `Delete ${title} for good?`,
} as const;
