/** Visible text of the Play page, and of the parts that it shares: clock and typed moves. */

import { squareName } from "../board/geometry";
import type { IllegalReason, TypedProblem } from "../wasm/keisei_web.js";
import { reasonWord } from "./state";

export const COLORS = ["Black", "White"] as const;

const number = (value: number): string => value.toLocaleString("en");
const minutes = (seconds: number): string => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Words of the clock and of the field for typed moves. */
export const partWords = {
  colors: COLORS,
  time: (seconds: number): string => (seconds < 3600 ? minutes(seconds) : `${Math.floor(seconds / 3600)}:${minutes(seconds % 3600).padStart(5, "0")}`),
  byoyomi: (seconds: number): string => `byoyomi ${seconds}`,
  secondsLeft: (seconds: number): string => (seconds <= 1 ? "1 second left" : `${seconds} seconds left`),
  typeMove: "Type a move, such as 7g7f, P*5e, P-7f or 76歩",
  playTyped: "Play it",
} as const;

/** Levels by what they feel like, weakest first; `levels.ts` says how each of them plays. */
export const levelWords = [
  { name: "First games", about: "often plays the first move that comes to mind" },
  { name: "Gentle", about: "overlooks a lot" },
  { name: "Casual", about: "plays at a glance and overlooks some" },
  { name: "Even", about: "plays its best guess without looking ahead" },
  { name: "Sharp", about: "looks a few moves ahead" },
  { name: "Strong", about: "looks further ahead, up to three seconds a move" },
  { name: "Full", about: "looks as far ahead as it can, up to five seconds a move" },
] as const;

export const playWords = {
  colors: COLORS,
  you: "You",
  agent: "The agent",
  agentAt: (name: string, level: string): string => `${name} (${level.toLowerCase()})`,
  selfTaught: "Self-taught agent",

  // --- status line
  moved: (side: string, text: string): string => `${side}: ${text}.`,
  over: "The game is over.",
  check: "Check!",
  toMove: (side: string): string => `${side} to move.`,
  yourTurn: (side: string): string => `Your turn (${side}).`,
  thinking: "The agent is thinking",
  sideThinking: (side: string): string => `${side} is thinking`,
  waiting: "The agent answers as soon as it is loaded.",
  paused: "Paused.",
  fromAddress: "This game came from its address; continue when you like.",
  restarted: "The agent had stopped and was started again.",
  reviewing: (ply: number, plies: number): string => `Position ${ply === 0 ? "before the first move" : `after move ${ply}`} of ${plies}. The game goes on at the end.`,
  levelFrom: (level: string): string => `From its next move on the agent plays at ${level}.`,
  copied: "Copied: the address shows this game at this position.",
  hint: (text: string, rest: string, share: string): string => `Hint: ${text}${rest === "" ? "" : `, then ${rest}`}${share}.`,
  hintShare: (percent: number): string => ` (${percent} % for you)`,
  hintDeclare: "Hint: you can declare a win.",
  takenBack: "Taken back.",
  newGame: "A new game begins; the one before is kept under Saved.",
  timeStood: "Time does not run while the page is closed.",

  // --- the end
  youWin: "You win",
  agentWins: "The agent wins",
  sideWins: (side: string): string => `${side} wins`,
  draw: "Draw",
  noResult: (plies: number): string => `No result after ${number(plies)} moves`,
  endReason: (reason: string, plies: number): string =>
    reason === "max_plies" ? "the limit of moves was reached" : `by ${reasonWord(reason)}, after ${number(plies)} ${plies === 1 ? "move" : "moves"}`,
  playAgain: "Play again",
  analyse: "Analyse the game",

  // --- the agent
  noAgent: "No agent",
  noAgentAbout: "You move for both sides. Open a model file to have an opponent.",
  loading: "loading",
  none: "none",
  ready: "ready",
  busy: "thinking",
  pausedChip: "paused",
  loadingAbout: (loaded: string, total: string): string => `Loading the agent: ${loaded}${total === "" ? "" : ` of ${total}`}`,
  noEstimate: "no estimate yet",
  looking: "looking…",
  notLooked: "not looked at",
  decided: "the game is over",
  glance: "at a glance",
  visits: (count: number): string => `${number(count)} visits`,
  levelText: (name: string, elo: number | undefined): string => (elo === undefined ? name : `${name} · Elo ${Math.round(elo)}`),
  levelOf: (side: string): string => `${side}'s strength`,
  strength: "Strength",
  openSecond: "Open a second model for White",
  secondModel: (name: string): string => `White plays ${name}; open another`,

  // --- buttons
  resign: "Resign",
  sure: "Sure?",
  pause: "Pause",
  goOn: "Continue",

  // --- new game
  clocks: { none: "No clock", own: "Own times…" },
  clockName: (main: number, byoyomi: number, increment: number): string => {
    const parts = [main >= 60 && main % 60 === 0 ? `${main / 60} min` : main > 0 ? `${main} s` : ""];
    if (byoyomi > 0) parts.push(`${byoyomi} s byoyomi`);
    if (increment > 0) parts.push(`${increment} s a move`);
    return parts.filter((part) => part !== "").join(" + ");
  },
  evenGame: "Even game",
  /** Name of a handicap, whose id says which pieces White plays without; with its Japanese name for those who read kanji. */
  handicap: (id: string, japanese: string | null): string => `${sentence(id.replaceAll("_", " "))}${japanese === null ? "" : ` (${japanese})`}`,

  // --- problems
  couldNotMove: (why: string): string => `The agent could not move: ${why}. You can move for both sides, or open another model.`,
  couldNotLoad: (why: string): string => `The agent could not be loaded. ${why}`,
  couldNotSave: (why: string): string => `The game could not be saved: ${why}`,
  couldNotOpen: (file: string, why: string): string => `${file} could not be opened: ${why}`,
  couldNotStart: (why: string): string => `The page could not start: ${why}`,
  couldNotRestore: (why: string): string => `The saved game could not be continued, and stays in the list: ${why}`,
  badLink: (why: string): string => `The game in the address could not be opened: ${why}`,
  notYourTurn: "It is not your turn.",
  readOnly: "This is an earlier position: go back to the game, or play on from here.",
  badPly: (ply: number, last: number): string => `The address asks for the position after move ${ply}, but the game has ${last} moves.`,
  notHanded: (why: string): string => `The game could not be handed over: ${why}`,
  notStarted: "The page could not start.",
  nothingHere: "The game that the address names is not in this browser.",
} as const;

