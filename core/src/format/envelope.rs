//! Envelope of our binary files: magic, version and SHA-256, so that damage is found before the content is read.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 8 | magic: kind of file |
//! | 8 | 4 | version of that kind; little endian, like all numbers |
//! | 12 | | content |
//! | end − 32 | 32 | SHA-256 of everything before it |
//!
//! [`seal_content`] and [`open_content`] enclose content of any layout; checkpoints are such files. [`seal`] and [`open`] add
//! lengths, a header and a body, which are the content of models and records:
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 12 | 4 | `h`, length of the header, at most [`MAX_HEADER`] |
//! | 16 | 8 | length of the whole file |
//! | 24 | `h` | header |
//! | 24 + `h` | | body |
//!
//! ```
//! use keisei_core::format::{EnvelopeError, envelope};
//!
//! let mut bytes = envelope::seal(*b"EXAMPLE\0", 1, b"header", b"body");
//! assert_eq!(envelope::open(&bytes, *b"EXAMPLE\0", 1), Ok((&b"header"[..], &b"body"[..])));
//! bytes[30] ^= 1;
//! assert_eq!(envelope::open(&bytes, *b"EXAMPLE\0", 1), Err(EnvelopeError::Digest));
//! ```

use alloc::vec::Vec;
use core::fmt;

use sha2::{Digest, Sha256};

/// Largest length of a header that is written or read.
pub const MAX_HEADER: usize = 1 << 16;

/// Bytes before the content: magic and version.
const KIND: usize = 12;

/// Bytes before the header: magic, version and lengths.
const PREAMBLE: usize = 24;

/// Bytes of the digest at the end.
const DIGEST: usize = 32;

/// Reason why bytes are not a whole, undamaged file of the expected kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvelopeError {
    /// The file's length is not the one that it states, or is too short for any envelope.
    Length {
        /// Bytes in the file.
        found: usize,
        /// Length in bytes that the file states, or the least possible length.
        expected: u64,
    },
    /// The first bytes are those of another kind of file.
    Magic,
    /// The version of the format is not supported.
    Version {
        /// Version of the file.
        found: u32,
        /// The only version that this build reads.
        supported: u32,
    },
    /// The header is longer than [`MAX_HEADER`] or than the file.
    HeaderLength(u32),
    /// The SHA-256 at the end does not match the content: the file is damaged.
    Digest,
}

impl fmt::Display for EnvelopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EnvelopeError::Length { found, expected } => {
                write!(f, "the file has {found} bytes, but should have {expected}: it was cut off or added to")
            }
            EnvelopeError::Magic => f.write_str("the first 8 bytes are not those of this kind of file"),
            EnvelopeError::Version { found, supported } => {
                write!(f, "format version {found} at byte 8, but only version {supported} is supported")
            }
            EnvelopeError::HeaderLength(found) => {
                write!(
                    f,
                    "header length {found} at byte 12 is more than the file or the limit of {MAX_HEADER} bytes has room for"
                )
            }
            EnvelopeError::Digest => {
                f.write_str("the SHA-256 in the last 32 bytes does not match: the file is damaged")
            }
        }
    }
}

impl core::error::Error for EnvelopeError {}

/// File with a header and a body.
///
/// # Panics
/// If the header is longer than [`MAX_HEADER`].
pub fn seal(magic: [u8; 8], version: u32, header: &[u8], body: &[u8]) -> Vec<u8> {
    assert!(header.len() <= MAX_HEADER, "a header of {} bytes could not be read back", header.len());
    let len = (PREAMBLE + header.len() + body.len() + DIGEST) as u64;
    let header_len = header.len() as u32;
    seal_content(magic, version, &[&header_len.to_le_bytes(), &len.to_le_bytes(), header, body])
}

/// Header and body of a file, after all checks. Allocates nothing.
///
/// # Errors
/// The first defect found.
pub fn open(bytes: &[u8], magic: [u8; 8], version: u32) -> Result<(&[u8], &[u8]), EnvelopeError> {
    let found = bytes.len();
    let shortest = EnvelopeError::Length { found, expected: (PREAMBLE + DIGEST) as u64 };
    let Some((preamble, rest)) = bytes.split_first_chunk::<PREAMBLE>() else { return Err(shortest) };
    check_kind(preamble, magic, version)?;
    // The length is checked before the digest: a file that was cut off is reported as such.
    let expected = number(&preamble[16..]);
    if found as u64 != expected {
        return Err(EnvelopeError::Length { found, expected });
    }
    let room = rest.len().checked_sub(DIGEST).ok_or(shortest)?;
    let header = number(&preamble[12..16]) as u32;
    if header as usize > MAX_HEADER.min(room) {
        return Err(EnvelopeError::HeaderLength(header));
    }
    check_digest(bytes)?;
    Ok(rest[..room].split_at(header as usize))
}

/// File whose content is `parts`, one after the other.
pub fn seal_content(magic: [u8; 8], version: u32, parts: &[&[u8]]) -> Vec<u8> {
    let content: usize = parts.iter().map(|part| part.len()).sum();
    let mut bytes = Vec::with_capacity(KIND + content + DIGEST);
    bytes.extend_from_slice(&magic);
    bytes.extend_from_slice(&version.to_le_bytes());
    for part in parts {
        bytes.extend_from_slice(part);
    }
    let digest = Sha256::digest(&bytes);
    bytes.extend_from_slice(&digest);
    bytes
}

