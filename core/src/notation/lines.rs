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
