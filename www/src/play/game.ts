/** One game of Play: its moves, who plays them, what the agent thought of them, and its clock. */

import type { Color } from "../board/geometry";
import { Clock } from "../parts/clock";
import type { Thought } from "../protocol";
import type { Tree } from "../records";
import { BLACK, WHITE } from "../analysis/headers";
import { Board, type LineEnd, type MoveStyle } from "../rules";
import { newId } from "../state/games";
import type { SavedEnd, SavedGame, SavedThought, Seat } from "../state/saved-game";
import type { TimeControl } from "../state/settings";

export const MAX_PLIES = 512;

export const opponent = (color: Color): Color => (color === 0 ? 1 : 0);

/** How a game begins. */
export interface Setup {
  start: string;
  seats: [Seat, Seat];
  clock: TimeControl | null;
}

export class PlayGame {
  id: string;
  readonly board: Board;
  seats: [Seat, Seat];
  readonly clock: Clock | null;
  /** Milliseconds that each move took. */
  readonly times: number[] = [];
  /** Thoughts of this visit of the page about the position after each number of moves, in full. */
  readonly #thoughts: (Thought | undefined)[] = [];
  /** What is kept of all thoughts. */
  readonly #kept: (SavedThought | null)[] = [];
  #timedOut: Color | null = null;
  /** Texts of the moves, and what they were made of. */
  #texts: { of: string; texts: readonly string[] } = { of: "", texts: [] };

  constructor({ start, seats, clock }: Setup, id = newId()) {
    this.id = id;
    this.board = new Board(start, MAX_PLIES);
    this.seats = seats;
    this.clock = clock && new Clock(clock);
  }

  /**
   * The game that was saved.
   *
   * Throws if its start or one of its moves is not legal.
   */
  static from(saved: SavedGame): PlayGame {
    const { play } = saved;
    const seats: [Seat, Seat] = play?.seats ?? [{ kind: "human" }, { kind: "human" }];
    const game = new PlayGame({ start: saved.start, seats, clock: play?.clock?.control ?? null }, saved.id);
    try {
      game.#restore(saved);
    } catch (error) {
      game.free();
      throw error;
    }
    return game;
  }

