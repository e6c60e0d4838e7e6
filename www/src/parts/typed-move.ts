import { write } from "../words/mixed";
import { partWords as words } from "../words/play";
import { element, shadow, sheet } from "./shadow";

const css = sheet(`
  :host { display: block; }
  form { display: grid; grid-template-columns: 1fr auto; gap: 4px 8px; align-items: center; }
  label { grid-column: 1 / -1; font-size: 0.84rem; color: var(--muted); }
  input, button { font: 500 0.95rem/1.2 var(--sans); color: var(--ink); border: 1px solid var(--control); border-radius: 8px; min-height: 34px; }
  input { background: var(--surface); padding: 4px 10px; min-width: 0; width: 100%; box-sizing: border-box; }
  button { background: var(--raised); padding: 4px 14px; cursor: pointer; }
  button:disabled, input:disabled { opacity: 0.45; cursor: default; }
  :focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
  p { grid-column: 1 / -1; margin: 0; font-size: 0.88rem; color: var(--accent); }
  p:empty { display: none; }
`);

export interface TypedEvent extends CustomEvent<{ text: string }> {}

/** `<typed-move>`: a field for a move as text; sends `move-typed`. Whoever hears it calls `accept` or `refuse`. */
export class TypedMove extends HTMLElement {
  readonly #input = element("input");
  readonly #button = element("button", "", words.playTyped);
  readonly #refusal = element("p");
  #sent = "";

  constructor() {
    super();
    const form = element("form");
    const label = element("label", "", words.typeMove);
    label.htmlFor = this.#input.id = "typed";
    this.#refusal.id = "refusal";
    this.#refusal.setAttribute("role", "alert");
    this.#input.setAttribute("aria-describedby", "refusal");
    Object.assign(this.#input, { type: "text", maxLength: 40, autocomplete: "off", spellcheck: false });
    this.#input.setAttribute("autocapitalize", "off");
    this.#button.type = "submit";
    form.append(label, this.#input, this.#button, this.#refusal);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = this.#input.value.trim();
      this.#sent = text;
      if (text !== "") this.dispatchEvent(new CustomEvent("move-typed", { detail: { text }, bubbles: true }));
    });
    this.#input.addEventListener("input", () => this.#say(""));
    shadow(this, css).append(form);
  }

  /** The move was played: the field is empty again and keeps the focus, unless the next move is being typed already. */
  accept(): void {
    if (this.#input.value.trim() === this.#sent) this.#input.value = "";
    this.#say("");
  }

  /** Shows why the text was not played. */
  refuse(why: string): void {
    this.#say(why);
    this.#input.select();
  }

  override focus(): void {
    this.#input.focus();
  }

  #say(text: string): void {
    write(this.#refusal, text);
    this.#input.setAttribute("aria-invalid", String(text !== ""));
  }
}

customElements.define("typed-move", TypedMove);

declare global {
  interface HTMLElementTagNameMap {
    "typed-move": TypedMove;
  }
  interface HTMLElementEventMap {
    "move-typed": TypedEvent;
  }
}
