/** The settings panel: language, notation, pieces, board, colours, sound and vibration, and what the site stores. */

import "./panel.css";
import { PIECE_SETS } from "../board/piece-set";
import { StorageSection } from "../offline/storage-section";
import { Feedback, canVibrate } from "../parts/feedback";
import { element } from "../parts/shadow";
import { Sheet, sheetSection } from "../parts/sheet";
import { chosenLanguage, speak } from "../state/language";
import { applyLook } from "../state/look";
import { APPEARANCES, BOARD_THEMES, NOTATIONS, type Settings, SettingsStore } from "../state/settings";
import { Store } from "../state/store";
import { LANGUAGES } from "../words";
import { settingsWords as words } from "../words/settings";

/** Names of the languages, each in itself. */
const LANGUAGE_NAMES = { en: "English", ja: "日本語" };

/** Rest of the keys after which the language changes. */
const REST_MS = 500;

/** The first move of many games in each notation. */
const EXAMPLES = { japanese: "▲７六歩", western: "P-7f", usi: "7g7f" };

interface Choice<T extends string> {
  value: T;
  text: string;
  /** Language of the text, where it is not the page's. */
  lang?: string;
  /** What stands beside the text: an example, a sample of colours. */
  beside?: HTMLElement;
}

class SettingsPanel {
  readonly #sheet = new Sheet(words.title, words.close, "settings-sheet");
  readonly #note = element("p", "muted small", words.kept);
  readonly #settings = new SettingsStore(new Store(() => this.#note.replaceChildren(words.notKept)), () => {});
  readonly #feedback = new Feedback();
  readonly #storage = new StorageSection();
  #opener: HTMLElement | null = null;
  #switch: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.#sheet.dialog.classList.add("settings");
    const settings = this.#settings;
    this.#sheet.body.append(
      this.#group("language", words.language, chosenLanguage(settings) ?? "browser", [
        { value: "browser", text: words.byBrowser },
        ...LANGUAGES.map((value) => ({ value, text: LANGUAGE_NAMES[value], lang: value })),
      ], (value) => {
        // The arrow keys choose on their way: the page waits until they rest.
        clearTimeout(this.#switch);
        this.#switch = setTimeout(() => speak(value === "browser" ? null : value, settings), REST_MS);
      }),
      this.#group("notation", words.notation, settings.value.notation,
        NOTATIONS.map((value) => ({ value, text: words.notations[value], beside: element("span", "example", EXAMPLES[value]) })),
        (notation) => settings.change({ notation })),
      this.#group("pieces", words.pieces, settings.value.pieceSet,
        PIECE_SETS.map((value) => ({ value, text: words.pieceSets[value] })),
        (pieceSet) => settings.change({ pieceSet })),
      this.#group("board", words.board, settings.value.boardTheme,
        BOARD_THEMES.map((value) => ({ value, text: words.boardThemes[value], beside: sample(value) })),
        (boardTheme) => this.#change({ boardTheme })),
      this.#group("appearance", words.appearance, settings.value.appearance,
        APPEARANCES.map((value) => ({ value, text: words.appearances[value] })),
        (appearance) => this.#change({ appearance })),
      this.#moves(),
      this.#note,
      this.#storage.element,
    );
    this.#sheet.dialog.addEventListener("close", () => this.#opener?.focus());
    // Another tab, or a switch beside the board, changed them.
    settings.watch(() => this.#draw());
  }

  #change(part: Partial<Settings>): void {
    this.#settings.change(part);
    applyLook(this.#settings.value);
  }

  open(opener: HTMLElement): void {
    this.#opener = opener;
    this.#draw();
    this.#sheet.open();
    void this.#storage.show();
  }

  /** A group of radio buttons of which one is chosen. */
  #group<T extends string>(name: string, title: string, chosen: T, choices: readonly Choice<T>[], choose: (value: T) => void): HTMLElement {
    const group = element("fieldset", "settings-group");
    group.append(element("legend", "", title));
    const row = element("div", "settings-choices");
    for (const { value, text, lang, beside } of choices) {
      const label = element("label");
      const input = element("input");
      Object.assign(input, { type: "radio", name: `setting-${name}`, value, checked: value === chosen });
      input.addEventListener("change", () => choose(value));
      const caption = element("span", "", text);
      if (lang !== undefined) caption.lang = lang;
      label.append(input, caption);
      if (beside) label.append(beside);
      row.append(label);
    }
    group.append(row);
    return group;
  }

  #moves(): HTMLElement {
    const check = (name: "sound" | "haptics", text: string): HTMLLabelElement => {
      const label = element("label", "check");
      const input = element("input");
      Object.assign(input, { type: "checkbox", name: `setting-${name}` });
      input.addEventListener("change", () => {
        this.#settings.change({ [name]: input.checked });
        // The user hears or feels at once what was switched on.
        if (input.checked) this.#feedback.give("move", { sound: name === "sound", haptics: name === "haptics" });
      });
      label.append(input, text);
      return label;
    };
    const haptics = check("haptics", words.haptics);
    const section = sheetSection(words.feedback, check("sound", words.sound), haptics);
    if (!canVibrate()) {
      const input = haptics.querySelector("input");
      if (input) input.disabled = true;
      section.append(element("p", "muted small", words.noHaptics));
    }
    return section;
  }

  /** Brings the panel to the settings as they are. */
  #draw(): void {
    applyLook(this.#settings.value);
    const { notation, pieceSet, boardTheme, appearance, sound, haptics } = this.#settings.value;
    const chosen: Record<string, string> = { language: chosenLanguage(this.#settings) ?? "browser", notation, pieces: pieceSet, board: boardTheme, appearance };
    for (const input of this.#sheet.body.querySelectorAll("input")) {
      const name = input.name.replace("setting-", "");
      if (input.type === "radio") input.checked = input.value === chosen[name];
      else input.checked = name === "sound" ? sound : haptics && canVibrate();
    }
  }
}

/** Sample of a board's colours. */
function sample(theme: string): HTMLElement {
  const made = element("span", `board-sample ${theme}`);
  made.setAttribute("aria-hidden", "true");
  return made;
}

let panel: SettingsPanel | null = null;

/** The page's one panel. */
export const settingsPanel = (): SettingsPanel => (panel ??= new SettingsPanel());
