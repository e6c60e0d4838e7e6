/** The pages without a network: what is kept, how a new version comes, and what happens where nothing can be kept. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { drop, open, openPlay, trainer, xtask } from "./harness.mjs";
import { violations } from "./look.mjs";
import { move, yourTurn } from "./play.mjs";
import { startHost } from "./static-host.mjs";

const KIF = "手合割：平手\n先手：Anna\n後手：Boris\n1 ７六歩(77)\n2 ３四歩(33)\n3 ２二角成(88)\n4 同　銀(31)\n5 投了\n";
/** Messages of a browser whose requests fail, which these tests make fail. */
const NETWORK = /Failed to load resource|ERR_|net::|404|503/;

let site;
let folder;
/** Folder of a second version: pages and a script differ. */
let second;
const hosts = [];
before(async () => {
  site = await open();
  folder = await mkdtemp(join(tmpdir(), "keisei-offline-"));
  second = await nextVersion(site.site, join(folder, "second"), "second");
});
after(async () => {
  await site?.close();
  await Promise.all(hosts.map((host) => host.close()));
  if (folder) await rm(folder, { recursive: true });
});

/** A host of the built pages, or of another folder. */
async function hosted(path = "/", from = site.site) {
  const host = await startHost(from, path);
  hosts.push(host);
  return host;
}

/** A page of a host, with a service worker. */
const pageOf = (host, options = {}) => site.page({ serviceWorkers: "allow", ...options }, host.base);

/**
 * Another version of a site: its pages carry a mark, its lazily loaded scripts have other names and the old ones are gone, and its
 * service worker lists what has changed, as after another build.
 */
async function nextVersion(from, to, mark) {
  await cp(from, to, { recursive: true });
  const assets = await readdir(join(to, "assets"));
  const lazy = assets.filter((name) => /^records-.*\.js$/.test(name));
  const renamed = (text) => lazy.reduce((result, name) => result.replaceAll(name, name.replace("records-", `records-${mark}-`)), text);
  for (const name of assets.filter((name) => name.endsWith(".js"))) {
    const text = renamed(await readFile(join(to, "assets", name), "utf8"));
    await rm(join(to, "assets", name));
    // Every script that differs has another name, as the build gives it.
    await writeFile(join(to, "assets", renamed(name)), text);
  }
  for (const name of ["index.html", "replay.html"]) {
    const text = await readFile(join(to, name), "utf8");
    await writeFile(join(to, name), text.replace("<body", `<body data-version="${mark}"`));
  }
  await writeFile(join(to, "icon.svg"), (await readFile(join(to, "icon.svg"), "utf8")).replace("<svg", `<svg id="${mark}"`));
  const worker = await readFile(join(to, "sw.js"), "utf8");
  const [line] = worker.split("\n", 1);
  const build = JSON.parse(line.slice("const BUILD = ".length, -1));
  const paths = Object.keys(build.files).map(renamed);
  const digest = async (path) => createHash("sha256").update(await readFile(join(to, path))).digest("base64");
  build.files = Object.fromEntries(await Promise.all(paths.map(async (path) => [path, await digest(path)])));
  build.version = `${mark}${build.version}`.slice(0, 16);
  await writeFile(join(to, "sw.js"), `const BUILD = ${JSON.stringify(build)};${worker.slice(line.length)}`);
  return to;
}

/** A copy of a folder. */
async function cpTo(name, from) {
  await cp(from, join(folder, name), { recursive: true });
  return join(folder, name);
}

/** Waits until the copy of the site is complete and answers this page's requests. */
const kept = (page) =>
  page.evaluate(async () => {
    await navigator.serviceWorker.ready;
    while (!navigator.serviceWorker.controller) await new Promise((done) => setTimeout(done, 20));
  });
const cached = (page) =>
  page.evaluate(async () => {
    const urls = [];
    for (const name of await caches.keys()) urls.push(...(await (await caches.open(name)).keys()).map(({ url }) => url));
    return urls;
  });
const version = (page) => page.evaluate(() => document.body.dataset.version ?? "first");
const notice = (page) => page.locator(".notice.shown");
/** Asks for a new version, as the browser does at every visit, and waits until it is stored. */
const lookForNew = (page) =>
  page.evaluate(async () => {
    const registration = await navigator.serviceWorker.getRegistration();
    await registration.update();
    while (!registration.waiting) await new Promise((done) => setTimeout(done, 20));
  });
