/** State that outlives the page: the game with its tree in the browser's storage, and the line in the address. */

import type { Color } from "../board/geometry";
import type { Address } from "../state/address";
import { type SavedGames, type Saving, base64, newId } from "../state/games";
import type { SavedGame } from "../state/saved-game";
import type { Route } from "../state/route";
import type { AnalysisGame } from "./game";
import { BLACK, WHITE } from "./headers";

/** Delay of saving after the last change, and after the first: a walk through the game is saved once. */
const REST_MS = 300;
const LATEST_MS = 2000;
/** Longest line that goes into an address, in characters; longer ones stay in the browser only. */
const LONGEST_LINK = 12_000;

export interface Shown {
  game: AnalysisGame;
  orientation: Color;
}

export class Session {
  readonly #games: SavedGames;
  readonly #route: Route;
  readonly #shown: () => Shown | null;
  readonly #failed: (saving: Exclude<Saving, "saved">) => void;
  readonly #placed: (id: string, node: number) => void;
  #id = newId();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Time by which what was changed must be saved. */
  #latest = 0;
  /** The tree as it was saved last: a walk changes only the place in it. */
  #tree = "";
  #grown = true;

  constructor(
    games: SavedGames,
    route: Route,
    shown: () => Shown | null,
    failed: (saving: Exclude<Saving, "saved">) => void,
    placed: (id: string, node: number) => void,
  ) {
    this.#games = games;
    this.#route = route;
    this.#shown = shown;
    this.#failed = failed;
    this.#placed = placed;
    // These are the last moments at which a page that is left can store anything.
    addEventListener("pagehide", () => this.flush());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") this.flush();
    });
  }

  get id(): string {
    return this.#id;
  }

  /** Begins with another game; `id` of the saved one that it came from. */
  begin(id = newId()): void {
    this.flush();
    this.#id = id;
    this.#grown = true;
  }

  /** Goes on under an id of its own, because another tab has changed the game that is saved under this one. */
  fork(): void {
    this.#id = newId();
    this.#grown = true;
  }

  /** The game changed: `grown` if more than the place in it. */
  changed(grown: boolean): void {
    this.#grown ||= grown;
    const now = performance.now();
    if (this.#timer === undefined) this.#latest = now + LATEST_MS;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.flush(), Math.max(0, Math.min(REST_MS, this.#latest - now)));
  }

  /** Saves what was changed. */
  flush(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const shown = this.#shown();
    if (!shown) return;
    if (this.#grown) this.#tree = base64(shown.game.tree.to_bytes());
    this.#grown = false;
    this.#placed(this.#id, shown.game.node);
    const saving = this.#games.save(this.#saved(shown));
    if (saving === "saved") this.#games.setCurrent("analysis", this.#id);
    else this.#failed(saving);
    this.#route.replace(this.address(shown));
  }

  /** The address of the position that is shown. */
  address({ game, orientation }: Shown, saved: string | undefined = this.#id): Address {
    const link = game.tree.link(game.line.at(-1) ?? 0);
    return { game: link.length <= LONGEST_LINK ? link : undefined, ply: game.ply, orientation, saved };
  }

  #saved({ game, orientation }: Shown): SavedGame {
    const line = game.line.at(-1) ?? 0;
    return {
      id: this.#id,
      page: "analysis",
      changed: 0,
      black: game.tree.header(BLACK) ?? "",
      white: game.tree.header(WHITE) ?? "",
      start: game.tree.start(),
      moves: game.movesTo(line),
      ply: game.ply,
      orientation,
      end: null,
      tree: this.#tree,
      play: null,
    };
  }
}
