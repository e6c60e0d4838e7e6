/** The Replay page: steps through the games of a record file. */

import { type Color } from "./board/geometry";
import { ShogiBoard } from "./board/shogi-board";
import { MoveList } from "./parts/move-list";
import { boardSwitches, byId, bytesOf, hideProblem, isTyping, onFile, reason, showCandidates, showProblem } from "./parts/page";
import { ValueBar } from "./parts/value-bar";
import { ValueGraph } from "./parts/value-graph";
import { type Candidate, listed } from "./protocol";
import { Board, Replay, rulesReady } from "./rules";
import { blackValue, chancesOfValue } from "./values";

const NAMES = ["Black", "White"] as const;
const PLAY_INTERVAL_MS = 900;

const view = {
  board: byId("board", ShogiBoard),
  status: byId("status", HTMLParagraphElement),
  slider: byId("ply", HTMLInputElement),
  plyText: byId("ply-text", HTMLOutputElement),
  play: byId("play", HTMLButtonElement),
  fileName: byId("file-name", HTMLSpanElement),
  picker: byId("game-picker", HTMLDivElement),
  select: byId("game", HTMLSelectElement),
  about: byId("about", HTMLElement),
  black: byId("black", HTMLElement),
  white: byId("white", HTMLElement),
  outcome: byId("outcome", HTMLParagraphElement),
  judgement: byId("judgement", HTMLElement),
  value: byId("value", ValueBar),
  graph: byId("graph", ValueGraph),
  candidates: byId("candidates", HTMLOListElement),
  moves: byId("moves", MoveList),
  file: byId("file", HTMLInputElement),
};

let replay: Replay | null = null;
let index = 0;
let moves: string[] = [];
let texts: string[] = [];
/** Black's value before each move and, last, after the final one; NaN where the record has none. */
let values: number[] = [];
let board: Board;
let timer: ReturnType<typeof setInterval> | undefined;

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const firstSide = (): Color => ((board.side_to_move() + board.plies()) % 2) as Color;

// --- opening --------------------------------------------------------------------------------------------------------

function openBytes(bytes: Uint8Array, name: string): void {
  const opened = new Replay(bytes);
  replay?.free();
  replay = opened;
  view.fileName.textContent = name;
  view.select.replaceChildren(
    ...Array.from({ length: opened.games }, (_, game) => {
      const option = document.createElement("option");
      option.value = String(game);
      option.textContent = `${game + 1}. ${opened.black(game)} – ${opened.white(game)}: ${opened.outcome(game)}`;
      return option;
    }),
  );
  view.picker.hidden = opened.games < 2;
  openGame(0);
}

async function openFile(file: File): Promise<void> {
  hideProblem();
  try {
    openBytes(new Uint8Array(await bytesOf(file)), file.name);
  } catch (error) {
    showProblem(`${file.name} could not be opened: ${reason(error)}`);
  }
}

function openGame(game: number): void {
  if (!replay) return;
  stop();
  index = game;
  moves = replay.moves(game).split(" ").filter(Boolean);
  board.free();
  board = new Board(replay.start(game), 0);
  const first = board.side_to_move();
  const noted = replay.values(game);
  values = Array.from({ length: moves.length + 1 }, (_, ply) => blackValue(noted[ply] ?? NaN, ((first + ply) % 2) as Color));
  texts = moves.map((move) => {
    board.play(move);
    return board.texts().at(-1) ?? move;
  });
  view.select.value = String(game);
  view.slider.max = String(moves.length);
  view.about.hidden = false;
  view.black.textContent = replay.black(game);
  view.white.textContent = replay.white(game);
  view.outcome.textContent = `${sentence(replay.outcome(game))}, after ${moves.length} moves`;
  view.judgement.hidden = !values.some(Number.isFinite);
  view.graph.values = values;
  goTo(0);
}

// --- moving ---------------------------------------------------------------------------------------------------------

function goTo(ply: number): void {
  const wanted = Math.max(0, Math.min(moves.length, ply));
  while (board.plies() > wanted) board.undo();
  while (board.plies() < wanted) board.play(moves[board.plies()] ?? "");
  draw();
  if (wanted === moves.length) stop();
}

function stop(): void {
  clearInterval(timer);
  timer = undefined;
  view.play.setAttribute("aria-pressed", "false");
}

