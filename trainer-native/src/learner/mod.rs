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
pub use self::gpu::{GpuLearner, limits::Limits, traffic::Traffic};

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

/// Memory of a GPU, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Card {
    /// Memory that is free, or all that there is where the driver tells no more; unknown if it does not tell that.
    pub free: Option<u64>,
    /// Most bytes of one tensor.
    pub largest: u64,
}

/// Number of terms of a matrix product that is computed for `terms` terms, the others being zeros.
///
/// Kernels with two buffers (cubek-matmul 0.2) go through the terms in an even number of steps, each of a power of two up to 64.
/// They check for the end only if the step does not divide the number; if it does an odd number of times, they add terms beyond
/// the end: with 81 steps of 8, hidden layers of 8 value channels came out wrong (<https://github.com/tracel-ai/cubek/issues/434>).
pub(crate) fn padded(terms: usize) -> usize {
    terms.next_multiple_of(128)
}

impl Device {
    /// Groups of games that self-play keeps in flight on a GPU, at least: the CPU steps one while the GPU evaluates another.
    pub const GROUPS: usize = 2;

    /// Memory of the GPU; none on the CPU.
    ///
    /// # Errors
    /// If this build does not support the device, or the GPU or its driver is missing or too old.
    pub fn card(self) -> Result<Option<Card>> {
        match self {
            Self::Auto => Self::of_this_build().card(),
            Self::Cpu => Ok(None),
            #[cfg(feature = "cuda")]
            Self::Cuda => gpu::cards::cuda().map(Some),
            #[cfg(feature = "wgpu")]
            Self::Wgpu => gpu::cards::wgpu().map(Some),
            #[cfg(not(feature = "cuda"))]
            Self::Cuda => Err(built_without("cuda")),
            #[cfg(not(feature = "wgpu"))]
            Self::Wgpu => Err(built_without("wgpu")),
        }
    }

    /// Bytes of the GPU's memory that tensors of this process take now, and that the runtime holds for them; none on the CPU.
    ///
    /// # Errors
    /// As for [`card`](Self::card), or if the device fails.
    pub fn memory(self) -> Result<Option<[u64; 2]>> {
        match self {
            Self::Auto => Self::of_this_build().memory(),
            #[cfg(feature = "cuda")]
            Self::Cuda => gpu::cards::usage::<::burn::backend::Cuda>(&Default::default()).map(Some),
            #[cfg(feature = "wgpu")]
            Self::Wgpu => gpu::cards::usage::<::burn::backend::Wgpu>(&Default::default()).map(Some),
            device => device.card().map(|_| None),
        }
    }

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
            Self::Cuda => Err(built_without("cuda")),
            #[cfg(not(feature = "wgpu"))]
            Self::Wgpu => Err(built_without("wgpu")),
        }
    }
}

