/** The analysis page: opening games, the tree, the network's opinions, saving, memory, and what is no game. */

import assert from "node:assert/strict";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT, convert, drop, open, openPlay } from "./harness.mjs";

const KIFU = join(ROOT, "../shared/data/kifu/files");
const CASES = join(ROOT, "../shared/data/cases");

let site;
let record;
let scratch;
before(async () => {
  site = await open();
  record = await readFile(join(site.files, "games.record"));
  scratch = await mkdtemp(join(tmpdir(), "keisei-analysis-"));
});
after(async () => {
  await site?.close();
  await rm(scratch, { recursive: true });
});

async function openAnalysis(page, query = "") {
  await page.goto(`${site.base}replay.html${query}`);
  await page.locator("#status", { hasText: /./ }).waitFor();
  await page.locator("#agent-state", { hasText: /ready|\d+ \/ \d+|searching/ }).waitFor();
}

/** A page with the site's games, as a first visit finds it. */
async function openSite(page) {
  await openAnalysis(page);
  await page.locator("#file-name", { hasText: "games of this agent" }).waitFor();
}

/** A module of the page's sources, without a page. */
async function sourceModule(path) {
  const { build } = await import(join(ROOT, "www/node_modules/vite/dist/node/index.js"));
  const lib = { entry: join(ROOT, "www/src", path), formats: ["es"] };
  const [{ output }] = await build({ configFile: false, logLevel: "silent", build: { write: false, lib } });
  return import(`data:text/javascript,${encodeURIComponent(output[0].code)}`);
}

const at = (page, ply, plies) => page.locator("#ply-text", { hasText: new RegExp(`^${ply} / ${plies ?? "\\d+"}$`) }).waitFor();

/** The text of the game as the page saves it in a format. */
async function saved(page, format, extra = async () => {}) {
  await page.locator("#save").click();
  await page.locator(`input[name="save-format"][value="${format}"]`).check();
  await extra();
  const [download] = await Promise.all([page.waitForEvent("download"), page.locator("dialog[open] button.primary").click()]);
  await page.keyboard.press("Escape");
  return readFile(await download.path());
}

const passDone = (page) => page.locator("#agent-state", { hasText: /^ready$/ }).waitFor();

test("a dropped record is shown and stepped through", async () => {
  const page = await site.page();
  await openSite(page);
  await drop(page, "dropped.record", record);
  await page.locator("#file-name", { hasText: "dropped.record" }).waitFor();
  assert.equal(await page.locator("#game option").count(), 2);
  assert.match(await page.locator("#game option").first().textContent(), /^1\. .*\d+ moves?/);
  const plies = Number(await page.locator("#ply").getAttribute("max"));
  assert.ok(plies > 10);
  await at(page, 0, plies);
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await at(page, 2, plies);
  await page.keyboard.press("ArrowLeft");
  await at(page, 1, plies);
  await page.keyboard.press("End");
  await at(page, plies, plies);
  assert.match(await page.locator("#status").textContent(), /End: /);
  await page.keyboard.press("Home");
  await at(page, 0, plies);
  await page.locator("#moves button[data-node]").nth(7).click();
  await at(page, 7, plies);
  assert.equal(await page.locator("#moves [aria-current]").count(), 1);
  await page.locator("#ply").fill("9");
  await at(page, 9, plies);
  const graph = await page.locator("#graph .plot").boundingBox();
  await page.mouse.click(graph.x + graph.width / 2, graph.y + graph.height / 2);
  await at(page, Math.round(plies / 2), plies);
  await page.locator("#tab-candidates").click();
  await page.locator("#candidates tr[data-usi]").first().waitFor();
  await page.locator("#game").selectOption("1");
  await page.locator("#status", { hasText: "Start." }).waitFor();
  await page.checked();
});

