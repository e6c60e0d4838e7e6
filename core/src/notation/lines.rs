//! Lines of a text and the spaces in them.

use alloc::string::String;

/// Lines of a text with their numbers from 1, whatever ends them; a byte order mark is dropped.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    (1..).zip(split_lines(text))
}

/// Lines of a text, whatever ends them.
pub(super) fn split_lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|row| row.strip_suffix('\r').unwrap_or(row).split('\r'))
}

/// The text on one line, for formats in which a line is a statement: a game from elsewhere may hold anything.
pub(super) fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// Whether a text holds a word. Both are short, so that every place is tried: the standard library's search would be two kilobytes of
/// a small module.
pub(super) fn holds(text: &str, word: &str) -> bool {
    text.as_bytes().windows(word.len()).any(|part| part == word.as_bytes())
}

/// Parts of a text, one after another.
pub(super) fn joined<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::new();
    parts.into_iter().for_each(|part| text.push_str(part));
    text
}

/// Spaces of Japanese texts.
const fn is_space(text: char) -> bool {
    matches!(text, ' ' | '\t' | '　' | '\u{2003}')
}

/// Text without spaces around it.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// Text without spaces before it.
pub(super) fn trim_start(text: &str) -> &str {
    text.trim_start_matches(is_space)
}
