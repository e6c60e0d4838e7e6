/*
 * The page's language and look, before the first paint: a script of its own that the parser waits for.
 *
 * Language: `?lang=` of the address, else the user's choice, else the first of the browser's languages that the pages speak, else
 * English. The theme is the user's choice. Choices are in the settings of `src/state/settings.ts`.
 */
(() => {
  const root = document.documentElement;
  const known = (language) => /^(en|ja)\b/.exec(String(language ?? "").toLowerCase())?.[1];
  let settings = {};
  try {
    settings = JSON.parse(localStorage.getItem("keisei.settings") ?? "{}") ?? {};
  } catch {
    // Storage is forbidden or holds no JSON: the browser's own choice counts.
  }
  root.lang =
    known(new URLSearchParams(location.search).get("lang")) ??
    known(settings.language) ??
    navigator.languages.map(known).find((language) => language !== undefined) ??
    "en";
  if (/^(light|dark)$/.test(settings.appearance)) root.dataset.appearance = settings.appearance;
  if (/^[a-z]+$/.test(settings.boardTheme)) root.dataset.board = settings.boardTheme;

  // The words in that language, which the page's script would ask for only once it has come (`build/catalogues.ts`).
  for (const href of document.currentScript.getAttribute(`data-words-${root.lang}`)?.split(" ") ?? []) {
    const link = document.createElement("link");
    link.rel = "modulepreload";
    link.href = href;
    document.head.append(link);
  }

  /** Leaves one text of each pair in the document. It runs when the markup is read, and before any module does. */
  const settle = () => {
    for (const span of document.querySelectorAll("span.said")) {
      if (span.lang === root.lang) span.replaceWith(...span.childNodes);
      else span.remove();
    }
    document.body.normalize();
    if (root.lang !== "ja") return;
    for (const element of document.querySelectorAll("[data-ja]")) {
      for (const [name, text] of Object.entries(JSON.parse(element.dataset.ja))) {
        if (name === "") element.textContent = text;
        else element.setAttribute(name, text);
      }
    }
  };
  document.addEventListener("readystatechange", settle, { once: true });
})();
