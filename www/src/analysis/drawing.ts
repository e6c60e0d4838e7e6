/** Drawing of the analysis page: everything that is shown follows from the scene. */

import { heatOf } from "../board/heat";
import type { Color, Origin } from "../board/geometry";
import { HAND_LETTERS, SQUARES, squareName } from "../board/geometry";
import type { BoardState } from "../board/shogi-board";
import type { CandidateRow } from "../parts/candidates";
import { type Grade, gradeOf } from "../parts/grade";
import type { MoveTree } from "../parts/variations";
import { setEnabled } from "../parts/page";
import type { Candidate, Thought } from "../protocol";
import type { Board } from "../records";
import { type Chances, blackValue, chancesOfResult, chancesOfValue, valueOfChances } from "../values";
import { GAME, LINE_ENDS, NETWORK, SHORT_ENDS, bookmark, clock, reasonText } from "../words/analysis";
import { boardWords } from "../words/board";
import { rewrite } from "../words/mixed";
import { percent } from "../words/parts";
import type { Work } from "./analyst";
import type { Elements } from "./elements";
import type { AnalysisGame } from "./game";
import { BLACK, HANDICAP_SIDES, TITLE, WHITE } from "./headers";
import type { Opinions } from "./opinions";

/** Most arrows on the board. */
const ARROWS = 4;
/** Shortest time between two drawings of what stands beside the board: a key that is held steps in every frame. */
const BESIDE_MS = 100;
/** Shortest time between two drawings of the graph while the network passes over a game. */
const GRAPH_MS = 200;

/** Everything that the page shows, apart from what the user types. */
export interface Scene {
  game: AnalysisGame;
  opinions: Opinions;
  /** Position of a line that is looked at, with the texts of its moves; null if the game's own is shown. */
  preview: { board: Board; text: string } | null;
  /** The piece that the user touched. */
  touched: Origin | null;
  work: Work;
  /** Name of the network; null if there is none. */
  network: string | null;
  networkLoading: boolean;
  arrows: boolean;
  heat: boolean;
  /** The selected tab. */
  tab: string;
  /** Whether a position is being set up: the board is the editor's. */
  editing: boolean;
  /** Message about the user's last action, for the status. */
  notice: string;
}

export const stateOf = (board: Board): BoardState => ({
  squares: board.squares(),
  hands: board.hands(),
  turn: board.side_to_move() as Color,
  last: board.last(),
  check: board.check(),
});

export class Drawing {
  readonly #view: Elements;
  readonly #scene: () => Scene;
  #fresh = new Set<number>();
  #freshFrame = 0;
  /** The frame in which the moves of another game are drawn. */
  #movesFrame = 0;
  #graphFrame = 0;
  #graphDrawn = -Infinity;
  #graphTimer: ReturnType<typeof setTimeout> | undefined;
  #besideDrawn = -Infinity;
  #besideTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(view: Elements, scene: () => Scene) {
    this.#view = view;
    this.#scene = scene;
    // Whoever touches the board finds it as it is drawn at rest.
    const settle = (): void => {
      if (this.#besideTimer !== undefined) this.#rest();
    };
    for (const type of ["pointerdown", "keydown", "click"]) view.board.addEventListener(type, settle, { capture: true });
  }