/** Opens the record on Analysis, for which a script comes that the first visit does not load. */
async function openRecord(page) {
  await drop(page, "game.kif", Buffer.from(KIF));
  await page.locator("#black", { hasText: "Anna" }).waitFor();
}
async function openAnalysis(page, host) {
  await page.goto(`${host.base}replay.html`);
  await page.locator("#agent-state", { hasText: "ready" }).waitFor();
}
/** Status and body of what the page gets for an address. */
const got = (page, address, options) =>
  page.evaluate(
    async ([address, options]) => {
      const response = await fetch(address, options);
      return { status: response.status, body: await response.text() };
    },
    [address, options],
  );
/** State line of the storage in the settings. */
async function storageState(page) {
  await page.locator("#settings").click();
  const state = page.locator(".settings h3", { hasText: "Storage" }).locator("xpath=following-sibling::p").first();
  await page.locator(".stored li").first().waitFor();
  return state.textContent();
}

for (const path of ["/", "/some/where/"]) {
  test(`second visit without a network, at ${path}`, async () => {
    const host = await hosted(path);
    const page = await pageOf(host);
    await openPlay(page, host.base);
    await kept(page);
    host.down = true;
    await page.context().setOffline(true);
    await openPlay(page, host.base);
    await move(page, "7g", "7f");
    await yourTurn(page).waitFor();
    assert.equal(await page.locator("move-list .move:not(.gap)").count(), 2, "the agent has answered");
    // Addresses as hosts know them.
    for (const address of ["", "index.html?from=somewhere", "replay"]) {
      await page.goto(host.base + address);
      await page.locator("shogi-board").waitFor();
    }
    await page.goto(`${host.base}replay.html`);
    await page.locator("#agent-state", { hasText: "ready" }).waitFor();
    await page.locator("#ply-text", { hasText: /\/ [1-9]/ }).waitFor();
    await openRecord(page);
    await page.locator("#explore").click();
    await page.getByRole("tab", { name: "Candidates" }).click();
    await page.locator("candidate-list tbody tr").first().waitFor();
    await page.checked(NETWORK);
  });
}

test("a run page without a network", { timeout: 240_000 }, async (t) => {
  if (!(await readdir(site.site)).includes("run.html")) return t.skip("this build has no run page");
  const from = await cpTo("with-run", site.site);
  const run = join(folder, "run");
  const settings = ["selfplay.envs=16", "selfplay.horizon=8", "selfplay.max_plies=40", "selfplay.first_opening_plies=38", "selfplay.records=6"];
  await trainer("train", "--preset", "tiny", "--plies", "2048", "--out", run, ...settings.flatMap((setting) => ["--set", setting]));
  await trainer("export", "--web", run, "--out", join(from, "runs"));
  const host = await hosted("/", from);
  const page = await pageOf(host);
  const openRun = async () => {
    await page.goto(`${host.base}run.html`);
    await page.locator("#games table").waitFor();
    await page.locator("figure canvas").first().waitFor();
  };
  await openRun();
  await kept(page);
  await openRun();
  host.down = true;
  await openRun();
  await page.checked(NETWORK);
});

test("the copy is made when the page has all that it needs", async () => {
  const host = await hosted();
  const page = await pageOf(host);
  await openPlay(page, host.base);
  await kept(page);
  const [model, worker] = ["models/default.model", "sw.js"].map((path) => host.asked.indexOf(path));
  assert.ok(model >= 0 && worker > model, `asked in this order: ${host.asked.join(" ")}`);
  const urls = await cached(page);
  // One of the two modules is for other browsers, and that for GPUs waits until a network needs it.
  const wasm = urls.filter((url) => /keisei_web_(bg|gpu).*wasm/.test(url));
  assert.equal(wasm.length, 2, wasm.join(" "));
  assert.equal(new Set(urls).size, urls.length);
  await page.checked();
});

