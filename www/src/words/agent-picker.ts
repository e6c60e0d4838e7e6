/** Visible text of the list of agents, and of what can go wrong with agents and their files. */

import { dateAndTime, decimal, language, spoken } from ".";
import type { KeepingProblem } from "../agents/kept-models";
import type { ManifestDefect, ShippedRating, StrengthWord } from "../agents/manifest";
import type { Details, ProblemKind } from "../agents/problem";
import { bytesText } from "./agents";
import { told } from "./reason";

const size = (bytes: number | undefined): string => bytesText(bytes ?? 0);

export const pickerWords = spoken(
  {
    title: "Agents",
    titleSecond: "White's agent",
    close: "Close",
    waiting: "Looking for agents…",
    siteName: "This site's agent",
    siteAbout: "the one that opens by itself",
    opened: (time: number): string => `your file, last used ${dateAndTime(time)}`,
    toDownload: (bytes: number): string => `${size(bytes)} to download`,
    here: (bytes: number): string => `${size(bytes)}, on this device`,
    playing: "playing now",
    about: "About",
    aboutNamed: (name: string): string => `About ${name}`,
    remove: "Remove",
    removeNamed: (name: string): string => `Remove ${name} from this browser`,
    sure: "Sure?",
    sureNamed: (name: string): string => `Sure? Remove ${name} from this browser`,
    openFile: "Open a model file…",
    openHint: "A file that you open stays in this browser, and nowhere else.",
    storage: (count: number, bytes: number): string =>
      count === 0 ? "This browser keeps no models." : `This browser keeps ${count === 1 ? "1 model" : `${count} models`}, ${size(bytes)}.`,
    clear: "Clear storage",
    clearSure: "Remove all models?",
    unmeasured: "strength not measured",
    elo: (elo: number, low: number | undefined, high: number | undefined): string =>
      low === undefined || high === undefined ? `Elo ${elo}` : `Elo ${elo} (${low} to ${high})`,
    play: (visits: number): string => (visits === 0 ? "without search" : `${decimal(visits)} ${visits === 1 ? "visit" : "visits"} a move`),
    strengths: {
      first_games: "for first games",
      beginner: "for beginners",
      casual: "for casual players",
      club: "for club players",
      strong: "strong",
    } satisfies Record<StrengthWord, string>,
    facts: {
      sha256: "SHA-256",
      file: "File",
      network: "Network",
      plies: "Learned from",
      run: "Run",
      seconds: "Training time",
      seed: "Seed",
      settings: "Settings (SHA-256)",
      revision: "Revision",
      machine: "Machine",
      command: "Made by",
      created: "Exported",
      notes: "Notes",
      rating: "Measured",
    },
    network: (blocks: number, channels: number, weights: string, dtype: string): string =>
      `${blocks} blocks of ${channels} channels, ${weights} weights${dtype === "" ? "" : `, ${dtype}`}`,
    plies: (count: string): string => `${count} moves of its own games`,
    run: (name: string, iteration: number | undefined): string => [name, iteration === undefined ? "" : `iteration ${iteration}`].filter(Boolean).join(", "),
    duration: (seconds: number): string => {
      const minutes = Math.round(seconds / 60);
      if (minutes < 1) return `${Math.round(seconds)} s`;
      return minutes < 120 ? `${minutes} min` : `${(seconds / 3600).toFixed(1)} h`;
    },
    rating: ({ play, elo, low, high, anchor, games }: ShippedRating): string =>
      `${play}: Elo ${elo}${low === undefined || high === undefined ? "" : ` (95 %: ${low} to ${high})`}, where ${anchor} is 0${games === undefined ? "" : `; ${decimal(games)} games`}`,
  },
  {
    title: "AI",
    titleSecond: "後手のAI",
    close: "閉じる",
    waiting: "AIを探しています…",
    siteName: "このサイトのAI",
    siteAbout: "最初に開くもの",
    opened: (time) => `開いたファイル、最終使用 ${dateAndTime(time)}`,
    toDownload: (bytes) => `ダウンロード ${size(bytes)}`,
    here: (bytes) => `${size(bytes)}、この端末に保存済み`,
    playing: "使用中",
    about: "詳細",
    aboutNamed: (name) => `${name}の詳細`,
    remove: "削除",
    removeNamed: (name) => `${name}をこのブラウザーから削除`,
    sure: "本当に？",
    sureNamed: (name) => `本当に？${name}をこのブラウザーから削除`,
    openFile: "モデルファイルを開く…",
    openHint: "開いたファイルはこのブラウザーの中だけに保存されます。",
    storage: (count, bytes) => (count === 0 ? "このブラウザーに保存されたモデルはありません。" : `このブラウザーに${count}個のモデル（${size(bytes)}）を保存しています。`),
    clear: "保存データを消去",
    clearSure: "すべて削除しますか",
    unmeasured: "棋力は未測定",
    elo: (elo, low, high) => (low === undefined || high === undefined ? `Elo ${elo}` : `Elo ${elo}（${low}～${high}）`),
    play: (visits) => (visits === 0 ? "探索なし" : `1手${decimal(visits)}回探索`),
    strengths: {
      first_games: "はじめての対局に",
      beginner: "初心者向け",
      casual: "たまに指す人向け",
      club: "有段者向け",
      strong: "強い",
    },
    facts: {
      sha256: "SHA-256",
      file: "ファイル",
      network: "ネットワーク",
      plies: "学習量",
      run: "学習",
      seconds: "学習時間",
      seed: "シード",
      settings: "設定（SHA-256）",
      revision: "リビジョン",
      machine: "マシン",
      command: "作成コマンド",
      created: "書き出し",
      notes: "メモ",
      rating: "測定",
    },
    network: (blocks, channels, weights, dtype) => `${channels}チャンネル×${blocks}ブロック、重み${weights}個${dtype === "" ? "" : `、${dtype}`}`,
    plies: (count) => `自己対局${count}手`,
    run: (name, iteration) => [name, iteration === undefined ? "" : `反復${iteration}回`].filter(Boolean).join("、"),
    duration: (seconds) => {
      const minutes = Math.round(seconds / 60);
      if (minutes < 1) return `${Math.round(seconds)}秒`;
      return minutes < 120 ? `${minutes}分` : `${(seconds / 3600).toFixed(1)}時間`;
    },
    rating: ({ play, elo, low, high, anchor, games }) =>
      `${play}: Elo ${elo}${low === undefined || high === undefined ? "" : `（95％区間 ${low}～${high}）`}、${anchor}を0とする${games === undefined ? "" : `、${decimal(games)}局`}`,
  },
);

