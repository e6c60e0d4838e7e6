//! What is minimised: clipped PPO (Schulman et al. 2017) over legal actions, plus cross-entropy of the outcome, plus squared
//! error of the score in networks that have a head for it.
//!
//! ```text
//! ratio  = exp(log π(a) − log π_old(a))
//! policy = −min(ratio · A, clip(ratio, 1 − ε, 1 + ε) · A)         A normalised over the minibatch
//! value  = −Σ target · log P                                      on every ply, over win, draw and loss
//! score  = (score − material / 76)²
//! loss   = policy + vf_coef · value + score_coef · score − ent_coef · entropy
//! ```

use crate::adam::Adam;
use crate::learner::{Learner, Minibatch};
use crate::random::Stream;
use crate::rollout::{Rollout, value};
use crate::settings::PpoSection;
use anyhow::{Result, bail};
use keisei_core::net::Weights;
use serde::Serialize;

/// What the schedules say now.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// Adam's step size.
    pub learning_rate: f32,
    /// Weight of the entropy bonus.
    pub ent_coef: f32,
}

/// What one update did.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Update {
    /// Means over all samples used.
    #[serde(flatten)]
    pub losses: Losses,
    /// Mean `|ratio − 1|` of the first minibatch: 0 but for rounding.
    pub first_ratio_error: f64,
    /// Mean norm of the gradients before clipping.
    pub grad_norm: f64,
    /// Mean of the advantages before normalising.
    pub advantage_mean: f64,
    /// Their standard deviation.
    pub advantage_std: f64,
    /// How much of the returns' variance the values explain: 1 is all, 0 none.
    pub explained_variance: f64,
    /// Samples learned from.
    pub samples: usize,
    /// Gradient steps taken.
    pub steps: usize,
    /// Gradient steps left out because a number was not finite.
    pub skipped: usize,
    /// Whether the KL divergence ended the update early.
    pub stopped: bool,
}

