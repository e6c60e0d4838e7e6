/** Sources of games: files, text, addresses, the browser's saved games, and the address of the page. */

import type { Agent } from "../agent";
import type { ReadGame } from "../protocol";
import { Tree } from "../records";
import type { SavedGame } from "../state/saved-game";
import { fields, list, number, parsed, text } from "../state/decode";
import { base64, fromBase64 } from "../state/games";
import { OPENING } from "../words/analysis";
import { BLACK, WHITE } from "./headers";

/** Games that were found together, in a file or a text. */
export interface Collection {
  title: string;
  games: readonly ReadGame[];
  /** Games that could not be read, each with the reason and its place. */
  problems: readonly string[];
  /** Ids under which games of it are saved in the browser, by their place. */
  ids: (string | undefined)[];
}

/** Most bytes of a file with games. */
const LARGEST_FILE = 64 << 20;

/** Reads games in any format and encoding, in the worker: a hostile file does not stop the page. */
export async function read(agent: Agent, content: Blob | Uint8Array | string, title: string): Promise<Collection> {
  const { games, problems } = await agent.read(content, title);
  return { title, games, problems, ids: [] };
}

/** The bytes at an address of this site, and the name of the file. */
export async function fetchFile(address: string): Promise<{ bytes: Uint8Array; name: string }> {
  let url: URL;
  try {
    url = new URL(address, document.baseURI);
  } catch {
    throw new Error(OPENING.badAddress);
  }
  if (!/^https?:$/.test(url.protocol)) throw new Error(OPENING.scheme(url.protocol));
  // The page's content security policy lets it reach its own site only, which also keeps what the user opens from other hosts.
  if (url.origin !== location.origin) throw new Error(OPENING.elsewhere(url.host));
  let response: Response;
  try {
    response = await fetch(url, { credentials: "omit", referrerPolicy: "no-referrer" });
  } catch {
    throw new Error(OPENING.blocked);
  }
  if (!response.ok) throw new Error(OPENING.answered(response.status));
  if (response.headers.get("content-type")?.startsWith("text/html")) throw new Error(OPENING.htmlPage);
  const bytes = await limited(response);
  return { bytes, name: decodeURIComponentSafely(url.pathname.split("/").pop() ?? "") || url.host };
}

/** The body of a response, broken off where it grows too large: the header that states its size may be wrong. */
async function limited(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const part = await reader?.read();
    if (!part || part.done) break;
    length += part.value.length;
    if (length > LARGEST_FILE) {
      await reader?.cancel();
      throw new Error(OPENING.tooLarge(length, LARGEST_FILE));
    }
    chunks.push(part.value);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The tree of a saved game: its own, or that of its line. */
export function treeOf(saved: SavedGame): Tree {
  if (saved.tree !== null) {
    const bytes = fromBase64(saved.tree);
    if (bytes) return Tree.from_bytes(bytes);
  }
  const tree = new Tree(saved.start);
  try {
    let node = 0;
    for (const usi of saved.moves.split(" ").filter(Boolean)) node = tree.play(node, usi);
    if (saved.black) tree.set_header(BLACK, saved.black);
    if (saved.white) tree.set_header(WHITE, saved.white);
    const side = tree.board(node);
    const loser = saved.end && saved.end.winner !== null ? 1 - saved.end.winner : null;
    if (saved.end?.reason === "resignation" && loser === side.side_to_move()) tree.close(node, "resign");
    else if (saved.end?.reason === "time" && loser === side.side_to_move()) tree.close(node, "time_up");
    else if (saved.end?.reason === "declaration") tree.close(node, "declaration");
    side.free();
    return tree;
  } catch (error) {
    tree.free();
    throw error;
  }
}

/** The line's last node after these moves, as far as the tree has them. */
export function nodeAlong(tree: Tree, moves: string): number {
  let node = 0;
  for (const usi of moves.split(" ").filter(Boolean)) {
    const next = Array.from(tree.children(node)).find((child) => tree.move_usi(child) === usi);
    if (next === undefined) break;
    node = next;
  }
  return node;
}

/** The node of a line at a ply; the line goes on along first children. */
export function nodeAtPly(tree: Tree, end: number, ply: number): number {
  const line = [...tree.path(end), ...tree.line(end).slice(1)];
  return line[Math.max(0, Math.min(ply, line.length - 1))] ?? 0;
}


const KEPT = "keisei.collection";
/** Most characters of a collection that outlives a reload; of a larger one the open game alone does. */
const LONGEST_KEPT = 1_500_000;

/** Keeps the games beside the open one for a reload of this tab. */
export function keepCollection(collection: Collection): void {
  try {
    const length = collection.games.reduce((sum, { bytes }) => sum + 200 + bytes.length * 1.4, 0);
    if (length > LONGEST_KEPT) return sessionStorage.removeItem(KEPT);
    const games = collection.games.map((game) => ({ ...game, bytes: base64(game.bytes) }));
    sessionStorage.setItem(KEPT, JSON.stringify({ ...collection, games }));
  } catch {
    // Without storage the open game is in the address, and its neighbours are in the file.
  }
}

/** The kept collection in which this saved game stands. */
export function keptCollection(id: string): Collection | null {
  let stored: string | null;
  try {
    stored = sessionStorage.getItem(KEPT);
  } catch {
    return null;
  }
  const kept = stored === null ? undefined : fields(parsed(stored));
  const title = text(kept?.["title"], 1000);
  const games = list(kept?.["games"], MOST_KEPT, keptGame);
  const problems = list(kept?.["problems"], MOST_KEPT, (entry) => text(entry, 10_000));
  const ids = list(kept?.["ids"], MOST_KEPT, (entry) => text(entry, 24) ?? "")?.map((entry) => entry || undefined);
  if (title === undefined || !games || !problems || !ids?.includes(id)) return null;
  return { title, games, problems, ids };
}

const MOST_KEPT = 100_000;

function keptGame(entry: unknown): ReadGame | undefined {
  const read = fields(entry);
  const name = (key: string): string => text(read?.[key], 1000) ?? "";
  const bytes = fromBase64(text(read?.["bytes"], LONGEST_KEPT) ?? "");
  const plies = number(read?.["plies"], 0, MOST_KEPT);
  const defects = list(read?.["defects"], MOST_KEPT, (defect) => text(defect, 10_000));
  if (!read || !bytes || plies === undefined || !defects) return undefined;
  const end = text(read["end"], 40) as ReadGame["end"];
  const winner = number(read["winner"], 0, 1);
  return { black: name("black"), white: name("white"), event: name("event"), plies, end, winner, defects, bytes: new Uint8Array(bytes) };
}