type Sentence = (details: Details) => string;

/** What is wrong with a model, as a sentence. */
export const problemWords: Record<ProblemKind, Sentence> = spoken(
  {
    other_file: () => "It is another file than the list of agents promises, or it was damaged on its way: its SHA-256 differs.",
    not_a_model: () => "It is not a model file.",
    version: () => "It was written for another version of this page.",
    length: () => "It is not a model file, or it was cut off.",
    damaged: () => "The file is damaged.",
    encoding: () => "It needs inputs or moves that this page does not know.",
    network: () => "Its network is none that this page can run.",
    missing: () => "The file is not there.",
    answered: ({ status }: Details) => `The server answered with error ${status ?? 0}.`,
    unreachable: () => "It could not be downloaded: the connection failed.",
    too_large: ({ found, expected }: Details) => `It has ${size(found)}, and a page opens models up to ${size(expected)}.`,
    size: ({ found, expected }: Details) => `It has ${size(found)}, but the list of agents promises ${size(expected)}.`,
    gone: () => "This browser keeps the model no more. Open its file again.",
    spoilt: () => "The copy in this browser was damaged and has been removed. Open the file again.",
    cancelled: () => "The download was cancelled.",
    other: ({ text }: Details) => told(text ?? ""),
  },
  {
    other_file: () => "AI一覧に書かれたものと違うファイルか、途中で壊れています（SHA-256が一致しません）。",
    not_a_model: () => "モデルファイルではありません。",
    version: () => "このページとは別のバージョン用のファイルです。",
    length: () => "モデルファイルではないか、途中で切れています。",
    damaged: () => "ファイルが壊れています。",
    encoding: () => "このページが知らない入力または指し手の形式です。",
    network: () => "このページでは動かせないネットワークです。",
    missing: () => "ファイルがありません。",
    answered: ({ status }) => `サーバーがエラー${status ?? 0}を返しました。`,
    unreachable: () => "接続できず、ダウンロードできませんでした。",
    too_large: ({ found, expected }) => `大きさは${size(found)}ですが、このページで開けるのは${size(expected)}までです。`,
    size: ({ found, expected }) => `大きさは${size(found)}ですが、AI一覧では${size(expected)}となっています。`,
    gone: () => "このモデルはもうブラウザーに保存されていません。ファイルを開き直してください。",
    spoilt: () => "ブラウザーに保存されたモデルが壊れていたため削除しました。ファイルを開き直してください。",
    cancelled: () => "ダウンロードを中止しました。",
    other: ({ text }) => told(text ?? ""),
  },
);

