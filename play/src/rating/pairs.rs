//! Results of pairs of games with the same opening, and the interval of their score.

use std::ops::{Add, AddAssign};

use super::{student, wilson_at};

/// Pairs that the variance is smoothed with: two pairs of independent games between equals, which on average score 0, 1 and 2
/// points in ½, 1 and ½ of a pair. They are the four prior games of Agresti and Coull's interval.
const PRIOR: [f64; 5] = [0.5, 0.0, 1.0, 0.0, 0.5];

/// Results of one player against another, by pairs of games with the same opening and exchanged colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pairs {
    /// Numbers of pairs in which the player scored 0, ½, 1, 1½ and 2 points.
    pub complete: [usize; 5],
    /// Numbers of games lost, drawn and won whose partner was not played.
    pub single: [usize; 3],
}

impl Pairs {
    /// Pairs with these points, each 0 to 2.
    pub fn of_points(points: &[f64]) -> Pairs {
        let mut pairs = Pairs::default();
        for points in points {
            pairs.complete[(2.0 * points).round() as usize] += 1;
        }
        pairs
    }

    /// Games played.
    pub fn games(&self) -> usize {
        2 * self.complete.iter().sum::<usize>() + self.single.iter().sum::<usize>()
    }

    /// Points scored.
    pub fn points(&self) -> f64 {
        let half_points = |counts: &[usize]| counts.iter().enumerate().map(|(half, count)| half * count).sum::<usize>();
        (half_points(&self.complete) + half_points(&self.single)) as f64 / 2.0
    }

    /// Points per game, 0 to 1; NaN without games.
    pub fn score(&self) -> f64 {
        self.points() / self.games() as f64
    }

    /// The opponent's results.
    #[must_use]
    pub fn mirrored(&self) -> Pairs {
        let mut mirrored = *self;
        mirrored.complete.reverse();
        mirrored.single.reverse();
        mirrored
    }

    /// Interval of the score, 0 to 1: Wilson's over the effective number of games, with Student's t.
    ///
    /// The two games of a pair depend on each other through the opening; only the pairs are independent. If both games tend to
    /// the same winner, there is less evidence in them than in as many independent games; if one colour wins, or with draws,
    /// more. The number of games divided by the design effect is the number of independent decisive games
    /// with as much evidence. The design effect is estimated from few pairs, hence Student's t instead of the normal quantile;
    /// at a score of 0 or 1 it is at least 1, so the interval is never narrower than Wilson's over the games.
    ///
    /// `docs/rating.md` shows how often the interval covers the true score.
    pub fn score_interval(&self) -> (f64, f64) {
        if self.games() == 0 {
            return (0.0, 1.0);
        }
        let Dispersion { design_effect, freedom } = self.dispersion();
        wilson_at(self.score(), self.games() as f64 / design_effect, student::half_width(freedom))
    }

    /// Probability, one-sided, of so high a score or a higher one if the players were equals.
    pub fn chance_if_equal(&self) -> f64 {
        if self.games() == 0 {
            return 1.0;
        }
        let Dispersion { design_effect, freedom } = self.dispersion();
        let deviation = (0.25 * design_effect / self.games() as f64).sqrt();
        1.0 - student::below((self.score() - 0.5) / deviation, freedom)
    }

    /// Spread of the points of pairs, smoothed by [`PRIOR`].
    pub(super) fn dispersion(&self) -> Dispersion {
        // Each pair, and each single game, is a cluster; the mean is a ratio of points and games (Cochran 1977, section 2.11).
        let clusters = || {
            let pairs = self.complete.iter().zip(PRIOR).enumerate();
            let pairs = pairs.map(|(half, (&count, prior))| (count as f64 + prior, 2.0, half as f64 / 2.0));
            let single = self.single.iter().enumerate().map(|(half, &count)| (count as f64, 1.0, half as f64 / 2.0));
            pairs.chain(single)
        };
        let count: f64 = clusters().map(|(count, _, _)| count).sum();
        let games: f64 = clusters().map(|(count, games, _)| count * games).sum();
        let mean = clusters().map(|(count, _, points)| count * points).sum::<f64>() / games;
        let squares: f64 = clusters().map(|(count, games, points)| count * (points - mean * games).powi(2)).sum();
        let freedom = count - 1.0;
        Dispersion { design_effect: squares * count / (freedom * games * mean * (1.0 - mean)), freedom }
    }
}

impl Add for Pairs {
    type Output = Pairs;

    fn add(mut self, other: Pairs) -> Pairs {
        self += other;
        self
    }
}

