/**
 * Service worker: the site without a network, and each page with the files of its own version.
 *
 * | request | answer |
 * |---|---|
 * | page of the build | from the cache of this version |
 * | other file of the build, and whatever has a hash in its name | from the cache of the version that the asking page belongs to |
 * | data: manifest of agents, games, run bundles, pages beside the build | from the network, and kept; from the cache where there is no network |
 * | files of agents, which the pages keep; ranges, streams of events, other methods, other hosts | not answered here: the browser goes on without this worker |
 *
 * A cache of a version is written when that version is installed, checked against the build's digests, and never changed by what a
 * network happens to answer later. A new version waits until a page sends `take` or until no page of the old one is left. Pages that
 * stay open while another tab takes a new version are remembered, and the cache of their version is kept as long as they live.
 *
 * Data is not bound to the build, so it is asked for anew. While the host already serves another build, though, pages of this one get the
 * data that was kept with it: the other build's may have a format that they do not know.
 */

import { hasRelaxedSimd } from "../relaxed-simd";
import { absentPage } from "../words/absent";
import { AGENTS, type Build, type FromWorker, HASHED, type KeepingProblem, MODELS, PAGES_OWN, SHIPPED_GAMES, type ToWorker, cachePrefix } from "./build";

declare const self: ServiceWorkerGlobalScope;
/** Written by the build. */
declare const BUILD: Build;

/** Most files that are fetched at once while a version is installed. */
const AT_ONCE = 6;
/** Time limit of the network for data that is also in a cache. */
const PATIENCE_MS = 4000;
/** Time for which an answer about the host counts. */
const HOST_COUNTS_MS = 5000;
/** Most kept answers beside the build, and the most bytes of one. */
const MOST_KEPT = 400;
const LARGEST_KEPT = 128 << 20;

/** Build that the host serves now: this one, another, none any more, or unknown because the host cannot be reached. */
type Host = "this" | "another" | "none" | "unknown";

/** Versions of the open pages. */
interface Versions {
  /** The version that became active last. */
  active: string;
  /** Version of each page, by its client id, that was open before that and is of another version. */
  elder: Record<string, string>;
}

const isHtml = (response: Response): boolean => response.headers.get("content-type")?.startsWith("text/html") ?? false;

/** Error of an installation, with its reason for the user. */
class NotKept extends Error {
  readonly why: KeepingProblem;

  constructor(why: KeepingProblem, path: string) {
    super(`${path}: ${why}`);
    this.why = why;
  }
}

class OfflineWorker {
  readonly #scope = self.registration.scope;
  readonly #prefix = cachePrefix(this.#scope);
  readonly #current = this.#prefix + BUILD.version;
  /** Cache of data and of pages beside the build, for all versions. */
  readonly #beside = `${this.#prefix}beside`;
  /** Cache of one entry, `Versions`. */
  readonly #memory = `${this.#prefix}memory`;
  #versions: Promise<Versions> | null = null;
  #host: { answer: Promise<Host>; asked: number } | null = null;

