//! PPO loss of a minibatch in burn's operations, for automatic differentiation.

use burn::tensor::activation::log_softmax;
use burn::tensor::backend::Backend;
use burn::tensor::{Bool, Int, Tensor, TensorData};
use keisei_core::encoding::{Actions, Features, SET_WORDS};
use keisei_core::learn::{Coefficients, Minibatch, Sums};
use keisei_core::net::burn::{WORD_BITS, bits};

/// Minibatch, or a shard of one, on the device of `B`.
pub(super) struct Batch<B: Backend> {
    /// Sets of squares of the input planes `[B, planes, SET_WORDS]`, see [`Features::compress`].
    pub sets: Tensor<B, 3, Int>,
    /// Values of the planes on these squares `[B, planes]`.
    pub values: Tensor<B, 2>,
    /// True where an action is illegal, `[B, actions]`.
    illegal: Tensor<B, 2, Bool>,
    /// Actions played, `[B, 1]`.
    action: Tensor<B, 2, Int>,
    /// Their log-probabilities when they were played, `[B]`.
    old_log_prob: Tensor<B, 1>,
    /// Normalised advantages, `[B]`.
    advantage: Tensor<B, 1>,
    /// Targets of the outcome: win, draw and loss, `[B, 3]`.
    target: Tensor<B, 2>,
    /// Targets of the score, `[B, 1]`.
    score: Tensor<B, 2>,
}

/// Part of a batch that one thread writes.
struct Rows<'a> {
    slots: &'a [usize],
    sets: &'a mut [i32],
    values: &'a mut [f32],
    legal: &'a mut [i32],
}

impl<B: Backend> Batch<B> {
    /// Batch on `device`, prepared by `threads` threads.
    pub fn new(
        features: Features,
        actions: Actions,
        minibatch: &Minibatch,
        threads: usize,
        device: &B::Device,
    ) -> Self {
        let &Minibatch { rollout, slots, advantages } = minibatch;
        let (samples, planes) = (slots.len(), features.planes());
        let words = actions.count().div_ceil(WORD_BITS);
        let mut sets = vec![0; samples * planes * SET_WORDS];
        let mut values = vec![0.0; samples * planes];
        let mut legal = vec![0; samples * words];
        let share = samples.div_ceil(threads.max(1));
        let write = |rows: Rows| {
            let sets = rows.sets.chunks_exact_mut(planes * SET_WORDS);
            let planes = sets.zip(rows.values.chunks_exact_mut(planes));
            for ((&slot, (sets, values)), legal) in
                rows.slots.iter().zip(planes).zip(rows.legal.chunks_exact_mut(words))
            {
                let step = &rollout.steps[slot];
                features.compress(&step.observation, sets, values);
                for &action in rollout.legal_of(step) {
                    legal[action.index() / WORD_BITS] |= 1 << (action.index() % WORD_BITS);
                }
            }
        };
        std::thread::scope(|scope| {
            let planes = sets.chunks_mut(share * planes * SET_WORDS).zip(values.chunks_mut(share * planes));
            let parts = slots.chunks(share).zip(planes).zip(legal.chunks_mut(share * words));
            let mut parts = parts.map(|((slots, (sets, values)), legal)| Rows { slots, sets, values, legal });
            let own = parts.next();
            parts.for_each(|rows| drop(scope.spawn(|| write(rows))));
            own.into_iter().for_each(write);
        });
        let steps = || slots.iter().map(|&slot| &rollout.steps[slot]);
        let action: Vec<i32> = steps().map(|step| i32::from(step.action.0)).collect();
        let old_log_prob: Vec<f32> = steps().map(|step| step.log_prob).collect();
        let target: Vec<f32> = slots.iter().flat_map(|&slot| rollout.targets[slot].to_array()).collect();
        let score: Vec<f32> = steps().map(|step| step.score).collect();
        let legal = Tensor::from_data(TensorData::new(legal, [samples, words]), device);
        Self {
            sets: Tensor::from_data(TensorData::new(sets, [samples, planes, SET_WORDS]), device),
            values: Tensor::from_data(TensorData::new(values, [samples, planes]), device),
            illegal: bits(legal).narrow(1, 0, actions.count()).equal_elem(0),
            action: Tensor::from_data(TensorData::new(action, [samples, 1]), device),
            old_log_prob: Tensor::from_data(old_log_prob.as_slice(), device),
            advantage: Tensor::from_data(advantages, device),
            target: Tensor::from_data(TensorData::new(target, [samples, 3]), device),
            score: Tensor::from_data(TensorData::new(score, [samples, 1]), device),
        }
    }
}

/// Logit of an illegal action: its probability is exactly 0 in f32.
const ILLEGAL: f32 = -1e9;

/// Loss to minimise, and its parts as sums over the samples, `[9]`, in the order of [`sums_of`].
pub(super) fn loss<B: Backend>(
    policy: Tensor<B, 2>,
    wdl: Tensor<B, 2>,
    score: Option<Tensor<B, 2>>,
    batch: &Batch<B>,
    c: &Coefficients,
) -> (Tensor<B, 1>, Tensor<B, 1>) {
    let log_probs = log_softmax(policy.mask_fill(batch.illegal.clone(), ILLEGAL), 1); // [B, actions]
    let new_log_prob = log_probs.clone().gather(1, batch.action.clone()).squeeze_dim::<1>(1); // [B]
    let log_ratio = new_log_prob - batch.old_log_prob.clone(); // [B]
    let ratio = log_ratio.clone().exp(); // [B]

    let clipped = ratio.clone().clamp(1.0 - c.clip_coef, 1.0 + c.clip_coef);
    let surrogate = (ratio.clone() * batch.advantage.clone()).min_pair(clipped * batch.advantage.clone()); // [B]
    let policy_loss = surrogate.neg().sum();

    let probs = log_probs.clone().exp().mask_fill(batch.illegal.clone(), 0.0); // [B, actions]
    let entropy = (probs * log_probs).sum().neg();

    let value_loss = (batch.target.clone() * log_softmax(wdl, 1)).sum().neg();

    let score_loss = match score {
        Some(score) => (score - batch.score.clone()).square().sum(),
        None => policy_loss.zeros_like(),
    };

    let values = value_loss.clone() * c.vf_coef + score_loss.clone() * c.score_coef;
    let loss = (policy_loss.clone() + values - entropy.clone() * c.ent_coef) * c.scale;
    let deviation = ratio.clone() - 1.0;
    let sums = Tensor::cat(
        vec![
            policy_loss,
            value_loss,
            score_loss,
            entropy,
            log_ratio.clone().neg().sum(),
            (deviation.clone() - log_ratio).sum(),
            deviation.clone().abs().greater_elem(c.clip_coef).float().sum(),
            deviation.clone().abs().sum(),
            deviation.abs().max(),
        ],
        0,
    );
    (loss, sums)
}

/// Parts of the loss of `samples` samples, from the sums that [`loss`] returned.
pub(super) fn sums_of(samples: usize, sums: &[f32]) -> Sums {
    let sum: [f64; 9] = std::array::from_fn(|i| f64::from(sums[i]));
    Sums {
        samples,
        policy_loss: sum[0],
        value_loss: sum[1],
        score_loss: sum[2],
        entropy: sum[3],
        old_approx_kl: sum[4],
        approx_kl: sum[5],
        clipfrac: sum[6],
        ratio_error: sum[7],
        max_ratio_error: sum[8],
    }
}
