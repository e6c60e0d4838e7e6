//! JSON (RFC 8259) as JKF needs it: members of objects by name and kind, and texts in quotes.
//!
//! The lexer and the tree are hifijson's, a fifth of `serde_json`'s weight in a page; it leaves numbers as they are written.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use core::str::FromStr;

use hifijson::value::{Value, parse_bounded};
use hifijson::{SliceLexer, token::Lex};

use super::lines::split_lines;
use super::problem::{Place, Problem};

/// Value, borrowed from the text where it can be.
pub(super) type Json<'a> = Value<&'a str, Cow<'a, str>>;

/// Deeper nesting is refused: each level takes room on the stack.
const MAX_DEPTH: usize = 128;

/// Reads one value, or tells where the text stops being JSON and why: at the first letter that does not fit, or after it.
pub(super) fn read(text: &str) -> Result<Json<'_>, (Place, Problem)> {
    let mut lexer = SliceLexer::new(text.as_bytes());
    let value = lexer.exactly_one(Lex::ws_peek, |next, lexer| parse_bounded(MAX_DEPTH, next, lexer));
    value.map_err(|error| {
        // The lexer may stop inside a letter of several bytes.
        let before = String::from_utf8_lossy(&text.as_bytes()[..text.len() - lexer.as_slice().len()]);
        let (line, last) = (1..).zip(split_lines(&before)).last().unwrap_or((1, ""));
        (Place::Text { line, column: last.chars().count() + 1 }, Problem::Json(error.to_string()))
    })
}

/// Member `key` of an object; nothing if it is missing or null.
pub(super) fn member<'a>(object: &'a Json<'_>, key: &'static str) -> Result<Option<&'a Json<'a>>, Problem> {
    let value = members(object)?.iter().find(|(name, _)| name == key).map(|(_, value)| value);
    Ok(value.filter(|value| !matches!(value, Value::Null)))
}

/// All members of an object.
pub(super) fn members<'a>(object: &'a Json<'_>) -> Result<&'a [(Cow<'a, str>, Json<'a>)], Problem> {
    if let Value::Object(members) = object { Ok(members) } else { Err(Problem::Expected("an object")) }
}

/// Elements of the list `key`; none if it is missing.
pub(super) fn list<'a>(object: &'a Json<'_>, key: &'static str) -> Result<&'a [Json<'a>], Problem> {
    member(object, key)?.map_or(Ok(&[]), elements)
}

/// Elements of a list.
pub(super) fn elements<'a>(list: &'a Json<'_>) -> Result<&'a [Json<'a>], Problem> {
    if let Value::Array(elements) = list { Ok(elements) } else { Err(Problem::Expected("a list")) }
}

/// Text.
pub(super) fn text<'a>(value: &'a Json<'_>) -> Result<&'a str, Problem> {
    if let Value::String(text) = value { Ok(text) } else { Err(Problem::Expected("a text in quotes")) }
}

/// Text `key` of an object.
pub(super) fn text_of<'a>(object: &'a Json<'_>, key: &'static str) -> Result<Option<&'a str>, Problem> {
    member(object, key)?.map(text).transpose()
}

/// Whole number in the range of its type.
pub(super) fn whole<T: FromStr>(value: &Json<'_>) -> Result<T, Problem> {
    digits(value)?.parse().map_err(|_| Problem::Expected("a small whole number"))
}

/// Number as it is written.
pub(super) fn digits<'a>(value: &'a Json<'_>) -> Result<&'a str, Problem> {
    if let Value::Number((digits, _)) = value { Ok(digits) } else { Err(Problem::Expected("a number")) }
}

/// Truth value `key` of an object.
pub(super) fn flag_of(object: &Json<'_>, key: &'static str) -> Result<Option<bool>, Problem> {
    match member(object, key)? {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(Problem::Expected("true or false")),
    }
}

/// Appends `value` in quotes.
pub(super) fn quote(text: &mut String, value: &str) {
    text.push('"');
    for letter in value.chars() {
        match letter {
            '"' | '\\' => text.extend(['\\', letter]),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\0'..' ' => put!(text, "\\u{:04x}", letter as u32),
            _ => text.push(letter),
        }
    }
    text.push('"');
}

/// Appends items between commas; `write` appends one.
pub(super) fn sequence<T>(
    text: &mut String,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut String, T),
) {
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        write(text, item);
    }
}
