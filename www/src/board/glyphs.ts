/** Glyph outlines by piece set, each loaded when it is first drawn: one set is all that most visits see. */

import type { PieceSet } from "./piece-set";

type Outlines = Readonly<Record<string, string>>;

/** Units of an em in the outlines: a fifth of a pixel on a board of 500 px. */
export const EM = 200;

const kanji = (): Promise<Outlines> => import("./outlines/kanji").then(({ KANJI }) => KANJI);
const pairs = (): Promise<Outlines> => import("./outlines/pairs").then(({ PAIRS }) => PAIRS);
const letters = (): Promise<Outlines> => import("./outlines/letters").then(({ LETTERS }) => LETTERS);
const FILES: Readonly<Record<PieceSet, readonly (() => Promise<Outlines>)[]>> = {
  kanji: [kanji],
  "two-kanji": [kanji, pairs],
  international: [letters],
};

const known: Record<string, string> = {};
const loading = new Map<PieceSet, Promise<void>>();

/** Loads the outlines of a set, once. */
export function loadOutlines(set: PieceSet): Promise<void> {
  const load = async (): Promise<void> => {
    for (const outlines of await Promise.all(FILES[set].map((file) => file()))) addOutlines(outlines);
  };
  const begun = loading.get(set) ?? load();
  loading.set(set, begun);
  return begun;
}

/** Adds outlines to those that can be drawn. */
export const addOutlines = (outlines: Outlines): void => void Object.assign(known, outlines);

/** Path of a character's glyph in units of `1 / EM` em, y downwards, ink centred on (0, 0); empty if its set is not loaded. */
export const outlineOf = (character: string): string => known[character] ?? "";
