/** Section of the settings about what the site keeps in the browser: how much, whether the pages work offline, and how to clear each part. */

import { modelsPlace } from "../agents/models-place";
import { TwoClicks } from "../parts/page";
import { element, sheet } from "../parts/shadow";
import { action, sheetSection } from "../parts/sheet";
import { offlineWords as words } from "../words/offline";
import { reason } from "../words/reason";
import { type StoredPart, type StoredPlace, gamesPlace, keptState, pagesPlace, storageUse } from "./storage";

const css = sheet(`
  .stored { display: grid; gap: 8px; margin: 0.5rem 0; padding: 0; list-style: none; }
  .stored li { display: grid; grid-template-columns: 1fr auto; gap: 0 14px; align-items: center; }
  .stored .size { display: block; font-variant-numeric: tabular-nums; }
`);

/** Bytes in a unit that reads well. */
function readable(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${Math.round(bytes / 1e3)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

export class StorageSection {
  readonly element: HTMLElement;
  readonly #state = element("p");
  readonly #use = element("p", "muted small");
  readonly #list = element("ul", "stored");
  readonly #said = element("p", "small");
  readonly #places: [StoredPart, StoredPlace][];

  /** A section with these places besides the pages, the saved games and the models. */
  constructor(others: Partial<Record<StoredPart, StoredPlace>> = {}) {
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, css];
    const places: Partial<Record<StoredPart, StoredPlace>> = { pages: pagesPlace, games: gamesPlace, models: modelsPlace, ...others };
    this.#places = Object.entries(places) as [StoredPart, StoredPlace][];
    this.#said.setAttribute("role", "status");
    this.element = sheetSection(words.title, this.#state, this.#list, this.#said, this.#use);
  }

  /** Looks again at what is kept. */
  async show(): Promise<void> {
    const rows = this.#places.map(async ([part, place]) => {
      try {
        return this.#row(part, place, await place.size());
      } catch {
        // Where the storage is forbidden nothing is kept.
        return this.#row(part, place, { entries: 0, bytes: 0 });
      }
    });
    const [state, use, ...parts] = await Promise.all([keptState(), storageUse(), ...rows]);
    this.#state.textContent = words.state[state];
    this.#use.textContent = use ? words.used(readable(use.used), readable(use.quota)) : words.unknownUse;
    this.#list.replaceChildren(...parts);
  }

  #row(part: StoredPart, place: StoredPlace, { entries, bytes }: { entries: number; bytes: number }): HTMLLIElement {
    const row = element("li");
    const name = words.parts[part];
    const text = element("span", "", name);
    const clear = action(words.clear, () => {}, "quiet");
    // The name follows the button's own text, which changes into a question.
    [clear.id, text.id] = [`clear-${part}`, `stored-${part}`];
    clear.setAttribute("aria-labelledby", `${clear.id} ${text.id}`);
    if (entries === 0) clear.setAttribute("aria-disabled", "true");
    new TwoClicks(clear, words.sure, () => void this.#clear(name, place));
    const about = element("div");
    about.append(text, element("span", "size muted small", `${readable(bytes)} · ${words.count(entries)}`));
    row.append(about, clear);
    return row;
  }

  async #clear(name: string, place: StoredPlace): Promise<void> {
    try {
      await place.clear();
      this.#said.textContent = words.cleared(name);
    } catch (error) {
      this.#said.textContent = words.notCleared(reason(error));
    }
    await this.show();
  }
}