const at = (to: string | null, word: string): string => (to === null ? "there" : `${word} ${to}`);

/** Why a move is against the rules; each takes the name of the square that the move goes to, if it is known. */
const illegal: Record<IllegalReason, (to: string | null) => string> = {
  game_over: () => "The game is over.",
  no_piece: () => "There is no piece.",
  not_yours: () => "That piece is your opponent's.",
  not_in_hand: () => "There is no such piece in hand.",
  movement: (to) => `This piece does not move ${at(to, "to")}.`,
  blocked: (to) => `The way ${at(to, "to")} is blocked.`,
  own_piece: (to) => `Your own piece stands ${at(to, "on")}.`,
  occupied: (to) => `A piece is dropped on an empty square, and there is one ${at(to, "on")}.`,
  two_pawns: () => "Two pawns (nifu): there is an unpromoted pawn of yours on this file already.",
  dead_drop: (to) => `The piece could never move ${at(to, "from")}.`,
  drop_pawn_mate: () => "A dropped pawn must not give mate at once (drop-pawn mate).",
  into_check: (to) => `The king would be in check ${at(to, "on")}.`,
  in_check: () => "Your king is in check, and this does not answer it.",
  pinned: () => "This piece is pinned: it shields your king.",
  must_promote: (to) => `The piece must promote ${at(to, "on")}: it could never move again.`,
  cannot_promote: () => "This piece cannot promote with this move.",
};

/** Words for moves that are refused. */
export const refusalWords = {
  square: squareName,
  reasons: illegal,
  noMove: "This piece has no legal move.",
  noMoveBecause: (why: string): string => (why.startsWith("That") ? why : `No legal move with this piece: ${why.charAt(0).toLowerCase()}${why.slice(1)}`),
  typed: {
    unreadable: () => "That is no move. Write it as 7g7f, P*5e, P-7f or 76歩.",
    other_side: () => "That is a move of the other side.",
    no_previous: () => "There is no move before this one whose square could be meant.",
    no_such_move: () => "No piece can move like that here.",
    ambiguous: (moves) => `Several moves are meant: ${moves}. Write one of them.`,
  } satisfies Record<Exclude<TypedProblem, "illegal">, (moves: string) => string>,
} as const;
