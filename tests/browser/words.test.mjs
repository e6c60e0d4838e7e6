/**
 * Languages: which one a page speaks, that it speaks no other, and the settings of every page.
 *
 * The walk goes through every page, dialog and state. It reads all text and all names for screen readers, shown or not, in every shadow
 * tree, and finds words of the other language.
 */

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT, drop, open } from "./harness.mjs";
import { cutText, violations } from "./look.mjs";
import { move, square } from "./play.mjs";

let site;
let record;
before(async () => {
  site = await open();
  record = await readFile(join(site.files, "games.record"));
});
after(() => site?.close());

/** Latin words that Japanese text has too: names, formats, units, keys, and moves as examples. */
const LATIN = [
  "Keisei", "AI", "English", "KIF", "KI2", "CSA", "JKF", "USI", "SFEN", "USEN", "SVG", "UTF-8", "Shift_JIS", "JSON", "SHA-256", "GPU", "WebAssembly", "JavaScript",
  "Chrome", "Firefox", "Safari", "Elo", "kB", "MB", "GB", "Home", "End", "Enter", "Esc", "Ctrl", "Delete", ".model", ".record", "cargo xtask demo", "trainer-native serve www/dist",
  "P-7f", "7g7f", "startpos", "+7776FU", "./games/", "random",
];
/** Texts that come from a file or the user. */
const FOREIGN = "#black, #white, #file-name, .text, .board-sample";

