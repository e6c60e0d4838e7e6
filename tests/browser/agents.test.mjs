/** Agents of the site: manifest, list, downloads, files that the browser keeps, and everything that can be wrong with them. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { buildAgent } from "./agent.mjs";
import { drop, open, openPlay, trainer } from "./harness.mjs";
import { violations } from "./look.mjs";
import { move, random, yourTurn } from "./play.mjs";

/** Mutated manifests that go through the reader and the list, and those of them that a whole page opens. */
const [MUTANTS, WHOLE_PAGES] = [600, 12];

let site;
/** Model files by the ids of their agents. */
const models = {};

before(async () => {
  site = await open();
  await buildAgent(site.site, { manifest: "agents/manifest.ts", rows: "agents/rows.ts", picker: "parts/agent-picker.ts" });
  for (const [id, ...format] of [["small", "--int8"], ["middle", "--f16"], ["large"]]) {
    const path = join(site.files, `${id}.model`);
    await trainer("export", "--init", String(id.length), ...format, "--out", path);
    models[id] = await readFile(path);
  }
});
after(() => site?.close());

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

const NETWORK = { channels: 32, blocks: 4, weights: 141_000, features: "attack96", actions: "dest2187", dtype: "int8" };

/** Entry of a model in a manifest. */
function entry(id, more = {}) {
  const digest = sha256(models[id]);
  return {
    id,
    file: `${id}-${digest.slice(0, 12)}.model`,
    bytes: models[id].length,
    sha256: digest,
    name: `The ${id} one`,
    name_ja: `${id}エージェント`,
    strength: "casual",
    network: NETWORK,
    plies: 1_234_567,
    seconds: 900,
    seed: 7,
    machine: "linux x86_64, 2 cores",
    command: "trainer-native train --preset quick",
    ratings: [],
    levels: [],
    ...more,
  };
}

const manifestOf = (agents, more = {}) => ({ format: "keisei-agents", version: 1, default: agents[0]?.id ?? null, agents, ...more });

/** Puts a manifest and the files of these entries into the site; null leaves it without a manifest. */
async function ship(manifest, entries = manifest?.agents ?? []) {
  const folder = join(site.site, "agents");
  await rm(folder, { recursive: true, force: true });
  if (manifest === null) return;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "manifest.json"), typeof manifest === "string" ? manifest : JSON.stringify(manifest));
  for (const { id, file } of entries) await writeFile(join(folder, file), models[id]);
}

const name = (page) => page.locator("#agent-name").textContent();
const ready = (page, text) => Promise.all([
  page.locator("#agent-name", { hasText: text }).waitFor(),
  page.locator("#agent-state", { hasText: /ready|thinking|対局|準備|考慮/ }).waitFor(),
]);
const rows = (page) => page.locator("agent-picker li");

async function pick(page, text) {
  await page.locator("#choose-agent").click();
  await rows(page).filter({ hasText: text }).locator(".choose").click();
}

/** The requests of a page for model files, by their names. */
function modelRequests(page) {
  const names = [];
  page.on("request", (request) => {
    const file = new URL(request.url()).pathname.split("/").pop();
    if (file.endsWith(".model")) names.push(file);
  });
  return names;
}

test("without a manifest, or with an empty one, the site's own model plays", async () => {
  for (const manifest of [null, manifestOf([])]) {
    await ship(manifest);
    const page = await site.page();
    const requests = modelRequests(page);
    await openPlay(page, site.base);
    await move(page, "7g", "7f");
    await yourTurn(page).waitFor();
    assert.deepEqual(requests, ["default.model"]);
    assert.ok(await page.locator("#problem").isHidden());
    await page.checked(/404/);
  }
});

test("the first agent of a manifest is downloaded once, and plays without the network later", async () => {
  await ship(manifestOf([entry("small")]));
  const page = await site.page();
  const requests = modelRequests(page);
  await openPlay(page, site.base);
  assert.equal(await name(page), "The small one");
  await move(page, "7g", "7f");
  await yourTurn(page).waitFor();
  assert.deepEqual(requests, [entry("small").file]);
  await kept(page, 1);
  await page.route("**/*.model", (route) => route.abort());
  await page.reload();
  await ready(page, "The small one");
  await page.goto(`${site.base}replay.html`);
  await ready(page, "The small one");
  assert.deepEqual(requests, [entry("small").file]);
  await page.checked();
});

