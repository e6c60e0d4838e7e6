//! Gradients worked out by hand, by core's Winograd kernels: several times as fast as automatic differentiation.

use super::{Learner, Minibatch};
use crate::ppo::{Coefficients, Sample, Sums, loss_of_sample};
use anyhow::Result;
use keisei_core::encoding::{Actions, Features, SQUARES};
use keisei_core::net::simd::{Backprop, Level, Tape};
use keisei_core::net::{NetSpec, OUTCOMES, Weights};
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A learner on the CPU's vectors.
///
/// A minibatch is cut into shards whose size depends on nothing but the minibatch's; their gradients are added in order,
/// so the sum does not depend on the number of threads.
pub struct CpuLearner {
    features: Features,
    actions: Actions,
    threads: usize,
    /// Buffers of each thread and shard, kept from one minibatch to the next.
    kept: Option<Kept>,
}

/// Buffers for one architecture.
struct Kept {
    spec: NetSpec,
    workers: Vec<Worker>,
    shards: Vec<Mutex<Shard>>,
}

/// Buffers of one thread.
struct Worker {
    tape: Tape,
    planes: Vec<f32>,
    policy: Vec<f32>,
    policy_gradient: Vec<f32>,
    wdl: Vec<f32>,
    wdl_gradient: Vec<f32>,
}

/// What came out of one shard.
struct Shard {
    gradient: Vec<f32>,
    sums: Sums,
}

/// The fewest samples of a shard: enough for what is done once a shard not to count.
const MIN_SHARD: usize = 64;

/// The most shards, each of which has a gradient of its own in memory.
const MAX_SHARDS: usize = 32;

impl CpuLearner {
    /// With so many threads.
    pub fn new(features: Features, actions: Actions, threads: usize) -> Self {
        Self { features, actions, threads, kept: None }
    }
}

impl Learner for CpuLearner {
    fn name(&self) -> String {
        format!("{}, {} threads", Level::best(), self.threads)
    }

    fn gradient(
        &mut self,
        weights: &Weights,
        minibatch: &Minibatch,
        coefficients: &Coefficients,
    ) -> Result<(Vec<f32>, Sums)> {
        let net = Backprop::new(weights);
        let samples = minibatch.slots.len();
        let size = samples.div_ceil(MAX_SHARDS).next_multiple_of(Backprop::CHUNK).max(MIN_SHARD);
        let ranges: Vec<Range<usize>> =
            (0..samples).step_by(size).map(|start| start..samples.min(start + size)).collect();
        let (features, actions) = (self.features, self.actions);

        let mut kept = self.kept.take().filter(|kept| kept.spec == *weights.spec()).unwrap_or_else(|| Kept {
            spec: weights.spec().clone(),
            workers: Vec::new(),
            shards: Vec::new(),
        });
        while kept.workers.len() < self.threads.min(ranges.len()) {
            kept.workers.push(Worker::new(&net, features, actions));
        }
        while kept.shards.len() < ranges.len() {
            let gradient = vec![0.0; weights.data().len()];
            kept.shards.push(Mutex::new(Shard { gradient, sums: Sums::default() }));
        }

        let next = AtomicUsize::new(0);
        let (next, net, ranges, shards) = (&next, &net, &ranges, &kept.shards);
        std::thread::scope(|scope| {
            for worker in &mut kept.workers {
                scope.spawn(move || {
                    loop {
                        let shard = next.fetch_add(1, Ordering::Relaxed);
                        let Some(range) = ranges.get(shard).cloned() else { return };
                        let mut shard = shards[shard].lock().expect("no thread panics with a shard in hand");
                        shard.sums = worker.add_shard(net, features, minibatch, range, coefficients);
                        net.take_gradient(&mut worker.tape, &mut shard.gradient);
                    }
                });
            }
        });

        let mut gradient = vec![0.0; weights.data().len()];
        let mut sums = Sums::default();
        for shard in &mut kept.shards[..ranges.len()] {
            let shard = shard.get_mut().expect("no thread panics with a shard in hand");
            for (sum, g) in gradient.iter_mut().zip(&shard.gradient) {
                *sum += g;
            }
            sums.add(&shard.sums);
        }
        self.kept = Some(kept);
        Ok((gradient, sums))
    }
}

