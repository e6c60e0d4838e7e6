/** Code that both pages share: finding elements, reporting problems, opening files, the piece set switch. */

import type { ShogiBoard } from "../board/shogi-board";
import type { PieceSet } from "../board/pieces";
import type { Candidate } from "../protocol";
import { element } from "./shadow";

/** The element with this id; the page's own markup has it. */
export function byId<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no ${type.name} #${id}`);
  return found;
}

export const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Shows what went wrong until the user closes it. */
export function showProblem(text: string): void {
  const box = byId("problem", HTMLDivElement);
  const close = element("button", "", "Close");
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

/** Largest file in bytes that fits the wasm's memory with room to work in. */
const LARGEST_FILE = 1 << 30;

/** The bytes of a file; an error if it is too large. */
export async function bytesOf(file: File): Promise<ArrayBuffer> {
  if (file.size > LARGEST_FILE) throw new Error(`the file has ${file.size} bytes, more than a page can hold (${LARGEST_FILE})`);
  return file.arrayBuffer();
}

const SET_KEY = "keisei.piece-set";

/** The browser may forbid storage; a preference is then kept for this page only. */
function remembered(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Nothing is lost but the preference.
  }
}

/** Readers of Japanese, Chinese or Korean get kanji, others letters, until they choose. */
function preferredSet(): PieceSet {
  const stored = remembered(SET_KEY);
  if (stored === "kanji" || stored === "international") return stored;
  return navigator.languages.some((language) => /^(ja|zh|ko)\b/.test(language)) ? "kanji" : "international";
}

/** Wires the piece set switch and the flip button (also the key f) of a page to its board. */
export function boardSwitches(board: ShogiBoard): void {
  const inputs = byId("piece-set", HTMLFieldSetElement).querySelectorAll("input");
  const set = preferredSet();
  board.pieceSet = set;
  for (const input of inputs) {
    input.checked = input.value === set;
    input.addEventListener("change", () => {
      board.pieceSet = input.value === "kanji" ? "kanji" : "international";
      remember(SET_KEY, input.value);
    });
  }
  const flip = (): void => {
    board.orientation = board.orientation === 0 ? 1 : 0;
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

/** Lists candidate moves with their share, and with a search's value and continuation; the played move is marked. */
export function showCandidates(list: HTMLOListElement, candidates: readonly Candidate[], played?: string): void {
  list.replaceChildren(
    ...candidates.map(({ usi, text, probability, value, line }) => {
      const row = element("li", usi === played ? "played" : "");
      row.dataset["usi"] = usi;
      const bar = element("span", "bar");
      const fill = element("span");
      fill.style.width = `${(probability * 100).toFixed(1)}%`;
      bar.append(fill);
      const percent = probability < 0.0095 ? "< 1 %" : `${Math.round(probability * 100)} %`;
      row.append(element("span", "", text), bar, element("span", "share", percent));
      if (value !== undefined) {
        const wins = `${Math.round((50 * (1 + value)))} % for it`;
        row.append(element("span", "line", line === undefined ? wins : `${wins}, then ${line}`));
      }
      return row;
    }),
  );
}
