/**
 * Reader of games: the WebAssembly modules of `web-embed`, one for each family of formats, of which a page loads what its games need.
 * A module is compiled once a page; every game has an instance of its own, so that one which fails takes no other along.
 */

import type { BoardState } from "../board/state";
import type { Failure } from "../words/embed/failure";
import csa from "../wasm/embed/csa.wasm?url";
import kif from "../wasm/embed/kif.wasm?url";
import other from "../wasm/embed/other.wasm?url";

const URLS = { kif, csa, other };
type Family = keyof typeof URLS;

interface Exports {
  memory: WebAssembly.Memory;
  input(length: number): number;
  output(): number;
  read(extension: number, number: number): number;
  position(node: number): number;
}

/** Node of a game, as `web-embed` writes it. */
type Row = [parent: number, usi: string, japanese: string, western: string, comment: string, end: string, winner: number];
/** Place that was not understood: line (0 if only the move is known), column or move, id and detail of the problem. */
export type Defect = [line: number, column: number, problem: string, detail: string];

interface Answer {
  format?: string;
  problem?: Failure;
  black?: string;
  white?: string;
  event?: string;
  nodes?: Row[];
  defects?: Defect[];
}

/** Reason why a game cannot be shown, for the element's words. */
export class ReplayError extends Error {
  constructor(readonly failure: Failure, readonly defects: readonly Defect[] = [], readonly detail = "") {
    super(failure);
  }
}

const modules = new Map<Family, Promise<WebAssembly.Module>>();

async function compile(url: string): Promise<WebAssembly.Module> {
  // Another site's page needs our server's leave (CORS), which the header files of a published folder give.
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  const type = response.headers.get("content-type") ?? "";
  return type.startsWith("application/wasm") ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer());
}

/** The compiled module of a family; after a failure the next element tries again. */
function compiled(family: Family): Promise<WebAssembly.Module> {
  let module = modules.get(family);
  if (!module) {
    module = compile(URLS[family]);
    module.catch(() => modules.delete(family));
    modules.set(family, module);
  }
  return module;
}

/** Families by a file's extension or an attribute's word; each reads USI and SFEN too. */
const FAMILIES: Readonly<Record<string, Family>> = {
  kif: "kif", kifu: "kif", ki2: "kif", ki2u: "kif", bod: "kif", usi: "kif", sfen: "kif",
  csa: "csa", jkf: "other", json: "other", usen: "other", link: "other",
};

/** Names of formats that an element may be told. */
export const FORMATS = Object.keys(FAMILIES);

/** The family that a text is most likely of; the module says so if it is of another one. */
function guess(text: string): Family {
  const begin = text.trimStart();
  if (/^[{~]/.test(begin)) return "other";
  return /^(?:V\d|N[+-]|P[1-9I]|['$%+-])/.test(begin) ? "csa" : "kif";
}

/** Family of a format that a module names as one that it does not read. */
const familyOf = (format: string | undefined): Family => FAMILIES[format?.replace(/\d$/, "") ?? ""] ?? "other";

class Instance {
  readonly #exports: Exports;

  private constructor(exports: Exports) {
    this.#exports = exports;
  }

  static async of(family: Family): Promise<Instance> {
    const module = await compiled(family).catch(() => {
      throw new ReplayError("module");
    });
    return new Instance((await WebAssembly.instantiate(module)).exports as unknown as Exports);
  }

  read(text: string, extension: string, number: number): Answer {
    const bytes = new TextEncoder().encode(extension + text);
    const place = this.#exports.input(bytes.length);
    new Uint8Array(this.#exports.memory.buffer, place, bytes.length).set(bytes);
    return this.#answer(() => this.#exports.read(extension.length, number));
  }

  position(node: number): number[] {
    return this.#answer(() => this.#exports.position(node));
  }

  #answer<T>(ask: () => number): T {
    try {
      const length = ask();
      return JSON.parse(new TextDecoder().decode(new Uint8Array(this.#exports.memory.buffer, this.#exports.output(), length)));
    } catch {
      throw new ReplayError("broken");
    }
  }
}

/** A game that was read. Nodes are numbers, 0 the start. */
export class Game {
  readonly #instance: Instance;
  readonly #rows: readonly Row[];
  readonly names: readonly [black: string, white: string];
  readonly event: string;
  readonly defects: readonly Defect[];
  readonly #children: number[][];

  constructor(instance: Instance, { black = "", white = "", event = "", nodes = [], defects = [] }: Answer) {
    this.#instance = instance;
    this.#rows = nodes;
    this.names = [black, white];
    this.event = event;
    this.defects = defects;
    this.#children = nodes.map(() => []);
    nodes.forEach(([parent], node) => this.#children[parent]?.push(node));
  }

  #row(node: number): Row | undefined {
    return this.#rows[node];
  }

  parent(node: number): number {
    return this.#row(node)?.[0] ?? -1;
  }

  children(node: number): readonly number[] {
    return this.#children[node] ?? [];
  }

  /** The nodes from the start through `node` to the end of its line. */
  line(node: number): number[] {
    const line: number[] = [];
    for (let at = node; at >= 0; at = this.parent(at)) line.push(at);
    line.reverse();
    for (let next = this.children(node)[0]; next !== undefined; next = this.children(next)[0]) line.push(next);
    return line;
  }

  usi(node: number): string {
    return this.#row(node)?.[1] ?? "";
  }

  text(node: number, notation: "japanese" | "western" | "usi"): string {
    const row = this.#row(node);
    if (!row) return "";
    return notation === "usi" ? row[1] : notation === "japanese" ? row[2] : row[3];
  }

  /** The word of an end in Japanese, or the words that stand in the record. */
  endWord(node: number): string {
    return this.#row(node)?.[2] ?? "";
  }

  comment(node: number): string {
    return this.#row(node)?.[4] ?? "";
  }

  /** Id of the end of the line at a node, `illegal` for a move against the rules; empty where the line goes on. */
  end(node: number): string {
    return this.#row(node)?.[5] ?? "";
  }

  /** Colour that wins by the end at a node; -1 if nobody does or the end does not tell. */
  winner(node: number): number {
    return this.#row(node)?.[6] ?? -1;
  }

  state(node: number): BoardState {
    const numbers = this.#instance.position(node);
    const check = numbers[96] ?? -1;
    return {
      squares: Uint8Array.from(numbers.slice(0, 81)),
      hands: Uint8Array.from(numbers.slice(81, 95)),
      turn: numbers[95] === 1 ? 1 : 0,
      last: this.end(node) === "" ? this.usi(node) || undefined : undefined,
      check: check < 0 ? undefined : check,
    };
  }
}

/** Reads game `number`, from 0, of a text; `hint` is a name of `FORMATS`, or empty. */
export async function readGame(text: string, hint: string, number: number): Promise<Game> {
  const trimmed = text.replace(/^\ufeff/, "");
  if (trimmed.trim() === "") throw new ReplayError("empty");
  let family = FAMILIES[hint] ?? guess(trimmed);
  // A module says which other one reads the text.
  for (let attempt = 0; attempt < 2; attempt++) {
    const instance = await Instance.of(family);
    const answer = instance.read(trimmed, attempt === 0 ? hint : "", number);
    if (answer.nodes) return new Game(instance, answer);
    if (answer.problem !== "other") throw new ReplayError(answer.problem ?? "unread", answer.defects ?? []);
    family = familyOf(answer.format);
  }
  throw new ReplayError("other");
}
