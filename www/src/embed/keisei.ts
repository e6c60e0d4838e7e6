/**
 * Script of the embedded elements: one script tag on any page makes `<shogi-board>` and `<shogi-replay>` work there.
 *
 * All else is loaded from beside it: the modules that read games, the outlines of the pieces, the words of a language.
 */

import type * as DeclaredClasses from "../../package/classes";
import { EmbeddedBoard } from "./board-element";
import { ShogiReplay } from "./replay-element";

export { EmbeddedBoard as ShogiBoard, ShogiReplay };

// A page may have the script twice, or another one with the same names: the first stays.
if (!customElements.get("shogi-board")) customElements.define("shogi-board", EmbeddedBoard);
if (!customElements.get("shogi-replay")) customElements.define("shogi-replay", ShogiReplay);

/** The classes are those that the package declares. */
type Declared<T extends Declaration, Declaration> = T;
export type DeclaredReplay = Declared<ShogiReplay, DeclaredClasses.ShogiReplay>;
export type DeclaredBoard = Declared<EmbeddedBoard, DeclaredClasses.ShogiBoard>;
