//! SFEN, the text of a position: board, side to move, hands, move number.
//!
//! The reader is strict about the form and lenient about the position. Every count and letter must be right, a colour has at most one king,
//! no kind has more pieces than a set (king 2, rook 2, bishop 2, gold, silver, knight, lance 4, pawn 18), and the side not to
//! move is not in check. Problem positions are accepted: a missing king, two pawns on a file, pieces that can never move.

use alloc::string::{String, ToString};
use core::fmt;

use super::usi::{kind_of, letter};
use super::{Color, Piece, PieceType, Position, Square};

/// Reason why a text is not a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SfenError {
    /// The text does not have four fields.
    Fields {
        /// Number of fields.
        found: usize,
    },
    /// The board does not have nine ranks.
    Ranks {
        /// Number of ranks.
        found: usize,
    },
    /// A rank does not have nine squares.
    RankWidth {
        /// The rank, `a` to `i`.
        rank: char,
        /// Number of squares.
        found: u32,
    },
    /// A character of the board is neither a piece nor a digit 1–9.
    BoardCharacter {
        /// The rank, `a` to `i`.
        rank: char,
        /// The position in the rank's text, from 1.
        column: usize,
        /// The character.
        found: char,
    },
    /// A `+` on the board stands before no piece, or before one that cannot promote.
    Promotion {
        /// The rank, `a` to `i`.
        rank: char,
        /// The position of the `+` in the rank's text, from 1.
        column: usize,
    },
    /// The side to move is neither `b` nor `w`.
    SideToMove,
    /// A character of the hands is neither a piece that can be in hand nor part of a count.
    HandCharacter {
        /// The position in the hands' text, from 1.
        column: usize,
        /// The character.
        found: char,
    },
    /// A count in the hands is 0, above 18, or followed by no piece.
    HandCount {
        /// The position in the hands' text, from 1, where a piece is expected.
        column: usize,
    },
    /// A piece is listed twice in the hands.
    HandTwice {
        /// The position of the second entry's letter in the hands' text, from 1.
        column: usize,
        /// Its letter.
        found: char,
    },
    /// The hands are empty text; empty hands are `-`.
    NoHands,
    /// The move number is not one of 1 to 65,535.
    MoveNumber,
    /// A kind has more pieces on the board and in the hands than a set has.
    TooMany {
        /// The kind.
        kind: PieceType,
        /// Number of pieces found.
        found: u32,
        /// Number of pieces in a set.
        limit: u32,
    },
    /// A side has two kings.
    TwoKings(Color),
    /// The side that is not to move is in check.
    OpponentInCheck,
}

impl fmt::Display for SfenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            SfenError::Fields { found } => {
                write!(f, "SFEN has four fields (board, side to move, hands, move number), not {found}")
            }
            SfenError::Ranks { found } => write!(f, "SFEN board: nine ranks are separated by /, not {found}"),
            SfenError::RankWidth { rank, found } => {
                write!(f, "SFEN board, rank {rank}: a rank has nine squares, not {found}")
            }
            SfenError::BoardCharacter { rank, column, found } => {
                write!(f, "SFEN board, rank {rank}, character {column}: {found:?} is neither a piece nor a digit 1-9")
            }
            SfenError::Promotion { rank, column } => {
                write!(f, "SFEN board, rank {rank}, character {column}: + stands before no piece that can promote")
            }
            SfenError::SideToMove => f.write_str("SFEN side to move: it is b or w"),
            SfenError::HandCharacter { column, found } => {
                write!(
                    f,
                    "SFEN hands, character {column}: {found:?} is neither a count nor a piece that can be in hand"
                )
            }
            SfenError::HandCount { column } => {
                write!(f, "SFEN hands, character {column}: a count is 2 to 18 and stands before a piece")
            }
            SfenError::HandTwice { column, found } => {
                write!(f, "SFEN hands, character {column}: {found} is listed a second time")
            }
            SfenError::NoHands => f.write_str("SFEN hands: empty hands are written -"),
            SfenError::MoveNumber => f.write_str("SFEN move number: it is a number from 1 to 65535"),
            SfenError::TooMany { kind, found, limit } => {
                write!(f, "SFEN: {found} pieces {} on the board and in hand, a set has {limit}", letter(kind))
            }
            SfenError::TwoKings(color) => write!(f, "SFEN board: {color} has two kings"),
            SfenError::OpponentInCheck => f.write_str("SFEN: the side that is not to move is in check"),
        }
    }
}

