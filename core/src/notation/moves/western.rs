//! Western move text in Hodges' style: `P-7f`, `Bx2b+`, `G4i-5h`, `N*4e`, `S-3c=`.
//!
//! A piece letter (`+` before it for a promoted piece), the origin where another such piece could go there too, `-` to move,
//! `x` to capture or `*` to drop, the destination, and `+` for a promotion or `=` for one that was declined.

use alloc::string::String;
use alloc::vec::Vec;

use super::mover::{can_be_held, may_promote, mover, reaching};
use crate::notation::problem::Problem;
use crate::shogi::{Move, Piece, PieceType, Position, Square};

const LETTERS: [(char, PieceType); 8] = [
    ('P', PieceType::Pawn),
    ('L', PieceType::Lance),
    ('N', PieceType::Knight),
    ('S', PieceType::Silver),
    ('G', PieceType::Gold),
    ('B', PieceType::Bishop),
    ('R', PieceType::Rook),
    ('K', PieceType::King),
];

/// Text of a move, as [`read`] takes it.
pub fn write(position: &Position, mv: Move) -> String {
    let mut text = String::new();
    let Some(piece) = mover(position, mv) else { return text };
    let kind = piece.kind();
    if kind.is_promoted() {
        text.push('+');
    }
    text.extend(LETTERS.iter().find(|row| row.1 == kind.unpromoted()).map(|row| row.0));
    if let Some(from) = mv.from() {
        let rivals = reaching(position, piece, mv.to()).into_iter();
        if rivals.filter(|&other| other != from).any(|other| goes(position, other, mv.to())) {
            text.extend(from.letters());
        }
        text.push(if position.piece_at(mv.to()).is_some() { 'x' } else { '-' });
    } else {
        text.push('*');
    }
    text.extend(mv.to().letters());
    if mv.is_promotion() {
        text.push('+');
    } else if may_promote(piece, mv) {
        text.push('=');
    }
    text
}

/// Whether a legal move leads from `from` to `to`.
fn goes(position: &Position, from: Square, to: Square) -> bool {
    position.is_legal(Move::normal(from, to)) || position.is_legal(Move::promoting(from, to))
}

fn take_square(text: &str) -> Option<(Square, &str)> {
    let square = text.get(..2)?.parse().ok()?;
    Some((square, &text[2..]))
}

/// Move as its text has it, before the position says which move it is.
pub(super) struct Draft {
    kind: PieceType,
    origin: Option<Square>,
    drops: bool,
    to: Square,
    /// Whether it promotes, if the text says it.
    promotes: Option<bool>,
}

impl Draft {
    /// Reads the whole text.
    pub(super) fn read(text: &str) -> Result<Draft, Problem> {
        let (promoted, rest) = text.strip_prefix('+').map_or((false, text), |rest| (true, rest));
        let mut chars = rest.chars();
        let letter = chars.next().ok_or(Problem::Expected("a piece letter"))?;
        let base = LETTERS.iter().find(|row| row.0 == letter).map(|row| row.1);
        let kind = base.and_then(|kind| if promoted { kind.promoted() } else { Some(kind) });
        let kind = kind.ok_or(Problem::Expected("a piece letter"))?;
        let rest = chars.as_str();
        let (origin, rest) = match take_square(rest) {
            Some((square, after)) if after.starts_with(['-', 'x']) => (Some(square), after),
            _ => (None, rest),
        };
        let mut chars = rest.chars();
        let action = chars.next().filter(|action| matches!(action, '-' | 'x' | '*'));
        let drops = action.ok_or(Problem::Expected("-, x or *"))? == '*';
        let (to, rest) = take_square(chars.as_str()).ok_or(Problem::Expected("a square such as 7f"))?;
        let promotes = match rest {
            "+" => Some(true),
            "=" => Some(false),
            "" => None,
            _ => return Err(Problem::Expected("the end of the move")),
        };
        Ok(Draft { kind, origin, drops, to, promotes })
    }

    /// Legal moves that the draft may mean: both of a promotion that is not said, and one of each piece that is not told apart.
    pub(super) fn legal(&self, position: &Position) -> Vec<Move> {
        let piece = Piece::new(position.side_to_move(), self.kind);
        let fits = |mv: &Move| {
            let promotion = self.promotes.is_none_or(|promotes| promotes == mv.is_promotion());
            let origin = self.origin.is_none() || mv.from() == self.origin;
            mv.to() == self.to
                && mv.is_drop() == self.drops
                && promotion
                && origin
                && mover(position, *mv) == Some(piece)
        };
        position.legal_moves().into_iter().filter(fits).collect()
    }

    /// Move that the draft means, legal or not; one that does not speak of a promotion has none.
    pub(super) fn resolve(&self, position: &Position) -> Result<Move, Problem> {
        let (to, promotes) = (self.to, self.promotes == Some(true));
        if self.drops {
            let held = can_be_held(self.kind) && !promotes;
            return if held { Ok(Move::drop(self.kind, to)) } else { Err(Problem::NoSuchMove) };
        }
        let board_move = |from| if promotes { Move::promoting(from, to) } else { Move::normal(from, to) };
        let reaching = reaching(position, Piece::new(position.side_to_move(), self.kind), to).into_iter();
        let candidates: Vec<Square> =
            reaching.filter(|&from| self.origin.is_none_or(|origin| origin == from)).collect();
        let mut legal = candidates.iter().filter(|&&from| position.is_legal(board_move(from)));
        match (legal.next(), legal.next(), candidates.as_slice()) {
            (Some(&from), None, _) => Ok(board_move(from)),
            (Some(_), Some(_), _) => Err(Problem::Ambiguous),
            (None, _, &[only]) => Ok(board_move(only)),
            (None, _, _) => Err(Problem::NoSuchMove),
        }
    }
}

/// Reads a move. An origin that is not needed may be there, `x` and `-` are not told apart, and `=` may be left out.
///
/// # Errors
/// If the text is not a move's, or no piece or several pieces can make it.
///
/// ```
/// use keisei_core::notation::western;
/// use keisei_core::shogi::Position;
///
/// let position = Position::startpos();
/// let mv = western::read(&position, "G4i-5h").unwrap();
/// assert_eq!(western::write(&position, mv), "G4i-5h");
/// assert!(western::read(&position, "G-5h").is_err()); // the other gold can go there too
/// ```
pub fn read(position: &Position, text: &str) -> Result<Move, Problem> {
    Draft::read(text.trim())?.resolve(position)
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
            assert_eq!(write(&position, mv), text);
            assert_eq!(read(&position, text), Ok(mv));
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
