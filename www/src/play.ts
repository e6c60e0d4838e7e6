/** The Play page: one game of the user against the agent. */

import { Agent, MissingModel } from "./agent";
import type { Color } from "./board/geometry";
import { ShogiBoard } from "./board/shogi-board";
import { MoveList } from "./parts/move-list";
import { boardSwitches, byId, bytesOf, hideProblem, onFile, reason, showCandidates, showProblem } from "./parts/page";
import { element } from "./parts/shadow";
import { ValueBar } from "./parts/value-bar";
import type { Strength, Thought } from "./protocol";
import { Board, Recorder, rulesReady } from "./rules";
import { chances } from "./values";

const MAX_PLIES = 512;
const NAMES = ["Black", "White"] as const;
/** Levels: the weak ones play by the policy at falling temperatures, the strong ones by a search of ever more visits. */
const LEVELS = [
  { name: "First games", visits: 0, time: 0, temperature: 2.5 },
  { name: "Gentle", visits: 0, time: 0, temperature: 1.4 },
  { name: "Even", visits: 0, time: 0, temperature: 0.8 },
  { name: "Firm", visits: 0, time: 0, temperature: 0.3 },
  { name: "Sharp", visits: 50, time: 2000, temperature: 0 },
  { name: "Strong", visits: 200, time: 3000, temperature: 0 },
  { name: "Full", visits: 800, time: 5000, temperature: 0 },
] as const satisfies readonly ({ name: string } & Strength)[];
/** Least delay of a reply: an instant one is hard to follow with the eye. */
const LEAST_THINKING_MS = 380;

const view = {
  board: byId("board", ShogiBoard),
  status: byId("status", HTMLParagraphElement),
  result: byId("result", HTMLElement),
  agentName: byId("agent-name", HTMLHeadingElement),
  agentState: byId("agent-state", HTMLSpanElement),
  agentAbout: byId("agent-about", HTMLParagraphElement),
  progress: byId("agent-progress", HTMLProgressElement),
  opinion: byId("opinion", HTMLDivElement),
  value: byId("value", ValueBar),
  showCandidates: byId("show-candidates", HTMLInputElement),
  candidates: byId("candidates", HTMLOListElement),
  undo: byId("undo", HTMLButtonElement),
  resign: byId("resign", HTMLButtonElement),
  declare: byId("declare", HTMLButtonElement),
  save: byId("save", HTMLButtonElement),
  form: byId("new-game", HTMLFormElement),
  level: byId("level", HTMLInputElement),
  levelName: byId("level-name", HTMLOutputElement),
  moves: byId("moves", MoveList),
  modelFile: byId("model-file", HTMLInputElement),
};

const agent = new Agent();
/** The side that the user plays. Without an agent the user moves for both. */
let human: Color = 0;
let game: Board;
/** The agent's thought about the position after each number of moves. */
let thoughts: (Thought | undefined)[] = [];
/** Raised by `interrupt`: a thought that began before is stale. */
let turn = 0;
let thinking = false;

const sideToMove = (): Color => game.side_to_move() as Color;
const opponent = (color: Color): Color => (color === 0 ? 1 : 0);
const isHumans = (color: Color): boolean => agent.info === null || color === human;
const level = (): (typeof LEVELS)[number] => LEVELS[Number(view.level.value)] ?? LEVELS[6];
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

// --- the game -------------------------------------------------------------------------------------------------------

/** Drops the agent's current thought, because the position changes other than by the agent's own move. */
function interrupt(): void {
  turn++;
  thinking = false;
  agent.stop();
}

function newGame(color: Color): void {
  interrupt();
  game?.free();
  game = new Board("startpos", MAX_PLIES);
  thoughts = [];
  human = color;
  view.board.orientation = color;
  next();
}

/** Shows the position and lets whoever's turn it is move. */
function next(): void {
  draw();
  if (agent.info !== null && game.outcome() === undefined) void think();
}

/** Asks the agent about the position; plays its move if it is its turn. */
async function think(): Promise<void> {
  const asked = turn;
  const plies = game.plies();
  const plays = !isHumans(sideToMove());
  const started = performance.now();
  thinking = plays;
  drawStatus();
  try {
    const position = { start: game.start(), moves: game.moves(), maxPlies: MAX_PLIES };
    const strength = plays ? level() : { ...level(), temperature: 0 };
    const thought = await agent.think(position, strength, (soFar) => {
      if (asked !== turn) return;
      thoughts[plies] = soFar;
      drawAgent();
    });
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (plays && !still) await pause(LEAST_THINKING_MS - (performance.now() - started));
    if (asked !== turn) return;
    thoughts[plies] = thought;
    thinking = false;
    if (plays) {
      if (thought.usi === "win") game.declare();
      else game.play(thought.usi);
      next();
    } else {
      drawAgent();
    }
  } catch (error) {
    if (asked !== turn) return;
    thinking = false;
    showProblem(`The agent could not move: ${reason(error)}. You can move for both sides, or open another model.`);
    agent.info = null;
    drawAgentInfo();
    draw();
  }
}