impl core::error::Error for SfenError {}

/// The piece of a letter: upper case is Black's.
fn piece_of(text: char) -> Option<(Color, PieceType)> {
    let color = if text.is_ascii_uppercase() { Color::Black } else { Color::White };
    kind_of(text.to_ascii_uppercase()).map(|kind| (color, kind))
}

fn read_board(position: &mut Position, text: &str) -> Result<(), SfenError> {
    let found = text.split('/').count();
    if found != 9 {
        return Err(SfenError::Ranks { found });
    }
    for (rank, text) in (1..=9).zip(text.split('/')) {
        read_rank(position, rank, text)?;
    }
    Ok(())
}

fn read_rank(position: &mut Position, rank: u8, text: &str) -> Result<(), SfenError> {
    let name = char::from(b'a' + rank - 1);
    let mut squares = 0;
    let mut characters = (1..).zip(text.chars());
    while let Some((column, found)) = characters.next() {
        if let Some(empty @ 1..=9) = found.to_digit(10) {
            squares += empty;
            continue;
        }
        let (color, kind) = if found == '+' {
            let promoted = characters.next().and_then(|(_, found)| piece_of(found));
            promoted
                .and_then(|(color, kind)| Some((color, kind.promoted()?)))
                .ok_or(SfenError::Promotion { rank: name, column })?
        } else {
            piece_of(found).ok_or(SfenError::BoardCharacter { rank: name, column, found })?
        };
        squares += 1;
        // A rank that is too long is read to its end, so that the error holds its length.
        if let Some(square) = 10u32.checked_sub(squares).and_then(|file| Square::new(file as u8, rank)) {
            position.put(Piece::new(color, kind), square);
        }
    }
    if squares == 9 { Ok(()) } else { Err(SfenError::RankWidth { rank: name, found: squares }) }
}

fn read_hands(position: &mut Position, text: &str) -> Result<(), SfenError> {
    if text == "-" {
        return Ok(());
    }
    let mut count = None;
    let mut end = 1;
    for (column, found) in (1..).zip(text.chars()) {
        end = column + 1;
        if let Some(digit) = found.to_digit(10) {
            let number = count.unwrap_or(0) * 10 + digit;
            if !(1..=18).contains(&number) {
                return Err(SfenError::HandCount { column });
            }
            count = Some(number);
            continue;
        }
        let (color, kind) = piece_of(found)
            .filter(|&(_, kind)| kind != PieceType::King)
            .ok_or(SfenError::HandCharacter { column, found })?;
        if position.hand(color).has(kind) {
            return Err(SfenError::HandTwice { column, found });
        }
        let number = count.take().unwrap_or(1);
        check_set(position, kind, number)?;
        for _ in 0..number {
            position.add_to_hand(color, kind);
        }
    }
    match (count, end) {
        (Some(_), column) => Err(SfenError::HandCount { column }),
        (None, 1) => Err(SfenError::NoHands),
        (None, _) => Ok(()),
    }
}

/// Checks that a set of pieces has `more` of a kind besides those on the board and in hand.
fn check_set(position: &Position, kind: PieceType, more: u32) -> Result<(), SfenError> {
    let held = Color::ALL.map(|color| u32::from(position.hand(color).count(kind)));
    let found = position.kind(kind).count() as u32 + held[0] + held[1] + more;
    let limit = u32::from(kind.set_size());
    if found > limit { Err(SfenError::TooMany { kind, found, limit }) } else { Ok(()) }
}