  #restore({ moves, play, end }: SavedGame): void {
    for (const usi of moves.split(" ").filter(Boolean)) this.board.play(usi);
    this.times.push(...(play?.times ?? []));
    this.#kept.push(...(play?.thoughts ?? []));
    if (play?.clock) this.clock?.restore(play.clock);
    if (!end || end.winner === null || this.board.outcome() !== undefined) return;
    const loser = opponent(end.winner);
    if (end.reason === "time") this.#timedOut = loser;
    else if (end.reason === "declaration") this.board.declare();
    else this.board.resign(loser);
  }

  free(): void {
    this.board.free();
  }

  /** The seats of agents, Black's first. */
  get agents(): Extract<Seat, { kind: "agent" }>[] {
    return this.seats.filter((seat) => seat.kind === "agent");
  }

  get plies(): number {
    return this.board.plies();
  }

  get turn(): Color {
    return this.board.side_to_move() as Color;
  }

  /** The side that moved first. */
  get firstSide(): Color {
    return ((this.turn + this.plies) % 2) as Color;
  }

  /** The side to move after this many moves. */
  sideAt(plies: number): Color {
    return ((this.firstSide + plies) % 2) as Color;
  }

  /** The end of the game, by the rules or by the clock; null while it goes on. */
  get end(): SavedEnd | null {
    if (this.#timedOut !== null) return { winner: opponent(this.#timedOut), reason: "time" };
    const outcome = this.board.outcome();
    if (outcome === undefined) return null;
    const end = { winner: (outcome.winner ?? null) as Color | null, reason: outcome.reason.replaceAll(" ", "_") };
    outcome.free();
    return end;
  }

  /** Plays a move that took this many milliseconds. */
  play(usi: string, time: number): void {
    const side = this.turn;
    this.board.play(usi);
    this.times[this.plies - 1] = Math.round(time);
    this.clock?.moved(side);
  }

  /** Takes moves back until this many are left. */
  takeBackTo(plies: number): void {
    this.#timedOut = null;
    while (this.plies > plies) this.board.undo();
    this.times.length = Math.min(this.times.length, plies);
    this.#thoughts.length = Math.min(this.#thoughts.length, plies + 1);
    this.#kept.length = Math.min(this.#kept.length, plies + 1);
    this.clock?.restartByoyomi();
  }

  /** Takes time from the side to move; the game ends when it has none left. */
  spend(time: number): void {
    if (this.clock?.spend(this.turn, time) === false) this.#timedOut = this.turn;
  }

  think(plies: number, thought: Thought): void {
    this.#thoughts[plies] = thought;
    const { win, draw, loss, visits, candidates } = thought;
    const best = candidates.map(({ usi, probability }) => ({ usi, share: probability }));
    while (this.#kept.length < plies) this.#kept.push(null);
    this.#kept[plies] = { win, draw, loss, visits, best };
  }

  /** The thought in full, if it came in this visit of the page. */
  thought(plies: number): Thought | undefined {
    return this.#thoughts[plies];
  }

  /** What is known of the agent's thought after this many moves. */
  judgement(plies: number): SavedThought | null {
    return this.#kept[plies] ?? null;
  }

  get judgements(): readonly (SavedThought | null)[] {
    return this.#kept;
  }

  /** Forgets the full thoughts, whose texts are in another notation. */
  forgetTexts(): void {
    this.#thoughts.length = 0;
  }

  /** The moves in a notation. */
  texts(style: MoveStyle): readonly string[] {
    const of = `${style} ${this.board.moves()}`;
    if (of !== this.#texts.of) this.#texts = { of, texts: this.board.texts(style) };
    return this.#texts.texts;
  }

  /** A new board with the position after this many moves of the game. */
  boardAfter(plies: number): Board {
    const board = new Board(this.board.start(), MAX_PLIES);
    for (const usi of this.board.moves().split(" ").filter(Boolean).slice(0, plies)) board.play(usi);
    return board;
  }

  /** The game as a tree, with names, times and what the agent thought. */
  async tree([black, white]: readonly [string, string]): Promise<Tree> {
    const { Tree, loadRecords } = await import("../records");
    await loadRecords();
    const tree = Tree.from_link(this.link());
    tree.set_header(BLACK, black);
    tree.set_header(WHITE, white);
    tree.line(0).slice(0, this.plies + 1).forEach((node, ply) => {
      const time = this.times[ply - 1];
      if (time !== undefined) tree.set_time_ms(node, time);
      const judgement = this.#kept[ply];
      if (!judgement) return;
      // The moves that were considered belong to the position before the node.
      const best = this.#kept[ply - 1]?.best ?? [];
      const shares = Float32Array.from(best, ({ share }) => share);
      tree.set_value(node, "player", judgement.win - judgement.loss, "", best.map(({ usi }) => usi).join(" "), shares);
    });
    return tree;
  }

  /** The bytes of a record file with this game. */
  async record(names: readonly [string, string]): Promise<Uint8Array> {
    const tree = await this.tree(names);
    try {
      return tree.record();
    } finally {
      tree.free();
    }
  }

  /** The game as text for an address. */
  link(): string {
    const end: LineEnd | undefined = this.#timedOut === null ? undefined : "time_up";
    return this.board.link(end);
  }

  saved(shown: { ply: number; orientation: Color; names: readonly [string, string]; paused: boolean }): SavedGame {
    return {
      id: this.id,
      page: "play",
      changed: 0,
      black: shown.names[0],
      white: shown.names[1],
      start: this.board.start(),
      moves: this.board.moves(),
      ply: shown.ply,
      orientation: shown.orientation,
      end: this.end,
      tree: null,
      play: { seats: this.seats, clock: this.clock?.saved() ?? null, times: this.times, thoughts: this.#kept, paused: shown.paused },
    };
  }
}
