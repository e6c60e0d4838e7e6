/** Drawing of a scene into the page's elements. */

import { heatOf } from "../board/heat";
import type { Arrow } from "../board/shogi-board";
import type { CandidateRow } from "../parts/candidates";
import { setEnabled } from "../parts/page";
import type { Candidate } from "../protocol";
import type { Board, MoveStyle } from "../rules";
import { blackValue, chances, chancesOfResult } from "../values";
import { rewrite } from "../words/mixed";
import { playWords as words } from "../words/play";
import { type ResultActions, drawResult } from "./result";
import { type Scene, isHuman, isWatched } from "./scene";
import { statusText } from "./status";
import type { PlayView } from "./view";

/** Candidates in the list, and arrows on the board. */
const [LISTED, DRAWN] = [5, 4];

export class Drawing {
  readonly #view: PlayView;
  readonly #actions: ResultActions;
  /** The position on the board and who may move there: a started drag or selection lasts as long as they do. */
  #drawn = "";
  /** The scene whose thought was drawn last. */
  #scene: Scene | null = null;

  constructor(view: PlayView, actions: ResultActions) {
    this.#view = view;
    this.#actions = actions;
  }

  draw(scene: Scene): void {
    this.#drawBoard(scene);
    this.#drawControls(scene);
    this.drawStatus(scene);
    drawResult(this.#view.result, scene, this.#actions);
    this.drawThought(scene);
    this.drawClock(scene);
  }

  /** The board asks nothing more of a game that is about to go, and the next one is drawn anew. */
  forget(): void {
    this.#drawn = "";
    this.#scene = null;
    this.#view.board.rules = null;
  }

  drawStatus(scene: Scene): void {
    const { status } = this.#view;
    const text = statusText(scene);
    rewrite(status, text);
    status.classList.toggle("thinking", scene.thinking && !scene.reviewing);
  }

  #drawBoard(scene: Scene): void {
    const { game, agents, ply, reviewing, preview, notation } = scene;
    const plays = preview === null && !reviewing && game.end === null && isHuman(game.seats[game.turn], agents);
    const key = `${game.id} ${notation} ${ply} ${game.plies} ${game.board.last() ?? ""} ${preview?.moves() ?? ""} ${plays} ${game.end?.reason ?? ""}`;
    if (key === this.#drawn) return;
    this.#drawn = key;
    const { board, moves } = this.#view;
    const position = preview ?? scene.position;
    board.rules = plays ? { origins: () => position.origins(), targets: (origin) => position.targets(origin) } : null;
    board.state = {
      squares: position.squares(),
      hands: position.hands(),
      turn: position.side_to_move() as 0 | 1,
      last: position.last(),
      check: position.check(),
    };
    moves.show(game.texts(notation), ply, game.firstSide === 1);
  }

  #drawControls(scene: Scene): void {
    const { game, agents, ply, reviewing, paused } = scene;
    const view = this.#view;
    const ended = game.end !== null;
    const mayMove = !ended && !reviewing && isHuman(game.seats[game.turn], agents);
    const watched = isWatched(game) && agents.state !== "none";
    // The first move of a handicap game or of the agent is not the user's to take back.
    const own = game.seats.some((seat, color) => isHuman(seat, agents) && game.plies > (color === game.firstSide ? 0 : 1));
    setEnabled(view.undo, own && game.end?.reason !== "time" && !reviewing);
    setEnabled(view.hint, mayMove && agents.state === "ready");
    setEnabled(view.resign, !ended && game.plies > 0 && !watched);
    setEnabled(view.save, game.plies > 0);
    view.declare.hidden = !(mayMove && game.board.can_declare());
    view.undo.hidden = view.hint.hidden = view.resign.hidden = watched;
    view.pause.hidden = ended || !(watched || paused);
    view.step.hidden = ended || !watched;
    view.pause.textContent = paused ? words.goOn : words.pause;
    setEnabled(view.step, paused);
    view.review.hidden = !reviewing;
    setEnabled(view.first, ply > 0);
    setEnabled(view.previous, ply > 0);
    setEnabled(view.next, ply < game.plies);
    setEnabled(view.last, ply < game.plies);
  }

  /** Draws the last scene once more, for a part that has just come. */
  #again(): void {
    if (this.#scene) this.drawThought(this.#scene);
  }

