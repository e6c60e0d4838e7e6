/** Attributes of the embedded elements: each is read leniently, and one that means nothing gives a notice and its default. */

import type { Color } from "../board/geometry";
import { PIECE_SETS, type PieceSet } from "../board/piece-set";
import { LANGUAGES, type Language } from "../words/embed";
import type { EmbedWords } from "../words/embed/english";

export const THEMES = ["wood", "walnut", "paper", "slate"] as const;
export const NOTATIONS = ["japanese", "western", "usi"] as const;
export type Notation = (typeof NOTATIONS)[number];
const SIDES = ["black", "white"] as const;
/** The players' usual names of the sides. */
const OTHER_SIDES: Readonly<Record<string, Color>> = { b: 0, black: 0, sente: 0, w: 1, white: 1, gote: 1 };

/** The language of an element: its own `lang`, that of an element around it, or the browser's first that is spoken here. */
export function languageOf(element: Element): Language {
  const spoken = (tag: string | null | undefined): Language | undefined =>
    LANGUAGES.find((language) => language === tag?.toLowerCase().split("-")[0]);
  let at: Element | null = element;
  while (at) {
    const around: Element | null = at.closest("[lang]");
    const tag = around?.getAttribute("lang");
    if (tag) return spoken(tag) ?? "en";
    const root = (around ?? at).getRootNode();
    at = root instanceof ShadowRoot ? root.host : null;
  }
  return navigator.languages.map(spoken).find((language) => language !== undefined) ?? "en";
}

/** Reader of an element's attributes, which collects what it did not understand. */
export class Attributes {
  readonly notices: string[] = [];
  readonly #element: Element;
  readonly #words: EmbedWords;

  constructor(element: Element, words: EmbedWords) {
    this.#element = element;
    this.#words = words;
  }

  text(name: string): string | null {
    return this.#element.getAttribute(name);
  }

  /** One of some words; null without the attribute. */
  oneOf<T extends string>(name: string, values: readonly T[]): T | null {
    const value = this.text(name)?.trim().toLowerCase();
    if (value === undefined || value === "") return null;
    const found = values.find((known) => known === value);
    if (found === undefined) this.refuse(name, this.#words.oneOf(values));
    return found ?? null;
  }

  number(name: string, least: number, most: number): number | null {
    const value = this.text(name)?.trim();
    if (value === undefined || value === "") return null;
    const number = /^\d{1,6}(\.\d{1,3})?$/.test(value) ? Number(value) : Number.NaN;
    if (number >= least && number <= most) return number;
    this.refuse(name, this.#words.number(least, most));
    return null;
  }

  orientation(): Color | null {
    const value = this.text("orientation")?.trim().toLowerCase();
    if (value === undefined || value === "") return null;
    if (Object.hasOwn(OTHER_SIDES, value)) return OTHER_SIDES[value] ?? null;
    this.refuse("orientation", this.#words.oneOf(SIDES));
    return null;
  }

  /** Number of moves at which the game is shown first; "end" is beyond every game. */
  ply(): number | null {
    const value = this.text("ply")?.trim().toLowerCase();
    if (value === undefined || value === "") return null;
    if (value === "end" || value === "last") return Number.POSITIVE_INFINITY;
    if (/^\d{1,5}$/.test(value)) return Number(value);
    this.refuse("ply", this.#words.plyNumber);
    return null;
  }

  /** The set of pieces: letters for readers of English, kanji for those of Japanese. */
  pieceSet(language: Language): PieceSet {
    return this.oneOf("piece-set", PIECE_SETS) ?? (language === "ja" ? "kanji" : "international");
  }

  refuse(name: string, expected: string): void {
    this.notices.push(this.#words.attribute(name, this.text(name) ?? "", expected));
  }
}
