import { GRADES, SIDES, VARIATIONS } from "../words/parts";
import type { Color } from "../board/geometry";
import type { Grade } from "./grade";
import { element, shadow, sheet } from "./shadow";

const css = sheet(`
  :host { display: block; position: relative; contain: layout paint; overflow-y: auto; overscroll-behavior: contain; font-size: 0.92rem; scrollbar-width: thin; line-height: 1.35; }
  .row { display: grid; grid-template-columns: 2.9em minmax(0, 1fr) minmax(0, 1fr); gap: 1px 4px; align-items: start; }
  /* A game of several hundred moves is laid out and painted where it is seen, after its first part. */
  .part + .part { content-visibility: auto; }
  .number { color: var(--muted); text-align: right; padding: 5px 5px 0 0; font-variant-numeric: tabular-nums; font-size: 0.86em; }
  button { all: unset; box-sizing: border-box; cursor: pointer; min-height: 26px; min-width: 24px; padding: 3px 7px; border-radius: 6px; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
  button:hover { background: color-mix(in srgb, var(--rule) 55%, transparent); }
  button:focus-visible { outline: 3px solid var(--focus); outline-offset: -2px; }
  button.current { background: var(--rule); box-shadow: inset 3px 0 0 var(--accent); }
  .start:not(.current) { color: var(--muted); }
  .current .clock { color: inherit; }
  .grade { font-weight: 700; padding-left: 3px; }
  .blunder, .mistake { color: var(--accent); }
  .clock { float: right; color: var(--muted); font-size: 0.82em; padding-left: 6px; }
  .comment { margin: 1px 4px 3px 2.9em; color: var(--muted); font-size: 0.94em; white-space: pre-wrap; overflow-wrap: anywhere; }
  .variation { margin: 1px 0 3px 1.2em; padding-left: 6px; border-left: 2px solid var(--rule); }
  .row + .variation, .comment + .variation { margin-left: 2.6em; }
  .variation button { padding: 2px 4px; min-height: 24px; }
  .variation .number { padding: 0 1px 0 4px; }
  .variation .comment { margin: 0 4px; display: inline; }
  .variation .clock { float: none; }
  .empty { color: var(--muted); margin: 0; }
  @media (forced-colors: active) { button.current { outline: 2px solid Highlight; outline-offset: -2px; } }
`);

/** Game as the element reads it: nodes are numbers, 0 the root. */
export interface MoveTree {
  /** The side to move at the root. */
  readonly first: Color;
  children(node: number): ArrayLike<number>;
  ply(node: number): number;
  /** Move, or words for the end of the line. */
  text(node: number): string;
  comment(node: number): string;
  /** Time that the move took, as text; empty if it is not known. */
  clock(node: number): string;
  grade(node: number): Grade | null;
}

/** Rows of the main line in a part of the list: the first is made at once, the next one in each frame, as a page of several hundred moves is not to stand still. */
const PART_ROWS = 16;
/** Height of a row of one line, for parts that were never seen. */
const ROW_PX = 26;

export interface NodeEvent extends CustomEvent<{ node: number }> {}

/**
 * `<variation-tree>`: the main line in two columns, variations indented below the moves that they replace, comments between.
 *
 * A click sends `node-chosen`. The current move is the only tab stop; the page's keys for the next and the previous move work
 * here too, and the focus follows.
 */
export class VariationTree extends HTMLElement {
  readonly #list = element("div");
  #buttons = new Map<number, HTMLButtonElement>();
  #tree: MoveTree | null = null;
  #current = 0;
  #reveal = 0;
  /** The frame in which the next rows are made; 0 if there are all. */
  #making = 0;
  /** Whether the current move of the tree before had the focus, which the next one's gets. */
  #hadFocus = false;