/** Waits until the browser keeps this number of models. */
async function kept(page, count) {
  await page.waitForFunction(async (count) => {
    const database = await new Promise((resolve, reject) => {
      const request = indexedDB.open("keisei-models");
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    try {
      if (!database.objectStoreNames.contains("models")) return count === 0;
      return await new Promise((resolve) => {
        const request = database.transaction("models").objectStore("models").count();
        request.onsuccess = () => resolve(request.result === count);
      });
    } finally {
      database.close();
    }
  }, count);
}

test("the shipped agents are what their list says, and the default one plays", async () => {
  const shipped = await open({ shipped: true });
  try {
    const folder = join(shipped.site, "agents");
    const { agents, default: first } = JSON.parse(await readFile(join(folder, "manifest.json"), "utf8"));
    assert.ok(agents.length >= 5);
    for (const { id, file, bytes, sha256: digest, ratings, levels, command } of agents) {
      const model = await readFile(join(folder, file));
      assert.deepEqual([model.length, sha256(model)], [bytes, digest], id);
      assert.ok(bytes <= 400_000 && ratings.length > 0 && levels.length > 0 && command, id);
    }
    const page = await shipped.page();
    await openPlay(page, shipped.base);
    assert.equal(await name(page), agents.find(({ id }) => id === first).name);
    await move(page, "7g", "7f");
    await yourTurn(page).waitFor();
    await page.locator("#choose-agent").click();
    await page.locator("agent-picker .choose").nth(agents.length - 1).waitFor();
    assert.equal(await page.locator("agent-picker .choose").count(), agents.length);
    await page.checked();
  } finally {
    await shipped.close();
  }
});

test("the list tells strength, size and provenance; a choice lasts", async () => {
  const rating = (play, elo) => ({ play, elo, low: elo - 40, high: elo + 40, anchor: "random", games: 400, seed: 1, conditions: "" });
  const levels = [
    { name: "gentle", visits: 0, temperature: 1, milliseconds: 0 },
    { name: "even", visits: 0, temperature: 0.3, milliseconds: 0 },
    { name: "strong", visits: 100, temperature: 0, milliseconds: 3000 },
  ];
  const measured = { ratings: [rating("policy alone, temperature 0.3, f32", 512), rating("100 visits, temperature 0.15, f32", 845)], levels };
  await ship(manifestOf([entry("small"), entry("middle", { ...measured, strength: "club" }), entry("large", { strength: undefined })]));
  const page = await site.page();
  const requests = modelRequests(page);
  await openPlay(page, site.base);
  await page.locator("#choose-agent").click();
  await rows(page).nth(2).waitFor();
  const texts = await rows(page).locator(".choose").allTextContents();
  assert.equal(texts.length, 3);
  assert.match(texts[0], /for casual players · strength not measured.*on this device · playing now/);
  assert.match(texts[1], /for club players · Elo 845 \(805 to 885\) · 100 visits a move.*kB to download/);
  assert.match(texts[2], /strength not measured.*to download/);
  assert.doesNotMatch(texts[2], /Elo|for /);
  await rows(page).nth(1).locator("summary").click();
  const facts = await rows(page).nth(1).locator("dl").textContent();
  for (const part of [entry("middle").sha256, "15 min", "1.2 million moves", "policy alone, temperature 0.3", "400 games", "--preset quick"]) {
    assert.ok(facts.includes(part), `${part} is not in ${facts}`);
  }
  assert.deepEqual(await violations(page), []);
  await page.keyboard.press("Escape");

  await pick(page, "The middle one");
  await ready(page, "The middle one");
  assert.deepEqual(requests, [entry("small").file, entry("middle").file]);
  // Its own levels, of which the measured ones alone are labelled; the middle one is chosen.
  const level = page.locator("#level");
  assert.equal(await level.getAttribute("max"), "2");
  assert.equal(await page.locator("#level-name").textContent(), "Even · Elo 512");
  await level.fill("0");
  assert.equal(await page.locator("#level-name").textContent(), "Gentle");
  await level.fill("2");
  assert.equal(await page.locator("#level-name").textContent(), "Strong · Elo 845");
  await kept(page, 2);
  await page.reload();
  await ready(page, "The middle one");
  assert.equal(await page.locator("#level-name").textContent(), "Strong · Elo 845");
  await page.goto(`${site.base}replay.html`);
  await ready(page, "The middle one");
  await page.checked();
});

test("a file of the user stays in the browser, can be removed, and storage can be cleared", async () => {
  await ship(manifestOf([entry("small")]));
  const page = await site.page();
  await openPlay(page, site.base);
  await drop(page, "mine.model", models.large);
  await page.locator("#agent-name", { hasText: "Unnamed agent" }).waitFor();
  await page.reload();
  await ready(page, "Unnamed agent");
  await page.locator("#choose-agent").click();
  const mine = rows(page).filter({ hasText: "mine.model" });
  await mine.locator("summary").click();
  assert.ok((await mine.textContent()).includes(sha256(models.large)));
  assert.match(await mine.locator(".choose").textContent(), /on this device · playing now/);
  const storage = page.locator("agent-picker [role=status]");
  assert.match(await storage.textContent(), /2 models/);
  await mine.locator(".remove").click();
  assert.equal(await rows(page).count(), 2, "one click only asks");
  await mine.locator(".remove").click();
  await mine.waitFor({ state: "detached" });
  assert.match(await storage.textContent(), /1 model,/);
  const clear = page.getByRole("button", { name: "Clear storage" });
  await clear.click();
  await page.getByRole("button", { name: "Remove all models?" }).click();
  await page.locator("agent-picker [role=status]", { hasText: "keeps no models" }).waitFor();
  await page.reload();
  await ready(page, "The small one");
  assert.ok(await page.locator("#problem").isHidden());
  await page.checked();
});

test("a file opened in the analysis plays in Play as well, and the second agent has its own", async () => {
  await ship(manifestOf([entry("small"), entry("middle")]));
  const page = await site.page();
  await page.goto(`${site.base}replay.html`);
  await ready(page, "The small one");
  await pick(page, "The middle one");
  await ready(page, "The middle one");
  await page.goto(`${site.base}index.html`);
  await ready(page, "The middle one");
  await page.getByRole("tab", { name: "New game" }).click();
  await page.getByRole("radio", { name: /Neither/ }).check();
  await page.locator("#open-second").click();
  await rows(page).filter({ hasText: "The small one" }).locator(".choose").click();
  await page.locator("#open-second", { hasText: "The small one" }).waitFor();
  assert.equal(await name(page), "The middle one");
  await page.checked();
});

test("a download shows its progress and can be cancelled", async () => {
  await ship(manifestOf([entry("small"), entry("large")]));
  const page = await site.page();
  await openPlay(page, site.base);
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: 40_000, uploadThroughput: 40_000 });
  await pick(page, "The large one");
  const cancel = page.locator("#agent-cancel");
  await cancel.waitFor();
  await page.waitForFunction(() => document.querySelector("#agent-progress").value > 0.05);
  assert.match(await page.locator("#agent-about").textContent(), /\d+ kB of \d+ kB/);
  await cancel.click();
  await cancel.waitFor({ state: "hidden" });
  assert.equal(await name(page), "The small one");
  await session.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
  await move(page, "7g", "7f");
  await yourTurn(page).waitFor();
  assert.ok(await page.locator("#problem").isHidden());
  await pick(page, "The large one");
  await ready(page, "The large one");
  await page.checked();
});

