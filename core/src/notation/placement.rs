//! A start position in the making.

use alloc::string::String;

use super::moves::mover::can_be_held;
use crate::shogi::{Color, Piece, PieceType, Position, SfenError, Square};

/// Start position in the making: the usual one until something is put somewhere.
#[derive(Clone)]
pub(super) struct Placement {
    board: [Option<Piece>; Square::COUNT],
    hands: [[u16; 7]; 2],
    given: bool,
    pub(super) side: Color,
    pub(super) ply: u16,
}

impl Default for Placement {
    fn default() -> Placement {
        Placement { board: [None; Square::COUNT], hands: [[0; 7]; 2], given: false, side: Color::Black, ply: 1 }
    }
}

impl Placement {
    pub(super) const fn is_blank(&self) -> bool {
        !self.given
    }

    /// From now on the board is what is put on it.
    pub(super) const fn begin_board(&mut self) {
        self.given = true;
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

    /// Adds a piece to a hand; kings and promoted pieces go as what they can be there, kings not at all.
    pub(super) fn hold(&mut self, color: Color, kind: PieceType) {
        self.given = true;
        if can_be_held(kind.unpromoted()) {
            let count = &mut self.hands[color.index()][kind.unpromoted().index()];
            *count = count.saturating_add(1);
        }
    }

    pub(super) fn hold_many(&mut self, color: Color, kind: PieceType, count: u16) {
        self.given = true;
        self.hands[color.index()][kind.index()] = count;
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
    pub(super) fn position(&self) -> Result<Position, SfenError> {
        let mut placed = self.clone();
        if !self.given {
            placed.fill(&Position::startpos());
        }
        Position::from_sfen(&placed.sfen())
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
        sfen.push_str(if self.side == Color::Black { " b " } else { " w " });
        let before = sfen.len();
        for color in Color::ALL {
            for kind in PieceType::HAND {
                let count = self.hands[color.index()][kind.index()];
                if count > 0 {
                    put!(sfen, "{count}{}", letter(color, kind));
                }
            }
        }
        if sfen.len() == before {
            sfen.push('-');
        }
        put!(sfen, " {}", self.ply);
        sfen
    }
}