export const loadingWords = spoken(
  {
    failed: (name: string, why: string): string => `${name} could not be loaded. ${why}`,
    notOpened: (file: string, why: string): string => `${file} could not be opened: ${why}`,
    insteadOf: (name: string): string => `${name} plays in its place.`,
    notLoaded: "You can choose or open another agent.",
    lost: "The agent that you chose last is no longer on this site.",
    notKept: {
      forbidden: "The agent plays, but this browser does not let the page keep it: after a reload, open it again.",
      full: "The agent plays, but the browser has no room to keep it. Remove models that you do not need.",
    } satisfies Record<KeepingProblem, string>,
    notRemoved: "The browser did not let the page remove the model.",
  },
  {
    failed: (name, why) => `${name}を読み込めませんでした。${why}`,
    notOpened: (file, why) => `${file}を開けませんでした。${why}`,
    insteadOf: (name) => `代わりに${name}を使います。`,
    notLoaded: "別のAIを選ぶか、ファイルを開いてください。",
    lost: "前回選んだAIは、もうこのサイトにありません。",
    notKept: {
      forbidden: "AIは使えますが、このブラウザーではモデルを保存できません。再読み込みの後は開き直してください。",
      full: "AIは使えますが、ブラウザーに保存する空きがありません。不要なモデルを削除してください。",
    },
    notRemoved: "ブラウザーからモデルを削除できませんでした。",
  },
);

/** What is wrong with the manifest, as sentences. */
export const manifestWords = spoken(
  {
    problem: (defects: readonly ManifestDefect[]): string => `The list of agents could not be used as it stands: ${defects.map(english).join("; ")}.`,
  },
  {
    problem: (defects) => `AI一覧の一部または全部を使えません：${defects.map(japanese).join("、")}。`,
  },
);

/** Most defects that a sentence names. */
const MOST_NAMED = 3;

export function manifestProblem(defects: readonly ManifestDefect[]): string {
  const problem = manifestWords.problem(defects.slice(0, MOST_NAMED));
  const rest = defects.length - MOST_NAMED;
  if (rest <= 0) return problem;
  return language === "ja" ? `${problem}（ほか${rest}件）` : `${problem} (${rest} more.)`;
}

function english(defect: ManifestDefect): string {
  switch (defect.kind) {
    case "unreachable":
      return "it could not be fetched";
    case "answered":
      return `the server answered with error ${defect.status}`;
    case "too_long":
      return "it is too long";
    case "json":
      return "it is not JSON";
    case "format":
      return "it is not a list of agents";
    case "version":
      return `it is of version ${defect.found}, and this page reads version 1`;
    case "count":
      return `it has ${decimal(defect.found)} agents, too many`;
    case "default":
      return "its first agent is none of the list";
    case "agent":
      return `entry ${defect.place} is left out (${defect.field})`;
  }
}

function japanese(defect: ManifestDefect): string {
  switch (defect.kind) {
    case "unreachable":
      return "取得できませんでした";
    case "answered":
      return `サーバーがエラー${defect.status}を返しました`;
    case "too_long":
      return "長すぎます";
    case "json":
      return "JSONではありません";
    case "format":
      return "AI一覧の形式ではありません";
    case "version":
      return `バージョン${defect.found}です（このページはバージョン1に対応）`;
    case "count":
      return `AIが${decimal(defect.found)}個あり、多すぎます`;
    case "default":
      return "最初に開くAIが一覧にありません";
    case "agent":
      return `${defect.place}番目の項目を除きました（${defect.field}）`;
  }
}
