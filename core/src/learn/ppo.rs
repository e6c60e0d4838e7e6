//! The PPO update: shuffled minibatches of a rollout, one gradient step each.

use alloc::boxed::Box;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::adam::Adam;
use super::error::LearnError;
use super::gae::Estimated;
use super::learner::{Descent, HostDescent, Learner, Minibatch, StepResult, StepRules, Verdict};
use super::loss::{Coefficients, Losses, Sums};
use super::reduce::{Reduce, gather};
use super::rollout::Rollout;
use crate::net::Weights;
use crate::random::Stream;

/// Settings of an update that stay the same over the run.
#[derive(Clone, PartialEq, Debug)]
pub struct PpoSettings {
    /// Passes over each rollout, at least 1.
    pub epochs: usize,
    /// Most samples of one minibatch, at least 1.
    pub minibatch: usize,
    /// ε of the clipped objective, in (0, 1).
    pub clip_coef: f32,
    /// Weight of the value loss.
    pub vf_coef: f32,
    /// Weight of the value loss at positions of games that have ended.
    pub past_coef: f32,
    /// Weight of the score's loss.
    pub score_coef: f32,
    /// Weight of the KL divergence from the policy that played.
    pub kl_coef: f32,
    /// Weight of the loss of proved mates.
    pub mate_coef: f32,
    /// Share of the plies that are learned from, those with the largest advantages, above 0 to 1.
    pub kept: f32,
    /// Largest global norm of a gradient; a longer one is scaled down to it.
    pub max_grad_norm: f32,
    /// Mean approximate KL divergence of a minibatch, in nats, above which the update stops.
    pub target_kl: f32,
}

impl PpoSettings {
    /// Number of samples of an epoch, of so many plies of the learner.
    pub fn samples_of(&self, plies: usize) -> usize {
        libm::ceil(plies as f64 * f64::from(self.kept)) as usize
    }
}

/// Values of the schedules in this update.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// Adam's step size.
    pub learning_rate: f32,
    /// Weight of the entropy bonus.
    pub ent_coef: f32,
}

/// Statistics of one update.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Update {
    /// Means over all samples used.
    #[serde(flatten)]
    pub losses: Losses,
    /// Mean `|ratio − 1|` of the first minibatch: 0 except for rounding.
    pub first_ratio_error: f64,
    /// Approximate KL divergence of the last minibatch, in nats: how far the update took the policy.
    #[serde(default)]
    pub last_kl: f64,
    /// Mean norm of the gradients before clipping.
    pub grad_norm: f64,
    /// Mean of the advantages before normalisation.
    pub advantage_mean: f64,
    /// Mean over the minibatches of the advantages' standard deviation before normalisation.
    pub advantage_std: f64,
    /// Share of the variance of the learner's returns that its predicted values explain, at most 1.
    pub explained_variance: f64,
    /// Samples learned from.
    pub samples: usize,
    /// Gradient steps taken.
    pub steps: usize,
    /// Gradient steps skipped because the gradient or the loss was not finite.
    pub skipped: usize,
    /// Whether the update stopped early because the KL divergence exceeded its target.
    pub stopped: bool,
}

