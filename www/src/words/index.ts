/**
 * Languages: which one the page speaks, and the form of a catalogue.
 *
 * A part has a file of its own here, which declares its words in English and in Japanese, side by side:
 *
 *     export const runWords = spoken(
 *       {
 *         title: "Runs",
 *         games: (count: number): string => (count === 1 ? "1 game" : `${decimal(count)} games`),
 *         kinds: { win: "win", draw: "draw" } satisfies Record<Kind, string>,
 *       },
 *       {
 *         title: "学習記録",
 *         games: (count) => `${decimal(count)}局`,
 *         kinds: { win: "勝ち", draw: "引き分け" },
 *       },
 *     );
 *
 * - The compiler demands every key in both, with the same parameters, and none besides. What both share is a constant above.
 * - Whoever shows a text imports the catalogue and reads it: `import { runWords as words } from "../words/run"`. The language never
 *   changes while a page lives. A switch stores the setting and loads the page again (`speak` in `state/language.ts`), which finds
 *   its game, its place and its options in the browser's storage and in the address, as after any reload.
 * - The build puts the catalogues of each language into chunks of their own (`build/catalogues.ts`); a page loads those of its language.
 *   A catalogue therefore imports nothing that has state. One that few visits need, such as that of the settings, stays whole.
 * - Text of the HTML files stands in pairs, `[[Close|閉じる]]`, in text, attributes, `<title>` and `<option>`: vite.config.ts writes
 *   both into the built page and fails on a pair that lacks one. `public/language.js` chooses between them before the first paint,
 *   also for pages without any other script. A script finds the chosen text only. Texts in `<noscript>` show in both languages,
 *   each in an element with its own `lang`.
 * - `lang` of the document follows the language. An element whose text is in the other language says so: `lang` from `moveLanguage` for
 *   the text of moves, `lang="en"` for what comes in English from elsewhere, such as a reason from the Rust side. Text of players and
 *   files has no known language and gets none.
 * - What crosses from the Rust side is an id, and its words stand in a catalogue, `Record<Id, …>`.
 *
 * Terms, the same everywhere:
 *
 * | English | Japanese | | English | Japanese |
 * |---|---|---|---|---|
 * | agent | AI | | Black, White | 先手、後手 |
 * | network | ネットワーク | | move (of a game) | 手、指し手 |
 * | game, record | 対局、棋譜 | | variation, line | 変化、読み筋 |
 * | analysis | 検討 | | candidates | 候補手 |
 * | position | 局面 | | evaluation, value | 評価、形勢 |
 * | hand | 持ち駒 | | policy | 方策 |
 * | to resign | 投了 | | visits | 探索数 |
 * | settings | 設定 | | heat map | ヒートマップ |
 *
 * Japanese has no space around Latin words and numbers, full-width punctuation （：、。）, and polite sentences in messages; labels are
 * short nouns.
 */

export const LANGUAGES = ["en", "ja"] as const;
export type Language = (typeof LANGUAGES)[number];

/** The language of this page, which `public/language.js` has written into the document (see there for how it is chosen). */
export const language: Language = typeof document === "object" && /^ja\b/.test(document.documentElement.lang) ? "ja" : "en";

/** A catalogue of the same form with other texts. */
export type Same<T> = T extends string
  ? string
  : T extends (...parameters: infer Parameters) => infer Result
    ? (...parameters: Parameters) => Same<Result>
    : { readonly [Key in keyof T]: Same<T[Key]> };

/** The words of a part in the language of the page. */
export const spoken = <const T>(en: T, ja: Same<NoInfer<T>>): Same<T> => (language === "ja" ? ja : (en as Same<T>));

/** A number with the separators of the language. Below a thousand there are none, and the browser need not load its tables for them. */
export const decimal = (value: number): string =>
  Number.isInteger(value) && Math.abs(value) < 1000 ? `${value}` : value.toLocaleString(language);

/** Date and time of day. */
export const dateAndTime = (milliseconds: number): string =>
  new Date(milliseconds).toLocaleString(language === "en" ? "en-GB" : language, { dateStyle: "medium", timeStyle: "short" });

/** Language of the text of moves in a notation, for the attribute `lang` where it is not the document's; null where it is, or is none. */
export const moveLanguage = (notation: "western" | "japanese" | "usi"): Language | null => {
  const spokenIn = notation === "japanese" ? "ja" : "en";
  return notation === "usi" || spokenIn === language ? null : spokenIn;
};
