/** Messages between the page and the agent's worker. Every request has an id; its answers carry the same one. */

import type { Plain } from "./plain";
import type {
  Candidate as WasmCandidate,
  Judgement as WasmJudgement,
  LineEnd,
  MoveStyle,
  ModelFacts as WasmFacts,
  Rating as WasmRating,
  Thought as WasmThought,
} from "./wasm/keisei_web.js";
import type { FileKind } from "./wasm/records/keisei_web.js";

/** A position by the game that led to it, which repetition depends on; also a whole game, by its last position. */
export interface Position {
  /** `startpos` or an SFEN. */
  start: string;
  /** Moves in USI, separated by spaces. */
  moves: string;
  /** Ply limit of the game; 0 sets none. */
  maxPlies: number;
}

/** Whether a thought or analysis about `a` may be shown for `b`. */
export const samePosition = (a: Position, b: Position): boolean =>
  a.moves === b.moves && a.start === b.start && a.maxPlies === b.maxPlies;

/** A move that is worth a look: N, P, Q, U of a search, proof, and the line of play. From the side that plays it. */
export type Candidate = Plain<WasmCandidate>;

/** The network's judgement of one position of a game, from the side to move there. */
export type Judgement = Plain<WasmJudgement>;

/** Strength of the model for one way to play, as a tournament measured it. */
export type Rating = Plain<WasmRating>;

/** A legal move with its probability by the network at temperature 1. */
export interface PolicyMove {
  usi: string;
  text: string;
  probability: number;
}

export type { FileKind, LineEnd, MoveStyle };

/** Why a thought goes no further; `null` while its search goes on. */
export type Ended = "visits" | "time" | "stopped" | "proven" | "over" | null;

/**
 * The agent's judgement of a position. Probabilities are from the side to move.
 *
 * A hint for the human is the first candidate of a thought about the current position: its `usi` as an arrow, its `texts` as the
 * line that explains it.
 */
export interface Thought extends Plain<WasmThought> {
  /** The position that it is about: draw it for no other. */
  position: Position;
  /** Every legal move, by falling probability. */
  policy: PolicyMove[];
  /** The best moves, the best first. */
  candidates: Candidate[];
  ended: Ended;
}

/** The quick pass over a game, as far as it came. */
export interface Analysis {
  game: Position;
  /** By ply: the start first, the position after the last move last. */
  judgements: Judgement[];
  /** Whether every position was judged. */
  whole: boolean;
}

/** A game of a file. */
export interface ReadGame {
  /** The players' names and the event's; empty if they are not known. */
  black: string;
  white: string;
  event: string;
  /** Number of moves of the main line, its end and the colour of the winner, as far as they are known. */
  plies: number;
  end: LineEnd | undefined;
  winner: number | undefined;
  /** Places of the text that were not understood, each with the reason. */
  defects: string[];
  /** The game for `Tree.from_bytes`. */
  bytes: Uint8Array<ArrayBuffer>;
}

/** The games of a file. */
export interface ReadFile {
  kind: FileKind;
  /** Encoding of a text, by its name in the Encoding Standard. */
  encoding: string | undefined;
  /** At least one game. */
  games: ReadGame[];
  /** Games that could not be read, each with the reason and its place. */
  problems: string[];
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

/** Limits of exploring a position. */
export interface Depth {
  /** Most visits; without, the search goes on until it is stopped. */
  visits?: number | undefined;
  /** Number of candidates in each thought; 8 without. */
  candidates?: number | undefined;
}

/** What a model's file tells about it. */
export type Facts = Plain<WasmFacts>;

export interface ModelInfo {
  facts: Facts;
  ratings: Rating[];
  /** SHA-256 of the file in hexadecimal digits. */
  sha256: string;
  onGpu: boolean;
}

export interface AgentInfo extends ModelInfo {
  name: string;
  about: string;
}

/**
 * Requests. Their order:
 *
 * - `think` and `explore` run one after the other. An `explore` also ends, with what it has, when a later `think` or `explore` arrives.
 * - `analyse` runs beside them in turns, and ends, with what it has, when a later `analyse` arrives.
 * - `open` replaces the model once its file has proved sound: whatever runs then ends with what it has; requests that arrive after
 *   `open` wait for it. A file that is no model changes nothing.
 * - `read` is answered at once, between two steps of a search, and needs no model.
 */
export type Request =
  /** With a digest, of a file that must have it. */
  | { id: number; type: "open"; bytes: ArrayBuffer; sha256?: string | undefined }
  | {
      id: number;
      type: "think";
      position: Position;
      strength: Strength;
      /** Uniform random number in [0, 1) for the choice: randomness is an argument. */
      uniform: number;
      style: MoveStyle;
    }
  | { id: number; type: "explore"; position: Position; depth: Depth; style: MoveStyle }
  | { id: number; type: "analyse"; game: Position; style: MoveStyle }
  | { id: number; type: "read"; bytes: Uint8Array<ArrayBuffer>; name: string };

/** Messages that have no answer of their own. */
export type Notice =
  /** The compiled module, before anything else can be done. */
  | { type: "module"; module: WebAssembly.Module }
  /** Ends these requests, with what they have. */
  | { type: "stop"; ids: number[] };

export type Answer =
  | { id: number; type: "ready"; model: ModelInfo }
  /** Thought of a search that goes on. */
  | { id: number; type: "thinking"; thought: Thought }
  | { id: number; type: "thought"; thought: Thought }
  /** The next judgements of a pass that goes on. */
  | { id: number; type: "judged"; judgements: Judgement[] }
  | { id: number; type: "analysed"; whole: boolean }
  | { id: number; type: "file"; file: ReadFile }
  | { id: number; type: "error"; name: string; message: string };
