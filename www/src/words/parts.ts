/** Words of the parts that show what the network thinks. */

import type { Grade } from "../parts/grade";

export const GRADES: Record<Grade, { name: string; glyph: string }> = {
  inaccuracy: { name: "inaccuracy", glyph: "?!" },
  mistake: { name: "mistake", glyph: "?" },
  blunder: { name: "blunder", glyph: "??" },
};

export const SIDES = ["Black", "White"] as const;

export const VALUE_BAR = {
  none: "no estimate yet",
  side: (name: string, share: number | null): string => (share === null ? name : `${name} ${percent(share)}`),
  draw: (share: number): string => `draw ${percent(share)}`,
};

export const VALUE_GRAPH = {
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
  at: (ply: number, move: string): string => (ply === 0 ? VALUE_GRAPH.start : `${ply}. ${move}`),
  chance: (series: string, black: number): string => `${series}: ${percent(black)} for Black`,
  /** Text of a point for the tooltip and for screen readers. */
  point: (parts: readonly string[]): string => parts.join(" · "),
};

export const CANDIDATES = {
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
};

export const POLICY_TABLE = {
  name: "Policy: all legal moves",
  empty: "No policy here.",
  move: "Move",
  all: "Of all",
  piece: "Of this piece",
  more: (count: number): string => `Show all ${count} moves`,
  fewer: "Show fewer",
};

export const VARIATIONS = {
  name: "Moves",
  empty: "No moves yet.",
  start: "Start",
  variation: "Variation",
  /** Name of a move for screen readers. */
  node: (ply: number, side: string, grade: string | null, text: string): string => `${ply}, ${side}${grade === null ? "" : `, ${grade}`}: ${text}`,
};

/** Share in 0..1 as a percentage; a small one is not rounded to nothing, nor a large one to all. */
export function percent(share: number): string {
  if (share > 0 && share < 0.005) return "< 1 %";
  if (share < 1 && share > 0.995) return "> 99 %";
  return `${Math.round(share * 100)} %`;
}
