/** Visible text about saved games, settings and addresses. */

import { dateAndTime, spoken } from ".";
import { reasonWord } from "./ends";
import type { SavedEnd, SavedGame } from "../state/saved-game";

const shortened = (value: string): string => (value.length > 24 ? `${value.slice(0, 24)}…` : value);

export const stateWords = spoken(
  {
    forbidden: "This browser does not let the page store anything, so games and settings last until the page is closed. The address keeps the moves: copy it to come back to them.",
    full: "The browser's storage for this site is full: the latest moves are not saved. Delete saved games to make room.",
    gameTooLong: "This game is too long to be saved in the browser. Save it as a file.",
    unreadableSettings: "The stored settings could not be read and were set aside; the page uses its defaults.",
    changedElsewhere: "This game was played on in another tab. If you play on here, this tab makes a copy of its own.",
    badAddress: (defects: readonly string[]): string => `The address could not be used as it stands: ${defects.join("; ")}.`,
    addressTooLong: (length: number, most: number): string => `it has ${length} characters, more than ${most}`,
    addressField: (field: string, value: string): string => `${field}=${shortened(value)} means nothing here`,
    unreadable: "not JSON",
    notAGame: "not a saved game",
    otherVersion: (version: number): string => `written by another version of this page (${version})`,
  },
  {
    forbidden: "このブラウザーではページがデータを保存できないため、棋譜と設定はページを閉じるまでしか残りません。指し手はアドレスに入っています。コピーしておけば続きから再開できます。",
    full: "ブラウザーがこのサイトに割り当てた保存領域がいっぱいで、最新の指し手を保存できません。保存した棋譜を削除して空きを作ってください。",
    gameTooLong: "この棋譜は長すぎてブラウザーに保存できません。ファイルに保存してください。",
    unreadableSettings: "保存されていた設定を読み取れなかったため別に取り置き、初期設定を使います。",
    changedElsewhere: "この対局は別のタブで進められました。ここで指し続けると、このタブ用の写しができます。",
    badAddress: (defects) => `アドレスをそのままでは使えません：${defects.join("、")}。`,
    addressTooLong: (length, most) => `${length}文字あり、上限の${most}文字を超えています`,
    addressField: (field, value) => `${field}=${shortened(value)} に意味がありません`,
    unreadable: "JSONではありません",
    notAGame: "保存された棋譜ではありません",
    otherVersion: (version) => `このページの別のバージョン（${version}）で書かれています`,
  },
);

const countMoves = (moves: string): number => (moves === "" ? 0 : moves.split(" ").length);

/** Words of the list of saved games. */
export const savedWords = spoken(
  {
    none: "No saved games yet.",
    unreadableTitle: "A game that cannot be read",
    title: ({ black, white }: SavedGame): string => (black === "" && white === "" ? "Game without names" : `${black} – ${white}`),
    end: (end: SavedEnd | null): string => {
      if (!end) return "not finished";
      if (end.winner === null) return `no winner: ${reasonWord(end.reason)}`;
      return `${end.winner === 0 ? "Black" : "White"} won: ${reasonWord(end.reason)}`;
    },
    about: (game: SavedGame): string => {
      const plies = countMoves(game.moves);
      const page = game.page === "analysis" ? " · analysis" : "";
      return `${plies} ${plies === 1 ? "move" : "moves"} · ${endOf(game)} · ${dateAndTime(game.changed)}${page}`;
    },
    delete: "Delete",
    deleteNamed: (title: string): string => `Delete ${title}`,
    sure: "Sure?",
    sureNamed: (title: string): string => `Sure? Deletes ${title} for good`,
  },
  {
    none: "保存した棋譜はまだありません。",
    unreadableTitle: "読み取れない棋譜",
    title: ({ black, white }) => (black === "" && white === "" ? "対局者名なし" : `${black} – ${white}`),
    end: (end) => {
      if (!end) return "対局中";
      if (end.winner === null) return `勝敗なし（${reasonWord(end.reason)}）`;
      return `${end.winner === 0 ? "先手" : "後手"}の勝ち（${reasonWord(end.reason)}）`;
    },
    about: (game) => `${countMoves(game.moves)}手・${endOf(game)}・${dateAndTime(game.changed)}${game.page === "analysis" ? "・検討" : ""}`,
    delete: "削除",
    deleteNamed: (title) => `${title}を削除`,
    sure: "本当に？",
    sureNamed: (title) => `本当に？ ${title}を完全に削除します`,
  },
);

const endOf = ({ end }: SavedGame): string => savedWords.end(end);
