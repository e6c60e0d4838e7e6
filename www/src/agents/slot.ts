/** A seat for an agent: loads what the user chooses, or what is chosen for a first visit, and knows what it is. */

import { Agent } from "../agent";
import { LARGEST_MODEL, checkSize, download, type Progress } from "../model-file";
import type { AgentInfo, Rating } from "../protocol";
import { first, keptModels, manifest } from "../start";
import { agentWords, nameOfAgent } from "../words/agents";
import { CHOICE_KEY, type Choice, sameChoice, writeChoice } from "./choice";
import { type Begun, type Source, begin, requestOf, sourceOf, usualSource } from "./first";
import { KeepingFailed, type KeepingProblem } from "./kept-models";
import type { ShippedAgent, ShippedLevel, ShippedRating } from "./manifest";
import { ModelProblem, asProblem } from "./problem";

/** Something that the user should know about a load that went on all the same. */
export type Remark = { kind: "not kept"; problem: KeepingProblem } | { kind: "lost" };

export interface LoadEvents {
  progress: Progress;
  remark(remark: Remark): void;
}

/** An agent of the site that could not be loaded, by its name. */
export interface Failure {
  name: string;
  problem: ModelProblem;
}

/** Most agents that are tried one after the other when nobody chose. */
const MOST_TRIED = 3;

const choiceOf = (source: Source): Choice => {
  if (source.kind === "shipped") return { kind: "shipped", id: source.agent.id };
  return source.kind === "kept" ? { kind: "kept", sha256: source.sha256 } : { kind: "site" };
};

function nameOfSource(source: Source): string {
  if (source.kind === "shipped") return nameOfAgent(source.agent);
  return source.kind === "kept" ? agentWords.yours : agentWords.selfTaught;
}

export class AgentSlot {
  readonly agent = new Agent();
  #source: Source | null = null;
  /** Ends the download under way. */
  #cancel: AbortController | null = null;

  get info(): AgentInfo | null {
    return this.agent.info;
  }

  /** What is loaded; null if nothing is. */
  get choice(): Choice | null {
    return this.info && this.#source && choiceOf(this.#source);
  }

