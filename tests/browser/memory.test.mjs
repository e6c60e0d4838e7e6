/** Memory of the Play page: reloads, addresses, saved games, settings, and storage that fails. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { open, openPlay } from "./harness.mjs";
import { move, newGame, random, square, yourTurn } from "./play.mjs";

const RELOADS = 30;

let site;
before(async () => {
  site = await open();
});
after(() => site?.close());

const ready = (page) => page.locator("#agent-state", { hasNotText: /loading/ }).waitFor();

/** What a user would miss if it were lost. */
const shown = (page) =>
  page.evaluate(() => {
    const root = document.querySelector("shogi-board").shadowRoot;
    const moves = [...document.querySelector("move-list").shadowRoot.querySelectorAll(".move:not(.gap)")];
    return {
      moves: moves.map((move) => move.textContent),
      ply: moves.findIndex((move) => move.classList.contains("current")) + 1,
      corner: root.querySelector(".cell").dataset.square,
      cells: [...root.querySelectorAll(".cell")].map((cell) => cell.getAttribute("aria-label").replace(/, (can|legal|selected).*/, "")),
      level: document.querySelector("#level").value,
      set: document.querySelector("#piece-set input:checked").value,
      over: !document.querySelector("#result").hidden,
    };
  });

/** Waits until the list, which is loaded when it is first shown, has this number of games. */
async function savedGames(page, count) {
  const rows = page.locator("#saved-games li");
  await rows.nth(count - 1).waitFor();
  assert.equal(await rows.count(), count);
}

test("a reload at any moment loses nothing", { timeout: 600_000 }, async () => {
  const page = await site.page();
  await openPlay(page, site.base);
  const uniform = random(7);
  const pick = (list) => list[Math.floor(uniform() * list.length)];
  const actions = {
    async move() {
      await page.locator(".cell.movable, .slot.movable").first().waitFor({ timeout: 3000 }).catch(() => {});
      const origins = page.locator(".cell.movable, .slot.movable");
      const count = await origins.count();
      if (count === 0) return;
      await origins.nth(Math.floor(uniform() * count)).click({ timeout: 2000 });
      const targets = page.locator(".cell.legal");
      await targets.nth(Math.floor(uniform() * (await targets.count()))).click({ timeout: 2000 });
      const choice = page.locator(".choice button");
      if ((await choice.count()) > 0) await choice.first().click();
    },
    async back() {
      await page.keyboard.press(pick(["ArrowLeft", "ArrowRight", "Home", "End"]));
    },
    async flip() {
      await page.locator("#flip").click();
    },
    async level() {
      await page.locator("#level").fill(String(Math.floor(uniform() * 7)));
    },
    async set() {
      await page.locator("#piece-set label", { hasText: pick(["Kanji", "Letters"]) }).click();
    },
    async takeBack() {
      if ((await page.locator("#undo").getAttribute("aria-disabled")) === null) await page.locator("#undo").click();
    },
    async newGame() {
      await newGame(page, pick(["Black", "White", "Both sides"]));
    },
  };
  const names = ["move", "move", "move", "move", "back", "flip", "level", "set", "takeBack", "newGame"];
  let longest = 0;
  for (let reload = 0; reload < RELOADS; reload++) {
    await page.evaluate(() => document.activeElement?.blur());
    for (let count = 1 + Math.floor(uniform() * 3); count > 0; count--) {
      const name = pick(names);
      // A random click may come while the agent is thinking; then there is nothing to click.
      await actions[name]().catch((error) => {
        if (!/Timeout|nothing/.test(error.message)) throw error;
      });
    }
    await page.waitForTimeout(uniform() * 40);
    const before = await shown(page);
    await page.reload();
    await page.locator("#status", { hasNotText: "Setting up" }).waitFor();
    const now = await shown(page);
    // The agent may have moved between the two looks; then it is one move more.
    const grown = now.moves.length - before.moves.length;
    assert.ok(grown === 0 || grown === 1, `reload ${reload}: ${before.moves.length} moves became ${now.moves.length}`);
    assert.deepEqual(now.moves.slice(0, before.moves.length), before.moves, `reload ${reload}`);
    if (grown === 0) assert.deepEqual(now, before, `reload ${reload}`);
    else assert.deepEqual({ ...now, moves: 0, ply: 0, cells: 0, over: 0 }, { ...before, moves: 0, ply: 0, cells: 0, over: 0 });
    longest = Math.max(longest, now.moves.length);
    await ready(page);
  }
  console.log(`    ${RELOADS} reloads, ${longest} moves in the longest game`);
  // The agent was asked again wherever it was its turn.
  await page.keyboard.press("End");
  await page.locator("#status", { hasText: /Your turn|to move|over/ }).waitFor();
  await page.checked();
});

