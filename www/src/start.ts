/**
 * Downloads that both pages need, begun while the rest of the page's script is on its way: a script of its own, which
 * vite.config.ts puts first.
 */

import "./wasm-module";

/** Address of the network that the pages open first. */
export const DEFAULT_MODEL = new URL("models/default.model", document.baseURI).href;

let first: Promise<Response> | null = fetch(DEFAULT_MODEL);
// Whoever takes the response reports the error.
first.catch(() => {});

/** The response for an address: for the first network that of the request which is under way. */
export function request(url: string): Promise<Response> {
  const response = url === DEFAULT_MODEL ? first : null;
  if (response) first = null;
  return response ?? fetch(url);
}
