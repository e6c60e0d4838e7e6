//! Base64 for addresses (RFC 4648, section 5) without padding: six bits a letter.

use alloc::string::String;
use alloc::vec::Vec;

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Text of bytes.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 4 / 3 + 1);
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, place| bits << 8 | u32::from(group.get(place).copied().unwrap_or(0)));
        let letter = |place: usize| char::from(LETTERS[(bits >> (18 - 6 * place) & 63) as usize]);
        text.extend((0..=group.len()).map(letter));
    }
    text
}

/// Bytes of a text, or the place of the first letter (from 0) that does not fit. A text that [`encode`] would not write, because bits
/// are left over, does not fit at its end.
pub(super) fn decode(text: &str) -> Result<Vec<u8>, usize> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    for (index, group) in text.as_bytes().chunks(4).enumerate() {
        let mut bits = 0;
        for place in 0..4 {
            let value = match group.get(place) {
                None => 0,
                Some(letter) => LETTERS.iter().position(|known| known == letter).ok_or(4 * index + place)? as u32,
            };
            bits = bits << 6 | value;
        }
        let [_, whole @ ..] = bits.to_be_bytes();
        let (kept, rest) = whole.split_at(group.len() - 1);
        if kept.is_empty() || rest.iter().any(|&byte| byte != 0) {
            return Err(text.len());
        }
        bytes.extend_from_slice(kept);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back() {
        // RFC 4648, section 10.
        let rows = [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE")];
        for (bytes, text) in rows {
            assert_eq!((encode(bytes.as_bytes()), decode(text)), (text.into(), Ok(bytes.into())));
        }
        assert_eq!(encode(&[255, 239]), "_-8");
        let every: Vec<u8> = (0..=255).collect();
        assert_eq!(decode(&encode(&every)), Ok(every));
        for (text, place) in [("Z", 1), ("Zh", 2), ("Zm9=", 3), ("Zm9v+", 4), ("Zm9vé", 4)] {
            assert_eq!(decode(text), Err(place), "{text}");
        }
    }
}
