/** The Play page, used as a person would. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT, drop, nativeOutcome, open, openPlay } from "./harness.mjs";
import { move, newGame, random, square, yourTurn } from "./play.mjs";

const LONGEST_GAME = 400;

let site;
before(async () => {
  site = await open();
});
after(() => site?.close());

const result = (page) => page.locator("#result");

/** Clicks a random one of the matching elements, as the user would. */
async function clickOneOf(page, locator, uniform) {
  const count = await locator.count();
  assert.ok(count > 0, "nothing to click");
  const box = await locator.nth(Math.floor(uniform() * count)).boundingBox();
  await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
}

test("the agent computes with relaxed vector instructions where the browser has them", async () => {
  const page = await site.page();
  const modules = [];
  page.context().on("response", async (response) => {
    if (response.url().endsWith(".wasm")) modules.push(response.body());
  });
  await openPlay(page, site.base);
  const relaxed = await readFile(join(ROOT, "www/src/wasm/relaxed/keisei_web_bg.wasm"));
  const loaded = await Promise.all(modules);
  // Page and worker share one compiled module.
  assert.deepEqual(loaded.map((module) => relaxed.equals(module)), [true]);
  await page.checked();
});

test("a game by random clicks against the agent is legal to its end", { timeout: 600_000 }, async () => {
  const page = await site.page();
  await openPlay(page, site.base);
  const uniform = random(1);
  let plies = 0;
  for (; plies < LONGEST_GAME; plies += 2) {
    await yourTurn(page).or(result(page)).first().waitFor();
    if (await result(page).isVisible()) break;
    await clickOneOf(page, page.locator(".cell.movable, .slot.movable"), uniform);
    await clickOneOf(page, page.locator(".cell.legal"), uniform);
    const choice = page.locator(".choice button");
    if ((await choice.count()) > 0) await clickOneOf(page, choice, uniform);
  }
  if (!(await result(page).isVisible())) {
    await page.locator("#resign").click();
    await page.locator("#resign", { hasText: "Sure?" }).click();
  }
  const title = await result(page).locator("h2").textContent();
  assert.match(title, /win|Draw|No result/);
  assert.ok(plies > 0);

  const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#save").click()]);
  const bytes = [...(await readFile(await download.path()))];
  const game = await page.evaluate(async (bytes) => {
    const wasm = await import("/test-wasm/records/keisei_web.js");
    await wasm.default({ module_or_path: "/test-wasm/records/keisei_web_bg.wasm" });
    const tree = wasm.Tree.from_bytes(wasm.read_games(Uint8Array.from(bytes), "game.record").bytes(0));
    const line = [...tree.line(0)];
    const moves = line.slice(1).flatMap((node) => tree.move_usi(node) ?? []);
    const { winner, reason } = tree.board(line.at(-1), Number(tree.header("最大手数") ?? 0)).outcome();
    const undecided = reason === "max_plies" ? "truncated" : "draw";
    const result = winner === undefined ? undecided : `${["black", "white"][winner]} wins`;
    return { moves: moves.join(" "), outcome: `${result}: ${reason.replaceAll("_", " ")}` };
  }, bytes);
  const native = await nativeOutcome(game.moves.split(" "));
  const resigned = game.outcome.endsWith("resignation");
  assert.equal(native, resigned ? "in progress" : game.outcome);
  console.log(`    ${game.moves.split(" ").length} plies, ${game.outcome}`);

  // The same game, shown by the analysis.
  await page.locator("#result button", { hasText: "Analyse" }).click();
  const [winner] = game.outcome.split(" wins");
  const loser = winner === "black" ? "white" : "black";
  await page.locator("#outcome", { hasText: new RegExp(`${winner} wins|${loser} (is mated|resigns)|draw|unfinished`, "i") }).waitFor();
  await page.checked();
});

test("a first move by keyboard alone", async () => {
  const page = await site.page();
  await openPlay(page, site.base);
  for (let presses = 0; presses < 30; presses++) {
    await page.keyboard.press("Tab");
    const role = await page.evaluate(() => document.activeElement?.shadowRoot?.activeElement?.getAttribute("role"));
    if (role === "gridcell") break;
  }
  const focused = () => page.evaluate(() => document.activeElement?.shadowRoot?.activeElement?.getAttribute("aria-label"));
  assert.equal(await focused(), "7g, Black pawn, can move");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  assert.equal(await focused(), "5g, Black pawn, selected");
  await page.keyboard.press("Escape");
  assert.equal(await focused(), "5g, Black pawn, can move");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Enter");
  await page.keyboard.press("ArrowUp");
  assert.equal(await focused(), "7f, legal move");
  await page.keyboard.press("Enter");
  await page.locator("#moves button, #moves .move", { hasText: "P-7f" }).waitFor();
  await yourTurn(page).waitFor();
  await page.checked();
});