test("back and forward go from game to game, and the list opens and deletes them", async () => {
  const page = await site.page();
  await openPlay(page, site.base);
  await move(page, "7g", "7f");
  await yourTurn(page).waitFor();
  const first = await shown(page);
  await newGame(page, "White");
  await yourTurn(page).waitFor();
  assert.equal((await shown(page)).moves.length, 1);
  await move(page, "3c", "3d");
  await yourTurn(page).waitFor();
  const second = await shown(page);
  await page.goBack();
  await page.locator("#moves .move", { hasText: first.moves[1] }).waitFor();
  assert.deepEqual(await shown(page), first);
  await page.goForward();
  await page.locator("#moves .move", { hasText: second.moves[2] }).waitFor();
  assert.deepEqual(await shown(page), second);

  await page.getByRole("tab", { name: "Saved" }).click();
  const rows = page.locator("#saved-games li");
  await savedGames(page, 2);
  assert.match(await rows.nth(0).locator(".open").textContent(), /\(even\) – You3 moves · not finished/);
  assert.match(await rows.nth(1).locator(".open").textContent(), /^You – .*2 moves/);
  await rows.nth(1).locator(".open").click();
  assert.deepEqual(await shown(page), first);
  await page.getByRole("tab", { name: "Saved" }).click();
  const other = rows.filter({ hasText: "3 moves" });
  await other.locator(".delete").click();
  await other.locator(".delete", { hasText: "Sure?" }).click();
  await other.waitFor({ state: "detached" });
  await savedGames(page, 1);
  // Another page and back.
  await page.goto(`${site.base}replay.html`);
  await page.goto(`${site.base}index.html`);
  await page.locator("#moves .move", { hasText: first.moves[1] }).waitFor();
  assert.deepEqual(await shown(page), first);
  await page.checked();
});

