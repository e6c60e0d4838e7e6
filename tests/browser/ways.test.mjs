/**
 * Three ways of using the pages, each alone: the keyboard, the tree that a screen reader has, and touch. Each plays a game on Play to
 * its end and analyses a game that it opened.
 *
 * `PLIES` bounds the user's moves in a game before the user resigns; 0 plays on to the end by the rules.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { open } from "./harness.mjs";
import { random } from "./play.mjs";

const LONGEST = Number(process.env.PLIES ?? 25) || Infinity;
const KIF = `手合割：平手
先手：Anna
後手：Boris
手数----指手---------消費時間--
   1 ７六歩(77)   ( 0:05/00:00:05)
   2 ３四歩(33)   ( 0:04/00:00:04)
   3 ２二角成(88) ( 0:09/00:00:14)
   4 同　銀(31)   ( 0:03/00:00:07)
   5 投了
`;
/** Names of squares and pieces in hand, as the page gives them. */
const ORIGIN = /can move|can be dropped/;
const TARGET = /legal move|can be captured/;

let site;
before(async () => {
  site = await open();
});
after(() => site?.close());

const oneOf = (list, uniform) => list[Math.floor(uniform() * list.length)];

/** The element that has the focus, inside shadow trees: role, name and place on the board. */
const focused = (page) =>
  page.evaluate(() => {
    let at = document.activeElement;
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    if (!at || at === document.body) return { role: "", name: "" };
    const type = at.getAttribute("type");
    const roles = { BUTTON: "button", A: "link", SELECT: "combobox", TEXTAREA: "textbox", SUMMARY: "button" };
    const inputs = { radio: "radio", checkbox: "checkbox", range: "slider" };
    const role = at.getAttribute("role") ?? (at.tagName === "INPUT" ? (inputs[type] ?? "textbox") : (roles[at.tagName] ?? ""));
    const label = [...(at.labels ?? [])].map((label) => label.textContent.trim()).join(" ");
    return { role, name: at.getAttribute("aria-label") ?? (label || at.textContent.trim()) };
  });

/** The keyboard alone; what it aims at it sees on the screen. */
class Keyboard {
  constructor(page) {
    this.page = page;
  }

  /** Walks with Tab to a control, at most once round the page. */
  async goTo(role, name) {
    for (let presses = 0; presses < 200; presses++) {
      const at = await focused(this.page);
      if (at.role === role && name.test(at.name)) return;
      await this.page.keyboard.press("Tab");
    }
    assert.fail(`Tab does not reach the ${role} ${name}`);
  }

  async activate(role, name) {
    if (role === "tab") {
      await this.goTo("tab", /./);
      for (let presses = 0; presses < 6 && !name.test((await focused(this.page)).name); presses++) {
        await this.page.keyboard.press("ArrowRight");
      }
      return assert.match((await focused(this.page)).name, name);
    }
    await this.goTo(role, name);
    await this.page.keyboard.press(role === "checkbox" ? "Space" : "Enter");
  }

  async write(name, text) {
    await this.goTo("textbox", name);
    await this.page.keyboard.insertText(text);
  }

  /** Squares and pieces in hand that match: rows and columns of the board, or the place in a hand. */
  places(name) {
    return this.page.locator("shogi-board").evaluate((board, name) => {
      const cells = [...board.shadowRoot.querySelectorAll("[role=gridcell]")];
      const own = cells.map((cell, at) => ({ at, name: cell.getAttribute("aria-label") })).filter(({ name: found }) => new RegExp(name).test(found));
      const slots = [...board.shadowRoot.querySelectorAll(".stand button")];
      const hand = slots.map((slot) => ({ slot: slot.getAttribute("aria-label"), name: slot.getAttribute("aria-label") ?? "" }));
      return [...own, ...hand.filter(({ name: found }) => new RegExp(name).test(found))];
    }, name.source);
  }

  async walkTo(square) {
    if ((await focused(this.page)).role !== "gridcell") {
      await this.goTo("gridcell", /./);
    }
    const from = await this.page.locator("shogi-board").evaluate((board) => {
      return [...board.shadowRoot.querySelectorAll("[role=gridcell]")].indexOf(board.shadowRoot.activeElement);
    });
    const press = async (key, times) => {
      for (let at = 0; at < times; at++) await this.page.keyboard.press(key);
    };
    const [rows, columns] = [Math.floor(square / 9) - Math.floor(from / 9), (square % 9) - (from % 9)];
    await press(rows > 0 ? "ArrowDown" : "ArrowUp", Math.abs(rows));
    await press(columns > 0 ? "ArrowRight" : "ArrowLeft", Math.abs(columns));
  }

  async move(uniform) {
    const origin = oneOf(await this.places(ORIGIN), uniform);
    assert.ok(origin, "no piece can move");
    if (origin.slot === undefined) {
      await this.walkTo(origin.at);
    } else {
      if ((await focused(this.page)).role !== "gridcell") await this.goTo("gridcell", /./);
      await this.page.keyboard.press("h");
      for (let presses = 0; presses < 7 && (await focused(this.page)).name !== origin.slot; presses++) {
        await this.page.keyboard.press("ArrowRight");
      }
      assert.equal((await focused(this.page)).name, origin.slot);
    }
    await this.page.keyboard.press("Enter");
    const target = oneOf(await this.places(TARGET), uniform);
    assert.ok(target, `${origin.name} has no target`);
    await this.walkTo(target.at);
    await this.page.keyboard.press("Enter");
    if (/promote/.test((await focused(this.page)).name)) await this.page.keyboard.press("Enter");
  }
}

