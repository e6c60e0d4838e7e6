/** The editor's box: every kind of piece for one side, and tools for the picked piece. */

import { boardWords as words } from "../words/board";
import { div, stepFocus, write, writeText } from "./dom";
import type { Color } from "./geometry";
import { kindOf, pieceCode, pieceIcon } from "./pieces";
import type { Scene, Spot } from "./state";

/** Kinds in the box: K R B G S N L P, then the promoted ones. */
const KINDS = [7, 6, 5, 4, 3, 2, 1, 0, 13, 12, 11, 10, 9, 8];

/** Tools of the box, in their order. */
export type Tool = "side" | "turn" | "promote" | "remove" | "more" | "less";

const TOOLS: readonly (readonly [tool: Tool, text: string, name: string | null])[] = [
  ["side", "", null],
  ["turn", words.turnOver, null],
  ["promote", words.promoteTool, null],
  ["remove", words.remove, null],
  ["more", words.oneMore, words.oneMoreName],
  ["less", words.oneLess, words.oneLessName],
];

export class PieceBox {
  readonly element = div("box", { hidden: "" });
  /** The side whose pieces the box holds. */
  color: Color = 0;
  readonly #pieces: HTMLButtonElement[];
  readonly #tools: HTMLButtonElement[];
  #drawn = "";

  constructor(use: (tool: Tool) => void) {
    this.#pieces = KINDS.map(() => button("box-piece"));
    this.#tools = TOOLS.map(([tool, text, name]) => {
      const made = button("tool");
      made.dataset["tool"] = tool;
      made.textContent = text;
      if (name !== null) made.setAttribute("aria-label", name);
      made.addEventListener("click", () => use(tool));
      return made;
    });
    this.element.append(
      div("box-pieces", { role: "toolbar", "aria-label": words.box }, ...this.#pieces),
      div("tools", { role: "toolbar", "aria-label": words.tools }, ...this.#tools),
    );
  }

  draw(scene: Scene): void {
    const { editing, orientation } = scene;
    write(this.element, "hidden", editing ? null : "");
    if (!editing) return;
    const side = words.sides[this.color];
    const drawn = `${this.color} ${orientation}`;
    this.#pieces.forEach((piece, index) => {
      const code = pieceCode(KINDS[index] ?? 0, this.color);
      if (drawn !== this.#drawn) piece.replaceChildren(pieceIcon(code, this.color === orientation));
      write(piece, "aria-label", words.piece(side, kindOf(code)));
      write(piece, "aria-pressed", String(scene.isChosen({ on: "box", code })));
    });
    this.#drawn = drawn;
    const sideTool = this.#tools[0];
    if (sideTool) writeText(sideTool, words.boxSide(side));
    for (const row of [this.#pieces, this.#tools]) {
      const stop = row.find((element) => element.matches(":focus")) ?? row.find((element) => element.tabIndex === 0) ?? row[0];
      for (const element of row) write(element, "tabindex", element === stop ? "0" : "-1");
    }
  }

  /** The spot of a piece in the box; null for another element. */
  spotOf(element: Element): Spot | null {
    const index = this.#pieces.indexOf(element as HTMLButtonElement);
    return index < 0 ? null : { on: "box", code: pieceCode(KINDS[index] ?? 0, this.color) };
  }

  /** Moves the focus within the row of pieces or of tools that has it. */
  step(steps: number): void {
    stepFocus(this.#pieces, steps);
    stepFocus(this.#tools, steps);
  }
}

function button(className: string): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  made.className = className;
  return made;
}
