/** What this site keeps in the browser, by parts that can be cleared each alone. */

import { type KeepingProblem, cachePrefix } from "./build";
import { keepingProblem, siteRoot } from "./place";

/** Parts of what is kept. */
export type StoredPart = "pages" | "games" | "models";

/** Size of a part. */
export interface StoredSize {
  entries: number;
  bytes: number;
}

/** Use and limit of the browser's storage for this host, in bytes. */
export interface StorageUse {
  used: number;
  quota: number;
}

/** Whether the pages are kept for use without a network, or why not. */
export type KeptState = "kept" | "waiting" | "keeping" | "none" | "unsupported" | KeepingProblem;

/** A part of the storage: how much it is, and how it is cleared. */
export interface StoredPlace {
  size(): Promise<StoredSize>;
  clear(): Promise<void>;
}

/** Keys of saved games, of the game last shown by each page, and of texts that could not be read. */
const GAMES = /^keisei\.(game|current|aside)\./;

/** Use of the storage; null where the browser does not tell. */
export async function storageUse(): Promise<StorageUse | null> {
  try {
    const { usage, quota } = await navigator.storage.estimate();
    return usage === undefined || quota === undefined ? null : { used: usage, quota };
  } catch {
    return null;
  }
}

/** State of the copy of the pages. */
export async function keptState(): Promise<KeptState> {
  if (!("serviceWorker" in navigator)) return "unsupported";
  try {
    const registration = await navigator.serviceWorker.getRegistration(siteRoot());
    if (registration?.waiting && registration.active) return "waiting";
    if (registration?.active && (await ownCaches()).length > 0) return "kept";
    return keepingProblem() ?? (registration?.installing || registration?.waiting ? "keeping" : "none");
  } catch {
    return "forbidden";
  }
}

async function ownCaches(): Promise<string[]> {
  return (await caches.keys()).filter((name) => name.startsWith(cachePrefix(siteRoot())));
}

/** The copy of the pages. */
export const pagesPlace: StoredPlace = {
  async size() {
    let [entries, bytes] = [0, 0];
    for (const name of await ownCaches()) {
      const cache = await caches.open(name);
      for (const request of await cache.keys()) {
        const kept = await cache.match(request, { ignoreVary: true });
        entries++;
        bytes += kept ? (await kept.blob()).size : 0;
      }
    }
    return { entries, bytes };
  },
  async clear() {
    // The service worker goes, too, so that the next visit keeps a whole copy again. Pages that are open use the network.
    const registration = await navigator.serviceWorker.getRegistration(siteRoot());
    await registration?.unregister();
    for (const name of await ownCaches()) await caches.delete(name);
  },
};

/** The saved games of both pages. */
export const gamesPlace: StoredPlace = {
  async size() {
    const keys = Object.keys(localStorage).filter((key) => GAMES.test(key));
    const characters = keys.reduce((sum, key) => sum + key.length + (localStorage.getItem(key)?.length ?? 0), 0);
    // Browsers store two bytes for each character.
    return { entries: keys.filter((key) => !key.startsWith("keisei.current.")).length, bytes: 2 * characters };
  },
  async clear() {
    for (const key of Object.keys(localStorage)) if (GAMES.test(key)) localStorage.removeItem(key);
  },
};