  /** Draws everything, as for another game: its position at once, its moves in the next frame. */
  all(): void {
    this.about();
    this.#view.moves.leave();
    cancelAnimationFrame(this.#movesFrame);
    this.#movesFrame = requestAnimationFrame(() => this.moves());
    this.#besideDrawn = -Infinity;
    this.node();
    this.graph();
  }

  /** Draws the moves after the tree has changed. */
  moves(): void {
    const { game } = this.#scene();
    cancelAnimationFrame(this.#movesFrame);
    this.#view.moves.show(this.#moveTree());
    this.#view.moves.current = game.node;
    this.#view.slider.max = String(game.line.length - 1);
  }

  /** Draws the position after the cursor has moved: the board at once, what stands beside it too unless it was drawn a moment ago. */
  node(): void {
    const { game } = this.#scene();
    // What is typed next belongs to this position.
    const comment = game.tree.comment(game.node);
    if (this.#view.comment.value !== comment) this.#view.comment.value = comment;
    const wait = this.#besideDrawn + BESIDE_MS - performance.now();
    if (wait <= 0) {
      this.#rest();
    } else {
      // Which pieces can move is most of what a step changes.
      this.#drawBoard(false);
      this.#besideTimer ??= setTimeout(() => this.#rest(), wait);
    }
    this.#drawBoardOpinion();
  }

  /** Draws the board as it is at rest, and what stands beside it. */
  #rest(): void {
    clearTimeout(this.#besideTimer);
    this.#besideTimer = undefined;
    this.position();
    this.#beside();
  }

  /** Draws what stands beside the board: the place in the game, the status, what is thought of the position. */
  #beside(): void {
    this.#besideDrawn = performance.now();
    const { game } = this.#scene();
    const view = this.#view;
    const last = game.line.length - 1;
    if (view.slider.max !== String(last)) view.slider.max = String(last);
    view.slider.value = String(game.ply);
    view.slider.setAttribute("aria-valuetext", game.ply === 0 ? GAME.sliderStart : `${game.ply}: ${this.text(game.node)}`);
    view.plyText.textContent = `${game.ply} / ${last}`;
    setEnabled(view.remove, game.node !== 0);
    setEnabled(view.promote, !this.#isMain(game.node));
    setEnabled(view.previous, game.ply > 0);
    setEnabled(view.first, game.ply > 0);
    setEnabled(view.next, game.ply < last);
    setEnabled(view.last, game.ply < last);
    view.moves.current = game.node;
    view.graph.ply = game.ply;
    this.status();
    this.#drawValue();
    this.#drawTab();
  }

  /** Draws the board: the game's position, or that of a line that is looked at. */
  position(): void {
    this.#drawBoard(true);
  }

  #drawBoard(isPlayable: boolean): void {
    const { game, preview, editing } = this.#scene();
    if (editing) return;
    const { board } = game;
    const view = this.#view.board;
    view.state = stateOf(preview?.board ?? board);
    view.rules = preview || !isPlayable ? null : { origins: () => board.origins(), targets: (origin) => board.targets(origin) };
    view.classList.toggle("preview", preview !== null);
  }

  status(): void {
    const { game, preview, notice } = this.#scene();
    const text = preview ? GAME.preview(preview.text) : GAME.sentences([this.#statusText(game), notice].filter(Boolean));
    // The same text again would be read out again.
    rewrite(this.#view.status, text);
  }

  /** Draws what is thought of the current position. */
  opinion(): void {
    this.#drawValue();
    this.#drawBoardOpinion();
    this.#drawTab();
  }

  /** Opinions on these nodes are new: what shows them is drawn at the next frame. */
  learned(nodes: readonly number[]): void {
    for (const node of nodes) this.#fresh.add(node);
    if (this.#freshFrame !== 0) return;
    this.#freshFrame = requestAnimationFrame(() => {
      this.#freshFrame = 0;
      const { game } = this.#scene();
      const known = [...this.#fresh].filter((node) => node < game.tree.len);
      this.#fresh.clear();
      // A value grades the move before it and those after it.
      this.#view.moves.refresh(new Set(known.flatMap((node) => [node, ...game.tree.children(node)])));
      if (known.includes(game.standing)) this.opinion();
      if (this.#graphFrame !== 0) return;
      this.#graphTimer ??= setTimeout(() => {
        this.#graphTimer = undefined;
        this.graph();
      }, this.#graphDrawn + GRAPH_MS - performance.now());
    });
  }

  /** Draws the graph after the next frame, which shows what else has changed. */
  graph(): void {
    if (this.#graphFrame !== 0) return;
    clearTimeout(this.#graphTimer);
    this.#graphFrame = requestAnimationFrame(() => {
      this.#graphTimer = setTimeout(() => {
        this.#graphFrame = 0;
        this.#graphTimer = undefined;
        this.#graphDrawn = performance.now();
        this.#drawGraph();
      });
    });
  }

  #drawGraph(): void {
    const { game, opinions } = this.#scene();
    const line = game.line;
    const known = (values: number[]): boolean => values.some(Number.isFinite);
    const valueAt = (node: number, chances: Chances | undefined): number => {
      const certain = this.#certain(node);
      if (certain) return valueOfChances(certain);
      return chances ? valueOfChances(chances) : NaN;
    };
    const glances = line.map((node) => valueAt(node, opinions.glance(game.tree.standing(node))));
    const searches = line.map((node) => (this.#certain(node) ? NaN : valueAt(node, opinions.search(node))));
    const anyGlance = line.some((node) => opinions.glance(node) !== undefined);
    const recorded = this.#recorded(line);
    this.#view.graph.show({
      moves: line.slice(1).map((node) => this.text(node)),
      series: [
        ...(anyGlance ? [{ name: NETWORK.series, values: glances }] : []),
        ...(known(recorded) ? [{ name: NETWORK.recordSeries, values: recorded }] : []),
        ...(known(searches) ? [{ name: NETWORK.searchSeries, values: searches }] : []),
      ],
      marks: line.flatMap((node, ply) => {
        const grade = this.gradeOf(node);
        return grade ? [{ ply, grade }] : [];
      }),
    });
    this.#view.graph.ply = game.ply;
  }

  /** Players and result. */
  about(): void {
    const { game } = this.#scene();
    const handicap = game.tree.handicap();
    const isHandicap = handicap !== undefined && handicap !== "平手";
    const name = (side: Color): string =>
      game.tree.header(side === 0 ? BLACK : WHITE) || (isHandicap && game.tree.header(HANDICAP_SIDES[side])) || GAME.noPlayer;
    this.#view.black.textContent = name(0);
    this.#view.white.textContent = name(1);
    const last = Array.from(game.tree.line(0)).at(-1) ?? 0;
    const plies = game.tree.ply(game.tree.standing(last));
    const event = game.tree.header(TITLE);
    this.#view.outcome.textContent = [event, plies === 0 ? "" : GAME.summary(resultOf(game, last), plies)].filter(Boolean).join(" · ");
  }

  working(): void {
    const { network, networkLoading, work } = this.#scene();
    const view = this.#view;
    view.agentName.textContent = network ?? (networkLoading ? NETWORK.waiting : NETWORK.none);
    const busy = network !== null && (work.pass !== null || work.position !== "idle");
    let text: string = network === null ? (networkLoading ? NETWORK.loading : NETWORK.none) : NETWORK.ready;
    if (network !== null && work.pass) text = NETWORK.passing(work.pass.done, work.pass.total);
    else if (network !== null && work.position === "search") text = NETWORK.searching;
    // A look is over in a moment: its word would only flicker.
    if (view.agentState.textContent !== text) view.agentState.textContent = text;
    view.agentState.className = network === null ? "chip" : busy && work.position !== "look" ? "chip busy" : "chip ready";
    setEnabled(view.explore, network !== null);
  }

  // --- words ----------------------------------------------------------------------------------------------------

  /** Words of a node in the list of moves. */
  text(node: number): string {
    const { game } = this.#scene();
    const end = game.end(node);
    if (end !== undefined && end !== "other") return SHORT_ENDS[end];
    return game.isIllegal(node) ? `${game.text(node)} ${GAME.illegalShort}` : game.text(node);
  }

  gradeOf(node: number): Grade | null {
    const drop = this.dropOf(node);
    return drop === undefined ? null : gradeOf(drop);
  }

  /** How much the move to a node lowers its mover's expected score; undefined if that is not known, or no legal move leads there. */
  dropOf(node: number): number | undefined {
    const { game, opinions } = this.#scene();
    const parent = game.tree.parent(node);
    if (parent === undefined || game.tree.standing(node) !== node) return undefined;
    return opinions.drop(parent, node, game.sideAt(parent), this.#ruled(node));
  }

  #moveTree(): MoveTree {
    const { game } = this.#scene();
    return {
      first: game.first,
      children: (node) => game.tree.children(node),
      ply: (node) => game.tree.ply(node),
      text: (node) => this.text(node),
      comment: (node) => [bookmark(game.tree.bookmark(node)), game.tree.comment(node)].filter(Boolean).join("\n"),
      clock: (node) => clock(game.tree.time_ms(node)),
      grade: (node) => this.gradeOf(node),
    };
  }

  #statusText(game: AnalysisGame): string {
    const { node, board, tree } = game;
    const side = board.side_to_move() as Color;
    const end = game.end(node);
    const parts: string[] = [];
    if (game.isIllegal(node)) parts.push(GAME.illegal(game.ply, side, game.text(node)));
    else if (end !== undefined) parts.push(GAME.end(end === "other" ? game.text(node) : LINE_ENDS[end](side)));
    else if (node === 0) parts.push(GAME.start(side));
    else parts.push(GAME.moved(game.ply, side === 0 ? 1 : 0, game.text(node)));
    const ruled = end === undefined ? game.ended(node) : null;
    if (ruled) parts.push(GAME.end(reasonText(ruled.reason, ruled.winner)));
    else if (end === undefined && board.check() !== undefined) parts.push(GAME.check);
    const others = tree.children(tree.parent(node) ?? 0).length;
    if (node !== 0 && others > 1) parts.push(GAME.alternatives(others - 1));
    return GAME.sentences(parts);
  }

  // --- values ---------------------------------------------------------------------------------------------------

  /** Certain chances of a position in which the rules end the game. */
  #ruled(node: number): Chances | undefined {
    const { game } = this.#scene();
    const end = game.ended(node);
    return end ? chancesOfResult(end.winner) : undefined;
  }

