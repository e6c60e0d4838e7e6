/**
 * `<shogi-board>` of other sites: a position without anything to play.
 *
 * | attribute | value | without it |
 * |---|---|---|
 * | `sfen` | SFEN, or what follows `position` in USI; the last position is shown | the element's text, or the usual start |
 * | `orientation` | `black` or `white`, the side at the bottom | `black` |
 * | `piece-set` | `kanji`, `two-kanji`, `international` | by the language |
 * | `theme` | `wood`, `walnut`, `paper`, `slate` | `wood` |
 * | `lang` | `ja` or `en` | the page's or the browser's language |
 */

import { EmbeddedElement, type Setting } from "./base";
import { type Game, readGame } from "./reader";
import { PositionView } from "./view";

export class EmbeddedBoard extends EmbeddedElement {
  static readonly observedAttributes = ["sfen", "orientation", "piece-set", "theme", "lang"];
  readonly #view = new PositionView();

  get sfen(): string {
    return this.getAttribute("sfen") ?? "";
  }

  set sfen(sfen: string) {
    this.setAttribute("sfen", sfen);
  }

  protected override async show({ language, words, attributes }: Setting): Promise<Game> {
    const [pieceSet, orientation] = [attributes.pieceSet(language), attributes.orientation() ?? 0];
    const text = attributes.text("sfen") ?? this.textContent ?? "";
    const [game] = await Promise.all([readGame(text.trim() === "" ? "startpos" : text, "sfen", 0), this.outlines(pieceSet)]);
    const end = game.line(0).at(-1) ?? 0;
    this.#view.draw(game.state(end), { orientation, pieceSet, words });
    this.frame.prepend(this.#view.element);
    return game;
  }

  protected override clear(): void {
    this.#view.element.remove();
  }
}

