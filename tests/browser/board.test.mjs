/** `<shogi-board>` on its own: a board that a test drives by the rules of the wasm, laid over a page of the site. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT, open } from "./harness.mjs";

const require = createRequire(import.meta.url);
const axe = await readFile(require.resolve("axe-core/axe.min.js"), "utf8");
const VIEWPORTS = [[1280, 800], [1024, 768], [768, 1024], [390, 844], [360, 800], [844, 390], [320, 568]];

let site;
before(async () => {
  site = await open();
});
after(() => site?.close());

/**
 * A page with a board of its own above everything else. In the page, `game` is the position, `show()` draws it with rules,
 * `legal()` lists the legal moves, `plies(count, look)` plays random ones, and `events` holds what the board reported.
 */
async function openBoard({ moves = "", width = 0, ...options } = {}) {
  const page = await site.page(options);
  await page.route("**/models/**", (route) => route.fulfill({ status: 404 }));
  await page.goto(`${site.base}replay.html`);
  await page.waitForFunction(() => customElements.get("shogi-board"));
  await page.evaluate(
    async ([moves, width]) => {
      const wasm = await import("/test-wasm/keisei_web.js");
      await wasm.default({ module_or_path: "/test-wasm/keisei_web_bg.wasm" });
      window.game = new wasm.Board("startpos", 0);
      for (const move of moves.split(" ").filter(Boolean)) game.play(move);
      const cover = document.createElement("div");
      cover.id = "cover";
      cover.style.cssText = "position:fixed;inset:0;z-index:99;background:Canvas;overflow:auto;padding:8px";
      window.board = document.createElement("shogi-board");
      const room = innerWidth - 16;
      board.style.width = `${width || (room < 440 ? room : Math.max(440, Math.min(room, (innerHeight - 16) * 1.26)))}px`;
      cover.append(board);
      for (const other of document.body.children) other.inert = true;
      document.body.append(cover);
      window.state = () => ({
        squares: game.squares(),
        hands: game.hands(),
        turn: game.side_to_move(),
        last: game.last(),
        check: game.check(),
      });
      window.rules = () => ({ origins: () => game.origins(), targets: (origin) => game.targets(origin) });
      window.show = () => {
        board.rules = rules();
        board.state = state();
      };
      const name = (square) => `${Math.floor(square / 9) + 1}${"abcdefghi"[square % 9]}`;
      window.legal = () =>
        [...game.origins()].flatMap((origin) =>
          [...game.targets(origin)].flatMap((target, to) => {
            if (target === 0) return [];
            if (origin > 80) return [`${"PLNSGBR"[origin - 81]}*${name(to)}`];
            const plain = `${name(origin)}${name(to)}`;
            return target === 1 ? [plain] : target === 2 ? [`${plain}+`] : [plain, `${plain}+`];
          }));
      /** Plays random games until one has this number of plies, and returns what `look` saw after each ply. */
      window.plies = (count, look) => {
        let seed = 1;
        for (;;) {
          while (game.plies() > 0) game.undo();
          const seen = [look()];
          while (seen.length <= count && game.outcome() === undefined) {
            step((seed = (seed * 48271) % 2147483647) / 2147483647);
            seen.push(look());
          }
          if (seen.length > count) return seen;
        }
      };
      window.step = (uniform) => {
        const moves = legal();
        const captures = moves.filter((move) => game.squares()[(move.charCodeAt(2) - 49) * 9 + move.charCodeAt(3) - 97] > 0);
        const chosen = captures.length > 0 && uniform < 0.5 ? captures : moves;
        game.play(chosen[Math.floor(uniform * 7919) % chosen.length]);
      };
      window.events = [];
      for (const type of ["board-move", "board-refused", "board-select", "board-edit"]) {
        board.addEventListener(type, ({ detail }) => events.push({ type, ...detail }));
      }
      board.addEventListener("board-move", ({ detail }) => {
        game.play(detail.usi);
        show();
      });
      show();
    },
    [moves, width],
  );
  const on = (selector) => page.locator("#cover shogi-board").locator(selector);
  const square = (name) => on(`[data-square="${name}"]`);
  const centre = async (locator) => {
    const box = await locator.boundingBox();
    return [box.x + box.width / 2, box.y + box.height / 2];
  };
  /** Presses on one element and moves to another, without letting go. */
  const drag = async (from, to, button = "left") => {
    await page.mouse.move(...(await centre(from)));
    await page.mouse.down({ button });
    await page.mouse.move(...(await centre(to)), { steps: 3 });
  };
  const taken = () => page.evaluate(() => events.splice(0));
  const focused = () => page.evaluate(() => board.shadowRoot.activeElement?.getAttribute("aria-label"));
  return { page, on, square, drag, taken, focused, done: () => page.checked(/404/) };
}