  /** Draws the agent: its state, the value of the position, its candidates. */
  drawThought(scene: Scene): void {
    this.#scene = scene;
    const { game, agents, position, ply, thinking, paused } = scene;
    const view = this.#view;
    const judgement = game.judgement(ply);
    const side = position.side_to_move() as 0 | 1;
    const ended = game.end !== null && ply === game.plies;
    if (ended) view.value.show(chancesOfResult(game.end?.winner ?? null), words.decided);
    else if (judgement) view.value.show(chances(judgement, side), judgement.visits === 0 ? words.glance : words.visits(judgement.visits));
    else view.value.show(null, ply < game.plies || paused ? words.notLooked : agents.state === "ready" ? words.looking : words.noEstimate);

    const shows = view.showCandidates.checked && !ended;
    const rows = shows ? this.#rows(scene).slice(0, LISTED) : [];
    view.candidates.element.hidden = !shows;
    if (shows) view.candidates.use(() => this.#again())?.show(rows, { turn: side, played: played(scene) });
    view.board.arrows = arrowsOf(scene, rows);
    const policy = view.showHeat.checked && !ended && scene.preview === null ? game.thought(ply)?.policy : undefined;
    view.board.heat = policy ? heatOf(policy, scene.touched) : null;

    this.#drawGraph(scene);

    if (agents.state !== "ready") return;
    const busy = thinking && !paused;
    view.agentState.textContent = busy ? words.busy : paused ? words.pausedChip : words.ready;
    view.agentState.className = busy ? "chip busy" : "chip ready";
  }

  #drawGraph({ game, ply, notation }: Scene): void {
    const { graph, showGraph } = this.#view;
    graph.element.hidden = !showGraph.checked;
    const shown = showGraph.checked ? graph.use(() => this.#again()) : null;
    if (!shown) return;
    const value = (plies: number): number => {
      const judgement = game.judgement(plies);
      return judgement ? blackValue(judgement.win - judgement.loss, game.sideAt(plies)) : NaN;
    };
    const values = Array.from({ length: game.plies + 1 }, (_, plies) => value(plies));
    const winner = game.end?.winner;
    if (game.end) values[game.plies] = winner === 0 ? 1 : winner === 1 ? -1 : 0;
    shown.show({ moves: game.texts(notation), series: [{ name: words.agent, values }], marks: [] });
    shown.ply = ply;
  }

  #rows({ game, ply, position, notation }: Scene): CandidateRow[] {
    const thought = game.thought(ply);
    if (thought) return thought.candidates.map(rowOf);
    // Of a thought from before a reload only moves and shares are kept.
    const best = game.judgement(ply)?.best ?? [];
    return best.map(({ usi, share }) => ({ usi, text: textOf(position, usi, notation), prior: share, visits: 0, line: [] }));
  }

  drawClock({ game, agents }: Scene): void {
    const { clock } = this.#view;
    clock.hidden = game.clock === null;
    if (!game.clock) return;
    const running = game.end === null && game.plies > 0 ? game.turn : null;
    clock.show(game.clock, game.turn, running, isHuman(game.seats[game.turn], agents));
  }

  drawAgentInfo({ agents, game }: Scene): void {
    const view = this.#view;
    const [info, [name, second]] = [agents.info, agents.names];
    view.opinion.hidden = agents.state === "none";
    view.agentName.textContent = name ?? (agents.state === "loading" ? words.selfTaught : words.noAgent);
    view.openSecond.textContent = second === null ? words.openSecond : words.secondModel(second);
    if (agents.state === "loading") return;
    const plays = game.seats.some((seat) => seat.kind === "agent" && seat.model === 1);
    const about = info?.about ?? words.noAgentAbout;
    view.agentAbout.textContent = plays && second !== null ? `${about} – ${second}: ${agents.secondInfo?.about ?? ""}` : about;
    view.agentState.textContent = info ? words.ready : words.none;
    view.agentState.className = info ? "chip ready" : "chip";
  }
}

const rowOf = ({ usi, text, prior, visits, value, exploration, proven, line, texts }: Candidate): CandidateRow => ({
  usi,
  text,
  prior,
  visits,
  value,
  bonus: exploration,
  proof: proven,
  line: line.map((usi, index) => ({ usi, text: texts[index] ?? usi })),
});

/** The move of the game that follows the shown position. */
const played = ({ game, ply }: Scene): string | undefined => game.board.moves().split(" ")[ply];

/** Text of a legal move; a move that is not legal here stands for itself. */
function textOf(position: Board, usi: string, notation: MoveStyle): string {
  try {
    return position.text(usi, notation);
  } catch {
    return usi;
  }
}

/** The hint alone, or the candidates with their numbers; their width is their share of the visits, or of the policy without a search. */
function arrowsOf({ hint, preview }: Scene, rows: readonly CandidateRow[]): Arrow[] {
  if (preview) return [];
  if (hint) return [{ usi: hint.usi, weight: 1 }];
  const total = rows.reduce((sum, { visits }) => sum + visits, 0);
  return rows.slice(0, DRAWN).map(({ usi, visits, prior }, index) => ({ usi, weight: total > 0 ? visits / total : prior, label: String(index + 1) }));
}