test("dragging, taking back, playing White, and resigning", async () => {
  const page = await site.page();
  await openPlay(page, site.base);
  const [from, to] = [await square(page, "2g").boundingBox(), await square(page, "2f").boundingBox()];
  await page.mouse.move(from.x + 20, from.y + 20);
  await page.mouse.down();
  await page.mouse.move(from.x + 20, from.y - 10, { steps: 4 });
  await page.mouse.move(to.x + 20, to.y + 20, { steps: 4 });
  await page.mouse.up();
  await page.locator("#moves .move", { hasText: "P-2f" }).waitFor();
  await yourTurn(page).waitFor();
  assert.equal(await page.locator("#moves .move:not(.gap)").count(), 2);
  await page.locator("#undo").click();
  assert.equal(await page.locator("#moves .move:not(.gap)").count(), 0);
  assert.match(await square(page, "2g").getAttribute("aria-label"), /can move/);

  await newGame(page, "White");
  await yourTurn(page).waitFor();
  await move(page, "3c", "3d");
  await page.locator("#moves .move", { hasText: "P-3d" }).waitFor();
  await yourTurn(page).waitFor();
  await page.locator("#resign").click();
  await page.locator("#resign").click();
  assert.equal(await result(page).locator("h2").textContent(), "The agent wins");
  await page.checked();
});

test("without an agent the user moves for both sides: promotion, capture, drop", async () => {
  const page = await site.page();
  await page.route("**/models/default.model", (route) => route.fulfill({ status: 404 }));
  await page.goto(`${site.base}index.html`);
  await page.locator("#agent-name", { hasText: "No agent" }).waitFor();
  await move(page, "7g", "7f");
  await move(page, "3c", "3d");
  await move(page, "8h", "2b");
  await page.locator(".choice button").first().press("Escape");
  assert.equal(await page.locator(".choice button").count(), 0);
  await move(page, "8h", "2b");
  await page.getByRole("button", { name: "promote to horse", exact: true }).click();
  await move(page, "3a", "2b");
  const bishop = page.getByRole("group", { name: "Black's hand" }).getByRole("button", { name: "1 bishop in hand" });
  await bishop.click();
  await square(page, "5e").click();
  await move(page, "4a", "4b");
  await move(page, "5e", "3c");
  await page.getByRole("button", { name: "do not promote, stay bishop" }).click();
  await page.locator("#status", { hasText: "Black: B-3c=." }).waitFor();
  assert.deepEqual(await page.locator("#moves .move:not(.gap)").allTextContents(), [
    "P-7f", "P-3d", "Bx2b+", "Sx2b", "B*5e", "G-4b", "B-3c=",
  ]);
  await page.checked(/404/);
});

test("typed moves in every notation, and why a text is no move", async () => {
  const page = await site.page();
  await page.route("**/models/default.model", (route) => route.fulfill({ status: 404 }));
  await page.goto(`${site.base}index.html`);
  await page.locator("#agent-name", { hasText: "No agent" }).waitFor();
  const field = page.getByLabel("Type a move");
  const type = async (text) => {
    await field.fill(text);
    await field.press("Enter");
  };
  for (const text of ["7g7f", "３四歩", "Bx2b+", "3a2b", "P-2f", "84歩", "B*5e"]) {
    await type(text);
    await page.waitForFunction(() => document.querySelector("typed-move").shadowRoot.querySelector("input").value === "");
  }
  assert.deepEqual(await page.locator("#moves .move:not(.gap)").allTextContents(), [
    "P-7f", "P-3d", "Bx2b+", "Sx2b", "P-2f", "P-8d", "B*5e",
  ]);
  const refusal = page.locator("#typed-move").getByRole("alert");
  for (const [text, why] of [
    ["nonsense", "That is no move"],
    ["P*3e", "no such piece|No piece|hand"],
    ["3d3f", "does not move|No piece"],
  ]) {
    await type(text);
    await refusal.filter({ hasText: new RegExp(why) }).waitFor();
    assert.equal(await field.getAttribute("aria-invalid"), "true");
  }
  await page.checked(/404/);
});

