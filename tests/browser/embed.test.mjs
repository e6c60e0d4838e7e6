/**
 * The embedded elements and the page for frames, on plain pages of another origin: a second server on another port, which knows nothing
 * of us but one script tag.
 */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { open } from "./harness.mjs";
import { violations } from "./look.mjs";

/** Largest sum of all that a page loads of us to show and play a game, gzipped. */
const MOST_BYTES = 60 * 1024;

const KIF = `先手：甲野太郎
後手：乙山花子
棋戦：試験対局
手数----指手---------消費時間--
   1 ７六歩(77)   ( 0:12/00:00:12)
*角道を開ける。
   2 ３四歩(33)   ( 0:10/00:00:10)
   3 ２二角成(88)   ( 0:12/00:00:24)+
   4 同　銀(31)
   5 投了

変化：3手
   3 ２六歩(27)
   4 ８四歩(83)
`;
const CSA = "V2.2\nN+Kou\nN-Otsu\nPI\n+\n+7776FU\n-3334FU\n%TORYO\n";

/** Site of somebody else: pages by their path, and files that other sites may read. */
class Blog {
  #pages = new Map();
  #server = createServer((request, response) => {
    const path = new URL(request.url, "http://blog").pathname;
    const page = this.#pages.get(path);
    if (!page) return response.writeHead(404, { "access-control-allow-origin": "*" }).end();
    response.writeHead(200, page.headers).end(page.body);
  });

  async start() {
    await new Promise((done) => this.#server.listen(0, "127.0.0.1", done));
    this.base = `http://127.0.0.1:${this.#server.address().port}/`;
  }

  page(path, body, headers = {}) {
    const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Blog</title></head><body><main><h1>Blog</h1>${body}</main></body></html>`;
    this.#pages.set(path, { body: html, headers: { "content-type": "text/html; charset=utf-8", ...headers } });
    return new URL(path, this.base).href;
  }

  file(path, body, headers = { "access-control-allow-origin": "*" }) {
    this.#pages.set(path, { body, headers: { "content-type": "application/octet-stream", ...headers } });
    return new URL(path, this.base).href;
  }

  close() {
    this.#server.closeAllConnections();
    return new Promise((done) => this.#server.close(done));
  }
}

let site;
let blog;
/** The one script tag. */
let tag;

before(async () => {
  site = await open();
  blog = new Blog();
  await blog.start();
  tag = `<script type="module" src="${site.base}embed/keisei.js"></script>`;
});

after(async () => {
  await blog?.close();
  await site?.close();
});

/** A page of the blog with these elements, once every one of them shows its game or says why not. */
async function opened(path, body, { headers, ...options } = {}) {
  const page = await site.page(options);
  page.requests = [];
  page.on("request", (request) => page.requests.push(request.url()));
  await page.goto(blog.page(path, `${tag}${body}`, headers));
  await settled(page);
  return page;
}

/** Waits until each element shows a game or a message. */
const settled = (page) =>
  page.waitForFunction(() =>
    [...document.querySelectorAll("shogi-replay, shogi-board")].every((each) => {
      const root = each.shadowRoot;
      const failure = root?.querySelector(".failure");
      return (failure && !failure.hidden) || root?.querySelector(".main:not([hidden]) .piece, .frame > .table .piece") != null;
    }));

/** What an element shows, from outside. */
const shown = (page, index = 0) =>
  page.evaluate((index) => {
    const replay = document.querySelectorAll("shogi-replay")[index];
    const root = replay.shadowRoot;
    const text = (selector) => root.querySelector(selector)?.textContent ?? "";
    return {
      ply: replay.ply,
      length: replay.length,
      moves: [...root.querySelectorAll(".moves button")].map((button) => button.textContent),
      current: text("[aria-current]"),
      players: [...root.querySelectorAll(".player")].map((player) => player.textContent),
      comment: text(".comment"),
      result: text(".result"),
      failure: root.querySelector(".failure")?.hidden === false ? text(".failure") : "",
      notices: [...root.querySelectorAll(".notices:not([hidden]) li")].map((item) => item.textContent),
    };
  }, index);

/** The name of a square as a screen reader says it. */
const square = (page, row, column, index = 0) =>
  page.locator("shogi-replay, shogi-board").nth(index).locator(`.row:nth-child(${row}) .cell:nth-child(${column})`).getAttribute("aria-label");

const button = (page, name, index = 0) => page.locator("shogi-replay").nth(index).getByRole("button", { name, exact: true });

test("one script tag shows a game of another origin and plays it", async () => {
  const src = blog.file("/game.kif", KIF);
  const page = await opened("/one", `<shogi-replay src="${src}" ply="1" lang="en"></shogi-replay>`);
  const first = await shown(page);
  assert.deepEqual([first.ply, first.length, first.failure, first.notices], [1, 5, "", []]);
  assert.deepEqual(first.players, ["☖ 乙山花子", "☗ 甲野太郎"]);
  assert.deepEqual(first.moves, ["Start", "P-7f", "P-3d", "Bx2b+", "Sx2b", "White won: resignation"]);
  assert.equal(first.comment, "角道を開ける。");
  assert.equal(await square(page, 6, 3), "7f, Black pawn");
  await button(page, "Next move").click();
  assert.equal((await shown(page)).current, "P-3d");
  await button(page, "Last position").click();
  assert.equal((await shown(page)).result, "White won: resignation");
  await button(page, "First position").click();
  assert.equal((await shown(page)).ply, 0);
  // It plays by itself to the end, and stops there.
  await page.evaluate(() => document.querySelector("shogi-replay").setAttribute("speed", "0.2"));
  await button(page, "Play the moves").click();
  await page.waitForFunction(() => document.querySelector("shogi-replay").ply === 5);
  await button(page, "Play the moves").waitFor();
  await page.checked(/request to/);
});

test("all that a page loads of us is within 60 KB, gzipped", async () => {
  for (const [lang, notation] of [["en", "P-7f"], ["ja", "▲７六歩"]]) {
    const src = blog.file("/bytes.kif", KIF);
    const page = await opened(`/bytes-${lang}`, `<shogi-replay src="${src}" lang="${lang}"></shogi-replay>`);
    await button(page, lang === "en" ? "Next move" : "1手進む").click();
    assert.ok((await shown(page)).current.includes(notation.slice(-3)), (await shown(page)).current);
    const ours = [...new Set(page.requests.filter((url) => url.startsWith(site.base)))];
    let sum = 0;
    const table = [];
    for (const url of ours) {
      const bytes = gzipSync(await readFile(join(site.site, new URL(url).pathname)), { level: 9 }).length;
      sum += bytes;
      table.push(`${new URL(url).pathname} ${bytes}`);
    }
    console.log(`${lang}: ${sum} bytes\n  ${table.join("\n  ")}`);
    assert.ok(sum <= MOST_BYTES, `${sum} bytes, more than ${MOST_BYTES}`);
    await page.checked(/request to/);
  }
});

test("Japanese, inline games, several elements with one module", async () => {
  const page = await opened("/several", `
    <shogi-replay lang="ja" ply="end">${KIF}</shogi-replay>
    <shogi-replay lang="en" orientation="white" notation="usi" format="csa" game="${CSA.replaceAll("\n", "&#10;")}"></shogi-replay>
    <shogi-replay lang="ja" game="startpos moves 2g2f 8c8d" ply="2"></shogi-replay>
    <shogi-board lang="ja" sfen="4k4/9/4P4/9/9/9/9/9/4K4 b G 1" theme="paper"></shogi-board>
    <shogi-board lang="en"></shogi-board>`);
  const [japanese, csa, usi] = [await shown(page, 0), await shown(page, 1), await shown(page, 2)];
  assert.deepEqual(japanese.moves.slice(0, 3), ["開始局面", "▲７六歩", "△３四歩"]);
  assert.equal(japanese.result, "投了、後手の勝ち");
  assert.deepEqual(csa.moves.slice(0, 3), ["Start", "7g7f", "3c3d"]);
  assert.deepEqual(csa.players, ["☗ Kou", "☖ Otsu"]);
  assert.deepEqual([usi.ply, usi.moves.length], [2, 3]);
  assert.equal(await square(page, 3, 5, 3), "5三、先手の歩");
  assert.equal(await square(page, 9, 5, 4), "5i, Black king");
  const modules = page.requests.filter((url) => url.endsWith(".wasm"));
  assert.equal(new Set(modules).size, modules.length, "a module is loaded once");
  await page.checked(/request to/);
});

test("files of every format and encoding; variations and comments", async () => {
  const files = [
    ["/utf8.kif", KIF, {}],
    // Shift_JIS, as Japanese programs write it: "先手：甲" and a move.
    ["/sjis.kif", Buffer.from("90e68ee88146 8d62 0a 20 31 20 8256 985a 95e0 28373729 0a".replaceAll(" ", ""), "hex"), {}],
    ["/utf16.kif", Buffer.from(`\ufeff${KIF}`, "utf16le"), {}],
    ["/a.ki2", "先手：甲\n▲７六歩 △３四歩\n", {}],
    ["/a.csa", CSA, {}],
    ["/a.usi", "startpos moves 7g7f 3c3d", {}],
    ["/a.jkf", JSON.stringify({ header: {}, moves: [{}, { move: { from: { x: 7, y: 7 }, to: { x: 7, y: 6 }, color: 0, piece: "FU" } }] }), {}],
    ["/unnamed", CSA, {}],
    ["/two.csa", `${CSA}/\nV2.2\nN+Second\nPI\n+\n+2726FU\n`, { number: 2 }],
  ];
  const elements = files.map(([path, body, attributes]) => {
    const more = Object.entries(attributes).map(([name, value]) => ` ${name}="${value}"`).join("");
    return `<shogi-replay lang="en" src="${blog.file(path, body)}"${more}></shogi-replay>`;
  });
  const page = await opened("/formats", elements.join("\n"));
  for (const [index, [path]] of files.entries()) {
    const { moves, failure, notices } = await shown(page, index);
    assert.deepEqual([failure, notices], ["", []], path);
    assert.equal(moves[1], path === "/two.csa" ? "P-2f" : "P-7f", path);
  }
  // The third move has a variation, which is shown, chosen and listed.
  await page.evaluate(() => {
    document.querySelector("shogi-replay").ply = 3;
  });
  await button(page, "P-2f").click();
  assert.deepEqual((await shown(page)).moves, ["Start", "P-7f", "P-3d", "P-2f", "P-8d"]);
  await page.checked(/request to/);
});

test("what an element cannot show it says in its language, and the page goes on", async () => {
  const failing = (lang, attributes, text = "") => `<shogi-replay lang="${lang}" ${attributes}>${text}</shogi-replay>`;
  const huge = blog.file("/huge.kif", "*".repeat(600 << 10));
  const cases = [
    [failing("en", ""), /No game is given/],
    [failing("ja", ""), /棋譜がありません/],
    [failing("en", `src="${blog.base}nowhere.kif"`), /does not have the game \(404\)/],
    // A server that lets no other site read its files.
    [failing("ja", `src="${site.base}index.html"`), /CORS/],
    [failing("en", `src="${huge}"`), /too large/],
    [failing("en", 'src="javascript:alert(1)"'), /not one that can be loaded/],
    [failing("en", 'src="http://["'), /not one that can be loaded/],
    [failing("ja", "", "これは棋譜ではありません"), /読める内容ではありません/],
    [failing("en", 'number="7"', CSA), /no game of this number/],
    [failing("en", 'game="sfen 9/9 b - 1"'), /Line 1, character \d+: the start position is wrong/],
  ];
  const page = await opened("/failing", cases.map(([element]) => element).join("\n"));
  for (const [index, [element, message]] of cases.entries()) assert.match((await shown(page, index)).failure, message, element);
  assert.deepEqual(await violations(page), []);
  const noticed = await opened("/noticed", `
    <shogi-replay lang="en" ply="many" orientation="up" theme="pink" piece-set="emoji" notation="morse" speed="0" number="-1" game="startpos moves 7g7f 5a5z"></shogi-replay>
    <shogi-replay lang="ja" ply="99" theme="&lt;img src=x onerror=alert(1)&gt;" game="startpos moves 7g7f"></shogi-replay>`);
  const english = await shown(noticed);
  assert.equal(english.failure, "");
  for (const name of ["ply", "orientation", "theme", "piece-set", "notation", "speed", "number"]) {
    assert.ok(english.notices.some((notice) => notice.startsWith(`${name}="`)), `${name}: ${english.notices.join(" / ")}`);
  }
  assert.ok(english.notices.some((notice) => /^Line 1, character \d+/.test(notice)), english.notices.join(" / "));
  const japanese = await shown(noticed, 1);
  assert.deepEqual([japanese.ply, japanese.notices.length], [1, 2]);
  assert.ok(japanese.notices.every((notice) => /[ぁ-ん]/.test(notice)), japanese.notices.join(" / "));
  await page.checked(/request to|console/);
  await noticed.checked(/request to/);
});

