/** Setting up a position: the board's editing mode, checked by the rules at every change. */

import { Editor } from "../board/editor";
import type { Color } from "../board/geometry";
import { type BoardState, ShogiBoard } from "../board/shogi-board";
import { element } from "../parts/shadow";
import { action } from "../parts/sheet";
import { EDITOR, GAME, setupFault } from "../words/analysis";
import { write } from "../words/mixed";
import { reason } from "../words/reason";
import { SIDES } from "../words/parts";
import { Board } from "../records";
import { type Start, checkedSetup, starts } from "./setup";

ShogiBoard.editor = Editor;

export interface EditorActions {
  /** The user wants to analyse this position. */
  apply(sfen: string): void;
  /** Editing ended, with or without a position. */
  ended(): void;
}

export class PositionEditor {
  readonly #board: ShogiBoard;
  readonly #actions: EditorActions;
  readonly #card: HTMLElement;
  readonly #start = element("select");
  readonly #sides: HTMLInputElement[] = [];
  readonly #sfen = element("input");
  readonly #faults = element("p", "small");
  readonly #apply: HTMLButtonElement;
  #starts: readonly Start[] = [];
  #state: BoardState | null = null;

  constructor(board: ShogiBoard, card: HTMLElement, actions: EditorActions) {
    this.#board = board;
    this.#card = card;
    this.#actions = actions;
    const labelled = (name: string, field: HTMLElement, id: string): HTMLElement => {
      const label = element("label", "field-label", name);
      field.id = id;
      label.setAttribute("for", id);
      const box = element("div", "labelled");
      box.append(label, field);
      return box;
    };
    const turn = element("fieldset", "segments");
    turn.append(element("legend", "", EDITOR.turn));
    SIDES.forEach((name, side) => {
      const label = element("label");
      const input = element("input");
      input.type = "radio";
      input.name = "editor-turn";
      input.addEventListener("change", () => this.#turnTo(side as Color));
      label.append(input, element("span", "", name));
      this.#sides.push(input);
      turn.append(label);
    });
    this.#sfen.type = "text";
    this.#sfen.spellcheck = false;
    this.#sfen.addEventListener("change", () => this.#readSfen(this.#sfen.value.trim()));
    this.#start.addEventListener("change", () => {
      const start = this.#starts[Number(this.#start.value)];
      if (start) this.#readSfen(start.sfen);
    });
    this.#faults.setAttribute("role", "status");
    this.#apply = action(EDITOR.apply, () => this.#finish(), "primary");
    const row = element("div", "dialog-row");
    row.append(this.#apply, action(EDITOR.cancel, () => this.end()));
    card.append(
      element("h2", "", EDITOR.title),
      element("p", "muted small", EDITOR.hint),
      labelled(EDITOR.start, this.#start, "editor-start"),
      turn,
      labelled(EDITOR.sfen, this.#sfen, "editor-sfen"),
      this.#faults,
      row,
    );
    board.addEventListener("board-edit", ({ detail }) => {
      if (!this.#state) return;
      this.#state = { ...this.#state, squares: detail.squares, hands: detail.hands };
      this.#check();
    });
  }

  get active(): boolean {
    return this.#state !== null;
  }

  /** Begins with a position. */
  begin(sfen: string): void {
    if (this.#starts.length === 0) {
      this.#starts = [{ name: EDITOR.current, sfen }, ...starts()];
      this.#start.replaceChildren(
        ...this.#starts.map(({ name }, index) => {
          const option = element("option", "", name);
          option.value = String(index);
          return option;
        }),
      );
    }
    this.#starts = [{ name: EDITOR.current, sfen }, ...this.#starts.slice(1)];
    this.#start.value = "0";
    this.#card.hidden = false;
    this.#readSfen(sfen);
    this.#card.scrollIntoView({ block: "nearest" });
  }

  #readSfen(sfen: string): void {
    let board: Board;
    try {
      board = new Board(sfen, 0);
    } catch (error) {
      write(this.#faults, EDITOR.invalid(reason(error)));
      return;
    }
    this.#show({ squares: board.squares(), hands: board.hands(), turn: board.side_to_move() as Color });
    board.free();
  }

  #show(state: BoardState): void {
    this.#state = state;
    this.#board.rules = null;
    this.#board.arrows = [];
    this.#board.heat = null;
    this.#board.state = state;
    this.#board.editing = true;
    this.#check();
  }

  #turnTo(side: Color): void {
    if (this.#state) this.#show({ ...this.#state, turn: side });
  }

  /** Asks the rules whether a game can start here. */
  #check(): string | null {
    const state = this.#state;
    if (!state) return null;
    this.#sides.forEach((input, side) => {
      input.checked = side === state.turn;
    });
    const { sfen, faults } = checkedSetup(state);
    this.#faults.textContent = GAME.sentences(faults.map(setupFault));
    if (sfen !== null) this.#sfen.value = sfen;
    this.#apply.setAttribute("aria-disabled", String(sfen === null));
    return sfen;
  }

  #finish(): void {
    const sfen = this.#check();
    if (sfen === null) return;
    this.end();
    this.#actions.apply(sfen);
  }

  /** Leaves the editing mode; the position is not taken over. */
  end(): void {
    if (!this.#state) return;
    this.#state = null;
    this.#card.hidden = true;
    this.#board.editing = false;
    this.#actions.ended();
  }
}
