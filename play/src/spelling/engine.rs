//! Spelling of an engine with its settings.

use std::fmt;

use crate::usi_player::{Engine, START_TIMEOUT};

/// Settings of an engine that are not options of the engine.
pub const ENGINE_SETTINGS: [&str; 7] = ["name", "nodes", "depth", "movetime", "byoyomi", "timeout", "start-timeout"];

/// Word in quotes, if it could be taken for something else.
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_-./:~#%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Key of an engine's option, in quotes if it could be taken for a setting of ours.
fn quoted_key(key: &str) -> String {
    if ENGINE_SETTINGS.contains(&key) { format!("\"{key}\"") } else { quoted(key) }
}

/// Engine, spelled out by [`Display`](fmt::Display).
pub struct SpelledEngine<'a>(pub &'a Engine);

impl fmt::Display for SpelledEngine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Engine { command, options, limits, start_timeout, timeout } = self.0;
        let words: Vec<String> = command.iter().map(|word| quoted(word)).collect();
        write!(f, "usi:{}", words.join(" "))?;
        for (name, limit) in limits.named() {
            limit.iter().try_for_each(|limit| write!(f, ",{name}={limit}"))?;
        }
        for (name, value) in options {
            write!(f, ",{}={}", quoted_key(name), quoted(value))?;
        }
        timeout.iter().try_for_each(|time| write!(f, ",timeout={}", time.as_secs_f64()))?;
        let is_own = *start_timeout != START_TIMEOUT;
        if is_own { write!(f, ",start-timeout={}", start_timeout.as_secs_f64()) } else { Ok(()) }
    }
}
