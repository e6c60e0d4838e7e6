/** A bar at the edge of the page that says something without asking for the focus. */

import { element, sheet } from "../parts/shadow";
import { action } from "../parts/sheet";
import { offlineWords as words } from "../words/offline";

const css = sheet(`
  .notice {
    position: fixed;
    inset: auto 12px 12px;
    z-index: 6;
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    justify-content: space-between;
    gap: 8px 16px;
    max-width: 44rem;
    margin: 0 auto;
    padding: 10px 16px;
    border: 1px solid var(--control);
    border-radius: 10px;
    background: var(--raised);
    color: var(--ink);
    box-shadow: 0 6px 24px rgb(0 0 0 / 25%);
    visibility: hidden;
  }
  /* A phone on its side has the board at the left. */
  @media (max-height: 560px) and (min-width: 640px) {
    .notice { left: 50%; }
  }
  .notice.shown { visibility: visible; }
  .notice p { flex: 1 1 14rem; }
  .notice-buttons { display: flex; flex-wrap: wrap; gap: 8px; }
  .notice button { min-height: 36px; padding: 4px 14px; }
`);

export class Notice {
  readonly #bar = element("div", "notice");
  readonly #text = element("p");
  readonly #buttons = element("div", "notice-buttons");
  /** Text of the offer that is shown; null if there is none. */
  #offered: string | null = null;

  constructor() {
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, css];
    // The region is in the document before it has a text: only then do screen readers tell of the text.
    this.#bar.setAttribute("role", "status");
    this.#bar.append(this.#text, this.#buttons);
    document.body.append(this.#bar);
    this.#close();
  }

  /** Says once in a tab what the user need do nothing about, unless there is an offer. */
  tell(text: string): void {
    if (this.#offered !== null || wasTold(text)) return;
    this.#show(text, { [words.close]: () => this.#close() });
  }

  /** Shows an offer with its answers. */
  offer(text: string, answers: Record<string, () => void>): void {
    if (this.#offered === text) return;
    this.#show(text, answers);
    this.#offered = text;
  }

  /** Takes an offer back. */
  withdraw(): void {
    if (this.#offered !== null) this.#close();
  }

  #close(): void {
    this.#offered = null;
    this.#bar.classList.remove("shown");
    this.#text.textContent = "";
    this.#buttons.replaceChildren();
  }

  #show(text: string, answers: Record<string, () => void>): void {
    this.#text.textContent = text;
    const buttons = Object.entries(answers).map(([name, run], index) => action(name, run, index === 0 ? "primary" : "quiet"));
    this.#buttons.replaceChildren(...buttons);
    this.#bar.classList.add("shown");
  }
}

/** Whether this tab was told a text before; where that cannot be stored it is told again at every visit. */
function wasTold(text: string): boolean {
  const key = "keisei.told";
  try {
    const told = sessionStorage.getItem(key) === text;
    sessionStorage.setItem(key, text);
    return told;
  } catch {
    return false;
  }
}
