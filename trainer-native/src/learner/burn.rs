//! Gradients by burn's automatic differentiation, on whichever backend the build has.

use super::{Learner, Minibatch};
use crate::ppo::{Coefficients, Sums};
use anyhow::{Context, Result};
use burn::backend::Autodiff;
#[cfg(feature = "cuda")]
use burn::backend::cuda::{Cuda, CudaDevice};
use burn::backend::flex::{Flex, FlexDevice};
#[cfg(feature = "wgpu")]
use burn::backend::wgpu::{Wgpu, WgpuDevice};
use burn::tensor::activation::log_softmax;
use burn::tensor::backend::{AutodiffBackend, Backend};
use burn::tensor::{Bool, Int, Tensor, TensorData};
use keisei_core::encoding::{Actions, Features, SQUARES};
use keisei_core::net::{Executor, Weights, burn::Net};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A learner on burn backend `B`.
///
/// The minibatch is cut into shards of a fixed size, worked on by several threads; their gradients are added in the order
/// of the shards, so the sum does not depend on the number of threads.
pub struct BurnLearner<B: AutodiffBackend> {
    name: String,
    features: Features,
    actions: Actions,
    threads: usize,
    shard: usize,
    device: B::Device,
}

/// Samples of one shard on the CPU: enough for long inner loops, few enough for the activations to stay in the cache.
const CPU_SHARD: usize = 128;

impl BurnLearner<Autodiff<Flex>> {
    /// On the CPU with so many threads.
    pub fn cpu(features: Features, actions: Actions, threads: usize) -> Self {
        let name = format!("burn-flex, {threads} threads");
        Self { name, features, actions, threads, shard: CPU_SHARD, device: FlexDevice }
    }
}

#[cfg(feature = "cuda")]
impl BurnLearner<Autodiff<Cuda>> {
    /// On the first NVIDIA GPU.
    ///
    /// # Errors
    /// If the driver's library is not there.
    pub fn cuda(features: Features, actions: Actions) -> Result<Self> {
        // Without it a thread of the runtime would panic later: ask first.
        let libraries = ["libcuda.so.1", "libcuda.so", "nvcuda.dll"];
        // SAFETY: loading the driver's library runs its initialisers only, as the runtime would.
        if !libraries.iter().any(|name| unsafe { libloading::Library::new(*name) }.is_ok()) {
            anyhow::bail!("no CUDA driver: none of {} can be loaded", libraries.join(", "));
        }
        Ok(Self::gpu("burn-cuda", features, actions, CudaDevice::default()))
    }
}

#[cfg(feature = "wgpu")]
impl BurnLearner<Autodiff<Wgpu>> {
    /// On the adapter that wgpu prefers, by Vulkan, Metal or DirectX.
    ///
    /// # Errors
    /// If there is no adapter.
    pub fn wgpu(features: Features, actions: Actions) -> Result<Self> {
        // Without one burn would panic later: ask first.
        let adapter =
            pollster::block_on(wgpu::Instance::default().request_adapter(&wgpu::RequestAdapterOptions::default()));
        let info = adapter.context("no GPU: wgpu finds no adapter for Vulkan, Metal or DirectX")?.get_info();
        let name = format!("burn-wgpu, {} ({})", info.name, info.backend);
        Ok(Self::gpu(&name, features, actions, WgpuDevice::default()))
    }
}

#[cfg(any(feature = "wgpu", feature = "cuda"))]
impl<B: AutodiffBackend> BurnLearner<B> {
    /// On a GPU: one thread feeds it whole minibatches.
    fn gpu(name: &str, features: Features, actions: Actions, device: B::Device) -> Self {
        Self { name: name.to_owned(), features, actions, threads: 1, shard: usize::MAX, device }
    }
}

impl<B: AutodiffBackend> Learner for BurnLearner<B> {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn executor(&self, weights: &Weights) -> Box<dyn Executor + Send> {
        Box::new(Net::<B::InnerBackend>::from_weights(weights, &self.device))
    }

    fn gradient(
        &mut self,
        weights: &Weights,
        minibatch: &Minibatch,
        coefficients: &Coefficients,
    ) -> Result<(Vec<f32>, Sums)> {
        let samples = minibatch.slots.len();
        let shards: Vec<Range<usize>> = (0..samples)
            .step_by(self.shard)
            .map(|start| start..samples.min(start.saturating_add(self.shard)))
            .collect();
        let next = AtomicUsize::new(0);
        let work = || {
            let mut done = Vec::new();
            loop {
                let shard = next.fetch_add(1, Ordering::Relaxed);
                let Some(range) = shards.get(shard).cloned() else { return done };
                done.push((shard, self.shard_gradient(weights, minibatch, range, coefficients)));
            }
        };
        let mut parts: Vec<_> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..self.threads.min(shards.len())).map(|_| scope.spawn(work)).collect();
            workers.into_iter().flat_map(|worker| worker.join().expect("a learner thread does not panic")).collect()
        });
        parts.sort_by_key(|&(shard, _)| shard);

        let mut gradient = vec![0.0; weights.data().len()];
        let mut sums = Sums::default();
        for (_, part) in parts {
            let (shard_gradient, shard_sums) = part?;
            for (sum, g) in gradient.iter_mut().zip(shard_gradient) {
                *sum += g;
            }
            sums.add(&shard_sums);
        }
        Ok((gradient, sums))
    }
}

