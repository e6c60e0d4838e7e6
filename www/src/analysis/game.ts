/** The game on the analysis page: a tree, the node that is on the board, and the line along which the keys walk. */

import type { Color } from "../board/geometry";
import type { Board, Tree } from "../records";
import type { EndReason, LineEnd, MoveStyle } from "../rules";

/** What changed; the page draws only that. */
export type Change = "node" | "moves" | "comments";

/** The words of nodes, read once: a call for each node on every drawing would be many thousands. */
interface Words {
  readonly usi: string | undefined;
  readonly text: string;
  readonly end: LineEnd | undefined;
  readonly illegal: boolean;
  /** Whether a move follows in the line, so that the game is not over. */
  readonly goesOn: boolean;
}

/** End of the game by the rules, as in mate. */
export interface RuleEnd {
  winner: Color | null;
  reason: EndReason;
}

export class AnalysisGame {
  readonly tree: Tree;
  /** The side to move at the start. */
  readonly first: Color;
  #style: MoveStyle;
  readonly #changed: (change: Change) => void;
  #board: Board;
  /** The node whose position the board has: `node`, or the one before an end or an illegal move. */
  #standing = 0;
  #node = 0;
  #line: readonly number[];
  #words: readonly Words[];
  /** Ends by the rules of nodes that nothing but an end follows; null where the game goes on. */
  #ended = new Map<number, RuleEnd | null>();

  constructor(tree: Tree, style: MoveStyle, changed: (change: Change) => void) {
    this.tree = tree;
    this.first = tree.start().split(" ")[1] === "w" ? 1 : 0;
    this.#style = style;
    this.#changed = changed;
    this.#board = tree.board(0);
    this.#line = Array.from(tree.line(0));
    this.#words = this.#readWords();
  }

  free(): void {
    this.#board.free();
    this.tree.free();
  }

  /** The node on the board. */
  get node(): number {
    return this.#node;
  }

  /** The node whose position the board has: that of an end is the one before. */
  get standing(): number {
    return this.#standing;
  }

  /** The position of the node with the game up to it; it belongs to this object. */
  get board(): Board {
    return this.#board;
  }

  /** The nodes from the root through the current one to the end of its line. */
  get line(): readonly number[] {
    return this.#line;
  }

  /** Place of the node in its line, which is its number of plies. */
  get ply(): number {
    return this.tree.ply(this.#node);
  }


  /** The side to move after a node. */
  sideAt(node: number): Color {
    const plies = this.tree.ply(this.tree.standing(node));
    return ((this.first + plies) % 2) as Color;
  }

  text(node: number): string {
    return this.#words[node]?.text ?? "";
  }

  end(node: number): LineEnd | undefined {
    return this.#words[node]?.end;
  }

  isIllegal(node: number): boolean {
    return this.#words[node]?.illegal ?? false;
  }

  /** The end of the game by the rules after a node, if there is one. A recorded game may go on after its fourth repetition. */
  ended(node: number): RuleEnd | null {
    const known = this.#ended.get(node);
    if (known !== undefined) return known;
    const goesOn = this.#words[node]?.goesOn || Array.from(this.tree.children(node)).some((child) => this.end(child) === undefined);
    const end = goesOn || this.tree.standing(node) !== node ? null : this.#endOf(node);
    this.#ended.set(node, end);
    return end;
  }

  #endOf(node: number): RuleEnd | null {
    const board = this.tree.board(node);
    const outcome = board.outcome();
    board.free();
    if (outcome === undefined) return null;
    const end = { winner: (outcome.winner ?? null) as Color | null, reason: outcome.reason };
    outcome.free();
    return end;
  }

