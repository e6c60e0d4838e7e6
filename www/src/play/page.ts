/** The Play page: one game at a time, by the user, by the agent or by both, with everything that is remembered of it. */

import { WorkerStopped } from "../agent";
import { AgentPanel } from "../agents/panel";
import type { Color, Origin } from "../board/geometry";
import { getReady } from "../board/ready";
import { TwoClicks, boardSwitches, isTyping, onFile, onPress, reason, showProblem } from "../parts/page";
import { element } from "../parts/shadow";
import { MoveFeedback, held } from "../parts/move-feedback";
import { wireTabs } from "../parts/tabs";
import type { Strength, Thought } from "../protocol";
import { handicaps, rulesReady } from "../rules";
import { type Address, writeAddress } from "../state/address";
import { base64, newId } from "../state/games";
import type { SavedGame, Seat } from "../state/saved-game";
import { NOTATIONS, SettingsStore, storedPieceSet } from "../state/settings";
import { Store } from "../state/store";
import { refusalWords, playWords as words } from "../words/play";
import { bytesText } from "../words/agents";
import { reasonsReady } from "../words/reason";
import { stateWords } from "../words/state";
import { Agents } from "./agents";
import { Drawing } from "./drawing";
import { MAX_PLIES, PlayGame, type Setup } from "./game";
import { HINT, SHOWN } from "./levels";
import { LevelSliders } from "./level-sliders";
import { savedOfLink } from "./link";
import { Looking } from "./looking";
import { PlayMemory } from "./memory";
import { NewGameForm } from "./new-game";
import { type Refusal, refusalOf, typedRefusal } from "./refusal";
import { type Scene, isHuman, isWatched, soleHuman } from "./scene";
import { type Typed, prepareTyping, readTyped } from "./typed";
import { playView } from "./view";

/** Least delay of a reply: an instant one is hard to follow with the eye. */
const LEAST_THINKING_MS = 380;
/** Interval at which the clock is looked at. */
const TICK_MS = 100;
/** Interval at which a running clock is saved. */
const SAVE_CLOCK_MS = 2000;
/** Moves of a hint's line in the status line. */
const HINT_MOVES = 4;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

class PlayPage {
  readonly #view = playView();
  readonly #store = new Store((problem) => showProblem(stateWords[problem]));
  readonly #settings = new SettingsStore(this.#store, () => showProblem(stateWords.unreadableSettings));
  readonly #feedback = new MoveFeedback(this.#settings);
  readonly #memory = new PlayMemory(this.#store, () => this.#visit(), (id) => this.#changedElsewhere(id));
  readonly #agents = new Agents();
  readonly #drawing = new Drawing(this.#view, { again: () => this.#begin(), analyse: () => void this.#analyse() });
  readonly #form = new NewGameForm(this.#view, this.#settings, () => this.#begin());
  /** Selects a tab of the side. */
  readonly #select = wireTabs(this.#view.tabs, () => this.#drawSaved());
  readonly #levels = new LevelSliders(this.#view, this.#settings, (index, level) => this.#chooseLevel(index, level));
  readonly #panel = this.#panelOf();
  readonly #resign = new TwoClicks(this.#view.resign, words.sure, () => this.#resignGame());

  #game = new PlayGame({ start: "startpos", seats: this.#seatsFor(0), clock: null });
  readonly #looking = new Looking();
  /** Raised by `#interrupt`: a thought that began before is stale. */
  #turn = 0;
  #thinking = false;
  #paused = false;
  #hint: Thought | null = null;
  #touchedPiece: Origin | null = null;
  /** Whether a move was made while this game has been on the board. */
  #played = false;
  #notice = "";
  /** Time at which the move being thought about began, and at which its time was last taken. */
  #began = performance.now();
  #ticked = performance.now();
  #clockSaved = 0;

