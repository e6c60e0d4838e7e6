//! Random keys: a position's key is the exclusive or of the keys of its parts.

use super::{Color, Piece, PieceType, Square};
// The same keys in every build.
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
static IN_HAND: [[[u64; 19]; 7]; 2] = {
    let mut keys = [[[0; 19]; 7]; 2];
    let mut i = 0;
    while i < 2 * 7 * 19 {
        keys[i / 133][i / 19 % 7][i % 19] = hand_key(i / 133, i / 19 % 7, i % 19);
        i += 1;
    }
    keys
};

/// Whether keys are computed where they are needed: 20 KB of random numbers would be a fifth of what a page downloads, and
/// no compression makes them smaller.
const COMPUTED: bool = cfg!(target_family = "wasm");

/// In the key whenever White is to move.
pub(super) const WHITE_TO_MOVE: u64 = nth(1 << 17);

/// The key of a piece on a square.
#[inline]
pub(super) fn on_board(piece: Piece, square: Square) -> u64 {
    let row = piece.color().index() * KINDS + piece.kind().index();
    if COMPUTED { board_key(row, square.index()) } else { ON_BOARD[row][square.index()] }
}

/// The key of holding `count` pieces of `kind`.
#[inline]
pub(super) fn in_hand(color: Color, kind: PieceType, count: u8) -> u64 {
    let (color, kind, count) = (color.index(), kind.index(), usize::from(count));
    if COMPUTED { hand_key(color, kind, count) } else { IN_HAND[color][kind][count] }
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
