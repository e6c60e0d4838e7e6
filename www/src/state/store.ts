/**
 * The browser's storage, of which every access may fail: forbidden by the user, full, or emptied at any moment.
 *
 * | key | holds | read by |
 * |---|---|---|
 * | `keisei.settings` | one object, version 1 | `settings.ts` |
 * | `keisei.game.ID` | one saved game, version 1 | `games.ts` |
 * | `keisei.current.PAGE` | id of the game last shown by a page | `games.ts` |
 * | `keisei.agent` | the agent that was chosen last | `../agents/choice.ts` |
 * | `keisei.aside.…` | text that could not be read, kept as it was | nobody |
 */

/** Kinds of failure. */
export type StoreProblem = "forbidden" | "full";

export class Store {
  readonly #report: (problem: StoreProblem) => void;
  readonly #reported = new Set<StoreProblem>();

  /** `report` is told of each kind of failure once until a write works again. */
  constructor(report: (problem: StoreProblem) => void) {
    this.#report = report;
  }

  /** The text under a key; null if there is none or storage is forbidden. */
  get(key: string): string | null {
    return this.#access((area) => area.getItem(key)) ?? null;
  }

  /** Stores a text; false if that failed, which was reported. */
  set(key: string, text: string): boolean {
    const done = this.#access((area) => {
      area.setItem(key, text);
      return true;
    });
    if (done) this.#reported.clear();
    return done ?? false;
  }

  delete(key: string): void {
    this.#access((area) => area.removeItem(key));
  }

  /** All keys that begin with a prefix. */
  keys(prefix: string): string[] {
    return this.#access((area) => Object.keys(area).filter((key) => key.startsWith(prefix))) ?? [];
  }

  /** Moves a text that cannot be read out of the way without losing it. */
  setAside(key: string): void {
    const text = this.get(key);
    if (text === null || !this.set(key.replace(/^keisei\./, "keisei.aside."), text)) return;
    this.delete(key);
  }

  #access<T>(use: (area: Storage) => T): T | undefined {
    try {
      return use(localStorage);
    } catch (error) {
      const full = error instanceof DOMException && /quota/i.test(error.name);
      const problem = full ? "full" : "forbidden";
      if (!this.#reported.has(problem)) {
        this.#reported.add(problem);
        this.#report(problem);
      }
      return undefined;
    }
  }
}
