//! Zobrist keys: the key of a position is the exclusive or of the keys of its parts.

use super::{Color, Piece, PieceType, Square};
// Constants, so that the keys are the same in every build.
use crate::random::nth;

const KINDS: usize = PieceType::COUNT;

/// The key of row `colour * 14 + kind` on a square.
const fn board_key(row: usize, square: usize) -> u64 {
    nth(1 + (row * Square::COUNT + square) as u64)
}

/// The key of holding `count` of a kind; a count of 0 has key 0.
const fn hand_key(color: usize, kind: usize, count: usize) -> u64 {
    if count == 0 { 0 } else { nth(1 << 16 | (color * 133 + kind * 19 + count) as u64) }
}

/// `[colour * 14 + kind][square]`
#[cfg(any(test, not(target_family = "wasm")))]
static ON_BOARD: [[u64; Square::COUNT]; 2 * KINDS] = {
    let mut keys = [[0; Square::COUNT]; 2 * KINDS];
    let mut i = 0;
    while i < 2 * KINDS * Square::COUNT {
        keys[i / Square::COUNT][i % Square::COUNT] = board_key(i / Square::COUNT, i % Square::COUNT);
        i += 1;
    }
    keys
};

/// `[colour][kind][count]`
#[cfg(any(test, not(target_family = "wasm")))]
static IN_HAND: [[[u64; 19]; 7]; 2] = {
    let mut keys = [[[0; 19]; 7]; 2];
    let mut i = 0;
    while i < 2 * 7 * 19 {
        keys[i / 133][i / 19 % 7][i % 19] = hand_key(i / 133, i / 19 % 7, i % 19);
        i += 1;
    }
    keys
};

/// The key of White to move.
pub(super) const WHITE_TO_MOVE: u64 = nth(1 << 17);

/// The key of a piece on a square.
#[inline]
pub(super) fn on_board(piece: Piece, square: Square) -> u64 {
    let (row, square) = (piece.color().index() * KINDS + piece.kind().index(), square.index());
    #[cfg(target_family = "wasm")]
    return page::cached(&page::ON_BOARD[row][square], || board_key(row, square));
    #[cfg(not(target_family = "wasm"))]
    ON_BOARD[row][square]
}

/// The key of holding `count` pieces of `kind`.
#[inline]
pub(super) fn in_hand(color: Color, kind: PieceType, count: u8) -> u64 {
    let (color, kind, count) = (color.index(), kind.index(), usize::from(count));
    #[cfg(target_family = "wasm")]
    return page::cached(&page::IN_HAND[color][kind][count], || hand_key(color, kind, count));
    #[cfg(not(target_family = "wasm"))]
    IN_HAND[color][kind][count]
}

/// In a page each key is computed at its first use: 20 KB of random numbers would be a fifth of the download, and no
/// compression makes them smaller.
#[cfg(target_family = "wasm")]
mod page {
    use super::{KINDS, Square};
    use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

    pub(super) static ON_BOARD: [[AtomicU64; Square::COUNT]; 2 * KINDS] =
        [const { [const { AtomicU64::new(0) }; Square::COUNT] }; 2 * KINDS];
    pub(super) static IN_HAND: [[[AtomicU64; 19]; 7]; 2] =
        [const { [const { [const { AtomicU64::new(0) }; 19] }; 7] }; 2];

    /// The number cached in `place`, computed at first use. Every thread computes the same one, so no ordering is needed.
    #[inline]
    pub(super) fn cached(place: &AtomicU64, compute: impl FnOnce() -> u64) -> u64 {
        let known = place.load(Relaxed);
        if known != 0 {
            return known;
        }
        let key = compute();
        place.store(key, Relaxed);
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_parts_have_the_same_key() {
        let mut keys = alloc::vec![WHITE_TO_MOVE];
        keys.extend(ON_BOARD.iter().flatten());
        keys.extend(IN_HAND.iter().flatten().flatten().filter(|&&key| key != 0));
        let count = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!((keys.len(), count), (count, 1 + 2 * 14 * 81 + 2 * 7 * 18));
    }
}
