/** Grades of moves by the drop of the mover's expected score, where a win counts 1 and a draw a half. */

export type Grade = "inaccuracy" | "mistake" | "blunder";

/** Least drop of each grade, the gravest first; `docs/analysis.md` has the same table. */
export const GRADE_DROPS = [
  ["blunder", 0.2],
  ["mistake", 0.1],
  ["inaccuracy", 0.05],
] as const satisfies readonly (readonly [Grade, number])[];

/** Grade of a move that lowers the mover's expected score by `drop` (0..1); null for a good one. */
export function gradeOf(drop: number): Grade | null {
  // A drop of exactly 0.05 must not depend on the last bit of a difference.
  return GRADE_DROPS.find(([, least]) => drop + 1e-9 >= least)?.[0] ?? null;
}
