/** Memory of the page: saved games, the game that was shown last, and the address. */

import type { Color } from "../board/geometry";
import { showProblem } from "../parts/page";
import type { Address } from "../state/address";
import { SavedGames, type Unreadable, isUnreadable } from "../state/games";
import type { SavedGame } from "../state/saved-game";
import { Route } from "../state/route";
import type { Store } from "../state/store";
import { stateWords } from "../words/state";
import type { PlayGame } from "./game";

/** Longest game in an address, in characters. */
const LONGEST_LINK = 12_000;
/** Age after which a finished game is not shown again when the page is opened anew. */
const STALE_MS = 12 * 3600 * 1000;

/** What is shown of a game. */
export interface Shown {
  ply: number;
  orientation: Color;
}

export class PlayMemory {
  readonly #games: SavedGames;
  readonly #route: Route;
  /** Whether there is anything to save: a page that was only opened saves nothing. */
  touched = false;

  /** `visited` is told of every address that the user goes to, and `changedElsewhere` of a game that another tab has changed. */
  constructor(store: Store, visited: () => void, changedElsewhere: (id: string) => void) {
    this.#games = new SavedGames(store);
    this.#route = new Route(visited);
    addEventListener("storage", (event) => {
      const id = SavedGames.changedBy(event);
      if (id !== null) changedElsewhere(id);
    });
  }

  /** Saves a game and names it in the address. */
  save(saved: SavedGame, address: Address): void {
    if (!this.touched) return;
    if (this.#games.save(saved) === "too long") showProblem(stateWords.gameTooLong);
    this.#games.setCurrent("play", saved.id);
    this.#route.replace(address);
  }

  address(game: PlayGame, { ply, orientation }: Shown): Address {
    const link = game.link();
    return { game: link.length <= LONGEST_LINK ? link : undefined, ply, orientation, saved: game.id };
  }

  /** Makes the position before a step back away. */
  push(address: Address): void {
    this.#route.push(address);
  }

  /** The address for another browser. */
  shared(address: Address): string {
    return this.#route.shared(address);
  }

  /** The address as it stands; what is wrong with it is told. */
  read(): Address {
    const { address, defects } = this.#route.read();
    if (defects.length > 0) showProblem(stateWords.badAddress(defects));
    return address;
  }

  /** The saved game with this id; null if there is none that can be read. */
  load(id: string): SavedGame | null {
    const saved = this.#games.load(id);
    return saved === null || isUnreadable(saved) ? null : saved;
  }

  delete(id: string): void {
    this.#games.delete(id);
  }

  /** Games of this page that have moves, and those that cannot be read. */
  list(): (SavedGame | Unreadable)[] {
    return this.#games.list().filter((game) => isUnreadable(game) || (game.page === "play" && game.moves !== ""));
  }

  /** Id of the game that was shown last, but for one that ended long ago. */
  recent(): string | null {
    const id = this.#games.current("play");
    const game = id === null ? null : this.load(id);
    if (game === null) return null;
    return game.end !== null && Date.now() - game.changed > STALE_MS ? null : id;
  }
}
