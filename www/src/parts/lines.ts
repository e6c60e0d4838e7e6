/** Lines of moves that the user can look at and play: the events of the candidates and of the policy. */

/** Move with its text in the notation of the page. */
export interface LineMove {
  usi: string;
  text: string;
}

/** The moves of a line up to the one under the pointer or with the focus; null ends the preview. */
export interface LinePreviewEvent extends CustomEvent<{ moves: readonly string[] | null }> {}

/** The moves of a line that the user chose to play. */
export interface LineChosenEvent extends CustomEvent<{ moves: readonly string[] }> {}

declare global {
  interface HTMLElementEventMap {
    "line-preview": LinePreviewEvent;
    "line-chosen": LineChosenEvent;
  }
}

/**
 * Sends `line-preview` and `line-chosen` for buttons of a part: while the pointer is over one of them or it has the focus,
 * its moves are previewed. Escape ends the preview and leaves the focus where it is.
 */
export class LinePreview {
  readonly #host: HTMLElement;
  readonly #movesOf: (button: HTMLElement) => readonly string[] | undefined;
  #shown: string | null = null;
  #quiet = false;

  constructor(host: HTMLElement, root: ShadowRoot, movesOf: (button: HTMLElement) => readonly string[] | undefined) {
    this.#host = host;
    this.#movesOf = movesOf;
    root.addEventListener("pointerover", (event) => this.#enter(event));
    root.addEventListener("focusin", (event) => this.#enter(event));
    root.addEventListener("focusout", () => this.end());
    host.addEventListener("pointerleave", () => {
      // The line with the keyboard's focus comes back when the pointer is gone.
      const focused = root.activeElement;
      const moves = focused instanceof HTMLElement && focused.matches(":focus-visible") ? movesOf(focused) : undefined;
      this.#show(moves ?? null);
    });
    root.addEventListener("click", (event) => {
      const moves = this.#found(event);
      if (!moves) return;
      this.end();
      host.dispatchEvent(new CustomEvent("line-chosen", { detail: { moves }, bubbles: true }));
    });
    root.addEventListener("keydown", (event) => {
      if ((event as KeyboardEvent).key !== "Escape" || this.#shown === null) return;
      this.end();
      event.preventDefault();
      event.stopPropagation();
    });
  }

  get active(): boolean {
    return this.#shown !== null;
  }

  end(): void {
    this.#show(null);
  }

  /** Moves the focus without a preview. */
  focusQuietly(button: HTMLElement | undefined): void {
    this.#quiet = true;
    button?.focus({ preventScroll: true });
    this.#quiet = false;
  }

  #found(event: Event): readonly string[] | undefined {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    return button ? this.#movesOf(button) : undefined;
  }

  #enter(event: Event): void {
    if (this.#quiet) return;
    const moves = this.#found(event);
    if (moves) this.#show(moves);
    else if (event.type === "pointerover") this.end();
  }

  #show(moves: readonly string[] | null): void {
    const key = moves?.join(" ") ?? null;
    if (key === this.#shown) return;
    this.#shown = key;
    this.#host.dispatchEvent(new CustomEvent("line-preview", { detail: { moves }, bubbles: true }));
  }
}
