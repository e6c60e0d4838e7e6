//! Statistics of strength from the results of games: scores with intervals, Elo differences, a joint fit of all players'
//! ratings, sequential tests; and values as centipawns.
//!
//! All intervals are two-sided at 95 %. A win counts 1 point, a draw ½, a loss 0.
//!
//! | module | holds |
//! |---|---|
//! | `pairs` | [`Pairs`]: results of pairs of games with the same opening, and the interval of their score |
//! | `fit` | [`fit()`]: ratings of all players of a tournament at once, with intervals |
//! | `cycles` | [`cycles()`]: players of whom each beats the next in a circle |
//! | `standings` | [`Standings`]: all of this for the games of a tournament |
//! | `sprt` | [`Sprt`]: sequential test of which of two Elo differences is the true one |

use std::ops::{Add, AddAssign};

mod student;
mod pairs;
mod fit;
mod cycles;
mod standings;
mod sprt;

pub use keisei_core::notation::{centipawns, value_of};

pub use cycles::{Cycle, Misfit, cycles, misfits};
pub use fit::{Pairing, Rated, Ratings, fit};
pub use pairs::Pairs;
pub use sprt::{Sprt, SprtError, Verdict};
pub use standings::Standings;

#[cfg(test)]
mod simulated;

/// Half the width of a 95 % interval, in standard deviations of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// Wins, draws and losses of one player.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Games won.
    pub wins: usize,
    /// Games drawn.
    pub draws: usize,
    /// Games lost.
    pub losses: usize,
}

impl Tally {
    /// Games played.
    pub fn games(self) -> usize {
        self.wins + self.draws + self.losses
    }

    /// Points per game, 0 to 1; NaN without games.
    pub fn score(self) -> f64 {
        (self.wins as f64 + 0.5 * self.draws as f64) / self.games() as f64
    }
}

impl Add for Tally {
    type Output = Tally;

    fn add(self, other: Tally) -> Tally {
        let (wins, draws) = (self.wins + other.wins, self.draws + other.draws);
        Tally { wins, draws, losses: self.losses + other.losses }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        *self = *self + other;
    }
}

/// Wilson's interval of a score, 0 to 1, over independent games. With draws it is wider than necessary.
pub fn wilson(score: f64, games: usize) -> (f64, f64) {
    wilson_at(score, games as f64, Z)
}

/// Wilson's interval of `score` over `n` independent games, which need not be a whole number, `z` standard deviations wide.
fn wilson_at(score: f64, n: f64, z: f64) -> (f64, f64) {
    let shrink = 1.0 + z * z / n;
    let centre = (score + z * z / (2.0 * n)) / shrink;
    let half = z * (score * (1.0 - score) / n + z * z / (4.0 * n * n)).sqrt() / shrink;
    // A score of 0 or 1 is a bound of its interval exactly; with a rounding error its Elo would be finite.
    let low = if score > 0.0 { centre - half } else { 0.0 };
    let high = if score < 1.0 { centre + half } else { 1.0 };
    (low, high)
}

/// Elo difference at which `score` is expected; infinite at 0 and 1.
pub fn elo(score: f64) -> f64 {
    400.0 * (score / (1.0 - score)).log10()
}

/// Score that a player with an Elo difference of `elo` is expected to have, 0 to 1: the inverse of [`elo`].
pub fn expected_score(elo: f64) -> f64 {
    1.0 / (1.0 + 10f64.powf(-elo / 400.0))
}

/// Interval of the score, 0 to 1, from the points, 0 to 2, of pairs of games with the same opening; see
/// [`Pairs::score_interval`].
pub fn paired(points: &[f64]) -> (f64, f64) {
    Pairs::of_points(points).score_interval()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: (f64, f64), expected: (f64, f64)) {
        let close = |a: f64, b: f64| a == b || (a - b).abs() < 5e-5;
        assert!(close(found.0, expected.0) && close(found.1, expected.1), "{found:?} is not {expected:?}");
    }

    #[test]
    fn wilson_by_hand() {
        // 8 of 10: (0.8 + 0.19207) / 1.38415 ± 1.95996 √(0.016 + 0.0096036) / 1.38415.
        near(wilson(0.8, 10), (0.49016, 0.94332));
        // 0 of 10: up to 3.84146 / 13.84146.
        near(wilson(0.0, 10), (0.0, 0.27753));
        near(wilson(1.0, 10), (0.72247, 1.0));
        near(wilson(0.5, 400), (0.45126, 0.54874));
        for games in 1..1000 {
            assert_eq!((wilson(0.0, games).0, wilson(1.0, games).1), (0.0, 1.0), "{games} games");
        }
    }

    #[test]
    fn elo_by_hand() {
        for (score, expected) in [(0.5, 0.0), (10.0 / 11.0, 400.0), (1.0 / 11.0, -400.0), (0.75, 190.8485)] {
            near((elo(score), 0.0), (expected, 0.0));
        }
        assert_eq!((elo(0.0), elo(1.0)), (f64::NEG_INFINITY, f64::INFINITY));
        for difference in [-800.0, -20.0, 0.0, 3.0, 400.0] {
            assert!((elo(expected_score(difference)) - difference).abs() < 1e-9, "{difference}");
        }
    }

    #[test]
    fn tallies_add_up() {
        let sum = Tally { wins: 3, draws: 1, losses: 0 } + Tally { wins: 0, draws: 0, losses: 4 };
        assert_eq!((sum.games(), sum.score()), (8, 3.5 / 8.0));
    }
}
