//! Numbers of texts: ASCII, full width and kanji digits, and seconds with a fraction.

use alloc::format;
use alloc::string::String;

/// `１` … `９`, the files.
pub(super) const WIDE: [char; 9] = ['１', '２', '３', '４', '５', '６', '７', '８', '９'];
/// `一` … `九`, the ranks.
pub(super) const KANJI: [char; 9] = ['一', '二', '三', '四', '五', '六', '七', '八', '九'];

/// Number 1–9 that a character stands for: ASCII, full width or kanji.
pub(super) fn digit(text: char) -> Option<u8> {
    let place = |digits: &[char; 9]| digits.iter().position(|&digit| digit == text);
    match text {
        '1'..='9' => Some(text as u8 - b'0'),
        _ => place(&WIDE).or_else(|| place(&KANJI)).map(|index| index as u8 + 1),
    }
}

/// Reads a number in ASCII, full width or kanji digits (up to 九十九 for the latter); returns what follows it.
pub(super) fn take_number(text: &str) -> Option<(u16, &str)> {
    let mut rest = text;
    let mut number: Option<u16> = None;
    while let Some(found) = rest.chars().next() {
        number = Some(match (found, digit(found)) {
            ('十', _) => number.unwrap_or(1).saturating_mul(10),
            ('0' | '０' | '〇', _) => number.unwrap_or(0).saturating_mul(10),
            (_, None) => break,
            // 十八 is 18: a digit after 十 is added, after another digit it is the next place.
            (_, Some(digit)) if text[..text.len() - rest.len()].ends_with('十') => {
                number?.saturating_add(digit.into())
            }
            (_, Some(digit)) => number.unwrap_or(0).saturating_mul(10).saturating_add(digit.into()),
        });
        rest = &rest[found.len_utf8()..];
    }
    Some((number?, rest))
}

/// Kanji of a count in hand, 1–29.
pub(super) fn kanji_number(number: u8) -> String {
    let tens = match number / 10 {
        0 => "",
        1 => "十",
        _ => "二十",
    };
    let ones = usize::from(number % 10).checked_sub(1).map(|index| KANJI[index]);
    ones.map_or_else(|| tens.into(), |ones| format!("{tens}{ones}"))
}

/// Reads seconds with a fraction, as milliseconds.
pub(super) fn read_seconds(text: &str) -> Option<u64> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let thousandths = (0..3)
        .fold(0, |sum, place| sum * 10 + fraction.as_bytes().get(place).map_or(0, |digit| u64::from(digit - b'0')));
    whole.parse::<u64>().ok()?.checked_mul(1000)?.checked_add(thousandths)
}
