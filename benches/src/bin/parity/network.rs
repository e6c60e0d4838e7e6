//! Inputs to an executor, its outputs, and their differences from another's.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail};
use keisei_benches::worker::Worker;
use keisei_core::encoding::{Action, PackedObservation, SQUARES};
use keisei_core::evaluator::Batch;
use keisei_core::format::model::{Dtype, Model};
use keisei_core::learn::{
    Choice, Coefficients, Learner, Minibatch, Rollout, Sample, Step, Sums, Task, loss_of_sample, loss_of_score,
};
use keisei_core::net::simd::Backprop;
use keisei_core::net::{Executor, OUTCOMES, WdlLogits};
use keisei_core::random::{Purpose, SplitMix64, Stream};
use trainer_native::learner::BurnLearner;

/// Bar: largest difference of a logit or a value in f32.
pub const LOGIT_BAR: f32 = 1e-4;

/// Bar: largest error of a tensor's gradient, relative to the gradient's size.
pub const GRADIENT_BAR: f64 = 1e-3;

/// The widest network whose gradient is taken: for more, automatic differentiation takes minutes.
const WIDEST_GRADIENT: u16 = 32;

/// Sampling rate: one ply of random games in `ONE_IN`.
const ONE_IN: usize = 8;

/// Relative change of a weight that shows whether a gradient jumps: it moves a unit ten times as far as rounding does.
const NUDGE: f32 = 1e-5;

const COEFFICIENTS: Coefficients = Coefficients {
    clip_coef: 0.2,
    vf_coef: 1.0,
    past_coef: 0.0,
    score_coef: 0.3,
    ent_coef: 0.03,
    kl_coef: 0.0,
    mate_coef: 0.0,
    scale: 1.0 / 64.0,
};

/// A network and the inputs that it is compared on.
pub struct NetworkCase {
    pub name: String,
    pub model: Model,
    rollout: Rollout,
    /// Plies of the rollout, and the advantages of their actions.
    slots: Vec<usize>,
    advantages: Vec<f32>,
    pub planes: Vec<f32>,
    /// Number of positions left out because their gradient cannot be compared.
    pub passed_over: usize,
}

/// Outputs of an executor: logits, scores if the network has them, and the gradient if it was taken.
#[derive(Clone, Default)]
pub struct Output {
    policy: Vec<f32>,
    wdl: Vec<f32>,
    score: Vec<f32>,
    pub gradient: Vec<f32>,
}

pub struct Differences {
    pub policy: f32,
    pub value: f32,
    pub gradient: Option<f64>,
}

impl NetworkCase {
    pub fn new(name: &str, model: Model, positions: usize) -> Result<NetworkCase> {
        let stream = Stream::new(1, Purpose::Sampling, 0, 0);
        // Twice as many as needed, because some are left out.
        let rollout = Rollout::of_random_games(2 * ONE_IN * positions, model.actions, stream);
        let (slots, advantages, planes) = Default::default();
        let mut network =
            NetworkCase { name: name.to_owned(), model, rollout, slots, advantages, planes, passed_over: 0 };
        (network.slots, network.passed_over) = network.smooth_slots(positions)?;
        network.advantages = network.slots.iter().map(|&slot| network.rollout.advantages[slot]).collect();
        network.planes = vec![0.0; positions * network.model.features.planes() * SQUARES];
        network.model.features.expand_batch(&network.observations(), &mut network.planes);
        Ok(network)
    }

