/** Reasons why games end. */

import { spoken } from ".";

/** Ends of games by their ids, as a continuation of `Black won: …`. */
const reasons: Record<string, string> = spoken(
  {
    checkmate: "checkmate",
    no_legal_move: "no legal move",
    repetition: "repetition",
    perpetual_check: "perpetual check",
    declaration: "declaration",
    resignation: "resignation",
    max_plies: "the limit of moves",
    forfeit: "an illegal move",
    time: "time",
  },
  {
    checkmate: "詰み",
    no_legal_move: "合法手なし",
    repetition: "千日手",
    perpetual_check: "連続王手の千日手",
    declaration: "入玉宣言",
    resignation: "投了",
    max_plies: "手数制限",
    forfeit: "反則",
    time: "時間切れ",
  },
);

/** The word for an end's id; an id of another version stands for itself. */
export const reasonWord = (id: string): string => reasons[id] ?? id.replaceAll("_", " ");
