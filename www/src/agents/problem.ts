/** Problems with a model: each has a kind, for which `words/agents.ts` has a sentence in every language. */

import type { ModelDefect } from "../wasm/keisei_web.js";

export type ProblemKind =
  | ModelDefect
  /** No file at the address, or the server's start page in its place. */
  | "missing"
  /** The server answered with this status. */
  | "answered"
  /** No answer, or one that broke off. */
  | "unreachable"
  /** More bytes than a page opens. */
  | "too_large"
  /** Another size than the manifest says. */
  | "size"
  /** The browser keeps this model no more. */
  | "gone"
  /** The browser's copy is damaged. */
  | "spoilt"
  | "cancelled"
  /** Whatever has no kind of its own: the worker's end, or the browser's own words. */
  | "other";

/** Numbers and texts that the sentence of a kind may name. */
export interface Details {
  status?: number;
  /** Bytes found, and bytes expected or allowed. */
  found?: number;
  expected?: number;
  /** The reason in English, for whoever looks into it. */
  text?: string;
}

export class ModelProblem extends Error {
  readonly kind: ProblemKind;
  readonly details: Details;

  constructor(kind: ProblemKind, details: Details = {}) {
    super(details.text ?? kind);
    this.kind = kind;
    this.details = details;
  }
}

const DEFECTS: readonly string[] = [
  "other_file",
  "not_a_model",
  "version",
  "length",
  "damaged",
  "encoding",
  "network",
] satisfies ModelDefect[];

/** The problem that an error of the wasm tells by its name; null if it has no such name. */
export function problemOf(name: string, text: string): ModelProblem | null {
  return DEFECTS.includes(name) ? new ModelProblem(name as ModelDefect, { text }) : null;
}

/** Any error as a problem. */
export function asProblem(error: unknown): ModelProblem {
  if (error instanceof ModelProblem) return error;
  return new ModelProblem("other", { text: error instanceof Error ? error.message : String(error) });
}
