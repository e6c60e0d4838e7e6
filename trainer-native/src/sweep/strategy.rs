//! Strategies: which values the next trial tries.
//!
//! A proposal is a function of the plan and of the results of certain earlier trials, never of the clock or of the order in
//! which trials end, so that a sweep that is killed and resumed proposes what one that is not would.

use super::space::{Dimension, Point, Space, Values};
use anyhow::{Result, ensure};
use keisei_core::random::{SplitMix64, mix};
use rand::TryRng;
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::fmt;
use tpe::{TpeOptimizer, TpeOptimizerBuilder, categorical_range, histogram_estimator, parzen_estimator, range};

/// Most trials of a sweep.
pub const MOST_TRIALS: usize = 10_000;

/// Share of the trials that TPE takes as the good ones, as in Bergstra et al. 2011.
const GOOD: f64 = 0.25;

/// Candidates among which TPE takes the one that is likeliest to be good.
const CANDIDATES: usize = 24;

/// Way to choose the values of trials.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Strategy {
    /// Values by chance
    Random,
    /// Every combination of the listed values and of a few of each range
    Grid,
    /// Values by chance; the better part goes on with a larger budget, again and again
    Halving,
    /// Values that resemble those of good trials: tree-structured Parzen estimators
    Tpe,
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Random => "random",
            Self::Grid => "grid",
            Self::Halving => "halving",
            Self::Tpe => "tpe",
        })
    }
}

/// Numbers by chance for trial `trial` and one of its purposes.
fn numbers(seed: u64, trial: usize, purpose: u64) -> SplitMix64 {
    SplitMix64(mix(mix(mix(seed) ^ trial as u64) ^ purpose))
}

/// Point by chance of trial `trial`.
pub fn random(space: &Space, seed: u64, trial: usize) -> Point {
    space.random(&mut numbers(seed, trial, 0))
}

/// Trials that are chosen by chance before TPE learns from them, of `trials` in all.
pub fn startup(trials: usize) -> usize {
    (trials / 3).clamp(3, 10)
}

/// Result of an earlier trial: its values, and its score from 0 to 1; none if it failed or is not done.
pub type Tried<'a> = (&'a Point, Option<f64>);

/// Point of trial `trial` by tree-structured Parzen estimators (Bergstra, Bardenet, Bengio and Kégl 2011) over the logarithms
/// of numbers where the space says so. A trial without a score counts as the worst, so that its neighbourhood is left alone.
///
/// # Errors
/// If a point is not one of the space.
pub fn tpe(space: &Space, seed: u64, trial: usize, tried: &[Tried]) -> Result<Point> {
    let worst = tried.iter().filter_map(|(_, score)| *score).fold(1.0, f64::min);
    let choose = |(i, dimension): (usize, &Dimension)| {
        let mut random = Numbers(numbers(seed, trial, 1 + i as u64));
        let mut optimizer = optimizer(dimension)?;
        // Ranges of the estimators leave their upper end out.
        let (low, high) = dimension.extent();
        let within = |coordinate: f64| coordinate.clamp(low, high.next_down());
        for (point, score) in tried {
            ensure!(point.len() == space.dimensions.len(), "a trial has {} values", point.len());
            // The estimators minimise.
            optimizer.tell(within(dimension.coordinate(&point[i])), 1.0 - score.unwrap_or(worst))?;
        }
        Ok(dimension.at(optimizer.ask(&mut random)?))
    };
    space.dimensions.iter().enumerate().map(choose).collect()
}

fn optimizer(dimension: &Dimension) -> Result<TpeOptimizer> {
    let mut builder = TpeOptimizerBuilder::new();
    builder.gamma(GOOD).candidates(CANDIDATES);
    Ok(match &dimension.values {
        Values::List(values) => builder.build(histogram_estimator(), categorical_range(values.len())?)?,
        Values::Range { .. } => {
            let (low, high) = dimension.extent();
            builder.build(parzen_estimator(), range(low, high)?)?
        }
    })
}

/// The core's numbers in the shape that estimators ask for: the same on every platform.
struct Numbers(SplitMix64);

impl TryRng for Numbers {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.0.next_u64() >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.0.next_u64().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

/// Rung of successive halving: the trials that get a budget.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rung {
    /// Budget of each trial, in plies, earlier rungs included.
    pub plies: u64,
    /// Number of trials, the best of the rung before.
    pub trials: usize,
}