function play(usi: string): void {
  interrupt();
  game.play(usi);
  next();
}

/** Takes back to the user's last decision: one move while the agent thinks, two otherwise. */
function takeBack(): void {
  interrupt();
  game.undo();
  while (game.plies() > 0 && !isHumans(sideToMove())) game.undo();
  thoughts.length = Math.min(thoughts.length, game.plies() + 1);
  next();
}

// --- drawing --------------------------------------------------------------------------------------------------------

function draw(): void {
  const outcome = game.outcome();
  const plays = outcome === undefined && isHumans(sideToMove());
  view.board.rules = plays ? { origins: () => game.origins(), targets: (origin) => game.targets(origin) } : null;
  view.board.state = {
    squares: game.squares(),
    hands: game.hands(),
    turn: sideToMove(),
    last: game.last(),
    check: game.check(),
  };
  view.moves.show(game.texts(), game.plies());
  const humanMoved = game.plies() > (agent.info !== null && human === 1 ? 1 : 0);
  view.undo.disabled = !humanMoved;
  view.save.disabled = game.plies() === 0;
  view.resign.disabled = outcome !== undefined || game.plies() === 0;
  view.declare.hidden = !(plays && game.can_declare());
  stopAsking();
  drawStatus();
  drawResult();
  drawAgent();
}

function drawStatus(): void {
  const side = sideToMove();
  const last = game.texts().at(-1);
  const parts: string[] = [];
  if (last !== undefined) parts.push(`${NAMES[opponent(side)]}: ${last}.`);
  if (game.outcome() !== undefined) parts.push("The game is over.");
  else {
    if (game.check() !== undefined) parts.push("Check!");
    if (agent.info === null) parts.push(`${NAMES[side]} to move.`);
    else if (side === human) parts.push(`Your turn (${NAMES[side]}).`);
    else parts.push("The agent is thinking");
  }
  view.status.textContent = parts.join(" ");
  view.status.classList.toggle("thinking", thinking);
}

function drawResult(): void {
  const outcome = game.outcome();
  if (outcome === undefined) {
    view.result.hidden = true;
    view.result.replaceChildren();
    return;
  }
  if (!view.result.hidden) return;
  const { winner, reason: why } = outcome;
  let title = why === "max plies" ? `No result after ${MAX_PLIES} moves` : "Draw";
  if (winner !== undefined) {
    if (agent.info === null) title = `${NAMES[winner as Color]} wins`;
    else title = winner === human ? "You win" : "The agent wins";
  }
  const row = element("div", "row");
  const again = element("button", "primary", "Play again");
  again.type = "button";
  again.addEventListener("click", start);
  const review = element("button", "", "See it in Replay");
  review.type = "button";
  review.addEventListener("click", reviewGame);
  row.append(again, review);
  view.result.replaceChildren(
    element("h2", "", title),
    element("p", "muted", why === "max plies" ? "the limit of moves was reached" : `by ${why}, after ${game.plies()} moves`),
    row,
  );
  view.result.hidden = false;
}

function drawAgent(): void {
  const plies = game.plies();
  // Until the agent has looked at this position the bar keeps what it thought one move ago.
  const at = thoughts[plies] ? plies : plies - 1;
  const thought = thoughts[at];
  const side = (plies - at) % 2 === 0 ? sideToMove() : opponent(sideToMove());
  view.value.show(thought ? chances(thought, side) : null, thought ? looked(thought) : "no estimate yet");
  const candidates = view.showCandidates.checked ? (thoughts[plies]?.candidates ?? []) : [];
  view.candidates.hidden = !view.showCandidates.checked;
  showCandidates(view.candidates, candidates.slice(0, 5));
  view.board.arrows = candidates.slice(0, 4).map(({ usi, probability }) => ({ usi, weight: probability }));
  if (agent.info !== null) {
    view.agentState.textContent = thinking ? "thinking" : "ready";
    view.agentState.className = thinking ? "chip busy" : "chip ready";
  }
}

/** Text for the effort behind a judgement. */
const looked = ({ visits }: Thought): string => (visits === 0 ? "at a glance" : `${visits.toLocaleString("en")} visits`);