test("a new version comes when the user agrees, and never in the middle of a game", async () => {
  const host = await hosted();
  const page = await pageOf(host);
  await openPlay(page, host.base);
  await kept(page);
  await move(page, "7g", "7f");
  await yourTurn(page).waitFor();
  const other = await page.context().newPage();
  await openAnalysis(other, host);

  host.folder = second;
  await lookForNew(page);
  await notice(other).waitFor();
  assert.equal(await notice(page).count(), 0, "no offer in the middle of a game");
  await move(page, "2g", "2f");
  await yourTurn(page).waitFor();
  assert.deepEqual([await version(page), await notice(page).count()], ["first", 0]);
  // A page that is opened now is of the old version, too, with the scripts of that version, which the host no longer has.
  const third = await page.context().newPage();
  await openAnalysis(third, host);
  assert.equal(await version(third), "first");
  await openRecord(third);
  await third.close();

  await page.locator("#resign").click();
  await page.locator("#resign").click();
  await notice(page).waitFor();
  assert.deepEqual(await violations(page), []);
  await page.getByRole("button", { name: "Later" }).click();
  assert.equal(await notice(page).count(), 0);
  await page.reload();
  assert.equal(await version(page), "first");
  await notice(page).waitFor();
  await Promise.all([page.waitForNavigation(), page.getByRole("button", { name: "Use it now" }).click()]);
  assert.equal(await version(page), "second");
  await page.locator("#result", { hasText: /resign/i }).waitFor();
  assert.equal(await page.locator("move-list .move:not(.gap)").count(), 4, "the game is still there");

  // The other tab goes on with its version.
  await other.locator(".notice.shown", { hasText: "Another tab" }).waitFor();
  assert.equal(await version(other), "first");
  await openRecord(other);
  const isSecond = async (tab) => (await got(tab, "icon.svg")).body.includes("second");
  assert.deepEqual([await isSecond(page), await isSecond(other)], [true, false], "each tab has the files of its version");
  assert.equal((await page.evaluate(() => caches.keys())).filter((name) => !/beside|memory/.test(name)).length, 2);
  await Promise.all([other.waitForNavigation(), other.getByRole("button", { name: "Load again" }).click()]);
  assert.equal(await version(other), "second");
  // No page of the old version is left, so its cache leaves at the next visit.
  await page.reload();
  await page.waitForFunction(async () => (await caches.keys()).filter((name) => !/beside|memory/.test(name)).length === 1);
  await page.checked(NETWORK);
});

test("nothing failed, partial or redirected is kept", async () => {
  const host = await hosted();
  const send = (status, headers, body = "") => (_, response) => response.writeHead(status, headers).end(body);
  const html = { "content-type": "text/html" };
  host.answers = {
    "broken.html": send(500, html, "broken"),
    "moved.html": send(302, { location: "./broken.html" }),
    "note.html": send(200, html, "<title>a note</title>"),
    "data/part.bin": send(206, { "content-range": "bytes 0-3/9" }, "part"),
    "data/login.bin": send(200, html, "log in first"),
    "data/secret.bin": send(200, { "cache-control": "no-store" }, "secret"),
    "data/whole.bin": send(200, {}, "whole"),
  };
  const page = await pageOf(host);
  await openPlay(page, host.base);
  await kept(page);
  for (const address of ["broken.html", "moved.html", "no-such-page.html", "note.html"]) await page.goto(host.base + address);
  await openPlay(page, host.base);
  for (const name of ["part", "login", "secret", "whole", "none"]) await got(page, `data/${name}.bin`);
  assert.equal((await got(page, "models/default.model", { headers: { range: "bytes=0-3" } })).status, 200);
  const names = (await cached(page)).map((url) => url.slice(host.base.length)).filter((path) => /^(data|\w+[.]html|no-)/.test(path));
  assert.deepEqual(names.sort(), ["data/whole.bin", "index.html", "note.html", "replay.html", "run.html"]);

  host.down = true;
  assert.equal((await got(page, "data/whole.bin")).body, "whole");
  await page.goto(`${host.base}note.html`);
  assert.equal(await page.title(), "a note");
  const absent = await page.goto(`${host.base}broken.html`);
  assert.equal(absent.status(), 503);
  assert.match(await page.locator("h1").textContent(), /not kept/);
  await page.getByRole("link", { name: "Play" }).click();
  await page.locator("shogi-board").waitFor();
  await page.checked(NETWORK);
});