/// One PPO update from a rollout: shuffled minibatches, a gradient step each, until the target KL or the last epoch.
///
/// # Errors
/// If the learner fails, or computes another function than the policy that played.
pub fn update(
    learner: &mut dyn Learner,
    weights: &mut Weights,
    adam: &mut Adam,
    rollout: &Rollout,
    config: &PpoSection,
    rates: Rates,
    mut order: Stream,
) -> Result<Update> {
    let mut slots: Vec<usize> = (0..rollout.steps.len()).collect();
    let mut total = Sums::default();
    let mut update = Update { explained_variance: explained_variance(rollout), ..Update::default() };
    let ratio_limit = learner.precision().ratio_limit();
    let mut descent = learner.descent(weights, adam);
    'epochs: for _ in 0..config.epochs {
        order.shuffle(&mut slots);
        for part in slots.chunks(config.minibatch) {
            let mut advantages: Vec<f32> = part.iter().map(|&slot| rollout.advantages[slot]).collect();
            let (mean, deviation) = normalize(&mut advantages);
            let minibatch = Minibatch { rollout, slots: part, advantages: &advantages };
            let coefficients = Coefficients {
                clip_coef: config.clip_coef,
                vf_coef: config.vf_coef,
                score_coef: config.score_coef,
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
            descent.step(rates.learning_rate, config.max_grad_norm);
            total.add(&sums);
            update.steps += 1;
            update.grad_norm += f64::from(norm);
            update.advantage_mean += f64::from(mean) * part.len() as f64;
            update.advantage_std += f64::from(deviation) * part.len() as f64;
            if losses.approx_kl > f64::from(config.target_kl) {
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

/// Until the first step after a rollout the weights are the very ones that played it.
fn check_first_minibatch(losses: &Losses, limit: f64) -> Result<()> {
    let Losses { ratio_error, approx_kl, clipfrac, .. } = *losses;
    if ratio_error > limit {
        bail!(
            "the learner and self-play compute different functions: in the first minibatch the mean |ratio - 1| is \
             {ratio_error:.2e}, approx_kl {approx_kl:.2e}, clipfrac {clipfrac}"
        );
    }
    Ok(())
}

/// `1 − Var(G − V) / Var(G)` over the rollout.
fn explained_variance(rollout: &Rollout) -> f64 {
    let variance = |numbers: &[f64]| {
        let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
        numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / numbers.len() as f64
    };
    let returns: Vec<f64> = rollout.targets.iter().map(|&target| f64::from(value(target))).collect();
    let errors: Vec<f64> = returns.iter().zip(&rollout.steps).map(|(g, step)| g - f64::from(value(step.wdl))).collect();
    let spread = variance(&returns);
    if spread > 0.0 { 1.0 - variance(&errors) / spread } else { 0.0 }
}

/// One ply to learn from.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// Legal actions.
    pub legal: &'a [u16],
    /// The action played.
    pub action: u16,
    /// Its log-probability when it was played.
    pub old_log_prob: f32,
    /// Normalised advantage.
    pub advantage: f32,
    /// Target of the outcome.
    pub target: [f32; 3],
}

/// Coefficients of the loss.
#[derive(Clone, Copy, Debug)]
pub struct Coefficients {
    /// ε of the clipped objective.
    pub clip_coef: f32,
    /// Weight of the value loss.
    pub vf_coef: f32,
    /// Weight of the score's loss.
    pub score_coef: f32,
    /// Weight of the entropy bonus.
    pub ent_coef: f32,
    /// What each sample's loss is multiplied by: one over the size of the whole minibatch, so that shards add up.
    pub scale: f32,
}

/// Parts of the loss over some samples: sums, but for the maximum.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sums {
    /// Samples.
    pub samples: usize,
    /// Clipped objective, negated.
    pub policy_loss: f64,
    /// Cross-entropy of the outcome.
    pub value_loss: f64,
    /// Squared error of the score; 0 without a head for it.
    pub score_loss: f64,
    /// Entropy of the policy over legal actions, in nats.
    pub entropy: f64,
    /// `−log ratio`: the k1 estimate of the KL divergence.
    pub old_approx_kl: f64,
    /// `ratio − 1 − log ratio`: the k3 estimate, never negative (Schulman 2020).
    pub approx_kl: f64,
    /// Samples whose ratio left the clip range.
    pub clipfrac: f64,
    /// `|ratio − 1|`.
    pub ratio_error: f64,
    /// Its maximum.
    pub max_ratio_error: f64,
}

impl Sums {
    /// Whether every sum is a finite number.
    pub fn is_finite(&self) -> bool {
        let Self { policy_loss, value_loss, score_loss, entropy, approx_kl, max_ratio_error, .. } = *self;
        let parts = [policy_loss, value_loss, score_loss, entropy, approx_kl, max_ratio_error];
        parts.into_iter().all(f64::is_finite)
    }

    /// Adds the sums of other samples.
    pub fn add(&mut self, other: &Self) {
        self.samples += other.samples;
        self.policy_loss += other.policy_loss;
        self.value_loss += other.value_loss;
        self.score_loss += other.score_loss;
        self.entropy += other.entropy;
        self.old_approx_kl += other.old_approx_kl;
        self.approx_kl += other.approx_kl;
        self.clipfrac += other.clipfrac;
        self.ratio_error += other.ratio_error;
        self.max_ratio_error = self.max_ratio_error.max(other.max_ratio_error);
    }

    /// Means over the samples.
    pub fn means(&self) -> Losses {
        let mean = |sum: f64| sum / self.samples.max(1) as f64;
        Losses {
            policy_loss: mean(self.policy_loss),
            value_loss: mean(self.value_loss),
            score_loss: mean(self.score_loss),
            entropy: mean(self.entropy),
            old_approx_kl: mean(self.old_approx_kl),
            approx_kl: mean(self.approx_kl),
            clipfrac: mean(self.clipfrac),
            ratio_error: mean(self.ratio_error),
            max_ratio_error: self.max_ratio_error,
        }
    }
}

/// Means of [`Sums`] over its samples, under the names of the metrics.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[expect(missing_docs, reason = "the fields are those of `Sums`")]
pub struct Losses {
    pub policy_loss: f64,
    pub value_loss: f64,
    pub score_loss: f64,
    pub entropy: f64,
    pub old_approx_kl: f64,
    pub approx_kl: f64,
    pub clipfrac: f64,
    pub ratio_error: f64,
    pub max_ratio_error: f64,
}

/// The loss of one sample, worked out by hand: adds its parts to `sums`, writes the gradient with respect to
/// the policy's logits and returns that with respect to the outcome's.
pub fn loss_of_sample(
    sample: &Sample,
    policy: &[f32],
    wdl: [f32; 3],
    c: &Coefficients,
    sums: &mut Sums,
    policy_gradient: &mut [f32],
) -> [f32; 3] {
    let logit = |action: u16| policy[usize::from(action)];
    let highest = sample.legal.iter().fold(f32::NEG_INFINITY, |highest, &action| highest.max(logit(action)));
    // The gradient holds the exponentials until their sum is known.
    policy_gradient.fill(0.0);
    let mut sum = 0.0;
    for &action in sample.legal {
        let exp = (logit(action) - highest).exp();
        policy_gradient[usize::from(action)] = exp;
        sum += exp;
    }
    let normalizer = highest + sum.ln();
    let new_log_prob = logit(sample.action) - normalizer;
    let log_ratio = new_log_prob - sample.old_log_prob;
    let ratio = log_ratio.exp();

    let unclipped = ratio * sample.advantage;
    let clipped = ratio.clamp(1.0 - c.clip_coef, 1.0 + c.clip_coef) * sample.advantage;
    let policy_loss = -unclipped.min(clipped);
    // With respect to the action's log-probability; where the clipped term is the smaller one, it is constant.
    let slope = if unclipped <= clipped { -unclipped } else { 0.0 };

    let mut entropy = 0.0;
    for &action in sample.legal {
        entropy -= policy_gradient[usize::from(action)] / sum * (logit(action) - normalizer);
    }
    for &action in sample.legal {
        let gradient = &mut policy_gradient[usize::from(action)];
        let prob = *gradient / sum;
        let played = if action == sample.action { 1.0 } else { 0.0 };
        let log_prob = logit(action) - normalizer;
        *gradient = c.scale * (slope * (played - prob) + c.ent_coef * prob * (log_prob + entropy));
    }

    let highest = wdl.into_iter().fold(f32::NEG_INFINITY, f32::max);
    let exps = wdl.map(|logit| (logit - highest).exp());
    let sum: f32 = exps.iter().sum();
    let mass: f32 = sample.target.iter().sum();
    let value_loss: f32 =
        wdl.iter().zip(sample.target).map(|(logit, target)| target * (highest + sum.ln() - logit)).sum();

    let deviation = ratio - 1.0;
    sums.add(&Sums {
        samples: 1,
        policy_loss: f64::from(policy_loss),
        value_loss: f64::from(value_loss),
        score_loss: 0.0,
        entropy: f64::from(entropy),
        old_approx_kl: f64::from(-log_ratio),
        approx_kl: f64::from(deviation - log_ratio),
        clipfrac: if deviation.abs() > c.clip_coef { 1.0 } else { 0.0 },
        ratio_error: f64::from(deviation.abs()),
        max_ratio_error: f64::from(deviation.abs()),
    });
    std::array::from_fn(|i| c.scale * c.vf_coef * (exps[i] / sum * mass - sample.target[i]))
}

/// The loss of one sample's score: adds it to `sums` and returns the gradient with respect to the score.
pub fn loss_of_score(score: f32, target: f32, c: &Coefficients, sums: &mut Sums) -> f32 {
    let error = score - target;
    sums.score_loss += f64::from(error * error);
    2.0 * c.scale * c.score_coef * error
}

/// Shifts and scales advantages to mean 0 and variance 1; returns mean and standard deviation before.
pub fn normalize(advantages: &mut [f32]) -> (f32, f32) {
    let count = advantages.len() as f32;
    let mean = advantages.iter().sum::<f32>() / count;
    let variance = advantages.iter().map(|a| (a - mean).powi(2)).sum::<f32>() / count;
    let deviation = variance.sqrt();
    for a in advantages {
        *a = (*a - mean) / (deviation + 1e-8);
    }
    (mean, deviation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learner::{Device, Precision};
    use crate::random::Purpose;
    use crate::rollout::Estimation;
    use crate::selfplay::SelfPlay;
    use crate::settings::Preset;

    fn sample(legal: &[u16], old_log_prob: f32, advantage: f32, target: [f32; 3]) -> Sample<'_> {
        Sample { legal, action: 0, old_log_prob, advantage, target }
    }

    fn run(policy: [f32; 3], wdl: [f32; 3], sample: &Sample) -> Sums {
        let mut sums = Sums::default();
        loss_of_sample(sample, &policy, wdl, &PLAIN, &mut sums, &mut [0.0; 3]);
        sums
    }

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
    }

    const PLAIN: Coefficients =
        Coefficients { clip_coef: 0.2, vf_coef: 2.0, score_coef: 0.25, ent_coef: 0.5, scale: 1.0 };

    #[test]
    fn losses_worked_by_hand() {
        // Two legal actions with logits ln 3 and 0: probabilities 3/4 and 1/4; the third is illegal however large.
        let sums = run([3f32.ln(), 0.0, 50.0], [0.0; 3], &sample(&[0, 1], 0.5f32.ln(), 2.0, [1.0, 0.0, 0.0]));
        // ratio = 0.75 / 0.5 = 1.5, clipped at 1.2 since the advantage is positive.
        near(sums.policy_loss, -2.4);
        near(sums.value_loss, 3f64.ln());
        let entropy = -(0.75f64 * 0.75f64.ln() + 0.25 * 0.25f64.ln());
        near(sums.entropy, entropy);
        near(sums.old_approx_kl, -(1.5f64.ln()));
        near(sums.approx_kl, 0.5 - 1.5f64.ln());
        near(sums.clipfrac, 1.0);
        near(sums.max_ratio_error, 0.5);
    }

    #[test]
    fn the_loss_of_the_score_worked_by_hand() {
        let mut sums = Sums::default();
        let slope = loss_of_score(0.75, -0.25, &PLAIN, &mut sums);
        near(sums.score_loss, 1.0);
        // score_coef · 2 · error
        near(f64::from(slope), 0.5);
        loss_of_score(-0.5, 0.0, &PLAIN, &mut sums);
        near(sums.score_loss, 1.25);
    }

    #[test]
    fn a_bad_action_is_not_clipped_upwards() {
        // ratio 1.5 with a negative advantage: the unclipped, larger loss counts.
        let sums = run([3f32.ln(), 0.0, 0.0], [0.0; 3], &sample(&[0, 1], 0.5f32.ln(), -1.0, [0.0, 1.0, 0.0]));
        near(sums.policy_loss, 1.5);
    }

    #[test]
    fn the_policy_that_played_has_ratio_one() {
        let sums = run([7.0, 99.0, 7.0], [1.0, 2.0, 3.0], &sample(&[0, 2], 0.5f32.ln(), 1.0, [0.0, 0.0, 1.0]));
        near(sums.approx_kl, 0.0);
        near(sums.clipfrac, 0.0);
        near(sums.max_ratio_error, 0.0);
    }

    /// An update of the policy that played, but for `change` to its weights; returns it and whether the weights moved.
    fn update_after(change: fn(&mut Weights)) -> Result<(Update, bool)> {
        let config = Preset::Tiny.settings();
        let mut weights = Weights::init(&config.spec(), 5)?;
        let mut selfplay = SelfPlay::new(&config.selfplay, config.actions(), 1);
        let mut rollout = Rollout::default();
        let mut learner = Device::Cpu.learner(config.features(), config.actions(), Precision::F32, 1)?;
        selfplay.collect(learner.as_ref(), &weights, 0, 1, &mut rollout)?;
        rollout.estimate(&Estimation { gamma: 0.99, gae_lambda: 0.9, value_lambda: 0.9, prior_weight: 0.5 });
        change(&mut weights);
        let before = weights.data().to_vec();
        let mut adam = Adam::new(before.len());
        let rates = Rates { learning_rate: 1e-3, ent_coef: 0.01 };
        let order = Stream::new(1, Purpose::Shuffle, 0, 0);
        let update = update(learner.as_mut(), &mut weights, &mut adam, &rollout, &config.ppo, rates, order)?;
        let bits = |data: &[f32]| data.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        Ok((update, bits(weights.data()) != bits(&before)))
    }

    #[test]
    fn an_update_begins_with_the_policy_that_played() {
        let (update, moved) = update_after(|_| {}).expect("learned");
        assert!(moved && update.first_ratio_error < Precision::F32.ratio_alarm(), "{update:?}");
        assert_eq!((update.samples, update.steps, update.skipped), (64, 2, 0));
        assert!(update.losses.policy_loss.is_finite() && update.grad_norm > 0.0, "{update:?}");
    }

    #[test]
    fn another_policy_than_the_one_that_played_is_refused() {
        let change = |weights: &mut Weights| weights.data_mut().iter_mut().for_each(|w| *w *= 1.5);
        let error = update_after(change).expect_err("refused");
        assert!(error.to_string().contains("compute different functions"), "{error}");
    }

    #[test]
    fn what_is_not_finite_is_left_out_and_counted() {
        let (update, moved) = update_after(|weights| weights.data_mut().fill(f32::NAN)).expect("left out");
        assert_eq!((moved, update.samples, update.steps, update.skipped), (false, 0, 0, 2));
        assert_eq!((update.losses.policy_loss, update.advantage_std, update.grad_norm), (0.0, 0.0, 0.0));
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_loss() {
        let (policy, wdl) = ([0.3, -0.2, 0.9], [0.1, 0.4, -0.3]);
        let sample = sample(&[0, 1, 2], -1.2, 0.7, [0.2, 0.5, 0.3]);
        let loss = |policy: [f32; 3], wdl: [f32; 3]| {
            let sums = run(policy, wdl, &sample);
            let (vf, ent) = (f64::from(PLAIN.vf_coef), f64::from(PLAIN.ent_coef));
            sums.policy_loss + vf * sums.value_loss - ent * sums.entropy
        };
        let mut found = [0.0; 3];
        let found_wdl = loss_of_sample(&sample, &policy, wdl, &PLAIN, &mut Sums::default(), &mut found);
        let step = 1e-2;
        for i in 0..3 {
            let moved = |base: [f32; 3], by: f32| std::array::from_fn(|j| if i == j { base[j] + by } else { base[j] });
            let slope = (loss(moved(policy, step), wdl) - loss(moved(policy, -step), wdl)) / (2.0 * f64::from(step));
            assert!((f64::from(found[i]) - slope).abs() < 1e-3, "policy {i}: {} is not {slope}", found[i]);
            let slope = (loss(policy, moved(wdl, step)) - loss(policy, moved(wdl, -step))) / (2.0 * f64::from(step));
            assert!((f64::from(found_wdl[i]) - slope).abs() < 1e-3, "wdl {i}: {} is not {slope}", found_wdl[i]);
        }
    }

    #[test]
    fn normalized_advantages_have_mean_zero_and_variance_one() {
        let mut advantages = [1.0, 2.0, 3.0, 6.0];
        let (mean, deviation) = normalize(&mut advantages);
        near(f64::from(mean), 3.0);
        near(f64::from(deviation), 3.5f64.sqrt());
        near(f64::from(advantages.iter().sum::<f32>()), 0.0);
        near(f64::from(advantages.iter().map(|a| a * a).sum::<f32>()), 4.0);
    }
}