/** What an agent's arrival writes: everything anew, with the position unchanged. */
const refreshed = (page) =>
  page.evaluate(async () => {
    board.rules = rules();
    board.state = state();
    board.arrows = [{ usi: "7g7f", weight: 0.5, label: "1" }];
    board.heat = { shares: new Float32Array(88), of: "position" };
    await new Promise(requestAnimationFrame);
  });

test("what the user has begun survives an update of the same position, and nothing else", async () => {
  const { page, on, square, drag, taken, done } = await openBoard({ moves: "7g7f 3c3d" });
  await drag(square("2g"), square("2f"));
  await refreshed(page);
  assert.equal(await on(".piece.lifted").count(), 1);
  await page.mouse.up();
  assert.deepEqual((await taken()).filter(({ type }) => type === "board-move"), [{ type: "board-move", usi: "2g2f" }]);

  await page.evaluate(() => game.undo());
  await page.evaluate(() => show());
  await square("2g").click();
  await refreshed(page);
  assert.equal(await square("2g").getAttribute("aria-selected"), "true");
  assert.equal(await on(".cell.legal").count(), 1);

  // A choice whether to promote stays open, with its focus.
  await square("8h").click();
  await square("2b").click();
  await refreshed(page);
  assert.equal(await on(".choice button").count(), 2);
  assert.equal(await on(".choice button:focus").count(), 1);

  // Another position, or no right to move, ends them.
  await page.evaluate(() => {
    board.rules = null;
  });
  assert.equal(await on(".choice button").count(), 0);
  assert.equal(await on("[aria-selected=true]").count(), 0);
  await page.evaluate(() => show());
  await drag(square("2g"), square("2f"));
  await page.evaluate(() => {
    game.undo();
    show();
  });
  assert.equal(await on(".piece.lifted").count(), 0);
  await page.mouse.up();
  assert.ok(!(await taken()).some(({ type }) => type === "board-move"));
  await done();
});

test("a drag in Play survives the agent's arrival", async () => {
  const page = await site.page();
  let release;
  const held = new Promise((resolve) => {
    release = resolve;
  });
  await page.route("**/models/default.model", async (route) => {
    await held;
    await route.continue();
  });
  await page.goto(`${site.base}index.html`);
  const square = (name) => page.locator(`[data-square="${name}"]`);
  await page.locator(".cell.movable").first().waitFor();
  const [from, to] = [await square("2g").boundingBox(), await square("2f").boundingBox()];
  await page.mouse.move(from.x + 20, from.y + 20);
  await page.mouse.down();
  await page.mouse.move(from.x + 20, from.y - 10, { steps: 4 });
  release();
  await page.locator("#agent-state", { hasText: "ready" }).waitFor();
  assert.equal(await page.locator(".piece.lifted").count(), 1);
  await page.mouse.move(to.x + 20, to.y + 20, { steps: 4 });
  await page.mouse.up();
  await page.locator("#moves .move", { hasText: "P-2f" }).waitFor();
  await page.checked();
});

test("every piece set draws every piece", async () => {
  const { page, on, done } = await openBoard();
  for (const [set, paths] of [["kanji", 1], ["two-kanji", 2], ["international", 2]]) {
    await page.evaluate((set) => {
      board.pieceSet = set;
    }, set);
    // The outlines of a set are loaded when it is first drawn.
    const drawings = () => on("defs > g").evaluateAll((groups) =>
      groups.map((group) => [...group.querySelectorAll(".ink path")].filter((path) => path.getAttribute("d") !== "").length));
    const expected = Array(30).fill(paths);
    for (let tries = 0; tries < 100 && (await drawings()).join() !== expected.join(); tries++) await page.waitForTimeout(50);
    assert.deepEqual(await drawings(), expected, set);
  }
  await done();
});

test("one step writes only what changes", async (context) => {
  const { page, done } = await openBoard();
  const count = (withRules) =>
    page.evaluate(async (withRules) => {
      const boards = plies(100, () => ({ state: state(), origins: game.origins() }));
      const draw = async ({ state, origins }) => {
        board.rules = withRules ? { origins: () => origins, targets: () => new Uint8Array(81) } : null;
        board.state = state;
        await new Promise((done) => setTimeout(done));
      };
      await draw(boards[0]);
      let written = 0;
      const observer = new MutationObserver((records) => {
        written += records.filter(({ type }) => type === "attributes").length;
      });
      observer.observe(board.shadowRoot, { attributes: true, childList: true, characterData: true, subtree: true });
      const counts = [];
      for (const at of [...boards.slice(1), ...boards.slice(0, -1).reverse()]) {
        written = 0;
        await draw(at);
        counts.push(written);
      }
      observer.disconnect();
      return { mean: counts.reduce((sum, each) => sum + each) / counts.length, most: Math.max(...counts) };
    }, withRules);
  const plain = await count(false);
  const withRules = await count(true);
  context.diagnostic(`attributes a step: ${plain.mean.toFixed(1)} (most ${plain.most}); with rules ${withRules.mean.toFixed(1)} (most ${withRules.most})`);
  assert.ok(plain.mean > 0 && plain.mean <= 20 && plain.most <= 40, JSON.stringify(plain));
  // Every square whose piece may move changes its name and its class when the side to move does.
  assert.ok(withRules.mean > plain.mean && withRules.mean <= 120, JSON.stringify(withRules));
  await done();
});

