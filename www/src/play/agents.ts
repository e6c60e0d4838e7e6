/** The agents of the page: the first one, and a second for a game between two. */

import type { Agent } from "../agent";
import type { Choice } from "../agents/choice";
import { AgentSlot, type Failure, type LoadEvents } from "../agents/slot";
import type { AgentInfo } from "../protocol";
import type { MoveStyle } from "../rules";
import type { Seat } from "../state/saved-game";
import type { Offer } from "./level-sliders";
import { type Level, levelAt, levelsOf } from "./levels";

/** Whether there is somebody to play against: not yet, yes, or no. */
export type AgentState = "loading" | "ready" | "none";

export class Agents {
  readonly #slots = [new AgentSlot(), new AgentSlot()] as const;
  #state: AgentState = "loading";

  /** Notation of the moves in thoughts. */
  get style(): MoveStyle {
    return this.#slots[0].agent.style;
  }

  set style(style: MoveStyle) {
    for (const { agent } of this.#slots) agent.style = style;
  }

  get state(): AgentState {
    return this.#state;
  }

  get info(): AgentInfo | null {
    return this.#slots[0].info;
  }

  get secondInfo(): AgentInfo | null {
    return this.#slots[1].info;
  }

  /** Names of the first and the second agent, as far as they are there. */
  get names(): [string | null, string | null] {
    return [this.#slots[0].name, this.#slots[1].name];
  }

  /** What the first or second agent is. */
  choice(index: 0 | 1): Choice | null {
    return this.#slots[index].choice;
  }

  /** The agent that plays a seat; the first one where there is no second. */
  of(seat: Seat): Agent {
    return this.#slotOf(seat).agent;
  }

  nameOf(seat: Seat): string | null {
    return this.#slotOf(seat).name;
  }

  /** The level of a seat, among those of the agent that plays it. */
  levelOf(seat: Extract<Seat, { kind: "agent" }>): Level {
    return levelAt(seat.level, levelsOf(this.#slotOf(seat).levels));
  }

  /** Levels and ratings for the sliders of the first and the second agent. */
  get offers(): [Offer, Offer] {
    const [first, second] = this.#slots;
    const offer = ({ levels, ratings }: AgentSlot): Offer => ({ levels: levelsOf(levels), ratings });
    return [offer(first), offer(second.info ? second : first)];
  }

  /** Loads the agent that was chosen last, or that of this site; without one the page goes on and the user moves for both sides. */
  async openFirst(events: LoadEvents): Promise<Failure[]> {
    const failures = await this.#slots[0].openFirst(events);
    this.#settle();
    return failures;
  }

  /** Loads another agent; false if that was cancelled. Rejects with `ModelProblem`. */
  async choose(index: 0 | 1, choice: Choice, events: LoadEvents): Promise<boolean> {
    try {
      return await this.#slots[index].choose(choice, events);
    } finally {
      this.#settle();
    }
  }

  /** Loads the model in a file. Rejects with `ModelProblem`. */
  async openFile(index: 0 | 1, file: File, events: LoadEvents): Promise<void> {
    try {
      await this.#slots[index].openFile(file, events);
    } finally {
      this.#settle();
    }
  }

  /** Whether a model is on its way. */
  get isLoading(): boolean {
    return this.#slots.some(({ isLoading }) => isLoading);
  }

  /** Ends the downloads under way. */
  cancel(): void {
    for (const slot of this.#slots) slot.cancel();
  }

  /** An agent failed: the user moves for it from now on. */
  failed(seat: Seat): void {
    const slot = this.#slotOf(seat);
    slot.failed();
    if (slot === this.#slots[0]) this.#state = "none";
  }

  /** Ends all searches. */
  stop(): void {
    for (const { agent } of this.#slots) agent.stop();
  }

  #slotOf(seat: Seat): AgentSlot {
    const [first, second] = this.#slots;
    return seat.kind === "agent" && seat.model === 1 && second.info ? second : first;
  }

  /** The first agent has arrived, or will not. */
  #settle(): void {
    const [{ info, isLoading }] = this.#slots;
    if (info) this.#state = "ready";
    else if (!isLoading) this.#state = "none";
  }
}