test("versions do not mix: a host in the middle of an update, and data of another version", async () => {
  const host = await hosted("/", await cpTo("mixed", site.site));
  const page = await pageOf(host);
  await openPlay(page, host.base);
  await kept(page);
  const before = (await cached(page)).length;
  // The service worker of the next version is there, its pages are not.
  const worker = await readFile(join(second, "sw.js"));
  host.answers["sw.js"] = (_, response) => response.writeHead(200, { "content-type": "text/javascript" }).end(worker);
  await page.evaluate(async () => {
    const registration = await navigator.serviceWorker.getRegistration();
    const failed = new Promise((done) => registration.addEventListener("updatefound", () => {
      const { installing } = registration;
      installing.addEventListener("statechange", () => installing.state === "redundant" && done());
    }));
    await registration.update();
    await failed;
  });
  assert.equal(await page.evaluate(async () => (await navigator.serviceWorker.getRegistration()).waiting), null);
  assert.equal((await cached(page)).length, before, "what the attempt has stored is gone");

  // Of another version's host nothing comes to this version's pages, not even the agent.
  const model = (await got(page, "models/default.model")).body;
  host.answers["models/default.model"] = (_, response) => response.writeHead(200).end("another agent");
  await page.waitForTimeout(5100);
  assert.equal((await got(page, "models/default.model")).body, model);
  // On a host of this version a new agent is used at once, and kept.
  delete host.answers["sw.js"];
  await page.waitForTimeout(5100);
  assert.equal((await got(page, "models/default.model")).body, "another agent");
  host.down = true;
  await page.waitForTimeout(100);
  assert.equal((await got(page, "models/default.model")).body, "another agent");
  await page.checked(NETWORK);
});

test("an old service worker with a new page", async () => {
  const host = await hosted();
  const page = await pageOf(host);
  await openPlay(page, host.base);
  await kept(page);
  host.folder = second;
  // The browser has dropped what it kept, so the network answers, under the old worker.
  await page.evaluate(async () => {
    for (const name of await caches.keys()) await caches.delete(name);
    navigator.serviceWorker.controller.postMessage({ kind: "something that it does not know" });
    navigator.serviceWorker.controller.postMessage(null);
  });
  await openAnalysis(page, host);
  assert.equal(await version(page), "second");
  await openRecord(page);
  await openPlay(page, host.base);
  await move(page, "7g", "7f");
  await yourTurn(page).waitFor();
  await page.checked(NETWORK);
});

