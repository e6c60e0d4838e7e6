/** The agents of the page: the default one, and a second model for a game between two. */

import { Agent, MissingModel } from "../agent";
import type { AgentInfo } from "../protocol";
import type { MoveStyle } from "../rules";
import type { Seat } from "../state/games";

/** Whether there is somebody to play against: not yet, yes, or no. */
export type AgentState = "loading" | "ready" | "none";

const DEFAULT_MODEL = "models/default.model";

export class Agents {
  readonly #first = new Agent();
  #second: Agent | null = null;
  #style: MoveStyle = "western";
  #state: AgentState = "loading";

  /** Notation of the moves in thoughts. */
  set style(style: MoveStyle) {
    this.#style = this.#first.style = style;
    if (this.#second) this.#second.style = style;
  }

  get state(): AgentState {
    return this.#state;
  }

  get info(): AgentInfo | null {
    return this.#first.info;
  }

  get secondInfo(): AgentInfo | null {
    return this.#second?.info ?? null;
  }

  /** The agent that plays a seat; the first one where there is no second. */
  of(seat: Seat): Agent {
    const second = this.#second;
    return seat.kind === "agent" && seat.model === 1 && second?.info ? second : this.#first;
  }

  infoOf(seat: Seat): AgentInfo | null {
    return this.of(seat).info;
  }

  /** Downloads the agent of this site; without one the page goes on and the user moves for both sides. */
  async fetchDefault(progress: (loaded: number, total: number) => void): Promise<void> {
    try {
      await this.#first.fetch(new URL(DEFAULT_MODEL, document.baseURI).href, progress);
      this.#state = "ready";
    } catch (error) {
      // A model that the user opened meanwhile counts.
      if (this.#first.info === null) this.#state = "none";
      if (!(error instanceof MissingModel)) throw error;
    }
  }

  async open(bytes: ArrayBuffer): Promise<void> {
    await this.#first.open(bytes);
    this.#state = "ready";
  }

  async openSecond(bytes: ArrayBuffer): Promise<void> {
    this.#second ??= new Agent();
    this.#second.style = this.#style;
    await this.#second.open(bytes);
  }

  /** An agent failed: the user moves for it from now on. */
  failed(seat: Seat): void {
    const agent = this.of(seat);
    agent.info = null;
    if (agent === this.#first) this.#state = "none";
    else this.#second = null;
  }

  /** Ends all searches. */
  stop(): void {
    this.#first.stop();
    this.#second?.stop();
  }
}