test("keyboard alone; axe in both schemes, forced colours and at the narrowest width", async () => {
  for (const options of [
    { colorScheme: "light", viewport: { width: 1280, height: 800 } },
    { colorScheme: "dark", viewport: { width: 320, height: 640 } },
    { colorScheme: "dark", forcedColors: "active", viewport: { width: 390, height: 844 } },
  ]) {
    const page = await opened("/keys", `<style>:root { color-scheme: light dark } body { background: Canvas; color: CanvasText }</style><shogi-replay lang="ja" ply="1">${KIF}</shogi-replay><p lang="ja"><a href="#">次</a></p>`, options);
    assert.deepEqual(await violations(page), []);
    const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(wide <= room, `the page is ${wide} px wide in ${room} px`);
    await page.keyboard.press("Tab");
    const focused = () => page.evaluate(() => document.querySelector("shogi-replay").shadowRoot.activeElement?.getAttribute("aria-label") ?? "");
    assert.match(await focused(), /五/, "the board is the first stop");
    await page.keyboard.press("ArrowUp");
    assert.match(await focused(), /四/);
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "初手へ");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    assert.equal((await shown(page)).ply, 3);
    await page.keyboard.press("End");
    assert.equal((await shown(page)).ply, 5);
    await page.keyboard.press("f");
    assert.match((await shown(page)).players[1], /乙山/);
    // The element is left as it was entered: nothing holds the focus.
    let presses = 0;
    while ((await focused()) !== "" && presses < 12) {
      await page.keyboard.press("Tab");
      presses++;
    }
    assert.equal(await focused(), "");
    await page.checked(/request to/);
  }
});

