/** The analysis page: a game with its variations, and what the network thinks of it. */

import { AgentPanel } from "../agents/panel";
import { AgentSlot } from "../agents/slot";
import { type Color, type Origin } from "../board/geometry";
import { diagram } from "../board/diagram";
import { getReady } from "../board/ready";
import { TwoClicks, boardSwitches, hideProblem, isTyping, onFile, onPress, reason, setEnabled, showProblem } from "../parts/page";
import { MoveFeedback, held } from "../parts/move-feedback";
import { element } from "../parts/shadow";
import { wireTabs } from "../parts/tabs";
import { DEFAULT_LEVEL, levelAt, levelsOf } from "../play/levels";
import { type Board, Tree, loadRecords } from "../records";
import { SHIPPED_GAMES } from "../offline/build";
import type { AgentInfo } from "../protocol";
import type { MoveStyle } from "../rules";
import type { Address } from "../state/address";
import { SavedGames, isUnreadable, newId } from "../state/games";
import type { SavedGame } from "../state/saved-game";
import { Route } from "../state/route";
import { SettingsStore, storedPieceSet } from "../state/settings";
import { Store } from "../state/store";
import { EDITOR, GAME, NETWORK, OPENING, PLAYING_ON, RATING, SAVING } from "../words/analysis";
import { agentWords, bytesText } from "../words/agents";
import { GRADES } from "../words/parts";
import { refusalWords } from "../words/play";
import { reasonsReady, told } from "../words/reason";
import { stateWords } from "../words/state";
import { Analyst, type Work, positionOf } from "./analyst";
import { Drawing, type Scene, stateOf } from "./drawing";
import { PositionEditor } from "./editor";
import { elements } from "./elements";
import { AnalysisGame, type Change } from "./game";
import { BLACK, WHITE } from "./headers";
import { OpenSheet } from "./open-sheet";
import { Opinions } from "./opinions";
import { PlayOnSheet } from "./play-on-sheet";
import { Memory, type Tab } from "./remembered";
import { SaveSheet } from "./save-sheet";
import { Session } from "./session";
import { type Collection, fetchFile, keepCollection, keptCollection, nodeAlong, nodeAtPly, read, treeOf } from "./source";

const PLAY_INTERVAL_MS = 900;
/** Delay after the last letter of a comment until the list of moves shows it. */
const COMMENT_REST_MS = 300;
/** Pause before the next move of a game between agents, so that the eye can follow. */
const AGENT_MOVE_MS = 250;
/** Longest game between agents, in plies from its start. */
const MOST_PLIES = 512;
/** Most defects in the list; a text that is no game at all has one in each line. */
const MOST_DEFECTS = 100;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A move that the user tried, to be rated. */
interface Trial {
  node: number;
  /** Whether the move was new, so that taking it back removes it. */
  isNew: boolean;
}

