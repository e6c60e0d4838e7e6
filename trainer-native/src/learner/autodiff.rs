//! PPO loss of a minibatch in burn's operations, for automatic differentiation.

use burn::tensor::activation::log_softmax;
use burn::tensor::backend::Backend;
use burn::tensor::{Bool, Int, Tensor, TensorData};
use keisei_core::encoding::{Action, Actions, Features, PackedObservation, SET_WORDS};
use keisei_core::learn::{Coefficients, Minibatch, Sums};
use keisei_core::net::burn::{WORD_BITS, bits};

/// Minibatch, or a shard of one, on the device of `B`.
pub(super) struct Batch<B: Backend> {
    /// True where an action is illegal, `[B, actions]`.
    illegal: Tensor<B, 2, Bool>,
    /// Actions played, `[B, 1]`.
    action: Tensor<B, 2, Int>,
    /// Their log-probabilities when they were played, `[B]`.
    old_log_prob: Tensor<B, 1>,
    /// Normalised advantages, `[B]`.
    advantage: Tensor<B, 1>,
    /// 1 for a ply, 0 for a position beside the plies, `[B]`.
    is_ply: Tensor<B, 1>,
    /// Actions that begin proved mates, or mate in lessons, `[B, 1]`; any where there is none.
    mate: Tensor<B, 2, Int>,
    /// 1 where a mate is proved, else 0, `[B]`.
    is_mate: Tensor<B, 1>,
    /// 1 for a lesson, else 0, `[B]`.
    is_lesson: Tensor<B, 1>,
    /// Targets of the outcome: win, draw and loss, `[B, 3]`.
    target: Tensor<B, 2>,
    /// Targets of the score, `[B, 1]`.
    score: Tensor<B, 2>,
}

/// Planes of positions in their compressed form, see [`Features::compress`]: sets `[positions, planes, SET_WORDS]` and values
/// `[positions, planes]`.
pub(super) fn compressed<'a>(
    features: Features,
    positions: impl ExactSizeIterator<Item = &'a PackedObservation>,
) -> (Vec<i32>, Vec<f32>) {
    let planes = features.planes();
    let mut sets = vec![0; positions.len() * planes * SET_WORDS];
    let mut values = vec![0.0; positions.len() * planes];
    let rows = sets.chunks_exact_mut(planes * SET_WORDS).zip(values.chunks_exact_mut(planes));
    for (position, (sets, values)) in positions.zip(rows) {
        features.compress(position, sets, values);
    }
    (sets, values)
}

impl<B: Backend> Batch<B> {
    /// Batch on `device`.
    pub fn new(actions: Actions, minibatch: &Minibatch, device: &B::Device) -> Self {
        let samples = minibatch.len();
        let words = actions.count().div_ceil(WORD_BITS);
        let mut legal = vec![0; samples * words];
        for (i, legal) in legal.chunks_exact_mut(words).enumerate() {
            for &action in minibatch.sample(i).task.legal() {
                legal[action.index() / WORD_BITS] |= 1 << (action.index() % WORD_BITS);
            }
        }
        let all = || (0..samples).map(|i| minibatch.sample(i));
        let choices = || all().map(|sample| sample.task.choice());
        let lessons = || all().map(|sample| sample.task.lesson());
        let flag = |is: bool| if is { 1.0 } else { 0.0 };
        let action: Vec<i32> = choices().map(|one| one.map_or(0, |one| i32::from(one.action.0))).collect();
        // Where the policy learns nothing, no action is legal: all have the same probability.
        let uniform = -(actions.count() as f32).ln();
        let old_log_prob: Vec<f32> = choices().map(|one| one.map_or(uniform, |one| one.old_log_prob)).collect();
        let advantage: Vec<f32> = choices().map(|one| one.map_or(0.0, |one| one.advantage)).collect();
        let is_ply: Vec<f32> = choices().map(|one| flag(one.is_some())).collect();
        let mates: Vec<Option<Action>> = choices().map(|one| one.and_then(|one| one.mate)).collect();
        let taught = mates.iter().zip(lessons()).map(|(mate, lesson)| mate.or(lesson));
        let mate: Vec<i32> = taught.map(|mate| mate.map_or(0, |mate| i32::from(mate.0))).collect();
        let is_mate: Vec<f32> = mates.iter().map(|mate| flag(mate.is_some())).collect();
        let is_lesson: Vec<f32> = lessons().map(|mate| flag(mate.is_some())).collect();
        let target: Vec<f32> = all().flat_map(|sample| sample.target.to_array()).collect();
        let score: Vec<f32> = (0..samples).map(|i| minibatch.position(i).1).collect();
        let legal = Tensor::from_data(TensorData::new(legal, [samples, words]), device);
        Self {
            illegal: bits(legal).narrow(1, 0, actions.count()).equal_elem(0),
            action: Tensor::from_data(TensorData::new(action, [samples, 1]), device),
            old_log_prob: Tensor::from_data(old_log_prob.as_slice(), device),
            advantage: Tensor::from_data(advantage.as_slice(), device),
            is_ply: Tensor::from_data(is_ply.as_slice(), device),
            mate: Tensor::from_data(TensorData::new(mate, [samples, 1]), device),
            is_mate: Tensor::from_data(is_mate.as_slice(), device),
            is_lesson: Tensor::from_data(is_lesson.as_slice(), device),
            target: Tensor::from_data(TensorData::new(target, [samples, 3]), device),
            score: Tensor::from_data(TensorData::new(score, [samples, 1]), device),
        }
    }
}

