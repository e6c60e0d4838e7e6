/**
 * Keyboard walk over rows of buttons in a shadow root: one of them is a stop of the tab key, the arrow keys, Home and End move
 * on from there.
 */
export class Roving {
  readonly #root: ShadowRoot;
  readonly #rows: () => readonly (readonly HTMLElement[])[];

  constructor(root: ShadowRoot, rows: () => readonly (readonly HTMLElement[])[]) {
    this.#root = root;
    this.#rows = rows;
    root.addEventListener("keydown", (event) => this.#onKey(event as KeyboardEvent));
    root.addEventListener("focusin", (event) => {
      if (event.target instanceof HTMLElement && this.#place(event.target)) this.#stop(event.target);
    });
  }

  /** Restores the one tab stop after the rows have changed. */
  refresh(): void {
    const all = this.#rows().flat();
    this.#stop(all.find((button) => button === this.#root.activeElement) ?? all.find((button) => button.tabIndex === 0) ?? all[0]);
  }

  #stop(stop: HTMLElement | undefined): void {
    for (const button of this.#rows().flat()) {
      const index = button === stop ? 0 : -1;
      if (button.tabIndex !== index) button.tabIndex = index;
    }
  }

  #place(button: Element | null): readonly [number, number] | null {
    const rows = this.#rows();
    for (const [row, buttons] of rows.entries()) {
      const column = buttons.findIndex((other) => other === button);
      if (column >= 0) return [row, column];
    }
    return null;
  }

  #onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const place = this.#place(this.#root.activeElement);
    if (!place) return;
    const rows = this.#rows();
    const [row, column] = place;
    const line = rows[row] ?? [];
    const clamped = (buttons: readonly HTMLElement[] | undefined, at: number): HTMLElement | undefined =>
      buttons?.[Math.max(0, Math.min(buttons.length - 1, at))];
    const steps: Record<string, () => HTMLElement | undefined> = {
      ArrowLeft: () => clamped(line, column - 1),
      ArrowRight: () => clamped(line, column + 1),
      ArrowUp: () => clamped(rows[Math.max(0, row - 1)], column),
      ArrowDown: () => clamped(rows[Math.min(rows.length - 1, row + 1)], column),
      Home: () => clamped(line, 0),
      End: () => clamped(line, line.length - 1),
    };
    const step = steps[event.key];
    if (!step) return;
    step()?.focus();
    event.preventDefault();
    event.stopPropagation();
  }
}
