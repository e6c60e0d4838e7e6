/** Messages between the page and the agent's worker. Every request has an id; its answers carry the same one. */

import type { Candidates as WasmCandidates } from "./wasm/keisei_web.js";

export interface Candidate {
  usi: string;
  text: string;
  /** By the policy; after a search, the share of the visits. */
  probability: number;
  /** Win less loss for the side that plays it, in -1..1; nothing without a search. */
  value?: number | undefined;
  /** How the search goes on after it, in Western notation. */
  line?: string | undefined;
}

/** Candidates as the wasm gives them; they are freed here. */
export function listed(candidates: WasmCandidates): Candidate[] {
  const [moves, texts, probabilities] = [candidates.moves(), candidates.texts(), candidates.probabilities()];
  const [values, lines] = [candidates.values(), candidates.lines()];
  candidates.free();
  return moves.map((usi, index) => ({
    usi,
    text: texts[index] ?? usi,
    probability: probabilities[index] ?? 0,
    value: Number.isNaN(values[index]) ? undefined : values[index],
    line: lines[index] || undefined,
  }));
}

/** What the agent thinks of a position. Probabilities are of the side to move. */
export interface Thought {
  /** The chosen move, or `win` for a declaration. */
  usi: string;
  win: number;
  draw: number;
  loss: number;
  /** Visits of the position by a search; 0 if the policy alone was asked. */
  visits: number;
  /** The best moves, the best first. */
  candidates: Candidate[];
}

/** How hard to think. */
export interface Strength {
  /** Visits of a search at most; 0 asks the policy alone. */
  visits: number;
  /** Milliseconds of a search at most. */
  time: number;
  /** How closely the policy alone keeps to the moves that it likes best: 0 plays the best. */
  temperature: number;
}

export interface AgentInfo {
  name: string;
  about: string;
}

export type Request =
  | { id: number; type: "fetch"; url: string }
  | { id: number; type: "open"; bytes: ArrayBuffer }
  | {
      id: number;
      type: "think";
      start: string;
      moves: string;
      maxPlies: number;
      strength: Strength;
      /** In [0, 1): the randomness of the choice is an argument. */
      uniform: number;
    }
  /** Every search asked for up to this id ends now, with the best move it has; this request itself has no answer. */
  | { id: number; type: "stop" };

export type Answer =
  | { id: number; type: "progress"; loaded: number; total: number }
  | { id: number; type: "ready"; agent: AgentInfo }
  /** What a search thinks so far. */
  | { id: number; type: "thinking"; thought: Thought }
  | { id: number; type: "thought"; thought: Thought }
  | { id: number; type: "error"; message: string; missing: boolean };
