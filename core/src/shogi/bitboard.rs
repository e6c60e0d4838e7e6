//! A set of squares.

use core::fmt;
use core::ops::{BitAnd, BitAndAssign, BitOr, BitOrAssign, BitXor, BitXorAssign, Not};

use super::Square;

/// A set of squares in two words: files 1–7 in `lo` (63 bits), files 8–9 in `hi` (18 bits).
///
/// No file crosses the word border, so a step along a file is a one-bit shift of both words; and two 64-bit words suit
/// WebAssembly, which has no 128-bit multiplication.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Bitboard {
    lo: u64,
    hi: u64,
}

/// Squares in `lo`.
const SPLIT: usize = 63;
const LO: u64 = (1 << SPLIT) - 1;
const HI: u64 = (1 << (Square::COUNT - SPLIT)) - 1;

/// Rank a of the seven files in one word; the other ranks are this, shifted.
const RANK_A: u64 = 0o001_001_001_001_001_001_001;
/// Ranks a to h of the seven files in one word.
const RANKS_A_TO_H: u64 = RANK_A * 0o377;

impl Bitboard {
    /// No square.
    pub const EMPTY: Bitboard = Bitboard { lo: 0, hi: 0 };
    /// Every square.
    pub const ALL: Bitboard = Bitboard { lo: LO, hi: HI };

    /// The set of one square.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let set = Bitboard::from_square(Square::ALL[40]);
    /// assert!(set.into_iter().eq([Square::ALL[40]]));
    /// ```
    #[inline]
    pub const fn from_square(square: Square) -> Bitboard {
        let i = square.index();
        if i < SPLIT { Bitboard { lo: 1 << i, hi: 0 } } else { Bitboard { lo: 0, hi: 1 << (i - SPLIT) } }
    }

    /// The squares whose bits are set in `bits`: bit = index, bits from 81 on are ignored.
    #[inline]
    pub(crate) const fn from_bits(bits: u128) -> Bitboard {
        Bitboard { lo: bits as u64 & LO, hi: (bits >> SPLIT) as u64 & HI }
    }

    /// The set in three words of 27 squares, three files each: square `s` is bit `s % 27` of word `s / 27`.
    #[inline]
    pub(crate) const fn words(self) -> [i32; 3] {
        const WORD: u64 = (1 << 27) - 1;
        let third = self.lo >> 54 | self.hi << (SPLIT - 54);
        [(self.lo & WORD) as i32, (self.lo >> 27 & WORD) as i32, third as i32]
    }

    /// The nine squares of `rank` 1..=9.
    pub(crate) const fn rank(rank: u8) -> Bitboard {
        let lo = RANK_A << (rank - 1);
        Bitboard { lo, hi: lo & HI }
    }

    /// Whether `square` is in the set.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// assert!(Bitboard::ALL.contains(Square::ALL[40]));
    /// assert!(!Bitboard::EMPTY.contains(Square::ALL[40]));
    /// ```
    #[inline]
    pub const fn contains(self, square: Square) -> bool {
        !self.and(Bitboard::from_square(square)).is_empty()
    }

    /// Adds `square`.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mut set = Bitboard::EMPTY;
    /// set.insert(Square::ALL[40]);
    /// assert_eq!(set, Bitboard::from_square(Square::ALL[40]));
    /// ```
    #[inline]
    pub const fn insert(&mut self, square: Square) {
        *self = self.or(Bitboard::from_square(square));
    }

    /// Removes `square`.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mut set = Bitboard::ALL;
    /// set.remove(Square::ALL[40]);
    /// assert_eq!(set.count(), 80);
    /// ```
    #[inline]
    pub const fn remove(&mut self, square: Square) {
        *self = self.without(Bitboard::from_square(square));
    }

    /// Number of squares in the set.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// assert_eq!(Bitboard::ALL.count(), 81);
    /// ```
    #[inline]
    pub const fn count(self) -> usize {
        (self.lo.count_ones() + self.hi.count_ones()) as usize
    }

