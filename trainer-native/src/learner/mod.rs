//! Learners: the backends that compute gradients, take optimiser steps and evaluate positions, one file each.

mod cpu;
#[cfg(feature = "burn")]
mod autodiff;
#[cfg(feature = "burn")]
mod burn;
#[cfg(any(feature = "wgpu", feature = "cuda"))]
mod gpu;

#[cfg(feature = "burn")]
pub use self::burn::BurnLearner;
pub use self::cpu::CpuLearner;
#[cfg(any(feature = "wgpu", feature = "cuda"))]
pub use self::gpu::{GpuLearner, limits::Limits};

use anyhow::Result;
use keisei_core::encoding::{Actions, Features};
use keisei_core::learn::{Learner, RatioTolerance};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Device of a learner.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// The GPU that the program was built for; the CPU if it was built for none.
    #[default]
    Auto,
    /// The CPU, with core's own kernels.
    Cpu,
    /// An NVIDIA GPU; built with `--features cuda`.
    Cuda,
    /// A GPU through Vulkan, Metal or DirectX; built with `--features wgpu`.
    Wgpu,
}

impl Device {
    /// The device that [`Device::Auto`] stands for in this build.
    pub fn of_this_build() -> Self {
        if cfg!(feature = "cuda") {
            Self::Cuda
        } else if cfg!(feature = "wgpu") {
            Self::Wgpu
        } else {
            Self::Cpu
        }
    }

    /// Learner on this device; `threads` are those of a learner on the CPU.
    ///
    /// # Errors
    /// If this build does not support the device or the precision, or the GPU or its driver is missing.
    pub fn learner(
        self,
        features: Features,
        actions: Actions,
        precision: Precision,
        threads: usize,
    ) -> Result<Box<dyn Learner>> {
        match self {
            Self::Auto => Self::of_this_build().learner(features, actions, precision, threads),
            Self::Cpu => Ok(Box::new(CpuLearner::with_precision(features, actions, precision, threads)?)),
            #[cfg(feature = "cuda")]
            Self::Cuda => Ok(Box::new(GpuLearner::cuda(features, actions, precision)?)),
            #[cfg(feature = "wgpu")]
            Self::Wgpu => Ok(Box::new(GpuLearner::wgpu(features, actions, precision)?)),
            #[cfg(not(feature = "cuda"))]
            Self::Cuda => {
                anyhow::bail!("run.device = cuda: this program was built without; build it with --features cuda")
            }
            #[cfg(not(feature = "wgpu"))]
            Self::Wgpu => {
                anyhow::bail!("run.device = wgpu: this program was built without; build it with --features wgpu")
            }
        }
    }
}

/// Number format of the network's layers in self-play and learning. Weights, moments and losses are always f32.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// IEEE binary32: 24 bits of precision.
    #[default]
    F32,
    /// Each number as a sum of two bfloat16, each product as three: 16 bits of precision; for CPUs with Intel AMX.
    Bf16x3,
    /// bfloat16: the range of f32 with 8 bits of precision; for NVIDIA GPUs since Ampere, and CPUs with a matrix unit.
    Bf16,
    /// IEEE binary16: 11 bits of precision; for GPUs.
    F16,
}

