/** Contract between the build, the service worker and the pages. */

/** Files of a build, as `build/offline.ts` writes them into the first line of `sw.js`. */
export interface Build {
  /** Digest over all files: it names the version. */
  version: string;
  /** SHA-256 in base64 of each file that is kept at the first visit, by its path in the site. */
  files: Readonly<Record<string, string>>;
  /** The wasm module for each kind of vector instructions, of which a browser needs one; null where the build has one for all. */
  modules: { relaxed: string; fixed: string } | null;
  /** Files that may be added to a site or replaced without another build; a site may lack them. */
  data: readonly string[];
}

/** Folder of the files whose names contain a hash of their content. */
export const HASHED = "assets/";

/** Folder of the site's own model and games. */
export const MODELS = "models/";
/** Manifest of the agents that a site ships. Their files are not the service worker's: the pages keep them, see `agents/kept-models.ts`. */
export const AGENTS = "agents/manifest.json";
/** Games between the shipped agents, which Analysis shows on a site without games of its own. */
export const SHIPPED_GAMES = "agents/games.record";
/** Files that the pages keep by themselves. */
export const PAGES_OWN = /^agents\/.+\.model$/;

/** Message from a page to a service worker; a worker of another version does nothing about a kind that it does not know. */
export interface ToWorker {
  /** The user agrees to the new version: it becomes active though other tabs still show the old one. */
  kind: "take";
}

/**
 * Reasons why a version could not be kept: the storage is full or forbidden, a file cannot be reached, or is not the one that was
 * built, as on a host that is being updated.
 */
export const KEEPING_PROBLEMS = ["full", "forbidden", "unreachable", "mismatched"] as const;
export type KeepingProblem = (typeof KEEPING_PROBLEMS)[number];

/** Message from a service worker to the pages. */
export interface FromWorker {
  kind: "not kept";
  why: KeepingProblem;
}

/** Beginning of the names of this site's caches: other sites on the same host have a path of their own. */
export const cachePrefix = (scope: string): string => `keisei ${new URL(scope).pathname} `;
