//! Board, hands and side to move; playing a move.

use core::fmt;

use super::{Bitboard, Color, Hand, Move, Outcome, Piece, PieceType, Square, zobrist};

/// A position: board, hands, side to move and move number.
///
/// Small enough to copy before each move. Equality includes the move number; [`Position::key`] does not.
///
/// ```
/// use keisei_core::shogi::Position;
///
/// let mut position = Position::startpos();
/// position.play("7g7f".parse().unwrap());
/// assert_eq!(position.to_sfen(), "lnsgkgsnl/1r5b1/ppppppppp/9/9/2P6/PP1PPPPPP/1B5R1/LNSGKGSNL w - 2");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Position {
    /// The squares of each base kind (pawn to king), promoted or not, both colours.
    kinds: [Bitboard; 8],
    /// The squares of promoted pieces.
    promoted: Bitboard,
    colors: [Bitboard; 2],
    key: u64,
    hands: [Hand; 2],
    board: [Option<Piece>; Square::COUNT],
    side_to_move: Color,
    ply: u16,
}

impl Position {
    /// SFEN of [`startpos`](Self::startpos).
    pub const STARTPOS_SFEN: &'static str = "lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSNL b - 1";

    /// The start position of a game without handicap.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let position = Position::startpos();
    /// assert_eq!((position.side_to_move(), position.occupied().count()), (Color::Black, 40));
    /// ```
    // It cannot panic: the text is a constant, which every test reads.
    #[allow(clippy::missing_panics_doc)]
    pub fn startpos() -> Position {
        let Ok(position) = Position::from_sfen(Self::STARTPOS_SFEN) else {
            unreachable!("the start position is correct SFEN")
        };
        position
    }

    /// A board without pieces, Black to move, move number 1.
    pub(super) const fn empty() -> Position {
        Position {
            kinds: [Bitboard::EMPTY; 8],
            promoted: Bitboard::EMPTY,
            colors: [Bitboard::EMPTY; 2],
            key: 0,
            hands: [Hand::EMPTY; 2],
            board: [None; Square::COUNT],
            side_to_move: Color::Black,
            ply: 1,
        }
    }

    /// The position in the mirror, with left and right exchanged; whatever is legal in one is legal in the other.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mirrored = Position::startpos().mirrored();
    /// assert_eq!(mirrored.to_sfen(), "lnsgkgsnl/1b5r1/ppppppppp/9/9/9/PPPPPPPPP/1R5B1/LNSGKGSNL b - 1");
    /// assert_eq!(mirrored.mirrored(), Position::startpos());
    /// ```
    #[must_use]
    pub fn mirrored(&self) -> Position {
        let mut mirrored = Position::empty();
        for square in Square::ALL {
            if let Some(piece) = self.piece_at(square) {
                mirrored.put(piece, square.mirror());
            }
        }
        for color in Color::ALL {
            for kind in PieceType::HAND {
                (0..self.hand(color).count(kind)).for_each(|_| mirrored.add_to_hand(color, kind));
            }
        }
        mirrored.set_turn(self.side_to_move, self.ply);
        mirrored
    }

    /// The side to move.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mut position = Position::startpos();
    /// position.play("7g7f".parse().unwrap());
    /// assert_eq!(position.side_to_move(), Color::White);
    /// ```
    #[inline]
    pub const fn side_to_move(&self) -> Color {
        self.side_to_move
    }

    /// The piece on `square`, `None` if it is empty.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let square = "2h".parse().unwrap();
    /// assert_eq!(Position::startpos().piece_at(square), Some(Piece::new(Color::Black, PieceType::Rook)));
    /// ```
    #[inline]
    pub const fn piece_at(&self, square: Square) -> Option<Piece> {
        self.board[square.index()]
    }

    /// The pieces by square index.
    #[inline]
    pub(crate) const fn board(&self) -> &[Option<Piece>; Square::COUNT] {
        &self.board
    }

    /// The hand of `color`.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let position = Position::from_sfen("4k4/9/9/9/9/9/9/9/4K4 b 2PR 1").unwrap();
    /// assert_eq!(position.hand(Color::Black).count(PieceType::Pawn), 2);
    /// assert!(position.hand(Color::White).is_empty());
    /// ```
    #[inline]
    pub const fn hand(&self, color: Color) -> Hand {
        self.hands[color.index()]
    }

