//! Sequential probability ratio test (SPRT): plays until the games tell which of two Elo differences is the true one.
//!
//! Its statistic is the generalised log-likelihood ratio of the five results of a pair of games (pentanomial GSPRT): under each
//! hypothesis the probabilities of 0, ½, 1, 1½ and 2 points are the most likely ones whose mean is the hypothesis's score
//! (M. Van den Bergh, "The GSPRT for trinomial and pentanomial models", the test of fishtest since 2019 and of cutechess and
//! fast-chess). So the variance is that of the pairs, and openings that favour one side cost no games.

use std::fmt;

use super::pairs::Pairs;
use super::{elo, expected_score};

/// Count that stands for a result that no pair had: with 0, its probability would be 0 under both hypotheses.
const UNSEEN: f64 = 1e-3;

/// Test of the hypothesis that a player is stronger by `elo0` against that it is stronger by `elo1`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sprt {
    /// Elo difference of the null hypothesis.
    elo0: f64,
    /// Elo difference of the alternative, larger.
    elo1: f64,
    /// Largest probability to accept `elo1` if `elo0` is true.
    alpha: f64,
    /// Largest probability to accept `elo0` if `elo1` is true.
    beta: f64,
}

/// Result of a finished test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The difference is `elo0` or less: the player is not stronger.
    Elo0,
    /// The difference is `elo1` or more: the player is stronger.
    Elo1,
}

/// Reason why there is no such test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SprtError {
    /// The Elo differences are not finite numbers, the first below the second, between −2000 and 2000.
    Elo,
    /// An error rate is not above 0 and below ½.
    Rate,
}

impl fmt::Display for SprtError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SprtError::Elo => "elo0 must be below elo1, both from -2000 to 2000",
            SprtError::Rate => "the error rates alpha and beta must be above 0 and below 0.5",
        })
    }
}

impl std::error::Error for SprtError {}

impl Sprt {
    /// Test of `elo0` against `elo1` with error rates of at most `alpha` and `beta`.
    ///
    /// # Errors
    /// The differences or rates are out of range.
    ///
    /// ```
    /// use keisei_play::rating::{Pairs, Sprt, Verdict};
    ///
    /// let sprt = Sprt::new(0.0, 20.0, 0.05, 0.05).unwrap();
    /// let clear = Pairs { complete: [10, 30, 200, 60, 60], ..Pairs::default() };
    /// assert_eq!(sprt.verdict(&clear), Some(Verdict::Elo1));
    /// assert_eq!(sprt.verdict(&Pairs::default()), None);
    /// ```
    pub fn new(elo0: f64, elo1: f64, alpha: f64, beta: f64) -> Result<Sprt, SprtError> {
        if !(elo0 < elo1 && (-2000.0..=2000.0).contains(&elo0) && (-2000.0..=2000.0).contains(&elo1)) {
            return Err(SprtError::Elo);
        }
        if ![alpha, beta].iter().all(|rate| *rate > 0.0 && *rate < 0.5) {
            return Err(SprtError::Rate);
        }
        Ok(Sprt { elo0, elo1, alpha, beta })
    }

    /// Elo differences of the two hypotheses.
    pub fn hypotheses(&self) -> (f64, f64) {
        (self.elo0, self.elo1)
    }

    /// Error rates α and β.
    pub fn error_rates(&self) -> (f64, f64) {
        (self.alpha, self.beta)
    }

    /// Log-likelihood ratios at which the test ends: at or below the first with [`Verdict::Elo0`], at or above the second with
    /// [`Verdict::Elo1`] (Wald 1945).
    pub fn bounds(&self) -> (f64, f64) {
        ((self.beta / (1.0 - self.alpha)).ln(), ((1.0 - self.beta) / self.alpha).ln())
    }

    /// Log-likelihood ratio of `elo1` to `elo0`, given the complete pairs; games without partner do not count.
    pub fn log_likelihood_ratio(&self, pairs: &Pairs) -> f64 {
        let count: usize = pairs.complete.iter().sum();
        if count == 0 {
            return 0.0;
        }
        let seen = regular(pairs);
        let [p0, p1] = [self.elo0, self.elo1].map(|elo| most_likely(&seen, expected_score(elo)));
        count as f64 * (0..5).map(|i| seen[i] * (p1[i] / p0[i]).ln()).sum::<f64>()
    }

    /// The test's result, if these pairs end it. It must be asked after each pair, or each few, in the order in which they
    /// were paired: a test that only looks at its end, or sorts its games by result, errs more often.
    pub fn verdict(&self, pairs: &Pairs) -> Option<Verdict> {
        let (lower, upper) = self.bounds();
        match self.log_likelihood_ratio(pairs) {
            ratio if ratio <= lower => Some(Verdict::Elo0),
            ratio if ratio >= upper => Some(Verdict::Elo1),
            _ => None,
        }
    }