/// Logit of an illegal action: its probability is exactly 0 in f32.
const ILLEGAL: f32 = -1e9;

/// Number of the parts of the loss.
pub(super) const PARTS: usize = 12;

/// Loss to minimise, and its parts as sums over the samples, `[PARTS]`, in the order of [`sums_of`].
pub(super) fn loss<B: Backend>(
    policy: Tensor<B, 2>,
    wdl: Tensor<B, 2>,
    score: Option<Tensor<B, 2>>,
    batch: &Batch<B>,
    c: &Coefficients,
) -> (Tensor<B, 1>, Tensor<B, 1>) {
    let is_ply = &batch.is_ply;
    let log_probs = log_softmax(policy.mask_fill(batch.illegal.clone(), ILLEGAL), 1); // [B, actions]
    let new_log_prob = log_probs.clone().gather(1, batch.action.clone()).squeeze_dim::<1>(1); // [B]
    let log_ratio = (new_log_prob - batch.old_log_prob.clone()) * is_ply.clone(); // [B]
    let ratio = log_ratio.clone().exp(); // [B]

    let clipped = ratio.clone().clamp(1.0 - c.clip_coef, 1.0 + c.clip_coef);
    let surrogate = (ratio.clone() * batch.advantage.clone()).min_pair(clipped * batch.advantage.clone()); // [B]
    let policy_loss = surrogate.neg().sum();

    let mate_log_prob = log_probs.clone().gather(1, batch.mate.clone()).squeeze_dim::<1>(1); // [B]
    let mate_loss = (mate_log_prob.clone() * batch.is_mate.clone()).sum().neg();
    let lesson_loss = (mate_log_prob * batch.is_lesson.clone()).sum().neg();

    let probs = log_probs.clone().exp().mask_fill(batch.illegal.clone(), 0.0); // [B, actions]
    let entropy = ((probs * log_probs).sum_dim(1).squeeze_dim::<1>(1) * is_ply.clone()).sum().neg();

    let cross_entropy = (batch.target.clone() * log_softmax(wdl, 1)).sum_dim(1).squeeze_dim::<1>(1).neg(); // [B]
    let value_loss = (cross_entropy.clone() * is_ply.clone()).sum();
    let past_loss = (cross_entropy * (is_ply.clone().neg() + 1.0)).sum();

    let score_loss = match score {
        Some(score) => (score - batch.score.clone()).square().sum(),
        None => policy_loss.zeros_like(),
    };

    let deviation = ratio.clone() - 1.0;
    let approx_kl = (deviation.clone() - log_ratio.clone()).sum();
    let values = value_loss.clone() * c.vf_coef + past_loss.clone() * c.past_coef + score_loss.clone() * c.score_coef;
    let policies =
        policy_loss.clone() + approx_kl.clone() * c.kl_coef + (mate_loss.clone() + lesson_loss.clone()) * c.mate_coef;
    let loss = (policies + values - entropy.clone() * c.ent_coef) * c.scale;
    let sums = Tensor::cat(
        vec![
            policy_loss,
            value_loss,
            score_loss,
            entropy,
            log_ratio.neg().sum(),
            approx_kl,
            deviation.clone().abs().greater_elem(c.clip_coef).float().sum(),
            deviation.clone().abs().sum(),
            deviation.abs().max(),
            mate_loss,
            past_loss,
            lesson_loss,
        ],
        0,
    );
    (loss, sums)
}

/// Parts of the loss of a minibatch with these counts, from the sums that [`loss`] returned.
pub(super) fn sums_of(counts: Sums, sums: &[f32]) -> Sums {
    let sum: [f64; PARTS] = std::array::from_fn(|i| f64::from(sums[i]));
    Sums {
        policy_loss: sum[0],
        value_loss: sum[1],
        score_loss: sum[2],
        entropy: sum[3],
        old_approx_kl: sum[4],
        approx_kl: sum[5],
        clipfrac: sum[6],
        ratio_error: sum[7],
        max_ratio_error: sum[8],
        mate_loss: sum[9],
        past_loss: sum[10],
        lesson_loss: sum[11],
        ..counts
    }
}

/// Counts of a minibatch, whose sums are yet to come.
pub(super) fn counts(minibatch: &Minibatch) -> Sums {
    let mates = minibatch.slots.iter().filter(|&&slot| minibatch.rollout.steps[slot].mate.is_some());
    let lessons = minibatch.past.iter().filter(|&&past| minibatch.rollout.past[past].lesson.is_some());
    Sums {
        samples: minibatch.slots.len(),
        mates: mates.count(),
        past: minibatch.past.len(),
        lessons: lessons.count(),
        ..Sums::default()
    }
}
