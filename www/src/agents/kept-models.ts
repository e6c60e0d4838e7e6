/**
 * Model files that the browser keeps, in IndexedDB and nowhere else, each under its SHA-256.
 *
 * | store | key | holds |
 * |---|---|---|
 * | `models` | SHA-256 | `KeptModel`: what a list of them shows |
 * | `files` | SHA-256 | the file's bytes |
 *
 * Files of the manifest are kept as well, so that a second visit needs no download; of these the ones that were not used for longest
 * leave first. Every access may fail: forbidden, full, emptied at any moment, or written by somebody else. What is read back is
 * therefore never trusted; its SHA-256 is checked before it plays.
 */

import { fields, integer, number, oneOf, text } from "../state/decode";
import { LARGEST_MODEL, SHA256 } from "./manifest";

const SOURCES = ["opened", "downloaded"] as const;

export interface KeptModel {
  sha256: string;
  /** Name of the file that the user opened, or the file of the manifest. */
  name: string;
  bytes: number;
  /** Whether the user opened it, or the page downloaded it. */
  source: (typeof SOURCES)[number];
  /** Time of its last use, in milliseconds since 1970. */
  used: number;
}

/** Why the browser keeps no model. */
export type KeepingProblem = "forbidden" | "full";

export class KeepingFailed extends Error {
  readonly problem: KeepingProblem;

  constructor(problem: KeepingProblem, cause: unknown) {
    super(`the browser keeps no model: ${problem}`, { cause });
    this.problem = problem;
  }
}

const DATABASE = "keisei-models";
const VERSION = 1;
/** Most downloaded files that stay. */
const MOST_DOWNLOADED = 12;
/** Longest wait for the browser: some never answer. */
const PATIENCE_MS = 4000;

const done = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("no answer"));
  });

/** Resolves once all of a transaction is stored; a full disk may show only then. */
const committed = (transaction: IDBTransaction): Promise<void> =>
  new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = transaction.onerror = () => reject(transaction.error ?? new Error("aborted"));
  });

function inTime<T>(promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout>;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("the browser does not answer")), PATIENCE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export class KeptModels {
  #database: Promise<IDBDatabase> | null = null;

  /** The kept models, the last used first; none if the browser keeps none. */
  async list(): Promise<KeptModel[]> {
    try {
      const stored = await this.#use("readonly", (models) => done(models.getAll()));
      return stored.map(readModel).filter((model) => model !== undefined).sort((a, b) => b.used - a.used);
    } catch {
      return [];
    }
  }

  /** The bytes under a digest, which may be of anything; null if there are none. */
  async file(sha256: string): Promise<ArrayBuffer | null> {
    try {
      const file = await this.#use("readonly", (_, files) => done<unknown>(files.get(sha256)));
      return file instanceof ArrayBuffer ? file : null;
    } catch {
      return null;
    }
  }

  /**
   * Keeps a file under its digest.
   *
   * Rejects with `KeepingFailed`.
   */
  async keep(model: Omit<KeptModel, "used">, file: ArrayBuffer): Promise<void> {
    try {
      await this.#use("readwrite", async (models, files) => {
        models.put({ ...model, used: Date.now() } satisfies KeptModel);
        files.put(file, model.sha256);
      });
    } catch (error) {
      const isFull = error instanceof DOMException && /quota/i.test(error.name);
      throw new KeepingFailed(isFull ? "full" : "forbidden", error);
    }
    if (model.source === "downloaded") await this.#makeRoom();
  }

  /** Notes that a kept model is used now. */
  async touch(sha256: string): Promise<void> {
    try {
      await this.#use("readwrite", async (models) => {
        const model = readModel(await done<unknown>(models.get(sha256)));
        if (model) models.put({ ...model, used: Date.now() });
      });
    } catch {
      // Only the order of the list suffers.
    }
  }

  /** Rejects with `KeepingFailed`. */
  async remove(sha256: string): Promise<void> {
    await this.#change((models, files) => {
      models.delete(sha256);
      files.delete(sha256);
    });
  }

  /** Removes everything, whatever it is. Rejects with `KeepingFailed`. */
  async clear(): Promise<void> {
    await this.#change((models, files) => {
      models.clear();
      files.clear();
    });
  }

  async #change(change: (models: IDBObjectStore, files: IDBObjectStore) => void): Promise<void> {
    try {
      await this.#use("readwrite", async (models, files) => change(models, files));
    } catch (error) {
      throw new KeepingFailed("forbidden", error);
    }
  }

  async #makeRoom(): Promise<void> {
    const downloaded = (await this.list()).filter(({ source }) => source === "downloaded");
    for (const { sha256 } of downloaded.slice(MOST_DOWNLOADED)) await this.remove(sha256).catch(() => {});
  }

  async #use<T>(mode: IDBTransactionMode, use: (models: IDBObjectStore, files: IDBObjectStore) => Promise<T>): Promise<T> {
    this.#database ??= open();
    let transaction: IDBTransaction;
    try {
      transaction = (await this.#database).transaction(["models", "files"], mode);
    } catch (error) {
      // Permission may come later, and a database that the browser has closed is opened again.
      this.#database = null;
      throw error;
    }
    const end = committed(transaction);
    end.catch(() => {});
    const result = await inTime(use(transaction.objectStore("models"), transaction.objectStore("files")));
    // A large file may take long to store, so there is no limit here.
    await end;
    return result;
  }
}

function open(): Promise<IDBDatabase> {
  const opened = new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(DATABASE, VERSION);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("models", { keyPath: "sha256" });
      request.result.createObjectStore("files");
    };
    request.onsuccess = () => {
      const database = request.result;
      // Another tab with a later page must not wait for this one.
      database.onversionchange = () => database.close();
      resolve(database);
    };
    request.onerror = () => reject(request.error ?? new Error("no database"));
    request.onblocked = () => reject(new Error("another tab holds the database"));
  });
  return inTime(opened);
}

function readModel(stored: unknown): KeptModel | undefined {
  const read = fields(stored);
  const [sha256, name] = [text(read?.["sha256"], 64), text(read?.["name"], 300)];
  const [bytes, used] = [integer(read?.["bytes"], 0, LARGEST_MODEL), number(read?.["used"], 0, Number.MAX_SAFE_INTEGER)];
  const source = oneOf(read?.["source"], SOURCES);
  if (sha256 === undefined || !SHA256.test(sha256) || name === undefined || bytes === undefined) return undefined;
  return used === undefined || source === undefined ? undefined : { sha256, name, bytes, used, source };
}
