/**
 * `<shogi-replay>`: a game to step through, with its moves, comments and variations.
 *
 * | attribute | value | without it |
 * |---|---|---|
 * | `src` | address of a file: KIF, KI2, CSA, USI, SFEN, JKF, USEN | `game` |
 * | `game` | the text of a game | the element's text |
 * | `format` | `kif`, `ki2`, `csa`, `usi`, `sfen`, `jkf`, `usen`, `link` | by the file's name and the text |
 * | `number` | which game of a file with several, from 1 | `1` |
 * | `ply` | number of moves played at first, or `end` | `0` |
 * | `orientation` | `black` or `white`, the side at the bottom | `black` |
 * | `notation` | `japanese`, `western`, `usi` | by the language |
 * | `speed` | seconds a move while it plays, 0.2 to 60 | `1` |
 * | `piece-set`, `theme`, `lang` | as of `<shogi-board>` | |
 *
 * | event | detail | when |
 * |---|---|---|
 * | `replay-ready` | | the game is shown |
 * | `replay-error` | `reason`, `text` | there is no game to show |
 * | `ply-change` | `ply` | another position is shown |
 */

import { writeText } from "../board/dom";
import type { Color } from "../board/geometry";
import type { PieceSet } from "../board/piece-set";
import { element } from "./dom";
import type { EmbedWords } from "../words/embed/english";
import { NOTATIONS, type Notation } from "./attributes";
import { EmbeddedElement, type Setting } from "./base";
import { ICONS, icon } from "./icons";
import { FORMATS, type Game, ReplayError, readGame } from "./reader";
import { extensionOf, fetchText } from "./source";
import { PositionView } from "./view";

/** Marks of the sides, of Black and White. */
const MARKS = ["☗", "☖"] as const;
/** Seconds a move. */
const SPEED = { least: 0.2, most: 60, usual: 1 };

type Action = "first" | "back" | "play" | "forward" | "last" | "flip";

export class ShogiReplay extends EmbeddedElement {
  static readonly observedAttributes =
    ["src", "game", "format", "number", "ply", "orientation", "notation", "speed", "piece-set", "theme", "lang"];

  readonly #view = new PositionView();
  readonly #players = [element("span", "player"), element("span", "player")] as const;
  readonly #buttons = new Map<Action, HTMLButtonElement>();
  readonly #slider = element("input", "slider");
  readonly #count = element("output", "count-of-moves");
  readonly #list = element("ol", "moves");
  readonly #branches = element("div", "branches");
  readonly #comment = element("div", "comment");
  readonly #result = element("p", "result");
  readonly #live = element("p", "live");
  readonly #main = element("div", "main");
  readonly #status = element("p", "status");
  #words: EmbedWords | null = null;
  #game: Game | null = null;
  /** What the game on show was read from; the same is not read again. */
  #read = "";
  #line: readonly number[] = [0];
  #listed: readonly number[] = [];
  #ply = 0;
  #asked = "";
  #pieceSet: PieceSet = "kanji";
  #orientation: Color = 0;
  #askedOrientation: Color | null = null;
  #notation: Notation = "western";
  #listedNotation: Notation | null = null;
  #speed = SPEED.usual;
  #timer: ReturnType<typeof setInterval> | undefined;
  #watch: MutationObserver | null = null;

