//! What an engine thought of a position.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::net::Value;
use crate::shogi::{Color, Move};

/// Origin of an [`Evaluation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EvaluationSource {
    /// Player who made the move, during the game.
    Player,
    /// Analysis after the game.
    Analysis,
}

/// Score in hundredths of a pawn, which cannot be read or made without a point of view. Fractions are kept to three places, as
/// some programs write them.
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
    /// Thousandths of a centipawn from Black's view.
    black: i64,
}

impl Centipawns {
    /// Score that is `centipawns` from the point of view of `side`: positive if `side` is ahead.
    pub const fn from_view(side: Color, centipawns: i32) -> Centipawns {
        let thousandths = centipawns as i64 * 1000;
        match side {
            Color::Black => Centipawns { black: thousandths },
            Color::White => Centipawns { black: -thousandths },
        }
    }

    /// Centipawns from the point of view of `side`, rounded: positive if `side` is ahead.
    pub const fn seen_from(self, side: Color) -> i32 {
        let thousandths = match side {
            Color::Black => self.black,
            Color::White => -self.black,
        };
        ((thousandths + thousandths.signum() * 500) / 1000) as i32
    }

    /// Thousandths of a centipawn from Black's view, for storage.
    pub(crate) const fn thousandths(self) -> i64 {
        self.black
    }

    /// Score of this many thousandths of a centipawn from Black's view; `None` if no text could hold it.
    pub(crate) const fn from_thousandths(black: i64) -> Option<Centipawns> {
        if black.unsigned_abs() < (i32::MAX as u64 + 1) * 1000 { Some(Centipawns { black }) } else { None }
    }

    /// Reads a decimal number from Black's view (`86`, `+86`, `-12.5`); returns what follows it.
    pub(super) fn take(text: &str) -> Option<(Centipawns, &str)> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let end = |text: &str| text.find(|found: char| !found.is_ascii_digit()).unwrap_or(text.len());
        let (whole, mut rest) = digits.split_at(end(digits));
        let mut thousandths = whole.parse::<i32>().ok().map(i64::from)? * 1000;
        if let Some(after) = rest.strip_prefix('.').filter(|after| end(after) > 0) {
            let (fraction, after) = after.split_at(end(after));
            let places = fraction.bytes().chain(core::iter::repeat(b'0')).take(3);
            thousandths += places.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
            rest = after;
        }
        Some((Centipawns { black: if negative { -thousandths } else { thousandths } }, rest))
    }

    /// Decimal number from Black's view, as [`Centipawns::take`] reads it.
    pub(super) fn text(self) -> String {
        let sign = if self.black < 0 { "-" } else { "" };
        let (whole, fraction) = (self.black.unsigned_abs() / 1000, self.black.unsigned_abs() % 1000);
        match fraction {
            0 => format!("{sign}{whole}"),
            _ => format!("{sign}{whole}.{fraction:03}").trim_end_matches('0').into(),
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
#[derive(Clone, Debug, PartialEq)]
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
    /// Expected result, for the side that is to move after this node.
    pub value: Option<Value>,
    /// Moves that were considered instead of this node's or with it, and their probabilities, most probable first.
    pub policy: Vec<(Move, f32)>,
}

impl Evaluation {
    /// Evaluation that says nothing yet.
    pub const fn new(source: EvaluationSource) -> Evaluation {
        Evaluation {
            source,
            score: None,
            mate: None,
            line: Vec::new(),
            depth: None,
            nodes: None,
            engine: None,
            value: None,
            policy: Vec::new(),
        }
    }
}

/// Centipawns per unit of log odds: the scale that shogi programs have used since Ponanza.
const CENTIPAWNS: f32 = 600.0;

/// Largest absolute centipawn value.
const MOST_CENTIPAWNS: f32 = 9999.0;

/// Value as centipawns, −9999 to 9999, from the same point of view.
pub fn centipawns(Value(value): Value) -> i32 {
    let odds = (1.0 + value).max(0.0) / (1.0 - value).max(0.0);
    libm::roundf((CENTIPAWNS * libm::logf(odds)).clamp(-MOST_CENTIPAWNS, MOST_CENTIPAWNS)) as i32
}

/// Value of a score in centipawns, from the same point of view: the inverse of [`centipawns`], but for its rounding and limits.
pub fn value_of(centipawns: i32) -> Value {
    Value(libm::tanhf(centipawns as f32 / (2.0 * CENTIPAWNS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn centipawns_by_hand() {
        let check = |value: f32, expected: i32| assert_eq!(centipawns(Value(value)), expected, "{value}");
        check(0.0, 0);
        check(0.5, 659); // 600 ln 3
        check(-0.5, -659);
        check(1.0, 9999);
        check(-1.0, -9999);
    }
}