  constructor() {
    super();
    this.#list.setAttribute("role", "group");
    this.#list.setAttribute("aria-label", VARIATIONS.name);
    shadow(this, css).append(this.#list);
    this.#list.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest("button") : null;
      if (button) this.dispatchEvent(new CustomEvent("node-chosen", { detail: { node: Number(button.dataset["node"]) }, bubbles: true }));
    });
  }

  /** Draws the whole tree, a long one over some frames; `current` must be set after it. */
  show(tree: MoveTree): void {
    this.leave();
    const hadFocus = this.#hadFocus;
    this.#hadFocus = false;
    this.#tree = tree;
    const start = element("button", "start", VARIATIONS.start);
    this.#register(start, 0);
    const parts: Node[] = [start];
    if (tree.comment(0)) parts.push(element("div", "comment", tree.comment(0)));
    this.#list.replaceChildren(...parts);
    this.#make(this.#column(tree), hadFocus);
    this.#mark(hadFocus);
  }

  /** Takes no more from the tree, which is about to go; its rows stay until another is shown. */
  leave(): void {
    cancelAnimationFrame(this.#making);
    this.#making = 0;
    this.#hadFocus ||= this.#buttons.get(this.#current)?.matches(":focus") ?? false;
    this.#tree = null;
    this.#buttons = new Map();
  }

  /** Makes the next part of the rows now and the others in the next frames. */
  #make(rows: Iterator<Node[]>, hadFocus: boolean): void {
    this.#making = 0;
    const had = this.#buttons.has(this.#current);
    const part = element("div", "part");
    let row = rows.next();
    for (let made = 1; !row.done; row = rows.next(), made++) {
      part.append(...row.value);
      if (made === PART_ROWS) break;
    }
    part.style.containIntrinsicSize = `auto ${part.childElementCount * ROW_PX}px`;
    this.#list.append(part);
    if (!row.done) this.#making = requestAnimationFrame(() => this.#make(rows, hadFocus));
    if (!had) this.#mark(hadFocus);
  }

  /** Draws the words of these nodes again, as after new grades. */
  refresh(nodes: Iterable<number>): void {
    for (const node of nodes) {
      const button = this.#buttons.get(node);
      if (button && this.#tree && node !== 0) this.#label(button, this.#tree, node);
    }
  }

  /** Marks the node that is on the board. */
  set current(node: number) {
    if (node === this.#current) return;
    const old = this.#buttons.get(this.#current);
    const hadFocus = old?.matches(":focus") ?? false;
    old?.classList.remove("current");
    old?.removeAttribute("aria-current");
    if (old) old.tabIndex = -1;
    this.#current = node;
    this.#mark(hadFocus);
  }

  #mark(focus: boolean): void {
    const button = this.#buttons.get(this.#current);
    if (!button) return;
    button.classList.add("current");
    button.setAttribute("aria-current", "step");
    button.tabIndex = 0;
    if (focus) button.focus({ preventScroll: true });
    // One scroll a frame, however many steps were made.
    if (this.#reveal === 0) {
      this.#reveal = requestAnimationFrame(() => {
        this.#reveal = 0;
        this.#scrollTo(this.#buttons.get(this.#current));
      });
    }
  }

  /** Scrolls inside the list only, so far that the next moves need no scrolling; the page stays where it is. */
  #scrollTo(button: HTMLElement | undefined): void {
    if (!button) return;
    const [box, line] = [this.getBoundingClientRect(), button.getBoundingClientRect()];
    if (line.top < box.top || line.bottom > box.bottom) this.scrollTop += line.top - box.top - box.height / 2;
  }

  #register(button: HTMLButtonElement, node: number): void {
    button.type = "button";
    button.tabIndex = -1;
    button.dataset["node"] = String(node);
    this.#buttons.set(node, button);
  }

  #button(tree: MoveTree, node: number): HTMLButtonElement {
    const button = element("button");
    this.#register(button, node);
    this.#label(button, tree, node);
    return button;
  }

  #label(button: HTMLButtonElement, tree: MoveTree, node: number): void {
    const ply = tree.ply(node);
    const side = SIDES[((tree.first + ply + 1) % 2) as Color];
    const grade = tree.grade(node);
    const clock = tree.clock(node);
    const parts: Node[] = [element("span", "text", tree.text(node))];
    if (grade) parts.push(new Text(" "), element("span", `grade ${grade}`, GRADES[grade].glyph));
    if (clock) parts.push(new Text(" "), element("span", "clock", clock));
    // The name holds the visible text as it is. Hidden text in each of some hundred moves would be a layer each.
    const visible = parts.map(({ textContent }) => textContent).join("");
    const name = VARIATIONS.node(ply, side, grade ? GRADES[grade].name : null, visible);
    // Most moves get no mark, and their words stay.
    if (button.getAttribute("aria-label") === name) return;
    button.replaceChildren(...parts);
    button.setAttribute("aria-label", name);
  }

  /** The main line: a row for each pair of moves, broken where a comment or a variation stands between. */
  *#column(tree: MoveTree): Generator<Node[]> {
    let empty = true;
    let row: HTMLElement | null = null;
    for (let parent = 0; ; empty = false) {
      const [node, ...others] = Array.from(tree.children(parent));
      if (node === undefined) break;
      const ply = tree.ply(node);
      const second = (ply + tree.first) % 2 === 0;
      if (!row || !second) {
        if (row) yield [row];
        row = element("div", "row");
        row.append(element("span", "number", String(ply)));
        if (second) row.append(element("span"));
      }
      row.append(this.#button(tree, node));
      const comment = tree.comment(node);
      // The next move begins a row of its own, after the comment and the variations.
      if (comment || others.length > 0) {
        const between = comment ? [element("div", "comment", comment)] : [];
        yield [row, ...between, ...others.map((other) => this.#variation(tree, other))];
        row = null;
      }
      parent = node;
    }
    if (row) yield [row];
    if (empty) yield [element("p", "empty", VARIATIONS.empty)];
  }

  /** A variation in running text; its own variations are blocks inside. A stack, not recursion: a file may nest a thousand deep. */
  #variation(tree: MoveTree, head: number): HTMLElement {
    const outer = element("div", "variation");
    const open: { block: HTMLElement; node: number; depth: number }[] = [{ block: outer, node: head, depth: 0 }];
    for (let line = open.pop(); line; line = open.pop()) {
      const { block, depth } = line;
      block.setAttribute("role", "group");
      block.setAttribute("aria-label", VARIATIONS.variation);
      let numbered = false;
      let others: readonly number[] = [];
      for (let node: number | undefined = line.node; node !== undefined; ) {
        const ply = tree.ply(node);
        if (!numbered || (ply + tree.first) % 2 === 1) block.append(element("span", "number", `${ply}.`));
        numbered = true;
        block.append(this.#button(tree, node), " ");
        const comment = tree.comment(node);
        if (comment) block.append(element("span", "comment", comment), " ");
        for (const other of others) {
          const inner = element("div", "variation");
          // Deep nesting is no longer indented.
          (depth < 8 ? block : outer).append(inner);
          open.push({ block: inner, node: other, depth: depth + 1 });
          numbered = false;
        }
        [node, ...others] = Array.from(tree.children(node));
      }
    }
    return outer;
  }
}

customElements.define("variation-tree", VariationTree);

declare global {
  interface HTMLElementTagNameMap {
    "variation-tree": VariationTree;
  }
  interface HTMLElementEventMap {
    "node-chosen": NodeEvent;
  }
}
