/** The page's address as the user sees it, and the browser's history of it. */

import { type Address, readAddress, writeAddress } from "./address";

/**
 * Most changes of the address at once, and how long one counts: browsers refuse to change it hundreds of times in a row, as a quick
 * game between two agents would. What comes after them waits for a moment.
 */
const [MOST, COUNTS_MS] = [40, 8000];
const REST_MS = 300;

export class Route {
  /** The address that waits until the browser takes another one. */
  #waiting: Address | null = null;
  #rest: ReturnType<typeof setTimeout> | undefined;
  /** Times of the last changes. */
  #changes: number[] = [];

  /** `onVisit` is told of every address that the user goes to: by back and forward, or by editing it. */
  constructor(onVisit: () => void) {
    addEventListener("popstate", () => {
      this.#waiting = null;
      onVisit();
    });
    addEventListener("pagehide", () => this.#flush());
  }

  read(): { address: Address; defects: string[] } {
    return readAddress(location.hash);
  }

  /** Names another game: the one before is a step back away. */
  push(address: Address): void {
    this.#flush();
    this.#write(address, "pushState");
  }

  /** Names another position of the same game. */
  replace(address: Address): void {
    this.#waiting = address;
    this.#changes = this.#changes.filter((time) => performance.now() - time < COUNTS_MS);
    if (this.#changes.length < MOST) return this.#flush();
    this.#rest ??= setTimeout(() => {
      this.#rest = undefined;
      if (this.#waiting) this.replace(this.#waiting);
    }, REST_MS);
  }

  #flush(): void {
    if (this.#waiting) this.#write(this.#waiting, "replaceState");
    this.#waiting = null;
  }

  /** The whole address for another browser: without the saved game, which that one does not have. */
  shared(address: Address): string {
    const url = new URL(location.href);
    url.hash = writeAddress({ ...address, saved: undefined });
    return url.href;
  }

  #write(address: Address, how: "pushState" | "replaceState"): void {
    const fragment = writeAddress(address);
    if (fragment === location.hash) return;
    this.#changes.push(performance.now());
    try {
      history[how](null, "", fragment === "" ? location.pathname + location.search : fragment);
    } catch {
      // The browser has had enough for now; the next change names the position again.
    }
  }
}