/// Checks that no kind has more pieces than a set, no colour two kings, and that no king can be captured.
fn check_pieces(position: &Position) -> Result<(), SfenError> {
    for color in Color::ALL {
        if position.pieces(color, PieceType::King).count() > 1 {
            return Err(SfenError::TwoKings(color));
        }
    }
    for kind in PieceType::HAND {
        check_set(position, kind, 0)?;
    }
    if position.checkers_of(position.side_to_move().flip()).is_empty() {
        Ok(())
    } else {
        Err(SfenError::OpponentInCheck)
    }
}

impl Position {
    /// Reads a position from SFEN: four fields separated by spaces.
    ///
    /// Accepted beyond ordinary play: a missing king, two pawns on a file, pieces that can never move, and hands in any
    /// order.
    ///
    /// # Errors
    /// If the text is not SFEN or its position cannot be; [`SfenError`] names the place and the reason.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let error = Position::from_sfen("9/9/9/9/10/9/9/9/9 b - 1").unwrap_err();
    /// assert_eq!(error, SfenError::BoardCharacter { rank: 'e', column: 2, found: '0' });
    /// ```
    pub fn from_sfen(text: &str) -> Result<Position, SfenError> {
        let mut fields = text.split_ascii_whitespace();
        let (Some(board), Some(side), Some(hands), Some(number), None) =
            (fields.next(), fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(SfenError::Fields { found: text.split_ascii_whitespace().count() });
        };
        let mut position = Position::empty();
        read_board(&mut position, board)?;
        let side_to_move = match side {
            "b" => Color::Black,
            "w" => Color::White,
            _ => return Err(SfenError::SideToMove),
        };
        read_hands(&mut position, hands)?;
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        let ply = number.parse().ok().filter(|&ply| digits && ply > 0).ok_or(SfenError::MoveNumber)?;
        position.set_turn(side_to_move, ply);
        check_pieces(&position)?;
        Ok(position)
    }

    /// The position as SFEN, hands in the usual order: rook, bishop, gold, silver, knight, lance, pawn.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let sfen = "4k4/9/9/9/9/9/9/9/4K4 b R2P 1";
    /// assert_eq!(Position::from_sfen(sfen).unwrap().to_sfen(), sfen);
    /// ```
    pub fn to_sfen(&self) -> String {
        self.sfen().to_string()
    }

    fn sfen(&self) -> impl fmt::Display {
        fmt::from_fn(|f| {
            for rank in 1..=9 {
                if rank > 1 {
                    f.write_str("/")?;
                }
                write_rank(f, self, rank)?;
            }
            let side = match self.side_to_move() {
                Color::Black => 'b',
                Color::White => 'w',
            };
            write!(f, " {side} ")?;
            if Color::ALL.iter().all(|&color| self.hand(color).is_empty()) {
                f.write_str("-")?;
            }
            for color in Color::ALL {
                for kind in PieceType::HAND.into_iter().rev() {
                    match self.hand(color).count(kind) {
                        0 => {}
                        1 => write!(f, "{}", piece_letter(color, kind))?,
                        count => write!(f, "{count}{}", piece_letter(color, kind))?,
                    }
                }
            }
            write!(f, " {}", self.ply())
        })
    }
}

const fn piece_letter(color: Color, kind: PieceType) -> char {
    match color {
        Color::Black => letter(kind),
        Color::White => letter(kind).to_ascii_lowercase(),
    }
}

fn write_rank(f: &mut fmt::Formatter<'_>, position: &Position, rank: u8) -> fmt::Result {
    let mut empty = 0;
    for file in (1..=9).rev() {
        let piece = Square::new(file, rank).and_then(|square| position.piece_at(square));
        let Some(piece) = piece else {
            empty += 1;
            continue;
        };
        if empty > 0 {
            write!(f, "{empty}")?;
            empty = 0;
        }
        if piece.kind().is_promoted() {
            f.write_str("+")?;
        }
        write!(f, "{}", piece_letter(piece.color(), piece.kind()))?;
    }
    if empty > 0 { write!(f, "{empty}") } else { Ok(()) }
}
