//! Kinds of pieces, and pieces with an owner.

use core::num::NonZeroU8;

use super::Color;

/// A kind of piece. A promoted kind is its base kind + 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum PieceType {
    /// Pawn (歩).
    Pawn = 0,
    /// Lance (香).
    Lance = 1,
    /// Knight (桂).
    Knight = 2,
    /// Silver (銀).
    Silver = 3,
    /// Gold (金).
    Gold = 4,
    /// Bishop (角).
    Bishop = 5,
    /// Rook (飛).
    Rook = 6,
    /// King (玉).
    King = 7,
    /// Promoted pawn (と).
    ProPawn = 8,
    /// Promoted lance (成香).
    ProLance = 9,
    /// Promoted knight (成桂).
    ProKnight = 10,
    /// Promoted silver (成銀).
    ProSilver = 11,
    /// Promoted bishop (馬).
    Horse = 12,
    /// Promoted rook (龍).
    Dragon = 13,
}

use PieceType::{
    Bishop, Dragon, Gold, Horse, King, Knight, Lance, Pawn, ProKnight, ProLance, ProPawn, ProSilver, Rook, Silver,
};

impl PieceType {
    /// Number of kinds.
    pub const COUNT: usize = 14;
    /// Every kind, in the order of [`PieceType::index`].
    pub const ALL: [PieceType; Self::COUNT] =
        [Pawn, Lance, Knight, Silver, Gold, Bishop, Rook, King, ProPawn, ProLance, ProKnight, ProSilver, Horse, Dragon];
    /// The kinds that can be in hand, in the order of [`PieceType::index`].
    pub const HAND: [PieceType; 7] = [Pawn, Lance, Knight, Silver, Gold, Bishop, Rook];

    /// Index in 0..14, pawn first; indices 0..7 are the kinds that can be in hand.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// assert_eq!(PieceType::ALL[PieceType::Horse.index()], PieceType::Horse);
    /// ```
    #[inline]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The promoted kind, `None` for gold, king and promoted kinds.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// assert_eq!(PieceType::Bishop.promoted(), Some(PieceType::Horse));
    /// assert_eq!(PieceType::Gold.promoted(), None);
    /// ```
    #[inline]
    pub const fn promoted(self) -> Option<PieceType> {
        match self {
            Pawn => Some(ProPawn),
            Lance => Some(ProLance),
            Knight => Some(ProKnight),
            Silver => Some(ProSilver),
            Bishop => Some(Horse),
            Rook => Some(Dragon),
            _ => None,
        }
    }

    /// The kind before promotion; the kind itself if it is not promoted.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// assert_eq!(PieceType::Dragon.unpromoted(), PieceType::Rook);
    /// assert_eq!(PieceType::Rook.unpromoted(), PieceType::Rook);
    /// ```
    #[inline]
    #[must_use]
    pub const fn unpromoted(self) -> PieceType {
        match self {
            ProPawn => Pawn,
            ProLance => Lance,
            ProKnight => Knight,
            ProSilver => Silver,
            Horse => Bishop,
            Dragon => Rook,
            kind => kind,
        }
    }

    /// Whether this is a promoted kind.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// assert!(PieceType::Dragon.is_promoted());
    /// assert!(!PieceType::King.is_promoted());
    /// ```
    #[inline]
    pub const fn is_promoted(self) -> bool {
        self as u8 >= ProPawn as u8
    }

    /// Number of pieces of this base kind in a full set, both sides together.
    pub(crate) const fn set_size(self) -> u8 {
        match self.unpromoted() {
            Pawn => 18,
            Lance | Knight | Silver | Gold => 4,
            _ => 2,
        }
    }
}

/// A piece with its owner, in one byte that is never 0, so that an `Option<Piece>` is one byte as well.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Piece(NonZeroU8);

impl Piece {
    /// The bit of White's pieces; the bits below hold the kind. One is added to both.
    const WHITE: u8 = 1 << 4;

    /// A piece of `kind` that belongs to `color`.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let rook = Piece::new(Color::White, PieceType::Rook);
    /// assert_eq!(Position::startpos().piece_at("8b".parse().unwrap()), Some(rook));
    /// ```
    #[inline]
    pub const fn new(color: Color, kind: PieceType) -> Piece {
        Piece(NonZeroU8::MIN.saturating_add(color as u8 * Self::WHITE + kind as u8))
    }

    /// 1–14 for Black's kinds, 17–30 for White's.
    #[inline]
    pub(crate) const fn code(self) -> u8 {
        self.0.get()
    }

    /// The piece with that code, `None` for 0.
    #[inline]
    pub(crate) const fn from_code(code: u8) -> Option<Piece> {
        match NonZeroU8::new(code) {
            Some(code) => Some(Piece(code)),
            None => None,
        }
    }

    /// The owner.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// assert_eq!(Piece::new(Color::White, PieceType::Rook).color(), Color::White);
    /// ```
    #[inline]
    pub const fn color(self) -> Color {
        if self.0.get() <= Self::WHITE { Color::Black } else { Color::White }
    }

    /// The kind.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// assert_eq!(Piece::new(Color::White, PieceType::Rook).kind(), PieceType::Rook);
    /// ```
    #[inline]
    pub const fn kind(self) -> PieceType {
        PieceType::ALL[((self.0.get() - 1) % Self::WHITE) as usize]
    }
}

impl core::fmt::Debug for Piece {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} {:?}", self.color(), self.kind())
    }
}
