/** Model files before the worker reads them: the download, and the checks that spare it a file that is none. */

import { LARGEST_MODEL } from "./agents/manifest";
import { ModelProblem } from "./agents/problem";

export { LARGEST_MODEL };

/** First bytes of a model file. */
const MAGIC = "KEISEI-M";

/** Bytes up to and with the file's own length. */
const PREAMBLE = 24;

/** Offset of the length of the whole file. */
const LENGTH_AT = 16;

export type Progress = (loaded: number, total: number) => void;

/** A problem if a file of this size is too large for a model. */
export function checkSize(found: number, expected = LARGEST_MODEL): void {
  if (found > expected) throw new ModelProblem("too_large", { found, expected });
}

/** The length that a model file states of itself, from its first bytes; a problem if it is no model, or too large. */
function statedLength(preamble: Uint8Array): number {
  if (String.fromCharCode(...preamble.subarray(0, MAGIC.length)) !== MAGIC) throw new ModelProblem("not_a_model");
  const view = new DataView(preamble.buffer, preamble.byteOffset);
  const length = Number(view.getBigUint64(LENGTH_AT, true));
  checkSize(length);
  return length;
}

/** The answer with a file; a problem if the server has none, or cannot be reached. */
export async function answered(request: Promise<Response>): Promise<Response> {
  let response: Response;
  try {
    response = await request;
  } catch (error) {
    throw broken(error);
  }
  // A server that answers every address with its start page has no such file either.
  const page = response.headers.get("content-type")?.startsWith("text/html") ?? false;
  if (response.status === 404 || (response.ok && page)) throw new ModelProblem("missing", { text: `${response.url} does not exist` });
  if (!response.ok || !response.body) throw new ModelProblem("answered", { status: response.status });
  return response;
}

/** The problem of a request that broke off. */
function broken(error: unknown): ModelProblem {
  if (error instanceof ModelProblem) return error;
  if (error instanceof DOMException && error.name === "AbortError") return new ModelProblem("cancelled");
  return new ModelProblem("unreachable", { text: error instanceof Error ? error.message : String(error) });
}

/**
 * The model in a response, with progress; of `expected` bytes, if they are known. Nothing is kept of a file that turns out to be
 * another, and an endless one ends.
 */
export async function download(response: Response, progress: Progress, expected?: number): Promise<ArrayBuffer> {
  let total = expected ?? 0;
  let isChecked = false;
  const see = (chunks: readonly Uint8Array[], loaded: number): void => {
    if (!isChecked && loaded >= PREAMBLE) {
      // The file's own length, not the transfer's, which may be compressed.
      total = statedLength(joined(chunks, loaded));
      if (expected !== undefined && total !== expected) throw new ModelProblem("size", { found: total, expected });
      isChecked = true;
    }
    progress(loaded, total);
  };
  try {
    const bytes = await collected(response, expected ?? LARGEST_MODEL, see);
    if (expected !== undefined && bytes.byteLength !== expected) throw new ModelProblem("size", { found: bytes.byteLength, expected });
    return bytes;
  } catch (error) {
    const isLonger = expected !== undefined && error instanceof ModelProblem && error.kind === "too_large";
    throw isLonger ? new ModelProblem("size", error.details) : error;
  }
}

/** The body of a response of at most `most` bytes; `each` sees the chunks so far, and may refuse them. */
export async function collected(
  response: Response,
  most: number,
  each: (chunks: readonly Uint8Array[], loaded: number) => void,
): Promise<ArrayBuffer> {
  const reader = response.body!.getReader();
  const chunks: Uint8Array[] = [];
  let loaded = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return joined(chunks, loaded).buffer;
      chunks.push(value);
      loaded += value.length;
      // What the file says of itself comes first: that is its whole size.
      each(chunks, loaded);
      checkSize(loaded, most);
    }
  } catch (error) {
    void reader.cancel().catch(() => {});
    throw broken(error);
  }
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
