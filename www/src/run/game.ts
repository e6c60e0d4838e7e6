/** One game of a bundle on its board, with the values of its players, and its way into the analysis. */

import "../board/shogi-board";
import "../parts/move-list";
import "../parts/value-graph";
import type { Color } from "../board/geometry";
import { byId } from "../parts/page";
import { Tree, loadRecords, read_games as readGames } from "../records";
import type { SettingsStore } from "../state/settings";
import { blackValue } from "../values";
import { moveLanguage } from "../words";
import { reasonWord } from "../words/ends";
import { runWords as words } from "../words/run";
import { BundleProblem, type GameChunk, type GameIndex } from "./format";
import { chunkOf } from "./library";
import type { Source } from "./source";

/** Chunks that are kept as they were read: neighbouring games open at once. */
const KEPT = 6;
/** Longest address of a game that the analysis takes. */
const LONGEST_LINK = 1 << 14;

type GameFile = ReturnType<typeof readGames>;

/** Record files of bundles, the last few of them read. */
class Files {
  readonly #read = new Map<string, GameFile>();

  /** The games of a chunk, which are as many as the index says. */
  async of(source: Source, chunk: GameChunk): Promise<GameFile> {
    const known = this.#read.get(chunk.sha256);
    if (known) return known;
    const [bytes] = await Promise.all([source.bytes(chunk), loadRecords()]);
    const file = readGames(bytes, "games.record");
    if (file.games !== chunk.games) {
      file.free();
      throw new BundleProblem(words.problems.nonsense(chunk.file, "games"));
    }
    this.#read.set(chunk.sha256, file);
    for (const [old, unneeded] of this.#read) {
      if (this.#read.size <= KEPT) break;
      this.#read.delete(old);
      unneeded.free();
    }
    return file;
  }
}

/** What is shown of an open game. */
interface Shown {
  tree: Tree;
  nodes: Uint32Array;
  texts: readonly string[];
}

export class GameView {
  readonly #section = byId("game", HTMLElement);
  readonly #heading = byId("game-name", HTMLElement);
  readonly #about = byId("game-about", HTMLParagraphElement);
  readonly #move = byId("game-move", HTMLParagraphElement);
  readonly #slider = byId("ply", HTMLInputElement);
  readonly #plyText = byId("ply-text", HTMLOutputElement);
  readonly #analyse = byId("game-analyse", HTMLAnchorElement);
  readonly #note = byId("game-link-note", HTMLSpanElement);
  readonly #board = document.createElement("shogi-board");
  readonly #graph = document.createElement("value-graph");
  readonly #list = document.createElement("move-list");
  readonly #files = new Files();
  readonly #settings: SettingsStore;
  readonly #onPly: (ply: number) => void;
  #shown: Shown | null = null;
  #ply = 0;
  /** Number of the newest request: an older one that comes late is dropped. */
  #request = 0;

