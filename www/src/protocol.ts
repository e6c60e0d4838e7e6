/** Messages between the page and the agent's worker. Every request has an id; its answers carry the same one. */

import type { Candidates as WasmCandidates } from "./wasm/keisei_web.js";

export interface Candidate {
  usi: string;
  text: string;
  probability: number;
}

/** Candidates as the wasm gives them; they are freed here. */
export function listed(candidates: WasmCandidates): Candidate[] {
  const [moves, texts, probabilities] = [candidates.moves(), candidates.texts(), candidates.probabilities()];
  candidates.free();
  return moves.map((usi, index) => ({ usi, text: texts[index] ?? usi, probability: probabilities[index] ?? 0 }));
}

/** What the agent thinks of a position. Probabilities are of the side to move. */
export interface Thought {
  /** The move chosen at the asked temperature. */
  usi: string;
  win: number;
  draw: number;
  loss: number;
  /** The most probable moves, best first. */
  candidates: Candidate[];
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
      temperature: number;
      /** In [0, 1): the randomness of the choice is an argument. */
      uniform: number;
    };

export type Answer =
  | { id: number; type: "progress"; loaded: number; total: number }
  | { id: number; type: "ready"; agent: AgentInfo }
  | { id: number; type: "thought"; thought: Thought }
  | { id: number; type: "error"; message: string; missing: boolean };
