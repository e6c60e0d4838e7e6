//! Output of the value head: [`WdlLogits`], their probabilities [`Wdl`], and the expected result [`Value`]. All are from the
//! side to move.

use core::ops::Neg;

use serde::{Deserialize, Serialize};

use super::OUTCOMES;

/// Probabilities of win, draw and loss for the side to move.
///
/// ```
/// use keisei_core::net::{Value, Wdl, WdlLogits};
///
/// let wdl = Wdl { win: 0.5, draw: 0.25, loss: 0.25 };
/// assert_eq!(wdl.value(), Value(0.25));
/// assert_eq!(wdl.flipped().value(), -wdl.value());
/// assert_eq!(WdlLogits([0.0, -1e4, -1e4]).softmax(), Wdl::WIN);
/// ```
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Wdl {
    /// Probability of a win, in [0, 1].
    pub win: f32,
    /// Probability of a draw, in [0, 1].
    pub draw: f32,
    /// Probability of a loss, in [0, 1].
    pub loss: f32,
}

impl Wdl {
    /// A certain win.
    pub const WIN: Self = Self::from_array([1.0, 0.0, 0.0]);
    /// A certain draw.
    pub const DRAW: Self = Self::from_array([0.0, 1.0, 0.0]);
    /// A certain loss.
    pub const LOSS: Self = Self::from_array([0.0, 0.0, 1.0]);

    /// The probabilities `[win, draw, loss]`.
    pub const fn from_array([win, draw, loss]: [f32; OUTCOMES]) -> Self {
        Self { win, draw, loss }
    }

    /// The array `[win, draw, loss]`, for arithmetic over the three.
    pub const fn to_array(self) -> [f32; OUTCOMES] {
        [self.win, self.draw, self.loss]
    }

    /// The probabilities from the other side's view.
    #[must_use]
    pub const fn flipped(self) -> Self {
        Self { win: self.loss, draw: self.draw, loss: self.win }
    }

    /// Probability of a win less that of a loss.
    pub fn value(self) -> Value {
        Value(self.win - self.loss)
    }
}

/// Logits of win, draw and loss for the side to move, one row of the value head.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct WdlLogits(pub [f32; OUTCOMES]);

impl WdlLogits {
    /// Probabilities: the softmax of the logits.
    pub fn softmax(self) -> Wdl {
        let highest = self.0.into_iter().fold(f32::NEG_INFINITY, f32::max);
        let exp = self.0.map(|logit| libm::expf(logit - highest));
        let sum: f32 = exp.iter().sum();
        Wdl::from_array(exp.map(|e| e / sum))
    }

    /// Value of the probabilities.
    pub fn value(self) -> Value {
        self.softmax().value()
    }
}

/// Expected result for the side to move, in [-1, 1]: 1 is a win, 0 a draw, −1 a loss.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug, Default, Serialize, Deserialize)]
pub struct Value(pub f32);

impl Value {
    /// The value from the other side's view.
    #[must_use]
    pub fn flipped(self) -> Self {
        Self(-self.0)
    }
}

impl Neg for Value {
    type Output = Self;

    fn neg(self) -> Self {
        self.flipped()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_value(logits: [f32; 3], expected: f32) {
        let Value(found) = WdlLogits(logits).value();
        assert!((found - expected).abs() < 1e-6, "{logits:?}: {found} is not {expected}");
    }

    #[test]
    fn value_is_win_less_loss() {
        check_value([0.0, 0.0, 0.0], 0.0);
        check_value([50.0, 0.0, 0.0], 1.0);
        check_value([0.0, 0.0, 1e4], -1.0);
        check_value([0.0, 1e4, 0.0], 0.0);
        // Two to one in odds, no draws.
        check_value([core::f32::consts::LN_2, -1e4, 0.0], 1.0 / 3.0);
    }

    #[test]
    fn softmax_sums_to_one() {
        for logits in [[1.0, 2.0, 3.0], [-1e30, 0.0, 1e3], [1e30; 3]] {
            let sum: f32 = WdlLogits(logits).softmax().to_array().iter().sum();
            assert!((sum - 1.0).abs() < 1e-6, "{logits:?}");
        }
    }

    #[test]
    fn the_other_side_wins_what_this_side_loses() {
        let wdl = Wdl { win: 0.6, draw: 0.3, loss: 0.1 };
        assert_eq!(wdl.flipped(), Wdl { win: 0.1, draw: 0.3, loss: 0.6 });
        assert_eq!((wdl.flipped().value(), wdl.flipped().flipped()), (-wdl.value(), wdl));
        assert_eq!([Wdl::WIN, Wdl::DRAW, Wdl::LOSS].map(Wdl::flipped), [Wdl::LOSS, Wdl::DRAW, Wdl::WIN]);
    }
}