for (const format of ["small", "middle"]) {
  test(`a model of ${format === "small" ? "8-bit integers" : "16-bit numbers"} plays on both pages`, async () => {
    await ship(manifestOf([]));
    const page = await site.page();
    await openPlay(page, site.base);
    await drop(page, `${format}.model`, models[format]);
    await page.locator("#agent-name", { hasText: "Unnamed agent" }).waitFor();
    await move(page, "7g", "7f");
    await yourTurn(page).waitFor();
    await page.goto(`${site.base}replay.html`);
    await ready(page, "Unnamed agent");
    await page.locator("#explore").click();
    await page.locator("#agent-state", { hasText: "searching" }).waitFor();
    await page.checked();
  });
}

/** Lies of a manifest about its first agent, and what the page says about them in both languages. */
const other = Buffer.from("something else entirely");
const LIES = [
  ["digest", { sha256: "0".repeat(64) }, null, /SHA-256 differs/, /SHA-256が一致しません/],
  ["size, too small", { bytes: 1000 }, null, /promises 1 kB/, /一覧では1 kB/],
  ["size, too large", { bytes: 100_000_000 }, null, /promises 100\.0 MB/, /一覧では100\.0 MB/],
  ["no file", {}, { status: 404 }, /not there/, /ファイルがありません/],
  ["a start page in its place", {}, { contentType: "text/html", body: "<script>globalThis.hostile = true</script>" }, /not there/, /ファイルがありません/],
  ["server error", {}, { status: 503 }, /error 503/, /エラー503/],
  ["no model", { bytes: other.length, sha256: sha256(other) }, { body: other }, /not a model file/, /モデルファイルではない/],
  ["broken connection", {}, "abort", /connection failed/, /接続できず/],
];
for (const [lie, change, answer, english, japanese] of LIES) {
  test(`a lie about the first agent is told, and the next one plays: ${lie}`, async () => {
    const liar = entry("large", change);
    await ship(manifestOf([liar, entry("small")]));
    for (const [locale, expected, next] of [["en-GB", english, "The small one"], ["ja-JP", japanese, "smallエージェント"]]) {
      const page = await site.page({ locale });
      if (answer) await page.route(`**/${liar.file}`, (route) => (answer === "abort" ? route.abort() : route.fulfill(answer)));
      await page.goto(`${site.base}index.html`);
      await ready(page, next);
      const problem = page.locator("#problem span");
      await problem.waitFor();
      const text = await problem.textContent();
      if (locale === "en-GB") console.log(`    ${text}`);
      assert.match(text, expected);
      assert.ok(text.includes(next), text);
      assert.equal(await page.evaluate(() => globalThis.hostile), undefined);
      await page.checked(/404|503|ERR_FAILED/);
    }
  });
}

