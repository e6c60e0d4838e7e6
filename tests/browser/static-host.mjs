/** A static host of the simplest kind, as one finds them: one folder under a path, no headers but the type, and a switch that turns it off. */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
};

/** Serves `folder` below `path`, which begins and ends with a slash. */
export async function startHost(folder, path = "/") {
  const host = {
    /** Folder that is served now. */
    folder,
    /** Whether connections are broken off, as without a network. */
    down: false,
    /** Requests that it got, by path below the folder, since `asked` was last emptied. */
    asked: [],
    /** Answers in place of files, by path: `(request, response) => void`. */
    answers: {},
    base: "",
    close: () => new Promise((done) => {
      server.closeAllConnections();
      server.close(done);
    }),
  };
  const server = createServer(async (request, response) => {
    if (host.down) return request.socket.destroy();
    const { pathname } = new URL(request.url, "http://host");
    const below = decodeURIComponent(pathname).slice(path.length);
    host.asked.push(below);
    const answer = host.answers[below];
    if (answer) return answer(request, response);
    const name = below === "" ? "index.html" : below;
    const bytes = pathname.startsWith(path) && !name.includes("..") ? await readFile(join(host.folder, name)).catch(() => null) : null;
    if (bytes === null) {
      const missing = await readFile(join(host.folder, "404.html")).catch(() => "no such page");
      response.writeHead(404, { "content-type": TYPES[".html"] }).end(missing);
      return;
    }
    response.writeHead(200, { "content-type": TYPES[extname(name)] ?? "application/octet-stream", "cache-control": "no-cache" });
    response.end(bytes);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  host.base = `http://127.0.0.1:${server.address().port}${path}`;
  return host;
}
