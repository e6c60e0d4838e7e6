/** The page's controls for its agents: progress of a download and its end, the list to choose from, files of the user, what went wrong. */

import type { AgentPicker } from "../parts/agent-picker";
import { byId, hideProblem, reason, showProblem } from "../parts/page";
import { keptModels, manifest } from "../start";
import { nameOfAgent } from "../words/agents";
import { type Choice, readChoice } from "./choice";
import { storedChoice } from "./first";
import { asProblem } from "./problem";
import { type Failure, type LoadEvents, type Remark, rememberChoice } from "./slot";

/** The first agent of a page, or the second of a game between two. */
export type Place = 0 | 1;

export interface PanelActions {
  /** What is loaded. */
  choice(place: Place): Choice | null;
  /** Name of what is loaded first. */
  name(): string | null;
  openFirst(events: LoadEvents): Promise<Failure[]>;
  /** False if it was cancelled. */
  choose(place: Place, choice: Choice, events: LoadEvents): Promise<boolean>;
  openFile(place: Place, file: File, events: LoadEvents): Promise<void>;
  cancel(): void;
  /** Lets the user choose a file for the agent. */
  chooseFile(place: Place): void;
  progress(loaded: number, total: number): void;
  /** A download begins. */
  begun(): void;
  /** What is loaded may have changed. */
  changed(place: Place): void;
}

const words = () => import("../words/agent-picker");

export class AgentPanel {
  readonly #actions: PanelActions;
  readonly #progress = byId("agent-progress", HTMLProgressElement);
  readonly #cancel = byId("agent-cancel", HTMLButtonElement);
  #picker: AgentPicker | null = null;
  #place: Place = 0;
  /** Loads under way. */
  #loads = 0;