test("manifests that are none are told, and the site's own model plays", async () => {
  const first = manifestOf([]);
  const cases = [
    ["{", /not JSON/],
    ["[]", /not a list of agents/],
    [JSON.stringify({ ...first, format: "other" }), /not a list of agents/],
    [JSON.stringify({ ...first, version: 2 }), /version 2, and this page reads version 1/],
    [JSON.stringify({ ...first, version: "<b>1</b>" }), /version "<b>1<\/b>"/],
    [JSON.stringify({ ...first, agents: Array.from({ length: 5000 }, () => entry("small")) }).slice(0, 1 << 21), /too long|not JSON/],
    [JSON.stringify({ ...first, agents: Array.from({ length: 100 }, () => ({})) }), /100 agents, too many/],
    [JSON.stringify({ ...first, default: "nobody" }), /first agent is none of the list/],
    [`${"[".repeat(200_000)}`, /not JSON/],
    [JSON.stringify({ ...first, agents: [entry("small", { file: "../models/default.model" })] }), /entry 1 is left out \(file\)/],
    [JSON.stringify({ ...first, agents: [entry("small", { file: "https://example.com/a.model" })] }), /entry 1 is left out \(file\)/],
  ];
  for (const [text, expected] of cases) {
    await ship(text, []);
    const page = await site.page();
    await openPlay(page, site.base);
    const problem = page.locator("#problem span");
    await problem.waitFor();
    assert.match(await problem.textContent(), expected);
    await page.checked();
  }
  await ship(manifestOf([]));
});

test("a manifest that never ends, or never comes, does not hold the page up", { timeout: 120_000 }, async () => {
  await ship(manifestOf([]));
  const page = await site.page();
  await page.route("**/manifest.json", () => {});
  await openPlay(page, site.base);
  await page.locator("#problem span", { hasText: "could not be fetched" }).waitFor();
  await page.checked();
});

test("storage that is forbidden or full: the agent plays, and the page says what it could not do", async () => {
  await ship(manifestOf([entry("small")]));
  const forbid = () => {
    IDBFactory.prototype.open = () => {
      throw new DOMException("no", "SecurityError");
    };
  };
  const fill = () => {
    IDBObjectStore.prototype.put = () => {
      throw new DOMException("full", "QuotaExceededError");
    };
  };
  const never = () => {
    IDBFactory.prototype.open = () => new EventTarget();
  };
  for (const [fault, expected] of [[forbid, /does not let the page keep it/], [fill, /no room to keep it/], [never, /does not let the page keep it/]]) {
    const page = await site.page();
    await page.addInitScript(fault);
    await page.goto(`${site.base}index.html`);
    await ready(page, "The small one");
    await drop(page, "mine.model", models.large);
    await page.locator("#agent-name", { hasText: "Unnamed agent" }).waitFor();
    await page.locator("#problem span", { hasText: expected }).waitFor();
    await move(page, "7g", "7f");
    await yourTurn(page).waitFor();
    // What was not kept is not remembered either.
    await page.reload();
    await ready(page, "The small one");
    await page.locator("#choose-agent").click();
    await rows(page).first().waitFor();
    await page.checked();
  }
});