/** Seconds of processor time of the page's main thread so far. */
async function threadTime(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  return async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "TaskDuration").value;
  };
}

/** Time of 100 steps, at most, in times of 100 simple frames: on machines that are too slow for the bar of 400 ms. */
const SLOW = 2;

test("100 steps cost at most 400 ms of the main thread, and a drag little", async (context) => {
  const { page, square, drag, done } = await openBoard();
  await page.evaluate(() => {
    window.boards = plies(100, state);
  });
  const time = await threadTime(page);
  // What 100 frames that move 40 circles cost on this machine.
  const rested = await time();
  await page.evaluate(async () => {
    const drawing = document.body.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "svg"));
    const circles = Array.from({ length: 40 }, () => drawing.appendChild(document.createElementNS(drawing.namespaceURI, "circle")));
    for (let frame = 0; frame < 100; frame++) {
      for (const [i, circle] of circles.entries()) {
        circle.setAttribute("r", "9");
        circle.setAttribute("cx", `${(frame * i) % 300}`);
      }
      await new Promise(requestAnimationFrame);
    }
    drawing.remove();
  });
  const reference = (await time()) - rested;
  const before = await time();
  await page.evaluate(async () => {
    board.rules = null;
    for (const state of boards) {
      board.state = state;
      await new Promise(requestAnimationFrame);
    }
  });
  const steps = (await time()) - before;
  await page.evaluate(() => {
    while (game.plies() > 0) game.undo();
    show();
  });
  await drag(square("2g"), square("2f"));
  const started = await time();
  const [x, y] = [400, 300];
  for (let i = 0; i < 100; i++) await page.mouse.move(x + 2 * i, y + i);
  const perMove = ((await time()) - started) / 100;
  await page.mouse.up();
  context.diagnostic(`100 steps ${(steps * 1000).toFixed(0)} ms; a move of the drag ${(perMove * 1000).toFixed(2)} ms; 100 simple frames ${(reference * 1000).toFixed(0)} ms`);
  assert.ok(steps <= Math.max(0.4, SLOW * reference), `${steps} s`);
  assert.ok(perMove <= Math.max(0.008, (SLOW * reference) / 100), `${perMove} s a move`);
  await done();
});