  constructor(actions: PanelActions) {
    this.#actions = actions;
    byId("choose-agent", HTMLButtonElement).addEventListener("click", () => void this.pick(0));
    this.#cancel.addEventListener("click", () => {
      actions.cancel();
      // The button goes, so its neighbour has the focus.
      byId("choose-agent", HTMLButtonElement).focus();
    });
  }

  /** Loads the agent for a visit. */
  async openFirst(): Promise<void> {
    const remarks: Remark[] = [];
    const failures = await this.#loading(0, (events) => this.#actions.openFirst(events), remarks);
    const isGone = failures.some(({ problem: { kind } }) => kind === "gone" || kind === "spoilt");
    if (isGone || remarks.some(({ kind }) => kind === "lost")) rememberChoice(null);
    await this.#tell(failures, remarks, true);
    // What can wait begins now, such as keeping the pages for a visit without a network.
    dispatchEvent(new Event("page-settled"));
  }

  /** Loads the model in a file that the user opened or dropped. */
  async openFile(place: Place, file: File): Promise<void> {
    hideProblem();
    const load = (events: LoadEvents): Promise<boolean> => this.#actions.openFile(place, file, events).then(() => true);
    await this.#load(place, file.name, load, "notOpened");
  }

  /** Shows the list of agents. */
  async pick(place: Place): Promise<void> {
    this.#place = place;
    try {
      const [picker, { pickerWords }] = await Promise.all([this.#pickerOf(), words()]);
      picker.open(place === 0 ? pickerWords.title : pickerWords.titleSecond);
      await this.#list();
    } catch (error) {
      showProblem(reason(error));
    }
  }

  async #pickerOf(): Promise<AgentPicker> {
    if (this.#picker) return this.#picker;
    await import("../parts/agent-picker");
    const picker = (this.#picker ??= document.createElement("agent-picker"));
    picker.actions = {
      chosen: (key) => void this.#choose(key),
      removed: (key) => void this.#remove(key),
      cleared: () => void this.#clear(),
      chooseFile: () => this.#actions.chooseFile(this.#place),
    };
    document.body.append(picker);
    return picker;
  }

  async #list(): Promise<void> {
    const [{ listOf }, { pickerWords }] = await Promise.all([import("./rows"), words()]);
    const place = this.#place;
    const title = place === 0 ? pickerWords.title : pickerWords.titleSecond;
    this.#picker?.show(listOf(await manifest, await keptModels.list(), this.#actions.choice(place), title));
  }

  async #choose(key: string): Promise<void> {
    const choice = readChoice(key);
    const place = this.#place;
    if (choice === null) return;
    hideProblem();
    const name = await this.#nameOf(choice);
    await this.#load(place, name, (events) => this.#actions.choose(place, choice, events));
  }

  async #nameOf(choice: Choice): Promise<string> {
    const { pickerWords } = await words();
    if (choice.kind === "kept") return (await keptModels.list()).find(({ sha256 }) => sha256 === choice.sha256)?.name ?? pickerWords.title;
    const agent = choice.kind === "shipped" ? (await manifest).agents.find(({ id }) => id === choice.id) : undefined;
    return agent ? nameOfAgent(agent) : pickerWords.siteName;
  }

  async #load(
    place: Place,
    name: string,
    load: (events: LoadEvents) => Promise<boolean>,
    sentence: "failed" | "notOpened" = "failed",
  ): Promise<void> {
    const remarks: Remark[] = [];
    try {
      const isLoaded = await this.#loading(place, load, remarks);
      const choice = this.#actions.choice(place);
      const isKept = !remarks.some(({ kind }) => kind === "not kept") || choice?.kind !== "kept";
      if (isLoaded && place === 0 && isKept) rememberChoice(choice);
      await this.#tell([], remarks, false);
    } catch (error) {
      await this.#tell([{ name, problem: asProblem(error) }], remarks, false, sentence);
    }
  }

  /** Runs a load, with its progress on the page. */
  async #loading<Result>(place: Place, load: (events: LoadEvents) => Promise<Result>, remarks: Remark[]): Promise<Result> {
    let isOver = false;
    this.#loads++;
    this.#progress.removeAttribute("value");
    this.#draw();
    this.#actions.begun();
    try {
      return await load({
        progress: (loaded, total) => {
          if (total > 0) this.#progress.value = Math.min(1, loaded / total);
          this.#actions.progress(loaded, total);
        },
        // Whether a download could be kept shows only after it plays.
        remark: (remark) => (isOver ? void this.#tell([], [remark], false) : void remarks.push(remark)),
      });
    } finally {
      isOver = true;
      this.#loads--;
      this.#draw();
      this.#actions.changed(place);
    }
  }

  #draw(): void {
    const isLoading = this.#loads > 0;
    // Its room stays, so that nothing below jumps.
    this.#progress.style.visibility = isLoading ? "visible" : "hidden";
    this.#cancel.hidden = !isLoading;
  }

  /** Tells what went wrong, in one text. */
  async #tell(
    failures: readonly Failure[],
    remarks: readonly Remark[],
    isFirst: boolean,
    sentence: "failed" | "notOpened" = "failed",
  ): Promise<void> {
    const defects = isFirst ? (await manifest).defects : [];
    if (failures.length + remarks.length + defects.length === 0) return;
    try {
      const { loadingWords, manifestProblem, problemWords } = await words();
      const texts = failures.map(({ name, problem }) => loadingWords[sentence](name, problemWords[problem.kind](problem.details)));
      const name = this.#actions.name();
      if (failures.length > 0 && isFirst) texts.push(name === null ? loadingWords.notLoaded : loadingWords.insteadOf(name));
      for (const remark of remarks) texts.push(remark.kind === "lost" ? loadingWords.lost : loadingWords.notKept[remark.problem]);
      if (defects.length > 0) texts.push(manifestProblem(defects));
      showProblem(texts.join(" "));
    } catch {
      // The words could not be fetched either.
      const [failure] = failures;
      if (failure) showProblem(`${failure.name}: ${failure.problem.message}`);
    }
  }

  async #remove(key: string): Promise<void> {
    const choice = readChoice(key);
    if (choice?.kind !== "kept") return;
    await this.#forget(() => keptModels.remove(choice.sha256), (stored) => stored.kind === "kept" && stored.sha256 === choice.sha256);
  }

  async #clear(): Promise<void> {
    await this.#forget(() => keptModels.clear(), ({ kind }) => kind === "kept");
  }

  /** Removes kept models; a choice of one that is gone is none any more. */
  async #forget(remove: () => Promise<void>, isGone: (choice: Choice) => boolean): Promise<void> {
    try {
      await remove();
      const stored = storedChoice();
      if (stored !== null && isGone(stored)) rememberChoice(null);
    } catch {
      showProblem((await words()).loadingWords.notRemoved);
    }
    await this.#list();
  }
}