/// Content of a file, after all checks. Allocates nothing.
///
/// # Errors
/// The first defect found; a file that was cut off is reported as a wrong digest, because it does not state its length.
pub fn open_content(bytes: &[u8], magic: [u8; 8], version: u32) -> Result<&[u8], EnvelopeError> {
    let found = bytes.len();
    if found < KIND + DIGEST {
        return Err(EnvelopeError::Length { found, expected: (KIND + DIGEST) as u64 });
    }
    check_kind(bytes, magic, version)?;
    check_digest(bytes)?;
    Ok(&bytes[KIND..found - DIGEST])
}

/// Checks magic and version; the bytes must be long enough for both.
fn check_kind(bytes: &[u8], magic: [u8; 8], supported: u32) -> Result<(), EnvelopeError> {
    if bytes[..8] != magic {
        return Err(EnvelopeError::Magic);
    }
    let found = number(&bytes[8..KIND]) as u32;
    if found == supported { Ok(()) } else { Err(EnvelopeError::Version { found, supported }) }
}

fn check_digest(bytes: &[u8]) -> Result<(), EnvelopeError> {
    let (content, digest) = bytes.split_at(bytes.len() - DIGEST);
    if Sha256::digest(content)[..] == *digest { Ok(()) } else { Err(EnvelopeError::Digest) }
}

fn number(little_endian: &[u8]) -> u64 {
    little_endian.iter().rev().fold(0, |n, &byte| n << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAGIC: [u8; 8] = *b"envelope";

    fn check(change: impl Fn(&mut Vec<u8>), expected: &EnvelopeError) {
        let mut bytes = seal(MAGIC, 2, b"head", b"body!");
        change(&mut bytes);
        assert_eq!(open(&bytes, MAGIC, 2), Err(expected.clone()), "{expected}");
    }

    #[test]
    fn what_was_sealed_opens() {
        assert_eq!(open(&seal(MAGIC, 2, b"head", b"body!"), MAGIC, 2), Ok((&b"head"[..], &b"body!"[..])));
        assert_eq!(open(&seal(MAGIC, 2, b"", b""), MAGIC, 2), Ok((&b""[..], &b""[..])));
        assert_eq!(open_content(&seal_content(MAGIC, 2, &[b"con", b"tent"]), MAGIC, 2), Ok(&b"content"[..]));
        assert_eq!(open_content(&seal_content(MAGIC, 2, &[]), MAGIC, 2), Ok(&b""[..]));
    }

    #[test]
    fn each_kind_of_damage_is_named() {
        let whole = seal(MAGIC, 2, b"head", b"body!").len();
        check(Vec::clear, &EnvelopeError::Length { found: 0, expected: 56 });
        check(|b| b.truncate(23), &EnvelopeError::Length { found: 23, expected: 56 });
        check(|b| b.truncate(40), &EnvelopeError::Length { found: 40, expected: whole as u64 });
        check(|b| b.push(0), &EnvelopeError::Length { found: whole + 1, expected: whole as u64 });
        check(|b| b[3] = 0, &EnvelopeError::Magic);
        check(|b| b[8] = 3, &EnvelopeError::Version { found: 3, supported: 2 });
        check(|b| b[12..16].fill(255), &EnvelopeError::HeaderLength(u32::MAX));
        check(|b| b[12] = 10, &EnvelopeError::HeaderLength(10));
        check(|b| b[16..24].fill(255), &EnvelopeError::Length { found: whole, expected: u64::MAX });
        check(|b| b[25] ^= 1, &EnvelopeError::Digest);
        check(|b| *b.last_mut().expect("not empty") ^= 128, &EnvelopeError::Digest);
        check(
            |b| {
                b.truncate(40);
                b[16..24].copy_from_slice(&40u64.to_le_bytes());
            },
            &EnvelopeError::Length { found: 40, expected: 56 },
        );
    }

    #[test]
    fn each_kind_of_damage_of_content_is_named() {
        let check = |change: &dyn Fn(&mut Vec<u8>), expected: &EnvelopeError| {
            let mut bytes = seal_content(MAGIC, 2, &[b"content"]);
            change(&mut bytes);
            assert_eq!(open_content(&bytes, MAGIC, 2), Err(expected.clone()), "{expected}");
        };
        check(&|b| b.truncate(43), &EnvelopeError::Length { found: 43, expected: 44 });
        check(&|b| b.truncate(44), &EnvelopeError::Digest);
        check(&|b| b.push(0), &EnvelopeError::Digest);
        check(&|b| b[3] = 0, &EnvelopeError::Magic);
        check(&|b| b[8] = 3, &EnvelopeError::Version { found: 3, supported: 2 });
        check(&|b| b[12] ^= 1, &EnvelopeError::Digest);
        check(&|b| *b.last_mut().expect("not empty") ^= 128, &EnvelopeError::Digest);
    }
}
