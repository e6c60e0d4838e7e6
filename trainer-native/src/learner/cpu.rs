//! Gradients by core's hand-written backward pass, several times as fast as automatic differentiation.

use super::Precision;
use anyhow::{Result, bail};
use keisei_core::encoding::{Actions, Features, SQUARES};
use keisei_core::evaluator::{Evaluator, HostEvaluator};
use keisei_core::learn::{
    Adam, Coefficients, Descent, HostDescent, LearnError, Learner, Minibatch, RatioTolerance, Sums, loss_of_sample,
    loss_of_score,
};
use keisei_core::net::simd::{Backprop, Bf16, Level, Simd, Tape};
use keisei_core::net::{NetSpec, OUTCOMES, WdlLogits, Weights};
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Learner on the CPU, by its vector instructions or its matrix unit.
///
/// A minibatch is split into shards whose size depends on that of the minibatch only; their gradients are added in order, so
/// the sum does not depend on the number of threads.
pub struct CpuLearner {
    features: Features,
    actions: Actions,
    precision: Precision,
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
    /// Scores; empty without a score head.
    score: Vec<f32>,
    score_gradient: Vec<f32>,
}

/// Results of one shard.
struct Shard {
    gradient: Vec<f32>,
    sums: Sums,
}

/// Reason why `expect` holds: [`CpuLearner::with_precision`] has checked that there is a matrix unit.
const UNIT: &str = "no learner is made for a matrix unit that is not there";

/// Least number of samples of a shard: enough for the fixed cost of a shard to be negligible.
const MIN_SHARD: usize = 64;

/// Largest number of shards, each of which has its own gradient in memory.
const MAX_SHARDS: usize = 32;

impl CpuLearner {
    /// Learner in f32, with `threads` threads.
    pub fn new(features: Features, actions: Actions, threads: usize) -> Self {
        Self { features, actions, precision: Precision::F32, threads, kept: None }
    }

    /// Learner in this precision, with `threads` threads.
    ///
    /// # Errors
    /// If this CPU does not support the precision.
    pub fn with_precision(features: Features, actions: Actions, precision: Precision, threads: usize) -> Result<Self> {
        match precision {
            Precision::Bf16 | Precision::Bf16x3 if !Bf16::is_available() => {
                bail!("run.precision = {precision}: this CPU has no matrix unit (Intel AMX, on Linux)")
            }
            Precision::F16 => bail!("run.precision = f16: for GPUs only"),
            _ => Ok(Self { precision, ..Self::new(features, actions, threads) }),
        }
    }

    fn backprop(&self, weights: &Weights) -> Backprop {
        let network = match self.precision {
            Precision::Bf16 => Backprop::bf16(weights),
            Precision::Bf16x3 => Backprop::bf16x3(weights),
            _ if self.threads > 1 => Some(Backprop::in_two_tasks(weights, |forward, backward| {
                std::thread::scope(|scope| {
                    scope.spawn(forward);
                    backward();
                });
            })),
            _ => Some(Backprop::new(weights)),
        };
        network.expect(UNIT)
    }
}

impl Learner for CpuLearner {
    fn name(&self) -> String {
        match self.precision {
            Precision::F32 => format!("{}, {} threads", Level::best(), self.threads),
            precision => format!("amx {precision}, {} threads", self.threads),
        }
    }

    fn ratio_tolerance(&self) -> RatioTolerance {
        self.precision.ratio_tolerance()
    }

    fn evaluator(&self, weights: &Weights) -> Box<dyn Evaluator + Send> {
        let (features, actions) = (self.features, self.actions);
        match self.precision {
            Precision::Bf16 => Box::new(HostEvaluator::new(Bf16::new(weights).expect(UNIT), features, actions)),
            Precision::Bf16x3 => Box::new(HostEvaluator::new(Bf16::x3(weights).expect(UNIT), features, actions)),
            _ => Box::new(HostEvaluator::new(Simd::new(weights), features, actions)),
        }
    }