    /// Whether the set is empty.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// assert!(Bitboard::EMPTY.is_empty());
    /// assert!((!Bitboard::ALL).is_empty());
    /// ```
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.lo | self.hi == 0
    }

    /// Whether the set has two squares or more.
    #[inline]
    pub(crate) const fn is_several(self) -> bool {
        let lo_rest = self.lo & self.lo.wrapping_sub(1);
        let hi_rest = self.hi & self.hi.wrapping_sub(1);
        lo_rest | hi_rest != 0 || (self.lo != 0 && self.hi != 0)
    }

    /// The square with the lowest index, `None` if the set is empty.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// assert_eq!(Bitboard::ALL.first(), Square::new(1, 1));
    /// assert_eq!(Bitboard::EMPTY.first(), None);
    /// ```
    #[inline]
    pub const fn first(self) -> Option<Square> {
        if self.lo != 0 {
            Some(Square::at(self.lo.trailing_zeros() as usize))
        } else if self.hi != 0 {
            Some(Square::at(SPLIT + self.hi.trailing_zeros() as usize))
        } else {
            None
        }
    }

    /// Removes and returns the square with the lowest index, `None` if the set is empty.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mut set = Bitboard::ALL;
    /// assert_eq!(set.pop_first(), Square::new(1, 1));
    /// assert_eq!(set.first(), Square::new(1, 2));
    /// ```
    #[inline]
    pub const fn pop_first(&mut self) -> Option<Square> {
        let first = self.first();
        if self.lo != 0 {
            self.lo &= self.lo - 1;
        } else {
            self.hi &= self.hi.wrapping_sub(1);
        }
        first
    }

    /// `self & other`, usable in constants.
    #[inline]
    pub(crate) const fn and(self, other: Bitboard) -> Bitboard {
        Bitboard { lo: self.lo & other.lo, hi: self.hi & other.hi }
    }

    /// `self | other`, usable in constants.
    #[inline]
    pub(crate) const fn or(self, other: Bitboard) -> Bitboard {
        Bitboard { lo: self.lo | other.lo, hi: self.hi | other.hi }
    }

    /// The squares of `self` that are not in `other`.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let position = Position::startpos();
    /// assert_eq!(Bitboard::ALL.without(position.occupied()).count(), 41);
    /// ```
    #[inline]
    #[must_use]
    pub const fn without(self, other: Bitboard) -> Bitboard {
        Bitboard { lo: self.lo & !other.lo, hi: self.hi & !other.hi }
    }

    /// Every square one rank nearer to rank a; those on rank a leave the board.
    #[inline]
    pub(crate) const fn towards_a(self) -> Bitboard {
        Bitboard { lo: (self.lo & !RANK_A) >> 1, hi: (self.hi & !RANK_A) >> 1 }
    }

    /// Every square one rank nearer to rank i; those on rank i leave the board.
    #[inline]
    pub(crate) const fn towards_i(self) -> Bitboard {
        Bitboard { lo: (self.lo & RANKS_A_TO_H) << 1, hi: (self.hi & RANKS_A_TO_H) << 1 }
    }

    /// Every square of every file that has a square in the set.
    #[inline]
    pub(crate) const fn fill_files(self) -> Bitboard {
        /// Adding 255 to the lower eight bits of a file carries into its ninth exactly when one of them is set.
        const fn fill(word: u64) -> u64 {
            let ninth = (((word & RANKS_A_TO_H) + RANKS_A_TO_H) | word) & (RANK_A << 8);
            ninth | (ninth - (ninth >> 8))
        }
        Bitboard { lo: fill(self.lo), hi: fill(self.hi) & HI }
    }

    /// From the lowest square of the board up to and including the first square of the set; the whole board if empty.
    #[inline]
    pub(crate) const fn up_to_first(self) -> Bitboard {
        let (lo, borrow) = self.lo.overflowing_sub(1);
        Bitboard { lo: self.lo ^ lo, hi: self.hi ^ self.hi.wrapping_sub(borrow as u64) }
    }

    /// From the highest square of the board down to and including the last square of the set; the whole board if empty.
    #[inline]
    pub(crate) const fn down_to_last(self) -> Bitboard {
        let hi = u64::MAX << (self.hi | 1).ilog2();
        let lo = if self.hi == 0 { u64::MAX << (self.lo | 1).ilog2() } else { 0 };
        Bitboard { lo, hi }
    }
}

impl BitAnd for Bitboard {
    type Output = Bitboard;
    #[inline]
    fn bitand(self, other: Bitboard) -> Bitboard {
        self.and(other)
    }
}