impl Precision {
    /// Accepted rounding difference between the learner's policy and that of self-play.
    ///
    /// On the CPU both compute the same, bit for bit. On a GPU they round at different places, so the last bits differ: 1e-7 is
    /// usual in f32, and the difference grows with the weights.
    pub fn ratio_tolerance(self) -> RatioTolerance {
        match self {
            Self::F32 | Self::Bf16x3 => RatioTolerance { alarm: 1e-5, limit: 1e-3 },
            Self::F16 => RatioTolerance { alarm: 1e-2, limit: 0.1 },
            Self::Bf16 => RatioTolerance { alarm: 5e-2, limit: 0.1 },
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::Bf16x3 => "bf16x3",
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(feature = "burn")]
    use keisei_core::evaluator::Batch;
    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    use keisei_core::learn::Adam;
    use keisei_core::learn::{Coefficients, Minibatch, Rollout, Sums};
    use keisei_core::net::{NetOptions, NetSpec, Weights};
    use keisei_core::random::{Purpose, Stream};
    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    use keisei_core::search::policy;

    const COEFFICIENTS: Coefficients = Coefficients {
        clip_coef: 0.2,
        vf_coef: 0.7,
        past_coef: 0.6,
        score_coef: 0.3,
        ent_coef: 0.03,
        kl_coef: 0.05,
        mate_coef: 0.8,
        scale: 1.0 / 512.0,
    };

    pub(super) fn rollout(plies: usize) -> Rollout {
        let stream = Stream::new(5, Purpose::Sampling, 0, 0);
        Rollout::of_random_games(plies, Actions::Dest2187, stream)
    }

    /// Weights as in the middle of training: no layer is zero.
    pub(super) fn weights(channels: u16, blocks: u16) -> Weights {
        weights_with(channels, blocks, NetOptions::default())
    }

    /// Such weights of a network with optional layers.
    fn weights_with(channels: u16, blocks: u16, options: NetOptions) -> Weights {
        let (features, actions) = (Features::Attack96, Actions::Dest2187);
        let spec = NetSpec { channels, blocks, value_hidden: 19, options, ..NetSpec::for_encodings(features, actions) };
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
        let past: Vec<usize> = (0..slots.len().min(rollout.past.len())).collect();
        let minibatch = Minibatch { rollout, slots, advantages: &advantages, past: &past };
        learner.gradient(weights, &minibatch, &COEFFICIENTS).expect("the device does not fail")
    }

    #[cfg(feature = "burn")]
    fn norm(numbers: impl Iterator<Item = f32>) -> f64 {
        numbers.map(|x| f64::from(x).powi(2)).sum::<f64>().sqrt()
    }

    /// Compares `learner` with the CPU's: a gradient tensor by tensor, the parts of the loss, and predictions.
    #[cfg(feature = "burn")]
    fn check(learner: &mut dyn Learner, weights: &Weights, samples: usize) {
        let rollout = rollout(150);
        let mut slots: Vec<usize> = (0..rollout.steps.len()).collect();
        Stream::new(1, Purpose::Shuffle, 0, 0).shuffle(&mut slots);
        let slots = &slots[..samples];
        let mut cpu = CpuLearner::new(Features::Attack96, Actions::Dest2187, 1);
        let (expected, expected_sums) = gradient(&mut cpu, weights, &rollout, slots);
        let (found, sums) = gradient(learner, weights, &rollout, slots);
        for tensor in weights.spec().tensors() {
            let range = tensor.range.clone();
            let error = norm(range.clone().map(|i| found[i] - expected[i])) / norm(range.map(|i| expected[i]));
            assert!(error < 1e-3, "{:?}, {}: {error}", weights.spec(), tensor.name);
        }
        let near = |name: &str, found: f64, expected: f64| {
            assert!((found - expected).abs() < 1e-4 * expected.abs().max(1.0), "{name}: {found}, not {expected}");
        };
        assert_eq!(sums.samples, expected_sums.samples);
        near("policy_loss", sums.policy_loss, expected_sums.policy_loss);
        near("value_loss", sums.value_loss, expected_sums.value_loss);
        near("score_loss", sums.score_loss, expected_sums.score_loss);
        assert_eq!(sums.score_loss > 0.0, weights.spec().options.score_hidden > 0);
        near("entropy", sums.entropy, expected_sums.entropy);
        near("old_approx_kl", sums.old_approx_kl, expected_sums.old_approx_kl);
        near("approx_kl", sums.approx_kl, expected_sums.approx_kl);
        near("clipfrac", sums.clipfrac, expected_sums.clipfrac);
        near("ratio_error", sums.ratio_error, expected_sums.ratio_error);
        near("max_ratio_error", sums.max_ratio_error, expected_sums.max_ratio_error);

        let logits = |learner: &dyn Learner| {
            let mut batch = Batch::new();
            for step in slots.iter().map(|&slot| &rollout.steps[slot]) {
                batch.push(step.observation, rollout.legal_of(step).iter().copied());
            }
            let mut evaluator = learner.evaluator(weights);
            let predictions = evaluator.evaluate(&batch).expect("the device does not fail");
            assert_eq!(predictions.len(), samples);
            let numbers = predictions.iter().flat_map(|found| found.logits.iter().copied().chain(found.wdl.0));
            numbers.collect::<Vec<f32>>()
        };
        for (found, expected) in logits(learner).into_iter().zip(logits(&cpu)) {
            assert!((found - expected).abs() < 1e-4, "logit {found}, not {expected}");
        }
    }

    #[cfg(feature = "burn")]
    #[test]
    fn the_cpu_computes_what_automatic_differentiation_does() {
        for (channels, blocks, samples) in [(8, 1, 3), (16, 0, 8), (40, 2, 21), (32, 4, 140)] {
            let mut learner = BurnLearner::new(Features::Attack96, Actions::Dest2187, 1);
            check(&mut learner, &weights(channels, blocks), samples);
        }
    }

    /// Options with every layer that a network may have.
    #[cfg(feature = "burn")]
    const OPTIONS: NetOptions = NetOptions { se_hidden: 5, pool_hidden: 6, score_hidden: 7 };

    #[cfg(feature = "burn")]
    #[test]
    fn the_cpu_computes_optional_layers_as_automatic_differentiation_does() {
        let one = NetOptions { se_hidden: 5, ..NetOptions::default() };
        let score = NetOptions { score_hidden: 7, ..NetOptions::default() };
        for (options, channels, samples) in [(one, 16, 3), (score, 16, 70), (OPTIONS, 24, 140)] {
            let mut learner = BurnLearner::new(Features::Attack96, Actions::Dest2187, 1);
            check(&mut learner, &weights_with(channels, 2, options), samples);
        }
    }

    /// Learners on every GPU of this build that this machine has; in f32 there must be one, or a driver that emulates one, such
    /// as Mesa's lavapipe.
    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    fn gpus(precision: Precision) -> Vec<Box<dyn Learner>> {
        let gpu = |device: Device| device.learner(Features::Attack96, Actions::Dest2187, precision, 2).ok();
        let gpus: Vec<_> = [Device::Cuda, Device::Wgpu].into_iter().filter_map(gpu).collect();
        assert!(precision != Precision::F32 || !gpus.is_empty(), "no GPU");
        gpus
    }

    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    #[test]
    fn a_gpu_computes_what_the_cpu_does() {
        for mut learner in gpus(Precision::F32) {
            println!("{}", learner.name());
            check(learner.as_mut(), &weights(16, 1), 8);
            check(learner.as_mut(), &weights_with(16, 1, OPTIONS), 8);
        }
    }

    /// Weights and moments after three steps of an update.
    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    fn descend(learner: &mut dyn Learner) -> [Vec<f32>; 3] {
        let (rollout, mut weights) = (rollout(48), weights(16, 1));
        let mut adam = Adam::new(weights.data().len());
        let mut descent = learner.descent(&mut weights, &mut adam);
        for slots in (0..48).collect::<Vec<_>>().chunks(16) {
            let minibatch =
                Minibatch { rollout: &rollout, slots, advantages: &rollout.advantages[..16], past: &[0, 2] };
            let (norm, _) = descent.gradient(&minibatch, &COEFFICIENTS).expect("the device does not fail");
            descent.step(1e-3, norm / 2.0);
        }
        descent.finish().expect("the device does not fail");
        assert_eq!(adam.steps(), 3);
        let [first, second] = adam.moments().map(<[f32]>::to_vec);
        let before = self::weights(16, 1);
        let moved = weights.data().iter().zip(before.data()).map(|(after, before)| after - before);
        [moved.collect(), first, second]
    }

    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    fn check_descent(precision: Precision, tolerance: f64) {
        let expected = descend(&mut CpuLearner::new(Features::Attack96, Actions::Dest2187, 1));
        for mut learner in gpus(precision) {
            for (what, (found, expected)) in descend(learner.as_mut()).iter().zip(&expected).enumerate() {
                let error = norm(found.iter().zip(expected).map(|(f, e)| f - e)) / norm(expected.iter().copied());
                println!("{}, {what}: {error:.1e}", learner.name());
                assert!(error < tolerance, "{}, {what}: {error}", learner.name());
            }
        }
    }

    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    #[test]
    fn a_gpu_takes_the_steps_that_the_cpu_takes() {
        // Adam's first steps have nearly full length even where the gradient is nearly 0 and rounding decides its sign.
        check_descent(Precision::F32, 0.03);
    }

    /// Such steps in f16 and bf16, on GPUs that support them.
    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    #[test]
    fn a_gpu_learns_with_fewer_bits() {
        check_descent(Precision::F16, 0.2);
        check_descent(Precision::Bf16, 0.4);
    }

    /// Moves drawn from the policy of each of 1,000 positions, ten with the numbers of a stream of the position's own.
    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    fn drawn(learner: &dyn Learner) -> Vec<usize> {
        let rollout = rollout(1000);
        let mut evaluator = learner.evaluator(&weights(16, 1));
        let mut moves = Vec::new();
        for (part, steps) in rollout.steps.chunks(125).enumerate() {
            let mut batch = Batch::new();
            for step in steps {
                batch.push(step.observation, rollout.legal_of(step).iter().copied());
            }
            let predictions = evaluator.evaluate(&batch).expect("the device does not fail");
            for (row, found) in predictions.iter().enumerate() {
                let probabilities = policy::probabilities(found.logits, 1.0);
                let mut stream = Stream::new(9, Purpose::Sampling, part as u64, row as u64);
                moves.extend((0..10).map(|_| policy::draw(&probabilities, stream.uniform())));
            }
        }
        moves
    }

    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    #[test]
    fn a_gpu_draws_the_moves_that_the_cpu_does() {
        let expected = drawn(&CpuLearner::new(Features::Attack96, Actions::Dest2187, 1));
        assert_eq!(expected.len(), 10_000);
        for (precision, share) in [(Precision::F32, 0.999), (Precision::F16, 0.98)] {
            for learner in gpus(precision) {
                let found = drawn(learner.as_ref());
                let same = found.iter().zip(&expected).filter(|(found, expected)| found == expected).count();
                println!("{}: {same} of 10,000 moves are the CPU's", learner.name());
                assert!(same as f64 >= share * 10_000.0, "{}: {same} of 10,000 moves", learner.name());
            }
        }
    }

    #[test]
    fn a_device_that_is_not_there_is_an_error() {
        let check = |device: Device, built: bool, absent: &str| {
            let reason = if built { absent } else { "was built without" };
            match device.learner(Features::Attack96, Actions::Dest2187, Precision::F32, 1) {
                Ok(_) => assert!(built, "{device:?}"),
                Err(error) => assert!(error.to_string().contains(reason), "{device:?}: {error}"),
            }
        };
        check(Device::Cuda, cfg!(feature = "cuda"), "no CUDA driver");
        check(Device::Wgpu, cfg!(feature = "wgpu"), "no GPU");
    }
}