class AnalysisPage {
  readonly #view = elements();
  readonly #store = new Store((problem) => showProblem(stateWords[problem]));
  readonly #settings = new SettingsStore(this.#store, () => showProblem(stateWords.unreadableSettings));
  readonly #feedback = new MoveFeedback(this.#settings);
  readonly #memory = new Memory(this.#store);
  readonly #saved = new SavedGames(this.#store);
  readonly #route = new Route(() => this.#visit());
  readonly #slot = new AgentSlot();
  readonly #agent = this.#slot.agent;
  readonly #panel = this.#panelOf();
  readonly #opinions = new Opinions();
  readonly #drawing = new Drawing(this.#view, () => this.#scene());
  readonly #analyst = new Analyst(this.#agent, this.#opinions, {
    learned: (nodes) => this.#learned(nodes),
    working: (work) => {
      if (work.pass === null && this.#work.pass !== null) this.#drawing.graph();
      this.#work = work;
      this.#drawing.working();
    },
    failed: (error) => this.#networkFailed(error),
  });
  readonly #session = new Session(
    this.#saved,
    this.#route,
    () => ({ game: this.#game, orientation: this.#view.board.orientation }),
    (saving) => {
      if (saving === "too long") showProblem(stateWords.gameTooLong);
    },
    (id, node) => this.#memory.change({ id, node }),
  );

  #game: AnalysisGame;
  #collection: Collection | null = null;
  #work: Work = { pass: null, position: "idle" };
  #preview: { board: Board; text: string } | null = null;
  #touched: Origin | null = null;
  #notice = "";
  /** Place in the game, and pieces in hand there, that the last sound was for. */
  #felt = { ply: 0, held: 0 };
  #trial: Trial | null = null;
  #networkLoading = true;
  /** The network that the opinions are of. */
  #network: AgentInfo | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;
  #commentTimer: ReturnType<typeof setTimeout> | undefined;
  /** Raised when a game between agents must end. */
  #match = 0;
  #matchRuns = false;
  /** Raised by each opening: the slower of two does not replace the later one. */
  #opening = 0;
  /** Whether the user opened or changed something: what comes late, such as the games of the site, does not replace it. */
  #usersOwn = false;
  #openSheet: OpenSheet | null = null;
  #saveSheet: SaveSheet | null = null;
  #playOnSheet: PlayOnSheet | null = null;
  #editor: PositionEditor | null = null;

  constructor() {
    this.#game = this.#gameOf(new Tree("startpos"));
  }

  async run(): Promise<void> {
    this.#wire();
    this.#agent.style = this.#settings.value.notation;
    this.#drawing.all();
    this.#drawing.working();
    const network = this.#panel.openFirst();
    await this.#openFirst(network);
    await network;
  }

  #scene(): Scene {
    return {
      game: this.#game,
      opinions: this.#opinions,
      preview: this.#preview,
      touched: this.#touched,
      work: this.#work,
      network: this.#slot.name,
      networkLoading: this.#networkLoading,
      arrows: this.#view.showArrows.checked,
      heat: this.#view.showHeat.checked,
      tab: this.#memory.value.tab,
      editing: this.#editor?.active ?? false,
      notice: this.#notice,
    };
  }

  // --- the game on the page -------------------------------------------------------------------------------------

  #gameOf(tree: Tree): AnalysisGame {
    return new AnalysisGame(tree, this.#settings.value.notation satisfies MoveStyle, (change) => this.#changed(change));
  }

  /** Puts another game on the board; `id` of the saved one that it is, `end` of the line that the keys walk along. */
  #show(tree: Tree, at: { node?: number; end?: number; orientation?: Color; id?: string; push?: boolean }): void {
    this.#leave();
    const old = this.#game;
    this.#session.begin(at.id);
    this.#game = this.#gameOf(tree);
    old.free();
    this.#notice = "";
    this.#closeTrial();
    if (at.orientation !== undefined) this.#view.board.orientation = at.orientation;
    for (const node of [at.end ?? 0, at.node ?? 0]) if (node < tree.len) this.#game.go(node);
    this.#drawing.all();
    this.#analyst.setGame(this.#game);
    if (at.push) this.#route.push(this.#address());
    this.#save(true);
  }

  /** Ends whatever goes on with the game that is left. */
  #leave(): void {
    this.#stop();
    this.#match++;
    this.#editor?.end();
    this.#endPreview();
    this.#flushComment();
    this.#touched = null;
  }

  #changed(change: Change): void {
    if (change === "comments") return this.#save(true);
    this.#endPreview();
    this.#touched = null;
    this.#notice = "";
    if (change === "moves") {
      this.#drawing.moves();
      this.#drawing.graph();
      this.#save(true);
      return;
    }
    this.#drawing.node();
    this.#feel();
    if (this.#trial && this.#trial.node !== this.#game.node) this.#closeTrial();
    this.#analyst.moved();
    this.#save(false);
  }

  /** Sounds for a step forward by one move. */
  #feel(): void {
    const { ply, board, node } = this.#game;
    const now = { ply, held: held(board) };
    if (ply === this.#felt.ply + 1) {
      const ended = this.#game.end(node) !== undefined || this.#game.ended(node) !== null;
      this.#feedback.give(ended ? "end" : now.held > this.#felt.held ? "capture" : "move");
    }
    this.#felt = now;
  }

  #say(notice: string): void {
    this.#notice = notice;
    this.#drawing.status();
  }

  #goTo(node: number): void {
    this.#flushComment();
    this.#stop();
    this.#game.go(node);
  }

  #step(move: () => void): void {
    this.#flushComment();
    const line = this.#game.line;
    move();
    // Another line has other moves below the graph.
    if (line !== this.#game.line) this.#drawing.graph();
  }

  /** A move of the user on the board. */
  #play(usi: string): void {
    this.#flushComment();
    this.#stop();
    this.#match++;
    this.#usersOwn = true;
    const isNew = this.#game.play([usi]);
    this.#trial = { node: this.#game.node, isNew };
    this.#drawing.graph();
    this.#drawTrial();
  }

  /** Plays a line that the user chose from the candidates. */
  #playLine(moves: readonly string[]): void {
    this.#flushComment();
    this.#stop();
    this.#endPreview();
    this.#usersOwn = true;
    const [first, ...rest] = moves;
    if (first === undefined) return;
    const isNew = this.#game.play(moves);
    this.#drawing.graph();
    if (rest.length === 0) this.#trial = { node: this.#game.node, isNew };
    this.#drawTrial();
  }

  #remove(): void {
    if (this.#game.node === 0) return;
    this.#flushComment();
    this.#leave();
    this.#usersOwn = true;
    this.#closeTrial();
    // The opinions must have the new numbers before anything is drawn.
    this.#game.remove((numbers) => this.#analyst.renumbered(numbers));
    this.#drawing.moves();
    this.#drawing.graph();
    this.#drawing.node();
    this.#drawing.about();
    this.#say(GAME.removed);
    this.#save(true);
  }

  #promote(): void {
    this.#flushComment();
    this.#usersOwn = true;
    this.#game.promote();
    this.#drawing.node();
    this.#drawing.about();
    this.#analyst.promoted();
    this.#say(GAME.promoted);
  }

  #writeComment(): void {
    this.#usersOwn = true;
    clearTimeout(this.#commentTimer);
    this.#game.setComment(this.#view.comment.value);
    this.#commentTimer = setTimeout(() => this.#flushComment(), COMMENT_REST_MS);
  }

  /** Draws a comment that was just written into the list of moves. */
  #flushComment(): void {
    if (this.#commentTimer === undefined) return;
    clearTimeout(this.#commentTimer);
    this.#commentTimer = undefined;
    this.#drawing.moves();
  }

  // --- a tried move ---------------------------------------------------------------------------------------------

  #closeTrial(): void {
    this.#trial = null;
    setEnabled(this.#view.retry, false);
  }

  /** Says how good the user's move was, as soon as the network knows. */
  #drawTrial(): void {
    const trial = this.#trial;
    if (!trial || trial.node !== this.#game.node) return;
    setEnabled(this.#view.retry, true);
    if (this.#agent.info !== null) this.#say(this.#ratingOf(trial.node));
  }

  #ratingOf(node: number): string {
    const { tree } = this.#game;
    const drop = this.#drawing.dropOf(node);
    if (drop === undefined) return RATING.wait;
    const grade = this.#drawing.gradeOf(node);
    const best = this.#opinions.thought(tree.parent(node) ?? 0)?.candidates[0];
    const isBest = best?.usi === tree.move_usi(node);
    if (grade) return RATING.grade(GRADES[grade].name, Math.round(drop * 100), isBest ? undefined : best?.text);
    return isBest ? RATING.best : RATING.good(best?.text);
  }

  #retry(): void {
    const trial = this.#trial;
    if (!trial) return;
    const { tree } = this.#game;
    this.#closeTrial();
    if (trial.isNew && tree.children(trial.node).length === 0) {
      this.#goTo(trial.node);
      this.#remove();
    } else {
      this.#goTo(tree.parent(trial.node) ?? 0);
    }
    this.#view.board.focus();
  }

  // --- playing the moves ----------------------------------------------------------------------------------------

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#view.play.setAttribute("aria-pressed", "false");
  }

  #togglePlay(): void {
    if (this.#timer !== undefined) return this.#stop();
    const last = this.#game.line.length - 1;
    if (last === 0) return;
    if (this.#game.ply === last) this.#game.goToPly(0);
    this.#view.play.setAttribute("aria-pressed", "true");
    this.#timer = setInterval(() => {
      this.#step(() => this.#game.next());
      if (this.#game.ply >= this.#game.line.length - 1) this.#stop();
    }, PLAY_INTERVAL_MS);
  }

  // --- previews -------------------------------------------------------------------------------------------------

  /** Shows the position after a line without changing the game. */
  #showLine(moves: readonly string[] | null): void {
    const before = this.#preview !== null;
    this.#preview?.board.free();
    this.#preview = null;
    if (moves !== null && moves.length > 0) {
      const board = this.#game.tree.board(this.#game.standing);
      try {
        for (const usi of moves) board.play(usi);
        this.#preview = { board, text: this.#textsOf(moves).join(" ") };
      } catch {
        // The line belongs to a position that was left.
        board.free();
      }
    }
    if (!before && this.#preview === null) return;
    this.#drawing.position();
    this.#drawing.status();
    this.#drawing.opinion();
  }

  #endPreview(): void {
    this.#preview?.board.free();
    this.#preview = null;
  }

  #textsOf(moves: readonly string[]): string[] {
    const tree = new Tree(this.#game.board.sfen());
    try {
      const nodes: number[] = [];
      for (const usi of moves) nodes.push(tree.play(nodes.at(-1) ?? 0, usi));
      return tree.texts(Uint32Array.from(nodes), this.#settings.value.notation);
    } finally {
      tree.free();
    }
  }

  // --- the network ----------------------------------------------------------------------------------------------

  /** The panel's view of the network, of which there is one. */
  #panelOf(): AgentPanel {
    const slot = this.#slot;
    return new AgentPanel({
      choice: () => slot.choice,
      name: () => slot.name,
      openFirst: (events) => slot.openFirst(events),
      choose: (_, choice, events) => slot.choose(choice, events),
      openFile: (_, file, events) => slot.openFile(file, events),
      cancel: () => slot.cancel(),
      chooseFile: () => this.#view.modelFile.click(),
      begun: () => {
        this.#networkLoading = true;
        this.#drawing.working();
      },
      progress: (loaded, total) => {
        if (this.#agent.info === null) this.#view.agentState.textContent = agentWords.share(bytesText(loaded), total > 0 ? bytesText(total) : "");
      },
      changed: () => {
        this.#networkLoading = slot.isLoading;
        this.#drawing.working();
        // A download that was cancelled changes nothing.
        if (slot.info !== null && slot.info === this.#network) return;
        this.#network = slot.info;
        this.#networkChanged();
      },
    });
  }

  #networkChanged(): void {
    this.#drawing.working();
    this.#analyst.setGame(this.#game);
    this.#drawing.graph();
    this.#drawing.opinion();
  }

  #learned(nodes: readonly number[]): void {
    this.#drawing.learned(nodes);
    if (this.#trial) this.#drawTrial();
  }

  #networkFailed(error: unknown): void {
    this.#drawExplore();
    this.#drawing.working();
    showProblem(NETWORK.could(reason(error)));
  }

  #explore(on: boolean): void {
    this.#analyst.search(on);
    this.#memory.change({ searching: on });
    this.#drawExplore();
  }

  #drawExplore(): void {
    const on = this.#analyst.searching;
    this.#view.explore.setAttribute("aria-pressed", String(on));
    this.#view.explore.textContent = on ? NETWORK.stop : NETWORK.start;
  }

  // --- playing on -----------------------------------------------------------------------------------------------

  /** Hands the line up to the shown position over to Play. */
  #playAgainst(human: Color): void {
    const game = this.#game;
    const agent = { kind: "agent", level: this.#settings.value.level ?? DEFAULT_LEVEL, model: 0 } as const;
    const seats: NonNullable<SavedGame["play"]>["seats"] = human === 0 ? [{ kind: "human" }, agent] : [agent, { kind: "human" }];
    const moves = game.movesTo(game.node);
    const id = newId();
    const saving = this.#saved.save({
      id,
      page: "play",
      changed: 0,
      black: "",
      white: "",
      start: game.tree.start(),
      moves,
      ply: moves === "" ? 0 : moves.split(" ").length,
      orientation: human,
      end: null,
      tree: null,
      play: { seats, clock: null, times: [], thoughts: [] },
    });
    if (saving !== "saved") return showProblem(PLAYING_ON.notHanded);
    this.#session.flush();
    location.href = `./index.html#s=${id}`;
  }

  /** Lets the agent move for both sides from here, as a branch of this game. */
  async #playBoth(): Promise<void> {
    this.#flushComment();
    this.#stop();
    this.#closeTrial();
    const match = ++this.#match;
    this.#matchRuns = true;
    this.#usersOwn = true;
    this.#analyst.pause();
    this.#drawMatch();
    const { strength } = levelAt(this.#settings.value.level ?? DEFAULT_LEVEL, levelsOf(this.#slot.levels));
    try {
      const game = this.#game;
      while (match === this.#match && game.ended(game.standing) === null && game.ply < MOST_PLIES) {
        const [node, place] = [game.standing, game.node];
        const thought = await this.#agent.think(positionOf(game, node), strength, () => {});
        // The user may have gone elsewhere meanwhile; the game ends there.
        if (match !== this.#match || game !== this.#game || game.node !== place) break;
        this.#opinions.setThought(node, thought, game.sideAt(node));
        this.#drawing.learned([node]);
        if (thought.usi === "win") {
          game.close("declaration");
          break;
        }
        game.play([thought.usi]);
        this.#drawing.graph();
        await pause(AGENT_MOVE_MS);
      }
    } catch (error) {
      showProblem(NETWORK.could(reason(error)));
    } finally {
      this.#matchRuns = false;
      this.#drawMatch();
      this.#analyst.resume();
      this.#drawing.about();
    }
  }

  #drawMatch(): void {
    this.#view.playOn.textContent = this.#matchRuns ? PLAYING_ON.stop : PLAYING_ON.button;
    this.#view.playOn.classList.toggle("asking", this.#matchRuns);
  }

  #playOn(): void {
    if (this.#matchRuns) {
      this.#match++;
      this.#agent.stop();
      return;
    }
    this.#playOnSheet ??= new PlayOnSheet({
      against: (human) => this.#playAgainst(human),
      both: () => void this.#playBoth(),
    });
    this.#playOnSheet.open({ over: this.#game.ended(this.#game.standing) !== null, network: this.#agent.info !== null });
  }

  /** Lets the user set up a position, beginning with the one on the board. */
  #edit(): void {
    this.#leave();
    this.#chosen();
    this.#editor ??= new PositionEditor(this.#view.board, this.#view.editor, {
      apply: (sfen) => this.#openFresh(sfen),
      ended: () => this.#drawing.node(),
    });
    this.#editor.begin(this.#game.board.sfen());
  }

  // --- opening --------------------------------------------------------------------------------------------------

  /** The user has chosen what is on the board: games that are still being fetched do not replace it. */
  #chosen(): void {
    this.#usersOwn = true;
    this.#opening++;
  }

  /** Opens what `collect` finds; a later opening wins over a slower one. */
  async #openCollection(title: string, collect: () => Promise<Collection>): Promise<boolean> {
    const opening = ++this.#opening;
    hideProblem();
    this.#say(OPENING.reading(title));
    try {
      const collection = await collect();
      if (opening !== this.#opening) return false;
      this.#usersOwn = true;
      this.#listCollection(collection);
      this.#openGame(0, true);
      return true;
    } catch (error) {
      if (opening === this.#opening) this.#say("");
      showProblem(OPENING.failed(title, reason(error)));
      return false;
    }
  }

  #openFile(file: File): void {
    if (/\.model$/i.test(file.name)) void this.#panel.openFile(0, file);
    else void this.#openCollection(file.name, async () => read(this.#agent, file, file.name));
  }

  #openText(text: string, title: string): void {
    void this.#openCollection(title, () => read(this.#agent, text, title));
  }

  #openAddress(address: string): Promise<boolean> {
    return this.#openCollection(address, async () => {
      const { bytes, name } = await fetchFile(address);
      return read(this.#agent, bytes, name);
    });
  }

  /** Shows where the game comes from, and the games beside it. */
  #listCollection(collection: Collection): void {
    const { title, games } = collection;
    this.#collection = collection;
    this.#showTitle(title);
    this.#view.select.replaceChildren(...games.map((game, index) => {
      const option = document.createElement("option");
      option.value = String(index);
      option.textContent = GAME.entry(index + 1, game);
      return option;
    }));
    this.#view.picker.hidden = games.length < 2;
  }

  #showTitle(title: string): void {
    this.#view.fileName.textContent = title;
    this.#view.picker.classList.toggle("awaited", title === "");
  }

  /** Marks a game of the collection as the open one, and lists what is wrong with it and with the file. */
  #selectEntry(index: number): void {
    const { problems, games } = this.#collection ?? { problems: [], games: [] };
    const defects = [...problems, ...(games[index]?.defects ?? [])];
    this.#view.select.value = String(index);
    const [summary, list] = [this.#view.defects.querySelector("summary"), this.#view.defects.querySelector("ul")];
    this.#view.defects.hidden = defects.length === 0;
    if (summary) summary.textContent = OPENING.defects(defects.length);
    list?.replaceChildren(...defects.slice(0, MOST_DEFECTS).map((defect) => element("li", "", told(defect))));
  }

  /** Opens a game of the collection; `tree` of it, if it was read already, belongs to the page from then on. */
  #openGame(index: number, push: boolean, tree?: Tree): void {
    const collection = this.#collection;
    const bytes = collection?.games[index]?.bytes;
    if (!collection || !bytes) return;
    this.#selectEntry(index);
    // A game of the file that was opened before comes back with what was done with it.
    const id = collection.ids[index];
    const kept = id === undefined ? null : this.#saved.load(id);
    if (kept !== null && id !== undefined && !isUnreadable(kept) && kept.tree !== null) this.#show(treeOf(kept), { push, id });
    else this.#show(tree ?? Tree.from_bytes(bytes), { push });
    collection.ids[index] = this.#session.id;
    // A file of many games takes a moment to write.
    setTimeout(() => keepCollection(collection));
  }

  /** Forgets the file that the last game came from. */
  #leaveCollection(title = ""): void {
    this.#collection = null;
    this.#showTitle(title);
    this.#view.picker.hidden = true;
    this.#view.defects.hidden = true;
  }

  #openFresh(sfen = "startpos"): void {
    this.#chosen();
    this.#leaveCollection();
    this.#show(new Tree(sfen), { push: true });
  }

  async #openSite(): Promise<boolean> {
    return this.#openCollection(GAME.ofSite, () => this.#siteGames());
  }

  /** Games of the site's own agent, or else those of the shipped agents, for which nothing waits: they come after `first`. */
  async #siteGames(first?: Promise<unknown>): Promise<Collection> {
    const own = await fetchFile("./models/games.record").catch(() => null);
    if (own) return read(this.#agent, own.bytes, GAME.ofSite);
    await first?.catch(() => {});
    const { bytes } = await fetchFile(`./${SHIPPED_GAMES}`);
    return read(this.#agent, bytes, GAME.ofShipped);
  }

  /** Shows a saved game; one of Play's is copied, and goes on there as it was. */
  #openSaved(id: string, address: Address, push: boolean): boolean {
    const saved = this.#saved.load(id);
    if (saved === null) return false;
    try {
      if (isUnreadable(saved)) throw new Error(saved.unreadable);
      const tree = treeOf(saved);
      const end = nodeAlong(tree, saved.moves);
      const { value } = this.#memory;
      const exact = value.id === id && value.node < tree.len && address.ply === undefined;
      const node = exact ? value.node : nodeAtPly(tree, end, address.ply ?? saved.ply);
      const collection = keptCollection(id);
      if (collection) {
        this.#listCollection(collection);
        this.#selectEntry(collection.ids.indexOf(id));
      } else {
        this.#leaveCollection(saved.page === "play" ? GAME.lastOfPlay : "");
      }
      this.#chosen();
      this.#show(tree, {
        node,
        end,
        orientation: address.orientation ?? saved.orientation,
        push,
        ...(saved.page === "analysis" ? { id } : {}),
      });
      return true;
    } catch (error) {
      showProblem(OPENING.badSaved(reason(error)));
      return false;
    }
  }

  /** Opens the game in the address; false if it names none that can be shown. */
  #openLink({ game, ply, orientation }: Address): boolean {
    if (game === undefined) return false;
    let tree: Tree;
    try {
      tree = Tree.from_link(game);
    } catch (error) {
      showProblem(OPENING.badLink(reason(error)));
      return false;
    }
    const line = Array.from(tree.line(0));
    const last = line.length - 1;
    if (ply !== undefined && ply > last) showProblem(OPENING.badPly(ply, last));
    this.#leaveCollection();
    this.#chosen();
    this.#show(tree, { node: line[Math.min(ply ?? last, last)] ?? 0, orientation: orientation ?? 0 });
    return true;
  }

  /** What the address names, or the game that was shown last, or the games of this site. */
  async #openFirst(network: Promise<unknown>): Promise<void> {
    const url = new URLSearchParams(location.search).get("url");
    const { address, defects } = this.#route.read();
    if (defects.length > 0) showProblem(stateWords.badAddress(defects));
    const current = this.#saved.current("analysis");
    if (address.saved !== undefined && this.#openSaved(address.saved, this.#withoutOwnPly(address), false)) return;
    if (this.#openLink(address)) return;
    if (url !== null && (await this.#openAddress(url))) return;
    if (url === null && current !== null && this.#openSaved(current, {}, false)) return;
    const opening = ++this.#opening;
    try {
      const collection = await this.#siteGames(network);
      // A file that the user opened in the meantime stays.
      const isWanted = (): boolean => opening === this.#opening && !this.#usersOwn;
      if (!isWanted()) return;
      this.#listCollection(collection);
      // Each step is a task of its own: what the user does goes between.
      const [first] = collection.games;
      await pause(0);
      const tree = first && Tree.from_bytes(first.bytes);
      await pause(0);
      if (isWanted()) this.#openGame(0, false, tree);
      else tree?.free();
    } catch {
      // A site without games of its own begins with an empty board.
      if (opening === this.#opening && !this.#usersOwn) this.#show(new Tree("startpos"), {});
    }
  }

  /**
   * The address without its ply where the remembered node says more: the address of a page that is reloaded may be older than
   * the last step, and the node may lie in a variation. An address that somebody typed or followed counts as it is.
   */
  #withoutOwnPly(address: Address): Address {
    const [navigation] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
    const typed = navigation?.type !== "reload" && navigation?.type !== "back_forward";
    return typed || this.#memory.value.id !== address.saved ? address : { saved: address.saved };
  }

  /** The user went back, forward, or edited the address. */
  #visit(): void {
    const { address, defects } = this.#route.read();
    if (defects.length > 0) showProblem(stateWords.badAddress(defects));
    if (address.saved === this.#session.id) {
      const line = this.#game.line;
      if (address.ply !== undefined) this.#goTo(line[Math.min(address.ply, line.length - 1)] ?? 0);
      return;
    }
    if (address.saved !== undefined && this.#openSaved(address.saved, address, false)) return;
    this.#openLink(address);
  }

  // --- memory ---------------------------------------------------------------------------------------------------

  #address(): Address {
    return this.#session.address({ game: this.#game, orientation: this.#view.board.orientation });
  }

  #save(grown: boolean): void {
    this.#session.changed(grown);
  }

  // --- saving as a file -----------------------------------------------------------------------------------------

  #openSaveSheet(): void {
    this.#flushComment();
    this.#saveSheet ??= new SaveSheet({
      tree: (withOpinions) => (withOpinions ? this.#withOpinions() : Tree.from_bytes(this.#game.tree.to_bytes())),
      diagram: () =>
        diagram(stateOf(this.#game.board), {
          orientation: this.#view.board.orientation,
          pieceSet: this.#settings.value.pieceSet,
          title: SAVING.diagramTitle(this.#game.ply),
          description: this.#game.board.sfen(),
        }),
      sfen: () => this.#game.board.sfen(),
      link: () => this.#route.shared(this.#address()),
      name: () => this.#fileName(),
      hasOpinions: () => Array.from(this.#game.tree.line(0)).some((node) => this.#opinions.chances(node) !== undefined),
    });
    this.#saveSheet.open();
  }

  /** A copy of the tree in which the network's values stand as evaluations. */
  #withOpinions(): Tree {
    const tree = Tree.from_bytes(this.#game.tree.to_bytes());
    for (let node = 0; node < tree.len; node++) {
      const chances = this.#opinions.chances(node);
      if (!chances || tree.standing(node) !== node) continue;
      const value = this.#game.sideAt(node) === 0 ? chances.black - chances.white : chances.white - chances.black;
      tree.set_value(node, "analysis", Math.max(-1, Math.min(1, value)), "", "", new Float32Array());
    }
    return tree;
  }

  #fileName(): string {
    const names = [this.#game.tree.header(BLACK), this.#game.tree.header(WHITE)].filter(Boolean).join("-");
    const safe = names.replace(/[^\p{L}\p{N}-]+/gu, "_").slice(0, 60);
    return `${safe || "keisei"}-${new Date().toISOString().slice(0, 10)}`;
  }

  // --- wiring ---------------------------------------------------------------------------------------------------

  #wire(): void {
    const view = this.#view;
    boardSwitches(view.board, this.#settings, () => this.#save(false));
    // After a move by pointer the arrow keys walk through the game; a keyboard user's place on the board stays.
    let byPointer = false;
    view.board.addEventListener("pointerdown", () => {
      byPointer = true;
    });
    view.board.addEventListener("keydown", () => {
      byPointer = false;
    });
    view.board.addEventListener("board-move", ({ detail }) => {
      const focused = view.board.shadowRoot?.activeElement;
      if (byPointer && focused instanceof HTMLElement) focused.blur();
      this.#play(detail.usi);
    });
    view.board.addEventListener("board-refused", ({ detail: { origin, to } }) => {
      const why = to === null ? undefined : this.#game.board.why_illegal(origin, to);
      if (to === null) this.#say(refusalWords.noMove);
      else if (why !== undefined) this.#say(refusalWords.reasons[why](refusalWords.square(to)));
    });
    view.board.addEventListener("board-select", ({ detail }) => {
      this.#touched = detail.origin;
      this.#drawing.opinion();
    });
    this.#wireTransport();
    this.#wireRecord();
    this.#wireOpinion();
    this.#wireWindow();
  }

  #wireTransport(): void {
    const view = this.#view;
    const game = (move: (game: AnalysisGame) => void) => (): void => {
      this.#stop();
      this.#step(() => move(this.#game));
    };
    onPress(view.first, game((shown) => shown.goToPly(0)));
    onPress(view.previous, game((shown) => shown.previous()));
    onPress(view.next, game((shown) => shown.next()));
    onPress(view.last, game((shown) => shown.goToPly(Infinity)));
    onPress(view.play, () => this.#togglePlay());
    view.slider.addEventListener("input", () => game((shown) => shown.goToPly(Number(view.slider.value)))());
    view.graph.addEventListener("ply-chosen", ({ detail }) => game((shown) => shown.goToPly(detail.ply))());
    view.moves.addEventListener("node-chosen", ({ detail }) => game((shown) => shown.go(detail.node))());
    view.comment.addEventListener("input", () => this.#writeComment());
    view.comment.addEventListener("blur", () => this.#flushComment());
    onPress(view.promote, () => this.#promote());
    onPress(view.retry, () => this.#retry());
    new TwoClicks(view.remove, EDITOR.sure, () => this.#remove());
  }

  #wireRecord(): void {
    const view = this.#view;
    onPress(view.open, () => this.#showOpenSheet());
    onPress(view.save, () => this.#openSaveSheet());
    onPress(view.playOn, () => this.#playOn());
    onPress(view.edit, () => this.#edit());
    onPress(view.openModel, () => view.modelFile.click());
    view.select.addEventListener("change", () => this.#openGame(Number(view.select.value), true));
    onFile(view.file, (file) => this.#openFile(file));
    view.modelFile.addEventListener("change", () => {
      const file = view.modelFile.files?.[0];
      if (file) void this.#panel.openFile(0, file);
      view.modelFile.value = "";
    });
    view.notation.value = this.#settings.value.notation;
    view.notation.addEventListener("change", () => this.#chooseNotation());
    this.#settings.watch(() => this.#rewrite());
  }

  #showOpenSheet(): void {
    const saved = () => this.#saved.list();
    this.#openSheet ??= new OpenSheet({
      chooseFile: () => this.#view.file.click(),
      text: (text, title) => this.#openText(text, title),
      address: (address) => void this.#openAddress(address),
      saved: (id) => void (id !== this.#session.id && this.#openSaved(id, {}, true)),
      deleteSaved: (id) => {
        this.#saved.delete(id);
        this.#openSheet?.show(saved(), this.#session.id);
      },
      site: () => void this.#openSite(),
      fresh: () => this.#openFresh(),
      failed: (text) => showProblem(text),
    });
    this.#session.flush();
    this.#openSheet.open(saved(), this.#session.id);
  }

  #chooseNotation(): void {
    const notation = (["western", "japanese", "usi"] as const).find((name) => name === this.#view.notation.value);
    if (!notation) return;
    this.#settings.change({ notation });
    this.#rewrite();
  }

  /** Writes the moves in the notation of the settings. */
  #rewrite(): void {
    const { notation } = this.#settings.value;
    if (this.#agent.style === notation) return;
    this.#view.notation.value = this.#agent.style = notation;
    this.#game.setStyle(notation);
    this.#drawing.all();
    this.#analyst.restyled();
  }

  #wireOpinion(): void {
    const view = this.#view;
    view.showArrows.checked = this.#memory.value.arrows;
    view.showArrows.addEventListener("change", () => {
      this.#memory.change({ arrows: view.showArrows.checked });
      this.#drawing.opinion();
    });
    view.showHeat.checked = this.#settings.value.heat;
    view.showHeat.addEventListener("change", () => {
      this.#settings.change({ heat: view.showHeat.checked });
      this.#drawing.opinion();
    });
    onPress(view.explore, () => this.#explore(!this.#analyst.searching));
    if (this.#memory.value.searching) this.#explore(true);
    // Wiring selects the tab that the markup names.
    const { tab: remembered } = this.#memory.value;
    const selectTab = wireTabs(view.tabs, (tab) => {
      this.#memory.change({ tab: tab.id as Tab });
      this.#drawing.opinion();
    });
    selectTab(remembered);
    for (const part of [view.candidates, view.policy]) {
      part.addEventListener("line-preview", ({ detail }) => this.#showLine(detail.moves));
      part.addEventListener("line-chosen", ({ detail }) => this.#playLine(detail.moves));
    }
  }

  #wireWindow(): void {
    addEventListener("keydown", (event) => this.#onKey(event));
    addEventListener("paste", (event) => this.#onPaste(event));
    addEventListener("pagehide", () => this.#flushComment());
    addEventListener("storage", (event) => {
      if (SavedGames.changedBy(event) === this.#session.id) this.#session.fork();
    });
  }

  #onPaste(event: ClipboardEvent): void {
    const target = event.composedPath()[0];
    const inField = target instanceof HTMLElement && target.closest("input, textarea, select, dialog") !== null;
    if (inField) return;
    const [file] = event.clipboardData?.files ?? [];
    const text = event.clipboardData?.getData("text/plain") ?? "";
    event.preventDefault();
    if (file) this.#openFile(file);
    else if (text.trim() !== "") this.#openText(text, OPENING.pasted);
    else showProblem(OPENING.noText);
  }

  #onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event)) return;
    if (document.querySelector("dialog[open]") || this.#editor?.active) return;
    if (event.key === "Escape" && this.#preview) {
      this.#showLine(null);
      event.preventDefault();
      return;
    }
    const onButton = event.composedPath()[0] instanceof HTMLButtonElement;
    const steps: Record<string, () => void> = {
      ArrowLeft: () => this.#game.previous(),
      ArrowRight: () => this.#game.next(),
      ArrowUp: () => void this.#game.sibling(-1),
      ArrowDown: () => void this.#game.sibling(1),
      Home: () => this.#game.goToPly(0),
      End: () => this.#game.goToPly(Infinity),
    };
    const step = steps[event.key];
    if (step) {
      this.#stop();
      this.#step(step);
    } else if (event.key === " " && !onButton) {
      this.#togglePlay();
    } else {
      return;
    }
    event.preventDefault();
  }
}

try {
  // Drawn as soon as there is a position; whoever draws them reports what fails.
  getReady(storedPieceSet()).catch(() => {});
  await Promise.all([loadRecords(), reasonsReady]);
  await new AnalysisPage().run();
} catch (error) {
  document.getElementById("status")?.replaceChildren(GAME.notStarted);
  showProblem(OPENING.pageFailed(reason(error)));
}
