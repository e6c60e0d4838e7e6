//! A start position in the making.

use alloc::string::String;

use super::moves::mover::can_be_held;
use super::number::push_number;
use super::problem::Problem;
use crate::shogi::{Color, Piece, PieceType, Position, Square};

/// Set of all nine ranks.
const ALL_RANKS: u16 = 0b11_1111_1110;

/// Start position in the making: the usual one until something is put somewhere.
#[derive(Clone)]
pub(super) struct Placement {
    board: [Option<Piece>; Square::COUNT],
    hands: [[u16; 7]; 2],
    given: bool,
    /// Ranks of a printed board that were read: bit 1 is rank 1.
    ranks: u16,
    /// Side to move, if the text says it.
    pub(super) side: Option<Color>,
    pub(super) ply: u16,
}

impl Default for Placement {
    fn default() -> Placement {
        Placement { board: [None; Square::COUNT], hands: [[0; 7]; 2], given: false, ranks: 0, side: None, ply: 1 }
    }
}

impl Placement {
    /// Whether anything was put anywhere.
    pub(super) const fn is_given(&self) -> bool {
        self.given
    }

    /// Whether a printed board was begun.
    pub(super) const fn is_printed(&self) -> bool {
        self.ranks != 0
    }

    /// From now on the board is what is put on it.
    pub(super) const fn begin_board(&mut self) {
        self.given = true;
    }

    /// Begins a rank of a printed board.
    ///
    /// # Errors
    /// If it was there already.
    pub(super) const fn begin_rank(&mut self, rank: u8) -> Result<(), Problem> {
        let bit = 1 << rank;
        if self.ranks & bit != 0 || bit & ALL_RANKS == 0 {
            return Err(Problem::Expected("nine ranks, each once"));
        }
        self.given = true;
        self.ranks |= bit;
        Ok(())
    }

    /// Takes over the board of `position`.
    pub(super) fn fill(&mut self, position: &Position) {
        self.given = true;
        for square in Square::ALL {
            self.board[square.index()] = position.piece_at(square);
        }
    }

    pub(super) const fn put(&mut self, square: Square, piece: Option<Piece>) {
        self.given = true;
        self.board[square.index()] = piece;
    }

    /// Piece on a square.
    pub(super) const fn piece_at(&self, square: Square) -> Option<Piece> {
        self.board[square.index()]
    }

    /// Adds pieces to a hand.
    ///
    /// # Errors
    /// If pieces of this kind cannot be in hand.
    pub(super) fn hold(&mut self, color: Color, kind: PieceType, count: u16) -> Result<(), Problem> {
        if !can_be_held(kind) {
            return Err(Problem::Expected("a piece that can be in hand"));
        }
        self.given = true;
        let held = &mut self.hands[color.index()][kind.index()];
        *held = held.saturating_add(count);
        Ok(())
    }

    /// Gives `color` every piece that is still in the box.
    pub(super) fn give_rest(&mut self, color: Color) {
        self.given = true;
        for kind in PieceType::HAND {
            let on_board = self.board.iter().flatten().filter(|piece| piece.kind().unpromoted() == kind).count() as u16;
            let held = self.hands[0][kind.index()].saturating_add(self.hands[1][kind.index()]);
            let rest = u16::from(kind.set_size()).saturating_sub(on_board.saturating_add(held));
            self.hands[color.index()][kind.index()] += rest;
        }
    }

    /// Position; the usual start if nothing was put anywhere.
    pub(super) fn position(&self) -> Result<Position, Problem> {
        let mut placed = self.clone();
        if !self.given {
            placed.fill(&Position::startpos());
        }
        if !matches!(self.ranks, 0 | ALL_RANKS) {
            return Err(Problem::Expected("a board of nine ranks"));
        }
        Position::from_sfen(&placed.sfen()).map_err(Problem::Start)
    }

    fn sfen(&self) -> String {
        let letter = |color: Color, kind: PieceType| {
            let letter = ['P', 'L', 'N', 'S', 'G', 'B', 'R', 'K'][kind.unpromoted().index()];
            if color == Color::Black { letter } else { letter.to_ascii_lowercase() }
        };
        let mut sfen = String::new();
        for rank in 1..=9 {
            if rank > 1 {
                sfen.push('/');
            }
            for file in (1..=9).rev() {
                match Square::new(file, rank).and_then(|square| self.board[square.index()]) {
                    None => sfen.push('1'),
                    Some(piece) => {
                        if piece.kind().is_promoted() {
                            sfen.push('+');
                        }
                        sfen.push(letter(piece.color(), piece.kind()));
                    }
                }
            }
        }
        sfen.push_str(if self.side == Some(Color::White) { " w " } else { " b " });
        let before = sfen.len();
        for color in Color::ALL {
            for kind in PieceType::HAND {
                let count = self.hands[color.index()][kind.index()];
                if count > 0 {
                    push_number(&mut sfen, count.into());
                    sfen.push(letter(color, kind));
                }
            }
        }
        if sfen.len() == before {
            sfen.push('-');
        }
        sfen.push(' ');
        push_number(&mut sfen, self.ply.into());
        sfen
    }
}
