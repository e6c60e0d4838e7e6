/** Writing to the page only what differs, so that a step of a game costs what it changes. */

/** Makes a `<div>` with a class and attributes. */
export function div(className: string, attributes: Record<string, string> = {}, ...children: Element[]): HTMLDivElement {
  const element = document.createElement("div");
  element.className = className;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** Sets an attribute where it differs; null removes it. */
export function write(element: Element, name: string, value: string | null): void {
  if (element.getAttribute(name) === value) return;
  if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, value);
}

/** Sets an element's text where it differs. */
export function writeText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Moves the focus within a row of buttons, as far as its ends. */
export function stepFocus(buttons: readonly HTMLElement[], steps: number): void {
  const at = buttons.findIndex((button) => button.matches(":focus"));
  if (at >= 0) buttons[Math.max(0, Math.min(buttons.length - 1, at + steps))]?.focus();
}
