/** Elements and style sheets of the embedded elements. Texts carry the language of their element, not that of a page of ours. */

/** Makes an HTML element with a class and text. */
export function element<K extends keyof HTMLElementTagNameMap>(name: K, className = "", text = ""): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

export function sheet(text: string): CSSStyleSheet {
  const css = new CSSStyleSheet();
  css.replaceSync(text);
  return css;
}