test("a site without games of its own shows those of its agents, after the agent, and without a network too", async () => {
  const shipped = await open({ shipped: true });
  try {
    await rm(join(shipped.site, "models/games.record"));
    for (const [locale, title] of [["en-GB", "Games between the agents of this site"], ["ja-JP", "このサイトのAI同士の対局"]]) {
      const page = await shipped.page({ locale });
      const asked = [];
      page.on("request", (request) => asked.push(new URL(request.url()).pathname));
      await page.goto(`${shipped.base}replay.html`);
      await page.locator("#file-name", { hasText: title }).waitFor();
      assert.equal(await page.locator("#game option").count(), 200);
      const [model, games] = [/\.model$/, /^\/agents\/games\.record$/].map((path) => asked.findIndex((name) => path.test(name)));
      assert.ok(0 <= model && model < games, `the agent comes before the games: ${asked}`);
      await page.locator("#game").selectOption("199");
      await page.keyboard.press("End");
      await page.locator("#status", { hasText: /./ }).waitFor();
      assert.ok(Number(await page.locator("#ply").getAttribute("max")) > 6);
      await page.checked(/404/);
    }
    // Play asks for no games; the service worker keeps them after the first visit.
    const page = await shipped.page({ serviceWorkers: "allow" });
    const asked = [];
    page.on("request", (request) => asked.push(request.url()));
    await openPlay(page, shipped.base);
    assert.ok(!asked.some((url) => url.endsWith("games.record")), `${asked}`);
    await page.evaluate(async () => {
      await navigator.serviceWorker.ready;
      while (!navigator.serviceWorker.controller) await new Promise((done) => setTimeout(done, 20));
    });
    await page.context().setOffline(true);
    await page.goto(`${shipped.base}replay.html`);
    await page.locator("#file-name", { hasText: "Games between the agents of this site" }).waitFor();
    assert.equal(await page.locator("#game option").count(), 200);
    await page.checked(/404|ERR_|net::|Failed to load resource/);
  } finally {
    await shipped.close();
  }
});

test("files that are no games are refused and the page stays alive", async () => {
  const page = await site.page();
  await openSite(page);
  const flipped = Buffer.from(record);
  flipped[record.length >> 1] ^= 16;
  const problem = page.locator("#problem");
  for (const [name, bytes] of [
    ["empty.record", Buffer.alloc(0)],
    ["short.record", record.subarray(0, 60)],
    ["flipped.record", flipped],
    ["letter.kif", Buffer.from("Dear reader,\nthis is no game.\n")],
    ["script.kif", Buffer.from("<script>document.title = 'run'</script><img src=x onerror=\"document.title='run'\">")],
    ["random.kif", await readFile(join(site.files, "random.model"))],
  ]) {
    await drop(page, name, bytes);
    await problem.filter({ hasText: `${name} could not be opened` }).waitFor();
    console.log(`    ${await problem.locator("span").textContent()}`);
    await problem.locator("button").click();
  }
  assert.doesNotMatch(await page.title(), /run/);
  await page.keyboard.press("ArrowRight");
  await at(page, 1);
  await page.checked();
});

test("every file of the corpus opens as natively and survives saving", async () => {
  const page = await site.page();
  await openSite(page);
  for (const folder of [KIFU, CASES]) {
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      // The native reader's own files: a text that it does not understand is no game for the page either.
      const native = await convert(path, "jkf");
      await drop(page, name, await readFile(path));
      if (native === null) {
        await page.locator("#problem", { hasText: name }).waitFor();
        await page.locator("#problem button").click();
        continue;
      }
      await page.locator("#file-name", { hasText: name }).waitFor();
      const jkf = await saved(page, "jkf");
      assert.equal(jkf.toString(), native, name);
      const again = join(scratch, `${name}.jkf`);
      await writeFile(again, jkf);
      await drop(page, `again-${name}.jkf`, jkf);
      await page.locator("#file-name", { hasText: `again-${name}` }).waitFor();
      assert.equal((await saved(page, "jkf")).toString(), native, `${name}, saved and opened again`);
    }
  }
  await page.checked();
});

