/**
 * Text in Shift_JIS, as older programs expect KIF and KI2.
 *
 * Browsers decode it but do not encode it: the table is made once, by decoding every code. A letter that Shift_JIS lacks is
 * written as one that means the same, or as its number (`&#x2665;`), which our readers turn back; the latter are told.
 */

/** Letters that Shift_JIS lacks, and those that mean the same in a game record. */
const SUBSTITUTES: ReadonlyMap<string, string> = new Map([
  ["☗", "▲"],
  ["☖", "△"],
  ["⛊", "▼"],
  ["⛉", "▽"],
  ["\u301c", "～"],
  ["\u2016", "∥"],
  ["\u2014", "―"],
  ["\u2212", "－"],
  ["\u00a2", "￠"],
  ["\u00a3", "￡"],
  ["\u00ac", "￢"],
  ["\u00a5", "￥"],
  ["\u00a0", " "],
  ["\u2003", "　"],
]);

let table: ReadonlyMap<string, readonly number[]> | null = null;

function codes(): ReadonlyMap<string, readonly number[]> {
  if (table !== null) return table;
  const made = new Map<string, readonly number[]>();
  const decoder = new TextDecoder("shift_jis");
  const add = (...bytes: number[]): void => {
    const letter = decoder.decode(Uint8Array.from(bytes));
    // A code that is no letter decodes to U+FFFD, or to it and an ASCII letter; private ones are not for others to read.
    const known = [...letter].length === 1 && letter !== "\ufffd" && !(letter >= "\ue000" && letter <= "\uf8ff");
    if (known && !made.has(letter)) made.set(letter, bytes);
  };
  for (let byte = 0; byte < 0x80; byte++) made.set(String.fromCharCode(byte), [byte]);
  for (let byte = 0xa1; byte <= 0xdf; byte++) add(byte);
  for (let lead = 0x81; lead <= 0xfc; lead++) {
    if (lead >= 0xa0 && lead < 0xe0) continue;
    // Letters of rows ED and EE stand in rows FA to FC again, where encoders put them.
    if (lead === 0xed || lead === 0xee) continue;
    for (let trail = 0x40; trail <= 0xfc; trail++) if (trail !== 0x7f) add(lead, trail);
  }
  table = made;
  return made;
}

/** Bytes of a text, and the letters that are written as numbers because Shift_JIS lacks them. */
export function shiftJis(text: string): { bytes: Uint8Array<ArrayBuffer>; numbered: string[] } {
  const known = codes();
  const bytes: number[] = [];
  const numbered = new Set<string>();
  for (const letter of text) {
    const code = known.get(letter) ?? known.get(SUBSTITUTES.get(letter) ?? "");
    if (code !== undefined) {
      bytes.push(...code);
      continue;
    }
    numbered.add(letter);
    for (const digit of `&#x${letter.codePointAt(0)?.toString(16).toUpperCase()};`) bytes.push(digit.charCodeAt(0));
  }
  return { bytes: Uint8Array.from(bytes), numbered: [...numbered] };
}

/** Bytes of a KIF or KI2 text, whose first line names the encoding. */
export const shiftJisRecord = (text: string): ReturnType<typeof shiftJis> =>
  shiftJis(text.replace("encoding=UTF-8", "encoding=Shift_JIS"));
