//! JSON (RFC 8259) as JKF needs it: members of objects by name and kind, and texts in quotes.
//!
//! A text becomes a list of tokens without recursion, so that no nesting exhausts the stack. The lexer is hifijson's, a fifth of
//! `serde_json`'s weight in a page; it leaves numbers as they are written.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::str::FromStr;

use hifijson::num::LexWrite as _;
use hifijson::str::LexAlloc as _;
use hifijson::token::{Expect, Lex as _};
use hifijson::{Error, Read as _, SliceLexer};

use super::lines::split_lines;
use super::problem::{Place, Problem};

/// Token of a text. What is inside a list or an object follows it.
enum Token<'a> {
    Null,
    Flag(bool),
    Number(&'a str),
    /// Text, or the name of the member whose value follows.
    Text(Cow<'a, str>),
    /// List, up to the token with this number.
    List(usize),
    /// Object, up to the token with this number.
    Object(usize),
}

/// Text that was read.
pub(super) struct Document<'a>(Vec<Token<'a>>);

impl<'a> Document<'a> {
    /// Reads one value, or tells where the text stops being JSON and why: at the first letter that does not fit, or after it.
    pub(super) fn read(text: &'a str) -> Result<Document<'a>, (Place, Problem)> {
        let mut lexer = SliceLexer::new(text.as_bytes());
        read_tokens(&mut lexer).map(Document).map_err(|error| {
            // The lexer may stop inside a letter of several bytes.
            let before = String::from_utf8_lossy(&text.as_bytes()[..text.len() - lexer.as_slice().len()]);
            let (line, last) = (1..).zip(split_lines(&before)).last().unwrap_or((1, ""));
            (Place::Text { line, column: last.chars().count() + 1 }, Problem::Json(error.to_string()))
        })
    }

    /// The whole value.
    pub(super) fn root(&self) -> Json<'_> {
        Json { tokens: &self.0, at: 0 }
    }
}

/// Reads the tokens of one value. Lists and objects that are open wait in a list of their own.
fn read_tokens<'a>(lexer: &mut SliceLexer<'a>) -> Result<Vec<Token<'a>>, Error> {
    let mut tokens = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut next = lexer.ws_peek().ok_or(Expect::Value)?;
    loop {
        let begins = read_token(next, lexer, &mut tokens)?;
        if begins {
            open.push(tokens.len() - 1);
        }
        // Whether the list or object that is open now has no element yet.
        let mut first = begins;
        next = loop {
            let Some(&sequence) = open.last() else {
                return if lexer.ws_peek().is_none() { Ok(tokens) } else { Err(Expect::Eof)? };
            };
            let after = lexer.ws_peek().ok_or(if first { Expect::ValueOrEnd } else { Expect::CommaOrEnd })?;
            let length = tokens.len();
            let (end, last) = match &mut tokens[sequence] {
                Token::Object(last) => (b'}', last),
                Token::List(last) => (b']', last),
                _ => unreachable!("only lists and objects are open"),
            };
            if after == end {
                *last = length;
                open.pop();
                first = false;
                lexer.take_next();
                continue;
            }
            if !first {
                lexer.expect(|_| Some(after), b',').ok_or(Expect::CommaOrEnd)?;
            }
            let next = lexer.ws_peek().ok_or(Expect::Value)?;
            if end == b']' {
                break next;
            }
            lexer.expect(|_| Some(next), b'"').ok_or(Expect::String)?;
            tokens.push(Token::Text(lexer.str_string()?));
            lexer.expect(SliceLexer::ws_peek, b':').ok_or(Expect::Colon)?;
            break lexer.ws_peek().ok_or(Expect::Value)?;
        };
    }
}