    fn descent<'a>(&'a mut self, weights: &'a mut Weights, adam: &'a mut Adam) -> Box<dyn Descent + 'a> {
        Box::new(HostDescent::new(self, weights, adam))
    }

    fn gradient(
        &mut self,
        weights: &Weights,
        minibatch: &Minibatch,
        coefficients: &Coefficients,
    ) -> Result<(Vec<f32>, Sums), LearnError> {
        let net = self.backprop(weights);
        let samples = minibatch.len();
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
            kept.workers.push(Worker::new(&net, weights.spec(), features, actions));
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
                        shard.sums = worker.add_shard(net, features, &minibatch.part(range), coefficients);
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
    fn new(net: &Backprop, spec: &NetSpec, features: Features, actions: Actions) -> Self {
        let boards = |numbers: usize| vec![0.0; Backprop::CHUNK * numbers];
        let scores = usize::from(spec.options.score_hidden > 0);
        Self {
            tape: net.tape(),
            planes: boards(features.planes() * SQUARES),
            policy: boards(actions.count()),
            policy_gradient: boards(actions.count()),
            wdl: boards(OUTCOMES),
            wdl_gradient: boards(OUTCOMES),
            score: boards(scores),
            score_gradient: boards(scores),
        }
    }

    /// Adds the gradients of these samples to the tape.
    fn add_shard(
        &mut self,
        net: &Backprop,
        features: Features,
        minibatch: &Minibatch,
        coefficients: &Coefficients,
    ) -> Sums {
        let mut sums = Sums::default();
        let size = features.planes() * SQUARES;
        let actions = self.policy.len() / Backprop::CHUNK;
        let scores = self.score.len() / Backprop::CHUNK;
        let chunk = net.fastest_chunk();
        for first in (0..minibatch.len()).step_by(chunk) {
            let boards = chunk.min(minibatch.len() - first);
            let planes = &mut self.planes[..boards * size];
            let policy = &mut self.policy[..boards * actions];
            let policy_gradient = &mut self.policy_gradient[..boards * actions];
            let wdl = &mut self.wdl[..boards * OUTCOMES];
            let wdl_gradient = &mut self.wdl_gradient[..boards * OUTCOMES];
            let score = &mut self.score[..boards * scores];
            let score_gradient = &mut self.score_gradient[..boards * scores];
            for (sample, planes) in (first..).zip(planes.chunks_exact_mut(size)) {
                features.expand(minibatch.position(sample).0, planes);
            }
            net.forward_scored(&mut self.tape, planes, policy, wdl, score);
            for i in 0..boards {
                let sample = minibatch.sample(first + i);
                let logits = &policy[i * actions..][..actions];
                let outcome = WdlLogits(std::array::from_fn(|o| wdl[i * OUTCOMES + o]));
                let gradient = &mut policy_gradient[i * actions..][..actions];
                let d = loss_of_sample(&sample, logits, outcome, coefficients, &mut sums, gradient);
                wdl_gradient[i * OUTCOMES..][..OUTCOMES].copy_from_slice(&d);
            }
            for ((d, &score), sample) in score_gradient.iter_mut().zip(&*score).zip(first..) {
                *d = loss_of_score(score, minibatch.position(sample).1, coefficients, &mut sums);
            }
            net.backward_scored(&mut self.tape, policy_gradient, wdl_gradient, score_gradient);
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{gradient, rollout, weights};
    use super::*;
    use crate::ranks::threads::tests::on_ranks;
    use keisei_core::evaluator::Batch;
    use keisei_core::learn::{Alone, Reduce, Rollout, StepResult, StepRules};
    use std::time::Duration;

    /// Learners with `threads` threads, one for each precision that this CPU supports.
    fn learners(threads: usize) -> impl Iterator<Item = CpuLearner> {
        let precisions = [Precision::F32, Precision::Bf16x3, Precision::Bf16];
        let learner =
            move |precision| CpuLearner::with_precision(Features::Attack96, Actions::Dest2187, precision, threads).ok();
        precisions.into_iter().filter_map(learner)
    }

    #[test]
    fn the_number_of_threads_does_not_change_a_bit() {
        let (rollout, weights) = (rollout(300), weights(16, 1));
        let slots: Vec<usize> = (0..300).collect();
        let run = |mut learner: CpuLearner| {
            // The second gradient is computed in buffers that have been used.
            let first = gradient(&mut learner, &weights, &rollout, &slots);
            assert!(first == gradient(&mut learner, &weights, &rollout, &slots), "{}, again", learner.name());
            first
        };
        for ((one, two), three) in learners(1).zip(learners(2)).zip(learners(3)) {
            let (name, one) = (one.name(), run(one));
            assert!(one == run(two) && one == run(three), "{name}");
        }
    }

    #[test]
    fn a_network_learns_with_the_probabilities_that_it_plays_with() {
        let (mut rollout, weights) = (rollout(40), weights(32, 2));
        let slots: Vec<usize> = (0..40).collect();
        for mut learner in learners(2) {
            let mut evaluator = learner.evaluator(&weights);
            let mut batch = Batch::new();
            let Rollout { steps, legal, .. } = &mut rollout;
            for step in steps {
                let legal = &legal[step.legal.start as usize..][..usize::from(step.legal.count)];
                batch.clear();
                batch.push(step.observation, legal.iter().copied());
                let logits = evaluator.evaluate(&batch).expect("a CPU does not fail").get(0).logits;
                let chosen = legal.iter().position(|&action| action == step.action).expect("it was legal");
                let sum: f64 = logits.iter().map(|&logit| f64::from(logit).exp()).sum();
                step.log_prob = (f64::from(logits[chosen]) - sum.ln()) as f32;
            }
            let (_, sums) = gradient(&mut learner, &weights, &rollout, &slots);
            assert!(sums.max_ratio_error < 1e-5, "{}: {}", learner.name(), sums.max_ratio_error);
        }
    }

    #[test]
    fn a_precision_that_the_cpu_lacks_is_an_error() {
        let error = |precision| CpuLearner::with_precision(Features::Attack96, Actions::Dest2187, precision, 1).err();
        assert!(error(Precision::F16).expect("no CPU learns in it").to_string().contains("for GPUs only"));
        assert_eq!(error(Precision::Bf16).is_none(), Bf16::is_available());
        assert_eq!(error(Precision::Bf16x3).is_none(), Bf16::is_available());
    }

    #[test]
    fn ranks_with_parts_of_a_minibatch_have_the_gradient_of_the_whole() {
        let (rollout, weights) = (rollout(301), weights(32, 2));
        let slots: Vec<usize> = (0..301).collect();
        let coefficients = Coefficients {
            clip_coef: 0.2,
            vf_coef: 0.7,
            past_coef: 0.6,
            score_coef: 0.0,
            ent_coef: 0.03,
            kl_coef: 0.05,
            mate_coef: 0.8,
            scale: 1.0 / 301.0,
        };
        let rules = StepRules {
            learning_rate: 1.0,
            max_grad_norm: f32::INFINITY,
            target_kl: f32::INFINITY,
            ratio_limit: f64::INFINITY,
        };
        let past: Vec<usize> = (0..rollout.past.len()).collect();
        // Norm of the gradient, parts of the loss, and the first moment, which after one step is a tenth of the gradient.
        let descend = |reduce: &dyn Reduce, plies: Range<usize>, past: &[usize]| {
            let (mut learner, mut weights) =
                (CpuLearner::new(Features::Attack96, Actions::Dest2187, 1), weights.clone());
            let mut adam = Adam::new(weights.data().len());
            let mut descent = HostDescent::among(&mut learner, &mut weights, &mut adam, reduce);
            let advantages = &rollout.advantages[plies.clone()];
            let minibatch = Minibatch { rollout: &rollout, slots: &slots[plies], advantages, past };
            descent.step(&minibatch, &coefficients, &rules).expect("a CPU does not fail");
            let StepResult { norm, sums, .. } = descent.results().expect("a CPU does not fail")[0];
            Box::new(descent).finish().expect("a CPU does not fail");
            let first = adam.moments()[0].to_vec();
            (norm, sums, first)
        };
        let (norm, sums, whole) = descend(&Alone, 0..301, &past);
        let norm_of =
            |numbers: &mut dyn Iterator<Item = f32>| numbers.map(|x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        // Equal parts, unequal ones, and a rank that has nothing.
        for cuts in [&[150][..], &[40, 290], &[301]] {
            let ranks = cuts.len() + 1;
            let found = on_ranks(ranks, Duration::from_mins(1), |reduce| {
                let rank = reduce.rank();
                let at = |cut: usize| if cut == 0 { 0 } else { cuts.get(cut - 1).copied().unwrap_or(301) };
                let own = at(rank)..at(rank + 1);
                let of_past = past.len() * own.start / 301..past.len() * own.end / 301;
                descend(reduce.as_ref(), own, &past[of_past])
            });
            assert!(found.iter().all(|other| *other == found[0]), "all ranks have the same");
            let (found_norm, found_sums, first) = &found[0];
            for tensor in weights.spec().tensors() {
                let range = || tensor.range.clone();
                let error =
                    norm_of(&mut range().map(|i| first[i] - whole[i])) / norm_of(&mut range().map(|i| whole[i]));
                assert!(error < 1e-6, "{ranks} ranks, {}: {error}", tensor.name);
            }
            assert!((found_norm / norm - 1.0).abs() < 1e-6, "{found_norm}, not {norm}");
            assert_eq!((found_sums.samples, found_sums.mates, found_sums.past), (sums.samples, sums.mates, sums.past));
            let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9 * b.abs().max(1.0), "{a}, not {b}");
            near(found_sums.policy_loss, sums.policy_loss);
            near(found_sums.approx_kl, sums.approx_kl);
            near(found_sums.past_loss, sums.past_loss);
            near(found_sums.lesson_loss, sums.lesson_loss);
        }
    }
}
