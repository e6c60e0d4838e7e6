//! Scores of trials: how strong the agents of a setting are, and how sure that is.
//!
//! Two seeds of one setting can lie more than a hundred Elo apart, so the interval of a trial comes from the spread of its
//! agents and not from the number of its games. Few seeds tell little about a spread; that of all trials together is taken
//! for each, as in an analysis of variance.

use keisei_play::rating::{Tally, wilson};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// Share of the intervals that hold the true score.
pub const CONFIDENCE: f64 = 0.95;

/// Standard deviations at which a normal variable is below with 97.5 % and 80 %.
const Z_CONFIDENCE: f64 = 1.959_964;
const Z_POWER: f64 = 0.841_621;

/// Score of an agent: the mean over its opponents, each counted once however many games it played.
pub fn of_agent(tallies: &[Tally]) -> f64 {
    // Against itself alone the default settings' agent is worth half.
    let scores: Vec<f64> = tallies.iter().map(|tally| if tally.games() > 0 { tally.score() } else { 0.5 }).collect();
    mean(&scores)
}

/// Arithmetic mean.
pub fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

/// Spread of the agents of one setting.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Spread {
    /// Standard deviation of the scores of agents that differ in their seed alone.
    pub deviation: f64,
    /// Degrees of freedom that it was estimated with; 0 if there is one seed a trial, and the spread is not known.
    pub freedom: usize,
}

impl Spread {
    /// Spread within trials, over all of them.
    pub fn within(trials: &[Vec<f64>]) -> Self {
        let freedom: usize = trials.iter().map(|scores| scores.len().saturating_sub(1)).sum();
        let squares: f64 =
            trials.iter().map(|scores| scores.iter().map(|score| (score - mean(scores)).powi(2)).sum::<f64>()).sum();
        let deviation = if freedom > 0 { (squares / freedom as f64).sqrt() } else { 0.0 };
        Self { deviation, freedom }
    }

    /// 95 % interval of the mean score of a setting: Student's t over its seeds, and never narrower than Wilson's over its
    /// games. With one seed a trial it is Wilson's, and says nothing about other seeds.
    pub fn interval(&self, scores: &[f64], games: usize) -> (f64, f64) {
        let mean = mean(scores);
        let (low, high) = if games > 0 { wilson(mean, games) } else { (mean, mean) };
        if self.freedom == 0 {
            return (low, high);
        }
        let half = student(self.freedom) * self.deviation / (scores.len() as f64).sqrt();
        (low.min(mean - half).max(0.0), high.max(mean + half).min(1.0))
    }

    /// Seeds of each of two settings after which a difference of their true scores is seen with a probability of 80 %, by a
    /// test that is wrong one time in twenty; none if the spread is not known or the scores are equal.
    pub fn seeds_to_tell(&self, difference: f64) -> Option<usize> {
        if self.freedom == 0 || difference == 0.0 {
            return None;
        }
        let seeds = 2.0 * ((Z_CONFIDENCE + Z_POWER) * self.deviation / difference).powi(2);
        Some((seeds.ceil() as usize).max(2))
    }
}

/// Half the width of a 95 % interval with so many degrees of freedom, in standard deviations.
fn student(freedom: usize) -> f64 {
    let distribution = StudentsT::new(0.0, 1.0, freedom.max(1) as f64).expect("the degrees of freedom are positive");
    distribution.inverse_cdf(f64::midpoint(1.0, CONFIDENCE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_within_trials_is_worked_by_hand() {
        // Deviations ±0.1, ±0.3: squares 0.02 + 0.18 over two degrees of freedom.
        let spread = Spread::within(&[vec![0.4, 0.6], vec![0.2, 0.8]]);
        assert_eq!(spread.freedom, 2);
        assert!((spread.deviation - 0.1f64.sqrt()).abs() < 1e-12, "{spread:?}");
        let spread = Spread { deviation: 0.05, freedom: 12 };
        let (low, high) = spread.interval(&[0.5, 0.6], 100_000);
        assert!((high - 0.55 - 2.179 * 0.05 / 2f64.sqrt()).abs() < 1e-3 && (low + high - 1.1).abs() < 1e-9);
        // Never narrower than the games allow.
        assert_eq!(Spread { deviation: 0.0, freedom: 3 }.interval(&[0.5, 0.5], 40), wilson(0.5, 40));
        assert_eq!(Spread::within(&[vec![0.5], vec![0.7]]).interval(&[0.7], 100), wilson(0.7, 100));
    }

    /// Whether intervals over the pooled spread hold the true mean as often as they say, with two seeds a trial.
    #[test]
    fn intervals_cover() {
        let mut random = keisei_core::random::SplitMix64(1);
        let mut normal = || {
            let (a, b) = (f64::from(random.uniform()), f64::from(random.uniform()));
            (-2.0 * (1.0 - a).ln()).sqrt() * (std::f64::consts::TAU * b).cos()
        };
        let (mut covered, mut all) = (0, 0);
        for _ in 0..400 {
            let truths: Vec<f64> = (0..8).map(|i| 0.35 + 0.04 * f64::from(i)).collect();
            let trials: Vec<Vec<f64>> =
                truths.iter().map(|truth| (0..2).map(|_| truth + 0.06 * normal()).collect()).collect();
            let spread = Spread::within(&trials);
            for (truth, scores) in truths.iter().zip(&trials) {
                let (low, high) = spread.interval(scores, 1_000_000);
                covered += usize::from((low..=high).contains(truth));
                all += 1;
            }
        }
        let share = f64::from(covered as u32) / f64::from(all as u32);
        assert!((0.935..0.965).contains(&share), "{share}");
    }

    #[test]
    fn seeds_to_tell_grow_with_the_square_of_the_spread() {
        let seeds = |deviation, difference| Spread { deviation, freedom: 4 }.seeds_to_tell(difference);
        assert_eq!(seeds(0.1, 0.1), Some(16));
        assert_eq!(seeds(0.2, 0.1), Some(63));
        assert_eq!(seeds(0.01, 0.5), Some(2));
        assert_eq!(seeds(0.1, 0.0), None);
        assert_eq!(Spread { deviation: 0.0, freedom: 0 }.seeds_to_tell(0.1), None);
    }
}
