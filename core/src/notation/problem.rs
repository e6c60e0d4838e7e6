//! What was wrong with a text, and where.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::shogi::{Move, SfenError};

/// Plies of the longest line; one that is longer is cut off: no game comes near it, and a hostile file stays cheap.
pub const MAX_PLIES: usize = 10_000;

/// Largest number of moves and ends that may follow one node: more than there are legal moves; a hostile file has one on each line.
pub const MAX_ALTERNATIVES: usize = 1000;

/// Reason why a text could not be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Expected text, which is not here.
    Expected(&'static str),
    /// The rules do not allow the move; it is kept as the last of its line.
    Illegal(Move),
    /// The square from which the move starts holds no piece of that kind.
    OtherPiece,
    /// No piece can make the move.
    NoSuchMove,
    /// Several pieces can make the move, and the text does not tell them apart.
    Ambiguous,
    /// 同 without a move before it.
    NoPrevious,
    /// Move or an end after the end of its line.
    AfterEnd,
    /// The line is longer than [`MAX_PLIES`].
    TooLong,
    /// More than [`MAX_ALTERNATIVES`] moves and ends after one node.
    TooMany,
    /// Number of a move that is not the next one; the move is played all the same.
    Gap {
        /// Number in the text.
        found: usize,
        /// Number of the next move.
        expected: usize,
    },
    /// A variation starts where the line has not been.
    NoSuchPly {
        /// Move number.
        found: usize,
        /// Last move number that a variation could have here.
        last: usize,
    },
    /// The start position cannot be one.
    Start(SfenError),
    /// Part of the start position after the line whose moves need it.
    LateStart,
    /// Line that is none of the format; it is kept as a comment.
    Foreign,
    /// Name for a start position that is unknown.
    Handicap(String),
    /// The text is not JSON, or not of the schema.
    Json(String),
}

impl Problem {
    /// Whether the game is whole all the same: the text is kept as a comment, the move as the last of its line, or all is played.
    pub fn loses_nothing(&self) -> bool {
        matches!(self, Problem::Foreign | Problem::Illegal(_) | Problem::Gap { .. })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Expected(what) => write!(f, "{what} was expected here"),
            Problem::Illegal(mv) => write!(f, "{mv} is against the rules here"),
            Problem::OtherPiece => f.write_str("the move starts from a square without such a piece"),
            Problem::NoSuchMove => f.write_str("no piece can make this move"),
            Problem::Ambiguous => f.write_str("several pieces can make this move"),
            Problem::NoPrevious => f.write_str("同 needs a move before it"),
            Problem::AfterEnd => f.write_str("the line has ended before this"),
            Problem::TooMany => write!(f, "at most {MAX_ALTERNATIVES} alternatives are kept"),
            Problem::TooLong => write!(f, "a line has at most {MAX_PLIES} plies"),
            Problem::Gap { found, expected } => write!(f, "move {found} stands where move {expected} is next"),
            Problem::NoSuchPly { found, last } => {
                write!(f, "a variation cannot start at move {found}: the line goes to move {last} at most")
            }
            Problem::Start(error) => write!(f, "the start position is wrong ({error})"),
            Problem::LateStart => f.write_str("the start position is told after it was needed"),
            Problem::Foreign => f.write_str("the line is not understood; it is kept as a comment"),
            Problem::Handicap(name) => write!(f, "{name:?} is no known start position, and no board is given"),
            Problem::Json(reason) => f.write_str(reason),
        }
    }
}

impl core::error::Error for Problem {}

/// Place of a defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Place in a text; both count from 1, columns in characters.
    Text {
        /// Line.
        line: usize,
        /// Column.
        column: usize,
    },
    /// Ply of a tree whose text does not tell lines (JKF).
    Ply(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Text { line, column } => write!(f, "line {line}, column {column}"),
            Place::Ply(ply) => write!(f, "move {ply}"),
        }
    }
}

/// Place where a text could not be followed, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defect {
    /// Place.
    pub place: Place,
    /// Reason.
    pub problem: Problem,
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}

impl core::error::Error for Defect {}

/// Collects defects of a text, a limited number of them: a hostile file has one on each line.
#[derive(Default)]
pub(super) struct Defects(pub(super) Vec<Defect>);

impl Defects {
    const LIMIT: usize = 100;

    /// Notes a problem at `place`, a part of `line`, which is line `number` counted from 1.
    pub(super) fn at(&mut self, number: usize, line: &str, place: &str, problem: Problem) {
        let offset = (place.as_ptr() as usize).saturating_sub(line.as_ptr() as usize);
        let before = line.char_indices().take_while(|&(at, _)| at < offset).count();
        self.add(Place::Text { line: number, column: before + 1 }, problem);
    }

    pub(super) fn add(&mut self, place: Place, problem: Problem) {
        if self.0.len() < Self::LIMIT {
            self.0.push(Defect { place, problem });
        }
    }
}
