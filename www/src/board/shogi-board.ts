/**
 * `<shogi-board>`: an SVG board with hands that can be clicked, dragged on and played by keyboard.
 *
 * It knows no rule. The page gives it a state to draw and, where the user may move, a `Rules` object that answers which
 * origins and targets are legal; it answers with events.
 *
 * | file | holds |
 * |---|---|
 * | `state` | what is shown, and what the user has begun |
 * | `theme`, `pieces`, `glyphs`, `outlines/` | wood, lines, coordinates; the piece sets |
 * | `piece-layer`, `marks`, `arrows`, `heat` | drawing on the field |
 * | `squares`, `hands`, `promotion` | elements that the user touches, with their names |
 * | `chooser` | choosing a legal move |
 * | `editor`, `piece-box` | setting up a position |
 * | `pointer`, `keyboard` | input |
 *
 * | event | detail | when |
 * |---|---|---|
 * | `board-move` | `usi` | the user made a legal move |
 * | `board-refused` | `origin`, `to` | the user asked for a move that is not legal; `to` is null for a piece that has no move |
 * | `board-select` | `origin` | a piece was chosen, or, with null, let go |
 * | `board-edit` | `squares`, `hands` | the user changed the position while `editing` |
 */

import acting from "./acting.css?inline";
import { Arrows, Drawings } from "./arrows";
import { type Actions, Chooser, type Outlet } from "./chooser";
import { div } from "./dom";
import type { Editor } from "./editor";
import type { Color, Origin } from "./geometry";
import { Hand } from "./hands";
import { HeatMap } from "./heat";
import type { Heat } from "./state";
import { onKey } from "./keyboard";
import { Marks, Targets } from "./marks";
import { PieceLayer } from "./piece-layer";
import { definitions, isPiece } from "./pieces";
import type { PieceSet } from "./piece-set";
import { Pointer } from "./pointer";
import { PromotionChoice } from "./promotion";
import { getReady, isReady } from "./ready";
import css from "./shogi-board.css?inline";
import { Squares } from "./squares";
import { type Arrow, type BoardState, type Rules, Scene, type Spot, type Threat } from "./state";
import { svg } from "./svg";
import { HEIGHT, MARGIN, WIDTH, coordinates, gradients, lines, wood } from "./theme";

export type { Heat } from "./state";
export type { Arrow, BoardState, Rules, Threat } from "./state";

export interface MoveEvent extends CustomEvent<{ usi: string }> {}
export interface RefusedEvent extends CustomEvent<{ origin: Origin; to: number | null }> {}
export interface SelectEvent extends CustomEvent<{ origin: Origin | null }> {}
export interface EditEvent extends CustomEvent<{ squares: Uint8Array; hands: Uint8Array }> {}

/** How long a threat stays drawn. */
const THREAT_MS = 2500;

const sheet = new CSSStyleSheet();
// The rules of narrow boards and forced colours come last.
sheet.replaceSync(acting + css);

export class ShogiBoard extends HTMLElement {
  /** The editor of boards for `editing`, set by a page that sets up positions; the others do not load it. */
  static editor: typeof Editor | null = null;