test("the policy as a heat map: tints, numbers, names, hands, a scale", async () => {
  const { page, on, square, done } = await openBoard({ moves: "7g7f 3c3d 8h2b+ 3a2b" });
  const tint = (index) => on(`.heat rect >> nth=${index}`).getAttribute("fill-opacity");
  assert.equal(await on(".legend").isVisible(), false);
  await page.evaluate(() => {
    const heat = new Float32Array(88);
    heat.set([0.37], 60);
    heat.set([0.02], 40);
    heat.set([0.004], 41);
    heat.set([0.25], 81 + 5);
    board.heat = { shares: heat, of: "position" };
  });
  assert.ok(await on(".legend").isVisible());
  assert.match(await square("7g").getAttribute("aria-label"), /37 % of the policy/);
  assert.match(await square("5e").getAttribute("aria-label"), /2 % of the policy/);
  assert.doesNotMatch(await square("5f").getAttribute("aria-label"), /policy/);
  assert.deepEqual(await on(".shares g:not([visibility])").allTextContents(), ["2", "37"]);
  assert.ok((await tint(60)) > (await tint(40)) && (await tint(40)) > (await tint(41)) && (await tint(41)) > 0);
  assert.equal(Number(await tint(0)), 0);
  const bishop = on(".stand.near .slot[data-kind='5']");
  assert.match(await bishop.getAttribute("aria-label"), /1 bishop in hand, can be dropped, 25 % of the policy/);
  assert.equal(await bishop.locator(".share").textContent(), "25");
  await page.evaluate(() => {
    board.heat = { ...board.heat, of: "piece" };
  });
  assert.match(await square("7g").getAttribute("aria-label"), /37 % of this piece's moves/);
  assert.match(await on(".legend").textContent(), /this piece's moves/);
  // Numbers stay with their squares when the board is turned.
  await page.evaluate(() => {
    board.orientation = 1;
  });
  assert.match(await square("7g").getAttribute("aria-label"), /37 %/);
  await page.evaluate(() => {
    board.heat = null;
  });
  assert.equal(await on(".legend").isVisible(), false);
  assert.doesNotMatch(await square("7g").getAttribute("aria-label"), /policy/);
  await done();
});

test("the heat of a policy: all moves, one piece's, drops", async () => {
  const { runnerImport } = await import(createRequire(join(ROOT, "www/package.json")).resolve("vite"));
  const { module } = await runnerImport(join(ROOT, "www/src/board/heat.ts"));
  const policy = [
    { usi: "7g7f", probability: 0.4 },
    { usi: "2h2b", probability: 0.1 },
    { usi: "2h2b+", probability: 0.2 },
    { usi: "2h2c+", probability: 0.1 },
    { usi: "P*2b", probability: 0.2 },
  ];
  const near = ({ shares: actual, of }, whole, expected) => {
    assert.equal(of, whole);
    const wanted = new Float32Array(88);
    for (const [index, share] of Object.entries(expected)) wanted[index] = share;
    actual.forEach((share, index) => assert.ok(Math.abs(share - wanted[index]) < 1e-6, `${index}: ${share}, not ${wanted[index]}`));
  };
  // 7f = 59, 2b = 10, 2c = 11, 2h = 16, the pawn in hand = 81.
  near(module.heatOf(policy), "position", { 59: 0.4, 10: 0.5, 11: 0.1, 81: 0.2 });
  near(module.heatOf(policy, 16), "piece", { 10: 0.75, 11: 0.25 });
  near(module.heatOf(policy, 81), "piece", { 10: 1, 81: 1 });
  near(module.heatOf(policy, 0), "piece", {});
});

test("arrows carry numbers and a plus, drops their piece, and none covers a piece", async () => {
  const { page, on, done } = await openBoard({ moves: "7g7f 3c3d 8h2b+ 3a2b" });
  await page.evaluate(() => {
    board.arrows = [
      { usi: "2g2f", weight: 0.5, label: "1" },
      { usi: "B*5e", weight: 0.3, label: "2" },
      { usi: "4g4c+", weight: 0.1, label: "3" },
      { usi: "B*4e", weight: 0.1 },
    ];
  });
  assert.deepEqual(await on(".label").allTextContents(), ["1", "3+", "2"]);
  assert.deepEqual(await on(".drop use").evaluateAll((uses) => uses.map((use) => use.getAttribute("href"))), ["#up5", "#up5"]);
  const layers = await on(".surface > g > g").evaluateAll((groups) => groups.map((group) => group.className.baseVal));
  assert.ok(layers.indexOf("arrows") < layers.indexOf("pieces"));
  assert.equal(await on(".arrows .outline").first().evaluate((path) => getComputedStyle(path).fill), "none");
  // Two labels on the same line do not lie on each other.
  await page.evaluate(() => {
    board.arrows = [
      { usi: "2h2d", weight: 0.5, label: "1" },
      { usi: "2i2d", weight: 0.5, label: "2" },
    ];
  });
  const apart = async () => {
    const boxes = await on(".label").evaluateAll((labels) => labels.map((label) => label.getBoundingClientRect()));
    for (const [index, box] of boxes.entries()) {
      for (const other of boxes.slice(index + 1)) {
        const gap = Math.max(Math.abs(box.x - other.x) - box.width, Math.abs(box.y - other.y) - box.height);
        assert.ok(gap > -0.2 * box.height, `labels overlap by ${-gap} px`);
      }
    }
  };
  await apart();
  await page.evaluate(() => {
    board.arrows = ["1", "2", "3"].map((label) => ({ usi: "2c2b", weight: 0.2, label }));
  });
  await apart();
  // Nor on the numbers of the heat map: a label stands where its arrow crosses from square to square.
  await page.evaluate(() => {
    board.arrows = [
      { usi: "8h3c+", weight: 0.5, label: "1" },
      { usi: "8h3c", weight: 0.4, label: "2" },
    ];
    board.heat = { shares: new Float32Array(88).fill(0.05), of: "position" };
  });
  const covered = await page.evaluate(() => {
    const boxes = (selector) => [...board.shadowRoot.querySelectorAll(selector)].map((element) => element.getBoundingClientRect());
    const empty = [...board.shadowRoot.querySelectorAll(".cell")].filter((cell) => /^\w\w,? ?(legal move|\d|$)/.test(cell.ariaLabel)).map((cell) => cell.getBoundingClientRect());
    const within = (box, cell) => box.x > cell.x && box.right < cell.right && box.y > cell.y && box.bottom < cell.bottom;
    const numbers = boxes(".shares g").filter((box) => empty.some((cell) => within(box, cell)));
    const meets = (a, b) => a.x < b.right && b.x < a.right && a.y < b.bottom && b.y < a.bottom;
    return [numbers.length, boxes(".label").filter((label) => numbers.some((number) => meets(label, number))).length];
  });
  assert.ok(covered[0] > 20);
  assert.equal(covered[1], 0);
  await done();
});

test("the right button draws arrows and circles; Escape, a click and a new position clear them", async () => {
  const { page, on, square, drag, done } = await openBoard();
  const draw = async (from, to) => {
    await drag(square(from), square(to), "right");
    await page.mouse.up({ button: "right" });
  };
  await draw("5e", "5e");
  await draw("7g", "3c");
  assert.equal(await on(".shapes ellipse").count(), 1);
  assert.equal(await on(".shapes path").count(), 1);
  await draw("5e", "5e");
  assert.equal(await on(".shapes ellipse").count(), 0);
  await square("5e").focus();
  await page.keyboard.press("Escape");
  assert.equal(await on(".shapes > *").count(), 0);
  await draw("7g", "3c");
  await square("5e").click();
  assert.equal(await on(".shapes > *").count(), 0);
  await draw("7g", "3c");
  await page.evaluate(() => {
    game.play("7g7f");
    show();
  });
  assert.equal(await on(".shapes > *").count(), 0);
  await done();
});

test("refused moves are reported with origin and target, a threat is drawn and goes away", async () => {
  const { page, on, square, drag, taken, done } = await openBoard({ moves: "7g7f 3c3d" });
  const refused = async () => (await taken()).filter(({ type }) => type === "board-refused").map(({ origin, to }) => [origin, to]);
  const at = (name) => (Number(name[0]) - 1) * 9 + name.charCodeAt(1) - 97;
  await square("2g").click();
  await square("2e").click();
  assert.deepEqual(await refused(), [[at("2g"), at("2e")]]);
  assert.equal(await on("[aria-selected=true]").count(), 0);
  await drag(square("2g"), square("5e"));
  await page.mouse.up();
  assert.deepEqual(await refused(), [[at("2g"), at("5e")]]);
  await square("1i").click(); // the lance can go to 1h: chosen, not refused
  await square("2i").click(); // the knight has no move
  assert.deepEqual(await refused(), [[at("1i"), at("2i")]]);
  await square("2i").click();
  assert.deepEqual(await refused(), [[at("2i"), null]]);
  // The opponent's pieces, empty squares and a second click on the chosen piece are no refusals.
  await square("3c").click();
  await square("5e").click();
  await square("2g").click();
  await square("2g").click();
  await drag(square("2g"), on(".stand.far"));
  await page.mouse.up();
  assert.deepEqual(await refused(), []);
  // Nor is anything on a board that only shows.
  await page.evaluate(() => {
    board.rules = null;
  });
  await square("2i").click();
  assert.deepEqual(await refused(), []);

  await page.evaluate(() => {
    board.threat = { from: 10, to: 76 };
  });
  assert.equal(await on(".threat path").count(), 1);
  await on(".threat path").waitFor({ state: "detached", timeout: 6000 });
  await done();
});

test("a piece in hand that cannot be dropped is refused, and selections are reported", async () => {
  // Black holds a pawn and has one on every file: no drop is legal.
  const { page, on, taken, done } = await openBoard();
  await page.evaluate(() => {
    const shown = state();
    shown.hands[0] = 1;
    board.state = shown;
  });
  const pawn = on(".stand.near .slot[data-kind='0']");
  assert.equal(await pawn.getAttribute("aria-disabled"), "true");
  await pawn.click({ force: true });
  assert.deepEqual(await taken(), [{ type: "board-refused", origin: 81, to: null }]);
  await on('[data-square="7g"]').click();
  await page.keyboard.press("Escape");
  assert.deepEqual(await taken(), [
    { type: "board-select", origin: 60 },
    { type: "board-select", origin: null },
  ]);
  await done();
});

test("keys: h with an empty hand says so, focus stays where it makes sense", async () => {
  const { page, on, square, focused, done } = await openBoard();
  const said = () => on(".live").textContent();
  await square("5e").focus();
  await page.keyboard.press("h");
  assert.equal((await said()).trim(), "Black's hand is empty");
  assert.equal(await focused(), "5e");
  await page.evaluate(() => {
    for (const move of "7g7f 3c3d 8h2b+ 3a2b".split(" ")) game.play(move);
    show();
  });
  await page.keyboard.press("h");
  assert.equal(await focused(), "1 bishop in hand, can be dropped");
  await page.keyboard.press("h");
  assert.equal(await focused(), "5e");
  await page.keyboard.press("h");
  await page.keyboard.press("Enter");
  assert.equal(await focused(), "5e, legal move");
  await page.keyboard.press("Enter");
  // The hand is empty now; the focus is where the piece was put.
  assert.equal(await focused(), "5e, Black bishop");
  assert.equal(await page.evaluate(() => game.last()), "B*5e");
  // Turning the board keeps the focus on its square.
  await page.evaluate(() => {
    board.orientation = 1;
  });
  assert.equal(await focused(), "5e, Black bishop");
  await page.keyboard.press("ArrowUp");
  assert.match(await focused(), /^5f/);
  await page.keyboard.press("Home");
  assert.match(await focused(), /^1f/);
  await page.keyboard.press("PageDown");
  assert.match(await focused(), /^1a/);
  // One tab stop on the grid.
  assert.equal(await on(".cell[tabindex='0']").count(), 1);
  await done();
});

test("the promotion dialog keeps the focus until it is answered", async () => {
  const { page, square, focused, done } = await openBoard({ moves: "7g7f 3c3d" });
  await square("8h").focus();
  await page.keyboard.press("Enter");
  await square("2b").focus();
  await page.keyboard.press("Enter");
  assert.equal(await focused(), "promote to horse");
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "do not promote, stay bishop");
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "promote to horse");
  await page.keyboard.press("Escape");
  assert.match(await focused(), /^2b, White bishop/);
  await square("8h").focus();
  await page.keyboard.press("Enter");
  await square("2b").focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => game.last()), "8h2b");
  await done();
});

