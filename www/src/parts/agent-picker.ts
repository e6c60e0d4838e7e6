import { pickerWords as words } from "../words/agent-picker";
import { element, shadow, sheet } from "./shadow";

const css = sheet(`
  :host { display: contents; }
  dialog {
    box-sizing: border-box; width: min(34rem, calc(100vw - 16px)); max-height: min(46rem, calc(100dvh - 16px)); margin: auto; padding: 16px 18px;
    overflow-y: auto; overscroll-behavior: contain; color: var(--ink); background: var(--paper); border: 1px solid var(--rule); border-radius: 14px;
  }
  dialog[open] { display: grid; gap: 12px; align-content: start; }
  dialog::backdrop { background: color-mix(in srgb, var(--black-side) 45%, transparent); }
  .head, .foot { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: center; gap: 8px 12px; }
  h2 { margin: 0; font: 600 1.15rem/1.3 var(--serif); }
  p { margin: 0; font-size: 0.88rem; color: var(--muted); }
  ul { list-style: none; margin: 0; padding: 0; display: grid; gap: 8px; }
  li { display: grid; gap: 0 8px; grid-template-columns: minmax(0, 1fr) auto; background: var(--surface); border: 1px solid var(--rule); border-radius: 10px; padding: 6px; }
  li.current { border-color: var(--accent); }
  button { font: inherit; font-size: 0.9rem; color: var(--ink); background: var(--raised); border: 1px solid var(--control); border-radius: 8px; cursor: pointer; min-height: 32px; padding: 4px 12px; }
  button:hover { border-color: var(--ink); }
  .choose { display: grid; gap: 2px; text-align: left; background: none; border-color: transparent; padding: 6px 8px; min-width: 0; }
  .name { font-size: 1rem; font-weight: 600; overflow-wrap: anywhere; unicode-bidi: isolate; }
  .line { font-size: 0.85rem; color: var(--muted); overflow-wrap: anywhere; }
  .strength { font-variant-numeric: tabular-nums; }
  .remove { align-self: start; margin-top: 6px; }
  .asking { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
  @media (forced-colors: active) {
    .asking { background: CanvasText; color: Canvas; forced-color-adjust: none; }
  }
  details { grid-column: 1 / -1; padding: 0 8px 4px; }
  summary { width: fit-content; font-size: 0.85rem; color: var(--muted); cursor: pointer; padding: 4px 0; }
  dl { display: grid; grid-template-columns: minmax(5rem, auto) minmax(0, 1fr); gap: 2px 12px; margin: 4px 0; font-size: 0.82rem; }
  dt { color: var(--muted); }
  dd { margin: 0; overflow-wrap: anywhere; unicode-bidi: isolate; }
  :focus-visible { outline: 3px solid var(--focus); outline-offset: 1px; border-radius: 6px; }
  @media (max-width: 420px) {
    dl { grid-template-columns: minmax(0, 1fr); }
    dd { margin-bottom: 4px; }
  }
  @media (forced-colors: active) { li.current { outline: 2px solid Highlight; } }
`);

/** How long a question for a second click stands. */
const ASKING_MS = 4000;

/** A line of the list. */
export interface AgentRow {
  /** Tells the row from others. */
  key: string;
  name: string;
  /** Lines below the name, such as its strength and its size. */
  lines: string[];
  isCurrent: boolean;
  isRemovable: boolean;
  /** Provenance: terms and what they are. */
  facts: readonly (readonly [string, string])[];
}

export interface AgentList {
  title: string;
  rows: readonly AgentRow[];
  /** What the browser keeps, in words; and whether there is anything to clear. */
  storage: string;
  isClearable: boolean;
}

export interface PickerActions {
  chosen(key: string): void;
  removed(key: string): void;
  cleared(): void;
  chooseFile(): void;
}

/** `<agent-picker>`: a dialog with the agents to choose from, and what the browser keeps of them. */
export class AgentPicker extends HTMLElement {
  readonly #dialog = element("dialog");
  readonly #title = element("h2");
  readonly #waiting = element("p", "", words.waiting);
  readonly #list = element("ul");
  readonly #storage = element("p");
  readonly #clear = button(words.clear);
  actions: PickerActions | null = null;