impl AddAssign for Pairs {
    fn add_assign(&mut self, other: Pairs) {
        self.complete.iter_mut().zip(other.complete).for_each(|(sum, count)| *sum += count);
        self.single.iter_mut().zip(other.single).for_each(|(sum, count)| *sum += count);
    }
}

/// Spread of the points of pairs of games.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dispersion {
    /// Variance of the score divided by that of as many independent games without draws and with the same score.
    pub design_effect: f64,
    /// Degrees of freedom of the variance.
    pub freedom: f64,
}

#[cfg(test)]
mod tests {
    use super::super::wilson;
    use super::*;

    fn pairs(complete: [usize; 5]) -> Pairs {
        Pairs { complete, single: [0; 3] }
    }

    fn near(found: (f64, f64), expected: (f64, f64)) {
        let close = (found.0 - expected.0).abs() < 5e-5 && (found.1 - expected.1).abs() < 5e-5;
        assert!(close, "{found:?} is not {expected:?}");
    }

    #[test]
    fn intervals_by_hand() {
        // With the prior there are 1½, 1, 3, 1, 1½ pairs: squares 3½, design effect 3½ · 8 / (7 · 16 · ¼) = 1. So t = 2.364624
        // of 7 degrees of freedom and 12 games: Wilson's half width is ½ / √(1 + 12 / t²).
        near(pairs([1, 1, 2, 1, 1]).score_interval(), (0.218108, 0.781892));
        // All lost: 5½, 0, 1, 0, ½ pairs with the mean 2/7: squares 119/49, design effect 119/49 · 7 / (6 · 14 · 1/7 · 6/7).
        let lost = pairs([5, 0, 0, 0, 0]);
        assert!((lost.dispersion().design_effect - 1.652778).abs() < 1e-6, "{:?}", lost.dispersion());
        // t = 2.446912 of 6 degrees of freedom: up to t² / (10 / 1.652778 + t²).
        near(lost.score_interval(), (0.0, 0.497377));
        assert_eq!(Pairs::default().score_interval(), (0.0, 1.0));
    }

    #[test]
    fn lone_games_are_pairs_of_half_the_weight() {
        let lone = Pairs { complete: [0; 5], single: [3, 0, 5] };
        assert_eq!((lone.games(), lone.points()), (8, 5.0));
        let (low, high) = lone.score_interval();
        let (expected_low, expected_high) = wilson(5.0 / 8.0, 8);
        assert!(low < expected_low && high > expected_high && high < 1.0 && low > 0.1, "{low} {high}");
    }

    #[test]
    fn both_players_see_the_same_interval() {
        let results = Pairs { complete: [1, 2, 7, 3, 9], single: [1, 0, 2] };
        let (low, high) = results.score_interval();
        near(results.mirrored().score_interval(), (1.0 - high, 1.0 - low));
        assert!((results.chance_if_equal() + results.mirrored().chance_if_equal() - 1.0).abs() < 1e-12);
        assert_eq!(results.mirrored().mirrored(), results);
        assert_eq!((results + results).games(), 2 * results.games());
    }

    #[test]
    fn at_the_ends_no_interval_is_narrower_than_wilsons() {
        for pairs in 1..2000 {
            for complete in [[pairs, 0, 0, 0, 0], [0, 0, 0, 0, pairs]] {
                let results = Pairs { complete, single: [0; 3] };
                let (low, high) = results.score_interval();
                let (wilson_low, wilson_high) = wilson(results.score(), results.games());
                assert!(low <= wilson_low && high >= wilson_high, "{pairs} pairs");
            }
        }
    }

    #[test]
    fn an_interval_is_never_a_point() {
        // One colour wins in every opening: all pairs have the same points.
        let (low, high) = pairs([0, 0, 100, 0, 0]).score_interval();
        assert!(low > 0.485 && low < 0.495 && high > 0.505 && high < 0.515, "{low} {high}");
    }

    #[test]
    fn chance_of_a_score_by_hand() {
        // 8 of 10 pairs won: with the prior 2½, 0, 1, 0, 8½ with the mean 1½ and squares 8, design effect 1.9394. So 0.3 is
        // 1.9268 deviations of √(¼ · 1.9394 / 20), and t is above that with probability 0.0401 at 11 degrees of freedom.
        let chance = pairs([2, 0, 0, 0, 8]).chance_if_equal();
        assert!((chance - 0.0401).abs() < 1e-4, "{chance}");
        assert!(pairs([0, 0, 5, 0, 0]).chance_if_equal() == 0.5);
        assert_eq!(Pairs::default().chance_if_equal(), 1.0);
    }
}
