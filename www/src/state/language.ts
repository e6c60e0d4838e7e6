/** Switch of the language: stored, then the page is loaded again in it. */

import { LANGUAGES, type Language } from "../words";
import type { SettingsStore } from "./settings";

/** Key of the tab's own storage while a page is loaded again from its settings panel, which then opens again. */
const OWED = "keisei.settings-open";

/**
 * Loads the page again in another language; null follows the browser. The pages keep their state through it as through any reload.
 * Where nothing can be stored the address carries the language.
 */
export function speak(language: Language | null, settings: SettingsStore): void {
  const stored = settings.change({ language });
  try {
    sessionStorage.setItem(OWED, "1");
  } catch {
    // Without storage the panel stays closed.
  }
  const address = new URL(location.href);
  address.searchParams.delete("lang");
  if (!stored && language !== null) address.searchParams.set("lang", language);
  if (address.search === location.search) location.reload();
  else location.assign(address);
}

/** The choice in force: the address's, else the stored one; null follows the browser. */
export function chosenLanguage(settings: SettingsStore): Language | null {
  const asked = new URLSearchParams(location.search).get("lang");
  return LANGUAGES.find((language) => language === asked) ?? settings.value.language;
}

/** Whether the settings panel was open before the page was loaded again. */
export function panelIsOwed(): boolean {
  try {
    const owed = sessionStorage.getItem(OWED) !== null;
    sessionStorage.removeItem(OWED);
    return owed;
  } catch {
    return false;
  }
}