test("a page's policy, styles and scripts", async () => {
  const origin = new URL(site.base).origin;
  const policy = `default-src 'none'; script-src ${origin} 'wasm-unsafe-eval'; connect-src ${origin}; style-src 'none'`;
  const page = await opened("/policy", `<shogi-replay lang="en" ply="1">${KIF}</shogi-replay>`, { headers: { "content-security-policy": policy } });
  assert.equal((await shown(page)).current, "P-7f");
  const strict = policy.replace(" 'wasm-unsafe-eval'", "");
  const refused = await opened("/refused", `<shogi-replay lang="en">${KIF}</shogi-replay>`, { headers: { "content-security-policy": strict } });
  assert.match((await shown(refused)).failure, /wasm-unsafe-eval/);
  const styled = await opened("/styled", `<style>* { color: red !important; font-size: 40px; text-transform: uppercase; direction: rtl }</style>
    <shogi-replay lang="en" ply="1">${KIF}</shogi-replay>`);
  const look = await styled.evaluate(() => {
    const { fontSize, textTransform, direction } = getComputedStyle(document.querySelector("shogi-replay").shadowRoot.querySelector("[aria-current]"));
    return { fontSize, textTransform, direction };
  });
  assert.deepEqual(look, { fontSize: "16px", textTransform: "none", direction: "ltr" });
  // Properties set before the script, changes after it, and an element that comes and goes.
  const scripted = await opened("/scripted", `<shogi-replay lang="en">${KIF}</shogi-replay>`);
  const seen = await scripted.evaluate(async () => {
    const replay = document.querySelector("shogi-replay");
    const event = (name) => new Promise((done) => replay.addEventListener(name, (event) => done(event.detail), { once: true }));
    const stepped = event("ply-change");
    replay.ply = 2;
    const { ply } = await stepped;
    const ready = event("replay-ready");
    replay.textContent = "startpos moves 2g2f";
    await ready;
    const length = replay.length;
    replay.remove();
    document.body.append(replay);
    await event("replay-ready");
    return { ply, length, again: replay.length };
  });
  assert.deepEqual(seen, { ply: 2, length: 1, again: 1 });
  await page.checked(/request to|console/);
  await refused.checked(/request to|console/);
  await styled.checked(/request to/);
  await scripted.checked(/request to/);
});

