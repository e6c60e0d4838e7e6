/**
 * Text in two languages at once: a page in one of them that names a move in the other, or hands on a reason in English.
 *
 * A screen reader speaks each with its own voice, so the runs of the other language stand in elements with their `lang`.
 */

import { language } from ".";

/** Runs of the other language: in English, Japanese letters with the marks of the sides; in Japanese, Western moves and English phrases. */
const RUNS =
  language === "en"
    ? /[▲△☗☖▼▽]?[\u3005-\u30ff\u3400-\u9fff\uff01-\uff60](?:[\u3000-\u30ff\u3400-\u9fff\uff01-\uff60]*[\u3001-\u30ff\u3400-\u9fff\uff01-\uff60])?/gu
    : /\+?[PLNSGBRK](?:\d[a-i])?[-x*]\d[a-i][+=]?|[A-Za-z][\w'’“”.,;:()/-]*(?: [\w'’“”.,;:()/-]+)+/g;

const OTHER = language === "en" ? "ja" : "en";

/** Writes a text into an element, with its runs of the other language marked as such. */
export function write(element: HTMLElement, text: string): void {
  const runs = [...text.matchAll(RUNS)];
  const [run] = runs;
  const whole = run !== undefined && run[0].length === text.length;
  if (whole) element.lang = OTHER;
  else if (element.lang === OTHER) element.removeAttribute("lang");
  if (run === undefined || whole || element instanceof HTMLOptionElement) {
    element.textContent = text;
    return;
  }
  const parts: (string | Node)[] = [];
  let at = 0;
  for (const { 0: words, index } of runs) {
    const span = document.createElement("span");
    span.lang = OTHER;
    span.textContent = words;
    parts.push(text.slice(at, index), span);
    at = index + words.length;
  }
  element.replaceChildren(...parts, text.slice(at));
}

/** Writes a text into an element unless it is there: the same text again would be read out again. */
export function rewrite(element: HTMLElement, text: string): void {
  if (element.textContent !== text) write(element, text);
}