test("a game from the accessibility tree alone", { timeout: 240_000 }, async (context) => {
  const { page, done } = await openBoard();
  const session = await page.context().newCDPSession(page);
  await session.send("Accessibility.enable");
  let seed = 5;
  const uniform = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  /** Presses a random node whose name matches, as a screen reader's command does; false if there is none. */
  const press = async (roles, pattern) => {
    const { nodes } = await session.send("Accessibility.getFullAXTree");
    const fitting = nodes.filter(
      ({ ignored, role, name }) => !ignored && roles.includes(role?.value) && pattern.test(name?.value ?? ""),
    );
    if (fitting.length === 0) return false;
    const { backendDOMNodeId } = fitting[Math.floor(uniform() * fitting.length)];
    const { object } = await session.send("DOM.resolveNode", { backendNodeId: backendDOMNodeId });
    await session.send("Runtime.callFunctionOn", { objectId: object.objectId, functionDeclaration: "function () { this.click(); }" });
    return true;
  };
  let plies = 0;
  let [drops, promotions] = [0, 0];
  for (; plies < 120; plies++) {
    if (await page.evaluate(() => game.outcome() !== undefined)) break;
    assert.ok(await press(["gridcell", "button"], /can move|can be dropped/), "a piece that can move has a name that says so");
    assert.ok(await press(["gridcell"], /legal move|can be captured/), "a legal target has a name that says so");
    if (await press(["button"], /promote/)) promotions++;
    assert.equal(await page.evaluate(() => game.plies()), plies + 1);
    if (await page.evaluate(() => game.last()[1] === "*")) drops++;
  }
  context.diagnostic(`${plies} plies, ${drops} drops, ${promotions} promotions asked`);
  assert.ok(plies > 20 && drops > 0);
  await done();
});