  /** Certain chances where the line or the game has ended. */
  #certain(node: number): Chances | undefined {
    const { game } = this.#scene();
    const end = game.end(node);
    if (end === undefined) return this.#ruled(node);
    const winner = game.tree.winner(node);
    if (winner !== undefined) return chancesOfResult(winner as Color);
    return end === "draw" || end === "impasse" || end === "repetition" ? chancesOfResult(null) : undefined;
  }

  /** Black's recorded value after each node; NaN where there is none. */
  #recorded(nodes: readonly number[]): number[] {
    const { game } = this.#scene();
    const ids = Uint32Array.from(nodes);
    const [player, analysis] = [game.tree.values(ids, "player"), game.tree.values(ids, "analysis")];
    return nodes.map((node, index) => {
      const value = Number.isNaN(player[index]) ? analysis[index] : player[index];
      return blackValue(value ?? NaN, game.sideAt(node));
    });
  }

  #drawValue(): void {
    const { game, opinions, network, work } = this.#scene();
    const bar = this.#view.value;
    const certain = this.#certain(game.node);
    if (certain) return bar.show(certain, NETWORK.result);
    const node = game.standing;
    const chances = opinions.chances(node);
    if (chances) {
      const visits = opinions.thought(node)?.visits ?? 0;
      return bar.show(chances, visits > 0 ? NETWORK.visits(visits) : NETWORK.glance);
    }
    const [recorded] = this.#recorded([game.node]);
    if (recorded !== undefined && Number.isFinite(recorded)) return bar.show(chancesOfValue(recorded), NETWORK.recorded);
    bar.show(null, network !== null && work.position !== "idle" ? NETWORK.thinking : NETWORK.unknown);
  }

  #drawBoardOpinion(): void {
    const { game, opinions, preview, touched, arrows, heat, editing } = this.#scene();
    if (editing) return;
    const board = this.#view.board;
    const thought = preview ? undefined : opinions.thought(game.standing);
    const top = arrows ? (thought?.candidates ?? []).slice(0, ARROWS) : [];
    board.arrows = top.map(({ usi, probability }) => ({ usi, weight: probability, label: percent(probability) }));
    board.heat = heat && thought ? heatOf(thought.policy, touched) : null;
  }

  /** Draws the panel that is shown; the others are drawn when they are. */
  #drawTab(): void {
    const { game, opinions, touched, tab } = this.#scene();
    const thought = opinions.thought(game.standing);
    const view = this.#view;
    if (tab === "tab-candidates") {
      const next = game.line[game.ply + 1];
      const played = next === undefined ? undefined : game.tree.move_usi(next);
      view.candidates.show((thought?.candidates ?? []).map(rowOf), { turn: game.board.side_to_move() as Color, played });
      view.searchNote.textContent = thought ? NETWORK.searchNote(thought.visits) : NETWORK.unknown;
    } else if (tab === "tab-policy") {
      const origin = touched === null ? null : touched < SQUARES ? squareName(touched) : `${HAND_LETTERS[touched - SQUARES]}*`;
      view.policy.show(thought?.policy ?? NO_POLICY, origin);
      if (touched === null) view.policyNote.textContent = NETWORK.policyAll;
      else if (touched < SQUARES) view.policyNote.textContent = NETWORK.policyPiece(boardWords.square(touched));
      else view.policyNote.textContent = NETWORK.policyHand(boardWords.kind(touched - SQUARES));
    }
  }

  #isMain(node: number): boolean {
    const { game } = this.#scene();
    return Array.from(game.tree.line(0)).includes(node);
  }
}

const NO_POLICY: Thought["policy"] = [];

const rowOf = (candidate: Candidate): CandidateRow => ({
  usi: candidate.usi,
  text: candidate.text,
  prior: candidate.prior,
  visits: candidate.visits,
  value: candidate.value,
  bonus: candidate.exploration,
  proof: candidate.proven,
  line: candidate.line.map((usi, index) => ({ usi, text: candidate.texts[index] ?? usi })),
});

/** Result of the line that ends with this node, in a few words. */
export function resultOf(game: AnalysisGame, last: number): string {
  const end = game.end(last);
  const side = game.sideAt(last);
  if (end !== undefined && end !== "other") return LINE_ENDS[end](side);
  if (end === "other") return game.text(last);
  const ruled = game.ended(last);
  return ruled ? reasonText(ruled.reason, ruled.winner) : GAME.open;
}
