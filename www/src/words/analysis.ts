/** Visible text of the analysis page. */

import { squareName } from "../board/geometry";
import type { ReadGame } from "../protocol";
import type { EndReason, LineEnd, LostPart, SetupProblem } from "../rules";
import { boardWords } from "./board";
import { SIDES } from "./parts";

type Side = 0 | 1;
const name = (side: Side): string => SIDES[side];
const other = (side: Side): Side => (side === 0 ? 1 : 0);
const counted = (count: number, one: string): string => `${count.toLocaleString("en")} ${one}${count === 1 ? "" : "s"}`;

/** How a line ends, by the side to move there. */
export const LINE_ENDS: Record<Exclude<LineEnd, "other">, (side: Side) => string> = {
  resign: (side) => `${name(side)} resigns`,
  interrupt: () => "The game breaks off",
  impasse: () => "Draw by impasse",
  draw: () => "Draw",
  repetition: () => "Draw by fourfold repetition",
  mate: (side) => `${name(side)} is mated`,
  no_mate: () => "No mate",
  time_up: (side) => `${name(side)} loses on time`,
  illegal_win: (side) => `${name(side)} wins: ${name(other(side))} made an illegal move`,
  illegal_loss: (side) => `${name(side)} loses by an illegal move`,
  declaration: (side) => `${name(side)} declares a win by entering king`,
  win_by_default: (side) => `${name(side)} wins by default`,
  loss_by_default: (side) => `${name(side)} loses by default`,
  max_moves: () => "Limit of moves",
  taken_back: () => "Move taken back",
  error: () => "The game ended by an error",
};

/** Short words for the list of moves. */
export const SHORT_ENDS: Record<Exclude<LineEnd, "other">, string> = {
  resign: "resigns",
  interrupt: "breaks off",
  impasse: "impasse",
  draw: "draw",
  repetition: "repetition",
  mate: "mate",
  no_mate: "no mate",
  time_up: "time up",
  illegal_win: "wins by foul",
  illegal_loss: "illegal move",
  declaration: "declares",
  win_by_default: "wins by default",
  loss_by_default: "loses by default",
  max_moves: "move limit",
  taken_back: "taken back",
  error: "error",
};

const REASONS: Record<EndReason, string> = {
  checkmate: "checkmate",
  no_legal_move: "no legal move",
  repetition: "fourfold repetition",
  perpetual_check: "perpetual check",
  declaration: "declaration",
  resignation: "resignation",
  max_plies: "the limit of moves",
  forfeit: "an illegal move",
};

/** Result by the rules, in words. */
export const reasonText = (reason: EndReason, winner: Side | null): string =>
  winner === null ? `draw by ${REASONS[reason]}` : `${name(winner)} wins by ${REASONS[reason]}`;

function resultText(end: LineEnd | undefined, winner: number | undefined): string {
  const how = end === undefined || end === "other" ? undefined : SHORT_ENDS[end];
  if (winner === undefined) return how ?? "unfinished";
  return `${name(winner === 0 ? 0 : 1)} wins${how === undefined ? "" : ` (${how})`}`;
}

export const bookmark = (name: string | undefined): string => (name === undefined ? "" : `⚑ ${name}`);