/** Changes one byte of every kept file. */
const damage = (page) =>
  page.evaluate(async () => {
    const answer = (request) => new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    const database = await answer(indexedDB.open("keisei-models"));
    const files = database.transaction("files", "readwrite").objectStore("files");
    for (const key of await answer(files.getAllKeys())) {
      const bytes = new Uint8Array(await answer(files.get(key)));
      bytes[bytes.length >> 1] ^= 1;
      await answer(files.put(bytes.buffer, key));
    }
    database.close();
  });

test("a damaged copy of a download is fetched again, and one of the user's file is told and removed", async () => {
  await ship(manifestOf([entry("small")]));
  const page = await site.page();
  const requests = modelRequests(page);
  await openPlay(page, site.base);
  await kept(page, 1);
  await damage(page);
  await page.reload();
  await ready(page, "The small one");
  assert.equal(requests.length, 2);
  assert.ok(await page.locator("#problem").isHidden());
  await drop(page, "mine.model", models.large);
  await page.locator("#agent-name", { hasText: "Unnamed agent" }).waitFor();
  await kept(page, 2);
  await damage(page);
  await page.reload();
  await ready(page, "The small one");
  await page.locator("#problem span", { hasText: "was damaged and has been removed" }).waitFor();
  await page.reload();
  await ready(page, "The small one");
  assert.ok(await page.locator("#problem").isHidden(), "it is told once");
  await page.checked();
});

test("an agent that left the site, and a kept model that is gone, give way to the site's own", async () => {
  await ship(manifestOf([entry("small"), entry("middle")]));
  const page = await site.page();
  await openPlay(page, site.base);
  await pick(page, "The middle one");
  await ready(page, "The middle one");
  await ship(manifestOf([entry("small")]));
  await page.reload();
  await ready(page, "The small one");
  await page.locator("#problem span", { hasText: "no longer on this site" }).waitFor();
  await page.evaluate(() => localStorage.setItem("keisei.agent", `kept ${"0".repeat(64)}`));
  await page.reload();
  await ready(page, "The small one");
  await page.locator("#problem span", { hasText: "keeps the model no more" }).waitFor();
  for (const nonsense of ["kept", "shipped ../x", "constructor", `kept ${"<b>".repeat(9)}`, "x".repeat(100_000)]) {
    await page.evaluate((text) => localStorage.setItem("keisei.agent", text), nonsense);
    await page.reload();
    await ready(page, "The small one");
  }
  await page.checked();
});

// --- fuzzing --------------------------------------------------------------------------------------------------------

const NASTY = [
  null, true, -1, 0, 1.5, 1e308, 2 ** 53, "", " ", "\u0000", "\u202e", "x".repeat(5000), "../../etc/passwd", "..", ".", "/a.model", "\\a.model",
  "https://example.com/a.model", "//example.com/a.model", "javascript:globalThis.hostile=1", "data:text/html,<script>hostile=1</script>",
  "a.model?x=%2e%2e/", "a.model#x", "%2e%2e%2fa.model", "<img src=x onerror='globalThis.hostile=1'>", "<script>globalThis.hostile=1</script>",
  "__proto__", "constructor", [], {}, [[[]]], { toString: 1 }, Array.from({ length: 1000 }, () => 0), "🀄".repeat(81), "small", "small.model",
];

/** A copy with one change somewhere. */
function mutated(manifest, uniform) {
  const copy = structuredClone(manifest);
  const any = (list) => list[Math.floor(uniform() * list.length)];
  let [holder, key] = [{ copy }, "copy"];
  for (let depth = 2 + Math.floor(uniform() * 4); depth > 0; depth--) {
    const value = holder[key];
    if (typeof value !== "object" || value === null || Object.keys(value).length === 0) break;
    [holder, key] = [value, any(Object.keys(value))];
  }
  const change = uniform();
  if (change < 0.7) holder[key] = structuredClone(any(NASTY));
  else if (change < 0.8) delete holder[key];
  else if (change < 0.9) holder[any(["__proto__", "constructor", "extra", "bytes", "file", "agents"])] = structuredClone(any(NASTY));
  else if (Array.isArray(holder)) holder.push(...structuredClone(holder));
  else holder[key] = [holder[key], holder[key]];
  return holder.copy ?? copy;
}

