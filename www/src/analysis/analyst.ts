/**
 * The network at work on one game: a quick pass over its main line, a look at each position that is shown, and a search of
 * the current one for as long as the user wants.
 */

import { type Agent, WorkerStopped } from "../agent";
import type { Position, Thought } from "../protocol";
import { chances } from "../values";
import type { AnalysisGame } from "./game";
import type { Opinions } from "./opinions";

/** Work in progress: the pass, and beside it the look at or the search of the current position. */
export interface Work {
  pass: { done: number; total: number } | null;
  position: "idle" | "look" | "search";
}

/** Receiver of news. */
export interface AnalystEvents {
  /** Opinions on these nodes are new. */
  learned(nodes: readonly number[]): void;
  /** The work in progress changed. */
  working(work: Work): void;
  /** The network failed. */
  failed(error: unknown): void;
}

/** Candidates in each thought. */
const CANDIDATES = 8;

export class Analyst {
  readonly #agent: Agent;
  readonly #opinions: Opinions;
  readonly #events: AnalystEvents;
  #game: AnalysisGame | null = null;
  #searching = false;
  /** While another part uses the agent, such as a game between agents. */
  #paused = false;
  #pass: AbortController | null = null;
  #work: Work = { pass: null, position: "idle" };
  /** Raised whenever the position that is asked about changes: answers to older questions are not drawn as current. */
  #turn = 0;
  /** Raised when nodes get other numbers: answers about older numbers are dropped. */
  #numbering = 0;
  /** The node of the question that is open. */
  #asked: number | null = null;
  /** Worker deaths since the last answer: one is mended quietly. */
  #deaths = 0;

  constructor(agent: Agent, opinions: Opinions, events: AnalystEvents) {
    this.#agent = agent;
    this.#opinions = opinions;
    this.#events = events;
  }

  get searching(): boolean {
    return this.#searching;
  }

  /** Begins with another game, or, with the same one, anew: with another network. */
  setGame(game: AnalysisGame): void {
    this.#game = game;
    this.#numbering++;
    this.#opinions.clear();
    this.#ask(true);
    void this.#passOver();
  }

  /** The cursor moved. */
  moved(): void {
    this.#ask(false);
  }

  /** Nodes have new numbers. */
  renumbered(numbers: ReadonlyMap<number, number>): void {
    this.#numbering++;
    this.#opinions.renumber(numbers);
    this.#ask(true);
    if (this.#pass) void this.#passOver();
  }

  /** The notation of moves is another: the network is asked again, in it. */
  restyled(): void {
    this.#opinions.forgetThoughts();
    this.#ask(true);
  }

  /** Another line is the main one: what the pass has not seen of it is passed over. */
  promoted(): void {
    const game = this.#game;
    if (game && Array.from(game.tree.line(0)).some((node) => this.#opinions.glance(game.tree.standing(node)) === undefined)) void this.#passOver();
  }

  /** Starts or stops the search of the current position; it follows the cursor. */
  search(on: boolean): void {
    if (on === this.#searching) return;
    this.#searching = on;
    this.#ask(true);
  }

  pause(): void {
    this.#paused = true;
    this.#agent.stop();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#ask(true);
  }

  /** Asks about the current position, unless that question is open already. */
  #ask(anew: boolean): void {
    const game = this.#game;
    if (!game || this.#paused || this.#agent.info === null) return;
    const node = game.standing;
    if (!anew && this.#asked === node) return;
    const over = game.board.outcome() !== undefined;
    const known = this.#opinions.thought(node) !== undefined;
    this.#turn++;
    if (over || (known && !this.#searching)) {
      if (this.#asked !== null) this.#agent.stop();
      this.#asked = null;
      this.#tell({ position: "idle" });
      return;
    }
    this.#asked = node;
    this.#tell({ position: this.#searching ? "search" : "look" });
    void this.#question(game, node, this.#turn);
  }

  async #question(game: AnalysisGame, node: number, turn: number): Promise<void> {
    const numbering = this.#numbering;
    const keep = (thought: Thought): void => {
      // Only this numbering's nodes are known; a thought without visits that was cut off says nothing new.
      if (numbering !== this.#numbering) return;
      this.#deaths = 0;
      this.#opinions.setThought(node, thought, game.sideAt(node));
      this.#events.learned([node]);
    };
    const position = positionOf(game, node);
    try {
      // A fast walk through a game passes many positions: only the one that it stops at is asked about.
      await pause(LINGER_MS);
      if (turn !== this.#turn) return;
      if (this.#searching) keep(await this.#agent.explore(position, { candidates: CANDIDATES }, keep));
      else keep(await this.#agent.think(position, { visits: 0, time: 0, temperature: 0 }, keep));
    } catch (error) {
      if (turn === this.#turn) this.#failed(error);
      return;
    }
    if (turn !== this.#turn) return;
    // The search found all there is to find, or the look is done.
    this.#asked = null;
    this.#tell({ position: "idle" });
  }

  async #passOver(): Promise<void> {
    const game = this.#game;
    this.#pass?.abort();
    if (!game || this.#agent.info === null) return;
    const pass = new AbortController();
    this.#pass = pass;
    const numbering = this.#numbering;
    const nodes = Array.from(game.tree.line(0)).filter((node) => game.tree.standing(node) === node);
    let done = 0;
    this.#tell({ pass: { done, total: nodes.length } });
    // The page draws the game first.
    await pause(LINGER_MS);
    if (pass !== this.#pass) return;
    try {
      await this.#agent.analyse(
        positionOf(game, nodes.at(-1) ?? 0),
        (judgements) => {
          if (numbering !== this.#numbering || pass !== this.#pass) return;
          const learned: number[] = [];
          for (const judgement of judgements) {
            const node = nodes[done++];
            if (node === undefined) break;
            this.#opinions.setGlance(node, chances(judgement, game.sideAt(node)));
            learned.push(node);
          }
          this.#tell({ pass: { done, total: nodes.length } });
          this.#events.learned(learned);
        },
        { signal: pass.signal },
      );
    } catch (error) {
      if (pass === this.#pass) this.#failed(error);
    }
    if (pass !== this.#pass) return;
    this.#pass = null;
    this.#tell({ pass: null });
  }

  /** A worker that died and was started again is asked once more; then the user decides. */
  #failed(error: unknown): void {
    this.#asked = null;
    this.#tell({ position: "idle", pass: null });
    if (error instanceof WorkerStopped && error.restarted && this.#deaths++ === 0) {
      this.#ask(true);
      if (this.#pass) void this.#passOver();
      return;
    }
    this.#searching = false;
    this.#events.failed(error);
  }

  #tell(part: Partial<Work>): void {
    this.#work = { ...this.#work, ...part };
    this.#events.working(this.#work);
  }
}

/** Time that the cursor must rest before the network is asked. */
const LINGER_MS = 40;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The position of a node with the moves that led to it, without a limit of plies. */
export function positionOf(game: AnalysisGame, node: number): Position {
  return { start: game.tree.start(), moves: game.movesTo(node), maxPlies: 0 };
}
