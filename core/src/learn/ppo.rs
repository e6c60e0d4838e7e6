//! The PPO update: shuffled minibatches of a rollout, one gradient step each.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::adam::Adam;
use super::gae::Estimated;
use super::learner::{LearnError, Learner, Minibatch};
use super::loss::{Coefficients, Losses, Sums, normalize};
use super::rollout::Rollout;
use crate::net::Weights;
use crate::random::Stream;

/// Settings of an update that stay the same over the run.
#[derive(Clone, PartialEq, Debug)]
pub struct PpoSettings {
    /// Passes over each rollout, at least 1.
    pub epochs: usize,
    /// Samples of one minibatch, at least 1.
    pub minibatch: usize,
    /// ε of the clipped objective, in (0, 1).
    pub clip_coef: f32,
    /// Weight of the value loss.
    pub vf_coef: f32,
    /// Weight of the score's loss.
    pub score_coef: f32,
    /// Largest global norm of a gradient; a longer one is scaled down to it.
    pub max_grad_norm: f32,
    /// Mean approximate KL divergence of a minibatch, in nats, above which the update stops.
    pub target_kl: f32,
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
    /// Mean norm of the gradients before clipping.
    pub grad_norm: f64,
    /// Mean of the advantages before normalisation.
    pub advantage_mean: f64,
    /// Mean over the minibatches of the advantages' standard deviation before normalisation.
    pub advantage_std: f64,
    /// Share of the returns' variance that the predicted values explain, at most 1.
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
/// # Errors
/// If the learner fails, or computes another policy than the one that played.
pub fn update(
    learner: &mut dyn Learner,
    weights: &mut Weights,
    adam: &mut Adam,
    rollout: Estimated,
    settings: &PpoSettings,
    rates: Rates,
    mut order: Stream,
) -> Result<Update, LearnError> {
    let mut slots: Vec<usize> = rollout.learner_slots().collect();
    let mut total = Sums::default();
    let mut update = Update { explained_variance: explained_variance(&rollout), ..Update::default() };
    let ratio_limit = learner.ratio_tolerance().limit;
    let mut descent = learner.descent(weights, adam);
    'epochs: for _ in 0..settings.epochs {
        order.shuffle(&mut slots);
        for part in slots.chunks(settings.minibatch) {
            let mut advantages: Vec<f32> = part.iter().map(|&slot| rollout.advantages[slot]).collect();
            let (mean, deviation) = normalize(&mut advantages);
            let minibatch = Minibatch { rollout: &rollout, slots: part, advantages: &advantages };
            let coefficients = Coefficients {
                clip_coef: settings.clip_coef,
                vf_coef: settings.vf_coef,
                score_coef: settings.score_coef,
                ent_coef: rates.ent_coef,
                scale: 1.0 / part.len() as f32,
            };
            let (norm, sums) = descent.gradient(&minibatch, &coefficients)?;
            let losses = sums.means();
            if !norm.is_finite() || !sums.is_finite() {
                update.skipped += 1;
                continue;
            }
            if update.steps == 0 {
                update.first_ratio_error = losses.ratio_error;
                check_first_minibatch(&losses, ratio_limit)?;
            }
            descent.step(rates.learning_rate, settings.max_grad_norm);
            total.add(&sums);
            update.steps += 1;
            update.grad_norm += f64::from(norm);
            update.advantage_mean += f64::from(mean) * part.len() as f64;
            update.advantage_std += f64::from(deviation) * part.len() as f64;
            if losses.approx_kl > f64::from(settings.target_kl) {
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

/// Checks that the learner computes the policy that played: before the first step both have the same weights.
fn check_first_minibatch(losses: &Losses, limit: f64) -> Result<(), LearnError> {
    let Losses { ratio_error, approx_kl, clipfrac, .. } = *losses;
    if ratio_error > limit {
        return Err(LearnError::OtherPolicy { ratio_error, approx_kl, clipfrac });
    }
    Ok(())
}

/// Explained variance `1 − Var(G − V) / Var(G)` of the returns `G` by the values `V`; 0 if all returns are equal.
fn explained_variance(rollout: &Rollout) -> f64 {
    let variance = |numbers: &[f64]| {
        let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
        numbers.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / numbers.len() as f64
    };
    let returns: Vec<f64> = rollout.targets.iter().map(|&target| f64::from(target.value().0)).collect();
    let errors: Vec<f64> =
        returns.iter().zip(&rollout.steps).map(|(g, step)| g - f64::from(step.wdl.value().0)).collect();
    let spread = variance(&returns);
    if spread > 0.0 { 1.0 - variance(&errors) / spread } else { 0.0 }
}