  /** The moves to a node in USI, separated by spaces, without an illegal one. */
  movesTo(node: number): string {
    const path = Array.from(this.tree.path(this.tree.standing(node)));
    return path.slice(1).map((step) => this.#words[step]?.usi ?? "").join(" ");
  }

  // --- moving ---------------------------------------------------------------------------------------------------

  go(node: number): void {
    if (node === this.#node) return;
    this.#node = node;
    this.#follow();
    this.#place();
    this.#changed("node");
  }

  goToPly(ply: number): void {
    const last = this.#line.length - 1;
    this.go(this.#line[Math.max(0, Math.min(last, ply))] ?? 0);
  }

  next(): void {
    this.goToPly(this.ply + 1);
  }

  previous(): void {
    this.goToPly(this.ply - 1);
  }

  /** Goes to the next (1) or previous (-1) alternative of the current move; false if it has none. */
  sibling(step: 1 | -1): boolean {
    const parent = this.tree.parent(this.#node);
    if (parent === undefined) return false;
    const all = Array.from(this.tree.children(parent));
    const other = all[(all.indexOf(this.#node) + step + all.length) % all.length];
    if (other === undefined || other === this.#node) return false;
    this.go(other);
    return true;
  }

  // --- changing -------------------------------------------------------------------------------------------------

  /** Plays moves after the current node: a known move is followed, another begins a variation. Returns whether one was new. */
  play(moves: readonly string[]): boolean {
    const before = this.tree.len;
    let node = this.#node;
    for (const usi of moves) node = this.tree.play(node, usi);
    const grown = this.tree.len > before;
    if (grown) this.#regrow();
    this.go(node);
    return grown;
  }

  /** Removes the current node with all that follows. `renumbered` is told of the nodes' new numbers, by their old ones, first. */
  remove(renumbered: (numbers: ReadonlyMap<number, number>) => void): void {
    const removed = new Set([this.#node]);
    const length = this.tree.len;
    // A node comes after its parent.
    for (let node = this.#node + 1; node < length; node++) {
      const parent = this.tree.parent(node);
      if (parent !== undefined && removed.has(parent)) removed.add(node);
    }
    const numbers = new Map<number, number>();
    for (let node = 0; node < length; node++) if (!removed.has(node)) numbers.set(node, numbers.size);
    this.#node = this.tree.remove(this.#node);
    this.#standing = -1;
    this.#line = [];
    this.#ended.clear();
    this.#words = this.#readWords();
    this.#place();
    renumbered(numbers);
    this.#regrow();
  }

  /** Ends the line at the current node and goes to the end. */
  close(end: LineEnd): void {
    const node = this.tree.close(this.#node, end);
    this.#regrow();
    this.go(node);
  }

  /** Chooses the notation of moves. */
  setStyle(style: MoveStyle): void {
    this.#style = style;
    this.#words = this.#readWords();
  }

  promote(): void {
    this.tree.promote(this.#node);
    this.#line = [];
    this.#regrow();
  }

  setComment(text: string): void {
    if (text === this.tree.comment(this.#node)) return;
    this.tree.set_comment(this.#node, text);
    this.#changed("comments");
  }

  #regrow(): void {
    this.#words = this.#readWords();
    this.#ended.clear();
    this.#follow(true);
    this.#changed("moves");
  }

  /** The line through the current node: the old one if it still leads through it. */
  #follow(anew = false): void {
    const path = Array.from(this.tree.path(this.#node));
    const kept = !anew && this.#line[path.length - 1] === this.#node;
    if (!kept) this.#line = [...path.slice(0, -1), ...this.tree.line(this.#node)];
  }

  /** Brings the board to the node: by one move forth or back where that is enough. */
  #place(): void {
    const wanted = this.tree.standing(this.#node);
    if (wanted === this.#standing) return;
    const usi = this.tree.move_usi(wanted);
    const forth = this.tree.parent(wanted) === this.#standing && usi !== undefined && this.#board.outcome() === undefined;
    if (forth) {
      this.#board.play(usi);
    } else if (this.#standing > 0 && this.tree.parent(this.#standing) === wanted) {
      this.#board.undo();
    } else {
      this.#board.free();
      this.#board = this.tree.board(wanted);
    }
    this.#standing = wanted;
  }

  /** One pass over all lines: the text of a move needs the position before it. */
  #readWords(): Words[] {
    const words: Words[] = [];
    const heads = [0];
    for (let head = heads.pop(); head !== undefined; head = heads.pop()) {
      const line = this.tree.line(head);
      const ends = Array.from(line, (node) => this.tree.end(node));
      this.tree.texts(line, this.#style).forEach((text, index) => {
        const node = line[index] ?? 0;
        const goesOn = index + 1 < line.length && ends[index + 1] === undefined;
        words[node] = { usi: this.tree.move_usi(node), text, end: ends[index], illegal: this.tree.is_illegal(node), goesOn };
      });
      for (const node of line) heads.push(...this.tree.children(node).slice(1));
    }
    return words;
  }
}