  /** Opens the remembered game, or a new one, and then gets the agent. */
  async run(): Promise<void> {
    this.#wire();
    this.#form.offerStarts(startsOffered(this.#settings.value.pieceSet !== "international"));
    this.#open();
    await this.#panel.openFirst();
  }

  // --- what is shown --------------------------------------------------------------------------------------------

  #scene(): Scene {
    return {
      game: this.#game,
      notation: this.#settings.value.notation,
      agents: this.#agents,
      position: this.#looking.position(this.#game),
      ply: this.#looking.ply(this.#game),
      reviewing: this.#looking.back,
      thinking: this.#thinking,
      paused: this.#paused,
      preview: this.#looking.preview,
      touched: this.#touchedPiece,
      hint: this.#hint,
      notice: this.#notice,
    };
  }

  #draw(): void {
    this.#drawing.draw(this.#scene());
    // In the middle of a game nothing may ask for attention, such as a new version of the page.
    document.body.toggleAttribute("data-in-game", this.#played && this.#game.plies > 0 && this.#game.end === null);
  }

  #say(notice: string): void {
    this.#notice = notice;
    this.#drawing.drawStatus(this.#scene());
  }

  // --- the game -------------------------------------------------------------------------------------------------

  #seatsFor(human: Color): [Seat, Seat] {
    const agent: Seat = { kind: "agent", level: this.#levels.remembered, model: 0 };
    return human === 0 ? [{ kind: "human" }, agent] : [agent, { kind: "human" }];
  }

  #isHumans(side: Color): boolean {
    return isHuman(this.#game.seats[side], this.#agents);
  }

  /** Drops the agent's current thought, because the position changes other than by the agent's own move. */
  #interrupt(): void {
    this.#turn++;
    this.#thinking = false;
    this.#agents.stop();
  }

  /** Begins the game that the form describes; the one before stays among the saved ones. */
  #begin(): void {
    this.#start(this.#form.setup(this.#levels.values, this.#agents.secondInfo !== null));
  }

  #start(setup: Setup): void {
    const kept = this.#game.plies > 0;
    const human = setup.seats[0].kind === "agent" && setup.seats[1].kind === "human" ? 1 : 0;
    this.#memory.touched = true;
    this.#show(new PlayGame(setup), human, "push");
    this.#notice = kept ? words.newGame : "";
    this.#select("tab-moves");
    this.#next();
    this.#toBoard();
  }

  /** Puts another game on the board; with `push` the one before is a step back away. */
  #show(game: PlayGame, orientation: Color, entry: "push" | "replace"): void {
    this.#interrupt();
    this.#looking.end();
    const old = this.#game;
    // A game without moves is not worth keeping.
    const kept = old.plies > 0;
    if (!kept) this.#memory.delete(old.id);
    this.#game = game;
    this.#drawing.forget();
    old.free();
    this.#hint = null;
    this.#notice = "";
    this.#paused = false;
    this.#played = false;
    this.#view.board.orientation = orientation;
    this.#resign.stop();
    this.#restartTime();
    this.#drawLevels();
    this.#drawing.drawAgentInfo(this.#scene());
    if (entry === "push" && kept) this.#memory.push(this.#address());
  }

  /** Shows the position and lets whoever's turn it is move. */
  #next(): void {
    this.#hint = null;
    this.#save();
    this.#draw();
    if (this.#agents.state === "ready" && this.#game.end === null && !this.#paused) void this.#think();
  }

  /** Asks the agent about the position; plays its move if it is its turn. */
  async #think(): Promise<void> {
    const game = this.#game;
    const asked = this.#turn;
    const plies = game.plies;
    const plays = !this.#isHumans(game.turn);
    const seat = game.seats[game.turn];
    const started = performance.now();
    this.#thinking = plays;
    this.#drawing.drawStatus(this.#scene());
    try {
      const thought = await this.#ask(seat, this.#strength(plays), (soFar) => {
        if (asked === this.#turn) this.#thought(plies, soFar);
      });
      const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
      if (plays && !still) await pause(LEAST_THINKING_MS - (performance.now() - started));
      if (asked !== this.#turn) return;
      this.#thinking = false;
      this.#thought(plies, thought);
      if (plays) this.#playAgents(thought.usi);
      else this.#save();
    } catch (error) {
      if (asked !== this.#turn) return;
      this.#thinking = false;
      if (error instanceof WorkerStopped && error.restarted) {
        this.#say(words.restarted);
        return this.#think();
      }
      this.#agents.failed(seat);
      showProblem(words.couldNotMove(reason(error)));
      this.#drawing.drawAgentInfo(this.#scene());
      this.#draw();
    }
  }

  /** Asks for a better look at the user's position, if what is known of it is not enough to be shown. */
  #lookAgain(): void {
    const { end, plies, turn } = this.#game;
    const known = this.#game.thought(plies)?.visits ?? 0;
    if (end !== null || this.#agents.state !== "ready" || !this.#isHumans(turn) || known >= this.#strength(false).visits) return;
    this.#interrupt();
    void this.#think();
  }

  #ask(seat: Seat, strength: Strength, soFar: (thought: Thought) => void): Promise<Thought> {
    const { board } = this.#game;
    const position = { start: board.start(), moves: board.moves(), maxPlies: MAX_PLIES };
    return this.#agents.of(seat).think(position, strength, soFar);
  }

  /** The effort for the next thought; an agent that only looks on chooses the best move, not a playful one. */
  #strength(plays: boolean): Strength {
    const { seats, turn, clock } = this.#game;
    const seat = plays ? seats[turn] : seats.find(({ kind }) => kind === "agent");
    const { strength } = this.#agents.levelOf(seat?.kind === "agent" ? seat : { kind: "agent", level: this.#levels.remembered, model: 0 });
    if (!plays) return this.#view.showCandidates.checked && strength.visits < SHOWN.visits ? SHOWN : { ...strength, temperature: 0 };
    return clock ? { ...strength, time: Math.min(strength.time, clock.budget(turn)) } : strength;
  }

  #thought(plies: number, thought: Thought): void {
    this.#game.think(plies, thought);
    this.#drawing.drawThought(this.#scene());
  }

  #playAgents(usi: string): void {
    if (usi === "win") this.#game.board.declare();
    else this.#put(usi);
    this.#moved();
  }

  #put(usi: string): void {
    const before = held(this.#game.board);
    this.#game.play(usi, performance.now() - this.#began);
    this.#feedback.give(this.#game.end ? "end" : held(this.#game.board) > before ? "capture" : "move");
  }

  /** A move of the user. */
  #play(usi: string): void {
    this.#put(usi);
    this.#interrupt();
    this.#paused = false;
    this.#moved();
  }

  #moved(): void {
    this.#memory.touched = true;
    this.#played = true;
    this.#notice = "";
    this.#resign.stop();
    this.#restartTime();
    this.#next();
  }

  /** Takes back to the user's last decision: one move while the agent thinks, two otherwise. */
  #takeBack(): void {
    this.#interrupt();
    let plies = this.#game.plies - 1;
    this.#game.takeBackTo(plies);
    while (plies > 0 && !this.#isHumans(this.#game.turn)) this.#game.takeBackTo(--plies);
    this.#moved();
    this.#say(words.takenBack);
  }

  #resignGame(): void {
    this.#interrupt();
    this.#game.board.resign(soleHuman(this.#scene()) ?? this.#game.turn);
    this.#moved();
  }

  #declare(): void {
    this.#interrupt();
    this.#game.board.declare();
    this.#moved();
  }

  async #giveHint(): Promise<void> {
    const game = this.#game;
    const plies = game.plies;
    this.#interrupt();
    const asked = this.#turn;
    this.#thinking = true;
    this.#draw();
    try {
      const seat = game.seats.find(({ kind }) => kind === "agent") ?? game.seats[game.turn];
      const thought = await this.#ask(seat, HINT, () => {});
      if (asked !== this.#turn) return;
      this.#thinking = false;
      this.#game.think(plies, thought);
      this.#showHint(thought);
    } catch (error) {
      if (asked !== this.#turn) return;
      this.#thinking = false;
      showProblem(words.couldNotMove(reason(error)));
      this.#draw();
    }
  }

  #showHint(thought: Thought): void {
    if (thought.usi === "win") {
      this.#notice = words.hintDeclare;
    } else {
      this.#hint = thought;
      const best = thought.candidates.find(({ usi }) => usi === thought.usi);
      const share = best?.value === undefined ? "" : words.hintShare(Math.round(50 * (1 + best.value)));
      this.#notice = words.hint(best?.text ?? thought.usi, best?.texts.slice(1, HINT_MOVES).join(" ") ?? "", share);
    }
    this.#draw();
  }

  // --- agent against agent --------------------------------------------------------------------------------------

  #togglePause(): void {
    this.#paused = !this.#paused;
    this.#interrupt();
    this.#restartTime();
    this.#next();
  }

  /** One move of a paused game. */
  async #step(): Promise<void> {
    if (!this.#paused || this.#game.end !== null || this.#thinking) return;
    this.#looking.end();
    this.#interrupt();
    this.#restartTime();
    await this.#think();
  }

  // --- time -----------------------------------------------------------------------------------------------------

  #restartTime(): void {
    this.#began = this.#ticked = performance.now();
  }

  /** Takes the time since the last tick from the side to move. Time runs from the first move on, and not for an agent that is not there. */
  #tick(): void {
    const now = performance.now();
    const spent = now - this.#ticked;
    this.#ticked = now;
    const game = this.#game;
    if (!game.clock || game.end || game.plies === 0 || this.#paused) return;
    if (!this.#isHumans(game.turn) && this.#agents.state === "loading") return;
    game.spend(spent);
    if (game.end !== null) {
      this.#interrupt();
      this.#moved();
    } else if (now - this.#clockSaved > SAVE_CLOCK_MS) {
      this.#clockSaved = now;
      this.#save();
    }
    this.#drawing.drawClock(this.#scene());
  }

  // --- typed moves ----------------------------------------------------------------------------------------------

  async #playTyped(text: string): Promise<void> {
    let typed: Typed;
    try {
      typed = await readTyped(this.#game, text);
    } catch (error) {
      return this.#view.typed.refuse(words.couldNotRead(reason(error)));
    }
    const { board } = this.#game;
    const { usi, problem, illegal, blamed, candidates } = typed;
    if (this.#game.end === null && (this.#looking.back || !this.#isHumans(this.#game.turn))) {
      return this.#view.typed.refuse(this.#looking.back ? words.readOnly : words.notYourTurn);
    }
    if (usi !== undefined) {
      this.#view.typed.accept();
      this.#play(usi);
      return;
    }
    if (illegal !== undefined) {
      const { text: why, threat } = typedRefusal(board, illegal, blamed);
      this.#view.board.threat = threat;
      return this.#view.typed.refuse(why);
    }
    if (problem !== undefined && problem !== "illegal") this.#view.typed.refuse(refusalWords.typed[problem](refusalWords.list(candidates)));
  }

  /** The user tried a move on the board that is not legal. */
  #refuse(origin: Origin, to: number | null): void {
    const refusal: Refusal | null = refusalOf(this.#game.board, origin, to);
    if (!refusal) return;
    this.#view.board.threat = refusal.threat;
    this.#say(refusal.text);
  }

  // --- lines of the agent ---------------------------------------------------------------------------------------

  /** Plays a line out on the board, until `moves` is null. */
  #showLine(moves: readonly string[] | null): void {
    this.#looking.playOut(this.#game, moves);
    this.#draw();
  }

  /** The user chose a line: its first move is played, if it is the user's. */
  #playLine(moves: readonly string[]): void {
    const [usi] = moves;
    this.#showLine(null);
    if (usi !== undefined && !this.#looking.back && this.#game.end === null && this.#isHumans(this.#game.turn)) this.#play(usi);
  }

  // --- looking back ---------------------------------------------------------------------------------------------

  /** Shows the position after this many moves; the last one is the game itself. */
  #goTo(ply: number): void {
    const wanted = Math.max(0, Math.min(this.#game.plies, ply));
    if (wanted === this.#looking.ply(this.#game)) return;
    this.#looking.goTo(this.#game, wanted);
    this.#hint = null;
    this.#notice = "";
    this.#save();
    this.#draw();
  }

  #walk(by: number): void {
    this.#goTo(this.#looking.ply(this.#game) + by);
  }

  /** A new game that goes on from the shown position; the one before keeps its moves. */
  #playOn(): void {
    if (!this.#looking.back) return;
    const game = PlayGame.from({ ...this.#saved(), id: newId(), end: null });
    game.takeBackTo(this.#looking.ply(this.#game));
    this.#memory.touched = true;
    this.#show(game, this.#view.board.orientation, "push");
    this.#notice = words.newGame;
    this.#next();
    this.#toBoard();
  }

  /** Moves the focus to the board, because the button that had it is gone. */
  #toBoard(): void {
    this.#view.board.focus();
  }

  // --- memory ---------------------------------------------------------------------------------------------------

  #names(): [string, string] {
    const name = (seat: Seat): string => {
      if (isHuman(seat, this.#agents) || seat.kind === "human") return words.you;
      return words.agentAt(this.#agents.nameOf(seat) ?? words.selfTaught, this.#agents.levelOf(seat).name);
    };
    return [name(this.#game.seats[0]), name(this.#game.seats[1])];
  }

  #saved(): SavedGame {
    const { orientation } = this.#view.board;
    return this.#game.saved({ ply: this.#looking.ply(this.#game), orientation, names: this.#names(), paused: this.#paused });
  }

  #address(): Address {
    return this.#memory.address(this.#game, { ply: this.#looking.ply(this.#game), orientation: this.#view.board.orientation });
  }

  #save(): void {
    if (!this.#memory.touched) return;
    this.#memory.save(this.#saved(), this.#address());
    this.#drawSaved();
  }

  #drawSaved(): void {
    if (this.#view.panelSaved.hidden) return;
    this.#view.savedGames.use(() => this.#drawSaved())?.show(this.#memory.list(), this.#game.id);
  }

  /** Opens what the address names, or else the game that was shown last. */
  #open(): void {
    const address = this.#memory.read();
    const known = isReload() ? {} : address;
    const named = address.saved !== undefined && this.#openSaved(address.saved, "replace", known);
    if (named || this.#openLink(address)) return;
    if (address.saved !== undefined) showProblem(words.nothingHere);
    const recent = this.#memory.recent();
    if (recent === null || !this.#openSaved(recent, "replace")) this.#next();
  }

  /** Shows the game in the address as one of its own; false if the address has none that can be shown. */
  #openLink({ game: link, ply, orientation = 0 }: Address): boolean {
    if (link === undefined) return false;
    try {
      const saved = savedOfLink(link, orientation, this.#seatsFor(orientation));
      const game = PlayGame.from(saved);
      if (ply !== undefined && ply > game.plies) showProblem(words.badPly(ply, game.plies));
      this.#memory.touched = true;
      this.#show(game, orientation, "replace");
    } catch (error) {
      showProblem(words.badLink(reason(error)));
      return false;
    }
    this.#form.reflect(this.#game);
    this.#looking.goTo(this.#game, ply ?? this.#game.plies);
    // The agent must not change what was sent before it was seen.
    this.#paused = this.#game.end === null && !this.#isHumans(this.#game.turn);
    if (this.#paused) this.#notice = words.fromAddress;
    this.#next();
    return true;
  }

  /** Shows a saved game; false if there is none that can be shown. */
  #openSaved(id: string, entry: "push" | "replace", address: Address = {}): boolean {
    const saved = this.#memory.load(id);
    if (saved === null) return false;
    try {
      const game = PlayGame.from(saved);
      this.#memory.touched = true;
      this.#show(game, address.orientation ?? saved.orientation, entry);
    } catch (error) {
      showProblem(words.couldNotRestore(reason(error)));
      return false;
    }
    this.#form.reflect(this.#game);
    this.#looking.goTo(this.#game, address.ply ?? saved.ply);
    if (this.#game.end === null && this.#game.clock) this.#notice = words.timeStood;
    // A game between two agents waits until the user wants it to go on.
    this.#paused = this.#game.end === null && (isWatched(this.#game) || saved.play?.paused === true);
    this.#next();
    return true;
  }

  /** The user went to another address: back, forward, or by hand. */
  #visit(): void {
    const address = this.#memory.read();
    if (address.saved === this.#game.id) {
      if (address.orientation !== undefined) this.#view.board.orientation = address.orientation;
      this.#goTo(address.ply ?? this.#game.plies);
    } else if (!(address.saved !== undefined && this.#openSaved(address.saved, "replace", address)) && !this.#openLink(address)) {
      if (address.saved !== undefined) showProblem(words.nothingHere);
    }
  }

  // --- levels ---------------------------------------------------------------------------------------------------

  #drawLevels(): void {
    this.#levels.draw(this.#game, this.#form.watches, this.#agents.offers);
  }

  /** The user chose a level: the agent plays at it from its next move on. */
  #chooseLevel(index: number, level: number): void {
    const seat = this.#game.agents[index];
    if (seat) seat.level = level;
    this.#drawLevels();
    if (seat && this.#game.end === null) this.#say(words.levelFrom(this.#agents.levelOf(seat).name));
    this.#save();
  }

  #chooseNotation(): void {
    const notation = NOTATIONS.find((name) => name === this.#view.notation.value);
    if (!notation) return;
    this.#settings.change({ notation });
    this.#rewrite();
  }

  /** Writes the moves in the notation of the settings. */
  #rewrite(): void {
    const { notation } = this.#settings.value;
    if (this.#agents.style === notation) return;
    this.#view.notation.value = this.#agents.style = notation;
    this.#game.forgetTexts();
    this.#interrupt();
    this.#next();
  }

  // --- files and other pages ------------------------------------------------------------------------------------

  #agentArrived(): void {
    this.#interrupt();
    this.#restartTime();
    this.#drawing.drawAgentInfo(this.#scene());
    this.#drawLevels();
    this.#next();
  }

  /** The panel's view of the agents. */
  #panelOf(): AgentPanel {
    const agents = this.#agents;
    return new AgentPanel({
      choice: (place) => agents.choice(place),
      name: () => agents.names[0],
      openFirst: (events) => agents.openFirst(events),
      choose: (place, choice, events) => agents.choose(place, choice, events),
      openFile: (place, file, events) => agents.openFile(place, file, events),
      cancel: () => agents.cancel(),
      chooseFile: (place) => (place === 0 ? this.#view.modelFile : this.#view.secondFile).click(),
      begun: () => {},
      progress: (loaded, total) => {
        this.#view.agentAbout.textContent = words.loadingAbout(bytesText(loaded), total > 0 ? bytesText(total) : "");
      },
      changed: (place) => this.#agentChanged(place),
    });
  }

  #agentChanged(place: 0 | 1): void {
    const [, white] = this.#game.agents;
    if (place === 1 && white && this.#agents.secondInfo) white.model = 1;
    this.#agentArrived();
  }

  async #saveFile(): Promise<void> {
    let bytes: Uint8Array;
    try {
      bytes = await this.#game.record(this.#names());
    } catch (error) {
      showProblem(words.couldNotSave(reason(error)));
      return;
    }
    const link = element("a");
    link.href = URL.createObjectURL(new Blob([new Uint8Array(bytes)]));
    link.download = `keisei-${new Date().toISOString().slice(0, 16).replace(/[T:]/g, "-")}.record`;
    link.click();
    URL.revokeObjectURL(link.href);
  }

  /** Copies an address that shows this game at this position elsewhere. */
  async #share(): Promise<void> {
    const address = this.#memory.shared(this.#address());
    const { shareBox, shareText } = this.#view;
    shareText.value = address;
    try {
      await navigator.clipboard.writeText(address);
      shareBox.hidden = true;
      this.#say(words.copied);
    } catch {
      // Without permission the user copies it by hand.
      shareBox.hidden = false;
      shareText.focus();
      shareText.select();
    }
  }

  /** Hands the game over to the analysis, with what the agent thought of it. */
  async #analyse(): Promise<void> {
    try {
      const tree = await this.#game.tree(this.#names());
      this.#memory.touched = this.#game.plies > 0;
      this.#memory.save({ ...this.#saved(), tree: base64(tree.to_bytes()) }, this.#address());
      tree.free();
      this.#memory.touched = false;
      location.href = `./replay.html${writeAddress(this.#address())}`;
    } catch (error) {
      showProblem(words.notHanded(reason(error)));
    }
  }

  // --- wiring ---------------------------------------------------------------------------------------------------

  #wire(): void {
    const view = this.#view;
    boardSwitches(view.board, this.#settings, () => {
      this.#memory.touched = true;
      this.#save();
    });
    view.board.addEventListener("board-move", (event) => this.#play(event.detail.usi));
    view.board.addEventListener("board-refused", (event) => this.#refuse(event.detail.origin, event.detail.to));
    view.board.addEventListener("board-select", (event) => {
      this.#touchedPiece = event.detail.origin;
      this.#drawing.drawThought(this.#scene());
    });
    view.candidates.element.addEventListener("line-preview", (event) => this.#showLine(event.detail.moves));
    view.candidates.element.addEventListener("line-chosen", (event) => this.#playLine(event.detail.moves));
    onPress(view.undo, () => this.#takeBack());
    onPress(view.hint, () => void this.#giveHint());
    onPress(view.declare, () => this.#declare());
    onPress(view.pause, () => this.#togglePause());
    onPress(view.step, () => void this.#step());
    onPress(view.save, () => void this.#saveFile());
    onPress(view.analyse, () => void this.#analyse());
    onPress(view.share, () => void this.#share());
    view.typed.addEventListener("focusin", prepareTyping, { once: true });
    // The first typed move waits for what reads it; the next one waits for the first.
    let typed = Promise.resolve();
    view.typed.addEventListener("move-typed", ({ detail: { text } }) => (typed = typed.then(() => this.#playTyped(text))));
    onPress(view.back, () => {
      this.#goTo(this.#game.plies);
      this.#toBoard();
    });
    onPress(view.playOn, () => this.#playOn());
    onPress(view.first, () => this.#goTo(0));
    onPress(view.previous, () => this.#walk(-1));
    onPress(view.next, () => this.#walk(1));
    onPress(view.last, () => this.#goTo(this.#game.plies));
    view.graph.element.addEventListener("ply-chosen", (event) => this.#goTo(event.detail.ply));
    view.moves.addEventListener("ply-chosen", (event) => this.#goTo(event.detail.ply));
    view.savedGames.element.addEventListener("game-chosen", (event) => this.#choose(event.detail.id));
    view.savedGames.element.addEventListener("game-deleted", (event) => this.#delete(event.detail.id));
    this.#wireSettings();
    this.#wireWindow();
  }

  #wireSettings(): void {
    const view = this.#view;
    view.showCandidates.checked = this.#settings.value.candidates;
    view.showGraph.checked = this.#settings.value.graph;
    view.showGraph.addEventListener("change", () => {
      this.#settings.change({ graph: view.showGraph.checked });
      this.#drawing.drawThought(this.#scene());
    });
    view.showHeat.checked = this.#settings.value.heat;
    view.showHeat.addEventListener("change", () => {
      this.#settings.change({ heat: view.showHeat.checked });
      this.#drawing.drawThought(this.#scene());
    });
    view.showCandidates.addEventListener("change", () => {
      this.#settings.change({ candidates: view.showCandidates.checked });
      this.#drawing.drawThought(this.#scene());
      this.#lookAgain();
    });
    view.notation.value = this.#agents.style = this.#settings.value.notation;
    view.notation.addEventListener("change", () => this.#chooseNotation());
    this.#settings.watch(() => this.#rewrite());
    view.form.addEventListener("change", () => this.#drawLevels());
    onPress(view.openModel, () => view.modelFile.click());
    onPress(view.openSecond, () => void this.#panel.pick(1));
    onFile(view.modelFile, (file) => void this.#panel.openFile(0, file));
    view.secondFile.addEventListener("change", () => {
      const file = view.secondFile.files?.[0];
      if (file) void this.#panel.openFile(1, file);
      view.secondFile.value = "";
    });
  }

  #wireWindow(): void {
    setInterval(() => this.#tick(), TICK_MS);
    addEventListener("keydown", (event) => this.#onKey(event));
    // The last moments of a page that is closed or put aside: its clock must not lose them.
    addEventListener("pagehide", () => {
      this.#tick();
      this.#save();
    });
    addEventListener("pageshow", () => this.#restartTime());
  }

  #onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event)) return;
    const steps: Record<string, () => void> = {
      ArrowLeft: () => this.#walk(-1),
      ArrowRight: () => this.#walk(1),
      Home: () => this.#goTo(0),
      End: () => this.#goTo(this.#game.plies),
    };
    const step = steps[event.key];
    if (!step) return;
    step();
    event.preventDefault();
  }

  #choose(id: string): void {
    if (id !== this.#game.id && !this.#openSaved(id, "push")) return this.#drawSaved();
    this.#select("tab-moves");
    this.#toBoard();
  }

  #delete(id: string): void {
    this.#memory.delete(id);
    // The deleted game is not saved again; what is on the board becomes another game without moves.
    if (id === this.#game.id) this.#start({ start: this.#game.board.start(), seats: this.#game.seats, clock: this.#game.clock?.control ?? null });
    this.#drawSaved();
  }

  /** Another tab has played a game on; if it is the one that is shown here, this tab's next change makes a copy of its own. */
  #changedElsewhere(id: string): void {
    if (id === this.#game.id && this.#memory.load(id)?.moves !== this.#game.board.moves()) {
      this.#game.id = newId();
      showProblem(stateWords.changedElsewhere);
    }
    this.#drawSaved();
  }
}

/** Whether the page shows again what it showed before: then what it saved last counts, not an address that is a moment older. */
function isReload(): boolean {
  const [navigation] = performance.getEntriesByType("navigation");
  return navigation instanceof PerformanceNavigationTiming && navigation.type === "reload";
}

/** The handicaps, by their names. */
function startsOffered(kanji: boolean): { name: string; sfen: string }[] {
  return handicaps().flatMap((start) => {
    const { id, name, sfen } = start;
    start.free();
    return id === "even" ? [] : [{ name: words.handicap(id, name, kanji), sfen }];
  });
}

try {
  // Drawn as soon as there is a position; whoever draws them reports what fails.
  getReady(storedPieceSet()).catch(() => {});
  await Promise.all([rulesReady, reasonsReady]);
  await new PlayPage().run();
} catch (error) {
  document.getElementById("status")?.replaceChildren(words.notStarted);
  showProblem(words.couldNotStart(reason(error)));
}