/// One PPO update from a rollout: the learner's plies in minibatches, shuffled by `order` in each epoch, with one gradient
/// step each, until the last epoch is done or the target KL is exceeded.
///
/// The minibatches are as few as their [size](PpoSettings::minibatch) allows and of about the same size: with opponents the
/// number of samples differs from rollout to rollout, and a small remainder would weigh as much as a whole minibatch. Positions of
/// the past are shared out among them in proportion.
///
/// With several ranks a minibatch is the union of one part of each rank's rollout, about `1 / ranks` of its size; each rank shuffles its
/// own plies, by a stream of its own. All that follows is that of the union: moments of the advantages, gradient, losses, and so each
/// decision and each step, which are the same on every rank.
///
/// # Errors
/// If the learner fails on a rank or computes another policy than the one that played, or if a rank is lost.
#[allow(clippy::too_many_arguments, reason = "what learns, what it learns from, how, and with whom")]
pub fn update(
    learner: &mut dyn Learner,
    weights: &mut Weights,
    adam: &mut Adam,
    rollout: Estimated,
    settings: &PpoSettings,
    rates: Rates,
    mut order: Stream,
    reduce: &dyn Reduce,
) -> Result<Update, LearnError> {
    let all: Vec<usize> = rollout.learner_slots().collect();
    let mut update = Update { explained_variance: explained_variance(&rollout, &all, reduce)?, ..Update::default() };
    let mut slots = largest(&rollout.advantages, all, settings, reduce)?;
    let mut past: Vec<usize> = (0..rollout.past.len()).collect();
    let samples: usize = gather(reduce, slots.len())?.iter().sum();
    let minibatches = samples.div_ceil(settings.minibatch);
    // Size of this rank's part of each minibatch but the last; one with few samples has none for the last ones.
    let size = slots.len().div_ceil(minibatches.max(1)).max(1);
    let mut total = Sums::default();
    let rules = StepRules {
        learning_rate: rates.learning_rate,
        max_grad_norm: settings.max_grad_norm,
        target_kl: settings.target_kl,
        ratio_limit: learner.ratio_tolerance().limit,
    };
    let mut descent: Box<dyn Descent + '_> = if reduce.ranks() == 1 {
        learner.descent(weights, adam)
    } else {
        Box::new(HostDescent::among(learner, weights, adam, reduce))
    };
    'epochs: for _ in 0..settings.epochs {
        order.shuffle(&mut slots);
        order.shuffle(&mut past);
        let part = |number: usize| (number * size).min(slots.len())..((number + 1) * size).min(slots.len());
        let mut advantages: Vec<Vec<f32>> = (0..minibatches)
            .map(|number| slots[part(number)].iter().map(|&slot| rollout.advantages[slot]).collect())
            .collect();
        let mut moments = moments(&advantages, reduce)?;
        for (number, (advantages, moments)) in advantages.iter_mut().zip(&moments).enumerate() {
            if moments.count == 0 {
                continue;
            }
            moments.normalize(advantages);
            let part = part(number);
            let of_past = |plies: usize| past.len() * plies / slots.len().max(1);
            let past = &past[of_past(part.start)..of_past(part.end)];
            let minibatch = Minibatch { rollout: &rollout, slots: &slots[part], advantages, past };
            let coefficients = Coefficients {
                clip_coef: settings.clip_coef,
                vf_coef: settings.vf_coef,
                past_coef: settings.past_coef,
                score_coef: settings.score_coef,
                ent_coef: rates.ent_coef,
                kl_coef: settings.kl_coef,
                mate_coef: settings.mate_coef,
                scale: 1.0 / moments.count as f32,
            };
            descent.step(&minibatch, &coefficients, &rules)?;
        }
        moments.retain(|moments| moments.count > 0);
        // One look at the device an epoch.
        for (result, moments) in descent.results()?.into_iter().zip(moments) {
            let StepResult { verdict, norm, sums } = result;
            let losses = sums.means();
            match verdict {
                Verdict::NotFinite => {
                    update.skipped += 1;
                    continue;
                }
                Verdict::OtherPolicy => return Err(other_policy(&losses)),
                Verdict::Taken | Verdict::TakenLast => {}
            }
            if update.steps == 0 {
                update.first_ratio_error = losses.ratio_error;
            }
            total.add(&sums);
            update.steps += 1;
            update.last_kl = losses.approx_kl;
            update.grad_norm += f64::from(norm);
            update.advantage_mean += f64::from(moments.mean) * moments.count as f64;
            update.advantage_std += f64::from(moments.deviation) * moments.count as f64;
            if verdict == Verdict::TakenLast {
                update.stopped = true;
                break 'epochs;
            }
        }
    }
    descent.finish()?;
    let samples = total.samples.max(1) as f64;
    update.losses = total.means();
    update.samples = total.samples;
    update.grad_norm /= update.steps.max(1) as f64;
    update.advantage_mean /= samples;
    update.advantage_std /= samples;
    Ok(update)
}

