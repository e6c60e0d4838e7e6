/** Properties of a page that a person sees at a glance: what jumps, what runs off, what axe finds. */

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

/** Viewports in CSS pixels, from a phone to a large screen; one at 4K. */
export const VIEWPORTS = [
  [1280, 800],
  [1024, 768],
  [768, 1024],
  [390, 844],
  [360, 800],
  [844, 390],
  [667, 375],
  [320, 568],
  [3840, 2160],
].map(([width, height]) => ({ width, height }));

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
export const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"];

/** Violations that axe finds, each with the places; `tags` choose the rules. */
export async function violations(page, tags = WCAG) {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe);
  return page.evaluate(async (tags) => {
    const { violations } = await window.axe.run(document, { runOnly: tags, resultTypes: ["violations"] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.flat().join(" ")).join(", ")}`);
  }, tags);
}

/** Records layout shifts from the first frame on; to be called before the page is opened. */
export function watchShifts(page) {
  return page.addInitScript(() => {
    window.layoutShifts = [];
    new PerformanceObserver((list) => {
      for (const { value, hadRecentInput, sources } of list.getEntries()) {
        if (hadRecentInput) continue;
        const names = sources.map(({ node }) => node?.id || node?.className || node?.nodeName || "?");
        window.layoutShifts.push({ value, names: names.join(" ") });
      }
    }).observe({ type: "layout-shift", buffered: true });
  });
}

/** Sum of the layout shifts since the page was opened, and what moved. */
export function shifts(page) {
  return page.evaluate(() => ({
    total: window.layoutShifts.reduce((sum, { value }) => sum + value, 0),
    moved: window.layoutShifts.map(({ value, names }) => `${value.toFixed(4)} ${names}`),
  }));
}

/** Sets the browser's own text size, as a user does in its settings; 1 is the default of 16 px. */
export async function setTextSize(page, factor) {
  const session = await page.context().newCDPSession(page);
  await session.send("Page.enable");
  await session.send("Page.setFontSizes", { fontSizes: { standard: 16 * factor, fixed: 13 * factor } });
  await session.detach();
}

/** Text that runs off: beyond the page's sides, or cut by its own box without an ellipsis; shadow trees included. */
export function cutText(page) {
  return page.evaluate(() => {
    const cut = [];
    const wide = document.documentElement.scrollWidth;
    if (wide > innerWidth) cut.push(`the page is ${wide} px wide in ${innerWidth} px`);
    const scrolls = (element) => {
      for (let at = element; at; at = at.parentElement ?? at.getRootNode().host) {
        if (/auto|scroll/.test(getComputedStyle(at).overflowX)) return true;
      }
      return false;
    };
    const visit = (root) => {
      for (const element of root.querySelectorAll("*")) {
        if (element.shadowRoot) visit(element.shadowRoot);
        if (element instanceof SVGElement || !element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
        const text = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== "");
        const style = getComputedStyle(element);
        if (!text || style.clipPath !== "none" || scrolls(element)) continue;
        const name = `${element.id || element.className || element.nodeName}: ${element.textContent.trim().slice(0, 30)}`;
        const range = document.createRange();
        range.selectNodeContents(element);
        const { left, right } = range.getBoundingClientRect();
        const ellipsis = style.textOverflow === "ellipsis" && style.overflowX !== "visible";
        if (!ellipsis && (left < -1 || right > innerWidth + 1)) cut.push(`${name} runs from ${Math.round(left)} to ${Math.round(right)} px`);
        const hides = /hidden|clip/.test(style.overflowX + style.overflowY);
        if (hides && !ellipsis && (element.scrollWidth > element.clientWidth + 1 || element.scrollHeight > element.clientHeight + 2)) {
          cut.push(`${name} is cut`);
        }
      }
    };
    visit(document);
    return cut;
  });
}
