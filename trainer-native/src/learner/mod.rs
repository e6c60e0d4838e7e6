//! What turns a minibatch into gradients: one trait, one implementation a backend.

#[cfg(feature = "burn")]
mod burn;
mod cpu;

#[cfg(feature = "burn")]
pub use self::burn::BurnLearner;
pub use self::cpu::CpuLearner;

use crate::ppo::{Coefficients, Sums};
use crate::rollout::Rollout;
use anyhow::Result;
#[cfg(not(all(feature = "cuda", feature = "wgpu")))]
use anyhow::bail;
use keisei_core::encoding::{Actions, Features};
use keisei_core::net::{Executor, Weights};
use serde::{Deserialize, Serialize};

/// Some plies of a rollout to learn from, with their advantages normalised.
pub struct Minibatch<'a> {
    /// The rollout.
    pub rollout: &'a Rollout,
    /// Slots of the plies.
    pub slots: &'a [usize],
    /// Their normalised advantages.
    pub advantages: &'a [f32],
}

/// A backend that computes gradients of the PPO loss.
pub trait Learner {
    /// Name for the log, such as `AVX2, 2 threads`.
    fn name(&self) -> String;

    /// The network with these weights, to play with, where this learner computes.
    fn executor(&self, weights: &Weights) -> Box<dyn Executor + Send>;

    /// Gradient of the loss with respect to every weight, in the order of the weights, and the parts of the loss.
    ///
    /// Same input, same output, bit for bit, on the CPU; the number of threads does not matter.
    ///
    /// # Errors
    /// If the device fails.
    fn gradient(
        &mut self,
        weights: &Weights,
        minibatch: &Minibatch,
        coefficients: &Coefficients,
    ) -> Result<(Vec<f32>, Sums)>;
}

/// Where to compute.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// The GPU that the program was built for, or else the CPU.
    #[default]
    Auto,
    /// The CPU, with core's own kernels.
    Cpu,
    /// An NVIDIA GPU; built with `--features cuda`.
    Cuda,
    /// A GPU by Vulkan, Metal or DirectX; built with `--features wgpu`.
    Wgpu,
}

impl Device {
    /// What [`Device::Auto`] is in this build.
    pub fn of_this_build() -> Self {
        if cfg!(feature = "cuda") {
            Self::Cuda
        } else if cfg!(feature = "wgpu") {
            Self::Wgpu
        } else {
            Self::Cpu
        }
    }