/// Number, mean and standard deviation of the advantages of a minibatch.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Moments {
    count: usize,
    mean: f32,
    deviation: f32,
}

impl Moments {
    /// Shifts and scales the advantages to mean 0 and variance 1.
    fn normalize(self, advantages: &mut [f32]) {
        for a in advantages {
            *a = (*a - self.mean) / (self.deviation + 1e-8);
        }
    }
}

/// Moments of the advantages of each minibatch, over its parts on all ranks.
fn moments(parts: &[Vec<f32>], reduce: &dyn Reduce) -> Result<Vec<Moments>, LearnError> {
    let own = parts.iter().map(|part| (part.len(), part.iter().sum::<f32>()));
    let sums: Vec<Vec<(usize, f32)>> = gather(reduce, own.collect())?;
    let means: Vec<(usize, f32)> = (0..parts.len())
        .map(|number| {
            let of_ranks = || sums.iter().map(|sums| sums[number]);
            let count = of_ranks().map(|(count, _)| count).sum::<usize>();
            (count, of_ranks().map(|(_, sum)| sum).sum::<f32>() / count as f32)
        })
        .collect();
    let squares = |(part, &(_, mean)): (&Vec<f32>, &(usize, f32))| part.iter().map(|a| (a - mean) * (a - mean)).sum();
    let own: Vec<f32> = parts.iter().zip(&means).map(squares).collect();
    let squares = gather(reduce, own)?;
    let moments = means.iter().enumerate().map(|(number, &(count, mean))| {
        let variance = squares.iter().map(|squares| squares[number]).sum::<f32>() / count as f32;
        Moments { count, mean, deviation: libm::sqrtf(variance) }
    });
    Ok(moments.collect())
}

/// Slots of this rank's plies among those with the largest advantages by magnitude about their mean, in rising order: as many of all ranks'
/// as the settings keep.
fn largest(
    advantages: &[f32],
    slots: Vec<usize>,
    settings: &PpoSettings,
    reduce: &dyn Reduce,
) -> Result<Vec<usize>, LearnError> {
    if settings.kept >= 1.0 {
        return Ok(slots);
    }
    let own = (slots.len(), slots.iter().map(|&slot| advantages[slot]).sum::<f32>());
    let sums = gather(reduce, own)?;
    let plies = sums.iter().map(|&(plies, _)| plies).sum::<usize>();
    let mean = sums.iter().map(|&(_, sum)| sum).sum::<f32>() / plies as f32;
    let sizes = gather(reduce, slots.iter().map(|&slot| (advantages[slot] - mean).abs()).collect::<Vec<f32>>())?;
    // Each ply as its rank and its place among the plies there.
    let of_rank = |(rank, sizes): (usize, &Vec<f32>)| (0..sizes.len()).map(move |place| (rank, place));
    let mut places: Vec<(usize, usize)> = sizes.iter().enumerate().flat_map(of_rank).collect();
    places.sort_by(|a, b| sizes[b.0][b.1].total_cmp(&sizes[a.0][a.1]));
    places.truncate(settings.samples_of(plies));
    let own = places.into_iter().filter(|&(rank, _)| rank == reduce.rank()).map(|(_, place)| slots[place]);
    let mut own: Vec<usize> = own.collect();
    own.sort_unstable();
    Ok(own)
}

/// The learner computes another policy than the one that played: before the first step both have the same weights.
fn other_policy(losses: &Losses) -> LearnError {
    let Losses { ratio_error, approx_kl, clipfrac, .. } = *losses;
    LearnError::OtherPolicy { ratio_error, approx_kl, clipfrac }
}