    /// Expected number of pairs still to play, if the true probabilities of a pair's results are those of `pairs` so far,
    /// smoothed: the time at which a Brownian motion with the ratio's drift and variance leaves the bounds. It is 0 for a
    /// finished test.
    pub fn expected_pairs(&self, pairs: &Pairs) -> f64 {
        // One pair of each kind of an even match keeps the variance from 0 while there are few pairs.
        let mut smoothed = pairs.complete.map(|count| count as f64);
        smoothed.iter_mut().zip([0.25, 0.0, 0.5, 0.0, 0.25]).for_each(|(count, prior)| *count += prior);
        let total: f64 = smoothed.iter().sum();
        self.expected_pairs_of(&smoothed.map(|count| count / total), self.log_likelihood_ratio(pairs))
    }

    /// Expected number of pairs until the test ends, from the log-likelihood ratio `now`, if a pair scores 0, ½, 1, 1½ and 2
    /// points with these probabilities.
    pub fn expected_pairs_of(&self, probabilities: &[f64; 5], now: f64) -> f64 {
        let (lower, upper) = self.bounds();
        if now <= lower || now >= upper {
            return 0.0;
        }
        let (down, up) = (lower - now, upper - now);
        let [s0, s1] = [self.elo0, self.elo1].map(expected_score);
        let (mean, variance) = moments(probabilities);
        // The ratio of two normal distributions with this variance and the hypotheses' means.
        let drift = (s1 - s0) * (mean - f64::midpoint(s0, s1)) / variance;
        let spread = (s1 - s0).powi(2) / variance;
        let slope = 2.0 * drift / spread;
        if (slope * (up - down)).abs() < 1e-6 {
            return -down * up / spread;
        }
        // Probability of the upper bound, by the martingale exp(−slope · ratio).
        let above = (-slope * down).exp_m1() / ((-slope * down).exp() - (-slope * up).exp());
        (above * up + (1.0 - above) * down) / drift
    }

    /// Most pairs that an undecided test is expected to need: if the true difference lies between the hypotheses.
    pub fn longest_expected_pairs(&self, variance_of_pair: f64) -> f64 {
        let [s0, s1] = [self.elo0, self.elo1].map(expected_score);
        let (lower, upper) = self.bounds();
        -lower * upper * variance_of_pair / (s1 - s0).powi(2)
    }

    /// Elo difference, 0 at a score of ½, half-way between the hypotheses' scores, where a test lasts longest.
    pub fn hardest_elo(&self) -> f64 {
        elo(f64::midpoint(expected_score(self.elo0), expected_score(self.elo1)))
    }
}

/// Points per game of each result of a pair.
const SCORES: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

fn moments(probabilities: &[f64; 5]) -> (f64, f64) {
    let mean: f64 = probabilities.iter().zip(SCORES).map(|(p, score)| p * score).sum();
    (mean, probabilities.iter().zip(SCORES).map(|(p, score)| p * (score - mean).powi(2)).sum())
}

/// Shares of the results of a pair, none of them 0.
fn regular(pairs: &Pairs) -> [f64; 5] {
    let counts = pairs.complete.map(|count| (count as f64).max(UNSEEN));
    let total: f64 = counts.iter().sum();
    counts.map(|count| count / total)
}