test("hands: slots of at least 24 px at every viewport, in the order of the pieces", async () => {
  for (const [width, height] of VIEWPORTS) {
    const page = await site.page({ viewport: { width, height } });
    await page.route("**/models/**", (route) => route.fulfill({ status: 404 }));
    await page.goto(`${site.base}index.html`);
    await page.locator(".cell.movable").first().waitFor();
    const small = await page.locator("shogi-board .slot").evaluateAll((slots) =>
      slots.map((slot) => slot.getBoundingClientRect()).filter((box) => box.width < 24 || box.height < 24).map((box) => `${box.width} x ${box.height}`));
    assert.deepEqual(small, [], `${width} x ${height}`);
    const kinds = await page.locator("shogi-board .stand.near .slot").evaluateAll((slots) => slots.map((slot) => slot.dataset.kind).join(""));
    assert.equal(kinds, "6543210");
    await page.checked(/404/);
  }
});

test("the board's room is the same before its script has run and after", async () => {
  for (const [width, height] of [...VIEWPORTS, [500, 700], [460, 900]]) {
    const page = await site.page({ viewport: { width, height } });
    await page.route("**/models/**", (route) => route.fulfill({ status: 404 }));
    let release;
    const held = new Promise((resolve) => {
      release = resolve;
    });
    // All but the one that chooses the language before anything is drawn.
    await page.route("**/assets/*.js", async (route) => {
      await held;
      await route.continue();
    });
    await page.goto(`${site.base}index.html`, { waitUntil: "commit" });
    const board = page.locator("shogi-board");
    await board.waitFor();
    const before = await board.boundingBox();
    release();
    await page.locator(".cell.movable").first().waitFor();
    const after = await board.boundingBox();
    for (const side of ["x", "width", "height"]) {
      assert.ok(Math.abs(before[side] - after[side]) < 0.6, `${width} x ${height}: ${side} ${before[side]} and ${after[side]}`);
    }
    await page.checked(/404/);
  }
});

