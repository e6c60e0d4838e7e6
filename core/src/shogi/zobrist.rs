//! Random keys: a position's key is the exclusive or of the keys of its parts.

use super::{Color, Piece, PieceType, Square};
// The same keys in every build.
use crate::random::nth;

const KINDS: usize = PieceType::COUNT;

/// `[colour * 14 + kind][square]`
static ON_BOARD: [[u64; Square::COUNT]; 2 * KINDS] = {
    let mut keys = [[0; Square::COUNT]; 2 * KINDS];
    let mut i = 0;
    while i < 2 * KINDS * Square::COUNT {
        keys[i / Square::COUNT][i % Square::COUNT] = nth(1 + i as u64);
        i += 1;
    }
    keys
};

/// `[colour][kind][count]`; a count of 0 has key 0.
static IN_HAND: [[[u64; 19]; 7]; 2] = {
    let mut keys = [[[0; 19]; 7]; 2];
    let mut i = 0;
    while i < 2 * 7 * 19 {
        if i % 19 != 0 {
            keys[i / 133][i / 19 % 7][i % 19] = nth(1 << 16 | i as u64);
        }
        i += 1;
    }
    keys
};

/// In the key whenever White is to move.
pub(super) const WHITE_TO_MOVE: u64 = nth(1 << 17);

/// The key of a piece on a square.
#[inline]
pub(super) fn on_board(piece: Piece, square: Square) -> u64 {
    ON_BOARD[piece.color().index() * KINDS + piece.kind().index()][square.index()]
}

/// The key of holding `count` pieces of `kind`.
#[inline]
pub(super) fn in_hand(color: Color, kind: PieceType, count: u8) -> u64 {
    IN_HAND[color.index()][kind.index()][usize::from(count)]
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
