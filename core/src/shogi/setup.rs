//! Start position that somebody puts together.

use alloc::vec::Vec;

use super::movegen::dead_ranks;
use super::{Color, Piece, PieceType, Position, Square};

/// Defect of a start position that somebody put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetupFault {
    /// The opponent of the side to move has no king. The side to move may lack one, as in mate problems.
    NoKing(Color),
    /// A side has more than one king.
    TwoKings(Color),
    /// There are more pieces of a kind than in a set.
    TooMany(PieceType),
    /// A second pawn on a file (nifu, 二歩).
    TwoPawns(Square),
    /// The piece could never move (行き所のない駒).
    Dead(Square),
    /// The side that is not to move is in check by this piece.
    OpponentInCheck(Square),
}

impl SetupFault {
    /// Id for programs.
    ///
    /// ```
    /// use keisei_core::shogi::{Color, SetupFault};
    ///
    /// assert_eq!(SetupFault::NoKing(Color::White).id(), "no_king");
    /// ```
    pub const fn id(self) -> &'static str {
        match self {
            SetupFault::NoKing(_) => "no_king",
            SetupFault::TwoKings(_) => "two_kings",
            SetupFault::TooMany(_) => "too_many",
            SetupFault::TwoPawns(_) => "two_pawns",
            SetupFault::Dead(_) => "dead_piece",
            SetupFault::OpponentInCheck(_) => "opponent_in_check",
        }
    }
}

/// Start position that somebody puts together, before it is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Pieces by square index.
    pub board: [Option<Piece>; Square::COUNT],
    /// Numbers of pieces in hand of each side, in the order of [`PieceType::HAND`].
    pub hands: [[u8; PieceType::HAND.len()]; 2],
    /// Side to move.
    pub side_to_move: Color,
}

impl Setup {
    /// Position, if a game can start from it.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mut setup = Setup { board: [None; 81], hands: [[0; 7]; 2], side_to_move: Color::Black };
    /// assert_eq!(setup.position(), Err(vec![SetupFault::NoKing(Color::White)]));
    /// let square = Square::new(5, 1).unwrap();
    /// setup.board[square.index()] = Some(Piece::new(Color::White, PieceType::King));
    /// setup.hands[0][PieceType::Rook.index()] = 1;
    /// assert_eq!(setup.position().unwrap().to_sfen(), "4k4/9/9/9/9/9/9/9/9 b R 1");
    /// ```
    ///
    /// # Errors
    /// Every defect, if there is any.
    pub fn position(&self) -> Result<Position, Vec<SetupFault>> {
        let mut faults = Vec::new();
        for color in Color::ALL {
            match self.squares(Piece::new(color, PieceType::King)).count() {
                0 if color != self.side_to_move => faults.push(SetupFault::NoKing(color)),
                0 | 1 => {}
                _ => faults.push(SetupFault::TwoKings(color)),
            }
        }
        for kind in PieceType::HAND {
            let on_board = self.board.iter().flatten().filter(|piece| piece.kind().unpromoted() == kind).count();
            let in_hand: usize = self.hands.iter().map(|hand| usize::from(hand[kind.index()])).sum();
            if on_board + in_hand > kind.set_size().into() {
                faults.push(SetupFault::TooMany(kind));
            }
        }
        let is_whole = faults.iter().all(|fault| matches!(fault, SetupFault::NoKing(_)));
        for square in Square::ALL {
            let Some(piece) = self.board[square.index()] else { continue };
            let mut before = self.squares(piece).filter(|other| other.file() == square.file() && *other < square);
            if dead_ranks(piece.color(), piece.kind()).contains(square) {
                faults.push(SetupFault::Dead(square));
            } else if piece.kind() == PieceType::Pawn && before.next().is_some() {
                faults.push(SetupFault::TwoPawns(square));
            }
        }
        // A position cannot hold more than a set of pieces.
        let position = if is_whole { self.build() } else { return Err(faults) };
        faults.extend(position.checkers_of(self.side_to_move.flip()).first().map(SetupFault::OpponentInCheck));
        if faults.is_empty() { Ok(position) } else { Err(faults) }
    }