  /** `onPly` is told of each position that the user goes to. */
  constructor(settings: SettingsStore, onPly: (ply: number) => void) {
    this.#settings = settings;
    this.#onPly = onPly;
    this.#list.setAttribute("selectable", "");
    byId("game-board", HTMLDivElement).append(this.#board);
    byId("game-parts", HTMLDivElement).append(this.#graph, this.#list);
    const go: Record<string, () => number> = { first: () => 0, previous: () => this.#ply - 1, next: () => this.#ply + 1, last: () => Infinity };
    for (const [id, target] of Object.entries(go)) byId(id, HTMLButtonElement).addEventListener("click", () => this.#goTo(target()));
    byId("flip", HTMLButtonElement).addEventListener("click", () => {
      this.#board.orientation = this.#board.orientation === 0 ? 1 : 0;
      this.#drawLink();
    });
    this.#slider.addEventListener("input", () => this.#goTo(Number(this.#slider.value)));
    for (const part of [this.#graph, this.#list]) part.addEventListener("ply-chosen", (event) => this.#goTo(event.detail.ply));
    this.#section.addEventListener("keydown", (event) => this.#onKey(event));
  }

  /** Loads what opening a game needs. */
  static async prepare(): Promise<void> {
    await loadRecords();
  }

  /** Opens a game at a ply; whether it is still the one that was asked for last. */
  async open(source: Source, index: GameIndex, game: number, ply: number): Promise<boolean> {
    const request = ++this.#request;
    const at = chunkOf(index, game);
    const chunk = at && index.chunks[at.number];
    if (!at || !chunk) throw new BundleProblem(words.problems.game(game + 1));
    const file = await this.#files.of(source, chunk);
    if (request !== this.#request) return false;
    const tree = Tree.from_bytes(file.bytes(at.place));
    const nodes = tree.line(0);
    // An end that the rules do not give is a node of its own, without a move.
    const moves = nodes.filter((node, number) => number === 0 || tree.move_usi(node) !== undefined);
    this.#shown?.tree.free();
    const style = this.#settings.value.notation;
    this.#shown = { tree, nodes: moves, texts: tree.texts(moves.slice(1), style) };
    const name = (player: number | undefined): string => index.players[player ?? 0] ?? "";
    const result = words.gameResults[index.result[game] ?? 3] ?? "";
    const ending = index.endings[index.ending[game] ?? 0] ?? "";
    this.#heading.textContent = `${words.gameTitle(game + 1)}: ${words.players(name(index.black[game]), name(index.white[game]))}`;
    this.#about.textContent = words.about(result, ending === "unfinished" ? words.unfinished : reasonWord(ending), moves.length - 1);
    this.#board.pieceSet = this.#settings.value.pieceSet;
    const language = moveLanguage(style);
    for (const element of [this.#list, this.#move]) {
      if (language === null) element.removeAttribute("lang");
      else element.lang = language;
    }
    this.#slider.max = String(moves.length - 1);
    const first: Color = tree.start().split(" ")[1] === "w" ? 1 : 0;
    const values = Array.from(tree.values(moves, "player"), (value, number) => blackValue(value, ((first + number) % 2) as Color));
    this.#graph.show({ moves: this.#shown.texts, series: values.some(Number.isFinite) ? [{ name: words.values, values }] : [], marks: [] });
    this.#graph.hidden = !values.some(Number.isFinite);
    this.#list.show(this.#shown.texts, 0, first === 1);
    this.#section.hidden = false;
    this.#ply = -1;
    this.#goTo(ply);
    return true;
  }

  close(): void {
    this.#request++;
    this.#section.hidden = true;
  }

  /** Puts the keyboard's place on the game. */
  focus(): void {
    this.#heading.focus({ preventScroll: true });
    this.#section.scrollIntoView({ block: "nearest" });
  }

  #onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || this.#board.contains(event.target as Node)) return;
    if (event.target instanceof HTMLInputElement) return;
    const target = { ArrowLeft: this.#ply - 1, ArrowRight: this.#ply + 1, Home: 0, End: Infinity }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    this.#goTo(target);
  }

  #goTo(target: number): void {
    const shown = this.#shown;
    if (!shown) return;
    const last = shown.nodes.length - 1;
    const ply = Math.max(0, Math.min(last, target));
    if (ply === this.#ply) return;
    this.#ply = ply;
    const board = shown.tree.board(shown.nodes[ply] ?? 0);
    this.#board.state = { squares: board.squares(), hands: board.hands(), turn: board.side_to_move() as Color, last: board.last(), check: board.check() };
    board.free();
    this.#slider.value = String(ply);
    this.#plyText.textContent = `${ply} / ${last}`;
    this.#move.textContent = words.position(ply, shown.texts[ply - 1] ?? "");
    this.#list.show(shown.texts, ply, shown.tree.start().split(" ")[1] === "w");
    this.#graph.ply = ply;
    this.#drawLink();
    this.#onPly(ply);
  }

  #drawLink(): void {
    if (!this.#shown) return;
    const { tree } = this.#shown;
    const fragment = `g=${tree.link(0)}&p=${this.#ply}&o=${this.#board.orientation === 0 ? "b" : "w"}`;
    const fits = fragment.length <= LONGEST_LINK;
    this.#analyse.hidden = !fits;
    this.#note.hidden = fits;
    this.#note.textContent = fits ? "" : words.tooLong;
    this.#analyse.href = `./replay.html#${fragment}`;
  }
}
