/**
 * The page of training runs: a bundle of files, or runs as they go on.
 *
 * | field of the address | meaning |
 * |---|---|
 * | `b` | folder of the bundle, from this page; without it `runs/` |
 * | `s` | number of the game set that is shown, from 0: those of the runs, then the tournaments |
 * | `g`, `p` | the open game of that set, from 1, and the ply on its board |
 */

import { byId, showProblem } from "../parts/page";
import { element } from "../parts/shadow";
import { SettingsStore } from "../state/settings";
import { Store } from "../state/store";
import { decimal } from "../words";
import { type Abscissa, duration, runWords as words } from "../words/run";
import { stateWords } from "../words/state";
import { styleClass, table } from "./chart";
import { CurveCharts, type CurveView, LATER, type ShownRun } from "./curves";
import { BundleProblem, type Chunk, type Curves, type GameIndex, type GameSet, type Manifest, type RunEntry, type Story, readCurves, readIndex, readStory } from "./format";
import type { GameView } from "./game";
import { GameList } from "./games";
import { FOLDER, Source, folderAddress } from "./source";
import { Strength, type ToldRun } from "./strength";

const ABSCISSAS: readonly Abscissa[] = ["iteration", "plies", "seconds"];

/** Place on the page, as the address tells it. */
interface Place {
  folder: string;
  set: number;
  /** Number of the open game, from 0. */
  game: number | null;
  ply: number;
}

function readPlace(): Place {
  const read = new URLSearchParams(location.hash.slice(1, 2000));
  const whole = (name: string): number | null => (/^\d{1,7}$/.test(read.get(name) ?? "") ? Number(read.get(name)) : null);
  const game = whole("g");
  return { folder: read.get("b") ?? FOLDER, set: whole("s") ?? 0, game: game === null || game === 0 ? null : game - 1, ply: whole("p") ?? 0 };
}

const reasonOf = (problem: unknown): string => (problem instanceof BundleProblem ? problem.message : String(problem instanceof Error ? problem.message : problem));

class RunPage {
  readonly #main = document.querySelector("main") ?? document.body;
  readonly #status = byId("status", HTMLParagraphElement);
  readonly #settings: SettingsStore;
  readonly #source: Source;
  readonly #curves: CurveCharts;
  readonly #strength = new Strength(byId("strength", HTMLDivElement));
  readonly #games: GameList;
  /** Chunks that were read, by their digests. */
  readonly #read = new Map<string, unknown>();
  readonly #hidden = new Set<string>();
  readonly #opened = new Set<string>();
  #view: CurveView = { abscissa: "iteration", smoothing: 0, part: 1 };
  #manifest: Manifest | null = null;
  #shownSet: { name: string; chunk: Chunk | null; index: GameIndex | null } | null = null;
  #gameView: GameView | null = null;
  #place: Place;
  /** Number of the newest drawing: an older one whose chunks come late stops. */
  #drawing = 0;
  /** The manifest that is shown next, and the end of the drawing that goes on. */
  #waiting: Manifest | null = null;
  #drawn: Promise<void> = Promise.resolve();