  get #shipped(): ShippedAgent | null {
    return this.info && this.#source?.kind === "shipped" ? this.#source.agent : null;
  }

  /** Name of the agent: the manifest's, or the one in its file. */
  get name(): string | null {
    return this.#shipped ? nameOfAgent(this.#shipped) : (this.info?.name ?? null);
  }

  /** Measured strength, by the manifest or else by the file itself. */
  get ratings(): readonly (Rating | ShippedRating)[] {
    const shipped = this.#shipped?.ratings ?? [];
    return shipped.length > 0 ? shipped : (this.info?.ratings ?? []);
  }

  /** The agent's own levels; none for the usual ones. */
  get levels(): readonly ShippedLevel[] {
    return this.#shipped?.levels ?? [];
  }

  get isLoading(): boolean {
    return this.#cancel !== null;
  }

  /**
   * Loads the agent that was chosen last, or that of the site; one that fails gives way to the next. Resolves with those that failed.
   * A site without any agent is no failure.
   */
  async openFirst(events: LoadEvents): Promise<Failure[]> {
    const begun = await first;
    if (begun.lost) events.remark({ kind: "lost" });
    const failures: Failure[] = [];
    let [source, use]: [Source | undefined, Promise<Begun> | undefined] = [begun.source, begun.begun];
    const tried: Source[] = [];
    let cancel = begun.cancel;
    while (source !== undefined && tried.length < MOST_TRIED) {
      tried.push(source);
      try {
        await this.#load(source, events, cancel, use);
        return failures;
      } catch (error) {
        const problem = asProblem(error);
        // Whoever cancels wants no other agent, and whoever opened another one has it.
        if (problem.kind === "cancelled" || this.info !== null) return failures;
        if (source.kind !== "site" || problem.kind !== "missing") failures.push({ name: nameOfSource(source), problem });
      }
      const usual = usualSource(await manifest);
      const others = [usual, ...(await manifest).agents.map((agent): Source => ({ kind: "shipped", agent }))];
      source = others.find((other) => !tried.some((one) => sameChoice(choiceOf(one), choiceOf(other))));
      [use, cancel] = [undefined, new AbortController()];
    }
    return failures;
  }

  /** Loads another agent; what is loaded stays if that fails. False if it was cancelled. Rejects with `ModelProblem`. */
  async choose(choice: Choice, events: LoadEvents): Promise<boolean> {
    const source = sourceOf(choice, await manifest);
    if (source === null) throw new ModelProblem("missing");
    this.cancel();
    try {
      await this.#load(source, events, new AbortController());
      return true;
    } catch (error) {
      const problem = asProblem(error);
      if (problem.kind === "cancelled") return false;
      throw problem;
    }
  }

  /** Loads the model in a file of the user and keeps it in the browser. Rejects with `ModelProblem`. */
  async openFile(file: File, events: LoadEvents): Promise<void> {
    checkSize(file.size, LARGEST_MODEL);
    this.cancel();
    let info: AgentInfo;
    let bytes: ArrayBuffer;
    try {
      bytes = await file.arrayBuffer();
      info = await this.agent.receive(Promise.resolve(bytes));
    } catch (error) {
      throw asProblem(error);
    }
    this.#source = { kind: "kept", sha256: info.sha256 };
    await this.#keep({ sha256: info.sha256, name: file.name, source: "opened" }, bytes, events);
  }

  /** Ends the download under way. */
  cancel(): void {
    this.#cancel?.abort();
    this.#cancel = null;
  }

  /** The agent failed for good. */
  failed(): void {
    this.agent.info = null;
  }

  async #load(source: Source, events: LoadEvents, cancel: AbortController, begun?: Promise<Begun>): Promise<void> {
    this.#cancel = cancel;
    try {
      await this.#loadFrom(source, events, cancel.signal, begun ?? begin(source, keptModels, cancel.signal));
      this.#source = source;
    } catch (error) {
      // The browser's words for a request that was ended on purpose differ.
      throw cancel.signal.aborted ? new ModelProblem("cancelled") : error;
    } finally {
      if (this.#cancel === cancel) this.#cancel = null;
    }
  }

  async #loadFrom(source: Source, events: LoadEvents, signal: AbortSignal, begun: Promise<Begun>): Promise<void> {
    const sha256 = source.kind === "site" ? undefined : source.kind === "kept" ? source.sha256 : source.agent.sha256;
    let got = await begun;
    if ("file" in got) {
      const isUsed = await this.#openKept(got.file, sha256 ?? "", signal, source.kind === "kept");
      if (isUsed) return;
      got = await requestOf(source, signal);
    }
    const file = download(got.response, events.progress, source.kind === "shipped" ? source.agent.bytes : undefined);
    await this.agent.receive(unless(signal, file), sha256);
    if (signal.aborted) throw new ModelProblem("cancelled");
    if (source.kind === "shipped") {
      void this.#keep({ sha256: source.agent.sha256, name: source.agent.file, source: "downloaded" }, await file, events);
    }
  }

  /** Loads a file that the browser kept; false if it is damaged and was removed. A damaged file of the user is a problem. */
  async #openKept(file: ArrayBuffer, sha256: string, signal: AbortSignal, isUsers: boolean): Promise<boolean> {
    try {
      await this.agent.receive(unless(signal, Promise.resolve(file)), sha256);
    } catch (error) {
      // Only a file that is not the one that was stored is of no use to anybody.
      if (!(error instanceof ModelProblem) || error.kind !== "other_file") throw error;
      await keptModels.remove(sha256).catch(() => {});
      if (isUsers) throw new ModelProblem("spoilt");
      return false;
    }
    void keptModels.touch(sha256);
    return true;
  }

  async #keep(model: { sha256: string; name: string; source: "opened" | "downloaded" }, file: ArrayBuffer, events: LoadEvents): Promise<void> {
    try {
      await keptModels.keep({ ...model, bytes: file.byteLength }, file);
    } catch (error) {
      const problem = error instanceof KeepingFailed ? error.problem : "forbidden";
      // A download that is not kept costs the next visit another one, no more.
      if (model.source === "opened" || problem === "full") events.remark({ kind: "not kept", problem });
    }
  }
}

/** The value, unless the signal comes before it. */
function unless<T>(signal: AbortSignal, value: Promise<T>): Promise<T> {
  const aborted = new Promise<never>((_, reject) => {
    const end = (): void => reject(new ModelProblem("cancelled"));
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  });
  return Promise.race([value, aborted]);
}

/** Remembers a choice for the next visit; null is that of the site. */
export function rememberChoice(choice: Choice | null): void {
  try {
    if (choice === null) localStorage.removeItem(CHOICE_KEY);
    else localStorage.setItem(CHOICE_KEY, writeChoice(choice));
  } catch {
    // The next visit begins with the site's own agent.
  }
}