function drawAgentInfo(): void {
  view.progress.hidden = true;
  view.opinion.hidden = agent.info === null;
  view.agentName.textContent = agent.info?.name ?? "No agent";
  view.agentAbout.textContent = agent.info?.about ?? "You move for both sides. Open a model file to have an opponent.";
  view.agentState.textContent = agent.info === null ? "none" : "ready";
  view.agentState.className = agent.info === null ? "chip" : "chip ready";
}

// --- loading --------------------------------------------------------------------------------------------------------

const bytesText = (bytes: number): string =>
  bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;

async function fetchDefault(): Promise<void> {
  try {
    await agent.fetch(new URL("models/default.model", document.baseURI).href, (loaded, total) => {
      if (total > 0) view.progress.value = Math.min(1, loaded / total);
      else view.progress.removeAttribute("value");
      view.agentAbout.textContent = `Loading the agent: ${bytesText(loaded)}${total > 0 ? ` of ${bytesText(total)}` : ""}`;
    });
  } catch (error) {
    if (!(error instanceof MissingModel)) showProblem(`The agent could not be loaded. ${reason(error)}`);
  }
  drawAgentInfo();
  // The user may have begun for both sides while the agent was on its way.
  interrupt();
  next();
}

async function openModel(file: File): Promise<void> {
  hideProblem();
  try {
    agent.stop();
    await agent.open(await bytesOf(file));
    interrupt();
    drawAgentInfo();
    next();
  } catch (error) {
    showProblem(`${file.name} could not be opened: ${reason(error)}`);
  }
}

function recordBytes(): Uint8Array<ArrayBuffer> {
  const name = `${agent.info?.name ?? "agent"} (${level().name.toLowerCase()})`;
  const player = (color: Color): string => (isHumans(color) ? "You" : name);
  const recorder = new Recorder(game, player(0), player(1));
  thoughts.forEach((thought, ply) => {
    if (!thought) return;
    const { candidates } = thought;
    recorder.note(
      ply,
      thought.win - thought.loss,
      candidates.map(({ usi }) => usi).join(" "),
      Float32Array.from(candidates, ({ probability }) => probability),
    );
  });
  const bytes = recorder.to_bytes();
  recorder.free();
  return new Uint8Array(bytes);
}

function saveGame(): void {
  const link = element("a");
  link.href = URL.createObjectURL(new Blob([recordBytes()]));
  link.download = `keisei-${new Date().toISOString().slice(0, 16).replace(/[T:]/g, "-")}.record`;
  link.click();
  URL.revokeObjectURL(link.href);
}

function reviewGame(): void {
  try {
    sessionStorage.setItem("keisei.game", btoa(String.fromCharCode(...recordBytes())));
    location.href = "./replay.html#last";
  } catch (error) {
    showProblem(`The game could not be handed to Replay: ${reason(error)}. Save it and open the file there.`);
  }
}

// --- wiring ---------------------------------------------------------------------------------------------------------

/** Resigning takes two clicks. */
let asking: ReturnType<typeof setTimeout> | undefined;

function stopAsking(): void {
  clearTimeout(asking);
  asking = undefined;
  view.resign.textContent = "Resign";
  view.resign.classList.remove("asking");
}

function resign(): void {
  if (asking === undefined) {
    view.resign.textContent = "Sure?";
    view.resign.classList.add("asking");
    asking = setTimeout(stopAsking, 4000);
    return;
  }
  interrupt();
  game.resign(agent.info === null ? sideToMove() : human);
  draw();
}

function start(): void {
  const choice = new FormData(view.form).get("color");
  const color = choice === "random" ? Math.random() < 0.5 : choice === "white";
  newGame(color ? 1 : 0);
}

function wire(): void {
  boardSwitches(view.board);
  view.board.addEventListener("board-move", (event) => play(event.detail.usi));
  view.undo.addEventListener("click", takeBack);
  view.resign.addEventListener("click", resign);
  view.save.addEventListener("click", saveGame);
  view.declare.addEventListener("click", () => {
    interrupt();
    game.declare();
    draw();
  });
  view.form.addEventListener("submit", (event) => {
    event.preventDefault();
    start();
  });
  view.showCandidates.addEventListener("change", drawAgent);
  view.level.addEventListener("input", () => {
    view.levelName.textContent = level().name;
  });
  view.levelName.textContent = level().name;
  byId("open-model", HTMLButtonElement).addEventListener("click", () => view.modelFile.click());
  onFile(view.modelFile, (file) => void openModel(file));
}

try {
  await rulesReady;
  wire();
  newGame(0);
  await fetchDefault();
} catch (error) {
  view.status.textContent = "The page could not start.";
  showProblem(`The page could not start: ${reason(error)}`);
}