/** Opens a position with the user on both sides. */
async function openPosition(page, sfen) {
  await page.addInitScript((sfen) => {
    if (location.protocol === "about:" || sessionStorage.getItem("seeded") === sfen) return;
    sessionStorage.setItem("seeded", sfen);
    localStorage.setItem("keisei.game.position", JSON.stringify({
      version: 1, page: "play", changed: Date.now(), black: "You", white: "You", start: sfen, moves: "", ply: 0, orientation: 0,
      end: null, tree: null, play: { seats: [{ kind: "human" }, { kind: "human" }], clock: null, times: [], thoughts: [] },
    }));
  }, sfen);
  await page.goto(`${site.base}index.html#s=position`);
  await page.locator("#status", { hasText: "to move" }).waitFor();
}

test("the page says why a move is illegal, and draws the threat", async () => {
  const page = await site.page();
  const pawn = page.locator(".slot.movable[data-kind='0']");
  const cases = [
    ["two pawns", "4k4/9/9/9/9/9/4P4/9/4K4 b P 1", () => pawn.click(), "5c", /Two pawns \(nifu\)/, true],
    ["pinned", "4r1k2/9/9/9/9/9/9/4G4/4K4 b - 1", () => square(page, "5h").click(), "6h", /pinned/, true],
    ["drop-pawn mate", "7lk/9/7GG/9/9/9/9/9/4K4 b P 1", () => pawn.click(), "1b", /drop-pawn mate/, false],
    ["in check", "4r1k2/9/9/9/9/9/9/9/G3K4 b P 1", () => pawn.click(), "1e", /king is in check/, true],
    ["into check", "5r1k1/9/9/9/9/9/9/9/4K4 b - 1", () => square(page, "5i").click(), "4i", /in check on 4i/, true],
    ["dead drop", "4k4/9/9/9/9/9/9/9/4K4 b P 1", () => pawn.click(), "1a", /never move from 1a/, false],
    ["movement", "4k4/9/9/9/9/9/4P4/9/4K4 b - 1", () => square(page, "5g").click(), "5c", /does not move to 5c/, false],
  ];
  for (const [name, sfen, choose, to, why, threat] of cases) {
    await page.goto("about:blank");
    await openPosition(page, sfen);
    await choose();
    await square(page, to).click();
    await page.locator("#status", { hasText: why }).waitFor();
    const drawn = await page.evaluate(() => document.querySelector("shogi-board").threat);
    assert.equal(drawn !== null, threat, name);
    assert.equal(await page.locator("#moves .move:not(.gap)").count(), 0, name);
  }
  await page.checked();
});

test("a hint, the value after mate, and the focus stays where it was", async () => {
  const page = await site.page();
  // A gold dropped on 1b mates.
  await page.goto("about:blank");
  await openPosition(page, "8k/9/7GG/9/9/9/9/9/4K4 b G 1");
  await page.locator("#agent-state", { hasText: "ready" }).waitFor();
  await page.locator("#hint").click();
  await page.locator("#status", { hasText: /Hint: G/ }).waitFor();
  await page.locator(".slot.movable[data-kind='4']").click();
  await square(page, "1b").click();
  await result(page).locator("h2", { hasText: "Black wins" }).waitFor();
  await page.locator("#value .note", { hasText: "the game is over" }).waitFor();
  assert.match(await page.locator("#value .text").textContent(), /Black 100 %/);
  await page.locator("#undo").focus();
  await page.keyboard.press("Enter");
  assert.equal(await page.locator("#undo").getAttribute("aria-disabled"), "true");
  assert.equal(await page.evaluate(() => document.activeElement.id), "undo");
  assert.ok(await result(page).isHidden());
  await page.checked();
});

test("handicap games: White moves first, and the agent gives the pieces", async () => {
  const page = await site.page();
  await openPlay(page, site.base);
  assert.ok((await page.locator("#start option").count()) >= 12, "the presets are offered");
  await page.getByRole("tab", { name: "New game" }).click();
  await page.locator("#start").selectOption({ index: 1 });
  await page.locator("#new-game button").click();
  await yourTurn(page).waitFor();
  assert.equal(await page.locator("#moves .move:not(.gap)").count(), 1);
  assert.match(await page.locator("#status").textContent(), /^White: /);
  assert.equal(await page.locator("#undo").getAttribute("aria-disabled"), "true");
  await page.checked();
});

test("what the user has begun goes on when the agent arrives", async () => {
  const page = await site.page();
  let arrive;
  const arrived = new Promise((resolve) => {
    arrive = resolve;
  });
  await page.route("**/models/default.model", async (route) => {
    await arrived;
    await route.continue();
  });
  await page.goto(`${site.base}index.html`);
  await page.locator("#status", { hasText: "Your turn" }).waitFor();
  const [from, to] = [await square(page, "2g").boundingBox(), await square(page, "2f").boundingBox()];
  await page.mouse.move(from.x + 20, from.y + 20);
  await page.mouse.down();
  await page.mouse.move(from.x + 20, from.y - 20, { steps: 4 });
  arrive();
  await page.locator("#agent-state", { hasText: "ready" }).waitFor();
  await page.locator("#value .note", { hasText: "at a glance" }).waitFor();
  await page.mouse.move(to.x + 20, to.y + 20, { steps: 4 });
  await page.mouse.up();
  await page.locator("#moves .move", { hasText: "P-2f" }).waitFor();
  await yourTurn(page).waitFor();
  await page.checked();
});

