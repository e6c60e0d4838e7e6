/** Reasons of errors in the language of the page. */

import { language } from ".";

/** The table for Japanese, once it has come; until then, and without it, reasons are told in English. */
let translated = (english: string): string => english;

async function fetchTable(): Promise<void> {
  try {
    ({ translated } = await import("./reasons"));
  } catch {
    // Without the table a reason is told in English.
  }
}

/** Resolves when the page may open what its address names, which may be wrong; where it names nothing the table comes later. */
export const reasonsReady: Promise<void> = language === "ja" && location.hash !== "" ? fetchTable() : Promise.resolve();
if (language === "ja" && location.hash === "") {
  // A script that waited for its words may run after the page has loaded.
  if (document.readyState === "complete") void fetchTable();
  else addEventListener("load", () => void fetchTable(), { once: true });
}

/** A sentence of the Rust side or of the worker in the language of the page, as far as it is known. */
export const told = (english: string): string => translated(english);

/** What an error says. */
export const reason = (error: unknown): string => told(error instanceof Error ? error.message : String(error));
