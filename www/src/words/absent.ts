/** The page for an address that is not kept and that no network brings: the service worker makes it, which has no document. */

const WORDS = {
  en: {
    title: "Keisei: not here without a network",
    heading: "This page is not kept for use without a network",
    text: "There is no connection, and this page was not opened before. What is kept works:",
    play: "Play",
    analysis: "Analysis",
  },
  ja: {
    title: "Keisei：オフラインでは開けません",
    heading: "このページはオフライン用に保存されていません",
    text: "ネットワークにつながっておらず、このページはまだ開かれたことがありません。保存済みのページは使えます。",
    play: "対局",
    analysis: "検討",
  },
};

/** Markup of the page in the first of the user's languages that it speaks; its links lead to the pages of the site at `scope`. */
export function absentPage(languages: readonly string[], scope: string): string {
  const lang = languages.map((language) => /^(en|ja)\b/.exec(language)?.[0]).find((known) => known === "en" || known === "ja") ?? "en";
  const words = WORDS[lang === "ja" ? "ja" : "en"];
  const link = (page: string, text: string): string => `<a href="${new URL(page, scope).href}">${text}</a>`;
  return `<!doctype html><html lang="${lang}"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>${words.title}</title>
<main><h1>${words.heading}</h1><p>${words.text}</p><p>${link("index.html", words.play)} · ${link("replay.html", words.analysis)}</p></main></html>`;
}
