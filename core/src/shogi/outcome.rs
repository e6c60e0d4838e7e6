//! Outcome of a game: who won, and by which rule it ended.

use core::fmt::{self, Write};

use serde::{Deserialize, Serialize};

use super::Color;

/// Result of a game that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum GameResult {
    /// This side has won.
    Win(Color),
    /// Neither side has won.
    Draw,
    /// The game was cut off by the ply limit: neither side has won, and a learner must not take it for a draw.
    Truncated,
}

/// Reason for the end of a game.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Reason {
    /// The loser is in check and has no legal move.
    Checkmate,
    /// The loser is not in check but has no legal move, which loses as well.
    NoLegalMove,
    /// The same position for the fourth time (sennichite, 千日手).
    Repetition,
    /// The same position for the fourth time, and every move of the loser since the first gave check.
    PerpetualCheck,
    /// The winner declared an entered king (入玉宣言) with enough points.
    Declaration,
    /// The loser resigned.
    Resignation,
    /// The ply limit was reached.
    MaxPlies,
    /// The loser, most often a program, made no legal move: it played an illegal one, was silent or failed.
    Forfeit,
}

impl Reason {
    /// Every reason, in the order of their bytes in a record.
    pub const ALL: [Reason; 8] = [
        Reason::Checkmate,
        Reason::NoLegalMove,
        Reason::Repetition,
        Reason::PerpetualCheck,
        Reason::Declaration,
        Reason::Resignation,
        Reason::MaxPlies,
        Reason::Forfeit,
    ];

    /// The name in metrics: the words of [`Display`](fmt::Display) joined by `_`.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// assert_eq!(Reason::NoLegalMove.id(), "no_legal_move");
    /// assert_eq!(Reason::NoLegalMove.to_string(), "no legal move");
    /// ```
    pub const fn id(self) -> &'static str {
        match self {
            Reason::Checkmate => "checkmate",
            Reason::NoLegalMove => "no_legal_move",
            Reason::Repetition => "repetition",
            Reason::PerpetualCheck => "perpetual_check",
            Reason::Declaration => "declaration",
            Reason::Resignation => "resignation",
            Reason::MaxPlies => "max_plies",
            Reason::Forfeit => "forfeit",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id().chars().try_for_each(|letter| f.write_char(if letter == '_' { ' ' } else { letter }))
    }
}

/// Outcome of a game: result and reason, as text for example `black wins: checkmate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Outcome {
    /// The result.
    pub result: GameResult,
    /// The reason for the end.
    pub reason: Reason,
}

impl Outcome {
    pub(super) const fn win(winner: Color, reason: Reason) -> Outcome {
        Outcome { result: GameResult::Win(winner), reason }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.result {
            GameResult::Win(color) => write!(f, "{color} wins: {}", self.reason),
            GameResult::Draw => write!(f, "draw: {}", self.reason),
            GameResult::Truncated => write!(f, "truncated: {}", self.reason),
        }
    }
}