/// Most likely probabilities with the mean `score`, given the `seen` shares: `seen / (1 + θ (result − score))`, where θ is the
/// Lagrange multiplier of the mean (Owen's empirical likelihood).
fn most_likely(seen: &[f64; 5], score: f64) -> [f64; 5] {
    // The mean surplus falls in θ between the poles at which a probability becomes infinite.
    let surplus = |theta: f64| -> f64 {
        seen.iter().zip(SCORES).map(|(p, result)| p * (result - score) / (1.0 + theta * (result - score))).sum()
    };
    let (mut low, mut high) = (-1.0 / (1.0 - score), 1.0 / score);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        *(if surplus(middle) > 0.0 { &mut low } else { &mut high }) = middle;
    }
    let theta = f64::midpoint(low, high);
    std::array::from_fn(|i| seen[i] / (1.0 + theta * (SCORES[i] - score)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(complete: [usize; 5]) -> Pairs {
        Pairs { complete, single: [0; 3] }
    }

    #[test]
    fn bounds_by_hand() {
        let (lower, upper) = Sprt::new(0.0, 20.0, 0.05, 0.05).expect("valid").bounds();
        assert!((lower + 2.944439).abs() < 1e-6 && (upper - 2.944439).abs() < 1e-6);
        let (lower, upper) = Sprt::new(0.0, 20.0, 0.01, 0.1).expect("valid").bounds();
        assert!((lower - (0.1f64 / 0.99).ln()).abs() < 1e-12 && (upper - 90f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn invalid_tests_are_refused() {
        for (elo0, elo1) in [(5.0, 5.0), (5.0, 0.0), (f64::NAN, 1.0), (0.0, f64::INFINITY), (-3000.0, 0.0)] {
            assert_eq!(Sprt::new(elo0, elo1, 0.05, 0.05), Err(SprtError::Elo));
        }
        for (alpha, beta) in [(0.0, 0.05), (0.05, 0.5), (f64::NAN, 0.05), (0.05, -1.0)] {
            assert_eq!(Sprt::new(0.0, 5.0, alpha, beta), Err(SprtError::Rate));
        }
    }

    #[test]
    fn most_likely_probabilities_have_the_mean_and_no_others_are_likelier() {
        let seen = [0.1, 0.2, 0.3, 0.15, 0.25];
        for score in [0.3, 0.5, 0.5625, 0.9] {
            let p = most_likely(&seen, score);
            let (mean, _) = moments(&p);
            assert!((mean - score).abs() < 1e-9 && (p.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{p:?}");
            let likelihood = |p: &[f64; 5]| (0..5).map(|i| seen[i] * p[i].ln()).sum::<f64>();
            // Moves that keep sum and mean.
            for direction in [[1.0, -2.0, 1.0, 0.0, 0.0], [0.0, 1.0, -2.0, 1.0, 0.0], [0.0, 0.0, 1.0, -2.0, 1.0]] {
                for size in [-1e-3, 1e-3] {
                    let other = std::array::from_fn(|i| p[i] + size * direction[i]);
                    assert!(likelihood(&other) < likelihood(&p), "{score}: {other:?}");
                }
            }
        }
        // With only losses and wins it is Bernoulli's ratio: 30 · (0.6 ln(s1 / s0) + 0.4 ln((1 − s1) / (1 − s0))).
        let sprt = Sprt::new(0.0, 100.0, 0.05, 0.05).expect("valid");
        let s1 = expected_score(100.0);
        let expected = 18.0 * (s1 / 0.5).ln() + 12.0 * ((1.0 - s1) / 0.5).ln();
        let found = sprt.log_likelihood_ratio(&pairs([12, 0, 0, 0, 18]));
        assert!((found - expected).abs() < 0.01, "{found} is not {expected}");
    }

    #[test]
    fn sides_can_be_exchanged() {
        let results = pairs([3, 9, 40, 12, 8]);
        let forth = Sprt::new(-5.0, 25.0, 0.05, 0.05).expect("valid").log_likelihood_ratio(&results);
        let back = Sprt::new(-25.0, 5.0, 0.05, 0.05).expect("valid").log_likelihood_ratio(&results.mirrored());
        assert!((forth + back).abs() < 1e-9, "{forth} {back}");
    }

    #[test]
    fn extreme_results_end_the_test_and_give_finite_ratios() {
        let sprt = Sprt::new(0.0, 50.0, 0.05, 0.05).expect("valid");
        for count in [1, 2, 30, 10_000] {
            for at in 0..5 {
                let mut complete = [0; 5];
                complete[at] = count;
                let ratio = sprt.log_likelihood_ratio(&pairs(complete));
                assert!(ratio.is_finite() && (ratio > 0.0) == (at > 2), "{complete:?}: {ratio}");
            }
        }
        assert_eq!(sprt.verdict(&pairs([0, 0, 0, 0, 1])), None);
        assert_eq!(sprt.verdict(&pairs([0, 0, 0, 0, 100])), Some(Verdict::Elo1));
        assert_eq!(sprt.verdict(&pairs([100, 0, 0, 0, 0])), Some(Verdict::Elo0));
        assert_eq!(sprt.expected_pairs(&pairs([100, 0, 0, 0, 0])), 0.0);
    }

    #[test]
    fn expected_length_by_hand() {
        let sprt = Sprt::new(0.0, 20.0, 0.05, 0.05).expect("valid");
        let s1 = expected_score(20.0);
        // At the hardest score there is no drift: the square of the bound over the spread.
        let variance = 0.125;
        let longest = sprt.longest_expected_pairs(variance);
        assert!((longest - 2.944439f64.powi(2) * variance / (s1 - 0.5).powi(2)).abs() < 0.1, "{longest}");
        // At elo0: Wald's (0.95 · lower + 0.05 · upper) / drift, where the drift is −(s1 − s0)² / 2 variance.
        let length = sprt.expected_pairs_of(&[0.25, 0.0, 0.5, 0.0, 0.25], 0.0);
        let expected = 0.9 * 2.944439 * 2.0 * variance / (s1 - 0.5).powi(2);
        assert!((length / expected - 1.0).abs() < 1e-3, "{length} is not {expected}");
        assert!(length < longest);
        assert!((sprt.hardest_elo() - 10.0).abs() < 0.1);
    }
}
