//! Pieces in hand.

use core::fmt;

use super::PieceType;

/// The pieces that one side holds, packed into one word so that a position copies and compares quickly.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Hand(u32);

/// Bit offset of each kind's count: six bits for pawns, four for the other kinds, one more than a full set needs.
const SHIFT: [u32; 7] = [0, 6, 10, 14, 18, 22, 26];
const WIDTH: [u32; 7] = [6, 4, 4, 4, 4, 4, 4];

/// The highest bit of each count, which no full set reaches.
const SPARE: u32 = {
    let (mut bits, mut i) = (0, 0);
    while i < SHIFT.len() {
        bits |= 1 << (SHIFT[i] + WIDTH[i] - 1);
        i += 1;
    }
    bits
};

impl Hand {
    /// An empty hand.
    pub const EMPTY: Hand = Hand(0);

    /// Number of pieces of `kind`; 0 for kinds that cannot be in hand.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let position = Position::from_sfen("4k4/9/9/9/9/9/9/9/4K4 b 2PR 1").unwrap();
    /// assert_eq!(position.hand(Color::Black).count(PieceType::Pawn), 2);
    /// ```
    #[inline]
    pub const fn count(self, kind: PieceType) -> u8 {
        let i = kind.index();
        if i < SHIFT.len() { (self.0 >> SHIFT[i] & ((1 << WIDTH[i]) - 1)) as u8 } else { 0 }
    }

    /// Whether a piece of `kind` is held.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let position = Position::from_sfen("4k4/9/9/9/9/9/9/9/4K4 b 2PR 1").unwrap();
    /// assert!(position.hand(Color::Black).has(PieceType::Rook));
    /// ```
    #[inline]
    pub const fn has(self, kind: PieceType) -> bool {
        self.count(kind) > 0
    }

    /// Whether nothing is held.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// assert!(Position::startpos().hand(Color::Black).is_empty());
    /// ```
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The kinds held with their counts, pawns first.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let position = Position::from_sfen("4k4/9/9/9/9/9/9/9/4K4 b 2PR 1").unwrap();
    /// assert!(position.hand(Color::Black).iter().eq([(PieceType::Pawn, 2), (PieceType::Rook, 1)]));
    /// ```
    pub fn iter(self) -> impl Iterator<Item = (PieceType, u8)> {
        PieceType::HAND.into_iter().map(move |kind| (kind, self.count(kind))).filter(|&(_, count)| count > 0)
    }

    /// Whether this hand has at least as many pieces of each kind as `other`.
    #[inline]
    pub(crate) const fn covers(self, other: Hand) -> bool {
        // The spare bit of each kind is borrowed exactly where `other` has more of it.
        (self.0 | SPARE).wrapping_sub(other.0) & SPARE == SPARE
    }

    /// The counts in one word, different for different hands.
    #[inline]
    pub(crate) const fn bits(self) -> u32 {
        self.0
    }

    /// The hand with `count` pieces of `kind`, which is one of [`PieceType::HAND`], instead of those it has.
    #[inline]
    pub(crate) const fn with(self, kind: PieceType, count: u8) -> Hand {
        let i = kind.index();
        Hand(self.0 & !(((1 << WIDTH[i]) - 1) << SHIFT[i]) | (count as u32) << SHIFT[i])
    }

    /// Adds one piece of `kind`, which is one of [`PieceType::HAND`].
    #[inline]
    pub(crate) const fn add(&mut self, kind: PieceType) {
        self.0 += 1 << SHIFT[kind.index()];
    }

    /// Removes one piece of `kind`, of which at least one is held.
    #[inline]
    pub(crate) const fn take(&mut self, kind: PieceType) {
        debug_assert!(self.has(kind));
        self.0 -= 1 << SHIFT[kind.index()];
    }
}

impl fmt::Debug for Hand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_set_of_each_kind_fits_beside_the_others() {
        let mut hand = Hand::EMPTY;
        for kind in PieceType::HAND {
            for _ in 0..kind.set_size() {
                hand.add(kind);
            }
        }
        assert!(hand.iter().eq(PieceType::HAND.map(|kind| (kind, kind.set_size()))));
        for kind in PieceType::HAND {
            for _ in 0..kind.set_size() {
                hand.take(kind);
            }
        }
        assert!(hand.is_empty() && !hand.has(PieceType::King));
    }

    #[test]
    fn a_hand_covers_another_if_no_kind_is_short() {
        let hand = |counts: [u8; 7]| {
            PieceType::HAND.into_iter().zip(counts).fold(Hand::EMPTY, |hand, (kind, count)| hand.with(kind, count))
        };
        let (full, some) = (hand([18, 4, 4, 4, 4, 2, 2]), hand([3, 0, 1, 0, 4, 1, 0]));
        let check =
            |a: Hand, b: Hand, expected: [bool; 2]| assert_eq!([a.covers(b), b.covers(a)], expected, "{a:?}, {b:?}");
        check(full, some, [true, false]);
        check(some, some, [true, true]);
        check(some, Hand::EMPTY, [true, false]);
        for kind in PieceType::HAND {
            check(full.with(kind, full.count(kind) - 1), full, [false, true]);
            check(some.with(kind, 0), full.with(kind, 0), [false, true]);
            check(some.with(kind, 0), Hand::EMPTY.with(kind, 1), [false, false]);
        }
    }
}