/// Reads one token, which begins with `next`; says whether it is a list or an object.
fn read_token<'a>(next: u8, lexer: &mut SliceLexer<'a>, tokens: &mut Vec<Token<'a>>) -> Result<bool, Error> {
    let begins = matches!(next, b'[' | b'{');
    tokens.push(match next {
        b'a'..=b'z' => lexer.null_or_bool().ok_or(Expect::Value)?.map_or(Token::Null, Token::Flag),
        b'0'..=b'9' | b'-' => Token::Number(lexer.num_string().validated()?.0),
        b'"' => Token::Text(lexer.discarded().str_string()?),
        b'[' => Token::List(0),
        b'{' => Token::Object(0),
        _ => return Err(Expect::Value)?,
    });
    if begins {
        lexer.take_next();
    }
    Ok(begins)
}

/// Value in a document.
#[derive(Clone, Copy)]
pub(super) struct Json<'a> {
    tokens: &'a [Token<'a>],
    at: usize,
}

impl<'a> Json<'a> {
    /// Number of the token after this value.
    fn end(self) -> usize {
        match self.tokens[self.at] {
            Token::List(end) | Token::Object(end) => end,
            _ => self.at + 1,
        }
    }

    const fn token(self) -> &'a Token<'a> {
        &self.tokens[self.at]
    }
}

/// Value of the member `key` of an object; nothing if it is missing or null.
pub(super) fn member<'a>(object: Json<'a>, key: &'static str) -> Result<Option<Json<'a>>, Problem> {
    let value = members(object)?.find(|&(name, _)| name == key).map(|(_, value)| value);
    Ok(value.filter(|value| !matches!(value.token(), Token::Null)))
}

/// All members of an object.
pub(super) fn members(object: Json<'_>) -> Result<impl Iterator<Item = (&str, Json<'_>)>, Problem> {
    let &Token::Object(end) = object.token() else { return Err(Problem::Expected("an object")) };
    let mut at = object.at + 1;
    Ok(core::iter::from_fn(move || {
        let Token::Text(name) = object.tokens[..end].get(at)? else { return None };
        let value = Json { tokens: object.tokens, at: at + 1 };
        at = value.end();
        Some((&**name, value))
    }))
}

/// Elements of the list `key`; none if it is missing.
pub(super) fn list<'a>(object: Json<'a>, key: &'static str) -> Result<Elements<'a>, Problem> {
    let nothing = Elements { tokens: object.tokens, at: 0, end: 0 };
    member(object, key)?.map_or(Ok(nothing), elements)
}

/// Elements of a list.
pub(super) fn elements(list: Json<'_>) -> Result<Elements<'_>, Problem> {
    let &Token::List(end) = list.token() else { return Err(Problem::Expected("a list")) };
    Ok(Elements { tokens: list.tokens, at: list.at + 1, end })
}

/// Elements of a list that are still to come.
#[derive(Clone)]
pub(super) struct Elements<'a> {
    tokens: &'a [Token<'a>],
    at: usize,
    end: usize,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Json<'a>;

    fn next(&mut self) -> Option<Json<'a>> {
        let value = Json { tokens: self.tokens, at: self.at };
        if self.at >= self.end {
            return None;
        }
        self.at = value.end();
        Some(value)
    }
}

/// Text.
pub(super) fn text(value: Json<'_>) -> Result<&str, Problem> {
    if let Token::Text(text) = value.token() { Ok(text) } else { Err(Problem::Expected("a text in quotes")) }
}

/// Text `key` of an object.
pub(super) fn text_of<'a>(object: Json<'a>, key: &'static str) -> Result<Option<&'a str>, Problem> {
    member(object, key)?.map(text).transpose()
}

/// Whole number in the range of its type.
pub(super) fn whole<T: FromStr>(value: Json<'_>) -> Result<T, Problem> {
    digits(value)?.parse().map_err(|_| Problem::Expected("a small whole number"))
}

/// Number as it is written.
pub(super) fn digits(value: Json<'_>) -> Result<&str, Problem> {
    if let Token::Number(digits) = value.token() { Ok(digits) } else { Err(Problem::Expected("a number")) }
}

/// Truth value `key` of an object.
pub(super) fn flag_of(object: Json<'_>, key: &'static str) -> Result<Option<bool>, Problem> {
    match member(object, key)?.map(Json::token) {
        None => Ok(None),
        Some(Token::Flag(flag)) => Ok(Some(*flag)),
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