test("the page for frames loads in a frame of another site; the other pages refuse", async () => {
  const framed = async (address) => {
    const outer = await site.page();
    await outer.goto(blog.page("/frame", `<iframe title="Game" width="700" height="700" src="${address}"></iframe>`));
    await outer.waitForLoadState("networkidle");
    const frame = outer.frames().find((each) => each !== outer.mainFrame());
    const replay = await frame?.waitForSelector("shogi-replay >> .moves:has(button)", { timeout: 8000 }).catch(() => null);
    const text = replay ? await frame.evaluate(() => ({
      moves: document.querySelector("shogi-replay").length,
      ply: document.querySelector("shogi-replay").ply,
      lang: document.documentElement.lang,
      theme: document.querySelector("shogi-replay").getAttribute("theme"),
    })) : null;
    const axe = replay ? await violations(outer) : [];
    await outer.checked(/request to|console/);
    return { text, axe };
  };
  const game = encodeURIComponent("startpos moves 7g7f 3c3d");
  for (const address of [`embed.html#game=${game}&p=1&l=ja&theme=slate`, `embed.html?game=${game}&ply=1&lang=ja&theme=slate`, `embed/#game=${game}&p=1&l=ja&theme=slate`]) {
    assert.deepEqual(await framed(site.base + address), { text: { moves: 2, ply: 1, lang: "ja", theme: "slate" }, axe: [] }, address);
  }
  const src = encodeURIComponent(blog.file("/framed.kif", KIF));
  assert.equal((await framed(`${site.base}embed.html#src=${src}`)).text?.moves, 5);
  // At once: each waits for what must not come.
  await Promise.all(["index.html", "replay.html", "404.html"].map(async (other) => {
    const answer = await fetch(site.base + other);
    assert.match(answer.headers.get("content-security-policy"), /frame-ancestors 'self'/, other);
    assert.equal(answer.headers.get("access-control-allow-origin"), null, other);
    assert.equal((await framed(site.base + other)).text, null, other);
  }));
});