    /// The square of the king of `color`; a problem position may lack one.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// assert_eq!(Position::startpos().king(Color::Black), Square::new(5, 9));
    /// ```
    #[inline]
    pub fn king(&self, color: Color) -> Option<Square> {
        (self.kind(PieceType::King) & self.by_color(color)).first()
    }

    /// The squares where `color` has pieces of exactly `kind`.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let rooks = Position::startpos().pieces(Color::Black, PieceType::Rook);
    /// assert!(rooks.into_iter().eq(Square::new(2, 8)));
    /// ```
    #[inline]
    pub fn pieces(&self, color: Color, kind: PieceType) -> Bitboard {
        let base = self.kind(kind.unpromoted()) & self.by_color(color);
        if kind.is_promoted() { base & self.promoted } else { base.without(self.promoted) }
    }

    /// The squares of a base kind, promoted or not, both colours.
    #[inline]
    pub(super) const fn kind(&self, base: PieceType) -> Bitboard {
        self.kinds[base.index()]
    }

    /// The squares of promoted pieces of both colours.
    #[inline]
    pub(super) const fn promoted(&self) -> Bitboard {
        self.promoted
    }

    /// The squares with a piece.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// assert_eq!(Position::startpos().occupied().count(), 40);
    /// ```
    #[inline]
    pub const fn occupied(&self) -> Bitboard {
        self.colors[0].or(self.colors[1])
    }

    /// The squares with a piece of `color`.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// assert_eq!(Position::startpos().by_color(Color::White).count(), 20);
    /// ```
    #[inline]
    pub const fn by_color(&self, color: Color) -> Bitboard {
        self.colors[color.index()]
    }

    /// The move number as SFEN counts it: 1 before the first move; it stays at 65,535.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mut position = Position::startpos();
    /// position.play("7g7f".parse().unwrap());
    /// assert_eq!(position.ply(), 2);
    /// ```
    #[inline]
    pub const fn ply(&self) -> u16 {
        self.ply
    }

    /// The Zobrist key of board, hands and side to move, not of the move number.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mut game = Game::startpos();
    /// for mv in ["2h3h", "8b7b", "3h2h", "7b8b"] {
    ///     game.play(mv.parse().unwrap());
    /// }
    /// assert_eq!(game.position().key(), Position::startpos().key());
    /// ```
    #[inline]
    pub const fn key(&self) -> u64 {
        self.key
    }

    /// The Zobrist key of board and side to move, not of the hands.
    pub(crate) fn board_key(&self) -> u64 {
        Color::ALL.into_iter().fold(self.key, |key, color| {
            self.hand(color).iter().fold(key, |key, (kind, count)| key ^ zobrist::in_hand(color, kind, count))
        })
    }

    /// Plays `mv`.
    ///
    /// # Panics
    /// If `mv` is not legal here.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mut position = Position::startpos();
    /// position.play("7g7f".parse().unwrap());
    /// assert!(position.piece_at("7f".parse().unwrap()).is_some());
    /// ```
    pub fn play(&mut self, mv: Move) {
        if let Err(error) = self.try_play(mv) {
            panic!("{error}");
        }
    }

    /// Plays `mv` if it is legal here.
    ///
    /// # Errors
    /// If it is not; the position is then unchanged.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mv = "7g7e".parse().unwrap();
    /// assert_eq!(Position::startpos().try_play(mv), Err(IllegalMove::AgainstTheRules(mv)));
    /// ```
    pub fn try_play(&mut self, mv: Move) -> Result<(), IllegalMove> {
        if !self.is_legal(mv) {
            return Err(IllegalMove::AgainstTheRules(mv));
        }
        self.play_unchecked(mv);
        Ok(())
    }

    /// Plays `mv`, which the caller knows to be legal here. An illegal move corrupts the position or panics.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let position = Position::startpos();
    /// for mv in position.legal_moves() {
    ///     let mut next = position.clone();
    ///     next.play_unchecked(mv);
    ///     assert_eq!(next.side_to_move(), Color::White);
    /// }
    /// ```
    #[inline]
    pub fn play_unchecked(&mut self, mv: Move) {
        self.advance(mv);
    }

