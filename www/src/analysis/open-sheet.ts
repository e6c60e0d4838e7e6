/** The dialog that opens games: from a file, the clipboard, a text, an address, or the browser's own. */

import "../parts/saved-games";
import { element } from "../parts/shadow";
import { Sheet, action, sheetSection } from "../parts/sheet";
import type { Unreadable } from "../state/games";
import type { SavedGame } from "../state/saved-game";
import { OPENING, SAVING } from "../words/analysis";
import { reason } from "../words/reason";

export interface OpenActions {
  chooseFile(): void;
  text(text: string, title: string): void;
  address(address: string): void;
  saved(id: string): void;
  deleteSaved(id: string): void;
  site(): void;
  fresh(): void;
  failed(text: string): void;
}

export class OpenSheet {
  readonly #sheet = new Sheet(OPENING.title, SAVING.close, "open-sheet");
  readonly #saved = document.createElement("saved-games");

  constructor(actions: OpenActions) {
    const done = (run: () => void) => (): void => {
      this.#sheet.close();
      run();
    };
    const text = element("textarea", "text");
    text.rows = 4;
    text.id = "open-text";
    text.spellcheck = false;
    const address = element("input");
    address.type = "url";
    address.id = "open-address";
    address.placeholder = "./games/game.kif";
    const labelled = (field: HTMLElement, name: string): HTMLElement => {
      const label = element("label", "", name);
      label.setAttribute("for", field.id);
      return label;
    };
    const row = (...children: HTMLElement[]): HTMLElement => {
      const box = element("div", "dialog-row");
      box.append(...children);
      return box;
    };
    const form = element("form", "field");
    form.noValidate = true;
    const fetchButton = element("button", "", OPENING.openUrl);
    const field = element("div");
    field.append(labelled(address, OPENING.url), address);
    form.append(field, fetchButton);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (address.value.trim() !== "") done(() => actions.address(address.value.trim()))();
    });
    const files = element("section");
    files.append(
      row(
        action(OPENING.choose, done(actions.chooseFile), "primary"),
        action(OPENING.paste, () => void this.#paste(actions)),
        action(OPENING.site, done(actions.site)),
        action(OPENING.fresh, done(actions.fresh)),
      ),
      element("p", "muted small", OPENING.chooseHint),
    );
    const texts = element("section");
    texts.append(
      labelled(text, OPENING.text),
      text,
      row(action(OPENING.openText, () => {
        if (text.value.trim() !== "") done(() => actions.text(text.value, OPENING.pasted))();
      })),
      form,
    );
    this.#saved.addEventListener("game-chosen", ({ detail }) => done(() => actions.saved(detail.id))());
    this.#saved.addEventListener("game-deleted", ({ detail }) => actions.deleteSaved(detail.id));
    this.#sheet.body.append(files, texts, sheetSection(OPENING.saved, this.#saved));
  }

  open(saved: readonly (SavedGame | Unreadable)[], current: string): void {
    this.show(saved, current);
    this.#sheet.open();
  }

  show(saved: readonly (SavedGame | Unreadable)[], current: string): void {
    this.#saved.show(saved, current);
  }

  async #paste(actions: OpenActions): Promise<void> {
    let text: string;
    try {
      text = await navigator.clipboard.readText();
    } catch (error) {
      this.#sheet.close();
      actions.failed(OPENING.noClipboard(reason(error)));
      return;
    }
    this.#sheet.close();
    if (text.trim() === "") actions.failed(OPENING.noText);
    else actions.text(text, OPENING.pasted);
  }
}
