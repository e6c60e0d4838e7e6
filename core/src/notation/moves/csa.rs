//! CSA's codes of pieces, squares and moves: `FU`, `77`, `+7776FU`.

use alloc::format;
use alloc::string::String;

use super::mover::{can_be_held, mover};
use crate::notation::problem::Problem;
use crate::shogi::{Color, Move, Piece, PieceType, Position, Square};

/// Codes of the kinds, in the order of [`PieceType::index`].
const CODES: [&str; PieceType::COUNT] =
    ["FU", "KY", "KE", "GI", "KI", "KA", "HI", "OU", "TO", "NY", "NK", "NG", "UM", "RY"];

/// Code of a kind: `FU` … `RY`.
pub const fn piece_code(kind: PieceType) -> &'static str {
    CODES[kind.index()]
}

/// Kind with this code, or `None`.
pub fn piece_of(code: &str) -> Option<PieceType> {
    CODES.iter().position(|&known| known == code).map(|index| PieceType::ALL[index])
}

/// Sign of a side: `+` is Black, `-` White.
pub const fn sign(color: Color) -> char {
    match color {
        Color::Black => '+',
        Color::White => '-',
    }
}

/// Side whose sign `text` begins with, and the rest.
pub fn take_sign(text: &str) -> Option<(Color, &str)> {
    match text.strip_prefix('+') {
        Some(rest) => Some((Color::Black, rest)),
        None => text.strip_prefix('-').map(|rest| (Color::White, rest)),
    }
}

/// Square of the two digits that `text` begins with, `None` for the hand's `00`, and the rest.
pub fn take_square(text: &str) -> Option<(Option<Square>, &str)> {
    let digits = text.get(..2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let (file, rank) = (digits.as_bytes()[0] - b'0', digits.as_bytes()[1] - b'0');
    let square = Square::new(file, rank);
    if square.is_none() && digits != "00" { None } else { Some((square, &text[2..])) }
}

/// Kind whose code `text` begins with, and the rest.
pub fn take_piece(text: &str) -> Option<(PieceType, &str)> {
    Some((piece_of(text.get(..2)?)?, &text[2..]))
}

/// Reads a move: `+7776FU`, `-0055KA`; the kind is the one after the move.
///
/// # Errors
/// If the text is not a move's, or the piece is not there. A move against the rules is not an error here.
///
/// ```
/// use keisei_core::notation::csa;
/// use keisei_core::shogi::Position;
///
/// let position = Position::startpos();
/// let mv = csa::read_move(&position, "+7776FU").unwrap();
/// assert_eq!(mv.to_usi(), "7g7f");
/// assert_eq!(csa::write_move(&position, mv), "+7776FU");
/// ```
pub fn read_move(position: &Position, text: &str) -> Result<Move, Problem> {
    let parts = take_sign(text).and_then(|(color, rest)| {
        let (from, rest) = take_square(rest)?;
        let (to, rest) = take_square(rest)?;
        let (kind, rest) = take_piece(rest)?;
        Some((color, from, to?, kind)).filter(|_| rest.is_empty())
    });
    let (color, from, to, kind) = parts.ok_or(Problem::Expected("a move such as +7776FU"))?;
    let Some(from) = from else {
        let held = can_be_held(kind) && color == position.side_to_move();
        return if held { Ok(Move::drop(kind, to)) } else { Err(Problem::NoSuchMove) };
    };
    let piece = position.piece_at(from).filter(|piece| piece.color() == color && from != to);
    let mover = piece.ok_or(Problem::OtherPiece)?.kind();
    if mover == kind {
        Ok(Move::normal(from, to))
    } else if mover.promoted() == Some(kind) {
        Ok(Move::promoting(from, to))
    } else {
        Err(Problem::OtherPiece)
    }
}

/// Text of a move, as [`read_move`] takes it.
pub fn write_move(position: &Position, mv: Move) -> String {
    let piece = mover(position, mv).unwrap_or(Piece::new(position.side_to_move(), PieceType::Pawn));
    let kind = piece.kind().promoted().filter(|_| mv.is_promotion()).unwrap_or(piece.kind());
    let digits = |square: Option<Square>| square.map_or((0, 0), |square| (square.file(), square.rank()));
    let ((a, b), (c, d)) = (digits(mv.from()), digits(Some(mv.to())));
    format!("{}{a}{b}{c}{d}{}", sign(piece.color()), piece_code(kind))
}
