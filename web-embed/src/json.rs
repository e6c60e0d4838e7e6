//! JSON as far as it is written here.

use alloc::string::String;

/// Appends a string with its quotes.
pub(crate) fn string(json: &mut String, text: &str) {
    json.push('"');
    for found in text.chars() {
        match found {
            '"' | '\\' => {
                json.push('\\');
                json.push(found);
            }
            // A control character as its number; JSON allows none as it is.
            '\0'..='\x1f' => {
                json.push_str("\\u00");
                json.push(if found < '\x10' { '0' } else { '1' });
                json.push(char::from_digit(found as u32 % 16, 16).unwrap_or('0'));
            }
            found => json.push(found),
        }
    }
    json.push('"');
}

/// Appends a name and the colon after it.
pub(crate) fn name(json: &mut String, name: &str) {
    if !json.ends_with(['{', '[']) {
        json.push(',');
    }
    string(json, name);
    json.push(':');
}

/// Appends a whole number. The standard library's way brings alignment, signs and their tables.
pub(crate) fn number(json: &mut String, number: i32) {
    if number < 0 {
        json.push('-');
    }
    let (mut rest, mut place) = (number.unsigned_abs(), 1);
    while rest / place >= 10 {
        place *= 10;
    }
    while place > 0 {
        json.push(char::from(b'0' + (rest / place) as u8));
        rest %= place;
        place /= 10;
    }
}
