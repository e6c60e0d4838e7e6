/** Where a bundle comes from: files of this site, checked by length and digest, or a server that tells of runs as they go on. */

import { runWords } from "../words/run";
import { BundleProblem, type Chunk, MANIFEST, type Manifest, readManifest } from "./format";

/** Longest manifest in bytes. */
const LONGEST_MANIFEST = 4 << 20;
/** Folder of the bundle that the page shows unless its address names another. */
export const FOLDER = "runs/";

/** The folder of a bundle as an address of this site. */
export function folderAddress(folder: string): URL {
  let url: URL;
  try {
    url = new URL(folder.endsWith("/") ? folder : `${folder}/`, document.baseURI);
  } catch {
    throw new BundleProblem(runWords.problems.noBundle(folder.slice(0, 200)));
  }
  if (url.origin !== location.origin) throw new BundleProblem(runWords.problems.elsewhere(url.href.slice(0, 200)));
  url.search = "";
  url.hash = "";
  return url;
}

/** The digest of bytes in hexadecimal digits; pages of an insecure address have no digest of the browser's own. */
async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = globalThis.isSecureContext
    ? new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))
    : (await import("@noble/hashes/sha2.js")).sha256(bytes);
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The body of a response, broken off where it grows longer than it may. */
async function limited(response: Response, most: number, file: string): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const part = await reader?.read().catch(() => {
      throw new BundleProblem(runWords.problems.unreachable(file));
    });
    if (!part || part.done) break;
    length += part.value.length;
    if (length > most) {
      await reader?.cancel().catch(() => {});
      throw new BundleProblem(runWords.problems.length(file, length, most));
    }
    parts.push(part.value);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

export class Source {
  readonly folder: URL;
  /** Files that were asked for. */
  readonly #asked = new Set<string>();

  constructor(folder: URL) {
    this.folder = folder;
  }

  async #fetch(file: string, cache: RequestCache): Promise<Response> {
    this.#asked.add(file);
    try {
      return await fetch(new URL(file, this.folder), { credentials: "omit", referrerPolicy: "no-referrer", cache });
    } catch {
      throw new BundleProblem(runWords.problems.unreachable(file));
    }
  }

  async manifest(): Promise<Manifest> {
    const response = await this.#fetch(MANIFEST, "no-cache");
    if (response.status === 404) throw new BundleProblem(runWords.problems.noBundle(this.folder.pathname));
    if (!response.ok) throw new BundleProblem(runWords.problems.missing(MANIFEST, response.status));
    return readManifest(new TextDecoder().decode(await limited(response, LONGEST_MANIFEST, MANIFEST)));
  }

  /** The bytes of a chunk, which are what the bundle says they are. */
  async bytes({ file, bytes: expected, sha256: digest }: Chunk): Promise<Uint8Array<ArrayBuffer>> {
    const response = await this.#fetch(file, "default");
    if (!response.ok) throw new BundleProblem(runWords.problems.missing(file, response.status));
    const bytes = await limited(response, expected, file);
    if (bytes.length !== expected) throw new BundleProblem(runWords.problems.length(file, bytes.length, expected));
    if ((await sha256(bytes)) !== digest) throw new BundleProblem(runWords.problems.digest(file));
    return bytes;
  }

  /** Asks for everything once more, for whoever stands between the page and the network. */
  askAgain(): void {
    // Without a network nothing is kept, and nothing is lost.
    for (const file of this.#asked) void this.#fetch(file, "default").then((response) => response.arrayBuffer()).catch(() => {});
  }

  async text(chunk: Chunk): Promise<string> {
    return new TextDecoder().decode(await this.bytes(chunk));
  }

  /**
   * Follows runs that go on: `onManifest` gets each manifest, `onLost` is told when the server is gone and when it is back. The browser
   * asks again by itself; where it has given up, so does this.
   */
  follow(events: string, onManifest: (manifest: Manifest) => void, onLost: (lost: boolean) => void, onProblem: (problem: unknown) => void): void {
    const stream = new EventSource(new URL(events, this.folder));
    stream.addEventListener("manifest", (event) => {
      onLost(false);
      const content = (event as MessageEvent<unknown>).data;
      if (typeof content !== "string" || content.length > LONGEST_MANIFEST) return;
      try {
        onManifest(readManifest(content));
      } catch (problem) {
        onProblem(problem);
      }
    });
    stream.addEventListener("error", () => {
      onLost(true);
      if (stream.readyState === EventSource.CLOSED) setTimeout(() => this.follow(events, onManifest, onLost, onProblem), RETRY_MS);
    });
  }
}

const RETRY_MS = 1000;