impl<B: AutodiffBackend> BurnLearner<B> {
    fn shard_gradient(
        &self,
        weights: &Weights,
        minibatch: &Minibatch,
        range: Range<usize>,
        coefficients: &Coefficients,
    ) -> Result<(Vec<f32>, Sums)> {
        let net = Net::<B>::from_weights(weights, &self.device);
        let samples = range.len();
        let batch = self.batch(minibatch, range);
        let (policy, wdl) = net.forward(batch.planes.clone());
        let (loss, sums) = loss(policy, wdl, &batch, coefficients);
        let gradients = loss.backward();
        let sums = sums.into_data().convert::<f32>();
        let sums = sums.as_slice::<f32>().ok().context("the loss is not a vector of f32")?;
        Ok((net.gradient(&gradients), sums_of(samples, sums)))
    }

    fn batch(&self, minibatch: &Minibatch, range: Range<usize>) -> Batch<B> {
        let device = &self.device;
        let (samples, actions) = (range.len(), self.actions.count());
        let rollout = minibatch.rollout;
        let size = self.features.planes() * SQUARES;
        let mut planes = vec![0.0; samples * size];
        let mut illegal = vec![true; samples * actions];
        let mut action = Vec::with_capacity(samples);
        let mut old_log_prob = Vec::with_capacity(samples);
        let mut target = Vec::with_capacity(3 * samples);
        for (i, &slot) in minibatch.slots[range.clone()].iter().enumerate() {
            let step = &rollout.steps[slot];
            self.features.expand(&step.observation, &mut planes[i * size..][..size]);
            for &legal in rollout.legal_of(step) {
                illegal[i * actions + usize::from(legal)] = false;
            }
            action.push(i32::from(step.action));
            old_log_prob.push(step.log_prob);
            target.extend(rollout.targets[slot]);
        }
        let advantage = minibatch.advantages[range].to_vec();
        Batch {
            planes: Tensor::from_data(TensorData::new(planes, [samples, self.features.planes(), SQUARES]), device),
            illegal: Tensor::from_data(TensorData::new(illegal, [samples, actions]), device),
            action: Tensor::from_data(TensorData::new(action, [samples, 1]), device),
            old_log_prob: Tensor::from_data(TensorData::new(old_log_prob, [samples]), device),
            advantage: Tensor::from_data(TensorData::new(advantage, [samples]), device),
            target: Tensor::from_data(TensorData::new(target, [samples, 3]), device),
        }
    }
}

/// A minibatch, or a shard of one, on the device of `B`.
struct Batch<B: Backend> {
    /// Input planes `[B, planes, 81]`.
    planes: Tensor<B, 3>,
    /// True where an action is illegal, `[B, actions]`.
    illegal: Tensor<B, 2, Bool>,
    /// Actions played, `[B, 1]`.
    action: Tensor<B, 2, Int>,
    /// Their log-probabilities when they were played, `[B]`.
    old_log_prob: Tensor<B, 1>,
    /// Normalised advantages, `[B]`.
    advantage: Tensor<B, 1>,
    /// Targets of the outcome, `[B, 3]`.
    target: Tensor<B, 2>,
}

/// Logit of an action that cannot be played: its probability is exactly 0 in f32.
const ILLEGAL: f32 = -1e9;

/// The loss to descend, and its parts as sums over the samples: `[8]`, in the order of [`sums_of`].
fn loss<B: Backend>(
    policy: Tensor<B, 2>,
    wdl: Tensor<B, 2>,
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

    let loss = (policy_loss.clone() + value_loss.clone() * c.vf_coef - entropy.clone() * c.ent_coef) * c.scale;
    let deviation = ratio.clone() - 1.0;
    let sums = Tensor::cat(
        vec![
            policy_loss,
            value_loss,
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

/// Reads what [`loss`] returned for `samples` samples.
fn sums_of(samples: usize, sums: &[f32]) -> Sums {
    let sum: [f64; 8] = std::array::from_fn(|i| f64::from(sums[i]));
    Sums {
        samples,
        policy_loss: sum[0],
        value_loss: sum[1],
        entropy: sum[2],
        old_approx_kl: sum[3],
        approx_kl: sum[4],
        clipfrac: sum[5],
        ratio_error: sum[6],
        max_ratio_error: sum[7],
    }
}
