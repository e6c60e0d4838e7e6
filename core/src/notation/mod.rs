//! How moves are written for people.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt::Write;

use crate::shogi::{Move, PieceType, Position};

/// A legal move in Western notation: `P-7f`, `Bx3c+`, `N*4d`.
///
/// The origin is given where another piece of the same kind could go to the same square (`G4i-5h`), `+` promotes and `=`
/// declines to. Squares are written as in USI.
///
/// ```
/// use keisei_core::{notation::western, shogi::Position};
///
/// assert_eq!(western(&Position::startpos(), "7g7f".parse().unwrap()), "P-7f");
/// ```
pub fn western(position: &Position, mv: Move) -> String {
    if let Some(kind) = mv.dropped() {
        return format!("{}*{}", letters(kind), mv.to());
    }
    let Some((from, piece)) = mv.from().and_then(|from| Some((from, position.piece_at(from)?))) else {
        return mv.to_string();
    };
    let rivals = position.legal_moves().into_iter().any(|other| {
        other.to() == mv.to()
            && other.from().is_some_and(|origin| origin != from && position.piece_at(origin) == Some(piece))
    });
    let mut text = letters(piece.kind()).to_string();
    // Writing to a String cannot fail.
    if rivals {
        let _ = write!(text, "{from}");
    }
    text.push(if position.piece_at(mv.to()).is_some() { 'x' } else { '-' });
    let _ = write!(text, "{}", mv.to());
    if mv.is_promotion() {
        text.push('+');
    } else if piece.kind().promoted().is_some() && position.is_legal(Move::promoting(from, mv.to())) {
        text.push('=');
    }
    text
}

const fn letters(kind: PieceType) -> &'static str {
    match kind {
        PieceType::Pawn => "P",
        PieceType::Lance => "L",
        PieceType::Knight => "N",
        PieceType::Silver => "S",
        PieceType::Gold => "G",
        PieceType::Bishop => "B",
        PieceType::Rook => "R",
        PieceType::King => "K",
        PieceType::ProPawn => "+P",
        PieceType::ProLance => "+L",
        PieceType::ProKnight => "+N",
        PieceType::ProSilver => "+S",
        PieceType::Horse => "+B",
        PieceType::Dragon => "+R",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn western_notation() {
        #[track_caller]
        fn check(sfen: &str, usi: &str, text: &str) {
            let position = match sfen {
                "startpos" => Position::startpos(),
                sfen => Position::from_sfen(sfen).unwrap(),
            };
            let mv: Move = usi.parse().unwrap();
            assert!(position.is_legal(mv), "{usi} is not legal in {sfen}");
            assert_eq!(western(&position, mv), text);
        }
        check("startpos", "7g7f", "P-7f");
        check("startpos", "4i5h", "G4i-5h");
        check("startpos", "4i4h", "G-4h");
        check("lnsgkgsnl/1r5b1/pppppp1pp/6p2/9/2P6/PP1PPPPPP/1B5R1/LNSGKGSNL b - 3", "8h2b+", "Bx2b+");
        check("lnsgkgsnl/1r5b1/pppppp1pp/6p2/9/2P6/PP1PPPPPP/1B5R1/LNSGKGSNL b - 3", "8h2b", "Bx2b=");
        check("4k4/9/9/9/9/9/9/9/4K4 b N2r2b4g4s3n4l18p 1", "N*4d", "N*4d");
        check("4k4/9/9/9/+P8/9/9/9/4K4 b 2r2b4g4s4n4l17p 1", "9e9d", "+P-9d");
        check("4k4/9/9/9/9/9/P8/9/4K4 b 2r2b4g4s4n4l17p 1", "9g9f", "P-9f");
        check("4k4/8P/9/9/9/9/9/9/4K4 b 2r2b4g4s4n4l17p 1", "1b1a+", "P-1a+");
    }
}