/** Time of a move; empty if it is not known. */
export function clock(milliseconds: number | undefined): string {
  if (milliseconds === undefined) return "";
  const seconds = Math.floor(milliseconds / 1000);
  const two = (value: number): string => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

export const LOST_PARTS: Record<LostPart, (count: number) => string> = {
  variations: (count) => counted(count, "variation"),
  comments: (count) => counted(count, "comment"),
  evaluations: (count) => counted(count, "evaluation"),
  bookmarks: (count) => counted(count, "bookmark"),
  times: (count) => counted(count, "time"),
  fractions: (count) => `${counted(count, "fraction")} of a second`,
  headers: (count) => counted(count, "header"),
  ends: (count) => counted(count, "end"),
  illegal_moves: (count) => counted(count, "illegal move"),
};

export const GAME = {
  start: (side: Side): string => `Start. ${name(side)} to move.`,
  moved: (ply: number, side: Side, text: string): string => `${ply}. ${name(side)}: ${text}.`,
  check: "Check.",
  end: (text: string): string => `End: ${text}.`,
  lineEnds: "End of the line.",
  illegal: (ply: number, side: Side, text: string): string => `${ply}. ${name(side)}: ${text}, an illegal move.`,
  illegalShort: "(illegal)",
  preview: (texts: string): string => `Preview: ${texts}. Enter or a click plays it.`,
  noPlayer: "–",
  untitled: "Untitled game",
  own: "New game",
  ofSite: "games of this agent",
  lastOfPlay: "your game",
  /** Entry of a list of games; players who are the same in every game say nothing. */
  entry: (number: number, { black, white, plies, end, winner }: ReadGame): string => {
    const result = `${resultText(end, winner)}, ${counted(plies, "move")}`;
    if (black === white) return `${number}. ${result}${black === "" ? "" : ` (${black})`}`;
    return `${number}. ${black || GAME.noPlayer} – ${white || GAME.noPlayer}: ${result}`;
  },
  summary: (result: string, plies: number): string => `${result}, ${counted(plies, "move")}`,
  open: "unfinished",
  wins: (side: Side): string => `${name(side)} wins`,
  drawn: "draw",
  sliderStart: "start",
  alternatives: (count: number): string => `${counted(count, "alternative")} (↑ ↓).`,
  removed: "Removed.",
  notStarted: "The page could not start.",
  promoted: "This is the main line now.",
};

export const NETWORK = {
  none: "No network",
  waiting: "The network",
  noneHint: "Open a model file to see what a network thinks.",
  loading: "loading",
  ready: "ready",
  passing: (done: number, total: number): string => `${done} / ${total}`,
  searching: "searching",
  failed: "stopped",
  start: "Analyse",
  stop: "Stop",
  glance: "one look",
  visits: (count: number): string => counted(count, "visit"),
  recorded: "from the record",
  result: "the result",
  thinking: "looking…",
  unknown: "no estimate here",
  series: "Network",
  searchSeries: "Search",
  recordSeries: "Record",
  searchNote: (visits: number): string =>
    visits === 0 ? "The network's first look. “Analyse” searches the position." : `${counted(visits, "visit")}. Lines play out on the board.`,
  policyAll: "All legal moves by the network's probability.",
  policyPiece: (piece: string): string => `Moves of the piece on ${piece}.`,
  policyHand: (piece: string): string => `Drops of the ${piece}.`,
  could: (text: string): string => `The network could not answer: ${text}`,
};

export const RATING = {
  wait: "The network looks at it…",
  best: "The network’s own choice.",
  good: (best: string | undefined): string => (best === undefined ? "A good move." : `A good move; the network prefers ${best}.`),
  grade: (grade: string, points: number, best: string | undefined): string =>
    `${grade.charAt(0).toUpperCase()}${grade.slice(1)}: −${points} points${best === undefined ? "" : `; the network prefers ${best}`}.`,
};

export const OPENING = {
  title: "Open a game",
  choose: "Choose a file…",
  chooseHint: "KIF, KI2, CSA, JKF, USI, SFEN, USEN or .record; a file can also be dropped anywhere.",
  paste: "Paste from the clipboard",
  text: "Text of a game or a position",
  openText: "Open the text",
  url: "Address of a game file",
  openUrl: "Fetch",
  saved: "Saved in this browser",
  site: "Games of this site’s agent",
  fresh: "New empty game",
  delete: (title: string): string => `Delete ${title}`,
  none: "Nothing is saved yet.",
  reading: (title: string): string => `Reading ${title}…`,
  failed: (title: string, text: string): string => `${title} could not be opened: ${text}`,
  noText: "The clipboard holds no text.",
  noClipboard: (text: string): string => `The clipboard cannot be read here (${text}). Use Ctrl+V on the page, or the field for text.`,
  noGames: "no game was found in it",
  tooLarge: (bytes: number, most: number): string => `it has ${bytes.toLocaleString("en")} bytes, more than the ${most.toLocaleString("en")} that a game file may have`,
  badAddress: "that is no address of a file",
  scheme: (scheme: string): string => `addresses that begin with ${scheme} are not fetched`,
  answered: (status: number): string => `the server answered ${status}`,
  elsewhere: (host: string): string => `it lies on ${host}, and this page talks to its own site only. Download the file and open it here, or paste its text.`,
  blocked: "the server cannot be reached",
  htmlPage: "the address leads to a web page, not to a game file",
  pasted: "pasted text",
  pageFailed: (text: string): string => `The page could not start: ${text}`,
  defects: (count: number): string => `${counted(count, "defect")} in this file; the readable part is open`,
  badPly: (ply: number, last: number): string => `The address names move ${ply}, but the game has ${last}.`,
  badLink: (text: string): string => `The game in the address could not be read: ${text}.`,
  badSaved: (text: string): string => `The saved game could not be opened: ${text}.`,
  exampleFailed: (text: string): string => `The games of this site could not be loaded: ${text}`,
};

export const SAVING = {
  title: "Save and share",
  format: "Format",
  formats: {
    kif: "KIF (UTF-8)",
    "kif-sjis": "KIF (Shift_JIS)",
    ki2: "KI2",
    csa2: "CSA 2.2",
    csa3: "CSA 3",
    jkf: "JKF",
    usi: "USI",
    usen: "USEN",
    record: "Keisei .record",
    svg: "Diagram (SVG)",
  },
  complete: "Everything is kept.",
  lost: (parts: readonly string[]): string => `Left out: ${parts.join(", ")}.`,
  mainLine: "The diagram shows the position on the board.",
  opinions: "With the network's evaluations",
  download: "Download",
  copy: "Copy text",
  copySfen: "Copy SFEN",
  copyLink: "Copy link",
  sfenName: "SFEN",
  linkName: "Link",
  copied: (what: string): string => `${what} copied.`,
  failed: (text: string): string => `It could not be saved: ${text}`,
  numbered: (letters: string): string => `Shift_JIS has no ${letters}; they are written as numbers, which this page reads back.`,
  diagramTitle: (ply: number): string => (ply === 0 ? "Shogi position" : `Shogi position after ${counted(ply, "move")}`),
  close: "Close",
};

export const PLAYING_ON = {
  title: "Play on from here",
  black: "Play Black against the agent",
  white: "Play White against the agent",
  both: "Agent against agent, here",
  bothHint: "The moves become a new branch of this game.",
  stop: "Stop the game",
  button: "Play on…",
  notHanded: "The position could not be handed to Play: this browser stores nothing for this site. Copy the link, and open it there.",
  over: "The game is over in this position.",
  close: "Close",
};

export const EDITOR = {
  title: "Set up a position",
  start: "Start from",
  sfen: "SFEN",
  apply: "Analyse this position",
  cancel: "Cancel",
  sure: "Sure?",
  current: "Position on the board",
  turn: "To move",
  hint: "Click or drag pieces; the box has more. Delete removes, + promotes, t turns a piece.",
  invalid: (text: string): string => `Not a position to play from: ${text}`,
};


/** What keeps a set-up position from being one to play from; the place depends on the problem. */
export function setupFault({ problem, place }: { problem: SetupProblem; place: number }): string {
  const side = name(place === 1 ? 1 : 0);
  const texts: Record<SetupProblem, () => string> = {
    no_king: () => `${side} has no king.`,
    two_kings: () => `${side} has more than one king.`,
    too_many: () => `There are too many of the kind ${boardWords.kind(place)}.`,
    two_pawns: () => `Two pawns of one side stand on one file (${squareName(place)}).`,
    dead_piece: () => `The piece on ${squareName(place)} could never move.`,
    opponent_in_check: () => `The side that is not to move is in check by the piece on ${squareName(place)}.`,
  };
  return texts[problem]();
}

const HANDICAPS: Record<string, string> = {
  even: "Even game",
  lance: "Lance",
  right_lance: "Right lance",
  bishop: "Bishop",
  rook: "Rook",
  rook_lance: "Rook and lance",
  two_piece: "Two pieces",
  three_piece: "Three pieces",
  four_piece: "Four pieces",
  five_piece: "Five pieces",
  left_five_piece: "Five pieces (left)",
  six_piece: "Six pieces",
  left_seven_piece: "Seven pieces (left)",
  right_seven_piece: "Seven pieces (right)",
  eight_piece: "Eight pieces",
  ten_piece: "Ten pieces",
};

/** Name of a start position, with the Japanese one. */
export const handicapName = (id: string, japanese: string): string => `${HANDICAPS[id] ?? id} (${japanese})`;
