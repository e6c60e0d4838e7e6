//! Chunks: files that are named by their content, so that they never change.

use super::format::Chunk;
use anyhow::{Context, Result};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::sync::Arc;

/// Receiver of a bundle's chunks: a name, and the bytes.
pub(crate) type Put<'a> = dyn FnMut(&str, Arc<[u8]>) -> Result<()> + 'a;

/// Whether a file name is that of a chunk: `STEM-0123456789abcdef.json` or `.record`.
pub fn is_chunk_name(name: &str) -> bool {
    let Some((stem, extension)) = name.rsplit_once('.') else { return false };
    let Some((kind, digest)) = stem.rsplit_once('-') else { return false };
    let is_hex = digest.len() == 16 && digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_hex && matches!(extension, "json" | "record") && ["curves", "story", "index", "games"].contains(&kind)
}

/// Passes a chunk to `put` and names it in the way of the format.
pub(crate) fn put_chunk(put: &mut Put<'_>, kind: &str, extension: &str, content: Vec<u8>) -> Result<Chunk> {
    let chunk = describe(kind, extension, &content);
    put(&chunk.file, content.into())?;
    Ok(chunk)
}

/// Description of the chunk with this content.
pub(crate) fn describe(kind: &str, extension: &str, content: &[u8]) -> Chunk {
    let mut sha256 = String::new();
    for byte in Sha256::digest(content) {
        let _ = write!(sha256, "{byte:02x}");
    }
    let file = format!("{kind}-{}.{extension}", &sha256[..16]);
    Chunk { file, bytes: content.len() as u64, sha256 }
}

pub(crate) fn json(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).context("plain data")
}

/// `value` with five significant digits, which is more than a diagram shows and half as long in a file.
pub(crate) fn rounded(value: f64) -> f64 {
    if value.is_finite() { format!("{value:.4e}").parse().unwrap_or(value) } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_chunks_are_names_of_chunks() {
        for name in
            ["curves-0123456789abcdef.json", "games-00000000ffffffff.record", &describe("index", "json", b"x").file]
        {
            assert!(is_chunk_name(name), "{name}");
        }
        for name in [
            "run.json",
            "curves.json",
            "photo-0123456789abcdef.json",
            "games-0123456789ABCDEF.record",
            "games-1.record",
            "",
        ] {
            assert!(!is_chunk_name(name), "{name}");
        }
    }

    #[test]
    fn numbers_keep_five_digits() {
        for (value, expected) in [(0.0, 0.0), (1.0 / 3.0, 0.33333), (-123_456.0, -123_460.0), (1e-9, 1e-9)] {
            assert_eq!(rounded(value), expected);
        }
        assert!(rounded(f64::NAN).is_nan());
    }
}