test("a site that has no service worker any more is left", async () => {
  const host = await hosted();
  const page = await pageOf(host);
  await openPlay(page, host.base);
  await kept(page);
  // Another program has the address now.
  host.answers = { "sw.js": (_, response) => response.writeHead(404).end(), "index.html": (_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<h1>other</h1>") };
  await page.waitForTimeout(5100);
  await page.goto(`${host.base}index.html`);
  await page.waitForFunction(async () => (await caches.keys()).length === 0 && !(await navigator.serviceWorker.getRegistration()));
  await page.goto(`${host.base}index.html`);
  await page.locator("h1", { hasText: "other" }).waitFor();
  await page.checked(NETWORK);
});

test("what is stored is shown and cleared, each part alone", async () => {
  const host = await hosted();
  const page = await pageOf(host);
  await openPlay(page, host.base);
  await kept(page);
  await move(page, "7g", "7f");
  await yourTurn(page).waitFor();
  assert.match(await storageState(page), /work without a network/);
  assert.match(await page.locator(".settings p", { hasText: "This site uses" }).textContent(), /uses [\d.]+ [kM]B of the [\d.]+ GB/);
  assert.deepEqual(await violations(page), []);
  const row = (name) => page.locator(".stored li", { hasText: name });
  assert.match(await row("Pages").locator(".size").textContent(), /^\d[.]\d MB · \d+ entries$/);
  assert.match(await row("Saved games").locator(".size").textContent(), /· 1 entry$/);
  const clear = async (name) => {
    await row(name).locator("button").click();
    await row(name).locator("button", { hasText: "Sure?" }).click();
    await page.locator(".settings [role=status]", { hasText: "Cleared" }).waitFor();
    await row(name).locator(".size", { hasText: "0 entries" }).waitFor();
  };
  await clear("Saved games");
  assert.match(await row("Pages").locator(".size").textContent(), /MB/, "the other part stays");
  await clear("Pages");
  assert.equal((await cached(page)).length, 0);
  // The next visit keeps a copy again.
  await openPlay(page, host.base);
  await kept(page);
  assert.ok((await cached(page)).length > 10);
  await page.checked();
});

test("a full storage and a forbidden one: a message, and the page goes on", async () => {
  const host = await hosted();
  const full = await pageOf(host);
  const session = await full.context().newCDPSession(full);
  await session.send("Storage.overrideQuotaForOrigin", { origin: new URL(host.base).origin, quotaSize: 300_000 });
  await openPlay(full, host.base);
  await notice(full).filter({ hasText: "storage is full" }).waitFor();
  await full.getByRole("button", { name: "Close" }).click();
  assert.match(await storageState(full), /storage is full/);
  await full.keyboard.press("Escape");
  await move(full, "7g", "7f");
  await yourTurn(full).waitFor();
  assert.equal((await cached(full)).length, 0);
  await full.checked(NETWORK);

  // What is kept already stays where a new version has no room.
  const kind = await pageOf(host);
  await openPlay(kind, host.base);
  await kept(kind);
  const { usage } = await kind.evaluate(() => navigator.storage.estimate());
  const origin = new URL(host.base).origin;
  await (await kind.context().newCDPSession(kind)).send("Storage.overrideQuotaForOrigin", { origin, quotaSize: usage + 100_000 });
  host.folder = second;
  await kind.evaluate(async () => (await navigator.serviceWorker.getRegistration()).update());
  await notice(kind).filter({ hasText: "new version of Keisei cannot be stored" }).waitFor();
  assert.match(await storageState(kind), /work without a network/);
  await openPlay(kind, host.base);
  assert.equal(await version(kind), "first");
  await kind.checked(NETWORK);
  host.folder = site.site;

  const forbidden = await pageOf(host);
  await forbidden.addInitScript(() => {
    const refuse = () => Promise.reject(new DOMException("The user denied permission to use Service Worker.", "SecurityError"));
    Object.assign(ServiceWorkerContainer.prototype, { register: refuse, getRegistration: refuse });
  });
  await openPlay(forbidden, host.base);
  assert.match(await storageState(forbidden), /does not let the site keep its pages/);
  await forbidden.keyboard.press("Escape");
  await move(forbidden, "7g", "7f");
  await yourTurn(forbidden).waitFor();
  await forbidden.checked();

  const without = await pageOf(host);
  await without.addInitScript(() => delete Navigator.prototype.serviceWorker);
  await openPlay(without, host.base);
  assert.match(await storageState(without), /lacks service workers/);
  await without.checked();
});

test("a published folder in a folder of its host, with and without a network", async () => {
  const published = join(folder, "published");
  await xtask("web", "--built", "--publish", published, "--path", "some/where");
  for (const name of [".nojekyll", ".htaccess", "_headers", "404.html"]) await readFile(join(published, name));
  const host = await hosted("/some/where/", published);
  await cp(join(site.site, "models"), join(published, "models"), { recursive: true });
  const page = await pageOf(host);
  // The address is deeper than the page was written for.
  await page.goto(`${host.base}no/such/page`);
  await page.locator("main.plain h1", { hasText: "no page" }).waitFor();
  assert.notEqual(await page.evaluate(() => getComputedStyle(document.querySelector("main.plain")).display), "block", "the page has its style");
  await page.locator("main.plain a").first().click();
  await page.locator("#agent-state", { hasText: "ready" }).waitFor();
  await kept(page);
  host.down = true;
  await openPlay(page, host.base);
  await move(page, "7g", "7f");
  await yourTurn(page).waitFor();
  await page.checked(NETWORK);
});

test("the pages can be installed", async () => {
  const host = await hosted("/some/where/");
  const page = await pageOf(host);
  await openPlay(page, host.base);
  await kept(page);
  const session = await page.context().newCDPSession(page);
  const { url, errors, data } = await session.send("Page.getAppManifest");
  assert.deepEqual([url, errors], [`${host.base}manifest.webmanifest`, []]);
  const manifest = JSON.parse(data);
  for (const { src, sizes, type } of manifest.icons.filter(({ type }) => type === "image/png")) {
    const size = await page.evaluate(async (src) => {
      const bitmap = await createImageBitmap(await (await fetch(src)).blob());
      return `${bitmap.width}x${bitmap.height}`;
    }, src);
    assert.deepEqual([size, type], [sizes, "image/png"]);
  }
  assert.ok(manifest.icons.some(({ purpose }) => purpose === "maskable"));
  const { installabilityErrors } = await session.send("Page.getInstallabilityErrors");
  assert.deepEqual(installabilityErrors.filter(({ errorId }) => errorId !== "in-incognito"), []);
  await page.checked();
});