  constructor(place: Place, source: Source, settings: SettingsStore) {
    this.#place = place;
    this.#source = source;
    this.#settings = settings;
    const groups = [...document.querySelectorAll<HTMLDetailsElement>("details[data-group]")];
    this.#curves = new CurveCharts(byId("curves", HTMLDivElement), new Map(groups.map((group) => [group.dataset["group"] ?? "", group.querySelector<HTMLElement>(".charts") ?? group])));
    for (const details of groups) {
      const group = details.dataset["group"] ?? "";
      const summary = details.querySelector("summary");
      if (summary) summary.textContent = words.more(words.groups[group] ?? group);
      details.addEventListener("toggle", () => {
        if (!details.open || this.#opened.has(group)) return;
        this.#opened.add(group);
        void this.#drawCurves();
      });
    }
    this.#games = new GameList((game) => void this.#openGame(game, 0, true));
    this.#listen();
  }

  #listen(): void {
    const abscissa = byId("abscissa", HTMLSelectElement);
    const part = byId("part", HTMLSelectElement);
    const smoothing = byId("smoothing", HTMLInputElement);
    const review = (): void => {
      this.#view = {
        abscissa: ABSCISSAS.find((known) => known === abscissa.value) ?? "iteration",
        part: Number(part.value),
        smoothing: Number(smoothing.value),
      };
      void this.#drawCurves();
      void this.#drawStories();
    };
    for (const control of [abscissa, part]) control.addEventListener("change", review);
    smoothing.addEventListener("input", review);
    byId("set", HTMLSelectElement).addEventListener("change", (event) => {
      this.#goTo({ set: Number((event.target as HTMLSelectElement).value), game: null, ply: 0 });
      this.#closeGame();
      void this.#drawGames();
    });
    byId("game-close", HTMLButtonElement).addEventListener("click", () => {
      const game = this.#place.game;
      this.#closeGame();
      this.#goTo({ game: null, ply: 0 });
      document.querySelector<HTMLElement>(`tr[data-game="${game}"] button`)?.focus();
    });
    addEventListener("popstate", () => this.#visit());
    const redraw = (): void => {
      this.#curves.redraw();
      this.#strength.redraw();
    };
    for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) matchMedia(query).addEventListener("change", redraw);
    new MutationObserver(redraw).observe(document.documentElement, { attributes: true, attributeFilter: ["data-appearance"] });
  }

  /** Shows the bundle, and follows it if its runs go on. */
  async start(): Promise<void> {
    const manifest = await this.#source.manifest();
    this.#main.dataset["waiting"] = "curves";
    await (this.#drawn = this.#show(manifest));
    if (manifest.events !== null) this.#follow(manifest.events);
    else this.#keepOffline();
    // What opening a game needs comes while the user looks at the curves.
    const idle = globalThis.requestIdleCallback ?? ((run: () => void) => setTimeout(run, 200));
    idle(() => void this.#loadGameView().catch(() => {}));
  }

  /** A first visit begins without the service worker: what it has loaded is asked for once more, so that the worker keeps it. */
  #keepOffline(): void {
    const { serviceWorker } = navigator as Partial<Navigator>;
    if (!serviceWorker || serviceWorker.controller) return;
    serviceWorker.addEventListener("controllerchange", () => this.#source.askAgain(), { once: true });
  }

  #follow(events: string): void {
    this.#source.follow(
      events,
      (manifest) => {
        byId("news", HTMLSpanElement).textContent = words.news(Date.now());
        void this.#showNext(manifest);
      },
      (lost) => {
        this.#status.classList.toggle("lame", lost);
        // The same text again would be read out again.
        const text = lost ? words.lost : words.live;
        if (this.#status.textContent !== text) this.#status.textContent = text;
      },
      (problem) => showProblem(reasonOf(problem)),
    );
  }

  /** Shows a manifest when the one before is drawn; of several that wait, the newest. */
  async #showNext(manifest: Manifest): Promise<void> {
    const isFirst = this.#waiting === null;
    this.#waiting = manifest;
    if (!isFirst) return;
    await this.#drawn;
    const newest = this.#waiting;
    this.#waiting = null;
    this.#drawn = this.#show(newest);
  }

  async #show(manifest: Manifest): Promise<void> {
    this.#manifest = manifest;
    this.#drawing++;
    if (manifest.events === null) this.#status.textContent = this.#summary(manifest);
    this.#drawOverview(manifest);
    const curves = this.#drawCurves().finally(() => delete this.#main.dataset["waiting"]);
    await Promise.all([curves, this.#drawStories(), this.#drawGames()]);
    this.#forgetOld(manifest);
  }

  #summary({ runs, tournaments }: Manifest): string {
    const games = [...runs, ...tournaments].reduce((sum, { games }) => sum + games.count, 0);
    return words.loaded(runs.length, games);
  }

  /** A chunk as `read` reads it, once. */
  async #chunk<T>(chunk: Chunk, read: (content: string, file: string) => T): Promise<T> {
    const known = this.#read.get(chunk.sha256);
    if (known !== undefined) return known as T;
    const made = read(await this.#source.text(chunk), chunk.file);
    this.#read.set(chunk.sha256, made);
    return made;
  }

  /** Forgets the chunks of earlier manifests. */
  #forgetOld({ runs, tournaments }: Manifest): void {
    const sets = [...runs, ...tournaments].map(({ games }) => games.index?.sha256 ?? "");
    const named = new Set([...sets, ...runs.flatMap(({ curves, story }) => [story.sha256, ...[...curves.values()].map(({ sha256 }) => sha256)])]);
    for (const digest of this.#read.keys()) if (!named.has(digest)) this.#read.delete(digest);
  }

  #drawOverview({ runs }: Manifest): void {
    const holder = byId("overview", HTMLElement);
    const focused = holder.contains(document.activeElement) ? (document.activeElement as HTMLInputElement).value : null;
    const { shown, state, iterations, plies, games, time, began, weights, learner, revision } = words.columns;
    const rows = runs.map((run) => [
      "", words.states[run.state] ?? run.state, decimal(run.iteration), words.ofBudget(run.plies, run.budgetPlies), decimal(run.gamesPlayed),
      duration(run.seconds), words.began(run.began), decimal(run.weights), run.learner, run.revision,
    ]);
    const region = table(words.runsTable, [shown, state, iterations, plies, games, time, began, weights, learner, revision], rows);
    for (const [at, cell] of region.querySelectorAll("tbody th").entries()) {
      const run = runs[at];
      if (!run) continue;
      const box = element("input");
      box.type = "checkbox";
      box.value = run.name;
      box.checked = !this.#hidden.has(run.name);
      box.setAttribute("aria-label", words.show(run.name));
      box.addEventListener("change", () => {
        if (box.checked) this.#hidden.delete(run.name);
        else this.#hidden.add(run.name);
        void this.#drawCurves();
        void this.#drawStories();
      });
      const label = element("label", "check");
      label.append(box, element("span", styleClass(at)), run.name);
      cell.append(label);
    }
    const scrolled = holder.firstElementChild?.scrollLeft ?? 0;
    holder.replaceChildren(region);
    region.scrollLeft = scrolled;
    if (focused !== null) [...holder.querySelectorAll("input")].find((box) => box.value === focused)?.focus();
  }

  get #shownRuns(): (readonly [RunEntry, number])[] {
    return (this.#manifest?.runs ?? []).map((run, style) => [run, style] as const).filter(([run]) => !this.#hidden.has(run.name));
  }

  async #drawCurves(): Promise<void> {
    const drawing = this.#drawing;
    const problems: unknown[] = [];
    const shown = await Promise.all(this.#shownRuns.map(async ([run, style]): Promise<ShownRun> => {
      const groups = new Map<string, Curves>();
      const wanted = [...run.curves].filter(([group]) => !LATER.includes(group) || this.#opened.has(group));
      await Promise.all(wanted.map(async ([group, chunk]) => {
        const curves = await this.#chunk(chunk, readCurves).catch((problem: unknown) => void problems.push(problem));
        if (curves) groups.set(group, curves);
      }));
      return { name: run.name, style, groups };
    }));
    if (drawing !== this.#drawing) return;
    this.#curves.show(shown, this.#view);
    const waiting = this.#curves.waiting;
    for (const details of document.querySelectorAll<HTMLDetailsElement>("details[data-group]")) {
      const group = details.dataset["group"] ?? "";
      details.hidden = !(waiting.has(group) || this.#shownRuns.some(([run]) => LATER.includes(group) && run.curves.has(group)));
    }
    this.#tell("curves", problems, shown.every(({ groups }) => groups.size === 0) ? words.noCurves : "");
  }

  async #drawStories(): Promise<void> {
    const drawing = this.#drawing;
    const problems: unknown[] = [];
    const told = await Promise.all(this.#shownRuns.map(async ([run, style]) => {
      const story = await this.#chunk<Story>(run.story, readStory).catch((problem: unknown) => void problems.push(problem));
      return story ? { name: run.name, style, story, run } : null;
    }));
    if (drawing !== this.#drawing) return;
    const runs = told.filter((run) => run !== null);
    this.#strength.show(runs, this.#view.abscissa);
    this.#tell("strength", problems, "");
    this.#drawAlarms(runs);
    this.#drawSettings(runs);
  }

  #drawAlarms(runs: readonly (ToldRun & { run: RunEntry })[]): void {
    const rows = runs.flatMap(({ name, story, run }) => story.alarms.map((alarm) =>
      [name, decimal(alarm.iteration), alarm.id, run.alarms.includes(alarm.id) ? words.inForce : words.over, alarm.text, alarm.advice]));
    const { run, iteration, alarm, state, seen, advice } = words.alarmColumns;
    const region = table(words.alarmsTable, [run, iteration, alarm, state, seen, advice], rows);
    region.classList.add("prose");
    byId("alarms", HTMLDivElement).replaceChildren(rows.length === 0 ? element("p", "muted", words.noAlarms) : region);
  }

  #drawSettings(runs: readonly ToldRun[]): void {
    const holder = byId("run-settings", HTMLDivElement);
    const open = holder.querySelector("details")?.open ?? false;
    const keys = [...new Set(runs.flatMap(({ story }) => story.settings.map(([key]) => key)))];
    const values = runs.map(({ story }) => new Map(story.settings));
    const rows = keys.map((key) => [key, ...values.map((of) => of.get(key) ?? "–")]);
    const head = [words.setting, ...runs.map(({ name }) => name)];
    const differ = rows.filter(([, first, ...others]) => others.some((other) => other !== first));
    const all = element("details");
    all.open = open;
    all.append(element("summary", "", words.allSettings), table(words.allSettings, head, rows));
    holder.replaceChildren(...(differ.length > 0 ? [table(words.settingsTable, head, differ)] : []), ...(rows.length > 0 ? [all] : []));
  }

  /** The game sets of the bundle: those of the runs, then the tournaments. */
  get #sets(): { name: string; games: GameSet }[] {
    const { runs = [], tournaments = [] } = this.#manifest ?? {};
    return [
      ...runs.map(({ name, games }) => ({ name: words.setOfRun(name), games })),
      ...tournaments.map(({ name, games }) => ({ name: words.setOfTournament(name), games })),
    ];
  }

  async #drawGames(): Promise<void> {
    const sets = this.#sets;
    const chooser = byId("set", HTMLSelectElement);
    if (this.#place.set >= sets.length) this.#place = { ...this.#place, set: 0 };
    const names = sets.map(({ name }) => name);
    if (names.some((name, at) => chooser.options[at]?.text !== name) || chooser.options.length !== names.length) {
      chooser.replaceChildren(...names.map((name, at) => new Option(name, String(at))));
    }
    chooser.value = String(this.#place.set);
    const set = sets[this.#place.set];
    const before = this.#shownSet;
    const chunk = set?.games.index ?? null;
    if (before && before.name === set?.name && before.chunk?.sha256 === chunk?.sha256) return;
    const problems: unknown[] = [];
    const number = this.#place.set;
    const index = chunk && (await this.#chunk(chunk, (content, file) => readIndex(content, file, set?.games.count ?? 0)).catch((problem: unknown) => {
      problems.push(problem);
      return null;
    }));
    if (number !== this.#place.set) return;
    this.#shownSet = { name: set?.name ?? "", chunk, index };
    const note = byId("set-note", HTMLParagraphElement);
    note.hidden = (set?.games.stride ?? 1) === 1;
    note.textContent = note.hidden ? "" : words.stride(set?.games.stride ?? 1);
    this.#games.show(index, before?.name === set?.name);
    this.#tell("games", problems, "");
    if (index && this.#place.game !== null && before?.name !== set?.name) await this.#openGame(this.#place.game, this.#place.ply, false);
  }

  /** Says below a part what of it could not be shown, or why there is nothing. */
  #tell(id: string, problems: readonly unknown[], note: string): void {
    const holder = byId(id, HTMLDivElement);
    let box = holder.parentElement?.querySelector<HTMLElement>(`:scope > .told-${id}`);
    const texts = [...new Set(problems.map(reasonOf))];
    if (texts.length === 0 && note === "") return box?.remove();
    if (!box) {
      box = element("div", `told-${id}`);
      holder.before(box);
    }
    // The same text again would be read out again.
    if (box.textContent === texts.join("") + note) return;
    const notes = texts.map((text) => element("p", "lame", text));
    for (const each of notes) each.setAttribute("role", "alert");
    box.replaceChildren(...notes, ...(note === "" ? [] : [element("p", "muted", note)]));
  }

  async #loadGameView(): Promise<GameView> {
    const { GameView } = await import("./game");
    await GameView.prepare();
    this.#gameView ??= new GameView(this.#settings, (ply) => this.#goTo({ ply }));
    return this.#gameView;
  }

  async #openGame(game: number, ply: number, byUser: boolean): Promise<void> {
    const index = this.#shownSet?.index;
    if (!index) return;
    try {
      const view = await this.#loadGameView();
      if (byUser) this.#goTo({ game, ply });
      if (!(await view.open(this.#source, index, game, ply))) return;
      this.#games.current = game;
      if (byUser) view.focus();
    } catch (problem) {
      showProblem(problem instanceof BundleProblem ? problem.message : words.problems.game(game + 1));
    }
  }

  #closeGame(): void {
    this.#gameView?.close();
    this.#games.current = null;
  }

  #goTo(change: Partial<Place>): void {
    this.#place = { ...this.#place, ...change };
    const { folder, set, game, ply } = this.#place;
    const told = new URLSearchParams();
    if (folder !== FOLDER) told.set("b", folder);
    if (set > 0) told.set("s", String(set));
    if (game !== null) {
      told.set("g", String(game + 1));
      if (ply > 0) told.set("p", String(ply));
    }
    try {
      const fragment = told.toString();
      history.replaceState(null, "", fragment === "" ? location.pathname + location.search : `#${fragment}`);
    } catch {
      // The browser has had enough changes for now; the next one names the place again.
    }
  }

  /** The user has changed the address. */
  #visit(): void {
    const place = readPlace();
    if (place.folder !== this.#place.folder) return location.reload();
    const { set, game, ply } = this.#place;
    this.#place = place;
    if (place.set !== set) {
      this.#closeGame();
      this.#shownSet = null;
      void this.#drawGames();
    } else if (place.game === null) this.#closeGame();
    else if (place.game !== game || place.ply !== ply) void this.#openGame(place.game, place.ply, false);
  }
}

async function start(): Promise<void> {
  const store = new Store((problem) => showProblem(stateWords[problem]));
  const settings = new SettingsStore(store, () => showProblem(stateWords.unreadableSettings));
  const place = readPlace();
  try {
    await new RunPage(place, new Source(folderAddress(place.folder)), settings).start();
  } catch (problem) {
    delete document.querySelector("main")?.dataset["waiting"];
    byId("status", HTMLParagraphElement).textContent = "";
    showProblem(reasonOf(problem));
  }
}

void start();