test("pasted text, an address and a link open games", async () => {
  const page = await site.page();
  await openSite(page);
  const paste = (text) =>
    page.evaluate((text) => {
      const data = new DataTransfer();
      data.setData("text/plain", text);
      document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
    }, text);
  await paste("   1 ７六歩(77)\n   2 ３四歩(33)\n変化：2手\n   2 ８四歩(83)\n");
  await page.locator("#file-name", { hasText: "pasted text" }).waitFor();
  await at(page, 0, 2);
  assert.equal(await page.locator("#moves button[data-node]").count(), 4);
  await paste("position startpos moves 2g2f 8c8d 2f2e");
  await at(page, 0, 3);
  await page.keyboard.press("End");
  await page.waitForFunction(() => location.hash.includes("p=3"));
  const link = new URL(page.url());
  const other = await site.page();
  const fragment = link.hash.replace(/&s=[^&]*/, "");
  await openAnalysis(other, fragment);
  await at(other, 3, 3);
  await other.goto("about:blank");
  await openAnalysis(other, "?url=models/games.record");
  await other.locator("#file-name", { hasText: "games.record" }).waitFor();
  await other.goto("about:blank");
  await other.goto(`${site.base}replay.html?url=${encodeURIComponent("https://example.com/game.kif")}`);
  await other.locator("#problem", { hasText: "talks to its own site only" }).waitFor();
  for (const hash of ["#g=AAAA&p=99999", "#g=%00%00", `#g=${"A".repeat(20000)}`, "#s=nothing-here", "#p=-1&o=x"]) {
    await other.goto("about:blank");
    await openAnalysis(other, hash);
    await at(other, 0);
  }
  await other.checked();
  await page.checked();
});

test("games of the site that come late replace nothing that the user has begun", async () => {
  const begin = {
    fresh: async (page) => {
      await page.locator("#open").click();
      await page.locator("dialog[open] button", { hasText: "New empty game" }).click();
    },
    position: (page) => page.locator("#edit").click(),
    text: (page) => drop(page, "own.kif", Buffer.from("手合割：平手\n   1 ２六歩(27)\n")),
  };
  for (const [what, start] of Object.entries(begin)) {
    const page = await site.page();
    let send;
    const asked = new Promise((resolve) => {
      send = resolve;
    });
    let sent;
    const answered = new Promise((resolve) => {
      sent = resolve;
    });
    await page.route("**/games.record", async (route) => {
      await asked;
      await route.continue();
      sent();
    });
    await openAnalysis(page);
    await start(page);
    const name = page.locator("#file-name");
    if (what === "text") await name.filter({ hasText: "own.kif" }).waitFor();
    send();
    await answered;
    await page.waitForLoadState("networkidle");
    await page.waitForTimeout(200);
    assert.equal(await name.textContent(), what === "text" ? "own.kif" : "", what);
    await page.checked();
    await page.context().close();
  }
});

test("moves make variations, which are promoted, commented and deleted", async () => {
  const page = await site.page();
  await openAnalysis(page);
  await page.locator("#open").click();
  await page.locator("dialog[open] button", { hasText: "New empty game" }).click();
  await at(page, 0, 0);
  const move = async (from, to) => {
    await page.locator(`[data-square="${from}"]`).click();
    await page.locator(`[data-square="${to}"]`).click();
  };
  await move("7g", "7f");
  await at(page, 1, 1);
  await page.locator("#status", { hasText: /P-7f\. .*(move|choice|points)/ }).waitFor();
  await move("3c", "3d");
  await page.keyboard.press("ArrowLeft");
  await move("8c", "8d");
  await at(page, 2, 2);
  assert.equal(await page.locator("#moves .variation").count(), 1);
  await page.locator("#comment").fill("static rook <b>");
  await page.locator("#moves .comment", { hasText: "static rook <b>" }).waitFor();
  await page.locator("#promote").click();
  assert.match(await page.locator("#moves > *").first().innerText(), /P-8d/);
  assert.match(await page.locator("#moves .variation").innerText(), /P-3d/);
  await page.keyboard.press("ArrowDown");
  await page.locator("#status", { hasText: "P-3d" }).waitFor();
  await page.locator("#delete").click();
  await page.locator("#delete").click();
  assert.equal(await page.locator("#moves .variation").count(), 0);
  await at(page, 1, 2);
  // A tried move is taken back, and leaves nothing behind.
  await move("3c", "3d");
  await page.locator("#retry").click();
  await at(page, 1, 2);
  assert.equal(await page.locator("#moves .variation").count(), 0);
  assert.match((await saved(page, "kif")).toString(), /static rook <b>/);
  await page.checked();
});

