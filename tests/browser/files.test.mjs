/**
 * What the pages write by themselves, without a browser: the diagram of a position, and texts in Shift_JIS.
 *
 * The sources are loaded through Vite, as the pages' build reads them.
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";

const www = new URL("../../www/", import.meta.url);
let server;
let diagram;
let shiftJis;
let shiftJisRecord;

before(async () => {
  const { createServer } = await import(new URL("node_modules/vite/dist/node/index.js", www));
  server = await createServer({
    root: fileURLToPath(www),
    configFile: false,
    server: { middlewareMode: true, ws: false, watch: null },
    appType: "custom",
    optimizeDeps: { noDiscovery: true },
    logLevel: "error",
  });
  ({ diagram } = await server.ssrLoadModule("/src/board/diagram.ts"));
  // The page that saves a diagram shows these pieces already.
  const { loadOutlines } = await server.ssrLoadModule("/src/board/glyphs.ts");
  await Promise.all(["kanji", "international"].map((set) => loadOutlines(set)));
  ({ shiftJis, shiftJisRecord } = await server.ssrLoadModule("/src/shift-jis.ts"));
});

after(() => server?.close());

const decode = (bytes) => new TextDecoder("shift_jis").decode(bytes);

test("every letter of Shift_JIS is written as it is read", () => {
  let letters = 0;
  for (let lead = 0x81; lead <= 0xfc; lead++) {
    for (let trail = 0x40; trail <= 0xfc; trail++) {
      const letter = decode(Uint8Array.of(lead, trail));
      if ([...letter].length !== 1 || letter === "\ufffd" || (letter >= "\ue000" && letter <= "\uf8ff")) continue;
      letters++;
      const { bytes, numbered } = shiftJis(letter);
      assert.deepEqual([decode(bytes), bytes.length, numbered], [letter, 2, []], `${lead} ${trail}`);
    }
  }
  assert.ok(letters > 7000, String(letters));
  const ascii = String.fromCharCode(...Array(128).keys());
  assert.deepEqual([...shiftJis(ascii).bytes], [...Array(128).keys()]);
  assert.equal(decode(shiftJis("ｱﾝ｡").bytes), "ｱﾝ｡");
});

test("letters that Shift_JIS lacks are told, and none is lost", () => {
  const { bytes, numbered } = shiftJis("☗７六歩 𠮷野 髙橋 ♥♥ 〜−¥");
  assert.equal(decode(bytes), "▲７六歩 &#x20BB7;野 髙橋 &#x2665;&#x2665; ～－￥");
  assert.deepEqual(numbered, ["𠮷", "♥"]);
  const record = shiftJisRecord("#KIF version=2.0 encoding=UTF-8\n*encoding=UTF-8\n");
  assert.equal(decode(record.bytes), "#KIF version=2.0 encoding=Shift_JIS\n*encoding=UTF-8\n");
});

test("a diagram shows every piece, both hands, the last move and the turn, and runs nothing", () => {
  const squares = new Uint8Array(81);
  squares[40] = 1 + 5; // Black's bishop on 5e
  squares[36] = 17 + 7; // White's king on 5a
  squares[44] = 1 + 7; // Black's king on 5i
  squares[20] = 17 + 8; // White's promoted pawn on 3c
  const hands = Uint8Array.of(18, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0);
  const options = { orientation: 0, pieceSet: "kanji", title: "</title><script>alert(1)</script>\u0000 & more", description: "" };
  const marksOf = (state, changes = {}) => {
    const text = diagram(state, { ...options, ...changes });
    assert.ok(!text.includes("<script") && !text.includes("\u0000") && text.includes("&lt;/title&gt;"));
    assert.ok(!/NaN|undefined|<text|href|url\(/.test(text), text);
    // Tags are balanced: it is a document of XML.
    const open = [];
    for (const [, close, name, end] of text.matchAll(/<(\/?)([a-z]+)[^<>]*?(\/?)>/g)) {
      if (close) assert.equal(open.pop(), name);
      else if (!end) open.push(name);
    }
    assert.deepEqual(open, []);
    return text;
  };
  const state = { squares, hands, turn: 1, last: "8h5e" };
  const text = marksOf(state);
  assert.equal(text.match(/rotate\(180\)/g).length, 2);
  assert.equal(text.match(/class="last"/g).length, 1);
  // Ranks, four pieces, and the hand: a rook, its count, a pawn, ten in bars and eight.
  assert.equal(text.match(/<path d="/g).length, 9 + 4 + 3 + 2 + 1);
  const turned = marksOf(state, { orientation: 1 });
  assert.equal(turned.match(/rotate\(180\)/g).length, 2);
  assert.notEqual(turned, text);
  assert.notEqual(marksOf({ ...state, turn: 0 }), text);
  assert.equal(marksOf({ ...state, last: undefined }).includes('class="last"'), false);
  assert.ok(marksOf(state, { pieceSet: "international" }).length < text.length);
});
