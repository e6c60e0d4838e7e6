/** Words of the parts that show what the network thinks. */

import { decimal, spoken } from ".";
import type { Grade } from "../parts/grade";

const GLYPHS = { inaccuracy: "?!", mistake: "?", blunder: "??" } satisfies Record<Grade, string>;

export const GRADES: Record<Grade, { name: string; glyph: string }> = spoken(
  {
    inaccuracy: { name: "inaccuracy", glyph: GLYPHS.inaccuracy },
    mistake: { name: "mistake", glyph: GLYPHS.mistake },
    blunder: { name: "blunder", glyph: GLYPHS.blunder },
  },
  {
    inaccuracy: { name: "疑問手", glyph: GLYPHS.inaccuracy },
    mistake: { name: "悪手", glyph: GLYPHS.mistake },
    blunder: { name: "大悪手", glyph: GLYPHS.blunder },
  },
);

export const SIDES = spoken(["Black", "White"], ["先手", "後手"]);

/** Share in 0..1 as a percentage; a small one is not rounded to nothing, nor a large one to all. */
export const percent: (share: number) => string = spoken(
  (share: number): string => {
    if (share > 0 && share < 0.005) return "< 1 %";
    if (share < 1 && share > 0.995) return "> 99 %";
    return `${Math.round(share * 100)} %`;
  },
  (share) => {
    if (share > 0 && share < 0.005) return "<1%";
    if (share < 1 && share > 0.995) return ">99%";
    return `${Math.round(share * 100)}%`;
  },
);

/** Share in 0..1 as a percentage with one decimal: most legal moves have less than one per cent. */
export const exactPercent = (share: number): string => `${(share * 100).toFixed(1)}${spoken(" ", "")}%`;

export const VALUE_BAR = spoken(
  {
    none: "no estimate yet",
    side: (name: string, share: number | null): string => (share === null ? name : `${name} ${percent(share)}`),
    draw: (share: number): string => `draw ${percent(share)}`,
  },
  {
    none: "評価はまだありません",
    side: (name, share) => (share === null ? name : `${name} ${percent(share)}`),
    draw: (share) => `引き分け ${percent(share)}`,
  },
);

export const VALUE_GRAPH = spoken(
  {
    name: "Graph of the game",
    black: "Black",
    even: "even",
    white: "White",
    start: "start",
    empty: "No values yet.",
    table: "As a table",
    ply: "Ply",
    move: "Move",
    grade: "Mark",
    at: (ply: number, move: string): string => (ply === 0 ? "start" : `${ply}. ${move}`),
    chance: (series: string, black: number): string => `${series}: ${percent(black)} for Black`,
    /** Text of a point for the tooltip and for screen readers. */
    point: (parts: readonly string[]): string => parts.join(" · "),
  },
  {
    name: "形勢グラフ",
    black: "先手",
    even: "互角",
    white: "後手",
    start: "開始局面",
    empty: "評価はまだありません。",
    table: "表で見る",
    ply: "手数",
    move: "指し手",
    grade: "評価",
    at: (ply, move) => (ply === 0 ? "開始局面" : `${ply}手目 ${move}`),
    chance: (series, black) => `${series}：先手${percent(black)}`,
    point: (parts) => parts.join("・"),
  },
);

export const CANDIDATES = spoken(
  {
    name: "Candidate moves",
    empty: "No candidates here.",
    move: "Move",
    visits: "N",
    visitsTitle: "Visits of the search",
    prior: "P",
    priorTitle: "Probability by the network's policy",
    value: "Q",
    valueTitle: (side: string): string => `Expected score of ${side}, who moves: a win counts 100 %, a draw half`,
    bonus: "U",
    bonusTitle: "Exploration bonus of the search",
    line: (texts: string): string => `Line: ${texts}`,
    proofs: { win: "wins by force", loss: "loses by force", draw: "draws by force" },
    played: "played",
    keys: "Arrow keys walk along the moves and lines, Enter plays them, Escape ends the preview.",
  },
  {
    name: "候補手",
    empty: "ここに候補手はありません。",
    move: "手",
    visits: "N",
    visitsTitle: "探索数",
    prior: "P",
    priorTitle: "ネットワークの方策による確率",
    value: "Q",
    valueTitle: (side) => `手番の${side}の期待勝率（勝ちは100%、引き分けは半分）`,
    bonus: "U",
    bonusTitle: "探索の加点",
    line: (texts) => `読み筋：${texts}`,
    proofs: { win: "必勝", loss: "必敗", draw: "必ず引き分け" },
    played: "実戦",
    keys: "矢印キーで手と読み筋をたどり、Enterで指し、Escで元の局面に戻ります。",
  },
);

export const POLICY_TABLE = spoken(
  {
    name: "Policy: all legal moves",
    empty: "No policy here.",
    move: "Move",
    all: "Of all",
    piece: "Of this piece",
    more: (count: number): string => `Show all ${decimal(count)} moves`,
    fewer: "Show fewer",
  },
  {
    name: "方策：すべての合法手",
    empty: "ここに方策はありません。",
    move: "手",
    all: "全体",
    piece: "この駒",
    more: (count) => `${decimal(count)}手すべてを表示`,
    fewer: "少なく表示",
  },
);

export const VARIATIONS = spoken(
  {
    name: "Moves",
    empty: "No moves yet.",
    start: "Start",
    variation: "Variation",
    /** Name of a move for screen readers. */
    node: (ply: number, side: string, grade: string | null, text: string): string => `${ply}, ${side}${grade === null ? "" : `, ${grade}`}: ${text}`,
  },
  {
    name: "指し手",
    empty: "まだ指し手はありません。",
    start: "開始局面",
    variation: "変化",
    node: (ply, side, grade, text) => `${ply}手目、${side}${grade === null ? "" : `、${grade}`}：${text}`,
  },
);

/** Words that every page shares: its messages and dialogs. */
export const pageWords = spoken(
  {
    close: "Close",
    tooLarge: (bytes: number, most: number): string => `the file has ${decimal(bytes)} bytes, more than a page can hold (${decimal(most)})`,
  },
  {
    close: "閉じる",
    tooLarge: (bytes, most) => `ファイルは${decimal(bytes)}バイトあり、ページで扱える上限（${decimal(most)}バイト）を超えています`,
  },
);
