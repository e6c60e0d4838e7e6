/** The agent that the user chose last, in the browser's storage under one key. */

import { ID, SHA256 } from "./manifest";

/** A choice among the agents: that of this site alone, one of the manifest, or a model file that the browser keeps. */
export type Choice = { kind: "site" } | { kind: "shipped"; id: string } | { kind: "kept"; sha256: string };

export const CHOICE_KEY = "keisei.agent";

export function writeChoice(choice: Choice): string {
  if (choice.kind === "site") return "site";
  return choice.kind === "shipped" ? `shipped ${choice.id}` : `kept ${choice.sha256}`;
}

/** The choice in a stored text; null if it is none. */
export function readChoice(text: string | null): Choice | null {
  const [kind, name = "", ...rest] = (text ?? "").split(" ");
  if (rest.length > 0) return null;
  if (kind === "site" && name === "") return { kind };
  if (kind === "shipped" && ID.test(name)) return { kind, id: name };
  return kind === "kept" && SHA256.test(name) ? { kind, sha256: name } : null;
}

export const sameChoice = (a: Choice, b: Choice): boolean => writeChoice(a) === writeChoice(b);