/// Rungs of successive halving (Jamieson and Talwalkar 2016): each keeps one trial in `eta` and gives it `eta` times the
/// plies, the last one `plies`. A budget is a number of whole iterations.
pub fn rungs(trials: usize, eta: usize, plies: u64, iteration: u64) -> Vec<Rung> {
    let mut counts = vec![trials];
    while let Some(&last) = counts.last()
        && last >= eta
    {
        counts.push(last / eta);
    }
    let whole = |plies: u64| (plies / iteration).max(1) * iteration;
    let mut plies = plies;
    let mut rungs = Vec::new();
    for &trials in counts.iter().rev() {
        rungs.push(Rung { plies: whole(plies), trials });
        plies /= eta as u64;
    }
    rungs.reverse();
    // Budgets below an iteration are one: then there is nothing to go on with.
    rungs.dedup_by_key(|rung| rung.plies);
    rungs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(over: &[&str]) -> Space {
        let over: Vec<String> = over.iter().map(ToString::to_string).collect();
        Space::new(&over, None).expect("a space")
    }

    /// Best score after `trials` trials of a strategy on a known function.
    fn best(space: &Space, seed: u64, trials: usize, by_tpe: bool, score: fn(&[f64]) -> f64) -> f64 {
        let mut tried: Vec<(Point, f64)> = Vec::new();
        for trial in 0..trials {
            let earlier: Vec<Tried> = tried.iter().map(|(point, score)| (point, Some(*score))).collect();
            let point = if by_tpe && trial >= startup(trials) {
                tpe(space, seed, trial, &earlier).expect("a point")
            } else {
                random(space, seed, trial)
            };
            let at: Vec<f64> = space.dimensions.iter().zip(&point).map(|(dim, value)| dim.coordinate(value)).collect();
            let found = score(&at);
            tried.push((point, found));
        }
        tried.iter().map(|(_, score)| *score).fold(0.0, f64::max)
    }

    /// Seeds with which TPE is compared with chance.
    const SEEDS: u64 = 60;

    #[test]
    fn tpe_beats_chance_on_known_functions() {
        let check = |name: &str, over: &[&str], score: fn(&[f64]) -> f64| {
            let space = space(over);
            let (mut wins, mut losses) = (0.0, 0.0);
            let (mut sum, mut sum_of_chance) = (0.0, 0.0);
            for seed in 0..SEEDS {
                let (found, by_chance) = (best(&space, seed, 40, true, score), best(&space, seed, 40, false, score));
                wins += f64::from(u8::from(found > by_chance));
                losses += f64::from(u8::from(found < by_chance));
                sum += found;
                sum_of_chance += by_chance;
            }
            let (mean, mean_of_chance) = (sum / SEEDS as f64, sum_of_chance / SEEDS as f64);
            let told = format!("{name}: {wins} won, {losses} lost, {mean:.4} against {mean_of_chance:.4}");
            assert!(mean > mean_of_chance, "{told}");
            // A sign test: fair tosses are more than two standard deviations ahead once in 44 times.
            assert!(wins - losses > 2.0 * f64::sqrt(wins + losses), "{told}");
        };
        let bowl = ["ppo.clip_coef=0.05..0.4", "estimation.gae_lambda=0.5..1.0"];
        check("bowl", &bowl, |x| 1.0 - (x[0] - 0.7).powi(2) - 4.0 * (x[1] - 0.17).powi(2));
        check("logarithms", &["ppo.learning_rate.from=log:1e-5..1e-1", "ppo.ent_coef.from=log:1e-4..1"], |x| {
            1.0 - 0.02 * (x[0] + 3.0).powi(2) - 0.02 * (x[1] + 7.0).powi(2)
        });
        let choices = ["net.channels={8,16,32,64,128,256}", "net.blocks=1..12", "ppo.epochs={1,2,3,4,5,6}"];
        check("choices", &choices, |x| {
            1.0 - 0.1 * (x[0] - 2.5).abs() - 0.05 * (x[1] - 7.0).abs() - 0.1 * (x[2] - 4.5).abs()
        });
    }

    #[test]
    fn a_proposal_depends_on_seed_trial_and_results_alone() {
        let space = space(&["ppo.clip_coef=0.05..0.4", "ppo.epochs={1,2,4}"]);
        let points: Vec<Point> = (0..6).map(|trial| random(&space, 7, trial)).collect();
        let tried: Vec<Tried> = points.iter().zip([0.2, 0.5, 0.4, 0.9, 0.1, 0.3]).map(|(p, s)| (p, Some(s))).collect();
        let proposal = |seed, trial, tried: &[Tried]| tpe(&space, seed, trial, tried).expect("a point");
        assert_eq!(proposal(1, 6, &tried), proposal(1, 6, &tried));
        assert_ne!(proposal(1, 6, &tried), proposal(2, 6, &tried));
        assert_ne!(proposal(1, 6, &tried), proposal(1, 7, &tried));
        assert_ne!(random(&space, 7, 1), random(&space, 7, 2));
        // A failed trial repels as the worst one does.
        let failed: Vec<Tried> = tried.iter().map(|&(p, s)| (p, s.filter(|&s| s > 0.1))).collect();
        let worst: Vec<Tried> = tried.iter().map(|&(p, s)| (p, s.map(|s| if s > 0.1 { s } else { 0.2 }))).collect();
        assert_eq!(proposal(1, 6, &failed), proposal(1, 6, &worst));
    }

    #[test]
    fn the_ends_of_a_range_are_values_as_others_are() {
        let space =
            space(&["estimation.value_lambda=0.9..1.0", "ppo.learning_rate.from=log:3e-4..3e-3", "net.blocks=1..3"]);
        let ends: Vec<Point> = (0..2)
            .map(|end| space.dimensions.iter().map(|dimension| dimension.spread(2)[end].clone()).collect())
            .collect();
        let tried: Vec<Tried> =
            ends.iter().flat_map(|point| [(point, Some(0.9)), (point, Some(0.1)), (point, None)]).collect();
        for seed in 0..50 {
            tpe(&space, seed, tried.len(), &tried).expect("a point");
        }
    }

    #[test]
    fn halving_multiplies_budgets_and_divides_trials() {
        let check = |trials, eta, plies, expected: &[(u64, usize)]| {
            let rungs: Vec<(u64, usize)> =
                rungs(trials, eta, plies, 64).into_iter().map(|rung| (rung.plies, rung.trials)).collect();
            assert_eq!(rungs, expected);
        };
        check(9, 3, 64 * 90, &[(640, 9), (1920, 3), (5760, 1)]);
        check(12, 3, 64 * 90, &[(640, 12), (1920, 4), (5760, 1)]);
        check(8, 2, 64 * 16, &[(128, 8), (256, 4), (512, 2), (1024, 1)]);
        check(2, 3, 640, &[(640, 2)]);
        check(1, 2, 1, &[(64, 1)]);
        // The first budgets would be below an iteration.
        check(27, 3, 64 * 3, &[(64, 27), (192, 1)]);
    }
}
