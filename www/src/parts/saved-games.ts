import { type Unreadable, isUnreadable } from "../state/games";
import type { SavedGame } from "../state/saved-game";
import { savedWords as words } from "../words/state";
import { element, shadow, sheet } from "./shadow";

const css = sheet(`
  :host { display: block; }
  ul { list-style: none; margin: 0; padding: 0; display: grid; gap: 4px; max-height: 300px; overflow-y: auto; scrollbar-width: thin; }
  li { display: grid; grid-template-columns: 1fr auto; gap: 6px; align-items: center; }
  button { font: inherit; color: var(--ink); background: none; border: 1px solid transparent; border-radius: 8px; cursor: pointer; min-height: 32px; }
  .open { text-align: left; padding: 5px 8px; min-width: 0; }
  .open:hover, .delete:hover { border-color: var(--control); }
  .open[aria-current] { background: var(--rule); }
  .title { display: block; font-size: 0.92rem; overflow-wrap: anywhere; }
  .about { display: block; font-size: 0.8rem; color: var(--muted); }
  [aria-current] .about { color: inherit; }
  .delete { padding: 4px 10px; font-size: 0.84rem; color: var(--muted); }
  .delete.asking { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
  :focus-visible { outline: 3px solid var(--focus); outline-offset: -2px; }
  p { margin: 0; font-size: 0.88rem; color: var(--muted); }
`);

/** How long a question for a second click stands. */
const ASKING_MS = 4000;

export interface GameEvent extends CustomEvent<{ id: string }> {}

/** `<saved-games>`: the games kept in this browser; sends `game-chosen` and, after a second click, `game-deleted`. */
export class SavedGamesList extends HTMLElement {
  readonly #list = element("ul");
  readonly #empty = element("p", "", words.none);

  constructor() {
    super();
    shadow(this, css).append(this.#list, this.#empty);
  }

  /** Shows the games; the one with the id `current` is marked. */
  show(games: readonly (SavedGame | Unreadable)[], current: string | null): void {
    const focused = this.shadowRoot?.activeElement?.closest("li");
    const place = focused ? [...this.#list.children].indexOf(focused) : -1;
    this.#list.replaceChildren(...games.map((game) => this.#row(game, game.id === current)));
    this.#empty.hidden = games.length > 0;
    if (place < 0) return;
    // The game under the focus is gone, so its neighbour has it.
    const next = this.#list.children[Math.min(place, games.length - 1)]?.querySelector("button");
    next?.focus();
  }

  #row(game: SavedGame | Unreadable, isCurrent: boolean): HTMLLIElement {
    const row = element("li");
    const title = isUnreadable(game) ? words.unreadableTitle : words.title(game);
    const about = isUnreadable(game) ? game.unreadable : words.about(game);
    const open = element(isUnreadable(game) ? "span" : "button", "open");
    open.append(element("span", "title", title), element("span", "about", about));
    if (open instanceof HTMLButtonElement) {
      open.type = "button";
      if (isCurrent) open.setAttribute("aria-current", "true");
      open.addEventListener("click", () => this.#send("game-chosen", game.id));
    }
    row.append(open, this.#deleteButton(game.id, title));
    return row;
  }

  #deleteButton(id: string, title: string): HTMLButtonElement {
    const button = element("button", "delete", words.delete);
    button.type = "button";
    button.setAttribute("aria-label", words.deleteNamed(title));
    let asking = false;
    button.addEventListener("click", () => {
      if (asking) return this.#send("game-deleted", id);
      asking = true;
      button.classList.add("asking");
      button.textContent = words.sure;
      button.setAttribute("aria-label", words.sureNamed(title));
      setTimeout(() => {
        asking = false;
        button.classList.remove("asking");
        button.textContent = words.delete;
        button.setAttribute("aria-label", words.deleteNamed(title));
      }, ASKING_MS);
    });
    return button;
  }

  #send(name: "game-chosen" | "game-deleted", id: string): void {
    this.dispatchEvent(new CustomEvent(name, { detail: { id }, bubbles: true }));
  }
}

customElements.define("saved-games", SavedGamesList);

declare global {
  interface HTMLElementTagNameMap {
    "saved-games": SavedGamesList;
  }
  interface HTMLElementEventMap {
    "game-chosen": GameEvent;
    "game-deleted": GameEvent;
  }
}
