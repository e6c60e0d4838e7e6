/**
 * Accessibility by axe: every page in its states, with every tab and dialog, in both themes, with forced colours, on a desktop and
 * at the narrowest width, and with text of twice the size.
 */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { drop, open, openPlay } from "./harness.mjs";
import { setTextSize, violations } from "./look.mjs";

const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 320, height: 640 };
const LOOKS = [
  { name: "light, wide", colorScheme: "light", viewport: WIDE },
  { name: "dark, wide", colorScheme: "dark", viewport: WIDE },
  { name: "light, narrow", colorScheme: "light", viewport: NARROW },
  { name: "dark, narrow", colorScheme: "dark", viewport: NARROW },
  { name: "forced colours, light", colorScheme: "light", forcedColors: "active", viewport: WIDE },
  { name: "forced colours, dark", colorScheme: "dark", forcedColors: "active", viewport: { width: 390, height: 844 } },
  { name: "text of twice the size, light", colorScheme: "light", viewport: WIDE, text: 2 },
  { name: "text of twice the size, dark", colorScheme: "dark", viewport: { width: 390, height: 844 }, text: 2 },
];

let site;
let record;
before(async () => {
  site = await open();
  record = await readFile(join(site.files, "games.record"));
});
after(() => site?.close());

const square = (page, name) => page.locator(`[data-square="${name}"]`);
const yourTurn = (page) => page.locator("#status", { hasText: "Your turn" });

async function typeMove(page, text) {
  await page.locator("#typed-move input").fill(text);
  await page.locator("#typed-move input").press("Enter");
}

/** Looks at the page in a state; what axe finds is reported with the state's name. */
function looker(page) {
  const found = [];
  const look = async (state) => {
    found.push(...(await violations(page)).map((violation) => `${state}: ${violation}`));
    const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    if (wide > room) found.push(`${state}: the page is ${wide} px wide in ${room} px`);
  };
  return { found, look };
}

async function openTab(page, id) {
  await page.locator(`#${id}`).click();
  await page.locator(`#${id}[aria-selected="true"]`).waitFor();
}

for (const { name, text, ...options } of LOOKS) {
  test(`Play: ${name}`, { timeout: 240_000 }, async () => {
    const page = await site.page(options);
    if (text) await setTextSize(page, text);
    const { found, look } = looker(page);
    await openPlay(page, site.base);
    await page.locator("#show-candidates").check();
    await page.locator("#candidates tr[data-usi]").first().waitFor();
    await look("start, with candidates");
    await square(page, "7g").click();
    await look("piece selected");
    await square(page, "7f").click();
    await yourTurn(page).waitFor();
    await typeMove(page, "1i1a");
    await look("a move played, a typed one refused");
    await openTab(page, "tab-new");
    await page.locator("#clock-choice").selectOption({ label: "Own times…" });
    await look("new game, own clock");
    await openTab(page, "tab-saved");
    await look("saved games");
    await openTab(page, "tab-new");
    await page.locator('#new-game input[value="both"]').check();
    await page.locator("#new-game button[type=submit]").click();
    for (const usi of ["7g7f", "3c3d"]) await typeMove(page, usi);
    await square(page, "8h").click();
    await square(page, "2b").click();
    await page.locator(".choice button").first().waitFor();
    await look("promotion");
    await page.locator(".choice button").first().click();
    await page.locator("#resign").click();
    await look("resignation asked");
    await page.locator("#resign").click();
    await page.locator("#result").waitFor();
    await look("result");
    await drop(page, "kept.model", await readFile(join(site.files, "random.model")));
    await page.locator("#agent-cancel").waitFor({ state: "hidden" });
    await page.locator("#choose-agent").click();
    await page.locator("agent-picker .remove").waitFor();
    await page.locator("agent-picker summary").first().click();
    await page.locator("agent-picker .remove").first().click();
    await look("agents, removal asked");
    await page.keyboard.press("Escape");
    await drop(page, "broken.model", Buffer.from("no model"));
    await page.locator("#problem button").waitFor();
    await look("problem");
    assert.deepEqual(found, []);
    await page.checked();
  });

  test(`Analysis: ${name}`, { timeout: 240_000 }, async () => {
    const page = await site.page(options);
    if (text) await setTextSize(page, text);
    const { found, look } = looker(page);
    await page.goto(`${site.base}replay.html`);
    await page.locator("#agent-state", { hasText: "ready" }).waitFor();
    await drop(page, "dropped.record", record);
    await page.locator("#file-name", { hasText: "dropped.record" }).waitFor();
    await look("game, moves");
    await page.keyboard.press("End");
    for (const tab of await page.locator("[role=tab]").all()) {
      await openTab(page, await tab.getAttribute("id"));
      await page.waitForTimeout(200);
      await look(await tab.innerText());
    }
    for (const box of await page.locator(".side input[type=checkbox]").all()) await box.check();
    await look("heat map");
    for (const opener of ["open", "save", "play-on", "choose-agent"]) {
      await page.locator(`#${opener}`).click();
      await page.locator("dialog[open]").waitFor();
      await look(opener);
      await page.keyboard.press("Escape");
      await page.locator("dialog[open]").waitFor({ state: "hidden" });
    }
    await page.locator("#edit").click();
    await page.locator("#editor").waitFor();
    await look("editor");
    await drop(page, "broken.kif", Buffer.from("no record"));
    await page.locator("#problem button").waitFor();
    await look("problem");
    assert.deepEqual(found, []);
    await page.checked();
  });
}

test("the page for a missing address", async () => {
  for (const { name, text, ...options } of LOOKS) {
    const page = await site.page(options);
    if (text) await setTextSize(page, text);
    const { found, look } = looker(page);
    await page.goto(`${site.base}nothing-here`);
    await look(name);
    assert.deepEqual(found, []);
    await page.checked(/404/);
  }
});