    /// A learner there; `threads` is for the CPU.
    ///
    /// # Errors
    /// If this build cannot compute there, or the GPU or its driver is missing.
    pub fn learner(self, features: Features, actions: Actions, threads: usize) -> Result<Box<dyn Learner>> {
        match self {
            Self::Auto => Self::of_this_build().learner(features, actions, threads),
            Self::Cpu => Ok(Box::new(CpuLearner::new(features, actions, threads))),
            #[cfg(feature = "cuda")]
            Self::Cuda => Ok(Box::new(BurnLearner::cuda(features, actions)?)),
            #[cfg(feature = "wgpu")]
            Self::Wgpu => Ok(Box::new(BurnLearner::wgpu(features, actions)?)),
            #[cfg(not(feature = "cuda"))]
            Self::Cuda => bail!("run.device = cuda: this program was built without; build it with --features cuda"),
            #[cfg(not(feature = "wgpu"))]
            Self::Wgpu => bail!("run.device = wgpu: this program was built without; build it with --features wgpu"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};
    use keisei_core::encoding::SQUARES;
    use keisei_core::net::{NetOptions, NetSpec};

    const COEFFICIENTS: Coefficients =
        Coefficients { clip_coef: 0.2, vf_coef: 0.7, ent_coef: 0.03, scale: 1.0 / 512.0 };

    pub(super) fn rollout(plies: usize) -> Rollout {
        let stream = Stream::new(5, Purpose::Sampling, 0, 0);
        Rollout::of_random_games(plies, Actions::Dest2187, stream)
    }

    /// A network in mid-training: no layer is zero.
    pub(super) fn weights(channels: u16, blocks: u16) -> Weights {
        let (features, actions) = (Features::Attack96, Actions::Dest2187);
        let spec = NetSpec {
            planes: features.planes() as u16,
            policy_planes: (actions.count() / SQUARES) as u16,
            channels,
            blocks,
            value_channels: 5,
            value_hidden: 19,
            options: NetOptions::default(),
        };
        let mut stream = Stream::new(u64::from(channels), Purpose::Weights, 0, 0);
        let mut weights = Weights::init(&spec, 1).expect("the shape is valid");
        for w in weights.data_mut() {
            *w += 0.04 * (stream.uniform() - 0.5);
        }
        weights
    }

    pub(super) fn gradient(
        learner: &mut dyn Learner,
        weights: &Weights,
        rollout: &Rollout,
        slots: &[usize],
    ) -> (Vec<f32>, Sums) {
        let advantages: Vec<f32> = slots.iter().map(|&slot| rollout.advantages[slot]).collect();
        let minibatch = Minibatch { rollout, slots, advantages: &advantages };
        learner.gradient(weights, &minibatch, &COEFFICIENTS).expect("the device does not fail")
    }

    #[cfg(feature = "burn")]
    fn norm(numbers: impl Iterator<Item = f32>) -> f64 {
        numbers.map(|x| f64::from(x).powi(2)).sum::<f64>().sqrt()
    }

    /// One gradient of `learner` beside the CPU's, tensor by tensor, and the parts of the loss; and what it plays with.
    #[cfg(feature = "burn")]
    fn check(learner: &mut dyn Learner, channels: u16, blocks: u16, samples: usize) {
        let rollout = rollout(150);
        let mut slots: Vec<usize> = (0..rollout.steps.len()).collect();
        Stream::new(1, Purpose::Shuffle, 0, 0).shuffle(&mut slots);
        let (slots, weights) = (&slots[..samples], weights(channels, blocks));
        let mut cpu = CpuLearner::new(Features::Attack96, Actions::Dest2187, 1);
        let (expected, expected_sums) = gradient(&mut cpu, &weights, &rollout, slots);
        let (found, sums) = gradient(learner, &weights, &rollout, slots);
        for tensor in weights.spec().tensors() {
            let range = tensor.range.clone();
            let error = norm(range.clone().map(|i| found[i] - expected[i])) / norm(range.map(|i| expected[i]));
            assert!(error < 1e-3, "{channels} channels, {}: {error}", tensor.name);
        }
        let near = |name: &str, found: f64, expected: f64| {
            assert!((found - expected).abs() < 1e-4 * expected.abs().max(1.0), "{name}: {found}, not {expected}");
        };
        assert_eq!(sums.samples, expected_sums.samples);
        near("policy_loss", sums.policy_loss, expected_sums.policy_loss);
        near("value_loss", sums.value_loss, expected_sums.value_loss);
        near("entropy", sums.entropy, expected_sums.entropy);
        near("old_approx_kl", sums.old_approx_kl, expected_sums.old_approx_kl);
        near("approx_kl", sums.approx_kl, expected_sums.approx_kl);
        near("clipfrac", sums.clipfrac, expected_sums.clipfrac);
        near("ratio_error", sums.ratio_error, expected_sums.ratio_error);
        near("max_ratio_error", sums.max_ratio_error, expected_sums.max_ratio_error);

        let logits = |learner: &dyn Learner| {
            let mut planes = vec![0.0; samples * Features::Attack96.planes() * SQUARES];
            let observations: Vec<_> = slots.iter().map(|&slot| rollout.steps[slot].observation).collect();
            Features::Attack96.expand_batch(&observations, &mut planes);
            let (mut policy, mut wdl) = (vec![0.0; samples * Actions::Dest2187.count()], vec![0.0; samples * 3]);
            learner.executor(&weights).forward(samples, &planes, &mut policy, &mut wdl);
            [policy, wdl].concat()
        };
        for (found, expected) in logits(learner).into_iter().zip(logits(&cpu)) {
            assert!((found - expected).abs() < 1e-4, "logit {found}, not {expected}");
        }
    }

    #[cfg(feature = "burn")]
    #[test]
    fn the_cpu_computes_what_automatic_differentiation_does() {
        for (channels, blocks, samples) in [(8, 1, 3), (16, 0, 8), (40, 2, 21), (32, 4, 140)] {
            check(&mut BurnLearner::cpu(Features::Attack96, Actions::Dest2187, 1), channels, blocks, samples);
        }
    }

    /// Needs a GPU, or a driver that plays one, such as Mesa's lavapipe.
    #[cfg(feature = "wgpu")]
    #[test]
    fn a_gpu_computes_what_the_cpu_does() {
        let mut learner = BurnLearner::wgpu(Features::Attack96, Actions::Dest2187).expect("a GPU");
        check(&mut learner, 16, 1, 8);
    }

    #[test]
    fn a_device_that_is_not_there_is_an_error() {
        let check = |device: Device, built: bool, absent: &str| {
            let reason = if built { absent } else { "was built without" };
            match device.learner(Features::Attack96, Actions::Dest2187, 1) {
                Ok(_) => assert!(built, "{device:?}"),
                Err(error) => assert!(error.to_string().contains(reason), "{device:?}: {error}"),
            }
        };
        check(Device::Cuda, cfg!(feature = "cuda"), "no CUDA driver");
        check(Device::Wgpu, cfg!(feature = "wgpu"), "no GPU");
    }
}