    /// Squares of a piece.
    fn squares(&self, piece: Piece) -> impl Iterator<Item = Square> {
        Square::ALL.into_iter().filter(move |square| self.board[square.index()] == Some(piece))
    }

    fn build(&self) -> Position {
        let mut position = Position::empty();
        for square in Square::ALL {
            if let Some(piece) = self.board[square.index()] {
                position.put(piece, square);
            }
        }
        for color in Color::ALL {
            for kind in PieceType::HAND {
                (0..self.hands[color.index()][kind.index()]).for_each(|_| position.add_to_hand(color, kind));
            }
        }
        position.set_turn(self.side_to_move, 1);
        position
    }
}

impl From<&Position> for Setup {
    fn from(position: &Position) -> Setup {
        let hands = Color::ALL.map(|color| PieceType::HAND.map(|kind| position.hand(color).count(kind)));
        Setup { board: *position.board(), hands, side_to_move: position.side_to_move() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix64;

    #[test]
    fn positions_of_games_can_be_put_together() {
        let mut random = SplitMix64(0x5EED_0F54_0615_0004);
        let mut position = Position::startpos();
        for _ in 0..300 {
            let back = Setup::from(&position).position().expect("a position of a game");
            assert_eq!(back.key(), position.key(), "{position:?}");
            let moves = position.legal_moves();
            if moves.is_empty() {
                break;
            }
            position.play(moves[random.below(moves.len())]);
        }
    }

    #[test]
    fn faults_by_hand() {
        /// Checks the faults of a position after more pieces are put on it: colour, kind and square.
        #[track_caller]
        fn check(sfen: &str, more: &[(Color, PieceType, &str)], faults: &[&str]) {
            let mut setup = Setup::from(&Position::from_sfen(sfen).expect(sfen));
            for &(color, kind, square) in more {
                let square: Square = square.parse().expect("a square");
                setup.board[square.index()] = Some(Piece::new(color, kind));
            }
            let found = setup.position().err().unwrap_or_default();
            assert_eq!(found.iter().map(|fault| fault.id()).collect::<Vec<_>>(), faults, "{found:?}");
        }
        let kings = "4k4/9/9/9/9/9/9/9/4K4 b - 1";
        let (black, white) = (Color::Black, Color::White);
        check(kings, &[], &[]);
        check("4k4/9/9/9/9/9/9/9/9 b - 1", &[], &[]);
        check("4k4/9/9/9/9/9/9/9/9 w - 1", &[], &["no_king"]);
        check("9/9/9/9/9/9/9/9/9 w - 1", &[], &["no_king"]);
        check(kings, &[(white, PieceType::King, "1a")], &["two_kings"]);
        check(kings, &[(black, PieceType::Pawn, "1e"), (black, PieceType::Pawn, "1g")], &["two_pawns"]);
        check(kings, &[(black, PieceType::Pawn, "1e"), (white, PieceType::Pawn, "1d")], &[]);
        check(
            kings,
            &[(black, PieceType::Pawn, "1a"), (white, PieceType::Knight, "2h")],
            &["dead_piece", "dead_piece"],
        );
        check(kings, &[(black, PieceType::Rook, "5e")], &["opponent_in_check"]);
        check("4k4/9/9/9/9/9/9/9/4K4 w - 1", &[(black, PieceType::Rook, "5e")], &[]);
        let rooks = [(black, PieceType::Rook, "1e"), (black, PieceType::Dragon, "2e"), (white, PieceType::Rook, "3e")];
        check(kings, &rooks, &["too_many"]);
        let mut setup = Setup::from(&Position::startpos());
        setup.hands = [[u8::MAX; 7]; 2];
        assert_eq!(setup.position().expect_err("too many pieces").len(), 7);
    }
}