test("the quick pass fills the graph, and what is shown belongs to the position", async () => {
  const page = await site.page();
  await openSite(page);
  await passDone(page);
  const plies = Number(await page.locator("#ply").getAttribute("max"));
  await page.locator("#graph summary").click();
  const rows = page.locator("#graph tbody tr");
  // The table is filled once it is open.
  await rows.first().waitFor();
  assert.equal(await rows.count(), plies + 1);
  assert.match(await rows.nth(3).innerText(), /\d+ %/);
  // Marks of the list, of the graph and of the table are the same.
  const graded = await page.locator("#moves .grade").count();
  const dots = async () => (await page.locator("#graph path.grade").evaluateAll((paths) => paths.map((path) => path.getAttribute("d")).join(""))).split("M").length - 1;
  // The graph is drawn after the frame that shows the list.
  for (let waited = 0; (await dots()) !== graded && waited < 2000; waited += 50) await page.waitForTimeout(50);
  assert.equal(await dots(), graded);
  assert.equal(await rows.filter({ hasText: /inaccuracy|mistake|blunder/ }).count(), graded);
  await page.locator("#graph .plot").focus();
  await page.keyboard.press("PageUp");
  await at(page, 10);
  assert.match(await page.locator("#graph .plot").getAttribute("aria-valuetext"), /^10\. .*for Black/);
  await page.locator("#tab-policy").click();
  await page.locator("#policy tr[data-usi]").first().waitFor();
  const shares = async () => {
    const more = page.locator("#policy .more");
    if (await more.isVisible()) await more.click();
    return page.locator("#policy tr[data-usi] td:nth-child(2)").allInnerTexts();
  };
  const sum = (await shares()).reduce((total, text) => total + Number.parseFloat(text), 0);
  assert.ok(Math.abs(sum - 100) < 3, `the policy sums up to ${sum} %`);
  await page.locator("#show-heat").check();
  await page.locator("#explore").click();
  await page.locator("#tab-candidates").click();
  await page.locator("#search-note", { hasText: /visits/ }).waitFor();
  await page.locator("#explore").click();
  // The search's last thought may sort the rows.
  await passDone(page);
  const step = page.locator("#candidates td.line button").first();
  const before = await page.locator("#status").textContent();
  await step.hover();
  await page.locator("#status", { hasText: "Preview" }).waitFor();
  await page.mouse.move(2, 2);
  await page.locator("#status", { hasText: before }).waitFor();
  await step.focus();
  await page.locator("#status", { hasText: "Preview" }).waitFor();
  await page.keyboard.press("Escape");
  await page.locator("#status", { hasText: before }).waitFor();
  await page.keyboard.press("Enter");
  await at(page, 12);
  await page.checked();
});

test("marks follow from the drop of the mover's expected score", async () => {
  const { gradeOf } = await sourceModule("parts/grade.ts");
  for (const [drop, grade] of [
    [-0.3, null],
    [0.049, null],
    [0.05, "inaccuracy"],
    [0.3 - 0.2, "mistake"],
    [0.199, "mistake"],
    [0.2, "blunder"],
    [1, "blunder"],
  ]) assert.equal(gradeOf(drop), grade, String(drop));
  const { Opinions } = await sourceModule("analysis/opinions.ts");
  const opinions = new Opinions();
  const [black, white] = [0, 1];
  opinions.setGlance(1, { black: 0.5, draw: 0.2, white: 0.3 });
  opinions.setGlance(2, { black: 0.3, draw: 0.2, white: 0.5 });
  // Black moved from 0.6 to 0.4; for White the same step is a gain.
  assert.ok(Math.abs(opinions.drop(1, 2, black) - 0.2) < 1e-9);
  assert.ok(Math.abs(opinions.drop(1, 2, white) + 0.2) < 1e-9);
  assert.equal(opinions.drop(2, 3, white), undefined);
  // The value of a search is not compared with that of a glance.
  const thought = { win: 0.9, draw: 0, loss: 0.1, visits: 100, policy: [], candidates: [] };
  opinions.setThought(1, thought, black);
  assert.ok(Math.abs(opinions.drop(1, 2, black) - 0.2) < 1e-9);
  opinions.setThought(2, thought, white);
  assert.ok(Math.abs(opinions.drop(1, 2, black) - 0.8) < 1e-9);
  // The end of the game is certain.
  assert.ok(Math.abs(opinions.drop(1, 2, black, { black: 0, draw: 1, white: 0 }) - 0.4) < 1e-9);
  // Nodes that get other numbers keep what is known of them.
  opinions.renumber(new Map([[2, 1]]));
  assert.equal(opinions.glance(1).black, 0.3);
  assert.equal(opinions.glance(2), undefined);
});

