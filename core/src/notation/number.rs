//! Numbers of texts: ASCII, full width and kanji digits, and seconds with a fraction.

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
    let mut text = String::from(tens);
    text.extend(usize::from(number % 10).checked_sub(1).map(|index| KANJI[index]));
    text
}

/// Appends a number in ASCII digits, without the machinery of formatting.
pub(super) fn push_number(text: &mut String, number: u32) {
    if number >= 10 {
        push_number(text, number / 10);
    }
    text.push((b'0' + (number % 10) as u8) as char);
}

/// Reads a decimal number without an exponent, as Rust and programs write probabilities and values: `-0.25`, `1`.
///
/// The standard library's reader knows every form and rounds numbers of any length; it has 13 KB of tables that no compression makes
/// smaller. Here the digits are one whole number and the point a division, which rounds right as long as both are exact in `f64`.
#[cfg_attr(feature = "compact", allow(dead_code))]
pub(super) fn read_decimal(text: &str) -> Option<f32> {
    /// Digits of the largest whole number that counts; further ones are behind the precision of `f32`.
    const DIGITS: u32 = 15;
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1.0, digits),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mut number, mut seen, mut divisor, mut point) = (0_u64, 0, 1.0_f64, None);
    for (index, byte) in digits.bytes().enumerate() {
        match byte {
            b'0'..=b'9' => {
                if seen < DIGITS {
                    number = number * 10 + u64::from(byte - b'0');
                    seen += u32::from(number > 0);
                    divisor *= if point.is_some() { 10.0 } else { 1.0 };
                } else if point.is_none() {
                    return None;
                }
            }
            b'.' if point.is_none() => point = Some(index),
            _ => return None,
        }
    }
    let count = digits.len() - usize::from(point.is_some());
    (count > 0).then(|| (sign * (number as f64 / divisor)) as f32)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::nth;
    use alloc::string::ToString;

    #[test]
    fn decimals_are_those_of_the_standard_library() {
        for text in [
            "0",
            "1",
            "-1",
            "+0.75",
            "0.5",
            "-0.25",
            "0.1",
            ".5",
            "5.",
            "0.333333343",
            "0.12345678901234567890",
            "1.1754944",
        ] {
            assert_eq!(read_decimal(text), text.parse().ok(), "{text}");
        }
        for text in ["", "-", ".", "-.", "1e3", "nan", "inf", "+-1", "0,5", "1 ", "１", "1.2.3", "12345678901234567"] {
            assert_eq!(read_decimal(text), None, "{text}");
        }
        for index in 0..200_000 {
            // Values and probabilities of every size down to those that `f32` rounds to nothing beside 1.
            let value = nth(index) as u32 as f32 / u32::MAX as f32 * [1.0, 0.1, 1e-3, 1e-6][index as usize % 4];
            assert_eq!(read_decimal(&value.to_string()), Some(value));
        }
    }
}
