/** The manifest and the agent that a page opens first: both are on their way while the rest of the page's script is. */

import { answered, collected } from "../model-file";
import { CHOICE_KEY, type Choice, readChoice } from "./choice";
import { KeptModels } from "./kept-models";
import { LONGEST_MANIFEST, type Manifest, type ShippedAgent, noManifest, readManifest } from "./manifest";
import { ModelProblem, asProblem } from "./problem";

/** An agent with all that is needed to get its file. */
export type Source = { kind: "site" } | { kind: "shipped"; agent: ShippedAgent } | { kind: "kept"; sha256: string };

/** A file that the browser kept, or the answer of the server with it. */
export type Begun = { file: ArrayBuffer } | { response: Response };

export interface First {
  source: Source;
  /** Whether the agent that was chosen last is not in the manifest any more. */
  lost: boolean;
  begun: Promise<Begun>;
  /** Ends the download. */
  cancel: AbortController;
}

const FOLDER = new URL("agents/", document.baseURI);
const SITE_MODEL = new URL("models/default.model", document.baseURI).href;
/** Longest wait for the manifest; the page then goes on without. */
const PATIENCE_MS = 8000;

async function fetchManifest(): Promise<Manifest> {
  const cancel = new AbortController();
  const timer = setTimeout(() => cancel.abort(), PATIENCE_MS);
  try {
    // Whoever has changed the manifest wants it to be seen; the files that it names are never changed.
    const response = await answered(fetch(new URL("manifest.json", FOLDER), { signal: cancel.signal, cache: "no-cache" }));
    const bytes = await collected(response, LONGEST_MANIFEST, () => {});
    return readManifest(new TextDecoder().decode(bytes));
  } catch (error) {
    const { kind, details } = asProblem(error);
    if (kind === "missing") return noManifest();
    if (kind === "too_large") return noManifest({ kind: "too_long" });
    return noManifest(kind === "answered" ? { kind, status: details.status ?? 0 } : { kind: "unreachable" });
  } finally {
    clearTimeout(timer);
  }
}

/** Asks the server for the file of an agent, from the beginning. */
export async function requestOf(source: Source, signal: AbortSignal): Promise<{ response: Response }> {
  if (source.kind === "kept") throw new ModelProblem("gone");
  const address = source.kind === "site" ? SITE_MODEL : new URL(source.agent.file, FOLDER).href;
  return { response: await answered(fetch(address, { signal })) };
}

/** Gets the file of an agent: from the browser's storage, or else from the server. */
export async function begin(source: Source, kept: KeptModels, signal: AbortSignal): Promise<Begun> {
  const file = source.kind === "site" ? null : await kept.file(source.kind === "kept" ? source.sha256 : source.agent.sha256);
  return file ? { file } : requestOf(source, signal);
}

/** The agent that was chosen last; null if none was. */
export function storedChoice(): Choice | null {
  try {
    return readChoice(localStorage.getItem(CHOICE_KEY));
  } catch {
    return null;
  }
}

/** The agent of a choice; null if the manifest has it no more. */
export function sourceOf(choice: Choice, manifest: Manifest): Source | null {
  if (choice.kind === "kept") return choice;
  if (choice.kind === "site") return manifest.default === null ? choice : null;
  const agent = manifest.agents.find(({ id }) => id === choice.id);
  return agent ? { kind: "shipped", agent } : null;
}

/** The agent of a site for those who have chosen none. */
export const usualSource = (manifest: Manifest): Source =>
  (manifest.default === null ? null : sourceOf({ kind: "shipped", id: manifest.default }, manifest)) ?? { kind: "site" };

export const manifest: Promise<Manifest> = fetchManifest();

/** Models that this browser keeps. */
export const keptModels = new KeptModels();

async function beginFirst(): Promise<First> {
  const choice = storedChoice();
  const chosen = choice === null ? null : choice.kind === "kept" ? choice : sourceOf(choice, await manifest);
  const source = chosen ?? usualSource(await manifest);
  const cancel = new AbortController();
  const begun = begin(source, keptModels, cancel.signal);
  // Whoever takes it reports the error.
  begun.catch(() => {});
  return { source, lost: choice !== null && chosen === null, begun, cancel };
}

export const first: Promise<First> = beginFirst();