  readonly #scene = new Scene();
  readonly #defs = svg("defs");
  readonly #coordinates = svg("g", { class: "coordinates", "aria-hidden": "true" });
  readonly #marks = new Marks();
  readonly #targets = new Targets();
  readonly #pieces = new PieceLayer();
  readonly #arrows = new Arrows();
  readonly #drawings = new Drawings();
  readonly #heat = new HeatMap();
  readonly #squares = new Squares();
  readonly #hands = [new Hand(0), new Hand(1)] as const;
  readonly #live = div("live", { role: "status", "aria-live": "polite" });
  readonly #outlet: Outlet = {
    draw: () => this.#draw(),
    say: (text) => this.#say(text),
    moved: (usi) => this.#emit("board-move", { usi }),
    edited: () => {
      const { squares, hands } = this.#scene.state;
      this.#emit("board-edit", { squares: squares.slice(), hands: hands.slice() });
    },
    refused: (origin, to) => this.#emit("board-refused", { origin, to }),
    selected: (origin) => this.#emit("board-select", { origin }),
  };
  readonly #chooser = new Chooser(this.#scene, this.#outlet);
  #editor: Editor | null = null;
  readonly #promotion = new PromotionChoice((promote) => this.#chooser.promote(promote));
  readonly #pointer: Pointer;
  /** The set and the side that the definitions and coordinates were drawn for. */
  #drawnTheme = "";
  /** Whether the page changed something since the last drawing. */
  #stale = false;
  #threatTimer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    const field = svg("g", { transform: `translate(${MARGIN} ${MARGIN})` },
      this.#marks.element, this.#heat.below, this.#arrows.below, this.#pieces.element, this.#targets.element,
      this.#arrows.above, this.#heat.above, this.#arrows.labels, this.#drawings.element);
    const surface = svg("svg", { class: "surface", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" },
      this.#defs, ...wood(), lines(), this.#coordinates, field);
    const board = div("board");
    board.append(surface, this.#squares.element, this.#heat.legend, this.#promotion.element);
    const table = div("table", {}, this.#hands[0].element, board, this.#hands[1].element);
    const actions = (): Actions => (this.#scene.editing && this.#editor ? this.#editor : this.#chooser);
    this.#pointer = new Pointer(this.#scene, actions, {
      table,
      board,
      grid: this.#squares.element,
      spotOf: (element) => this.#spotOf(element),
      spotAt: (x, y) => {
        const element = root.elementFromPoint(x, y);
        const hand = this.#hands.find((each) => each.element.contains(element));
        // Between the slots a hand takes a piece too, whose kind the piece itself says.
        if (hand && element === hand.element) return { on: "hand", color: hand.color, kind: 0 };
        return element === null ? { on: "outside" } : this.#spotOf(element);
      },
      draw: () => this.#draw(),
      focus: () => this.#squares.focus(),
    });
    table.append(this.#pointer.ghost, this.#live);
    root.append(table);
    table.addEventListener("keydown", (event) =>
      onKey(event, {
        scene: this.#scene,
        actions: actions(),
        squares: this.#squares,
        hands: this.#hands,
        box: this.#editor?.box ?? null,
        spotOf: (element) => this.#spotOf(element),
        say: (text) => this.#say(text),
      }));
    this.#draw();
  }

  get state(): BoardState {
    return this.#scene.state;
  }

  /** Position and last move. What the user has begun goes on if the position is the same. */
  set state(state: BoardState) {
    this.#scene.state = state;
    this.#changed();
  }

  get rules(): Rules | null {
    return this.#scene.rules;
  }

  /** The rules while the user may move; null makes the board read-only. */
  set rules(rules: Rules | null) {
    this.#scene.rules = rules;
    this.#changed();
  }

  get orientation(): Color {
    return this.#scene.orientation;
  }

  /** The side that sits at the lower edge. */
  set orientation(orientation: Color) {
    if (orientation === this.#scene.orientation) return;
    this.#scene.orientation = orientation;
    this.#chooser.cancel();
    this.#changed();
  }

  get pieceSet(): PieceSet {
    return this.#scene.pieceSet;
  }

  set pieceSet(set: PieceSet) {
    this.#scene.pieceSet = set;
    this.#changed();
  }

  get arrows(): readonly Arrow[] {
    return this.#scene.arrows;
  }

  /** Candidate moves, the heaviest first. */
  set arrows(arrows: readonly Arrow[]) {
    this.#scene.arrows = arrows;
    this.#changed();
  }

  get heat(): Heat | null {
    return this.#scene.heat;
  }

  /** Shares of the policy (see `heatOf`); null for none. */
  set heat(heat: Heat | null) {
    this.#scene.heat = heat;
    this.#changed();
  }

  get threat(): Threat | null {
    return this.#scene.threat;
  }

  /** The line that makes a move illegal: from the attacker to the king. It goes away by itself. */
  set threat(threat: Threat | null) {
    clearTimeout(this.#threatTimer);
    this.#scene.threat = threat;
    this.#changed();
    if (threat === null) return;
    this.#threatTimer = setTimeout(() => {
      this.threat = null;
    }, THREAT_MS);
  }

  get editing(): boolean {
    return this.#scene.editing;
  }

  /** Whether the user sets up a position: every piece can be placed anywhere, and the page judges the result. */
  set editing(editing: boolean) {
    if (editing === this.#scene.editing) return;
    if (editing && this.#editor === null) {
      if (ShogiBoard.editor === null) throw new Error("the page has no editor");
      this.#editor = new ShogiBoard.editor(this.#scene, this.#outlet);
      this.#hands[1].element.after(this.#editor.box.element);
    }
    this.#scene.editing = editing;
    this.#scene.letGo();
    this.#changed();
  }

  /** Puts the keyboard focus on the board. */
  override focus(): void {
    this.#squares.focus();
  }

  /** Draws once for all that the page changes in one go. */
  #changed(): void {
    if (this.#stale) return;
    this.#stale = true;
    queueMicrotask(() => {
      this.#stale = false;
      const before = this.#scene.selected;
      this.#scene.refresh();
      this.#draw();
      if (before !== null && this.#scene.selected === null) this.#emit("board-select", { origin: null });
    });
  }

  #draw(): void {
    const scene = this.#scene;
    this.#drawTheme();
    this.#pieces.draw(scene);
    this.#marks.draw(scene);
    this.#arrows.draw(scene);
    this.#targets.draw(scene);
    this.#drawings.draw(scene);
    this.#heat.draw(scene);
    this.#squares.draw(scene);
    for (const hand of this.#hands) hand.draw(scene);
    this.#editor?.box.draw(scene);
    if (this.#promotion.draw(scene)) this.#squares.focus();
    this.#pointer.draw();
  }

  #drawTheme(): void {
    const { pieceSet, orientation, state, editing } = this.#scene;
    if (!isReady(pieceSet)) {
      // What is drawn stays until the set is there. Before the page has put pieces on the board it has not chosen the set.
      if (editing || state.squares.some(isPiece)) void getReady(pieceSet).then(() => this.#changed());
      return;
    }
    if (!this.#drawnTheme.startsWith(pieceSet)) this.#defs.replaceChildren(...gradients(), ...definitions(pieceSet));
    const drawn = `${pieceSet} ${orientation}`;
    if (drawn !== this.#drawnTheme) this.#coordinates.replaceChildren(...coordinates(orientation, pieceSet));
    this.#drawnTheme = drawn;
  }

  #spotOf(element: Element): Spot {
    const square = this.#squares.squareOf(element);
    if (square !== null) return { on: "square", square };
    for (const hand of this.#hands) {
      const kind = hand.kindOf(element);
      if (kind !== null) return { on: "hand", color: hand.color, kind };
    }
    return this.#editor?.box.spotOf(element) ?? { on: "outside" };
  }

  /** Announces a text; a trailing space makes the same text new again. */
  #say(text: string): void {
    this.#live.textContent = this.#live.textContent === text ? `${text}\u00a0` : text;
  }

  #emit(type: string, detail: object): void {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }
}

customElements.define("shogi-board", ShogiBoard);

declare global {
  interface HTMLElementTagNameMap {
    "shogi-board": ShogiBoard;
  }
  interface HTMLElementEventMap {
    "board-move": MoveEvent;
    "board-refused": RefusedEvent;
    "board-select": SelectEvent;
    "board-edit": EditEvent;
  }
}
