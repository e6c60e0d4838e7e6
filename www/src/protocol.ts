/** Messages between the page and the agent's worker. Every request has an id; its answers carry the same one. */

import type { Candidates as WasmCandidates } from "./wasm/keisei_web.js";

export interface Candidate {
  usi: string;
  text: string;
  /** Probability by the policy; after a search, the share of the visits. */
  probability: number;
  /** Win less loss for the side that plays the move, in -1..1; undefined without a search. */
  value?: number | undefined;
  /** The search's continuation after the move, in Western notation. */
  line?: string | undefined;
}

/** Converts the wasm's candidates into plain objects and frees them. */
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

/** The agent's judgement of a position. Probabilities are from the side to move. */
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

/** Limits of the agent's thinking. */
export interface Strength {
  /** Most visits of a search; 0 asks the policy alone. */
  visits: number;
  /** Longest search in milliseconds. */
  time: number;
  /** Temperature of the policy alone: 0 plays the most probable move. */
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
      /** Uniform random number in [0, 1) for the choice: randomness is an argument. */
      uniform: number;
    }
  /** Ends every search with an id up to this one, with the best move it has; this request itself has no answer. */
  | { id: number; type: "stop" };

export type Answer =
  | { id: number; type: "progress"; loaded: number; total: number }
  | { id: number; type: "ready"; agent: AgentInfo }
  /** Judgement of a search that goes on. */
  | { id: number; type: "thinking"; thought: Thought }
  | { id: number; type: "thought"; thought: Thought }
  | { id: number; type: "error"; message: string; missing: boolean };
