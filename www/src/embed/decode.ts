/** Text of a file of a game: UTF-8 and UTF-16, and the encodings of Japanese programs, by the browser's own decoders. */

const decoded = (bytes: Uint8Array, label: string): string => new TextDecoder(label).decode(bytes);

/** Characters that a wrong encoding brings: those that could not be decoded, and half-width kana. */
const implausible = (text: string): number => text.match(/[\ufffd\uff61-\uff9f]/g)?.length ?? 0;

export function decode(bytes: Uint8Array): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return decoded(bytes, "utf-16le");
  if (first === 0xfe && second === 0xff) return decoded(bytes, "utf-16be");
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    // ISO-2022-JP is ASCII with escapes.
    return text.includes("\u001b$") ? decoded(bytes, "iso-2022-jp") : text;
  } catch {
    const [shiftJis, eucJp] = [decoded(bytes, "shift_jis"), decoded(bytes, "euc-jp")];
    return implausible(eucJp) < implausible(shiftJis) ? eucJp : shiftJis;
  }
}
