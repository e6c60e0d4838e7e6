/**
 * The page's address after `#`: everything that another browser needs to show the same game.
 *
 * | field | meaning |
 * |---|---|
 * | `g` | the game's line, by `Tree.link`: two bytes a move, in base64url |
 * | `p` | number of moves played in the position that is shown; without it, the last position |
 * | `o` | the side at the bottom, `b` or `w` |
 * | `s` | id of the saved game in this browser, which holds more than the line; elsewhere it is not found, and `g` counts |
 *
 * Fields with other names are for the page that knows them.
 */

import type { Color } from "../board/geometry";
import { stateWords as words } from "../words/state";

export interface Address {
  game?: string | undefined;
  ply?: number | undefined;
  orientation?: Color | undefined;
  saved?: string | undefined;
}

/** Longest fragment that is looked at; a game of 2000 moves takes a third of it. */
const LONGEST = 1 << 14;
/** Largest number of moves that an address can name. */
const MOST_PLIES = 9999;
/** Form of a saved game's id. */
export const ID = /^[A-Za-z0-9_-]{6,24}$/;

/** The address in a fragment (with or without `#`), and in words which parts of it mean nothing. */
export function readAddress(fragment: string): { address: Address; defects: string[] } {
  const text = fragment.replace(/^#/, "");
  const address: Address = {};
  if (text.length > LONGEST) return { address, defects: [words.addressTooLong(text.length, LONGEST)] };
  const defects: string[] = [];
  for (const [field, value] of new URLSearchParams(text)) {
    if (field === "g" && /^[A-Za-z0-9_-]*$/.test(value)) address.game = value;
    else if (field === "p" && /^\d{1,4}$/.test(value) && Number(value) <= MOST_PLIES) address.ply = Number(value);
    else if (field === "o" && (value === "b" || value === "w")) address.orientation = value === "b" ? 0 : 1;
    else if (field === "s" && ID.test(value)) address.saved = value;
    else if ("gpos".includes(field) && field.length === 1) defects.push(words.addressField(field, value));
  }
  return { address, defects };
}

/** The fragment of an address, with `#`; empty if the address says nothing. */
export function writeAddress({ game, ply, orientation, saved }: Address): string {
  const parts: string[] = [];
  if (game !== undefined) parts.push(`g=${game}`);
  if (ply !== undefined) parts.push(`p=${ply}`);
  if (orientation !== undefined) parts.push(`o=${orientation === 0 ? "b" : "w"}`);
  if (saved !== undefined) parts.push(`s=${saved}`);
  return parts.length === 0 ? "" : `#${parts.join("&")}`;
}
