/** Common ground of the embedded elements: shadow root, language, messages, and drawing once for all that a page changes in one go. */

import { element, sheet } from "./dom";
import { type Language, loadWords } from "../words/embed";
import type { EmbedWords } from "../words/embed/english";
import { Attributes, THEMES, languageOf } from "./attributes";
import css from "./embed.css?inline";
import { loadOutlines } from "../board/glyphs";
import { type Game, ReplayError } from "./reader";
import { boardSheet } from "./view";

const embedSheet = sheet(css);

/** What an element needs to draw itself. */
export interface Setting {
  language: Language;
  words: EmbedWords;
  attributes: Attributes;
  /** Aborted when a newer setting takes its place, or the element is taken away. */
  signal: AbortSignal;
}

export abstract class EmbeddedElement extends HTMLElement {
  /** Everything that is shown; the page's own styles end here. */
  protected readonly frame = element("div", "frame");
  readonly #notices = element("ul", "notices");
  readonly #failure = element("p", "failure");
  #update: AbortController | null = null;
  #queued = false;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [boardSheet, embedSheet];
    this.#failure.setAttribute("role", "alert");
    this.#failure.hidden = true;
    this.#notices.hidden = true;
    root.append(this.frame);
  }

  connectedCallback(): void {
    // A page may have set a property before the script came; it is set again, by the element's own setter.
    for (const name of ["ply", "game", "src", "sfen"]) {
      const value: unknown = Object.getOwnPropertyDescriptor(this, name)?.value;
      if (value === undefined) continue;
      Reflect.deleteProperty(this, name);
      Reflect.set(this, name, value);
    }
    this.refresh();
  }

  disconnectedCallback(): void {
    this.#update?.abort();
    this.#update = null;
  }

  attributeChangedCallback(): void {
    this.refresh();
  }

  /** Draws anew, once for all changes of the moment. */
  protected refresh(): void {
    if (this.#queued || !this.isConnected) return;
    this.#queued = true;
    queueMicrotask(() => {
      this.#queued = false;
      if (this.isConnected) void this.#draw();
    });
  }

  async #draw(): Promise<void> {
    this.#update?.abort();
    const update = new AbortController();
    this.#update = update;
    const language = languageOf(this);
    let words: EmbedWords | undefined;
    try {
      words = await loadWords(language);
      if (update.signal.aborted) return;
      this.frame.lang = language;
      const attributes = new Attributes(this, words);
      attributes.oneOf("theme", THEMES);
      const game = await this.show({ language, words, attributes, signal: update.signal });
      if (update.signal.aborted) return;
      this.#tell(words, attributes.notices, game);
    } catch (error) {
      if (update.signal.aborted) return;
      this.#fail(words, error);
    }
  }

  /** Shows the element as its attributes say; returns the game of which defects are to be told. */
  protected abstract show(setting: Setting): Promise<Game>;

  /** Puts the element into the state without a game. */
  protected abstract clear(): void;

  #tell(words: EmbedWords, notices: readonly string[], { defects }: Game): void {
    const told = defects.length === 0 ? notices : [...notices, defectText(words, defects)];
    this.#failure.hidden = true;
    this.#notices.replaceChildren(...told.map((text) => element("li", "", text)));
    this.#notices.hidden = told.length === 0;
    this.frame.append(this.#notices, this.#failure);
    this.dispatchEvent(new CustomEvent("replay-ready", { bubbles: true, composed: true }));
  }

  #fail(words: EmbedWords | undefined, error: unknown): void {
    const known = error instanceof ReplayError ? error : new ReplayError("module");
    // Without words the script's own server does not answer: nobody can say more than that.
    const text = words ? failureText(words, known) : "Keisei: 404";
    this.clear();
    this.#failure.textContent = text;
    this.#failure.hidden = false;
    this.#notices.hidden = true;
    this.frame.append(this.#notices, this.#failure);
    this.dispatchEvent(new CustomEvent("replay-error", { detail: { reason: known.failure, text }, bubbles: true, composed: true }));
  }

  /** Prepares the drawing of a piece set. */
  protected async outlines(set: Parameters<typeof loadOutlines>[0]): Promise<void> {
    await loadOutlines(set).catch(() => {
      throw new ReplayError("module");
    });
  }
}

function failureText(words: EmbedWords, { failure, defects, detail }: ReplayError): string {
  const text = words.failures[failure] + (detail === "" ? "" : ` (${detail})`);
  return defects.length === 0 ? text : `${text} ${defectText(words, defects)}`;
}

function defectText(words: EmbedWords, defects: Game["defects"]): string {
  const [first] = defects;
  if (!first) return "";
  const [line, column, problem, detail] = first;
  const told = Object.hasOwn(words.problems, problem) ? (words.problems[problem]?.(detail) ?? problem) : problem;
  return words.place(line, column) + told + words.more(defects.length - 1);
}