test("forced colours and more contrast: everything is drawn in the user's colours, and axe finds nothing", async () => {
  for (const options of [{ forcedColors: "active" }, { forcedColors: "active", colorScheme: "dark" }, { contrast: "more" }, {}]) {
    const { page, on, done } = await openBoard({ moves: "7g7f 3c3d 8h2b+ 3a2b", ...options });
    await page.evaluate(() => {
      board.heat = { shares: new Float32Array(88).fill(0.02), of: "position" };
      board.arrows = [{ usi: "2g2f", weight: 0.5, label: "1" }];
    });
    await on('[data-square="2g"]').click();
    const colours = await page.evaluate(() => {
      const of = (selector, property) => getComputedStyle(board.shadowRoot.querySelector(selector))[property];
      const probe = document.createElement("i");
      probe.style.cssText = "color:CanvasText;background:Canvas";
      document.body.append(probe);
      const { color, backgroundColor } = getComputedStyle(probe);
      return {
        text: color,
        canvas: backgroundColor,
        lines: of(".lines path", "stroke"),
        glyph: of("#up0 .ink", "fill"),
        promoted: of("#up8 .face", "fill"),
        hand: of(".stand", "backgroundColor"),
        number: of(".shares text", "fill"),
      };
    });
    if (options.forcedColors) {
      assert.deepEqual(colours, {
        text: colours.text,
        canvas: colours.canvas,
        lines: colours.text,
        glyph: colours.text,
        promoted: colours.text,
        hand: colours.canvas,
        number: colours.text,
      });
      assert.notEqual(colours.text, colours.canvas);
    }
    await page.evaluate(axe);
    for (const editing of [false, true]) {
      const violations = await page.evaluate(async (editing) => {
        board.editing = editing;
        await new Promise(requestAnimationFrame);
        const { violations } = await axe.run("#cover", { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] });
        return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
      }, editing);
      assert.deepEqual(violations, [], JSON.stringify(options));
    }
    await done();
  }
});

test("motion is reduced where the user asks", async () => {
  for (const [reducedMotion, moving] of [["reduce", false], ["no-preference", true]]) {
    const { on, done } = await openBoard({ reducedMotion });
    const duration = await on(".piece").first().evaluate((piece) => getComputedStyle(piece).transitionDuration);
    assert.equal(duration !== "0s", moving, duration);
    await done();
  }
});

test("a clicked move slides, a dragged piece lies where it was put, a threat is seen whenever it comes", async () => {
  const { page, on, square, drag, done } = await openBoard({ reducedMotion: "no-preference" });
  // Within the page, so that no frame passes unseen; after a frame, because what was never drawn has nowhere to slide from.
  const slid = await page.evaluate(async () => {
    const frame = () => new Promise(requestAnimationFrame);
    window.sliding = () => [...board.shadowRoot.querySelectorAll(".piece")].filter((piece) => piece.getAnimations().length > 0).length;
    const cell = (name) => board.shadowRoot.querySelector(`[data-square="${name}"]`);
    await frame();
    await frame();
    cell("7g").click();
    cell("7f").click();
    await frame();
    return sliding();
  });
  assert.equal(slid, 1);
  await page.waitForFunction(() => sliding() === 0);
  await page.evaluate(() => {
    board.addEventListener("board-move", async () => {
      await new Promise(requestAnimationFrame);
      window.slidAfterDrag = sliding();
    });
  });
  await drag(square("3c"), square("3d"));
  await page.mouse.up();
  await page.waitForFunction(() => window.slidAfterDrag !== undefined);
  assert.equal(await page.evaluate(() => slidAfterDrag), 0);
  await page.waitForTimeout(2600);
  await page.evaluate(() => {
    board.threat = { from: 10, to: 76 };
  });
  await page.waitForTimeout(300);
  assert.ok(Number(await on(".threat").evaluate((group) => getComputedStyle(group).opacity)) > 0.8);
  await done();
});

