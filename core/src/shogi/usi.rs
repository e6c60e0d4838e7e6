//! The text of a move in the Universal Shogi Interface.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use super::{Move, PieceType, Square};

/// The letter of a base kind, upper case as for Black.
pub(super) const fn letter(kind: PieceType) -> char {
    match kind.unpromoted() {
        PieceType::Pawn => 'P',
        PieceType::Lance => 'L',
        PieceType::Knight => 'N',
        PieceType::Silver => 'S',
        PieceType::Gold => 'G',
        PieceType::Bishop => 'B',
        PieceType::Rook => 'R',
        _ => 'K',
    }
}

/// The base kind with this upper-case letter.
pub(super) const fn kind_of(letter: char) -> Option<PieceType> {
    match letter {
        'P' => Some(PieceType::Pawn),
        'L' => Some(PieceType::Lance),
        'N' => Some(PieceType::Knight),
        'S' => Some(PieceType::Silver),
        'G' => Some(PieceType::Gold),
        'B' => Some(PieceType::Bishop),
        'R' => Some(PieceType::Rook),
        'K' => Some(PieceType::King),
        _ => None,
    }
}

impl Move {
    /// The move as USI text: `7g7f`, `8h2b+`, `P*5e`.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mv = Move::drop(PieceType::Pawn, "5e".parse().unwrap());
    /// assert_eq!(mv.to_usi(), "P*5e");
    /// ```
    pub fn to_usi(self) -> String {
        // Without the machinery of formatting, which a small module has no other use for.
        let mut text = String::with_capacity(5);
        if let Some(kind) = self.dropped() {
            text.extend([letter(kind), '*']);
        }
        text.extend(self.from().into_iter().flat_map(Square::letters));
        text.extend(self.to().letters());
        if self.is_promotion() {
            text.push('+');
        }
        text
    }
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_usi())
    }
}

impl fmt::Debug for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reason why a text is not a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveError {
    /// The text has neither the length nor the form of a move.
    Form,
    /// The text before `*` is not one of the letters P L N S G B R.
    Dropped,
    /// The text of the origin is not a square.
    From,
    /// The text of the destination is not a square.
    To,
    /// Origin and destination are the same.
    Still,
}

impl fmt::Display for MoveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MoveError::Form => "a move is two squares (7g7f, 8h2b+) or a piece letter and a square (P*5e)",
            MoveError::Dropped => "only P, L, N, S, G, B and R can be dropped",
            MoveError::From => "the first square of the move is not a file 1-9 and a rank a-i",
            MoveError::To => "the last square of the move is not a file 1-9 and a rank a-i",
            MoveError::Still => "the move ends where it starts",
        })
    }
}

impl core::error::Error for MoveError {}

impl FromStr for Move {
    type Err = MoveError;

    fn from_str(text: &str) -> Result<Move, MoveError> {
        if !text.is_ascii() {
            return Err(MoveError::Form);
        }
        let square = |part: &str, error| part.parse::<Square>().map_err(|_| error);
        if let Some((piece, to)) = text.split_once('*') {
            let mut letters = piece.chars();
            let kind = letters.next().filter(|_| letters.next().is_none()).and_then(kind_of);
            let kind = kind.filter(|&kind| kind != PieceType::King).ok_or(MoveError::Dropped)?;
            return Ok(Move::drop(kind, square(to, MoveError::To)?));
        }
        let (squares, promotes) = text.strip_suffix('+').map_or((text, false), |squares| (squares, true));
        if squares.len() != 4 {
            return Err(MoveError::Form);
        }
        let (from, to) = squares.split_at(2);
        let (from, to) = (square(from, MoveError::From)?, square(to, MoveError::To)?);
        if from == to {
            return Err(MoveError::Still);
        }
        Ok(if promotes { Move::promoting(from, to) } else { Move::normal(from, to) })
    }
}
