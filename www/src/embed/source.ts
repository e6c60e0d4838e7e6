/** Text of the game that an element names: a file of some server, an attribute, or the element's own text. */

import { decode } from "./decode";
import { ReplayError } from "./reader";

/** Largest file in bytes; `web-embed` reads texts up to this size. */
const LARGEST = 512 << 10;
/** How long a server may take. */
const PATIENCE_MS = 30_000;
/** Schemes from which a game is loaded; no other can be one of a file. */
const SCHEMES = ["http:", "https:", "data:", "blob:"];

/** The extension of a file in an address, in lower case. */
export function extensionOf(address: string): string {
  const name = address.replace(/[?#].*$/s, "").split("/").pop() ?? "";
  return /\.([A-Za-z0-9]{1,5})$/.exec(name)?.[1]?.toLowerCase() ?? "";
}

/** The text of a file, read as far as a game may be long. */
export async function fetchText(address: string, base: string, given: AbortSignal): Promise<string> {
  let url: URL;
  try {
    url = new URL(address, base);
  } catch {
    throw new ReplayError("address");
  }
  if (!SCHEMES.includes(url.protocol)) throw new ReplayError("address");
  const slow = new AbortController();
  const timer = setTimeout(() => slow.abort(), PATIENCE_MS);
  try {
    const response = await fetch(url, { signal: AbortSignal.any([given, slow.signal]) });
    if (!response.ok) throw new ReplayError("status", [], String(response.status));
    return decode(await bytesOf(response));
  } catch (error) {
    if (error instanceof ReplayError || given.aborted) throw error;
    throw new ReplayError(slow.signal.aborted ? "slow" : "fetch");
  } finally {
    clearTimeout(timer);
  }
}

async function bytesOf(response: Response): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (let part = await reader?.read(); part?.value; part = await reader?.read()) {
    parts.push(part.value);
    length += part.value.length;
    if (length <= LARGEST) continue;
    await reader?.cancel();
    throw new ReplayError("large");
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