test("editing: place, move, turn, promote, remove and hands by pointer", async () => {
  const { page, on, square, drag, taken, done } = await openBoard({ viewport: { width: 900, height: 1000 } });
  const edits = async () => (await taken()).filter(({ type }) => type === "board-edit");
  const piece = (name) => square(name).getAttribute("aria-label");
  await page.evaluate(() => {
    board.editing = true;
  });
  const original = await page.evaluate(() => [...game.squares()]);
  const inBox = (name) => on(`.box-piece[aria-label="${name}"]`);
  await inBox("Black gold").click();
  await square("5e").click();
  await square("4e").click();
  assert.equal(await piece("5e"), "5e, Black gold");
  assert.equal(await piece("4e"), "4e, Black gold");
  assert.equal((await edits()).length, 2);
  await square("4e").click();
  assert.equal(await piece("4e"), "4e");
  await inBox("Black gold").click();
  await on(".tool[data-tool=side]").click();
  await drag(inBox("White dragon"), square("6e"));
  await page.mouse.up();
  assert.equal(await piece("6e"), "6e, White dragon");
  await drag(square("6e"), square("6f"));
  await page.mouse.up();
  assert.equal(await piece("6e"), "6e");
  assert.equal(await piece("6f"), "6f, White dragon");
  // Into a hand a piece goes unpromoted; off the board it is gone.
  await drag(square("6f"), on(".stand.near .slot[data-kind='6']"));
  await page.mouse.up();
  assert.equal(await on(".stand.near .slot[data-kind='6']").getAttribute("aria-label"), "1 rook in hand");
  await drag(square("9a"), on(".box"));
  await page.mouse.up();
  assert.equal(await piece("9a"), "9a");
  // A king has no place in a hand.
  await drag(square("5i"), on(".stand.near .slot[data-kind='6']"));
  await page.mouse.up();
  assert.equal(await piece("5i"), "5i, Black king");
  // Tools act on the picked piece.
  await square("7g").click();
  await on(".tool[data-tool=promote]").click();
  assert.equal(await piece("7g"), "7g, Black promoted pawn, selected");
  await on(".tool[data-tool=turn]").click();
  assert.equal(await piece("7g"), "7g, White promoted pawn, selected");
  await on(".tool[data-tool=remove]").click();
  assert.equal(await piece("7g"), "7g");
  await square("2h").click({ button: "right" });
  assert.equal(await piece("2h"), "2h, Black dragon");
  await square("2h").click({ button: "right" });
  assert.equal(await piece("2h"), "2h, White rook");
  await on(".stand.near .slot[data-kind='0']").click();
  for (let i = 0; i < 3; i++) await on(".tool[data-tool=more]").click();
  await on(".tool[data-tool=less]").click();
  const last = (await edits()).at(-1);
  assert.equal(last.hands[0], 2);
  assert.equal(last.hands[6], 1);
  assert.equal(last.squares[60], 0);
  // The page's own arrays are left alone, and moves are no longer reported.
  assert.deepEqual(await page.evaluate(() => [...game.squares()]), original);
  assert.equal(await page.evaluate(() => events.filter(({ type }) => type !== "board-edit").length), 0);
  await page.evaluate(() => {
    board.editing = false;
    show();
  });
  assert.equal(await on(".box").isVisible(), false);
  assert.equal(await piece("7g"), "7g, Black pawn, can move");
  await done();
});

test("editing by keyboard alone", async () => {
  const { page, on, square, focused, taken, done } = await openBoard();
  await page.evaluate(() => {
    board.editing = true;
  });
  await square("7g").focus();
  await page.keyboard.press("+");
  assert.equal(await focused(), "7g, Black promoted pawn");
  await page.keyboard.press("t");
  assert.equal(await focused(), "7g, White promoted pawn");
  await page.keyboard.press("Enter");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  assert.equal(await focused(), "7f, White promoted pawn");
  await page.keyboard.press("Delete");
  assert.equal(await focused(), "7f");
  await page.keyboard.press("h");
  assert.equal(await focused(), "no rook");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("+");
  await page.keyboard.press("+");
  assert.equal(await focused(), "2 bishops in hand");
  await page.keyboard.press("-");
  assert.equal(await focused(), "1 bishop in hand");
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "Black king");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  await square("5e").focus();
  await page.keyboard.press("Enter");
  assert.equal(await focused(), "5e, Black rook");
  await page.keyboard.press("Escape");
  assert.equal(await on("[aria-pressed=true]").count(), 0);
  const last = (await taken()).at(-1);
  assert.deepEqual([last.type, last.squares[40], last.hands[5], last.squares[60]], ["board-edit", 7, 1, 0]);
  await done();
});

test("pieces are moved by touch: a tap and a drag", async () => {
  const { page, square, done } = await openBoard({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await square("7g").tap();
  await square("7f").tap();
  assert.equal(await page.evaluate(() => game.last()), "7g7f");
  const session = await page.context().newCDPSession(page);
  const box = async (name) => {
    const { x, y, width, height } = await square(name).boundingBox();
    return { x: x + width / 2, y: y + height / 2 };
  };
  const [from, to] = [await box("3c"), await box("3d")];
  await session.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: [from] });
  for (const share of [0.4, 0.8, 1]) {
    const point = { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
    await session.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: [point] });
  }
  await session.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  assert.equal(await page.evaluate(() => game.last()), "3c3d");
  await done();
});