  listen(): void {
    self.addEventListener("install", (event) => event.waitUntil(this.#install()));
    self.addEventListener("activate", (event) => event.waitUntil(this.#activate()));
    self.addEventListener("message", (event) => {
      if ((event.data as ToWorker | null)?.kind === "take") event.waitUntil(self.skipWaiting());
    });
    self.addEventListener("fetch", (event) => this.#answer(event));
  }

  // --- versions -------------------------------------------------------------------------------------------------

  async #install(): Promise<void> {
    try {
      const cache = await caches.open(this.#current);
      const { modules } = BUILD;
      const other = modules && (hasRelaxedSimd() ? modules.fixed : modules.relaxed);
      const paths = Object.keys(BUILD.files).filter((path) => path !== other);
      await this.#each(paths, (path) => this.#keepFile(cache, path));
      await this.#each(BUILD.data, (path) => this.#keepData(cache, path));
    } catch (error) {
      // A version whose pages are open already, and which is installed once more, keeps what it has.
      if ((await this.#read())?.active !== BUILD.version) await caches.delete(this.#current).catch(() => false);
      await this.#tell({ kind: "not kept", why: problemOf(error) });
      throw error;
    }
  }

  async #each(paths: readonly string[], keep: (path: string) => Promise<void>): Promise<void> {
    const left = [...paths];
    const lane = async (): Promise<void> => {
      for (let path = left.pop(); path !== undefined; path = left.pop()) await keep(path);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
  }

  /** Keeps a file of the build, which must be the very one that was built: a host in the middle of an update mixes two. */
  async #keepFile(cache: Cache, path: string): Promise<void> {
    const url = this.#url(path);
    const isHashed = path.startsWith(HASHED);
    const older = isHashed ? await this.#fromAny(url) : undefined;
    if (older) return cache.put(url, older);
    const digest = `sha256-${BUILD.files[path]}`;
    let response: Response;
    try {
      response = await fetch(url, { integrity: digest, cache: isHashed ? "default" : "no-cache" });
    } catch {
      // The browser does not say whether the digest or the network was wrong.
      throw new NotKept((await this.#hostNow()) === "unknown" ? "unreachable" : "mismatched", path);
    }
    if (!response.ok) throw new NotKept("mismatched", path);
    await cache.put(url, await plainResponse(response));
  }

  /** Keeps a file that a site may lack. */
  async #keepData(cache: Cache, path: string): Promise<void> {
    const url = this.#url(path);
    const response = await fetch(url, { cache: "no-cache" }).catch(() => {
      throw new NotKept("unreachable", path);
    });
    if (response.status === 200 && !isHtml(response)) await cache.put(url, await plainResponse(response));
  }

  async #activate(): Promise<void> {
    const before = await this.#read();
    const elder: Versions["elder"] = {};
    if (before) {
      for (const { id } of await this.#clients()) {
        const version = before.elder[id] ?? before.active;
        if (version !== BUILD.version) elder[id] = version;
      }
    }
    await this.#write({ active: BUILD.version, elder });
    await this.#tidy(true);
    // The first visit can go on without a network, too.
    await self.clients.claim();
  }

  async #clients(): Promise<readonly Client[]> {
    const clients = await self.clients.matchAll({ type: "all", includeUncontrolled: true });
    return clients.filter(({ url }) => url.startsWith(this.#scope));
  }

  /** Deletes caches of versions that no page needs; with `all` also what an installation that was broken off has left. */
  async #tidy(all: boolean): Promise<void> {
    const { elder } = await this.#load();
    const alive = new Set((await this.#clients()).map(({ id }) => id));
    const old = new Set(Object.values(elder));
    const left = Object.fromEntries(Object.entries(elder).filter(([id]) => alive.has(id)));
    if (Object.keys(left).length < Object.keys(elder).length) await this.#write({ active: BUILD.version, elder: left });
    const needed = new Set([...Object.values(left), BUILD.version, "beside", "memory"]);
    const installing = self.registration.installing !== null;
    for (const name of await this.#caches()) {
      const version = name.slice(this.#prefix.length);
      if (!needed.has(version) && (old.has(version) || (all && !installing))) await caches.delete(name);
    }
  }

  async #versionOf(id: string): Promise<string> {
    return (await this.#load()).elder[id] ?? BUILD.version;
  }

  #load(): Promise<Versions> {
    const none: Versions = { active: BUILD.version, elder: {} };
    this.#versions ??= this.#read().then((versions) => versions ?? none, () => none);
    return this.#versions;
  }

  async #read(): Promise<Versions | null> {
    const kept = await (await caches.open(this.#memory)).match(this.#scope);
    return kept ? ((await kept.json()) as Versions) : null;
  }

  async #write(versions: Versions): Promise<void> {
    this.#versions = Promise.resolve(versions);
    await (await caches.open(this.#memory)).put(this.#scope, Response.json(versions));
  }

  async #tell(message: FromWorker): Promise<void> {
    for (const client of await self.clients.matchAll({ includeUncontrolled: true })) {
      if (client.url.startsWith(this.#scope)) client.postMessage(message);
    }
  }

  // --- requests -------------------------------------------------------------------------------------------------

  #answer(event: FetchEvent): void {
    const { request } = event;
    if (request.method !== "GET" || !request.url.startsWith(this.#scope)) return;
    if (request.headers.has("range") || request.headers.get("accept")?.includes("text/event-stream")) return;
    // Browsers ask so for their own purposes, and such a request fails here.
    if (request.cache === "only-if-cached" && request.mode !== "same-origin") return;
    const path = pathIn(this.#scope, request.url);
    if (path === null) return;
    if (request.mode === "navigate") return event.respondWith(this.#page(event, path));
    if (path === "sw.js" || PAGES_OWN.test(path)) return;
    if (path in BUILD.files || path.startsWith(HASHED)) return event.respondWith(this.#file(event, path));
    event.respondWith(this.#data(event, path));
  }

  async #page(event: FetchEvent, path: string): Promise<Response> {
    event.waitUntil(this.#tidy(false).then(() => this.#leaveIfGone()));
    const page = pageAt(path);
    const kept = page === null ? undefined : await this.#match(BUILD.version, page);
    if (kept) return kept;
    try {
      const response = await fetch(event.request);
      // The pages of the build are kept by the installation alone.
      if (page === null && response.status === 200 && isHtml(response)) event.waitUntil(this.#keepBeside(event.request.url, response.clone()));
      return response;
    } catch {
      const beside = await this.#find(this.#beside, event.request.url);
      return beside ?? absent(this.#scope);
    }
  }

  async #file(event: FetchEvent, path: string): Promise<Response> {
    const url = this.#url(path);
    const version = await this.#versionOf(event.clientId);
    const isWorker = event.request.destination === "worker" || event.request.destination === "sharedworker";
    if (version !== BUILD.version && isWorker && event.resultingClientId) await this.#addElder(event.resultingClientId, version);
    const kept = (await this.#match(version, path)) ?? (path.startsWith(HASHED) ? await this.#fromAny(url) : undefined);
    if (kept) return kept;
    const response = await fetch(event.request);
    // A name with a hash stands for one content, so what the first visit did not need is kept when it is first used.
    if (path.startsWith(HASHED) && isKeepable(response)) event.waitUntil(this.#keep(this.#prefix + version, url, response.clone()));
    return response;
  }

  async #data(event: FetchEvent, path: string): Promise<Response> {
    const { request } = event;
    const version = await this.#versionOf(event.clientId);
    const isBuilds = path.startsWith(MODELS) || path === AGENTS || path === SHIPPED_GAMES;
    const kept = (await this.#match(version, path)) ?? (await this.#find(this.#beside, request.url));
    const asked = fetch(request).then(async (response) => {
      const isOfThis = version === BUILD.version && (!isBuilds || !kept || (await this.#hostNow()) === "this");
      if (isOfThis && isKeepable(response) && !isHtml(response)) {
        const isFirst = (await this.#match(version, path)) !== undefined || BUILD.data.includes(path);
        const copy = response.clone();
        event.waitUntil(isFirst ? this.#keep(this.#current, this.#url(path), copy) : this.#keepBeside(request.url, copy));
      }
      return response;
    });
    if (!kept) return asked;
    event.waitUntil(asked.catch(() => {}));
    const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), PATIENCE_MS));
    const network = Promise.all([asked, isBuilds ? this.#hostNow() : "this"] as const);
    const found = await Promise.race([network, late]).catch(() => null);
    const [response, host] = found ?? [];
    const counts = response && host === "this" && version === BUILD.version && response.status < 500 && !isHtml(response);
    return counts ? response : kept;
  }

  /** Asks which build the host serves; one question serves the requests of a moment. */
  #hostNow(): Promise<Host> {
    if (this.#host === null || Date.now() - this.#host.asked > HOST_COUNTS_MS) this.#host = { answer: askHost(), asked: Date.now() };
    return this.#host.answer;
  }

  /** Leaves a host that has no service worker any more: the site has gone, or another one has its address. */
  async #leaveIfGone(): Promise<void> {
    if ((await this.#hostNow()) !== "none") return;
    await self.registration.unregister();
    for (const name of await this.#caches()) await caches.delete(name);
  }

  // --- caches ---------------------------------------------------------------------------------------------------

  #url(path: string): string {
    return new URL(path, this.#scope).href;
  }

  async #caches(): Promise<string[]> {
    return (await caches.keys()).filter((name) => name.startsWith(this.#prefix));
  }

  #match(version: string, path: string): Promise<Response | undefined> {
    return this.#find(this.#prefix + version, this.#url(path));
  }

  /** The kept answer; undefined also where the browser's storage fails, which must not stop a page that has a network. */
  #find(cacheName: string, url: string): Promise<Response | undefined> {
    return caches.match(url, { cacheName, ignoreVary: true }).catch(() => undefined);
  }

  async #fromAny(url: string): Promise<Response | undefined> {
    for (const cacheName of await this.#caches().catch(() => [])) {
      const kept = await this.#find(cacheName, url);
      if (kept) return kept;
    }
    return undefined;
  }

  async #addElder(id: string, version: string): Promise<void> {
    const { active, elder } = await this.#load();
    await this.#write({ active, elder: { ...elder, [id]: version } });
  }

  /** Keeps an answer; a full storage only means that it is not there without a network. */
  async #keep(cacheName: string, url: string, response: Response): Promise<void> {
    if (Number(response.headers.get("content-length") ?? 0) > LARGEST_KEPT) return;
    try {
      await (await caches.open(cacheName)).put(url, response);
    } catch {
      // The page has its answer.
    }
  }

  /** Keeps an answer beside the build; the oldest ones leave. */
  async #keepBeside(url: string, response: Response): Promise<void> {
    await this.#keep(this.#beside, url, response);
    const cache = await caches.open(this.#beside);
    const keys = await cache.keys();
    for (const key of keys.slice(0, Math.max(0, keys.length - MOST_KEPT))) await cache.delete(key);
  }
}

/** Path of an address below the scope; null if it is not well-formed. */
function pathIn(scope: string, url: string): string | null {
  try {
    return decodeURIComponent(new URL(url).pathname.slice(new URL(scope).pathname.length));
  } catch {
    return null;
  }
}

/** Path of the build's page at an address, as hosts know them: a folder's `index.html`, or a name without `.html`; null if it is none. */
function pageAt(path: string): string | null {
  const names = [path === "" || path.endsWith("/") ? `${path}index.html` : path, `${path}.html`];
  return names.find((name) => name.endsWith(".html") && name in BUILD.files) ?? null;
}

/** Whether an answer may be kept: whole, of this host, and not one that asks not to be. */
function isKeepable(response: Response): boolean {
  return response.status === 200 && response.type === "basic" && !response.redirected && !/no-store/.test(response.headers.get("cache-control") ?? "");
}

/** The response without the mark of a redirection, with which browsers refuse it as a page. */
async function plainResponse(response: Response): Promise<Response> {
  if (!response.redirected) return response;
  return new Response(await response.blob(), { status: response.status, headers: response.headers });
}

async function askHost(): Promise<Host> {
  try {
    const response = await fetch(self.location.href, { cache: "no-cache" });
    if (response.status === 404 || response.status === 410 || (response.ok && isHtml(response))) return "none";
    if (!response.ok) return "unknown";
    return (await response.text()).includes(JSON.stringify(BUILD.version)) ? "this" : "another";
  } catch {
    return "unknown";
  }
}

function problemOf(error: unknown): KeepingProblem {
  if (error instanceof NotKept) return error.why;
  return error instanceof DOMException && /quota/i.test(error.name) ? "full" : "forbidden";
}

/** Page for an address that is not kept and cannot be fetched. */
function absent(scope: string): Response {
  return new Response(absentPage(self.navigator.languages, scope), {
    status: 503,
    headers: { "content-type": "text/html; charset=utf-8", "content-security-policy": "default-src 'none'", "cache-control": "no-store" },
  });
}

new OfflineWorker().listen();
