/** Model files before the worker reads them: the download, and the checks that spare it a file that is none. */

/** Largest model file in bytes: the network takes several times as much memory. */
export const LARGEST_MODEL = 128 << 20;

/** First bytes of a model file. */
const MAGIC = "KEISEI-M";

/** Bytes up to and with the file's own length. */
const PREAMBLE = 24;

/** Offset of the length of the whole file. */
const LENGTH_AT = 16;

/** No model at the address, as opposed to one that cannot be read. */
export class MissingModel extends Error {}

const megabytes = (bytes: number): string => `${(bytes / (1 << 20)).toFixed(1)} MB`;

/** An error if a file of this size is too large for a model. */
export function checkSize(bytes: number): void {
  if (bytes <= LARGEST_MODEL) return;
  throw new Error(`it has ${megabytes(bytes)}, and a page opens models up to ${megabytes(LARGEST_MODEL)}`);
}

/** The length that a model file states of itself, from its first bytes; an error if it is no model, or too large. */
function statedLength(preamble: Uint8Array): number {
  if (String.fromCharCode(...preamble.subarray(0, MAGIC.length)) !== MAGIC) throw new Error("it is not a model file");
  const view = new DataView(preamble.buffer, preamble.byteOffset);
  const length = Number(view.getBigUint64(LENGTH_AT, true));
  checkSize(length);
  return length;
}

/** Downloads a model and reports the progress. Nothing is kept of a file that turns out to be another, or too large. */
export async function download(
  url: string,
  request: Promise<Response>,
  progress: (loaded: number, total: number) => void,
): Promise<ArrayBuffer> {
  const response = await request;
  // A server that answers every address with its start page has no model either.
  const page = response.headers.get("content-type")?.startsWith("text/html") ?? false;
  if (response.status === 404 || (response.ok && page)) throw new MissingModel(`${url} does not exist`);
  if (!response.ok || !response.body) throw new Error(`${url}: the server answered ${response.status}`);
  const reader = response.body.getReader();
  try {
    return await collected(reader, progress);
  } catch (error) {
    void reader.cancel();
    throw new Error(`${url}: ${error instanceof Error ? error.message : error}`);
  }
}

async function collected(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  progress: (loaded: number, total: number) => void,
): Promise<ArrayBuffer> {
  let chunks: Uint8Array[] = [];
  let loaded = 0;
  // The file's own length, not the transfer's, which may be compressed; unknown before the first bytes.
  let total = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    loaded += value.length;
    if (total === 0 && loaded >= PREAMBLE) {
      chunks = [joined(chunks, loaded)];
      total = statedLength(chunks[0]!);
    }
    // A longer file than it says is damaged; the worker says so, if it is not endless.
    checkSize(loaded);
    progress(loaded, total);
  }
  return joined(chunks, loaded).buffer;
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
