/** Visible text of the settings, which every page has. */

import { spoken } from ".";
import type { PieceSet } from "../board/piece-set";
import type { Appearance, BoardTheme, Notation } from "../state/settings";

export const settingsWords = spoken(
  {
    title: "Settings",
    close: "Close",
    language: "Language",
    byBrowser: "As the browser",
    notation: "Moves",
    /** An example stands beside each name. */
    notations: { japanese: "Japanese", western: "Western", usi: "USI" } satisfies Record<Notation, string>,
    pieces: "Pieces",
    pieceSets: { kanji: "One kanji", "two-kanji": "Two kanji", international: "International" } satisfies Record<PieceSet, string>,
    board: "Board",
    boardThemes: { wood: "Wood", walnut: "Dark wood", paper: "Paper", slate: "Slate" } satisfies Record<BoardTheme, string>,
    appearance: "Colours of the page",
    appearances: { system: "As the system", light: "Light", dark: "Dark" } satisfies Record<Appearance, string>,
    feedback: "Sound and vibration",
    sound: "Sound of the pieces",
    haptics: "Vibration",
    noHaptics: "This device or browser does not vibrate.",
    kept: "Kept in this browser.",
    notKept: "This browser stores nothing for this site: the settings last until the page is closed.",
  },
  {
    title: "設定",
    close: "閉じる",
    language: "言語",
    byBrowser: "ブラウザーに従う",
    notation: "指し手の表記",
    notations: { japanese: "日本式", western: "欧文式", usi: "USI" },
    pieces: "駒",
    pieceSets: { kanji: "一文字駒", "two-kanji": "二文字駒", international: "国際駒" },
    board: "盤",
    boardThemes: { wood: "木", walnut: "濃い木", paper: "紙", slate: "石" },
    appearance: "画面の色",
    appearances: { system: "端末に従う", light: "明るい", dark: "暗い" },
    feedback: "音と振動",
    sound: "駒音を鳴らす",
    haptics: "振動させる",
    noHaptics: "この端末またはブラウザーは振動に対応していません。",
    kept: "設定はこのブラウザーに保存されます。",
    notKept: "このブラウザーはこのサイトのデータを保存しません。設定はページを閉じるまで有効です。",
  },
);
