//! What every file of ours has around its content, so that damage is found before anything is read.
//!
//! | offset | bytes | content |
//! |---|---|---|
//! | 0 | 8 | magic: which kind of file |
//! | 8 | 4 | version of that kind, little endian like all numbers |
//! | 12 | 4 | `h`, length of the header, at most [`MAX_HEADER`] |
//! | 16 | 8 | length of the whole file |
//! | 24 | `h` | header |
//! | 24 + `h` | | body |
//! | end − 32 | 32 | SHA-256 of everything before it |

use alloc::vec::Vec;
use core::fmt;

use sha2::{Digest, Sha256};

/// The longest header that is read.
pub const MAX_HEADER: usize = 1 << 16;

/// Bytes before the header.
const PREAMBLE: usize = 24;

/// Bytes of the digest at the end.
const DIGEST: usize = 32;

/// Why bytes are not a whole, undamaged file of the kind expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvelopeError {
    /// The file is shorter or longer than it says, or too short to say.
    Length {
        /// Bytes there are.
        found: usize,
        /// Bytes the file says it has, or at least needs.
        expected: u64,
    },
    /// The first bytes are those of another kind of file.
    Magic,
    /// Another version of the format.
    Version {
        /// The file's version.
        found: u32,
        /// The only version that this build reads.
        supported: u32,
    },
    /// The header is longer than [`MAX_HEADER`] or than the file.
    HeaderLength(u32),
    /// The SHA-256 at the end is not that of the content: the file is damaged.
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

/// Encloses a header and a body.
///
/// # Panics
/// If the header is longer than [`MAX_HEADER`].
pub fn seal(magic: [u8; 8], version: u32, header: &[u8], body: &[u8]) -> Vec<u8> {
    assert!(header.len() <= MAX_HEADER, "a header of {} bytes could not be read back", header.len());
    let len = PREAMBLE + header.len() + body.len() + DIGEST;
    let mut bytes = Vec::with_capacity(len);
    bytes.extend_from_slice(&magic);
    bytes.extend_from_slice(&version.to_le_bytes());
    bytes.extend_from_slice(&(header.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&(len as u64).to_le_bytes());
    bytes.extend_from_slice(header);
    bytes.extend_from_slice(body);
    let digest = Sha256::digest(&bytes);
    bytes.extend_from_slice(&digest);
    bytes
}

/// The header and the body of a file, after checking all that encloses them. Allocates nothing.
///
/// # Errors
/// The first thing found wrong.
pub fn open(bytes: &[u8], magic: [u8; 8], version: u32) -> Result<(&[u8], &[u8]), EnvelopeError> {
    let found = bytes.len();
    let shortest = EnvelopeError::Length { found, expected: (PREAMBLE + DIGEST) as u64 };
    let (preamble, rest) = bytes.split_first_chunk::<PREAMBLE>().ok_or(shortest.clone())?;
    let number =
        |range: core::ops::Range<usize>| preamble[range].iter().rev().fold(0, |n, &byte| n << 8 | u64::from(byte));

    if preamble[..8] != magic {
        return Err(EnvelopeError::Magic);
    }
    let found_version = number(8..12) as u32;
    if found_version != version {
        return Err(EnvelopeError::Version { found: found_version, supported: version });
    }
    let expected = number(16..24);
    if found as u64 != expected {
        return Err(EnvelopeError::Length { found, expected });
    }
    let (content, digest) = rest.split_last_chunk::<DIGEST>().ok_or(shortest)?;
    let header = number(12..16) as u32;
    if header as usize > MAX_HEADER.min(content.len()) {
        return Err(EnvelopeError::HeaderLength(header));
    }
    if Sha256::digest(&bytes[..found - DIGEST])[..] != digest[..] {
        return Err(EnvelopeError::Digest);
    }
    Ok(content.split_at(header as usize))
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
}