    /// Plays a legal move and returns the piece that it captured.
    #[inline]
    pub(super) fn advance(&mut self, mv: Move) -> Option<Piece> {
        let us = self.side_to_move;
        let to = mv.to();
        let mut captured = None;
        if let Some(from) = mv.from() {
            let mover = self.board[from.index()].expect("a legal move starts from a piece");
            captured = self.board[to.index()];
            if let Some(piece) = captured {
                self.toggle(piece, to);
                self.add_to_hand(us, piece.kind().unpromoted());
            }
            let (origin, destination) = (Bitboard::from_square(from), Bitboard::from_square(to));
            let (landed, promoted) = if mv.is_promotion() {
                let kind = mover.kind().promoted().expect("a promoting piece can promote");
                (Piece::new(us, kind), destination)
            } else if mover.kind().is_promoted() {
                (mover, origin ^ destination)
            } else {
                (mover, Bitboard::EMPTY)
            };
            // The base kind does not change, so that one update serves both squares.
            self.kinds[mover.kind().unpromoted().index()] ^= origin ^ destination;
            self.colors[us.index()] ^= origin ^ destination;
            self.promoted ^= promoted;
            self.key ^= zobrist::on_board(mover, from) ^ zobrist::on_board(landed, to);
            self.board[from.index()] = None;
            self.board[to.index()] = Some(landed);
        } else if let Some(kind) = mv.dropped() {
            self.take_from_hand(us, kind);
            let piece = Piece::new(us, kind);
            self.toggle(piece, to);
            self.board[to.index()] = Some(piece);
        }
        self.side_to_move = us.flip();
        self.key ^= zobrist::WHITE_TO_MOVE;
        self.ply = self.ply.saturating_add(1);
        captured
    }

    /// Undoes `mv`, the last move, which captured `captured` and was played at move number `ply`.
    pub(super) fn retract(&mut self, mv: Move, captured: Option<Piece>, ply: u16) {
        let us = self.side_to_move.flip();
        let to = mv.to();
        let landed = self.board[to.index()].expect("the last move left a piece on its destination");
        self.toggle(landed, to);
        self.board[to.index()] = captured;
        if let Some(from) = mv.from() {
            let mover = if mv.is_promotion() { Piece::new(us, landed.kind().unpromoted()) } else { landed };
            self.toggle(mover, from);
            self.board[from.index()] = Some(mover);
            if let Some(piece) = captured {
                self.toggle(piece, to);
                self.take_from_hand(us, piece.kind().unpromoted());
            }
        } else {
            self.add_to_hand(us, landed.kind());
        }
        self.side_to_move = us;
        self.key ^= zobrist::WHITE_TO_MOVE;
        self.ply = ply;
    }

    /// Puts a piece on an empty square.
    pub(super) fn put(&mut self, piece: Piece, square: Square) {
        self.toggle(piece, square);
        self.board[square.index()] = Some(piece);
    }

    /// Sets side to move and move number of a position being built.
    pub(super) fn set_turn(&mut self, side_to_move: Color, ply: u16) {
        if side_to_move != self.side_to_move {
            self.key ^= zobrist::WHITE_TO_MOVE;
        }
        self.side_to_move = side_to_move;
        self.ply = ply;
    }

    /// Adds one piece to a hand.
    #[inline]
    pub(super) fn add_to_hand(&mut self, color: Color, kind: PieceType) {
        let hand = &mut self.hands[color.index()];
        let before = hand.count(kind);
        hand.add(kind);
        self.key ^= zobrist::in_hand(color, kind, before) ^ zobrist::in_hand(color, kind, before + 1);
    }

    #[inline]
    fn take_from_hand(&mut self, color: Color, kind: PieceType) {
        let hand = &mut self.hands[color.index()];
        let before = hand.count(kind);
        hand.take(kind);
        self.key ^= zobrist::in_hand(color, kind, before) ^ zobrist::in_hand(color, kind, before - 1);
    }

    /// Adds a piece to the sets and the key, or removes it; the caller updates `board`.
    #[inline]
    fn toggle(&mut self, piece: Piece, square: Square) {
        let bit = Bitboard::from_square(square);
        self.kinds[piece.kind().unpromoted().index()] ^= bit;
        if piece.kind().is_promoted() {
            self.promoted ^= bit;
        }
        self.colors[piece.color().index()] ^= bit;
        self.key ^= zobrist::on_board(piece, square);
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Position({})", self.to_sfen())
    }
}

/// Reason why a move was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IllegalMove {
    /// The rules do not allow this move in this position.
    AgainstTheRules(Move),
    /// The game has ended.
    GameOver(Move, Outcome),
}

impl fmt::Display for IllegalMove {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IllegalMove::AgainstTheRules(mv) => write!(f, "{mv} is not a legal move here"),
            IllegalMove::GameOver(mv, outcome) => write!(f, "{mv} comes after the end of the game ({outcome})"),
        }
    }
}

impl core::error::Error for IllegalMove {}
