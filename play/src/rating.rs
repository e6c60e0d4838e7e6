//! Statistics of strength from the results of games: scores with intervals, and Elo differences; and values as centipawns.
//!
//! All intervals are two-sided at 95 %. A win counts 1 point, a draw ½, a loss 0.

use std::ops::{Add, AddAssign};

use keisei_core::net::Value;

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
    let n = games as f64;
    let shrink = 1.0 + Z * Z / n;
    let centre = (score + Z * Z / (2.0 * n)) / shrink;
    let half = Z * (score * (1.0 - score) / n + Z * Z / (4.0 * n * n)).sqrt() / shrink;
    // A score of 0 or 1 is a bound of its interval exactly; with a rounding error its Elo would be finite.
    let low = if score > 0.0 { centre - half } else { 0.0 };
    let high = if score < 1.0 { centre + half } else { 1.0 };
    (low, high)
}

/// Elo difference at which `score` is expected; infinite at 0 and 1.
pub fn elo(score: f64) -> f64 {
    400.0 * (score / (1.0 - score)).log10()
}

/// Interval of the score, 0 to 1, from the points, 0 to 2, of pairs of games with the same opening.
///
/// The two games of a pair depend on each other through the opening; only the pairs are independent. So the interval is a
/// normal approximation with the variance of the pairs. If all pairs have the same points, that would be certainty; then it
/// is Wilson's interval over the games.
pub fn paired(points: &[f64]) -> (f64, f64) {
    let n = points.len() as f64;
    let scores = points.iter().map(|points| points / 2.0);
    let mean = scores.clone().sum::<f64>() / n;
    let squares: f64 = scores.map(|score| (score - mean).powi(2)).sum();
    if squares == 0.0 {
        return wilson(mean, 2 * points.len());
    }
    let half = Z * (squares / (n - 1.0) / n).sqrt();
    ((mean - half).max(0.0), (mean + half).min(1.0))
}

/// Centipawns per unit of log odds: the scale that shogi programs have used since Ponanza.
const CENTIPAWNS: f32 = 600.0;

/// Largest absolute centipawn value.
const MOST_CENTIPAWNS: f32 = 9999.0;

/// Value as centipawns, −9999 to 9999, from the same point of view.
pub fn centipawns(Value(value): Value) -> i32 {
    let odds = (1.0 + value).max(0.0) / (1.0 - value).max(0.0);
    (CENTIPAWNS * odds.ln()).clamp(-MOST_CENTIPAWNS, MOST_CENTIPAWNS).round() as i32
}

/// Value of a score in centipawns, from the same point of view: the inverse of [`centipawns`], but for its rounding and limits.
pub fn value_of(centipawns: i32) -> Value {
    Value((centipawns as f32 / (2.0 * CENTIPAWNS)).tanh())
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
    }

    #[test]
    fn centipawns_by_hand() {
        let check = |value: f32, expected: i32| assert_eq!(centipawns(Value(value)), expected, "{value}");
        check(0.0, 0);
        check(0.5, 659); // 600 ln 3
        check(-0.5, -659);
        check(1.0, 9999);
        check(-1.0, -9999);
    }

    #[test]
    fn pairs_by_hand() {
        // Mean 1.5, variance (0.25 + 0.25) / 3 of a pair, deviation of the mean √(0.166667 / 4) = 0.204124.
        near(paired(&[2.0, 1.0, 1.5, 1.5]), (0.75 - 0.200038, 0.75 + 0.200038));
        // 1.6 ± 1.96 · 0.4: cut off at 2.
        near(paired(&[2.0, 2.0, 2.0, 2.0, 0.0]), (0.8 - 0.391993, 1.0));
        // One colour wins in every opening: all pairs have the same points, so it is Wilson's interval over the 10 games.
        near(paired(&[1.0; 5]), wilson(0.5, 10));
        near(paired(&[2.0; 5]), wilson(1.0, 10));
    }

    #[test]
    fn tallies_add_up() {
        let sum = Tally { wins: 3, draws: 1, losses: 0 } + Tally { wins: 0, draws: 0, losses: 4 };
        assert_eq!((sum.games(), sum.score()), (8, 3.5 / 8.0));
    }
}