impl Worker {
    fn new(net: &Backprop, features: Features, actions: Actions) -> Self {
        let boards = |numbers: usize| vec![0.0; Backprop::CHUNK * numbers];
        Self {
            tape: net.tape(),
            planes: boards(features.planes() * SQUARES),
            policy: boards(actions.count()),
            policy_gradient: boards(actions.count()),
            wdl: boards(OUTCOMES),
            wdl_gradient: boards(OUTCOMES),
        }
    }

    /// Adds the gradients of these samples to the tape.
    fn add_shard(
        &mut self,
        net: &Backprop,
        features: Features,
        minibatch: &Minibatch,
        range: Range<usize>,
        coefficients: &Coefficients,
    ) -> Sums {
        let rollout = minibatch.rollout;
        let mut sums = Sums::default();
        let size = features.planes() * SQUARES;
        let actions = self.policy.len() / Backprop::CHUNK;
        let slots = minibatch.slots[range.clone()].chunks(Backprop::CHUNK);
        for (slots, advantages) in slots.zip(minibatch.advantages[range].chunks(Backprop::CHUNK)) {
            let planes = &mut self.planes[..slots.len() * size];
            let policy = &mut self.policy[..slots.len() * actions];
            let policy_gradient = &mut self.policy_gradient[..slots.len() * actions];
            let wdl = &mut self.wdl[..slots.len() * OUTCOMES];
            let wdl_gradient = &mut self.wdl_gradient[..slots.len() * OUTCOMES];
            for (&slot, planes) in slots.iter().zip(planes.chunks_exact_mut(size)) {
                features.expand(&rollout.steps[slot].observation, planes);
            }
            net.forward(&mut self.tape, planes, policy, wdl);
            for (i, (&slot, &advantage)) in slots.iter().zip(advantages).enumerate() {
                let step = &rollout.steps[slot];
                let sample = Sample {
                    legal: rollout.legal_of(step),
                    action: step.action,
                    old_log_prob: step.log_prob,
                    advantage,
                    target: rollout.targets[slot],
                };
                let logits = &policy[i * actions..][..actions];
                let outcome = std::array::from_fn(|o| wdl[i * OUTCOMES + o]);
                let gradient = &mut policy_gradient[i * actions..][..actions];
                let d = loss_of_sample(&sample, logits, outcome, coefficients, &mut sums, gradient);
                wdl_gradient[i * OUTCOMES..][..OUTCOMES].copy_from_slice(&d);
            }
            net.backward(&mut self.tape, policy_gradient, wdl_gradient);
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    #[cfg(feature = "burn")]
    use super::super::BurnLearner;
    use super::*;
    use crate::random::{Purpose, Stream};
    use crate::rollout::{End, Rollout, Step};
    use keisei_core::encoding::PackedObservation;
    use keisei_core::net::{Executor, simd::Simd};
    use keisei_core::shogi::Game;

    const COEFFICIENTS: Coefficients =
        Coefficients { clip_coef: 0.2, vf_coef: 0.7, ent_coef: 0.03, scale: 1.0 / 512.0 };

    /// Plies of random games, as a rollout whose policy was nearly uniform.
    fn rollout(plies: usize) -> Rollout {
        let mut stream = Stream::new(5, Purpose::Sampling, 0, 0);
        let mut rollout = Rollout { horizon: plies, ..Rollout::default() };
        let mut game = Game::startpos();
        for _ in 0..plies {
            let legal = Actions::Dest2187.legal(game.position());
            let played = stream.below(legal.actions().len());
            let start = rollout.legal.len() as u32;
            rollout.legal.extend(legal.actions());
            rollout.steps.push(Step {
                observation: PackedObservation::new(&game),
                legal: (start, legal.actions().len() as u16),
                action: legal.actions()[played],
                log_prob: -(legal.actions().len() as f32).ln() + stream.uniform() - 0.5,
                wdl: [0.3, 0.4, 0.3],
                prior: 0.0,
                reward: 0.0,
                end: End::None,
                next: None,
            });
            let win = stream.uniform() / 2.0;
            rollout.targets.push([win, 0.5, 0.5 - win]);
            rollout.advantages.push(2.0 * stream.uniform() - 1.0);
            game.play(legal.moves()[played]);
            if game.outcome().is_some() {
                game = Game::startpos();
            }
        }
        rollout
    }

    /// A network in mid-training: no layer is zero.
    fn weights(channels: u16, blocks: u16) -> Weights {
        let (features, actions) = (Features::Attack96, Actions::Dest2187);
        let spec = NetSpec {
            planes: features.planes() as u16,
            policy_planes: (actions.count() / SQUARES) as u16,
            channels,
            blocks,
            value_channels: 5,
            value_hidden: 19,
        };
        let mut stream = Stream::new(u64::from(channels), Purpose::Weights, 0, 0);
        let mut weights = Weights::init(&spec, 1).expect("the shape is valid");
        for w in weights.data_mut() {
            *w += 0.04 * (stream.uniform() - 0.5);
        }
        weights
    }

    fn gradient(learner: &mut dyn Learner, weights: &Weights, rollout: &Rollout, slots: &[usize]) -> (Vec<f32>, Sums) {
        let advantages: Vec<f32> = slots.iter().map(|&slot| rollout.advantages[slot]).collect();
        let minibatch = Minibatch { rollout, slots, advantages: &advantages };
        learner.gradient(weights, &minibatch, &COEFFICIENTS).expect("the CPU does not fail")
    }

    #[cfg(feature = "burn")]
    fn norm(numbers: impl Iterator<Item = f32>) -> f64 {
        numbers.map(|x| f64::from(x).powi(2)).sum::<f64>().sqrt()
    }

    #[cfg(feature = "burn")]
    fn check(channels: u16, blocks: u16, samples: usize) {
        let rollout = rollout(150);
        let mut slots: Vec<usize> = (0..rollout.steps.len()).collect();
        Stream::new(1, Purpose::Shuffle, 0, 0).shuffle(&mut slots);
        let (slots, weights) = (&slots[..samples], weights(channels, blocks));
        let mut learner = CpuLearner::new(Features::Attack96, Actions::Dest2187, 1);
        let (found, sums) = gradient(&mut learner, &weights, &rollout, slots);
        let mut burn = BurnLearner::cpu(Features::Attack96, Actions::Dest2187, 1);
        let (expected, expected_sums) = gradient(&mut burn, &weights, &rollout, slots);
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
    }

    #[cfg(feature = "burn")]
    #[test]
    fn gradients_and_sums_are_those_of_automatic_differentiation() {
        check(8, 1, 3);
        check(16, 0, 8);
        check(40, 2, 21);
        check(32, 4, 140);
    }

    #[test]
    fn the_number_of_threads_does_not_change_a_bit() {
        let (rollout, weights) = (rollout(300), weights(16, 1));
        let slots: Vec<usize> = (0..300).collect();
        let run = |threads| {
            let mut learner = CpuLearner::new(Features::Attack96, Actions::Dest2187, threads);
            // The second time in buffers that have been used.
            let first = gradient(&mut learner, &weights, &rollout, &slots);
            assert!(first == gradient(&mut learner, &weights, &rollout, &slots), "{threads} threads, again");
            first
        };
        let one = run(1);
        assert!(one == run(2) && one == run(3));
    }

    #[test]
    fn a_network_learns_with_the_probabilities_that_it_plays_with() {
        let (mut rollout, weights) = (rollout(40), weights(32, 2));
        let mut executor = Simd::new(&weights);
        let (mut planes, mut policy) = (vec![0.0; Features::Attack96.planes() * SQUARES], vec![0.0; 2187]);
        let Rollout { steps, legal, .. } = &mut rollout;
        for step in steps {
            Features::Attack96.expand(&step.observation, &mut planes);
            executor.forward(1, &planes, &mut policy, &mut [0.0; OUTCOMES]);
            let legal = &legal[step.legal.0 as usize..][..usize::from(step.legal.1)];
            let sum: f64 = legal.iter().map(|&action| f64::from(policy[usize::from(action)]).exp()).sum();
            step.log_prob = (f64::from(policy[usize::from(step.action)]) - sum.ln()) as f32;
        }
        let mut learner = CpuLearner::new(Features::Attack96, Actions::Dest2187, 2);
        let slots: Vec<usize> = (0..40).collect();
        let (_, sums) = gradient(&mut learner, &weights, &rollout, &slots);
        assert!(sums.max_ratio_error < 1e-5, "{}", sums.max_ratio_error);
    }
}