/** A text with some of its bytes changed, lost or doubled. */
function torn(text, uniform) {
  const at = Math.floor(uniform() * text.length);
  const length = Math.floor(uniform() * 30);
  const insert = uniform() < 0.5 ? "" : text.slice(at, at + length).split("").reverse().join("");
  return text.slice(0, at) + insert + text.slice(at + (uniform() < 0.5 ? length : 0));
}

function mutants(count) {
  const uniform = random(20261129);
  const rating = { play: "100 visits", elo: 5, low: 1, high: 9, anchor: "random", games: 8, seed: 1, conditions: "" };
  const levels = [{ name: "even", visits: 0, temperature: 0.3, milliseconds: 0 }, { name: "full", visits: 9, temperature: 0, milliseconds: 9 }];
  const sound = manifestOf([entry("small", { ratings: [rating], levels }), entry("middle"), entry("large")]);
  return Array.from({ length: count }, () => {
    let manifest = sound;
    for (let changes = 1 + Math.floor(uniform() * 4); changes > 0; changes--) manifest = mutated(manifest, uniform);
    const text = JSON.stringify(manifest) ?? "";
    return uniform() < 0.25 ? torn(text, uniform) : text;
  });
}

test(`${MUTANTS} mutated manifests: no crash, no hang, no script runs`, { timeout: 300_000 }, async () => {
  const page = await site.page();
  await page.goto(`${site.base}agent-test/index.html`);
  const found = await page.evaluate(async (texts) => {
    const { readManifest } = await import("./manifest.js");
    const { listOf } = await import("./rows.js");
    await import("./picker.js");
    const picker = document.createElement("agent-picker");
    document.body.append(picker);
    picker.open("Agents");
    const faults = [];
    let [slowest, usable] = [0, 0];
    for (const text of texts) {
      const began = performance.now();
      try {
        const manifest = readManifest(text);
        usable += manifest.agents.length;
        const ids = new Set(manifest.agents.map(({ id }) => id));
        if (ids.size !== manifest.agents.length) throw new Error("two agents with one id");
        if (manifest.default !== null && !ids.has(manifest.default)) throw new Error("no such first agent");
        for (const { file, bytes, sha256 } of manifest.agents) {
          const folder = new URL("agents/", document.baseURI).href;
          const address = new URL(file, folder).href;
          if (address !== folder + file || address.includes("..") || /[?#%]/.test(file)) throw new Error(`file ${file}`);
          if (!(bytes > 0 && bytes <= 128 << 20) || !/^[0-9a-f]{64}$/.test(sha256)) throw new Error(`${bytes} ${sha256}`);
        }
        picker.show(listOf(manifest, [], null, "Agents"));
        const names = [...picker.shadowRoot.querySelectorAll("*")].map(({ localName }) => localName);
        const strange = names.filter((name) => !/^(dialog|div|h2|button|p|ul|li|span|details|summary|dl|dt|dd)$/.test(name));
        if (strange.length > 0) throw new Error(`elements ${strange}`);
      } catch (error) {
        faults.push(`${error}: ${text.slice(0, 300)}`);
      }
      slowest = Math.max(slowest, performance.now() - began);
    }
    return { faults, slowest, usable, hostile: globalThis.hostile, polluted: Object.keys(Object.prototype) };
  }, mutants(MUTANTS));
  console.log(`    ${found.usable} agents usable, slowest manifest ${found.slowest.toFixed(0)} ms`);
  assert.deepEqual(found.faults, []);
  assert.ok(found.usable > MUTANTS / 2, "most manifests keep some agents");
  assert.ok(found.slowest < 1000, `${found.slowest} ms`);
  assert.deepEqual([found.hostile, found.polluted], [undefined, []]);
  await page.checked();
});

test(`${WHOLE_PAGES} mutated manifests on the whole page`, { timeout: 300_000 }, async () => {
  for (const text of mutants(WHOLE_PAGES)) {
    await ship(text, [entry("small"), entry("middle"), entry("large")]);
    const page = await site.page();
    await page.goto(`${site.base}index.html`);
    await page.locator("#agent-state", { hasText: /ready|none/ }).waitFor();
    await page.locator("#choose-agent").click();
    await page.locator("agent-picker h2", { hasText: "Agents" }).waitFor();
    await page.keyboard.press("Escape");
    await move(page, "7g", "7f");
    await page.locator("#moves .move", { hasText: "P-7f" }).waitFor();
    assert.equal(await page.evaluate(() => globalThis.hostile), undefined);
    await page.checked(/404/);
  }
  await ship(manifestOf([]));
});
