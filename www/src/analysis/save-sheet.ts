/** The dialog that saves and shares the game: what a format leaves out is said before. */

import { element } from "../parts/shadow";
import { Sheet, action } from "../parts/sheet";
import type { RecordFormat, Tree } from "../records";
import { shiftJisRecord } from "../shift-jis";
import { GAME, LOST_PARTS, SAVING } from "../words/analysis";
import { write } from "../words/mixed";
import { reason } from "../words/reason";

export type SaveFormat = keyof typeof SAVING.formats;

const FORMATS = Object.keys(SAVING.formats) as SaveFormat[];

/** How each format is written: its extension, its media type, and the writer's name of it. */
const WRITING: Record<SaveFormat, { extension: string; type: string; format: RecordFormat | "record" | null }> = {
  kif: { extension: "kifu", type: "text/plain;charset=utf-8", format: "kif" },
  "kif-sjis": { extension: "kif", type: "text/plain;charset=shift_jis", format: "kif" },
  ki2: { extension: "ki2u", type: "text/plain;charset=utf-8", format: "ki2" },
  csa2: { extension: "csa", type: "text/plain;charset=utf-8", format: "csa2" },
  csa3: { extension: "csa", type: "text/plain;charset=utf-8", format: "csa3" },
  jkf: { extension: "jkf", type: "application/json", format: "jkf" },
  usi: { extension: "usi", type: "text/plain;charset=utf-8", format: "usi" },
  usen: { extension: "usen", type: "text/plain;charset=utf-8", format: "usen" },
  record: { extension: "record", type: "application/octet-stream", format: "record" },
  svg: { extension: "svg", type: "image/svg+xml", format: null },
};

export interface SaveSource {
  /** A copy of the tree to write, which is freed after use; with the network's evaluations if asked for. */
  tree(withOpinions: boolean): Tree;
  /** Diagram of the position on the board. */
  diagram(): string;
  sfen(): string;
  link(): string;
  /** Name of the file without extension. */
  name(): string;
  hasOpinions(): boolean;
}

export class SaveSheet {
  readonly #sheet = new Sheet(SAVING.title, SAVING.close, "save-sheet");
  readonly #source: SaveSource;
  readonly #lost = element("p", "small");
  readonly #said = element("p", "small");
  readonly #opinions = element("input");
  readonly #opinionsLabel = element("label", "check");
  readonly #copy: HTMLButtonElement;
  #format: SaveFormat = "kif";

  constructor(source: SaveSource) {
    this.#source = source;
    const formats = element("fieldset", "formats");
    formats.append(element("legend", "sr-only", SAVING.format));
    for (const format of FORMATS) {
      const label = element("label");
      const input = element("input");
      input.type = "radio";
      input.name = "save-format";
      input.value = format;
      input.checked = format === this.#format;
      input.addEventListener("change", () => {
        this.#format = format;
        this.#draw();
      });
      label.append(input, SAVING.formats[format]);
      formats.append(label);
    }
    this.#lost.setAttribute("role", "status");
    this.#said.setAttribute("role", "status");
    this.#opinions.type = "checkbox";
    this.#opinions.addEventListener("change", () => this.#draw());
    this.#opinionsLabel.append(this.#opinions, SAVING.opinions);
    this.#copy = action(SAVING.copy, () => void this.#copyText(() => this.#text(), SAVING.formats[this.#format]));
    const main = element("div", "dialog-row");
    main.append(action(SAVING.download, () => this.#download(), "primary"), this.#copy);
    const share = element("div", "dialog-row");
    share.append(
      action(SAVING.copyLink, () => void this.#copyText(() => source.link(), SAVING.linkName)),
      action(SAVING.copySfen, () => void this.#copyText(() => source.sfen(), SAVING.sfenName)),
    );
    this.#sheet.body.append(formats, this.#opinionsLabel, this.#lost, main, share, this.#said);
  }

  open(): void {
    this.#said.textContent = "";
    this.#opinionsLabel.hidden = !this.#source.hasOpinions();
    this.#draw();
    this.#sheet.open();
  }

  /** Says what the chosen format leaves out. */
  #draw(): void {
    const { format } = WRITING[this.#format];
    this.#copy.hidden = format === "record" || this.#format === "kif-sjis";
    if (format === null) {
      this.#lost.textContent = SAVING.mainLine;
      return;
    }
    const tree = this.#source.tree(this.#opinions.checked);
    try {
      const parts = tree.left_out(format).map((lost) => {
        const text = LOST_PARTS[lost.part](lost.count);
        lost.free();
        return text;
      });
      const sentences = [parts.length === 0 ? SAVING.complete : SAVING.lost(parts)];
      if (this.#format === "kif-sjis") {
        const { numbered } = shiftJisRecord(tree.write("kif"));
        if (numbered.length > 0) sentences.push(SAVING.numbered(numbered.slice(0, 12).join(" ")));
      }
      write(this.#lost, GAME.sentences(sentences));
    } catch (error) {
      this.#fail(error);
    } finally {
      tree.free();
    }
  }

  #text(): string {
    const { format } = WRITING[this.#format];
    if (format === null) return this.#source.diagram();
    const tree = this.#source.tree(this.#opinions.checked);
    try {
      return format === "record" ? "" : tree.write(format);
    } finally {
      tree.free();
    }
  }

  #bytes(): Uint8Array {
    const { format } = WRITING[this.#format];
    if (this.#format === "kif-sjis") return shiftJisRecord(this.#text()).bytes;
    if (format !== "record") return new TextEncoder().encode(this.#text());
    const tree = this.#source.tree(this.#opinions.checked);
    try {
      return tree.record();
    } finally {
      tree.free();
    }
  }

  #download(): void {
    const { extension, type } = WRITING[this.#format];
    try {
      const link = element("a");
      link.href = URL.createObjectURL(new Blob([new Uint8Array(this.#bytes())], { type }));
      link.download = `${this.#source.name()}.${extension}`;
      link.click();
      // The download reads the address after this event.
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    } catch (error) {
      this.#fail(error);
    }
  }

  async #copyText(text: () => string, what: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text());
      this.#said.textContent = SAVING.copied(what);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    write(this.#said, SAVING.failed(reason(error)));
  }
}