/// The error of a device that this build does not support.
#[cfg(not(all(feature = "cuda", feature = "wgpu")))]
fn built_without(device: &str) -> anyhow::Error {
    anyhow::anyhow!("run.device = {device}: this program was built without; build it with --features {device}")
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
    use keisei_core::learn::{Adam, StepResult, StepRules, Verdict};
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
                batch.push(step.observation, rollout.legal_of(step.legal).iter().copied());
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

    /// Rules that allow every step.
    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    const RULES: StepRules =
        StepRules { learning_rate: 1e-3, max_grad_norm: 0.005, target_kl: f32::INFINITY, ratio_limit: f64::INFINITY };

    /// Results of five minibatches of two epochs by these rules, weights and moments after them, and the steps taken.
    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    fn descend(
        learner: &mut dyn Learner,
        rollout: &Rollout,
        rules: &StepRules,
    ) -> (Vec<StepResult>, [Vec<f32>; 3], u32) {
        let mut weights = weights(16, 1);
        let mut adam = Adam::new(weights.data().len());
        let mut descent = learner.descent(&mut weights, &mut adam);
        let slots: Vec<usize> = (0..80).collect();
        let mut results = Vec::new();
        for (number, slots) in slots.chunks(16).enumerate() {
            let advantages = &rollout.advantages[..16];
            let minibatch = Minibatch { rollout, slots, advantages, past: &[number, number + 2] };
            descent.step(&minibatch, &COEFFICIENTS, rules).expect("the device does not fail");
            if number == 2 {
                results.extend(descent.results().expect("the device does not fail"));
            }
        }
        results.extend(descent.results().expect("the device does not fail"));
        descent.finish().expect("the device does not fail");
        let [first, second] = adam.moments().map(<[f32]>::to_vec);
        let before = self::weights(16, 1);
        let moved = weights.data().iter().zip(before.data()).map(|(after, before)| after - before);
        (results, [moved.collect(), first, second], adam.steps())
    }

    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    fn check_descent(precision: Precision, tolerance: f64) {
        let rollout = rollout(96);
        let (results, expected, steps) =
            descend(&mut CpuLearner::new(Features::Attack96, Actions::Dest2187, 1), &rollout, &RULES);
        assert!(steps == 5 && results.iter().all(|result| result.norm > RULES.max_grad_norm), "{results:?}");
        for mut learner in gpus(precision) {
            let (_, found, steps) = descend(learner.as_mut(), &rollout, &RULES);
            assert_eq!(steps, 5);
            for (what, (found, expected)) in found.iter().zip(&expected).enumerate() {
                let error = norm(found.iter().zip(expected).map(|(f, e)| f - e)) / norm(expected.iter().copied());
                println!("{}, {what}: {error:.1e}", learner.name());
                assert!(error < tolerance, "{}, {what}: {error}", learner.name());
            }
        }
    }

    /// Compares what a GPU does with each minibatch, without being asked in between, with what the CPU does.
    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    fn check_verdicts(rollout: &Rollout, rules: &StepRules, expected: &[Verdict]) {
        let mut cpu = CpuLearner::new(Features::Attack96, Actions::Dest2187, 1);
        let (of_cpu, moved, steps) = descend(&mut cpu, rollout, rules);
        let verdicts = |results: &[StepResult]| results.iter().map(|result| result.verdict).collect::<Vec<_>>();
        assert_eq!(verdicts(&of_cpu), expected);
        for mut learner in gpus(Precision::F32) {
            let (of_gpu, found, found_steps) = descend(learner.as_mut(), rollout, rules);
            assert_eq!(verdicts(&of_gpu), expected, "{}: {of_gpu:?}", learner.name());
            for (found, expected) in of_gpu.iter().zip(&of_cpu).filter(|(_, one)| one.verdict != Verdict::NotFinite) {
                let near = |found: f64, expected: f64| (found - expected).abs() < 2e-3 * expected.abs().max(1.0);
                assert!(near(f64::from(found.norm), f64::from(expected.norm)), "{found:?}, not {expected:?}");
                assert!(near(found.sums.approx_kl, expected.sums.approx_kl), "{found:?}, not {expected:?}");
                assert_eq!([found.sums.samples, found.sums.mates], [expected.sums.samples, expected.sums.mates]);
            }
            assert_eq!(found_steps, steps);
            let error = norm(found[0].iter().zip(&moved[0]).map(|(f, e)| f - e));
            assert!(error <= 0.03 * norm(moved[0].iter().copied()), "{}: {error}", learner.name());
        }
    }

    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    #[test]
    fn a_gpu_decides_as_the_cpu_does() {
        use Verdict::{NotFinite, OtherPolicy, Taken, TakenLast};
        let rollout = rollout(96);
        let (results, ..) = descend(&mut CpuLearner::new(Features::Attack96, Actions::Dest2187, 1), &rollout, &RULES);
        check_verdicts(&rollout, &RULES, &[Taken; 5]);
        // The update ends with the first minibatch above a target that lies between two of their divergences.
        let kl: Vec<f32> = results.iter().map(|result| result.sums.means().approx_kl as f32).collect();
        let mut sorted = kl.clone();
        sorted.sort_by(f32::total_cmp);
        for target_kl in sorted.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0) {
            let last = kl.iter().position(|&kl| kl > target_kl).expect("one is above");
            let mut expected = vec![Taken; last];
            expected.push(TakenLast);
            check_verdicts(&rollout, &StepRules { target_kl, ..RULES }, &expected);
        }
        // The plies were not played by this policy: their probabilities are random.
        check_verdicts(&rollout, &StepRules { ratio_limit: 1e-3, ..RULES }, &[OtherPolicy]);
        let mut sick = self::rollout(96);
        sick.steps[20].log_prob = f32::NAN;
        sick.steps[60].log_prob = f32::NEG_INFINITY;
        check_verdicts(&sick, &RULES, &[Taken, NotFinite, Taken, NotFinite, Taken]);
        sick.steps[0].log_prob = f32::NAN;
        check_verdicts(&sick, &StepRules { ratio_limit: 1e-3, ..RULES }, &[NotFinite, NotFinite, OtherPolicy]);
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
                batch.push(step.observation, rollout.legal_of(step.legal).iter().copied());
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