test("fuzzed attributes and games: no crash, no hang, no script of theirs runs", { timeout: 240_000 }, async () => {
  const page = await opened("/fuzz", "<shogi-replay></shogi-replay><shogi-board></shogi-board>");
  const result = await page.evaluate(async ({ kif, csa }) => {
    window.ran = 0;
    // Small and fixed, so that a failure can be seen again (SplitMix32).
    let state = 20_261_129;
    const random = (below) => {
      state = (state + 0x9e3779b9) | 0;
      let z = state ^ (state >>> 16);
      z = Math.imul(z, 0x21f0aaad);
      z ^= z >>> 15;
      z = Math.imul(z, 0x735a2d97);
      return ((z ^ (z >>> 15)) >>> 0) % below;
    };
    const pick = (list) => list[random(list.length)];
    const attack = ["<img src=x onerror=ran++>", "javascript:ran++", "\"><script>ran++</script>", "data:text/html,<script>ran++</script>", "\u0000", "\ud800", "９９", "-1", "1e9", "NaN", "__proto__", "constructor", "toString", "", " ", "%00", "x".repeat(20_000), "\u202e", "null"];
    const seeds = [kif, csa, "startpos moves 7g7f", "4k4/9/9/9/9/9/9/9/4K4 b G 1", "{\"moves\":[{}]}", "~0.7ku.r", "変化：1手\n".repeat(500)];
    const mutated = (text) => {
      const chars = [...text];
      for (let change = random(8); change > 0; change--) {
        const at = random(chars.length + 1);
        if (random(3) === 0) chars.splice(at, random(30));
        else if (random(2) === 0) chars.splice(at, 0, pick(attack));
        else chars.splice(at, 0, ...chars.slice(random(chars.length + 1)).slice(0, random(60)));
      }
      return chars.join("");
    };
    const [replay, board] = [document.querySelector("shogi-replay"), document.querySelector("shogi-board")];
    const names = ["src", "game", "format", "number", "ply", "orientation", "notation", "speed", "piece-set", "theme", "lang", "sfen"];
    const formats = ["kif", "csa", "usi", "jkf", "usen", "link", "sfen"];
    let [longest, outcomes] = [0, { ready: 0, error: 0 }];
    replay.addEventListener("replay-ready", () => outcomes.ready++);
    replay.addEventListener("replay-error", () => outcomes.error++);
    for (let round = 0; round < 300; round++) {
      for (const element of [replay, board]) {
        for (const name of names) if (random(4) === 0) element.removeAttribute(name);
        if (random(2) === 0) element.setAttribute(pick(names), pick(attack));
        element.removeAttribute("src");
        if (random(10) === 0) element.setAttribute("src", pick(attack));
        if (random(2) === 0) element.setAttribute("format", pick(formats));
        element.setAttribute(element === board ? "sfen" : "game", mutated(pick(seeds)));
      }
      const before = performance.now();
      await new Promise((done) => {
        const end = () => { replay.removeEventListener("replay-ready", end); replay.removeEventListener("replay-error", end); done(); };
        replay.addEventListener("replay-ready", end);
        replay.addEventListener("replay-error", end);
      });
      replay.ply = random(500);
      for (const step of ["first", "back", "forward", "last", "flip", "play", "pause"]) replay[step]();
      longest = Math.max(longest, performance.now() - before);
    }
    return { ran: window.ran, longest, outcomes, scripts: [document, replay.shadowRoot, board.shadowRoot].map((root) => root.querySelectorAll("img, script:not([type=module]), iframe, a").length) };
  }, { kif: KIF, csa: CSA });
  console.log(result);
  assert.deepEqual([result.ran, result.scripts], [0, [0, 0, 0]]);
  assert.ok(result.outcomes.ready > 30 && result.outcomes.error > 30, "both kinds are met");
  assert.ok(result.longest < 10_000, `one game took ${result.longest} ms`);
  await page.checked(/request to|console/);
});