    /// Plies in which no unit is at the kink of its `ReLU`, and the number of plies left out. At a kink rounding decides the slope,
    /// so gradients cannot be compared. A ply counts as smooth if burn-flex's own gradient changes by less than the bar when the
    /// weights change a little.
    fn smooth_slots(&self, positions: usize) -> Result<(Vec<usize>, usize)> {
        let Model { features, actions, ref weights, .. } = self.model;
        let mut random = SplitMix64(2);
        let noise: Vec<f32> = weights.data().iter().map(|_| NUDGE * random.symmetric()).collect();
        let nudged = [1.0, -1.0].map(|sign| {
            let mut weights = weights.clone();
            weights.data_mut().iter_mut().zip(&noise).for_each(|(w, noise)| *w *= 1.0 + sign * noise);
            weights
        });
        let mut learner = BurnLearner::new(features, actions, 1);
        let (mut smooth, mut passed_over) = (Vec::new(), 0);
        for slot in (0..self.rollout.steps.len()).step_by(ONE_IN) {
            if smooth.len() == positions {
                break;
            }
            let mut gradient = |weights| {
                let advantages = &self.rollout.advantages[slot..=slot];
                let minibatch = Minibatch { rollout: &self.rollout, slots: &[slot], advantages, past: &[] };
                learner.gradient(weights, &minibatch, &COEFFICIENTS).map(|(gradient, _)| gradient)
            };
            let mut moved = 0.0;
            if self.learns() {
                let expected = gradient(weights)?;
                for nudged in &nudged {
                    moved = worse(moved, self.gradient_error(&expected, &gradient(nudged)?));
                }
            }
            if moved < GRADIENT_BAR { smooth.push(slot) } else { passed_over += 1 }
        }
        if smooth.len() < positions {
            bail!("{}: hardly a position has a gradient", self.name);
        }
        Ok((smooth, passed_over))
    }

    fn steps(&self) -> impl Iterator<Item = &Step> {
        self.slots.iter().map(|&slot| &self.rollout.steps[slot])
    }

    fn observations(&self) -> Vec<PackedObservation> {
        self.steps().map(|step| step.observation).collect()
    }

    pub fn learns(&self) -> bool {
        self.model.spec().channels <= WIDEST_GRADIENT
    }

    /// Zeros in the shapes of the outputs for this number of positions.
    fn room(&self, positions: usize) -> Output {
        let spec = self.model.spec();
        let numbers = |of_position: usize| vec![0.0; positions * of_position];
        let scores = usize::from(spec.options.score_hidden > 0);
        let (policy, wdl, score) = (numbers(spec.actions()), numbers(OUTCOMES), numbers(scores));
        Output { policy, wdl, score, gradient: Vec::new() }
    }

    pub fn run(&self, executor: &mut dyn Executor) -> Output {
        let mut output = self.room(self.slots.len());
        let Output { policy, wdl, score, .. } = &mut output;
        executor.forward_scored(self.slots.len(), &self.planes, policy, wdl, score);
        output
    }

    /// Outputs of a backend, called as the trainer does; every action counts as legal, so that all logits are compared.
    pub fn by_learner(&self, learner: &mut dyn Learner) -> Result<Output> {
        let mut output = self.room(self.slots.len());
        let mut batch = Batch::new();
        for observation in self.observations() {
            batch.push(observation, (0..self.model.actions.count() as u16).map(Action));
        }
        let mut evaluator = learner.evaluator(&self.model.weights);
        let predictions = evaluator.evaluate(&batch)?;
        output.policy = predictions.iter().flat_map(|found| found.logits).copied().collect();
        output.wdl = predictions.iter().flat_map(|found| found.wdl.0).collect();
        if self.learns() {
            let minibatch =
                Minibatch { rollout: &self.rollout, slots: &self.slots, advantages: &self.advantages, past: &[] };
            output.gradient = learner.gradient(&self.model.weights, &minibatch, &COEFFICIENTS)?.0;
        }
        Ok(output)
    }

    /// Outputs of each executor of a Node worker, which reads the network from `folder` and writes its answer there.
    pub fn by_worker(
        &self,
        worker: &mut Worker,
        folder: &Path,
        definition: &Output,
    ) -> Result<Vec<(String, bool, Output)>> {
        let name = &self.name;
        let path = |what: &str| folder.join(format!("{name}.{what}"));
        fs::write(path("model"), self.model.to_bytes(Dtype::F32)?)?;
        for (what, numbers) in [("input", &self.planes), ("policy", &definition.policy), ("wdl", &definition.wdl)] {
            fs::write(path(what), numbers.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>())?;
        }
        let mut answers = Vec::new();
        let engines = worker.ask("engines")?;
        for engine in engines.split(' ').filter(|engine| engine.starts_with("wasm-") || engine.starts_with("webgpu-")) {
            worker.ask(&format!("write {engine} {name}"))?;
            let read = |what: &str| -> Result<Vec<f32>> {
                let bytes = fs::read(path(what))?;
                Ok(bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect())
            };
            let output = Output { policy: read("policy.found")?, wdl: read("wdl.found")?, ..Output::default() };
            answers.push((engine.to_owned(), !engine.contains("-int-"), output));
        }
        Ok(answers)
    }

