//! A move in 16 bits.

use super::{Origin, PieceType, Square};

/// A move: a piece from square to square, perhaps promoting, or a drop from the hand.
///
/// Bits 0–6 hold the destination, bits 7–13 the origin square or 81 + the kind dropped, bit 14 the promotion.
/// The text form is USI: `7g7f`, `8h2b+`, `P*5e`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Move(u16);

const PROMOTION: u16 = 1 << 14;
const FIRST_DROP: u16 = Square::COUNT as u16;
const DROPS: u16 = PieceType::HAND.len() as u16;

impl Move {
    /// A move on the board without promotion.
    #[inline]
    pub const fn normal(from: Square, to: Square) -> Move {
        Move((from.index() as u16) << 7 | to.index() as u16)
    }

    /// A move on the board with promotion.
    #[inline]
    pub const fn promoting(from: Square, to: Square) -> Move {
        Move(Move::normal(from, to).0 | PROMOTION)
    }

    /// A drop.
    ///
    /// # Panics
    /// If `kind` cannot be in hand (king or promoted).
    #[inline]
    pub const fn drop(kind: PieceType, to: Square) -> Move {
        assert!(kind.index() < DROPS as usize, "only unpromoted pieces other than the king are dropped");
        Move((FIRST_DROP + kind.index() as u16) << 7 | to.index() as u16)
    }

    /// A move without promotion, from a square or the hand.
    #[inline]
    pub(super) const fn starting_at(origin: Origin, to: Square) -> Move {
        let bits = match origin {
            Origin::Square(from) => from.index() as u16,
            Origin::Drop(kind) => FIRST_DROP + kind.index() as u16,
        };
        Move(bits << 7 | to.index() as u16)
    }

    /// The same move on the board, with promotion.
    #[inline]
    pub(super) const fn promoted(self) -> Move {
        Move(self.0 | PROMOTION)
    }

    const fn origin_bits(self) -> u16 {
        self.0 >> 7 & 127
    }

    /// Where the piece comes from: a square or the hand.
    #[inline]
    pub const fn origin(self) -> Origin {
        let bits = self.origin_bits();
        if bits < FIRST_DROP {
            Origin::Square(Square::at(bits as usize))
        } else {
            Origin::Drop(PieceType::HAND[(bits - FIRST_DROP) as usize])
        }
    }

    /// The square that the piece leaves; nothing for a drop.
    #[inline]
    pub const fn from(self) -> Option<Square> {
        Square::from_index(self.origin_bits() as usize)
    }

    /// The destination.
    #[inline]
    pub const fn to(self) -> Square {
        Square::at((self.0 & 127) as usize)
    }

    /// The kind that is dropped; nothing for a move on the board.
    #[inline]
    pub const fn dropped(self) -> Option<PieceType> {
        if self.is_drop() { Some(PieceType::HAND[(self.origin_bits() - FIRST_DROP) as usize]) } else { None }
    }

    /// Whether a piece comes from the hand.
    #[inline]
    pub const fn is_drop(self) -> bool {
        self.origin_bits() >= FIRST_DROP
    }

    /// Whether the piece promotes.
    #[inline]
    pub const fn is_promotion(self) -> bool {
        self.0 & PROMOTION != 0
    }

    /// The 16 bits, for storage.
    #[inline]
    pub const fn to_u16(self) -> u16 {
        self.0
    }

    /// The move with these 16 bits; nothing if they are not a move's.
    pub const fn from_u16(bits: u16) -> Option<Move> {
        let mv = Move(bits);
        let origin = mv.origin_bits();
        let known = bits < PROMOTION << 1
            && bits & 127 < Square::COUNT as u16
            && origin < FIRST_DROP + DROPS
            && origin != bits & 127
            && !(mv.is_drop() && mv.is_promotion());
        if known { Some(mv) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_that_are_no_move_are_refused() {
        let bits = |from: u16, to: u16, promotes: u16| Move::from_u16(promotes << 14 | from << 7 | to);
        assert!(bits(0, 1, 0).is_some() && bits(0, 1, 1).is_some() && bits(87, 80, 0).is_some());
        assert_eq!([bits(3, 3, 0), bits(0, 81, 0), bits(88, 0, 0), bits(81, 0, 1), bits(0, 1, 2)], [None; 5]);
    }
}