test("reloads at random moments lose nothing", async () => {
  const page = await site.page();
  await openSite(page);
  const seen = () =>
    page.evaluate(async () => {
      // The rows of a long game are made over some frames.
      const rows = () => document.querySelector("#moves").shadowRoot.querySelectorAll(".text").length;
      for (let still = 0, before = -1; still < 3; before = rows()) {
        await new Promise(requestAnimationFrame);
        still = rows() === before ? still + 1 : 0;
      }
      return {
        ply: document.querySelector("#ply-text").textContent,
        moves: [...document.querySelector("#moves").shadowRoot.querySelectorAll(".text")].map((text) => text.textContent),
        current: document.querySelector("#moves").shadowRoot.querySelector("[aria-current]").dataset.node,
        orientation: document.querySelector("#board").orientation,
        tab: document.querySelector('[role="tab"][aria-selected="true"]').id,
        heat: document.querySelector("#show-heat").checked,
        arrows: document.querySelector("#show-arrows").checked,
        games: document.querySelectorAll("#game option").length,
      };
    });
  let seed = 7;
  const random = (below) => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed % below;
  };
  for (let round = 0; round < 12; round++) {
    for (let step = 0; step <= random(6); step++) {
      const choice = random(7);
      if (choice < 3) await page.keyboard.press(["ArrowRight", "ArrowRight", "ArrowLeft"][choice]);
      else if (choice === 3) await page.keyboard.press("f");
      else if (choice === 4) await page.locator("#show-heat").click();
      else if (choice === 5) await page.locator(["#tab-moves", "#tab-candidates", "#tab-policy"][random(3)]).click();
      else {
        await page.locator("#tab-candidates").click();
        await page.locator("#candidates tr[data-usi] button").nth(random(3)).click();
      }
    }
    const before = await seen();
    await page.waitForTimeout(random(400));
    await page.reload();
    await page.locator("#agent-state", { hasText: /ready|\d+ \/ \d+/ }).waitFor();
    assert.deepEqual(await seen(), before, `round ${round}`);
  }
  await page.checked();
});

test("Play and analysis hand a game over with its side and ply", async () => {
  const page = await site.page();
  await openSite(page);
  for (let step = 0; step < 5; step++) await page.keyboard.press("ArrowRight");
  await at(page, 5);
  await page.locator("#play-on").click();
  await page.locator("dialog[open] button", { hasText: "White against the agent" }).click();
  await page.waitForURL(/index\.html/);
  await page.locator("#moves .move:not(.gap) >> nth=4").waitFor();
  assert.equal(await page.evaluate(() => document.querySelector("#board").orientation), 1);
  await page.checked();
});

test("defects are listed with their places, and the readable part is open", async () => {
  const page = await site.page();
  await openSite(page);
  const games = "PI\n+\n+7776FU\n/\nP1-KY\n/\nPI\n+\n+2726FU\n-3334KI\n";
  await drop(page, "games.csa", Buffer.from(games));
  await page.locator("#file-name", { hasText: "games.csa" }).waitFor();
  assert.deepEqual(await page.locator("#game option").allInnerTexts(), ["1. unfinished, 1 move", "2. unfinished, 1 move"]);
  await page.locator("#game").selectOption("1");
  await page.locator("#defects summary").click();
  const defects = await page.locator("#defects li").allInnerTexts();
  assert.ok(defects.some((text) => /^game 2: line 5/.test(text)) && defects.some((text) => /^line 10/.test(text)), defects.join("; "));
  // A game of the file that was changed comes back as it was left.
  await page.keyboard.press("End");
  await page.locator("#comment").fill("kept");
  await page.locator("#game").selectOption("0");
  await page.locator("#game").selectOption("1");
  await page.locator("#moves .comment", { hasText: "kept" }).waitFor();
  await page.checked();
});

