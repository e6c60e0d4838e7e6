/** Code that both pages share: finding elements, reporting problems, opening files, the piece set switch. */

import { PIECE_SETS } from "../board/piece-set";
import type { ShogiBoard } from "../board/shogi-board";
import { applyLook } from "../state/look";
import type { Settings, SettingsStore } from "../state/settings";
import { pageWords as words } from "../words/parts";

export { reason } from "../words/reason";
import { element } from "./shadow";

/** The element with this id; the page's own markup has it. */
export function byId<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no ${type.name} #${id}`);
  return found;
}

/** Shows what went wrong until the user closes it. */
export function showProblem(text: string): void {
  const box = byId("problem", HTMLDivElement);
  const close = element("button", "", words.close);
  close.type = "button";
  close.addEventListener("click", () => {
    box.hidden = true;
  });
  box.replaceChildren(element("span", "", text), close);
  box.hidden = false;
  box.scrollIntoView({ block: "nearest" });
}

export function hideProblem(): void {
  byId("problem", HTMLDivElement).hidden = true;
}

/** Opens files that are dropped anywhere on the page or chosen with an input. */
export function onFile(input: HTMLInputElement, open: (file: File) => void): void {
  const hint = byId("drop-hint", HTMLDivElement);
  const carriesFile = (event: DragEvent): boolean => event.dataTransfer?.types.includes("Files") ?? false;
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    if (file) open(file);
    input.value = "";
  });
  addEventListener("dragover", (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    hint.hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) hint.hidden = true;
  });
  addEventListener("drop", (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    hint.hidden = true;
    const file = event.dataTransfer?.files[0];
    if (file) open(file);
  });
}

/**
 * Enables a button or not. A disabled button would lose the focus, and with it a keyboard user's place, so it stays focusable and
 * says that it does nothing; `onPress` keeps to that.
 */
export function setEnabled(button: HTMLButtonElement, enabled: boolean): void {
  if (enabled) button.removeAttribute("aria-disabled");
  else button.setAttribute("aria-disabled", "true");
}

/** Acts on clicks while the button is enabled. */
export function onPress(button: HTMLButtonElement, action: () => void): void {
  button.addEventListener("click", () => {
    if (button.getAttribute("aria-disabled") !== "true") action();
  });
}

/** How long a question for a second click stands. */
const ASKING_MS = 4000;

/** Acts on the second click; the first one changes the button's text into a question. */
export class TwoClicks {
  readonly #button: HTMLButtonElement;
  readonly #text: string;
  #asking: ReturnType<typeof setTimeout> | undefined;

  constructor(button: HTMLButtonElement, question: string, action: () => void) {
    this.#button = button;
    this.#text = button.textContent ?? "";
    onPress(button, () => {
      if (this.#asking !== undefined) {
        this.stop();
        action();
        return;
      }
      button.textContent = question;
      button.classList.add("asking");
      this.#asking = setTimeout(() => this.stop(), ASKING_MS);
    });
  }

  /** Takes the question back. */
  stop(): void {
    if (this.#asking === undefined) return;
    clearTimeout(this.#asking);
    this.#asking = undefined;
    this.#button.textContent = this.#text;
    this.#button.classList.remove("asking");
  }
}

/** Wires the piece set switch and the flip button (also the key f) of a page to its board; `flipped` is told of a turned board. */
export function boardSwitches(board: ShogiBoard, settings: SettingsStore, flipped: () => void = () => {}): void {
  const inputs = byId("piece-set", HTMLFieldSetElement).querySelectorAll("input");
  const draw = ({ pieceSet, boardTheme, appearance }: Readonly<Settings>): void => {
    board.pieceSet = pieceSet;
    board.setAttribute("theme", boardTheme);
    applyLook({ boardTheme, appearance });
    for (const input of inputs) input.checked = input.value === pieceSet;
  };
  draw(settings.value);
  settings.watch(draw);
  for (const input of inputs) {
    input.addEventListener("change", () => {
      board.pieceSet = PIECE_SETS.find((set) => set === input.value) ?? board.pieceSet;
      settings.change({ pieceSet: board.pieceSet });
    });
  }
  const flip = (): void => {
    board.orientation = board.orientation === 0 ? 1 : 0;
    flipped();
  };
  byId("flip", HTMLButtonElement).addEventListener("click", flip);
  addEventListener("keydown", (event) => {
    if (event.key === "f" && !isTyping(event) && !event.ctrlKey && !event.metaKey && !event.altKey) flip();
  });
}

/** Whether a key belongs to a control rather than to the page. */
export function isTyping(event: KeyboardEvent): boolean {
  const target = event.composedPath()[0];
  return target instanceof HTMLInputElement || target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement;
}
