/** Tabs: a list of buttons of which one is selected, and a panel for each; see the layout in base.css. */

/**
 * Wires a tab list. A click selects; so do the arrow keys, Home and End, and the list is one stop of the Tab key.
 *
 * @returns a function that selects the tab with this id.
 */
export function wireTabs(list: HTMLElement, onSelect?: (tab: HTMLElement) => void): (id: string) => void {
  const tabs = [...list.querySelectorAll<HTMLElement>('[role="tab"]')];
  const panelOf = (tab: HTMLElement): HTMLElement | null =>
    document.getElementById(tab.getAttribute("aria-controls") ?? "");
  const select = (chosen: HTMLElement): void => {
    for (const tab of tabs) {
      const isChosen = tab === chosen;
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      const panel = panelOf(tab);
      if (panel) panel.hidden = !isChosen;
    }
    onSelect?.(chosen);
  };
  for (const tab of tabs) tab.addEventListener("click", () => select(tab));
  list.addEventListener("keydown", (event) => {
    const at = tabs.indexOf(event.target as HTMLElement);
    if (at < 0) return;
    const next = {
      ArrowRight: (at + 1) % tabs.length,
      ArrowLeft: (at + tabs.length - 1) % tabs.length,
      Home: 0,
      End: tabs.length - 1,
    }[event.key];
    const tab = next === undefined ? undefined : tabs[next];
    if (!tab) return;
    // The page's own keys for the game do not see this one.
    event.preventDefault();
    event.stopPropagation();
    select(tab);
    tab.focus();
  });
  const first = tabs.find((tab) => tab.getAttribute("aria-selected") === "true") ?? tabs[0];
  if (first) select(first);
  return (id) => {
    const tab = tabs.find((tab) => tab.id === id);
    if (tab) select(tab);
  };
}
