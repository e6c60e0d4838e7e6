/** The settings button, which stands in every page's header: the panel comes when it is first opened. */

import { panelIsOwed } from "../state/language";

async function open(button: HTMLButtonElement): Promise<void> {
  const { settingsPanel } = await import("./panel");
  settingsPanel().open(button);
}

const button = document.getElementById("settings");
if (button instanceof HTMLButtonElement) {
  button.addEventListener("click", () => void open(button));
  // A switch of the language, made in the panel, loaded the page again.
  if (panelIsOwed()) void open(button);
}