test("the largest text that is read does not hold the page", async () => {
  const line = (number) => `${number} ${["２六歩(27)", "８四歩(83)"][number % 2]}`;
  const texts = {
    forks: `手数----指手--\n${"変化：1手\n   1 ７六歩(77)\n   2 ３四歩(33)\n".repeat(9000)}`,
    long: `startpos moves ${"2h3h 8b7b 3h2h 7b8b ".repeat(2500)}`,
    comments: `${line(1)}\n${"*あ\n".repeat(100_000)}`,
  };
  for (const [name, text] of Object.entries(texts)) {
    const page = await opened("/largest", "<shogi-replay></shogi-replay>");
    const took = await page.evaluate(async (text) => {
      const replay = document.querySelector("shogi-replay");
      const done = new Promise((done) => ["replay-ready", "replay-error"].forEach((name) => replay.addEventListener(name, done)));
      const before = performance.now();
      replay.game = text;
      await done;
      return performance.now() - before;
    }, text);
    console.log(`${name}: ${Math.round(took)} ms for ${text.length} characters`);
    assert.ok(took < 15_000, `${name}: ${took} ms`);
    await page.checked(/request to/);
  }
});

test("the folder is a package that npm packs, with types, README and licences", async () => {
  const folder = join(site.site, "embed");
  const { stdout } = await promisify(execFile)("npm", ["pack", "--dry-run", "--json"], { cwd: folder });
  const [{ name, files }] = JSON.parse(stdout);
  const paths = files.map(({ path }) => path);
  assert.equal(name, "keisei-embed");
  for (const path of ["keisei.js", "keisei.d.ts", "README.md", "LICENSE-MIT", "LICENSE-APACHE", "OFL.txt", "package.json"]) assert.ok(paths.includes(path), path);
  assert.equal(paths.filter((path) => path.endsWith(".wasm")).length, 3);
  assert.deepEqual(paths.filter((path) => /\.(br|gz|html)$|page-/.test(path)), []);
  // Every file that a script names is among them.
  for (const path of paths.filter((path) => path.endsWith(".js"))) {
    const text = await readFile(join(folder, path), "utf8");
    for (const [, named] of text.matchAll(/["`'](?:\.\/)?(?:assets\/)?([\w-]+-[\w-]{8}\.(?:js|wasm))["`']/g)) assert.ok(paths.includes(`assets/${named}`), `${path}: ${named}`);
  }
  const exported = JSON.parse(await readFile(join(folder, "package.json"), "utf8")).exports["."];
  assert.deepEqual(exported, { types: "./keisei.d.ts", default: "./keisei.js" });
});
