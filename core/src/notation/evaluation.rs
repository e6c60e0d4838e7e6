//! What an engine thought of a position.

use alloc::string::String;
use alloc::vec::Vec;

use crate::shogi::{Color, Move};

/// Origin of an [`Evaluation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EvaluationSource {
    /// Player who made the move, during the game.
    Player,
    /// Analysis after the game.
    Analysis,
}

/// Score in hundredths of a pawn, which cannot be read or made without a point of view.
///
/// ```
/// use keisei_core::notation::Centipawns;
/// use keisei_core::shogi::Color;
///
/// let score = Centipawns::from_view(Color::White, 80);
/// assert_eq!(score.seen_from(Color::White), 80);
/// assert_eq!(score.seen_from(Color::Black), -80);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Centipawns {
    black: i32,
}

impl Centipawns {
    /// Score that is `centipawns` from the point of view of `side`: positive if `side` is ahead.
    pub const fn from_view(side: Color, centipawns: i32) -> Centipawns {
        match side {
            Color::Black => Centipawns { black: centipawns },
            Color::White => Centipawns { black: centipawns.saturating_neg() },
        }
    }

    /// Centipawns from the point of view of `side`: positive if `side` is ahead.
    pub const fn seen_from(self, side: Color) -> i32 {
        match side {
            Color::Black => self.black,
            Color::White => self.black.saturating_neg(),
        }
    }
}

/// Forced mate. It needs no point of view: it names its winner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mate {
    /// Side that mates.
    pub winner: Color,
    /// Length in plies, if it is known.
    pub plies: Option<u32>,
}

/// Opinion of an engine on the position after a node. Everything but the source may be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// Origin.
    pub source: EvaluationSource,
    /// Score.
    pub score: Option<Centipawns>,
    /// Forced mate.
    pub mate: Option<Mate>,
    /// Expected line of play after this node.
    pub line: Vec<Move>,
    /// Search depth in plies.
    pub depth: Option<u32>,
    /// Number of positions searched.
    pub nodes: Option<u64>,
    /// Name of the engine.
    pub engine: Option<String>,
}

impl Evaluation {
    /// Evaluation that says nothing yet.
    pub const fn new(source: EvaluationSource) -> Evaluation {
        Evaluation { source, score: None, mate: None, line: Vec::new(), depth: None, nodes: None, engine: None }
    }
}
