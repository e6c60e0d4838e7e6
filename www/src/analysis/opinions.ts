/** The network's and the record's opinions on the nodes of one game, and how much moves lose by them. */

import type { Color } from "../board/geometry";
import type { Thought } from "../protocol";
import { type Chances, chances as chancesOf, scoreOf } from "../values";

/** Thoughts that are kept whole; their policies hold hundreds of moves each. */
const MOST_THOUGHTS = 48;

export class Opinions {
  /** One evaluation by the network of each node, without a search. */
  #glances = new Map<number, Chances>();
  /** The search's result, where there was one. */
  #searches = new Map<number, Chances>();
  /** The latest thoughts, the last used at the end. */
  #thoughts = new Map<number, Thought>();

  clear(): void {
    this.#glances.clear();
    this.#searches.clear();
    this.#thoughts.clear();
  }

  /** Forgets whole thoughts, whose texts are in another notation; the chances stay. */
  forgetThoughts(): void {
    this.#thoughts.clear();
  }

  /** Follows the nodes to new numbers after some were removed. */
  renumber(numbers: ReadonlyMap<number, number>): void {
    this.#glances = moved(this.#glances, numbers);
    this.#searches = moved(this.#searches, numbers);
    this.#thoughts = moved(this.#thoughts, numbers);
  }

  setGlance(node: number, chances: Chances): void {
    this.#glances.set(node, chances);
  }

  setThought(node: number, thought: Thought, side: Color): void {
    const chances = chancesOf(thought, side);
    if (thought.visits > 0) this.#searches.set(node, chances);
    else this.#glances.set(node, chances);
    this.#thoughts.delete(node);
    this.#thoughts.set(node, thought);
    const [oldest] = this.#thoughts.keys();
    if (this.#thoughts.size > MOST_THOUGHTS && oldest !== undefined) this.#thoughts.delete(oldest);
  }

  thought(node: number): Thought | undefined {
    return this.#thoughts.get(node);
  }

  glance(node: number): Chances | undefined {
    return this.#glances.get(node);
  }

  search(node: number): Chances | undefined {
    return this.#searches.get(node);
  }

  /** The best known chances after a node. */
  chances(node: number): Chances | undefined {
    return this.#searches.get(node) ?? this.#glances.get(node);
  }

  /**
   * Drop of the mover's expected score from the position before a move to the one after it; undefined if a value is missing.
   * Values of a search are compared with those of a search, and glances with glances: the two differ by more than a mistake.
   */
  drop(before: number, after: number, mover: Color, end?: Chances): number | undefined {
    const pairs = [
      [this.#searches.get(before), end ?? this.#searches.get(after)],
      [this.#glances.get(before), end ?? this.#glances.get(after)],
    ] as const;
    for (const [from, to] of pairs) if (from && to) return scoreOf(from, mover) - scoreOf(to, mover);
    return undefined;
  }
}

function moved<T>(entries: ReadonlyMap<number, T>, numbers: ReadonlyMap<number, number>): Map<number, T> {
  const kept = new Map<number, T>();
  for (const [node, entry] of entries) {
    const number = numbers.get(node);
    if (number !== undefined) kept.set(number, entry);
  }
  return kept;
}
