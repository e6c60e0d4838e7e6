/** Look of the pages: colours of the page and of the board, as public/language.js sets them before the first paint. */

import type { Settings } from "./settings";

/** Gives the page the colours of the settings. */
export function applyLook({ appearance, boardTheme }: Pick<Settings, "appearance" | "boardTheme">): void {
  const { dataset } = document.documentElement;
  if (appearance === "system") delete dataset["appearance"];
  else dataset["appearance"] = appearance;
  dataset["board"] = boardTheme;
}
