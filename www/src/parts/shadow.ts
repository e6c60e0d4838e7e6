import { write } from "../words/mixed";

/** A shadow root with one shared style sheet; sheets are constructed, so that the content security policy allows them. */
export function shadow(host: HTMLElement, css: CSSStyleSheet): ShadowRoot {
  const root = host.attachShadow({ mode: "open" });
  root.adoptedStyleSheets = [css];
  return root;
}

export function sheet(text: string): CSSStyleSheet {
  const css = new CSSStyleSheet();
  css.replaceSync(text);
  return css;
}

/** Makes an HTML element with a class and text. */
export function element<K extends keyof HTMLElementTagNameMap>(name: K, className = "", text = ""): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) write(made, text);
  return made;
}