/** Text and names in the page that are in the other language, each with its element; see the head of this file. */
function strangers(page, language) {
  return page.evaluate(([language, latin, foreign]) => {
    const found = new Set();
    const known = latin.toSorted((a, b) => b.length - a.length);
    const strange = (text) => {
      if (language === "en") return /[\u3040-\u30ff\u3400-\u9fff]/.test(text);
      // Files are named as they are.
      let rest = text.replace(/[\w-]+\.(?:model|record|kif|ki2|csa|jkf|usi|sfen|usen|txt)\b/g, " ");
      for (const word of known) rest = rest.replaceAll(word, " ");
      return /[A-Za-z]{2,}/.test(rest);
    };
    const look = (text, element, what) => {
      // In English, what is in Japanese must be marked; a move and a language's own name are.
      const lang = element.closest("[lang]")?.lang ?? document.documentElement.lang;
      if (!strange(text) || (language === "en" && what === "text" && lang === "ja")) return;
      found.add(`${element.id ? `#${element.id}` : element.className || element.localName} ${what}: ${text.trim().slice(0, 80)}`);
    };
    const visit = (root) => {
      for (const element of root.querySelectorAll("*")) {
        if (element.matches("script, style, noscript, [data-square]") || element.closest(foreign) || root.host?.matches(foreign)) continue;
        if (element.shadowRoot) visit(element.shadowRoot);
        for (const name of ["aria-label", "aria-valuetext", "aria-description", "aria-roledescription", "title", "placeholder", "alt"]) {
          const text = element.getAttribute(name);
          if (text) look(text, element, name);
        }
        for (const node of element.childNodes) if (node.nodeType === 3 && node.data.trim() !== "") look(node.data, element, "text");
      }
      for (const cell of root.querySelectorAll("[data-square]")) look(cell.getAttribute("aria-label") ?? "", cell, "name");
    };
    visit(document);
    look(document.title, document.documentElement, "title");
    look(document.querySelector("meta[name=description]")?.content ?? "", document.documentElement, "description");
    return [...found];
  }, [language, LATIN, FOREIGN]);
}

/** Looks at a page in a state and collects what is wrong with it; axe, which takes its time, looks at the states marked so. */
function looker(page, language) {
  const found = [];
  const look = async (state, axe) => {
    found.push(...(await strangers(page, language)).map((text) => `${state}: ${text}`));
    found.push(...(await cutText(page)).map((text) => `${state}: ${text}`));
    if (axe === "axe") found.push(...(await violations(page)).map((violation) => `${state}: axe: ${violation}`));
  };
  return { found, look };
}

const ready = (page) => page.locator("#agent-state.ready").waitFor();
const openTab = async (page, id) => {
  await page.locator(`#${id}`).click();
  await page.locator(`#${id}[aria-selected="true"]`).waitFor();
};
async function typeMove(page, text) {
  await page.locator("#typed-move input").fill(text);
  await page.locator("#typed-move input").press("Enter");
}
async function openSettings(page) {
  await page.locator("#settings").click();
  await page.locator("dialog.settings[open]").waitFor();
}
/** Gives the page its settings before any of its scripts. */
const withSettings = (page, settings) =>
  page.addInitScript((settings) => {
    if (localStorage.getItem("keisei.settings") === null) localStorage.setItem("keisei.settings", JSON.stringify({ version: 1, ...settings }));
  }, settings);

const LOCALES = { en: "en-GB", ja: "ja-JP" };

async function walkPlay(page, look) {
  await page.goto(`${site.base}index.html`);
  await ready(page);
  await look("start");
  await page.locator("#choose-agent").click();
  await page.locator("dialog[open] button").nth(1).waitFor();
  await look("agents", "axe");
  for (const details of await page.locator("dialog[open] details").all()) await details.evaluate((element) => (element.open = true));
  await look("agents in detail");
  await page.keyboard.press("Escape");
  await page.locator("dialog[open]").waitFor({ state: "hidden" });
  await openSettings(page);
  await look("settings", "axe");
  await page.keyboard.press("Escape");
  await page.locator("dialog[open]").waitFor({ state: "hidden" });
  for (const id of ["show-candidates", "show-heat", "show-graph"]) await page.locator(`#${id}`).check();
  await page.locator("#candidates tr[data-usi]").first().waitFor();
  await page.locator("#graph summary").first().click();
  await look("candidates, heat map and graph", "axe");
  await square(page, "7g").click();
  await look("piece selected");
  await square(page, "7f").click();
  await page.locator("#moves .move:not(.gap) >> nth=1").waitFor();
  await ready(page);
  await look("a move and its answer");
  await page.locator("#hint").click();
  await page.waitForFunction(() => /Hint|ヒント/.test(document.getElementById("status").textContent));
  await look("hint");
  for (const text of ["nonsense", "1i1a", "3c3d", "同銀", "5e5d"]) {
    await typeMove(page, text);
    await look(`typed: ${text}`);
  }
  await move(page, "8i", "8h");
  await look("a move that is refused");
  await page.locator("#share").click();
  await look("link");
  await page.locator("#previous").click();
  await look("looking back");
  await page.locator("#back").click();
  await openTab(page, "tab-new");
  await page.locator("#clock-choice").selectOption({ index: (await page.locator("#clock-choice option").count()) - 1 });
  await look("new game, own clock", "axe");
  await page.locator('#new-game input[value="none"]').check();
  await look("new game between agents");
  await page.locator("#new-game button[type=submit]").click();
  await page.locator("#pause").click();
  await page.locator("#step").click();
  await look("agent against agent, paused");
  await openTab(page, "tab-new");
  await page.locator('#new-game input[value="both"]').check();
  await page.locator("#new-game button[type=submit]").click();
  for (const usi of ["7g7f", "3c3d"]) await typeMove(page, usi);
  await square(page, "8h").click();
  await square(page, "2b").click();
  await page.locator(".choice button").first().waitFor();
  await look("promotion", "axe");
  await page.locator(".choice button").first().click();
  await page.locator("#resign").click();
  await look("resignation asked");
  await page.locator("#resign").click();
  await page.locator("#result").waitFor();
  await look("result", "axe");
  await openTab(page, "tab-saved");
  await page.locator("#saved-games .delete").first().click();
  await look("saved games, one to delete", "axe");
  for (const [name, bytes] of [["broken.model", "no model"], ["short.model", "KEISEI-M"]]) {
    await drop(page, name, Buffer.from(bytes));
    await page.locator("#problem", { hasText: name }).waitFor();
    await look(name);
  }
  await page.goto(`${site.base}index.html#g=AAAA&p=3&o=x`);
  await page.reload();
  await page.locator("#problem button").waitFor();
  await look("an address that means nothing", "axe");
}

/** Texts in which something is wrong, for each format. */
const DEFECTIVE = {
  "a.kif": "先手：A\n手数----指手--\n1 ７六歩(77)\n2 ５五歩(33)\n3 X\n5 ２六歩(27)\n",
  "b.kif": "手合割：謎\n手数----指手--\n1 ７六歩(77)\n",
  "a.ki2": "▲７六歩 △同銀 ▲５五角\n",
  "a.csa": "V2.2\nPI\n+\n+7776FU\n-3334FX\n+XX\n",
  "a.jkf": '{"moves":[{},{"move":{"from":{"x":7,"y":7},"to":{"x":12,"y":6},"piece":"FU"}}]}',
  "b.jkf": '{"moves":[',
  "a.usi": "startpos moves 7g7f 3c3d 8h3d\n",
  "a.sfen": "lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSN b - 1\n",
  "b.sfen": "4k4/9/9/9/9/9/9/9/4K4 x - 1\n",
  "a.usen": "~0.zzz.r\n",
  "empty.kif": "",
  "a.record": "no record",
  "a.txt": "hello\nworld\n",
};

async function walkAnalysis(page, look) {
  await page.goto(`${site.base}replay.html`);
  await page.locator("#agent-state:not(.busy).ready").waitFor({ timeout: 60_000 });
  await look("start");
  await drop(page, "dropped.record", record);
  await page.locator("#file-name", { hasText: "dropped.record" }).waitFor();
  for (const key of ["ArrowRight", "End"]) {
    await page.keyboard.press(key);
    await look(key);
  }
  await page.keyboard.press("Home");
  for (const box of await page.locator(".side input[type=checkbox]").all()) await box.check();
  await page.locator("#graph summary").first().click();
  for (const id of ["tab-moves", "tab-candidates", "tab-policy"]) {
    await openTab(page, id);
    await page.waitForTimeout(200);
    await look(id, "axe");
  }
  await square(page, "7g").click();
  await look("policy of a piece");
  await square(page, "7f").click();
  await openTab(page, "tab-moves");
  await page.waitForTimeout(300);
  await look("a variation, rated", "axe");
  await page.locator("#promote").click();
  await page.locator("#delete").click();
  await look("a variation to delete");
  for (const opener of ["open", "save", "play-on"]) {
    await page.locator(`#${opener}`).click();
    await page.locator("dialog[open]").waitFor();
    await look(opener, "axe");
    if (opener === "save") {
      for (const format of await page.locator("dialog[open] input[type=radio]").all()) {
        await format.check();
        await look(`save as ${await format.getAttribute("value")}`);
      }
    }
    await page.keyboard.press("Escape");
    await page.locator("dialog[open]").waitFor({ state: "hidden" });
  }
  await page.locator("#explore").click();
  await page.locator("#agent-state.busy").waitFor();
  await look("searching");
  await page.locator("#explore").click();
  await page.locator("#edit").click();
  await page.locator("#editor").waitFor();
  await look("editor", "axe");
  for (const name of ["5i", "5a"]) {
    await square(page, name).focus();
    await page.keyboard.press("Delete");
  }
  await look("a position without kings", "axe");
  await page.locator("#editor input[type=text]").first().fill("nonsense");
  await look("an SFEN that is none");
  for (const [name, text] of Object.entries(DEFECTIVE)) {
    await page.evaluate(() => {
      document.getElementById("problem").hidden = true;
    });
    await drop(page, name, Buffer.from(text));
    await page.locator(`#problem:not([hidden]), #file-name:text-is("${name}")`).first().waitFor();
    const defects = page.locator("#defects:not([hidden]) summary");
    if ((await defects.count()) > 0) await page.evaluate(() => (document.getElementById("defects").open = true));
    await look(name);
  }
}

async function walkMissing(page, look) {
  await page.goto(`${site.base}nothing-here`);
  await page.locator("h1").waitFor();
  await look("missing page", "axe");
  await openSettings(page);
  await look("settings on the missing page", "axe");
}

const WALKS = { Play: walkPlay, Analysis: walkAnalysis, "the missing page": walkMissing };

for (const language of ["ja", "en"]) {
  for (const [name, walk] of Object.entries(WALKS)) {
    test(`${name} speaks ${language} and nothing else`, { timeout: 300_000 }, async () => {
      const page = await site.page({ locale: LOCALES[language] });
      const { found, look } = looker(page, language);
      await walk(page, look);
      assert.equal(await page.evaluate(() => document.documentElement.lang), language);
      assert.deepEqual(found, []);
      await page.checked(/404/);
    });
  }
}

test("the language is the browser's, the user's, or the address's", async () => {
  const rows = [
    { locale: "ja-JP", expected: "ja" },
    { locale: "en-US", expected: "en" },
    { locale: "fr-FR", expected: "en" },
    { locale: "fr-FR", languages: ["fr-FR", "fr", "ja", "en"], expected: "ja" },
    { locale: "ja-JP", settings: { language: "en" }, expected: "en" },
    { locale: "en-GB", settings: { language: "ja" }, expected: "ja" },
    { locale: "en-GB", settings: { language: "xx" }, expected: "en" },
    { locale: "en-GB", query: "?lang=ja", expected: "ja" },
    { locale: "ja-JP", query: "?lang=%3Cb%3E", expected: "ja" },
  ];
  for (const { locale, languages, settings, query = "", expected } of rows) {
    const page = await site.page({ locale });
    if (languages) await page.addInitScript((languages) => Object.defineProperty(navigator, "languages", { get: () => languages }), languages);
    if (settings) await withSettings(page, settings);
    await page.goto(`${site.base}index.html${query}`);
    await ready(page);
    assert.equal(await page.evaluate(() => document.documentElement.lang), expected, JSON.stringify({ locale, languages, settings, query }));
    assert.match(await page.locator("#flip").innerText(), expected === "ja" ? /反転/ : /Flip/);
    await page.checked();
  }
});

test("a switch of the language keeps the game and is remembered", async () => {
  const page = await site.page();
  await page.goto(`${site.base}index.html`);
  await ready(page);
  await openTab(page, "tab-new");
  await page.locator('#new-game input[value="both"]').check();
  await page.locator("#new-game button[type=submit]").click();
  for (const usi of ["7g7f", "3c3d", "2g2f"]) await typeMove(page, usi);
  await page.locator("#flip").click();
  await openSettings(page);
  // By keyboard alone: the group's choices are radio buttons.
  await page.locator('dialog input[name="setting-language"]:checked').focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.locator("html[lang=ja]").waitFor();
  // The panel comes back, with the choice that was made.
  await page.locator("dialog.settings[open] h2", { hasText: "設定" }).waitFor();
  assert.equal(await page.locator('dialog input[name="setting-language"]:checked').getAttribute("value"), "ja");
  await page.keyboard.press("Escape");
  await page.locator("dialog[open]").waitFor({ state: "hidden" });
  // The focus comes back after the dialog has gone.
  await page.waitForFunction(() => document.activeElement.id === "settings");
  const texts = (await page.locator("#moves .move:not(.gap)").allInnerTexts()).map((text) => text.trim());
  assert.deepEqual(texts, ["▲７六歩", "△３四歩", "▲２六歩"]);
  assert.equal(await page.evaluate(() => document.getElementById("board").orientation), 1);
  await page.goto(`${site.base}replay.html`);
  await page.locator("#open", { hasText: "開く" }).waitFor();
  await openSettings(page);
  await page.locator('dialog input[name="setting-language"][value="browser"]').check();
  await page.locator("html[lang=en]").waitFor();
  await page.checked();
});

test("without storage the address carries the language", async () => {
  const page = await site.page();
  await page.addInitScript(() => Object.defineProperty(window, "localStorage", { get: () => { throw new DOMException("no", "SecurityError"); } }));
  await page.goto(`${site.base}index.html`);
  await ready(page);
  await openSettings(page);
  await page.locator('dialog input[name="setting-language"][value="ja"]').check();
  await page.locator("html[lang=ja]").waitFor();
  assert.match(page.url(), /\?lang=ja/);
  await page.checked();
});

test("moves are written in each notation, and say their language", async () => {
  for (const language of ["en", "ja"]) {
    const page = await site.page({ locale: LOCALES[language] });
    await page.goto(`${site.base}index.html`);
    await ready(page);
    await openTab(page, "tab-new");
    await page.locator('#new-game input[value="both"]').check();
    await page.locator("#new-game button[type=submit]").click();
    await typeMove(page, "7g7f");
    for (const [notation, text, lang] of [["japanese", "▲７六歩", "ja"], ["western", "P-7f", "en"], ["usi", "7g7f", language]]) {
      await openSettings(page);
      await page.locator(`dialog input[name="setting-notation"][value="${notation}"]`).check();
      await page.keyboard.press("Escape");
      const shown = page.locator("#moves .move:not(.gap)").first();
      await page.locator("#moves .move", { hasText: text }).first().waitFor();
      assert.equal((await shown.innerText()).trim(), text);
      const spoken = await shown.evaluate((element) => element.closest("[lang]")?.lang ?? document.documentElement.lang);
      assert.equal(spoken, lang, `${notation} on a page in ${language}`);
      assert.equal(await page.locator("#notation").inputValue(), notation);
      // The status names the move inside a sentence.
      const inside = await page.locator("#status").evaluate((status, text) => {
        const run = [...status.querySelectorAll("[lang]")].find((each) => each.textContent === text);
        return run?.lang ?? (status.textContent.includes(text) ? document.documentElement.lang : "missing");
      }, text);
      assert.equal(inside, lang, `${notation} in the status on a page in ${language}`);
    }
    await page.checked();
  }
});

test("every theme of the board, light and dark, has no fault and is there before the scripts", { timeout: 240_000 }, async () => {
  for (const boardTheme of ["wood", "walnut", "paper", "slate"]) {
    for (const appearance of ["light", "dark"]) {
      const page = await site.page({ locale: boardTheme === "paper" ? "ja-JP" : "en-GB" });
      await withSettings(page, { boardTheme, appearance, pieceSet: "two-kanji" });
      await page.goto(`${site.base}index.html`);
      await ready(page);
      for (const id of ["show-candidates", "show-heat"]) await page.locator(`#${id}`).check();
      await page.locator("#candidates tr[data-usi]").first().waitFor();
      assert.deepEqual(await violations(page), [], `${boardTheme}, ${appearance}`);
      const look = await page.evaluate(() => ({ ...document.documentElement.dataset, theme: document.getElementById("board").getAttribute("theme"), scheme: getComputedStyle(document.body).colorScheme }));
      assert.equal(look.theme, boardTheme);
      assert.equal(look.board, boardTheme);
      assert.equal(look.scheme, appearance);
      await openSettings(page);
      assert.deepEqual(await violations(page), [], `settings, ${boardTheme}, ${appearance}`);
      await page.checked();
    }
  }
});

test("the settings act at once and hold on every page", async () => {
  const page = await site.page({ viewport: { width: 320, height: 568 } });
  await page.goto(`${site.base}index.html`);
  await ready(page);
  await openSettings(page);
  assert.deepEqual(await cutText(page), []);
  for (const [name, value] of [["pieces", "two-kanji"], ["board", "slate"], ["appearance", "dark"]]) {
    await page.locator(`dialog input[name="setting-${name}"][value="${value}"]`).check();
  }
  const shown = () => page.evaluate(() => {
    const board = document.getElementById("board");
    return [board.pieceSet, board.getAttribute("theme"), getComputedStyle(document.body).colorScheme];
  });
  assert.deepEqual(await shown(), ["two-kanji", "slate", "dark"]);
  await page.goto(`${site.base}replay.html`);
  await ready(page);
  assert.deepEqual(await shown(), ["two-kanji", "slate", "dark"]);
  // A change beside the board shows in the panel.
  await page.locator('#piece-set input[value="international"]').check({ force: true });
  await openSettings(page);
  assert.equal(await page.locator('dialog input[name="setting-pieces"]:checked').getAttribute("value"), "international");
  await page.checked();
});

test("sound and vibration are off, and play when they are on", async () => {
  const page = await site.page();
  await page.addInitScript(() => {
    window.heard = [];
    window.felt = [];
    const Real = window.AudioContext;
    window.AudioContext = class extends Real {
      createOscillator() {
        window.heard.push("stroke");
        return super.createOscillator();
      }
    };
    navigator.vibrate = (pattern) => window.felt.push(pattern.length);
  });
  const told = () => page.evaluate(() => [window.heard.length, window.felt.length]);
  await page.goto(`${site.base}index.html`);
  await ready(page);
  await openTab(page, "tab-new");
  await page.locator('#new-game input[value="both"]').check();
  await page.locator("#new-game button[type=submit]").click();
  await move(page, "7g", "7f");
  await page.waitForTimeout(300);
  assert.deepEqual(await told(), [0, 0]);
  await openSettings(page);
  await page.locator('dialog input[name="setting-sound"]').check();
  await page.locator('dialog input[name="setting-haptics"]').check();
  await page.waitForFunction(() => window.heard.length > 0 && window.felt.length > 0);
  await page.keyboard.press("Escape");
  await page.evaluate(() => {
    window.heard.length = window.felt.length = 0;
  });
  await move(page, "3c", "3d");
  await page.waitForFunction(() => window.heard.length === 3 && window.felt.length === 1);
  // A capture sounds twice.
  await move(page, "8h", "2b");
  await page.locator(".choice button").first().click();
  await page.waitForFunction(() => window.heard.length === 9 && window.felt.length === 2);
  await page.locator("#previous").click();
  await page.waitForTimeout(200);
  assert.deepEqual(await told(), [9, 2]);
  await page.checked();
});

test("the table of reasons knows what the readers expect", async () => {
  const table = await readFile(join(ROOT, "www/src/words/reasons.ts"), "utf8");
  const folder = join(ROOT, "core/src/notation");
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith(".rs"));
  const sources = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")));
  const expected = new Set(sources.flatMap((source) => [...source.matchAll(/Expected\("([^"]+)"\)/g)].map(([, what]) => what)));
  assert.ok(expected.size > 40, `${expected.size} expectations`);
  assert.deepEqual([...expected].filter((what) => !table.includes(`"${what}"`)), []);
});