impl BitOr for Bitboard {
    type Output = Bitboard;
    #[inline]
    fn bitor(self, other: Bitboard) -> Bitboard {
        self.or(other)
    }
}

impl BitXor for Bitboard {
    type Output = Bitboard;
    #[inline]
    fn bitxor(self, other: Bitboard) -> Bitboard {
        Bitboard { lo: self.lo ^ other.lo, hi: self.hi ^ other.hi }
    }
}

impl Not for Bitboard {
    type Output = Bitboard;
    #[inline]
    fn not(self) -> Bitboard {
        Bitboard::ALL.without(self)
    }
}

impl BitAndAssign for Bitboard {
    #[inline]
    fn bitand_assign(&mut self, other: Bitboard) {
        *self = *self & other;
    }
}

impl BitOrAssign for Bitboard {
    #[inline]
    fn bitor_assign(&mut self, other: Bitboard) {
        *self = *self | other;
    }
}

impl BitXorAssign for Bitboard {
    #[inline]
    fn bitxor_assign(&mut self, other: Bitboard) {
        *self = *self ^ other;
    }
}

/// Iterates over the squares of a [`Bitboard`], ascending by index.
#[derive(Clone, Debug)]
pub struct Squares(Bitboard);

impl Iterator for Squares {
    type Item = Square;

    #[inline]
    fn next(&mut self) -> Option<Square> {
        self.0.pop_first()
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.count(), Some(self.0.count()))
    }

    #[inline]
    fn fold<B, F: FnMut(B, Square) -> B>(self, init: B, mut visit: F) -> B {
        let mut result = init;
        for (word, first) in [(self.0.lo, 0), (self.0.hi, SPLIT)] {
            let mut word = word;
            while word != 0 {
                result = visit(result, Square::at(first + word.trailing_zeros() as usize));
                word &= word - 1;
            }
        }
        result
    }
}

impl ExactSizeIterator for Squares {}

impl IntoIterator for Bitboard {
    type Item = Square;
    type IntoIter = Squares;

    #[inline]
    fn into_iter(self) -> Squares {
        Squares(self)
    }
}

impl FromIterator<Square> for Bitboard {
    fn from_iter<I: IntoIterator<Item = Square>>(squares: I) -> Bitboard {
        squares.into_iter().fold(Bitboard::EMPTY, |set, square| set | Bitboard::from_square(square))
    }
}

impl fmt::Debug for Bitboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(*self).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_go_in_and_come_out_in_order() {
        let all: Bitboard = Square::ALL.into_iter().rev().collect();
        assert_eq!(all, Bitboard::ALL);
        assert!(all.into_iter().eq(Square::ALL));
        for square in Square::ALL {
            let mut set = !Bitboard::from_square(square);
            assert_eq!((set.count(), set.contains(square)), (80, false));
            set.insert(square);
            assert_eq!(set, Bitboard::ALL);
        }
    }

    /// Every pair of squares tells apart the two words, the files and the ends of the board.
    #[test]
    fn shifts_fills_and_rays_agree_with_their_definitions() {
        for a in Square::ALL {
            for b in Square::ALL {
                let set = Bitboard::from_square(a) | Bitboard::from_square(b);
                let matching =
                    |wanted: &dyn Fn(Square) -> bool| Square::ALL.into_iter().filter(|&s| wanted(s)).collect();
                let has = |file, rank| Square::new(file, rank).is_some_and(|square| set.contains(square));
                assert_eq!(set.is_several(), a != b);
                assert_eq!(set.fill_files(), matching(&|s| [a.file(), b.file()].contains(&s.file())));
                assert_eq!(set.towards_a(), matching(&|s| has(s.file(), s.rank() + 1)));
                assert_eq!(set.towards_i(), matching(&|s| has(s.file(), s.rank() - 1)));
                assert_eq!(set.up_to_first() & Bitboard::ALL, matching(&|s| s <= a.min(b)));
                assert_eq!(set.down_to_last() & Bitboard::ALL, matching(&|s| s >= a.max(b)));
            }
        }
        assert_eq!(Bitboard::EMPTY.up_to_first() & Bitboard::ALL, Bitboard::ALL);
        assert_eq!(Bitboard::EMPTY.down_to_last() & Bitboard::ALL, Bitboard::ALL);
    }
}