test("a shared address shows the same game at the same position elsewhere", async () => {
  const page = await site.page({ permissions: ["clipboard-read", "clipboard-write"] });
  await openPlay(page, site.base);
  for (const [from, to] of [["7g", "7f"], ["2g", "2f"], ["6g", "6f"]]) {
    await move(page, from, to);
    await yourTurn(page).waitFor();
  }
  await page.locator("#flip").click();
  await page.locator("#previous").click();
  await page.locator("#previous").click();
  await page.locator("#share").click();
  await page.locator("#status", { hasText: "Copied" }).waitFor();
  const address = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(address, /#g=[\w-]{14,40}&p=4&o=w$/);
  const here = await shown(page);
  const other = await site.page();
  await other.goto(address);
  await other.locator("#status", { hasText: "after move 4 of 6" }).waitFor();
  assert.deepEqual(await shown(other), here);
  // It is a game of that browser now, and a reload does not make it another one.
  await other.reload();
  await other.locator("#status", { hasText: "after move 4 of 6" }).waitFor();
  assert.deepEqual(await shown(other), here);
  await other.getByRole("tab", { name: "Saved" }).click();
  await savedGames(other, 1);
  for (const [change, why] of [
    [(text) => text.slice(0, text.indexOf("&p") - 3), "could not be opened"],
    [(text) => text.replace("#g=", "#g=zz"), "could not be opened"],
    [(text) => text.replace("p=4", "p=99"), "after move 99, but the game has 6 moves"],
  ]) {
    await other.goto("about:blank");
    await other.goto(change(address));
    await other.locator("#problem", { hasText: why }).waitFor();
  }
  await other.checked();
  await page.checked();
});

test("the level is a word, remembered, and acts from the next move", async () => {
  const page = await site.page();
  await openPlay(page, site.base);
  const slider = page.locator("#level");
  assert.match(await slider.getAttribute("aria-valuetext"), /^Even: /);
  await move(page, "7g", "7f");
  await yourTurn(page).waitFor();
  await slider.fill("1");
  await page.locator("#status", { hasText: "From its next move on the agent plays at Gentle." }).waitFor();
  assert.match(await slider.getAttribute("aria-valuetext"), /^Gentle: /);
  await page.goto("about:blank");
  await page.goto(`${site.base}index.html`);
  await ready(page);
  assert.equal(await slider.inputValue(), "1");
  await newGame(page, "Black");
  assert.equal(await slider.inputValue(), "1");
  await page.checked();
});

test("the notation of moves is chosen and remembered", async () => {
  const page = await site.page();
  await openPlay(page, site.base);
  await page.locator("#show-candidates").check();
  await move(page, "7g", "7f");
  await yourTurn(page).waitFor();
  await page.locator("#notation").selectOption("japanese");
  const first = page.locator("#moves .move").first();
  assert.equal(await first.textContent(), "▲７六歩");
  await page.locator("#status", { hasText: /^White: △/ }).waitFor();
  await page.locator("#candidates .move button", { hasText: "▲" }).first().waitFor();
  await page.locator("#show-graph").check();
  const graph = page.getByRole("slider", { name: "Graph of the game" });
  await graph.focus();
  await page.keyboard.press("ArrowLeft");
  await page.locator("#status", { hasText: "after move 1 of 2" }).waitFor();
  assert.match(await graph.getAttribute("aria-valuetext"), /▲７六歩.*% for Black/);
  await page.keyboard.press("ArrowRight");
  await yourTurn(page).waitFor();
  await page.reload();
  await ready(page);
  assert.equal(await first.textContent(), "▲７六歩");
  await page.locator("#notation").selectOption("usi");
  assert.equal(await first.textContent(), "7g7f");
  await page.checked();
});

test("play on from an earlier position keeps the game before", async () => {
  const page = await site.page();
  await openPlay(page, site.base);
  for (const [from, to] of [["7g", "7f"], ["2g", "2f"]]) {
    await move(page, from, to);
    await yourTurn(page).waitFor();
  }
  const whole = await shown(page);
  await page.locator("#moves button", { hasText: whole.moves[1] }).first().click();
  await page.locator("#status", { hasText: "after move 2 of 4" }).waitFor();
  assert.equal(await page.locator(".cell.movable").count(), 0, "an earlier position is read-only");
  await page.locator("#back").click();
  await page.evaluate(() => document.activeElement?.blur());
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  await page.locator("#play-on").click();
  await yourTurn(page).waitFor();
  assert.deepEqual((await shown(page)).moves, whole.moves.slice(0, 2));
  await move(page, "6g", "6f");
  await yourTurn(page).waitFor();
  await page.getByRole("tab", { name: "Saved" }).click();
  await savedGames(page, 2);
  await page.locator("#saved-games li .open").nth(1).click();
  await page.locator("#back").click();
  assert.deepEqual(await shown(page), whole);
  await page.checked();
});

test("two tabs with the same game do not overwrite each other", async () => {
  const page = await site.page();
  await openPlay(page, site.base);
  await move(page, "7g", "7f");
  await yourTurn(page).waitFor();
  const other = await page.context().newPage();
  await other.goto(page.url());
  await ready(other);
  await move(page, "2g", "2f");
  await yourTurn(page).waitFor();
  await other.locator("#problem", { hasText: "played on in another tab" }).waitFor();
  await move(other, "6g", "6f");
  await yourTurn(other).waitFor();
  assert.equal((await shown(page)).moves[2], "P-2f");
  assert.equal((await shown(other)).moves[2], "P-6f");
  await page.getByRole("tab", { name: "Saved" }).click();
  await savedGames(page, 2);
  await page.checked();
});

for (const [name, damage] of [
  ["forbidden", () => Object.defineProperty(window, "localStorage", { get() { throw new DOMException("no", "SecurityError"); } })],
  ["full", () => { Storage.prototype.setItem = () => { throw new DOMException("no room", "QuotaExceededError"); }; }],
]) {
  test(`storage that is ${name} is told once, and the game goes on`, async () => {
    const page = await site.page();
    await page.addInitScript(damage);
    await openPlay(page, site.base);
    await move(page, "7g", "7f");
    await page.locator("#problem", { hasText: name === "full" ? "storage for this site is full" : "does not let the page store" }).waitFor();
    await page.locator("#problem button").click();
    await yourTurn(page).waitFor();
    await move(page, "2g", "2f");
    await yourTurn(page).waitFor();
    assert.ok(await page.locator("#problem").isHidden());
    assert.equal((await shown(page)).moves.length, 4);
    await page.checked();
  });
}

test("stored text that cannot be read is set aside, and saved games of other versions are named", async () => {
  const page = await site.page();
  await page.addInitScript(() => {
    if (sessionStorage.getItem("seeded")) return;
    sessionStorage.setItem("seeded", "yes");
    localStorage.setItem("keisei.settings", "{nonsense");
    localStorage.setItem("keisei.game.newer0", '{"version":7,"moves":"7g7f"}');
    localStorage.setItem("keisei.game.broken", '{"version":1,"page":"play","moves":');
    localStorage.setItem("keisei.game.illegal", JSON.stringify({
      version: 1, page: "play", changed: 5, black: "You", white: "Agent", start: "startpos", moves: "7g7f 7g7f", ply: 2,
      orientation: 0, end: null, tree: null, play: null,
    }));
    localStorage.setItem("keisei.current.play", "illegal");
  });
  await openPlay(page, site.base);
  await page.locator("#problem", { hasText: "could not be continued" }).waitFor();
  assert.equal(await page.evaluate(() => localStorage.getItem("keisei.aside.settings")), "{nonsense");
  await move(page, "7g", "7f");
  await yourTurn(page).waitFor();
  await page.getByRole("tab", { name: "Saved" }).click();
  await savedGames(page, 4);
  const rows = await page.locator("#saved-games li").allTextContents();
  assert.ok(rows.some((row) => /another version of this page \(7\)/.test(row)), rows.join("\n"));
  assert.ok(rows.some((row) => /not JSON/.test(row)), rows.join("\n"));
  for (const key of ["newer0", "broken", "illegal"]) {
    assert.ok(await page.evaluate((key) => localStorage.getItem(`keisei.game.${key}`), key), `${key} is kept`);
  }
  await page.checked();
});

test("absurd addresses are told, and the page goes on", async () => {
  const page = await site.page();
  for (const [fragment, why] of [
    ["#p=-1&o=q", "p=-1 means nothing here; o=q means nothing here"],
    ["#s=<script>", "means nothing here"],
    [`#g=${"A".repeat(20_000)}`, "characters, more than"],
    ["#g=AAAA&p=3", "The game in the address could not be opened"],
    ["#s=nothere00", "is not in this browser"],
  ]) {
    await page.goto("about:blank");
    await page.goto(`${site.base}index.html${fragment}`);
    await page.locator("#problem", { hasText: why }).waitFor();
    await ready(page);
    assert.match(await square(page, "7g").getAttribute("aria-label"), /can move/);
  }
  await page.checked();
});

test("time runs only while the page is open, and ends a game", async () => {
  const page = await site.page();
  await openPlay(page, site.base);
  await page.getByRole("tab", { name: "New game" }).click();
  await page.locator("#clock-choice").selectOption("own");
  await page.locator("#clock-main").fill("0");
  await page.locator("#clock-byoyomi").fill("6");
  await page.locator("#clock-increment").fill("0");
  await page.locator("#new-game button").click();
  await page.waitForTimeout(500);
  assert.match(await page.locator("#clock .time").first().textContent(), /byoyomi 6/, "the clock starts with the first move");
  await move(page, "7g", "7f");
  await yourTurn(page).waitFor();
  await page.locator("#clock .time", { hasText: "byoyomi 4" }).waitFor();
  await page.goto("about:blank");
  await page.waitForTimeout(4000);
  await page.goto(`${site.base}index.html`);
  await page.locator("#status", { hasText: "Time does not run while the page is closed" }).waitFor();
  const left = await page.locator("#clock .time").first().textContent();
  assert.match(left, /byoyomi [34]/);
  await page.locator("#result h2", { hasText: "The agent wins" }).waitFor({ timeout: 8000 });
  await page.locator("#result p", { hasText: "by time, after 2 moves" }).waitFor();
  // The end is remembered too.
  await page.reload();
  await page.locator("#result p", { hasText: "by time, after 2 moves" }).waitFor();
  assert.equal(await page.locator(".cell.movable").count(), 0);
  await page.checked();
});

test("two agents play, wait and go on move by move", async () => {
  const page = await site.page();
  await openPlay(page, site.base);
  await page.getByRole("tab", { name: "New game" }).click();
  await page.getByRole("radio", { name: "Neither" }).check();
  await page.locator("#level2").fill("0");
  await page.locator("#second-file").setInputFiles(join(site.files, "random.model"));
  await page.locator("#open-second", { hasText: "random" }).waitFor();
  await page.locator("#new-game button").click();
  await page.locator("#moves .move:not(.gap)").nth(5).waitFor();
  await page.locator("#pause").click();
  const count = () => page.locator("#moves .move:not(.gap)").count();
  const stood = await count();
  await page.waitForTimeout(400);
  assert.equal(await count(), stood);
  await page.locator("#step").click();
  await page.locator("#moves .move:not(.gap)").nth(stood).waitFor();
  await page.waitForTimeout(300);
  assert.equal(await count(), stood + 1);
  await page.locator("#pause", { hasText: "Continue" }).click();
  await page.locator("#moves .move:not(.gap)").nth(stood + 2).waitFor();
  // After a reload the game waits.
  await page.reload();
  await page.locator("#status", { hasText: "Paused." }).waitFor();
  await ready(page);
  assert.equal(await page.locator("#level2").inputValue(), "0");
  await page.checked();
});