function togglePlay(): void {
  if (timer !== undefined) {
    stop();
    return;
  }
  if (board.plies() === moves.length) goTo(0);
  if (moves.length === 0) return;
  view.play.setAttribute("aria-pressed", "true");
  timer = setInterval(() => goTo(board.plies() + 1), PLAY_INTERVAL_MS);
}

// --- drawing --------------------------------------------------------------------------------------------------------

function candidatesAt(ply: number): Candidate[] {
  if (!replay || ply >= moves.length) return [];
  return listed(replay.candidates(index, ply));
}

function draw(): void {
  const ply = board.plies();
  const side = board.side_to_move() as Color;
  view.board.state = { squares: board.squares(), hands: board.hands(), turn: side, last: board.last(), check: board.check() };
  view.slider.value = String(ply);
  view.slider.setAttribute("aria-valuetext", ply === 0 ? "start" : `${ply}: ${texts[ply - 1]}`);
  view.plyText.textContent = `${ply} / ${moves.length}`;
  view.moves.show(texts, ply, firstSide() === 1);
  view.graph.ply = ply;
  const value = values[ply];
  const known = value !== undefined && Number.isFinite(value);
  view.value.show(known ? chancesOfValue(value) : null, known ? "the agent's view" : "no estimate here");
  const candidates = candidatesAt(ply);
  view.candidates.hidden = candidates.length === 0;
  showCandidates(view.candidates, candidates.slice(0, 4), moves[ply]);
  view.board.arrows = candidates.slice(0, 3).map(({ usi, probability }) => ({ usi, weight: probability }));
  drawStatus(ply, side);
}

function drawStatus(ply: number, side: Color): void {
  if (!replay) return;
  const parts: string[] = [];
  if (ply > 0) parts.push(`${ply}. ${NAMES[side === 0 ? 1 : 0]}: ${texts[ply - 1]}.`);
  if (board.check() !== undefined) parts.push("Check.");
  if (ply === moves.length) parts.push(`End: ${replay.outcome(index)}.`);
  else if (ply === 0) parts.push(`Start. ${NAMES[side]} to move.`);
  view.status.textContent = parts.join(" ");
}

// --- wiring ---------------------------------------------------------------------------------------------------------

function onKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event)) return;
  const onButton = event.composedPath()[0] instanceof HTMLButtonElement;
  const steps: Record<string, () => void> = {
    ArrowLeft: () => goTo(board.plies() - 1),
    ArrowRight: () => goTo(board.plies() + 1),
    Home: () => goTo(0),
    End: () => goTo(moves.length),
    ...(onButton ? {} : { " ": togglePlay }),
  };
  const step = steps[event.key];
  if (!step) return;
  if (event.key !== " ") stop();
  step();
  event.preventDefault();
}

function wire(): void {
  boardSwitches(view.board);
  const onClick = (id: string, action: () => void): void =>
    byId(id, HTMLButtonElement).addEventListener("click", () => {
      if (id !== "play") stop();
      action();
    });
  onClick("first", () => goTo(0));
  onClick("previous", () => goTo(board.plies() - 1));
  onClick("play", togglePlay);
  onClick("next", () => goTo(board.plies() + 1));
  onClick("last", () => goTo(moves.length));
  onClick("open", () => view.file.click());
  view.slider.addEventListener("input", () => {
    stop();
    goTo(Number(view.slider.value));
  });
  view.select.addEventListener("change", () => openGame(Number(view.select.value)));
  for (const part of [view.moves, view.graph]) {
    part.addEventListener("ply-chosen", (event) => {
      stop();
      goTo(event.detail.ply);
    });
  }
  addEventListener("keydown", onKey);
  onFile(view.file, (file) => void openFile(file));
}

/** The game that Play handed over, or the games that were exported with the page, if there are any. */
async function openFirst(): Promise<void> {
  const handed = location.hash === "#last" ? sessionStorage.getItem("keisei.game") : null;
  if (handed !== null) {
    openBytes(Uint8Array.from(atob(handed), (char) => char.charCodeAt(0)), "your last game");
    return;
  }
  const response = await fetch("./models/games.record");
  const page = response.headers.get("content-type")?.startsWith("text/html") ?? false;
  if (response.status === 404 || page) return;
  if (!response.ok) throw new Error(`models/games.record: the server answered ${response.status}`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  // A file that the user opened in the meantime stays.
  if (!replay) openBytes(bytes, "games of this agent");
}

try {
  await rulesReady;
  board = new Board("startpos", 0);
  wire();
  draw();
  await openFirst();
} catch (error) {
  showProblem(`The games could not be loaded: ${reason(error)}`);
}
