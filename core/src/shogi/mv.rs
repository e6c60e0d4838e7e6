//! A move in 16 bits.

use super::{PieceType, Square};

/// A move: a piece from square to square, perhaps promoting, or a drop from the hand.
///
/// Bits 0–6 hold the destination, bits 7–13 the origin square or 81 + the kind dropped, bit 14 the promotion.
/// The text form is USI: `7g7f`, `8h2b+`, `P*5e`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Move(u16);

/// Where a move starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A piece on the board.
    Square(Square),
    /// A piece in hand.
    Drop(PieceType),
}

const PROMOTION: u16 = 1 << 14;
const FIRST_DROP: u16 = Square::COUNT as u16;
const DROPS: u16 = PieceType::HAND.len() as u16;

impl Move {
    /// A move on the board without promotion.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mv = Move::normal("7g".parse().unwrap(), "7f".parse().unwrap());
    /// assert_eq!(mv.to_string(), "7g7f");
    /// ```
    #[inline]
    pub const fn normal(from: Square, to: Square) -> Move {
        Move((from.index() as u16) << 7 | to.index() as u16)
    }

    /// A move on the board with promotion.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mv = Move::promoting("8h".parse().unwrap(), "2b".parse().unwrap());
    /// assert_eq!(mv.to_string(), "8h2b+");
    /// ```
    #[inline]
    pub const fn promoting(from: Square, to: Square) -> Move {
        Move(Move::normal(from, to).0 | PROMOTION)
    }

    /// A drop.
    ///
    /// # Panics
    /// If `kind` cannot be in hand (king or promoted).
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mv = Move::drop(PieceType::Pawn, "5e".parse().unwrap());
    /// assert_eq!(mv.to_string(), "P*5e");
    /// ```
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

    /// Origin of the piece: a square or the hand.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mv: Move = "P*5e".parse().unwrap();
    /// assert_eq!(mv.origin(), Origin::Drop(PieceType::Pawn));
    /// ```
    #[inline]
    pub const fn origin(self) -> Origin {
        let bits = self.origin_bits();
        if bits < FIRST_DROP {
            Origin::Square(Square::at(bits as usize))
        } else {
            Origin::Drop(PieceType::HAND[(bits - FIRST_DROP) as usize])
        }
    }

    /// Origin square, `None` for a drop.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// assert_eq!("7g7f".parse::<Move>().unwrap().from(), Square::new(7, 7));
    /// assert_eq!("P*5e".parse::<Move>().unwrap().from(), None);
    /// ```
    #[inline]
    pub const fn from(self) -> Option<Square> {
        Square::from_index(self.origin_bits() as usize)
    }

    /// Destination.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// assert_eq!("7g7f".parse::<Move>().unwrap().to().to_string(), "7f");
    /// ```
    #[inline]
    pub const fn to(self) -> Square {
        Square::at((self.0 & 127) as usize)
    }

    /// Kind of the dropped piece, `None` for a move on the board.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// assert_eq!("P*5e".parse::<Move>().unwrap().dropped(), Some(PieceType::Pawn));
    /// assert_eq!("7g7f".parse::<Move>().unwrap().dropped(), None);
    /// ```
    #[inline]
    pub const fn dropped(self) -> Option<PieceType> {
        if self.is_drop() { Some(PieceType::HAND[(self.origin_bits() - FIRST_DROP) as usize]) } else { None }
    }

    /// Whether the move is a drop.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// assert!("P*5e".parse::<Move>().unwrap().is_drop());
    /// ```
    #[inline]
    pub const fn is_drop(self) -> bool {
        self.origin_bits() >= FIRST_DROP
    }

    /// Whether the piece promotes.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// assert!("8h2b+".parse::<Move>().unwrap().is_promotion());
    /// ```
    #[inline]
    pub const fn is_promotion(self) -> bool {
        self.0 & PROMOTION != 0
    }

    /// The 16 bits, for storage.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mv: Move = "8h2b+".parse().unwrap();
    /// assert_eq!(Move::from_u16(mv.to_u16()), Some(mv));
    /// ```
    #[inline]
    pub const fn to_u16(self) -> u16 {
        self.0
    }

    /// The move with these 16 bits, `None` if they encode no move.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// assert_eq!(Move::from_u16(u16::MAX), None);
    /// ```
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