/** The accessibility tree alone: it knows roles, names and values, and acts by the default action of a node. */
class ScreenReader {
  static async of(page) {
    const reader = new ScreenReader();
    reader.page = page;
    reader.session = await page.context().newCDPSession(page);
    return reader;
  }

  async nodes() {
    const { nodes } = await this.session.send("Accessibility.getFullAXTree");
    return nodes
      .filter(({ ignored }) => !ignored)
      .map(({ role, name, backendDOMNodeId, properties = [] }) => ({
        role: role?.value,
        name: name?.value ?? "",
        id: backendDOMNodeId,
        disabled: properties.some(({ name, value }) => name === "disabled" && value.value === true),
      }));
  }

  async find(role, name) {
    return (await this.nodes()).filter((node) => node.role === role && name.test(node.name) && !node.disabled);
  }

  async act(node, action) {
    const { object } = await this.session.send("DOM.resolveNode", { backendNodeId: node.id });
    const functionDeclaration = action === "focus" ? "function () { this.focus(); }" : "function () { this.click(); }";
    await this.session.send("Runtime.callFunctionOn", { objectId: object.objectId, functionDeclaration });
  }

  async activate(role, name) {
    for (let tries = 0; tries < 50; tries++) {
      const [node] = await this.find(role, name);
      if (node) return this.act(node);
      await this.page.waitForTimeout(100);
    }
    assert.fail(`the tree has no ${role} ${name}`);
  }

  async write(name, text) {
    const [field] = await this.find("textbox", name);
    assert.ok(field, `the tree has no text field ${name}`);
    await this.act(field, "focus");
    await this.page.keyboard.insertText(text);
  }

  async move(uniform) {
    const origins = [...(await this.find("gridcell", ORIGIN)), ...(await this.find("button", ORIGIN))];
    const origin = oneOf(origins, uniform);
    assert.ok(origin, "no piece can move");
    await this.act(origin);
    const target = oneOf(await this.find("gridcell", TARGET), uniform);
    assert.ok(target, `${origin.name} has no target`);
    await this.act(target);
    const [promote] = await this.find("button", /^promote to/);
    if (promote) await this.act(promote);
  }
}

/** Touch alone. */
class Touch {
  constructor(page) {
    this.page = page;
  }

  async activate(role, name) {
    await this.page.getByRole(role, { name }).first().tap();
  }

  async write(name, text) {
    await this.page.getByRole("textbox", { name }).tap();
    await this.page.keyboard.insertText(text);
  }

  async move(uniform) {
    const tap = async (selector) => {
      const all = this.page.locator(selector);
      const count = await all.count();
      assert.ok(count > 0, `nothing to tap: ${selector}`);
      await all.nth(Math.floor(uniform() * count)).tap();
    };
    await tap(".cell.movable, .slot.movable");
    await tap(".cell.legal");
    const choice = this.page.locator(".choice button");
    if ((await choice.count()) > 0) await choice.first().tap();
  }
}

const WAYS = {
  keyboard: { options: {}, user: (page) => new Keyboard(page) },
  "screen reader": { options: {}, user: (page) => ScreenReader.of(page) },
  touch: { options: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }, user: (page) => new Touch(page) },
};

for (const [way, { options, user: userOf }] of Object.entries(WAYS)) {
  test(`a whole game by ${way} alone`, { timeout: 900_000 }, async () => {
    const page = await site.page(options);
    const user = await userOf(page);
    await page.goto(`${site.base}index.html`);
    await page.locator("#agent-state", { hasText: "ready" }).waitFor();
    const [turn, result] = [page.locator("#status", { hasText: "Your turn" }), page.locator("#result")];
    const uniform = random(7);
    let moves = 0;
    for (; moves < LONGEST; moves++) {
      await turn.or(result).first().waitFor();
      if (await result.isVisible()) break;
      await user.move(uniform);
      await page.locator(`#moves .move:not(.gap) >> nth=${2 * moves}`).waitFor({ state: "attached" });
    }
    if (moves === LONGEST) {
      await turn.or(result).first().waitFor();
      if (!(await result.isVisible())) {
        await user.activate("button", /^Resign/);
        await user.activate("button", /^Sure/);
      }
    }
    const title = await result.locator("h2").textContent();
    assert.match(title, /win|Draw|No result/);
    console.log(`    ${way}: ${moves} moves, ${title}`);
    await page.checked();
  });

  test(`analysis of an opened game by ${way} alone`, { timeout: 300_000 }, async () => {
    const page = await site.page(options);
    const user = await userOf(page);
    await page.goto(`${site.base}replay.html`);
    await page.locator("#agent-state", { hasText: "ready" }).waitFor();
    await user.activate("button", /^Open…/);
    await user.write(/^Text of a game/, KIF);
    await user.activate("button", /^Open the text/);
    await page.locator("#black", { hasText: "Anna" }).waitFor();
    // Four moves and the resignation.
    const at = (ply) => page.locator("#ply-text", { hasText: new RegExp(`^${ply} / 5$`) }).waitFor();
    await at(0);
    await user.activate("button", /^Next move/);
    await at(1);
    await user.activate("button", /^Analyse$/);
    await user.activate("tab", /^Candidates/);
    await page.locator("#search-note", { hasText: /[1-9]\d* visits/ }).waitFor();
    await user.activate("button", /^Stop$/);
    // Another reply to the first move, on the board: a new branch of the game.
    await user.move(random(3));
    await page.locator("#ply-text", { hasText: /^2 \// }).waitFor();
    await user.activate("tab", /^Moves/);
    await page.locator("#moves .variation").first().waitFor();
    await user.activate("tab", /^Policy/);
    await page.locator("#policy tr").first().waitFor();
    await page.checked();
  });
}