  constructor() {
    super();
    const [head, foot, file] = [element("div", "head"), element("div", "foot"), element("div", "foot")];
    const close = button(words.close);
    close.addEventListener("click", () => this.close());
    this.#title.id = "title";
    this.#dialog.setAttribute("aria-labelledby", "title");
    head.append(this.#title, close);
    const open = button(words.openFile);
    open.addEventListener("click", () => {
      this.close();
      this.actions?.chooseFile();
    });
    file.append(element("p", "", words.openHint), open);
    this.#storage.setAttribute("role", "status");
    twice(this.#clear, words.clearSure, () => this.actions?.cleared());
    foot.append(this.#storage, this.#clear);
    this.#dialog.append(head, this.#waiting, this.#list, file, foot);
    // A click on the backdrop hits the dialog itself.
    this.#dialog.addEventListener("pointerdown", (event) => {
      if (event.target !== this.#dialog) return;
      const box = this.#dialog.getBoundingClientRect();
      const outside = event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
      if (outside) this.close();
    });
    shadow(this, css).append(this.#dialog);
  }

  /** Opens the dialog; its list comes with `show`. */
  open(title: string): void {
    this.#title.textContent = title;
    this.#waiting.hidden = false;
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  close(): void {
    this.#dialog.close();
  }

  show({ title, rows, storage, isClearable }: AgentList): void {
    const place = [...this.#list.children].findIndex((row) => row.contains(this.shadowRoot?.activeElement ?? null));
    this.#title.textContent = title;
    this.#waiting.hidden = true;
    this.#list.replaceChildren(...rows.map((row) => this.#row(row)));
    this.#storage.textContent = storage;
    this.#clear.hidden = !isClearable;
    // The row under the focus is another one now, or gone: its place has the focus, or the last row.
    if (place >= 0) this.#list.children[Math.min(place, rows.length - 1)]?.querySelector<HTMLElement>("button")?.focus();
  }

  #row({ key, name, lines, isCurrent, isRemovable, facts }: AgentRow): HTMLLIElement {
    const row = element("li", isCurrent ? "current" : "");
    const choose = button("", "choose");
    choose.append(element("span", "name", name), ...lines.map((line, at) => element("span", at === 0 ? "line strength" : "line", line)));
    if (isCurrent) choose.setAttribute("aria-current", "true");
    choose.addEventListener("click", () => {
      this.close();
      this.actions?.chosen(key);
    });
    row.append(choose);
    if (isRemovable) {
      const remove = button(words.remove, "remove");
      remove.setAttribute("aria-label", words.removeNamed(name));
      twice(remove, words.sure, () => this.actions?.removed(key), words.sureNamed(name));
      row.append(remove);
    }
    if (facts.length > 0) {
      const [details, summary, terms] = [element("details"), element("summary", "", words.about), element("dl")];
      summary.setAttribute("aria-label", words.aboutNamed(name));
      for (const [term, text] of facts) terms.append(element("dt", "", term), element("dd", "", text));
      details.append(summary, terms);
      row.append(details);
    }
    return row;
  }
}

function button(text: string, className = ""): HTMLButtonElement {
  const made = element("button", className, text);
  made.type = "button";
  return made;
}

/** Acts on the second click; the first one asks. */
function twice(asked: HTMLButtonElement, question: string, act: () => void, label?: string): void {
  const [text, name] = [asked.textContent ?? "", asked.getAttribute("aria-label")];
  let asking: ReturnType<typeof setTimeout> | undefined;
  const rest = (): void => {
    clearTimeout(asking);
    asking = undefined;
    asked.classList.remove("asking");
    asked.textContent = text;
    if (name !== null) asked.setAttribute("aria-label", name);
  };
  asked.addEventListener("click", () => {
    if (asking !== undefined) {
      rest();
      return act();
    }
    asking = setTimeout(rest, ASKING_MS);
    asked.classList.add("asking");
    asked.textContent = question;
    if (label !== undefined) asked.setAttribute("aria-label", label);
  });
}

customElements.define("agent-picker", AgentPicker);

declare global {
  interface HTMLElementTagNameMap {
    "agent-picker": AgentPicker;
  }
}