test("a move made before the agent arrives is answered when it is there", async () => {
  const page = await site.page();
  let arrive;
  const arrived = new Promise((resolve) => {
    arrive = resolve;
  });
  await page.route("**/models/default.model", async (route) => {
    await arrived;
    await route.continue();
  });
  await page.goto(`${site.base}index.html`);
  await page.locator("#status", { hasText: "Your turn" }).waitFor();
  await move(page, "7g", "7f");
  await page.locator("#status", { hasText: "answers as soon as it is loaded" }).waitFor();
  assert.equal(await page.locator(".cell.movable").count(), 0);
  arrive();
  await page.locator("#moves .move:not(.gap)").nth(1).waitFor();
  await yourTurn(page).waitFor();
  await page.checked();
});

test("the agent's worker dies, and the game goes on", async () => {
  const page = await site.page();
  await openPlay(page, site.base);
  await move(page, "7g", "7f");
  await yourTurn(page).waitFor();
  const [worker] = page.workers();
  const gone = new Promise((resolve) => worker.once("close", resolve));
  await worker.evaluate(() => {
    setTimeout(() => {
      throw new Error("the worker dies");
    });
  });
  await gone;
  await move(page, "2g", "2f");
  await page.locator("#moves .move:not(.gap)").nth(3).waitFor();
  await yourTurn(page).waitFor();
  await page.checked(/the worker dies/);
});

test("moves by touch on a phone", async () => {
  const page = await site.page({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await openPlay(page, site.base);
  await square(page, "7g").tap();
  await square(page, "7f").tap();
  await page.locator("#moves .move", { hasText: "P-7f" }).waitFor();
  await yourTurn(page).waitFor();
  await page.checked();
});

test("the agent looks ahead: shares, values and lines of its candidates", async () => {
  const page = await site.page();
  await openPlay(page, site.base);
  await page.locator("#level").fill("6");
  await newGame(page, "Black");
  await page.locator("#show-candidates").check();
  await page.locator("#value .note", { hasText: "800 visits" }).waitFor();
  const rows = page.locator("#candidates tr[data-usi]");
  // Several candidates were searched; the table may be drawn a moment after the note.
  await rows.nth(1).waitFor();
  assert.match(await rows.first().locator("td").nth(3).textContent(), /^\d+ %$/);
  assert.ok((await page.locator("#candidates .line").first().locator("button").count()) >= 2, "each has a line");
  // At a weak level the agent plays by the policy alone.
  await page.locator("#level").fill("0");
  await newGame(page, "Black");
  await page.locator("#value .note", { hasText: "200 visits" }).waitFor();
  await page.locator("#show-candidates").uncheck();
  await newGame(page, "Black");
  await page.locator("#value .note", { hasText: "at a glance" }).waitFor();
  await page.checked();
});

test("files that are no models are refused and the game goes on", async () => {
  const page = await site.page();
  await openPlay(page, site.base);
  const model = await readFile(join(site.files, "random.model"));
  const flipped = Buffer.from(model);
  flipped[model.length >> 1] ^= 1;
  const problem = page.locator("#problem");
  for (const [name, bytes, why] of [
    ["text.model", Buffer.from("this is not a model"), /./],
    ["empty.model", Buffer.alloc(0), /./],
    ["short.model", model.subarray(0, model.length - 7), /./],
    ["flipped.model", flipped, /./],
    ["games.record", await readFile(join(site.files, "games.record")), /./],
  ]) {
    await drop(page, name, bytes);
    await problem.filter({ hasText: `${name} could not be opened` }).waitFor();
    const text = await problem.locator("span").textContent();
    assert.match(text.slice(text.indexOf(":") + 1), why);
    console.log(`    ${text}`);
    await problem.locator("button").click();
    assert.ok(await problem.isHidden());
  }
  await move(page, "7g", "7f");
  await page.locator("#moves .move", { hasText: "P-7f" }).waitFor();
  await yourTurn(page).waitFor();

  await drop(page, "random.model", model);
  await page.locator("#agent-name", { hasText: "random" }).waitFor();
  await move(page, "2g", "2f");
  await yourTurn(page).waitFor();
  await page.checked();
});