    /// Gradient of the PPO loss with respect to the network's outputs, taken at the definition's outputs.
    pub fn slopes(&self, definition: &Output) -> Output {
        let (mut slopes, actions, c) = (self.room(self.slots.len()), self.model.spec().actions(), &COEFFICIENTS);
        let mut sums = Sums::default();
        for (i, (step, &advantage)) in self.steps().zip(&self.advantages).enumerate() {
            let choice = Choice {
                legal: self.rollout.legal_of(step.legal),
                action: step.action,
                old_log_prob: step.log_prob,
                advantage,
                mate: step.mate,
            };
            let sample = Sample { task: Task::Choice(choice), target: self.rollout.targets[self.slots[i]] };
            let (policy, wdl) = (i * actions..(i + 1) * actions, i * OUTCOMES..(i + 1) * OUTCOMES);
            let outcome = WdlLogits(std::array::from_fn(|o| definition.wdl[wdl.start + o]));
            let slope = &mut slopes.policy[policy.clone()];
            let slope = loss_of_sample(&sample, &definition.policy[policy], outcome, c, &mut sums, slope);
            slopes.wdl[wdl].copy_from_slice(&slope);
            if let Some(score) = definition.score.get(i) {
                slopes.score[i] = loss_of_score(*score, step.score, c, &mut sums);
            }
        }
        slopes
    }

    /// Gradient by core's kernels.
    pub fn by_hand(&self, backprop: &Backprop, slopes: &Output) -> Vec<f32> {
        let mut tape = backprop.tape();
        for first in (0..self.slots.len()).step_by(Backprop::CHUNK) {
            let boards = first..self.slots.len().min(first + Backprop::CHUNK);
            let part = |numbers: &[f32]| {
                let of_position = numbers.len() / self.slots.len();
                numbers[boards.start * of_position..boards.end * of_position].to_vec()
            };
            let Output { mut policy, mut wdl, mut score, .. } = self.room(boards.len());
            backprop.forward_scored(&mut tape, &part(&self.planes), &mut policy, &mut wdl, &mut score);
            backprop.backward_scored(&mut tape, &part(&slopes.policy), &part(&slopes.wdl), &part(&slopes.score));
        }
        let mut gradient = vec![0.0; self.model.weights.data().len()];
        backprop.take_gradient(&mut tape, &mut gradient);
        gradient
    }

    pub fn differences(&self, definition: &Output, gradient: &[f32], found: &Output) -> Differences {
        let values = |output: &Output| {
            output.wdl.chunks(OUTCOMES).map(|wdl| WdlLogits([wdl[0], wdl[1], wdl[2]]).value().0).collect()
        };
        let (expected, values): (Vec<f32>, Vec<f32>) = (values(definition), values(found));
        Differences {
            policy: largest_difference(&definition.policy, &found.policy),
            value: largest_difference(&expected, &values),
            gradient: (!found.gradient.is_empty()).then(|| self.gradient_error(gradient, &found.gradient)),
        }
    }

    /// The largest error of a tensor's gradient, relative to its size.
    fn gradient_error(&self, expected: &[f32], found: &[f32]) -> f64 {
        let tensors = self.model.spec().tensors().into_iter();
        let errors = tensors.map(|tensor| {
            let (expected, found) = (&expected[tensor.range.clone()], &found[tensor.range]);
            let difference = norm(expected.iter().zip(found).map(|(expected, found)| found - expected));
            if difference == 0.0 { 0.0 } else { difference / norm(expected.iter().copied()) }
        });
        errors.fold(0.0, worse)
    }
}

fn norm(numbers: impl Iterator<Item = f32>) -> f64 {
    numbers.map(|x| f64::from(x).powi(2)).sum::<f64>().sqrt()
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "an executor answers for every position");
    a.iter().zip(b).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, worse) as f32
}

/// The greater error; NaN counts as the worst.
fn worse(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::INFINITY } else { a.max(b) }
}
