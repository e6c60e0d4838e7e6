/** What the parts of a page that deal with the service worker know in common. */

import { KEEPING_PROBLEMS, type KeepingProblem } from "./build";

/** Address of the site's root, where the service worker lies: a page about a missing address may be shown anywhere below it. */
export function siteRoot(): string {
  const manifest = document.querySelector<HTMLLinkElement>('link[rel="manifest"]');
  return new URL("./", manifest?.href ?? document.baseURI).href;
}

/** Notes in the document why the pages could not be kept, for whoever shows it later. */
export function setProblem(why: KeepingProblem): void {
  document.documentElement.dataset["notKept"] = why;
}

/** The reason why the pages could not be kept at this visit; undefined if there is none. */
export const keepingProblem = (): KeepingProblem | undefined => KEEPING_PROBLEMS.find((why) => why === document.documentElement.dataset["notKept"]);
