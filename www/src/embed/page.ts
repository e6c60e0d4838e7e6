/**
 * `/embed`: a page with one replay, for frames of other sites. Its address says what to show, after `#` or after `?`:
 *
 * | field | meaning |
 * |---|---|
 * | `g` | the game's line, as addresses of the other pages have it |
 * | `src` | address of a file of games; its server must allow this page to read it |
 * | `game`, `format`, `number` | text of a game, and how to read it |
 * | `p` or `ply` | number of moves played at first |
 * | `o` or `orientation` | side at the bottom: `b`, `w`, `black`, `white` |
 * | `l` or `lang` | `ja` or `en` |
 * | `set` or `piece-set`, `theme`, `notation`, `speed` | as of `<shogi-replay>` |
 */

import "./keisei";

/** Attribute of the element for each field of the address. */
const FIELDS: Readonly<Record<string, string>> = {
  src: "src", game: "game", format: "format", number: "number", p: "ply", ply: "ply", o: "orientation", orientation: "orientation",
  l: "lang", lang: "lang", set: "piece-set", "piece-set": "piece-set", theme: "theme", notation: "notation", speed: "speed",
};

/** Longest address that is read; a game of 2000 moves takes a third of it. */
const LONGEST = 1 << 16;

function show(): void {
  const replay = document.createElement("shogi-replay");
  // What stands after # counts where both say something.
  const [search, fragment] = [location.search.slice(1, LONGEST), location.hash.slice(1, LONGEST)];
  for (const [field, value] of [...new URLSearchParams(search), ...new URLSearchParams(fragment)]) {
    const name = Object.hasOwn(FIELDS, field) ? FIELDS[field] : undefined;
    if (name !== undefined) replay.setAttribute(name, value);
    if (field === "g") {
      replay.setAttribute("game", value);
      replay.setAttribute("format", "link");
    }
  }
  const lang = replay.getAttribute("lang");
  if (lang !== null && /^[A-Za-z-]{2,20}$/.test(lang)) document.documentElement.lang = lang;
  document.querySelector("main")?.replaceChildren(replay);
}

addEventListener("hashchange", show);
show();
