/** Dialogs with a title and a way to close: made when they are first opened. */

import "./sheet.css";
import { element } from "./shadow";

export class Sheet {
  readonly dialog = element("dialog", "sheet");
  /** The part below the title. */
  readonly body = element("div", "sheet-body");

  /** `id` names the dialog among those of the page. */
  constructor(title: string, close: string, id: string) {
    const head = element("div", "sheet-head");
    const name = element("h2", "", title);
    name.id = `${id}-title`;
    this.dialog.setAttribute("aria-labelledby", name.id);
    const button = element("button", "quiet", close);
    button.type = "button";
    button.addEventListener("click", () => this.close());
    head.append(name, button);
    this.dialog.append(head, this.body);
    // A click on the backdrop hits the dialog itself.
    this.dialog.addEventListener("pointerdown", (event) => {
      if (event.target !== this.dialog) return;
      const box = this.dialog.getBoundingClientRect();
      const outside = event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
      if (outside) this.close();
    });
    document.body.append(this.dialog);
  }

  open(): void {
    if (!this.dialog.open) this.dialog.showModal();
  }

  close(): void {
    this.dialog.close();
  }
}

/** A section of a sheet with its heading. */
export function sheetSection(title: string, ...children: (Node | string)[]): HTMLElement {
  const section = element("section");
  section.append(element("h3", "", title), ...children);
  return section;
}

/** A button that does one thing. */
export function action(text: string, run: () => void, className = ""): HTMLButtonElement {
  const button = element("button", className, text);
  button.type = "button";
  button.addEventListener("click", run);
  return button;
}