  constructor() {
    super();
    const buttons = element("div", "buttons");
    buttons.setAttribute("role", "group");
    const actions: Record<Action, () => void> = {
      first: () => this.first(),
      back: () => this.back(),
      play: () => (this.playing ? this.pause() : this.play()),
      forward: () => this.forward(),
      last: () => this.last(),
      flip: () => this.flip(),
    };
    for (const [name, act] of Object.entries(actions) as [Action, () => void][]) {
      const button = element("button");
      button.type = "button";
      button.append(icon(ICONS[name]));
      button.addEventListener("click", act);
      this.#buttons.set(name, button);
      buttons.append(button);
    }
    this.#slider.type = "range";
    this.#slider.min = "0";
    this.#slider.addEventListener("input", () => {
      this.pause();
      this.#go(Number(this.#slider.value));
    });
    this.#live.setAttribute("role", "status");
    this.#status.setAttribute("role", "status");
    this.#status.hidden = true;
    const bar = element("div", "bar");
    bar.append(buttons, this.#slider, this.#count);
    const table = element("div", "play");
    const top = element("div", "players");
    top.append(...this.#players);
    table.append(top, this.#view.element, bar);
    const side = element("div", "side");
    side.append(this.#list, this.#branches, this.#result, this.#comment);
    this.#main.append(table, side, this.#live);
    this.#main.setAttribute("role", "group");
    this.#main.hidden = true;
    this.frame.append(this.#status, this.#main);
    this.#list.addEventListener("click", (event) => {
      const ply = (event.target as Element).closest("button")?.dataset["ply"];
      if (ply !== undefined) this.#chooseByHand(() => this.#go(Number(ply)));
    });
    this.#branches.addEventListener("click", (event) => {
      const node = (event.target as Element).closest("button")?.dataset["node"];
      if (node !== undefined) this.#chooseByHand(() => this.#enter(Number(node)));
    });
    this.frame.addEventListener("keydown", (event) => this.#onKey(event));
  }

  override connectedCallback(): void {
    super.connectedCallback();
    // A page may write the game into the element later, or change it.
    this.#watch ??= new MutationObserver(() => this.refresh());
    this.#watch.observe(this, { childList: true, characterData: true, subtree: true });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#watch?.disconnect();
    this.pause();
  }

  // --- for scripts of the page --------------------------------------------------------------------------------------

  /** Number of moves played in the position that is shown. */
  get ply(): number {
    return this.#ply;
  }

  set ply(ply: number) {
    if (this.#game) this.#go(ply);
    else this.setAttribute("ply", String(ply));
  }

  /** Number of moves and ends of the line that is shown. */
  get length(): number {
    return this.#line.length - 1;
  }

  get playing(): boolean {
    return this.#timer !== undefined;
  }

  get src(): string {
    return this.getAttribute("src") ?? "";
  }

  set src(src: string) {
    this.setAttribute("src", src);
  }

  get game(): string {
    return this.getAttribute("game") ?? "";
  }

  set game(game: string) {
    this.setAttribute("game", game);
  }

  first(): void {
    this.#chooseByHand(() => this.#go(0));
  }

  back(): void {
    this.#chooseByHand(() => this.#go(this.#ply - 1));
  }

  forward(): void {
    this.#chooseByHand(() => this.#go(this.#ply + 1));
  }

  last(): void {
    this.#chooseByHand(() => this.#go(this.length));
  }

  /** Turns the board. */
  flip(): void {
    this.#orientation = this.#orientation === 0 ? 1 : 0;
    this.#draw();
  }

  /** Plays the moves one after another, from the start if the end is shown. */
  play(): void {
    if (this.playing || !this.#game || this.length === 0) return;
    if (this.#ply === this.length) this.#go(0);
    this.#timer = setInterval(() => {
      this.#go(this.#ply + 1);
      if (this.#ply >= this.length) this.pause();
    }, this.#speed * 1000);
    this.#draw();
  }

  pause(): void {
    if (!this.playing) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#draw();
  }

  // --- what is shown ------------------------------------------------------------------------------------------------

  protected override async show({ language, words, attributes, signal }: Setting): Promise<Game> {
    const asked = {
      pieceSet: attributes.pieceSet(language),
      orientation: attributes.orientation(),
      notation: attributes.oneOf("notation", NOTATIONS) ?? (language === "ja" ? "japanese" : "western"),
      speed: attributes.number("speed", SPEED.least, SPEED.most) ?? SPEED.usual,
      ply: attributes.ply(),
    };
    const format = attributes.oneOf("format", FORMATS);
    const number = Math.floor(attributes.number("number", 1, 9999) ?? 1) - 1;
    const [src, text] = [attributes.text("src"), attributes.text("game") ?? this.textContent ?? ""];
    const source = JSON.stringify([src ?? text, src === null, format, number, document.baseURI]);
    const known = source === this.#read ? this.#game : null;
    if (!known) {
      this.pause();
      this.#status.textContent = words.loading;
      this.#status.hidden = this.#game !== null;
    }
    const outlines = this.outlines(asked.pieceSet);
    const game = known ?? (await this.#readGame(src, text, format, number, signal));
    await outlines;
    if (signal.aborted) return game;
    this.#words = words;
    this.#pieceSet = asked.pieceSet;
    if (!known || asked.orientation !== this.#askedOrientation) this.#orientation = asked.orientation ?? 0;
    this.#askedOrientation = asked.orientation;
    this.#notation = asked.notation;
    this.#speed = asked.speed;
    const plyText = attributes.text("ply") ?? "";
    if (!known) {
      this.#game = game;
      this.#read = source;
      this.#line = game.line(0);
      this.#listed = [];
    }
    if (!known || plyText !== this.#asked) {
      this.#asked = plyText;
      this.#ply = Math.min(asked.ply ?? 0, this.length);
    }
    if (asked.ply !== null && Number.isFinite(asked.ply) && asked.ply > this.length) {
      attributes.notices.push(words.beyond(asked.ply, this.length));
    }
    this.#status.hidden = true;
    this.#main.hidden = false;
    this.#draw();
    return game;
  }

  async #readGame(src: string | null, text: string, format: string | null, number: number, signal: AbortSignal): Promise<Game> {
    if (src === null) {
      if (text.trim() === "") throw new ReplayError("none");
      return readGame(text, format ?? "", number);
    }
    if (src.trim() === "") throw new ReplayError("address");
    const fetched = await fetchText(src, document.baseURI, signal);
    const extension = extensionOf(src);
    return readGame(fetched, format ?? (FORMATS.includes(extension) ? extension : ""), number);
  }

  protected override clear(): void {
    this.pause();
    this.#game = null;
    this.#read = "";
    this.#status.hidden = true;
    this.#main.hidden = true;
  }

  /** A step that the user chose ends the playing. */
  #chooseByHand(act: () => void): void {
    this.pause();
    act();
  }

  #go(ply: number): void {
    const wanted = Math.max(0, Math.min(this.length, Math.trunc(ply) || 0));
    if (wanted === this.#ply) return;
    this.#ply = wanted;
    this.#draw();
    this.dispatchEvent(new CustomEvent("ply-change", { detail: { ply: wanted }, bubbles: true, composed: true }));
  }

  /** Goes to a node of another line. */
  #enter(node: number): void {
    const line = this.#game?.line(node);
    if (!line) return;
    this.#line = line;
    this.#ply = -1;
    this.#go(line.indexOf(node));
  }

  #draw(): void {
    const [game, words] = [this.#game, this.#words];
    if (!game || !words) return;
    const node = this.#line[this.#ply] ?? 0;
    const { length } = this;
    this.#main.setAttribute("aria-label", words.replay);
    this.#view.draw(game.state(node), { orientation: this.#orientation, pieceSet: this.#pieceSet, words });
    this.#players.forEach((player, place) => {
      // As the board stands: the far side first.
      const color = place === 0 ? 1 - this.#orientation : this.#orientation;
      writeText(player, `${MARKS[color] ?? ""} ${game.names[color] || words.sides[color]}`);
    });
    for (const [name, button] of this.#buttons) {
      const label = name === "play" && this.playing ? words.pause : words[name];
      if (button.title === label) continue;
      button.title = label;
      button.setAttribute("aria-label", label);
      if (name === "play") button.replaceChildren(icon(this.playing ? ICONS.pause : ICONS.play));
    }
    for (const name of ["first", "back", "forward", "last"] as const) {
      const still = name === "first" || name === "back" ? this.#ply === 0 : this.#ply === length;
      this.#buttons.get(name)?.toggleAttribute("data-still", still);
    }
    this.#buttons.get("play")?.parentElement?.setAttribute("aria-label", words.buttons);
    this.#slider.max = String(length);
    this.#slider.value = String(this.#ply);
    this.#slider.setAttribute("aria-label", words.slider);
    this.#slider.setAttribute("aria-valuetext", this.#textOf(node));
    writeText(this.#count, words.ply(this.#ply, length));
    this.#drawList();
    this.#drawBranches(node);
    const comment = game.comment(node);
    writeText(this.#comment, comment);
    this.#comment.setAttribute("aria-label", words.comment);
    this.#comment.tabIndex = comment === "" ? -1 : 0;
    this.#comment.setAttribute("role", "group");
    const end = game.end(node);
    writeText(this.#result, end === "" ? "" : this.#endOf(node));
    if (!this.playing || end !== "") writeText(this.#live, this.#textOf(node));
  }

  /** A node in words: its move in the notation of the element, or its end. */
  #textOf(node: number): string {
    const [game, words] = [this.#game, this.#words];
    if (!game || !words) return "";
    const end = game.end(node);
    if (end !== "" && end !== "illegal") return this.#endOf(node);
    return game.text(node, this.#notation) || words.start;
  }

  #endOf(node: number): string {
    const [game, words] = [this.#game, this.#words];
    if (!game || !words) return "";
    const end = game.end(node);
    const word = Object.hasOwn(words.ends, end) ? (words.ends[end] ?? "") : game.endWord(node);
    const winner = game.winner(node);
    return winner < 0 ? word : words.won(words.sides[winner] ?? "", word);
  }

  #drawList(): void {
    const [game, words] = [this.#game, this.#words];
    if (!game || !words) return;
    if (this.#listed !== this.#line || this.#listedNotation !== this.#notation || this.#list.lang !== this.frame.lang) {
      this.#listed = this.#line;
      this.#listedNotation = this.#notation;
      this.#list.lang = this.frame.lang;
      this.#list.setAttribute("aria-label", words.moves);
      this.#list.replaceChildren(...this.#line.map((node, ply) => {
        const button = element("button", "", this.#textOf(node));
        button.type = "button";
        button.tabIndex = -1;
        button.dataset["ply"] = String(ply);
        if (this.#notation === "japanese" && ply > 0) button.lang = "ja";
        const item = element("li");
        item.append(element("span", "number", ply === 0 ? "" : String(ply)), button);
        if (game.comment(node) !== "") item.classList.add("commented");
        if (ply > 0 && game.children(game.parent(node)).length > 1) item.classList.add("forked");
        return item;
      }));
    }
    const before = this.#list.querySelector<HTMLElement>('[aria-current="step"]');
    const current = this.#list.children[this.#ply]?.querySelector("button");
    if (!current || before === current) return;
    if (before) {
      before.removeAttribute("aria-current");
      before.tabIndex = -1;
    }
    current.setAttribute("aria-current", "step");
    current.tabIndex = 0;
    if (before !== null && before.matches(":focus")) current.focus({ preventScroll: true });
    // Scrolls inside the list only; the page stays where it is.
    const [box, line] = [this.#list.getBoundingClientRect(), current.getBoundingClientRect()];
    if (line.top < box.top) this.#list.scrollTop -= box.top - line.top + 4;
    else if (line.bottom > box.bottom) this.#list.scrollTop += line.bottom - box.bottom + 4;
  }

  /** The alternatives of the move that was made last, where there are any. */
  #drawBranches(node: number): void {
    const [game, words] = [this.#game, this.#words];
    if (!game || !words) return;
    const parent = game.parent(node);
    const siblings = parent < 0 ? [] : game.children(parent);
    this.#branches.hidden = siblings.length < 2;
    if (this.#branches.hidden) return this.#branches.replaceChildren();
    const focused = this.#branches.querySelector<HTMLElement>(":focus")?.dataset["node"];
    this.#branches.setAttribute("role", "group");
    this.#branches.setAttribute("aria-label", words.branches);
    this.#branches.replaceChildren(element("span", "title", words.branches), ...siblings.map((sibling) => {
      const button = element("button", "", this.#textOf(sibling));
      button.type = "button";
      button.dataset["node"] = String(sibling);
      button.setAttribute("aria-pressed", String(sibling === node));
      return button;
    }));
    if (focused !== undefined) this.#branches.querySelector<HTMLElement>(`[data-node="${focused}"]`)?.focus();
  }

  /** Arrow keys, Home and End step through the game wherever the focus is in the element, but on the board; `f` turns it. */
  #onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey || !this.#game) return;
    const target = event.composedPath()[0];
    if (target === this.#slider && event.key !== "f") return;
    const keys: Record<string, () => void> = {
      ArrowLeft: () => this.back(),
      ArrowRight: () => this.forward(),
      Home: () => this.first(),
      End: () => this.last(),
      f: () => this.flip(),
    };
    if (target instanceof Element && this.#list.contains(target)) {
      keys["ArrowUp"] = () => this.back();
      keys["ArrowDown"] = () => this.forward();
    }
    const act = Object.hasOwn(keys, event.key) ? keys[event.key] : undefined;
    if (!act) return;
    act();
    event.preventDefault();
    event.stopPropagation();
  }
}
