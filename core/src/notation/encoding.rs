//! Text encodings of game records, and which one a file is in.
//!
//! Unicode is decoded here. The tables of the Japanese encodings are large, and every shell has them already: a browser its
//! `TextDecoder`, a program a library. Whoever asks passes a decoder of these three.

use alloc::string::String;

/// Encoding of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextEncoding {
    /// ASCII, as far as this text goes.
    Ascii,
    /// UTF-8, with or without a byte order mark.
    Utf8,
    /// UTF-16, with or without a byte order mark.
    Utf16,
    /// `Shift_JIS`.
    ShiftJis,
    /// EUC-JP.
    EucJp,
    /// ISO-2022-JP, known as JIS.
    Iso2022Jp,
}

impl TextEncoding {
    /// Name in the Encoding Standard of the web.
    pub const fn label(self) -> &'static str {
        match self {
            TextEncoding::Ascii => "us-ascii",
            TextEncoding::Utf8 => "utf-8",
            TextEncoding::Utf16 => "utf-16",
            TextEncoding::ShiftJis => "shift_jis",
            TextEncoding::EucJp => "euc-jp",
            TextEncoding::Iso2022Jp => "iso-2022-jp",
        }
    }
}

/// Text of a file, and its encoding. A byte order mark, zeros or valid UTF-8 decide at once; between `Shift_JIS` and EUC-JP the one with
/// fewer implausible characters is taken. `decode` decodes `Shift_JIS`, EUC-JP and ISO-2022-JP and writes U+FFFD for what is none.
///
/// Characters that `Shift_JIS` lacks and a writer gave as numbers (`&#x2665;`) come back.
///
/// ```
/// use keisei_core::notation::{TextEncoding, decode};
///
/// let text = decode(b"\xff\xfe\x69\x6b", |_, _| unreachable!("Unicode needs no table"));
/// assert_eq!(text, ("歩".into(), TextEncoding::Utf16));
/// ```
pub fn decode(bytes: &[u8], mut decode: impl FnMut(TextEncoding, &[u8]) -> String) -> (String, TextEncoding) {
    if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        return (String::from_utf8_lossy(rest).into_owned(), TextEncoding::Utf8);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xff\xfe") {
        return (utf16(rest, u16::from_le_bytes), TextEncoding::Utf16);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xfe\xff") {
        return (utf16(rest, u16::from_be_bytes), TextEncoding::Utf16);
    }
    if let Some(unit) = utf16_without_mark(bytes) {
        return (utf16(bytes, unit), TextEncoding::Utf16);
    }
    if bytes.windows(2).any(|pair| pair == b"\x1b$") {
        return (decode(TextEncoding::Iso2022Jp, bytes), TextEncoding::Iso2022Jp);
    }
    if let Ok(text) = core::str::from_utf8(bytes) {
        let encoding = if text.is_ascii() { TextEncoding::Ascii } else { TextEncoding::Utf8 };
        return (text.into(), encoding);
    }
    let shift_jis = decode(TextEncoding::ShiftJis, bytes);
    let doubts = nonsense(&shift_jis);
    if doubts > 0 {
        let euc_jp = decode(TextEncoding::EucJp, bytes);
        if nonsense(&euc_jp) < doubts {
            return (euc_jp, TextEncoding::EucJp);
        }
    }
    (named_characters(&shift_jis), TextEncoding::ShiftJis)
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let (pairs, odd) = bytes.as_chunks();
    let units = pairs.iter().map(|&pair| unit(pair));
    let characters = char::decode_utf16(units).map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER));
    characters.chain((!odd.is_empty()).then_some(char::REPLACEMENT_CHARACTER)).collect()
}

/// Byte order of UTF-16 without a mark: no other text has zeros, and here every ASCII letter has one.
fn utf16_without_mark(bytes: &[u8]) -> Option<fn([u8; 2]) -> u16> {
    const LOOKED_AT: usize = 1024;
    let (pairs, _) = bytes[..bytes.len().min(LOOKED_AT)].as_chunks::<2>();
    let zeros = |place: usize| pairs.iter().filter(|pair| pair[place] == 0).count();
    match (zeros(0), zeros(1)) {
        (0, 1..) => Some(u16::from_le_bytes),
        (1.., 0) => Some(u16::from_be_bytes),
        _ => None,
    }
}

/// Points for characters that hardly stand in a game record. Kanji decoded by the wrong one of the two encodings become half-width
/// katakana, private and unknown characters.
fn nonsense(text: &str) -> usize {
    let points = |found| match found {
        char::REPLACEMENT_CHARACTER => 10,
        '\u{ff61}'..='\u{ff9f}' | '\u{e000}'..='\u{f8ff}' => 1,
        _ => 0,
    };
    text.chars().map(points).sum()
}

/// Text with the characters beyond ASCII that are written as numbers.
fn named_characters(text: &str) -> String {
    let mut named = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("&#x") {
        named.push_str(before);
        let number = after.split_once(';').and_then(|(digits, after)| {
            let number = u32::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))?;
            Some((char::from_u32(number).filter(|character| !character.is_ascii())?, after))
        });
        if let Some((character, after)) = number {
            named.push(character);
            rest = after;
        } else {
            named.push_str("&#x");
            rest = after;
        }
    }
    named + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_table(_: TextEncoding, _: &[u8]) -> String {
        unreachable!("Unicode needs no table")
    }

    #[test]
    fn unicode_is_decoded_here() {
        #[track_caller]
        fn check(bytes: &[u8], text: &str, encoding: TextEncoding) {
            assert_eq!(decode(bytes, no_table), (text.into(), encoding));
        }
        check(b"", "", TextEncoding::Ascii);
        check(b"PI", "PI", TextEncoding::Ascii);
        check("歩".as_bytes(), "歩", TextEncoding::Utf8);
        check(b"\xef\xbb\xbfPI\xff", "PI\u{fffd}", TextEncoding::Utf8);
        check(b"\xfe\xff\x6b\x69\x00", "歩\u{fffd}", TextEncoding::Utf16);
        check(b"\xff\xfe\x00\xd8", "\u{fffd}", TextEncoding::Utf16);
        check(b"P\0I\0\x69\x6b", "PI歩", TextEncoding::Utf16);
        check(b"\0P\0I\x6b\x69", "PI歩", TextEncoding::Utf16);
        check(b"P\0\0I", "P\0\0I", TextEncoding::Ascii);
    }

    #[test]
    fn the_plausible_encoding_is_taken() {
        // The decoders stand in for tables: they give texts of which one is less plausible.
        let texts = |shift_jis: &'static str, euc_jp: &'static str| {
            move |encoding, _: &[u8]| String::from(if encoding == TextEncoding::ShiftJis { shift_jis } else { euc_jp })
        };
        let bytes = b"\xff\x40";
        assert_eq!(decode(bytes, texts("歩&#x2665;&#x41;&#xD800;&#x", "")).0, "歩♥&#x41;&#xD800;&#x");
        assert_eq!(decode(bytes, texts("ｱｱ", "歩")).1, TextEncoding::EucJp);
        assert_eq!(decode(bytes, texts("ｱ", "\u{fffd}")).1, TextEncoding::ShiftJis);
    }
}