/// Explained variance `1 − Var(G − V) / Var(G)` of the returns `G` by the values `V` in these slots of all ranks; 0 if all returns are
/// equal.
fn explained_variance(rollout: &Rollout, slots: &[usize], reduce: &dyn Reduce) -> Result<f64, LearnError> {
    let returns: Vec<f64> = slots.iter().map(|&slot| f64::from(rollout.targets[slot].value().0)).collect();
    let errors: Vec<f64> =
        returns.iter().zip(slots).map(|(g, &slot)| g - f64::from(rollout.steps[slot].wdl.value().0)).collect();
    let own = (slots.len(), [&returns, &errors].map(|numbers| numbers.iter().sum::<f64>()));
    let sums = gather(reduce, own)?;
    let count = sums.iter().map(|&(count, _)| count).sum::<usize>() as f64;
    let mean = |of: usize| sums.iter().map(|(_, sums)| sums[of]).sum::<f64>() / count;
    let squares = |numbers: &[f64], mean: f64| numbers.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
    let squares = gather(reduce, [squares(&returns, mean(0)), squares(&errors, mean(1))])?;
    let variance = |of: usize| squares.iter().map(|squares| squares[of]).sum::<f64>() / count;
    let spread = variance(0);
    Ok(if spread > 0.0 { 1.0 - variance(1) / spread } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::Actions;
    use crate::evaluator::Evaluator;
    use crate::learn::{Alone, Estimation, Mover, RatioTolerance, StepEnd};
    use crate::net::{NetSpec, Wdl};
    use crate::random::Purpose;
    use alloc::string::String;
    use alloc::vec;

    /// Learner without a gradient, that notes the slots of each minibatch, the advantages and the positions of the past.
    #[derive(Default)]
    struct Noting(Vec<(Vec<usize>, Vec<f32>, Vec<usize>)>);

    impl Learner for Noting {
        fn name(&self) -> String {
            "noting".into()
        }

        fn ratio_tolerance(&self) -> RatioTolerance {
            RatioTolerance { alarm: 1.0, limit: 1.0 }
        }

        fn evaluator(&self, _: &Weights) -> Box<dyn Evaluator + Send> {
            unreachable!("an update plays no games")
        }

        fn descent<'a>(&'a mut self, weights: &'a mut Weights, adam: &'a mut Adam) -> Box<dyn Descent + 'a> {
            Box::new(HostDescent::new(self, weights, adam))
        }

        fn gradient(
            &mut self,
            weights: &Weights,
            minibatch: &Minibatch,
            _: &Coefficients,
        ) -> Result<(Vec<f32>, Sums), LearnError> {
            self.0.push((minibatch.slots.to_vec(), minibatch.advantages.to_vec(), minibatch.past.to_vec()));
            Ok((vec![0.0; weights.data().len()], Sums { samples: minibatch.slots.len(), ..Sums::default() }))
        }
    }

    /// Update from `plies` plies, of which every `nth` is an opponent's, in minibatches of at most 8.
    fn noted(plies: usize, nth: usize, kept: f32) -> (Rollout, Noting, Update) {
        let mut rollout = Rollout::of_random_games(plies, Actions::Dest2187, Stream::new(1, Purpose::Sampling, 0, 0));
        let mut stream = Stream::new(2, Purpose::Sampling, 0, 0);
        for (slot, step) in rollout.steps.iter_mut().enumerate() {
            // Every ply ends a game, so that returns differ.
            step.end = if stream.below(2) == 0 { StepEnd::Won } else { StepEnd::Lost };
            if slot % nth == nth - 1 {
                (step.mover, step.wdl) = (Mover::Opponent, Wdl::from_array([f32::NAN; 3]));
            }
        }
        let estimation = Estimation { gamma: 1.0, gae_lambda: 1.0, value_lambda: 1.0, prior_weight: 0.0 };
        let spec = NetSpec {
            channels: 8,
            blocks: 0,
            ..NetSpec::for_encodings(crate::encoding::Features::Attack96, Actions::Dest2187)
        };
        let mut weights = Weights::init(&spec, 1).expect("the shape is valid");
        let (mut learner, mut adam) = (Noting::default(), Adam::new(weights.data().len()));
        let settings = PpoSettings {
            epochs: 2,
            minibatch: 8,
            clip_coef: 0.2,
            vf_coef: 1.0,
            past_coef: 1.0,
            score_coef: 0.0,
            kl_coef: 0.0,
            mate_coef: 0.0,
            kept,
            max_grad_norm: 1.0,
            target_kl: 1.0,
        };
        let rates = Rates { learning_rate: 0.1, ent_coef: 0.0 };
        let order = Stream::new(3, Purpose::Shuffle, 0, 0);
        let estimated = rollout.estimate(&estimation);
        let update = update(&mut learner, &mut weights, &mut adam, estimated, &settings, rates, order, &Alone);
        (rollout, learner, update.expect("nothing fails"))
    }

    #[test]
    fn minibatches_hold_the_learners_plies_in_equal_parts() {
        for (plies, nth, sizes) in
            [(32, 100, &[8, 8, 8, 8][..]), (33, 100, &[7, 7, 7, 7, 5]), (27, 3, &[6, 6, 6]), (9, 9, &[8]), (1, 1, &[])]
        {
            let (rollout, Noting(minibatches), update) = noted(plies, nth, 1.0);
            let found: Vec<usize> = minibatches.iter().map(|(slots, ..)| slots.len()).collect();
            assert_eq!(found, sizes.repeat(2), "{plies} plies");
            let learners: Vec<usize> = rollout.learner_slots().collect();
            let (epochs, samples) = (found.len() / 2, 2 * learners.len());
            for epoch in minibatches.chunks(epochs.max(1)) {
                let mut slots: Vec<usize> = epoch.iter().flat_map(|(slots, ..)| slots.clone()).collect();
                slots.sort_unstable();
                assert_eq!(slots, learners, "{plies} plies");
                let mut past: Vec<usize> = epoch.iter().flat_map(|(.., past)| past.clone()).collect();
                past.sort_unstable();
                let all = if learners.is_empty() { 0 } else { rollout.past.len() };
                assert_eq!(past, (0..all).collect::<Vec<_>>(), "{plies} plies");
            }
            for (_, advantages, _) in &minibatches {
                assert!(advantages.iter().sum::<f32>().abs() < 1e-3, "{advantages:?}");
            }
            assert_eq!((update.samples, update.steps), (samples, found.len()));
            assert!(update.explained_variance.is_finite() && update.advantage_std.is_finite(), "{update:?}");
        }
    }

    #[test]
    fn only_the_largest_advantages_are_kept() {
        let (rollout, Noting(minibatches), update) = noted(33, 3, 0.4);
        let learners: Vec<usize> = rollout.learner_slots().collect();
        let mean = learners.iter().map(|&slot| rollout.advantages[slot]).sum::<f32>() / learners.len() as f32;
        let size = |slot: usize| (rollout.advantages[slot] - mean).abs();
        let kept: Vec<usize> =
            minibatches[..minibatches.len() / 2].iter().flat_map(|(slots, ..)| slots.clone()).collect();
        assert_eq!((learners.len(), kept.len(), update.samples), (22, 9, 18));
        let least = kept.iter().map(|&slot| size(slot)).fold(f32::INFINITY, f32::min);
        let left = learners.iter().filter(|slot| !kept.contains(slot)).map(|&slot| size(slot));
        assert!(left.clone().count() == 13 && left.into_iter().all(|size| size <= least));
    }

    #[test]
    fn normalized_advantages_have_mean_zero_and_variance_one() {
        let mut parts = [vec![1.0, 2.0, 3.0, 6.0], vec![], vec![7.0]];
        let found = moments(&parts, &Alone).expect("alone");
        assert_eq!((found[0].count, found[0].mean, found[1].count), (4, 3.0, 0));
        assert!((f64::from(found[0].deviation) - 3.5f64.sqrt()).abs() < 1e-5, "{found:?}");
        for (part, moments) in parts.iter_mut().zip(found) {
            moments.normalize(part);
        }
        assert_eq!(parts[2], [0.0]);
        let [sum, squares] = [parts[0].iter().sum::<f32>(), parts[0].iter().map(|a| a * a).sum()];
        assert!(sum.abs() < 1e-5 && (squares - 4.0).abs() < 1e-5, "{sum}, {squares}");
    }
}
