/**
 * Words of the embedded elements. Each element has its own language, so words are chosen by element, not by page, and a page of another
 * site loads those that it shows.
 */

import type { EmbedWords } from "./english";

/** Languages that the elements speak. */
export const LANGUAGES = ["ja", "en"] as const;
export type Language = (typeof LANGUAGES)[number];

/** The words of a language, loaded once. */
export const loadWords = async (language: Language): Promise<EmbedWords> =>
  (await (language === "ja" ? import("./japanese") : import("./english"))).WORDS;
