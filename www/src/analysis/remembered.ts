/** Switches of the analysis page and the place in the game that it showed, under one key of the browser's storage. */

import { fields, flag, integer, oneOf, parsed, text } from "../state/decode";
import { ID } from "../state/address";
import type { Store } from "../state/store";

export const TABS = ["tab-moves", "tab-candidates", "tab-policy"] as const;
export type Tab = (typeof TABS)[number];

export interface Remembered {
  arrows: boolean;
  tab: Tab;
  /** Whether the current position is searched. */
  searching: boolean;
  /** The node that was shown of the saved game with this id. */
  id: string;
  node: number;
}

const KEY = "keisei.analysis";

export class Memory {
  readonly #store: Store;
  #value: Remembered;

  constructor(store: Store) {
    this.#store = store;
    const stored = store.get(KEY);
    const read = (stored !== null && fields(parsed(stored))) || {};
    const id = text(read["id"], 24);
    this.#value = {
      arrows: flag(read["arrows"]) ?? true,
      tab: oneOf(read["tab"], TABS) ?? "tab-moves",
      searching: flag(read["searching"]) ?? false,
      id: id !== undefined && ID.test(id) ? id : "",
      node: integer(read["node"], 0, 1e6) ?? 0,
    };
  }

  get value(): Readonly<Remembered> {
    return this.#value;
  }

  change(part: Partial<Remembered>): void {
    this.#value = { ...this.#value, ...part };
    this.#store.set(KEY, JSON.stringify(this.#value));
  }
}