test("games are saved in every format, and what a format leaves out is said before", async () => {
  const page = await site.page();
  await openSite(page);
  const kif = "先手：鈴木♥\n   1 ７六歩(77)   ( 0:01/)\n*一\n   2 ３四歩(33)\n変化：2手\n   2 ８四歩(83)\n";
  await drop(page, "a.kifu", Buffer.from(kif));
  await page.locator("#file-name", { hasText: "a.kifu" }).waitFor();
  const lost = {};
  const texts = {};
  for (const format of ["kif", "kif-sjis", "ki2", "csa2", "csa3", "jkf", "usi", "usen", "record", "svg"]) {
    texts[format] = await saved(page, format, async () => {
      lost[format] = await page.locator("dialog[open] p[role=status]").first().textContent();
    });
  }
  assert.match(lost.kif, /Everything is kept/);
  assert.match(lost.csa2, /1 variation/);
  assert.match(lost.usi, /1 comment/);
  assert.match(lost["kif-sjis"], /♥/);
  assert.match(new TextDecoder("shift_jis").decode(texts["kif-sjis"]), /鈴木.*\n[^]*７六歩/);
  assert.match(texts.usi.toString(), /7g7f 3c3d/);
  assert.match(texts.svg.toString(), /^<(\?xml|svg)/);
  for (const format of ["kif-sjis", "ki2", "csa3", "usen", "record"]) {
    await drop(page, `b.${format.slice(0, 6)}`, texts[format]);
    await page.locator("#file-name", { hasText: `b.${format.slice(0, 6)}` }).waitFor();
    await at(page, 0, 2);
  }
  await page.checked();
});

test("a position is set up, checked by the rules and analysed", async () => {
  const page = await site.page();
  await openSite(page);
  await page.locator("#edit").click();
  await page.locator("#editor-start").selectOption({ label: "Rook" });
  assert.match(await page.locator("#editor-sfen").inputValue(), /^lnsgkgsnl\/7b1/);
  await page.locator("#editor-sfen").fill("4k4/9/9/9/9/9/9/9/4K4 b 19p 1");
  await page.keyboard.press("Tab");
  await page.locator("#editor [role=status]", { hasText: /./ }).waitFor();
  await page.locator("#editor-sfen").fill("4k4/9/4P4/9/9/9/9/9/4K4 b G 1");
  await page.keyboard.press("Tab");
  await page.locator("#editor button", { hasText: "Analyse this position" }).click();
  await at(page, 0, 0);
  assert.equal(await page.locator("#editor").isVisible(), false);
  await page.locator("#board .slot.movable").first().click();
  await page.locator('[data-square="5b"]').click();
  await page.locator("#status", { hasText: "checkmate" }).waitFor();
  await page.locator("#value .note", { hasText: "result" }).waitFor();
  await page.checked();
});

test("a long game opens in linear time and steps cheaply", async (context) => {
  const page = await site.page();
  await openSite(page);
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const busy = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return 1000 * metrics.find(({ name }) => name === "TaskDuration").value;
  };
  // A rook that walks to and fro; the rules end no recorded game at its fourth repetition.
  const cycle = ["2h3h", "8b7b", "3h2h", "7b8b"];
  const cost = async (plies) => {
    const text = `position startpos moves ${Array.from({ length: plies }, (_, ply) => cycle[ply % 4]).join(" ")}`;
    const before = await busy();
    await drop(page, `${plies}.usi`, Buffer.from(text));
    await page.locator("#file-name", { hasText: `${plies}.usi` }).waitFor();
    await passDone(page);
    return (await busy()) - before;
  };
  await cost(40);
  const [short, long] = [await cost(182), await cost(364)];
  context.diagnostic(`main thread: 182 plies ${short.toFixed(0)} ms, 364 plies ${long.toFixed(0)} ms`);
  assert.ok(long < 4 * short + 200, "twice the moves cost more than twice the time");
  await page.checked();
});
