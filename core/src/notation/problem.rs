//! What was wrong with a text, and where.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::GameTree;
use crate::shogi::{Move, SfenError};

/// What was wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Something else was due here.
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
    /// A move or an end after the end of its line.
    AfterEnd,
    /// The line is longer than [`super::MAX_PLIES`].
    TooLong,
    /// A variation starts where the line has not been.
    NoSuchPly {
        /// The move number.
        found: usize,
        /// The last move number that a variation could have here.
        last: usize,
    },
    /// The start position cannot be one.
    Start(SfenError),
    /// A name for a start position that is unknown.
    Handicap(String),
    /// The text is not JSON, or not of the schema.
    Json(String),
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
            Problem::TooLong => write!(f, "a line has at most {} plies", super::MAX_PLIES),
            Problem::NoSuchPly { found, last } => {
                write!(f, "a variation cannot start at move {found}: the line goes to move {last} at most")
            }
            Problem::Start(error) => write!(f, "the start position is wrong ({error})"),
            Problem::Handicap(name) => write!(f, "{name:?} is no known handicap"),
            Problem::Json(reason) => f.write_str(reason),
        }
    }
}

impl core::error::Error for Problem {}

/// Where a defect is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a text; both count from 1, columns in characters.
    Text {
        /// The line.
        line: usize,
        /// The column.
        column: usize,
    },
    /// At a ply of a tree whose text does not tell lines (JKF).
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

/// A place where a text could not be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defect {
    /// Where.
    pub place: Place,
    /// What.
    pub problem: Problem,
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}

impl core::error::Error for Defect {}

/// What a reader made of a text: always a record, and what it had to leave out.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The game up to the last good node of each line.
    pub tree: GameTree,
    /// What was wrong, in the order of the text; empty if nothing was.
    pub defects: Vec<Defect>,
}

impl Parsed {
    /// The record, if nothing was wrong.
    ///
    /// # Errors
    /// The first defect.
    pub fn strict(self) -> Result<GameTree, Defect> {
        match self.defects.into_iter().next() {
            None => Ok(self.tree),
            Some(defect) => Err(defect),
        }
    }
}

/// Collects defects of a text, a limited number of them: a hostile file has one on each line.
#[derive(Default)]
pub(super) struct Defects(pub(super) Vec<Defect>);

impl Defects {
    const LIMIT: usize = 100;

    /// Notes a problem at `offset` bytes into `text`, which is line `line` counted from 1.
    pub(super) fn at(&mut self, line: usize, text: &str, offset: usize, problem: Problem) {
        let before = text.char_indices().take_while(|&(at, _)| at < offset).count();
        self.add(Place::Text { line, column: before + 1 }, problem);
    }

    pub(super) fn add(&mut self, place: Place, problem: Problem) {
        if self.0.len() < Self::LIMIT {
            self.0.push(Defect { place, problem });
        }
    }
}

/// The lines of a text with their numbers from 1, whatever ends them; a byte order mark is dropped.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    (1..).zip(split_lines(text))
}

/// The text on one line, for formats in which a line is a statement: a record from elsewhere may hold anything.
pub(super) fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// The lines of a text, whatever ends them.
pub(super) fn split_lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|row| row.strip_suffix('\r').unwrap_or(row).split('\r'))
}
