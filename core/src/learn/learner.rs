//! Interface of a backend that learns: gradients, optimiser steps, and an evaluator for self-play.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use super::adam::{Adam, clip, global_norm};
use super::error::LearnError;
use super::loss::{Choice, Coefficients, Sample, Sums, Task};
use super::reduce::{Alone, Reduce, agree};
use super::rollout::Rollout;
use crate::encoding::PackedObservation;
use crate::evaluator::Evaluator;
use crate::net::Weights;

/// Samples of a rollout for one gradient step: plies with their advantages normalised, then positions beside them.
#[derive(Clone, Copy)]
pub struct Minibatch<'a> {
    /// The rollout.
    pub rollout: &'a Rollout,
    /// Slots of the plies.
    pub slots: &'a [usize],
    /// Advantage of each of these plies, normalised over the minibatch.
    pub advantages: &'a [f32],
    /// Indices of the positions in [`Rollout::past`].
    pub past: &'a [usize],
}

impl<'a> Minibatch<'a> {
    /// Number of samples: the plies and the positions of the past.
    pub fn len(&self) -> usize {
        self.slots.len() + self.past.len()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The samples in `range`.
    ///
    /// # Panics
    /// If the range is not within the samples.
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Minibatch<'a> {
        let plies = self.slots.len();
        let (of_plies, of_past) =
            (range.start.min(plies)..range.end.min(plies), range.start.max(plies)..range.end.max(plies));
        let past = &self.past[of_past.start - plies..of_past.end - plies];
        Minibatch { slots: &self.slots[of_plies.clone()], advantages: &self.advantages[of_plies], past, ..*self }
    }

    /// Sample number `index`.
    ///
    /// # Panics
    /// If there is none.
    pub fn sample(&self, index: usize) -> Sample<'a> {
        let rollout = self.rollout;
        let Some(&slot) = self.slots.get(index) else {
            let number = self.past[index - self.slots.len()];
            let lesson = rollout.past[number].lesson;
            let task = lesson
                .map_or(Task::None, |lesson| Task::Mate { legal: rollout.legal_of(lesson.legal), mate: lesson.mate });
            return Sample { task, target: rollout.past_targets[number] };
        };
        let step = &rollout.steps[slot];
        let choice = Choice {
            legal: rollout.legal_of(step.legal),
            action: step.action,
            old_log_prob: step.log_prob,
            advantage: self.advantages[index],
            mate: step.mate,
        };
        Sample { task: Task::Choice(choice), target: rollout.targets[slot] }
    }

    /// Position of sample number `index`, and its target of the score.
    ///
    /// # Panics
    /// If there is none.
    pub fn position(&self, index: usize) -> (&'a PackedObservation, f32) {
        if let Some(&slot) = self.slots.get(index) {
            let step = &self.rollout.steps[slot];
            (&step.observation, step.score)
        } else {
            let past = &self.rollout.past[self.past[index - self.slots.len()]];
            (&past.observation, past.score)
        }
    }
}

/// A backend that computes gradients of the PPO loss.
pub trait Learner: Send {
    /// Name for the log, such as `AVX2, 2 threads`.
    fn name(&self) -> String;

    /// Accepted rounding difference between the learner's policy and that of self-play.
    fn ratio_tolerance(&self) -> RatioTolerance;

    /// Message for the user while start-up is slow, if it is.
    fn notice(&self) -> Option<&'static str> {
        None
    }

    /// Groups of games, each with an evaluator of its own, that self-play keeps in flight at least: two where the CPU steps one
    /// while the device evaluates the other.
    fn groups(&self) -> usize {
        1
    }

    /// Evaluator of the network with these weights, on the learner's device.
    fn evaluator(&self, weights: &Weights) -> Box<dyn Evaluator + Send>;

    /// Begins an update of `weights` and `adam`.
    fn descent<'a>(&'a mut self, weights: &'a mut Weights, adam: &'a mut Adam) -> Box<dyn Descent + 'a>;

    /// Gradient of the loss with respect to every weight, in the order of the weights, and the parts of the loss.
    ///
    /// On the CPU the same input gives the same output, bit for bit, on any number of threads.
    ///
    /// # Errors
    /// If the device fails.
    fn gradient(
        &mut self,
        weights: &Weights,
        minibatch: &Minibatch,
        coefficients: &Coefficients,
    ) -> Result<(Vec<f32>, Sums), LearnError>;
}

/// Bounds of the mean `|ratio − 1|` of an update's first minibatch, which is 0 except for rounding: before the first gradient
/// step the weights are still those that played.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct RatioTolerance {
    /// Mean above which an alarm is raised.
    pub alarm: f64,
    /// Mean above which self-play and learner do not compute the same policy, and the update is refused.
    ///
    /// Far above the alarm, so that rounding never ends a long run; a wrong plane, mask or weight gives 0.1 and more.
    pub limit: f64,
}

/// Rules by which an update takes its gradient steps.
#[derive(Clone, Copy, Debug)]
pub struct StepRules {
    /// Adam's step size.
    pub learning_rate: f32,
    /// Largest global norm of a gradient; a longer one is scaled down to it.
    pub max_grad_norm: f32,
    /// Mean approximate KL divergence of a minibatch, in nats, above which its step is the last.
    pub target_kl: f32,
    /// Mean `|ratio − 1|` of the first minibatch above which no step is taken, see [`RatioTolerance::limit`].
    pub ratio_limit: f64,
}

/// Decision about the step of a minibatch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It took a step.
    Taken,
    /// It took a step, its last: the KL divergence exceeds its target.
    TakenLast,
    /// It took none: the gradient or the loss is not finite.
    NotFinite,
    /// It took none and ends: before its first step the learner computes another policy than the one that played.
    OtherPolicy,
}

/// Result of a minibatch.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct StepResult {
    /// Decision about its step.
    pub verdict: Verdict,
    /// Norm of its gradient.
    pub norm: f32,
    /// Parts of its loss.
    pub sums: Sums,
}

impl StepRules {
    /// Decision about a minibatch whose gradient has this norm, after `steps` steps of the update. One definition of the rules: a
    /// GPU decides by the same, without asking the CPU.
    pub fn judge(&self, norm: f32, sums: &Sums, steps: usize) -> Verdict {
        let losses = sums.means();
        if !norm.is_finite() || !sums.is_finite() {
            Verdict::NotFinite
        } else if steps == 0 && losses.ratio_error > self.ratio_limit {
            Verdict::OtherPolicy
        } else if losses.approx_kl > f64::from(self.target_kl) {
            Verdict::TakenLast
        } else {
            Verdict::Taken
        }
    }
}

/// The gradient steps of one update. Until [`finish`](Self::finish), the weights may be in the memory of a GPU.
pub trait Descent {
    /// Takes a step of Adam along the gradient of a minibatch, if the rules allow it; all minibatches of an update are of one
    /// rollout. After the update's [last](Verdict::TakenLast) step nothing happens.
    ///
    /// A GPU is not waited for: [`results`](Self::results) tells what was done.
    ///
    /// # Errors
    /// If the device fails.
    fn step(&mut self, minibatch: &Minibatch, coefficients: &Coefficients, rules: &StepRules)
    -> Result<(), LearnError>;

    /// Results of the minibatches since the last call, in order, up to the last of the update.
    ///
    /// # Errors
    /// If the device fails.
    fn results(&mut self) -> Result<Vec<StepResult>, LearnError>;

    /// Writes the new weights and moments back to where the update found the old ones; without this call they are lost.
    ///
    /// # Errors
    /// If the device fails.
    fn finish(self: Box<Self>) -> Result<(), LearnError>;
}

/// Gradient steps on weights in the CPU's memory.
pub struct HostDescent<'a> {
    learner: &'a mut dyn Learner,
    weights: &'a mut Weights,
    adam: &'a mut Adam,
    reduce: &'a dyn Reduce,
    /// Steps taken in this update.
    steps: usize,
    is_over: bool,
    results: Vec<StepResult>,
}

impl<'a> HostDescent<'a> {
    /// Steps of `weights` along the gradients of `learner`.
    pub fn new(learner: &'a mut dyn Learner, weights: &'a mut Weights, adam: &'a mut Adam) -> Self {
        Self::among(learner, weights, adam, &Alone)
    }

    /// Steps along the sums of the gradients of all ranks: a minibatch is the union of theirs, of which each rank may have none.
    pub fn among(
        learner: &'a mut dyn Learner,
        weights: &'a mut Weights,
        adam: &'a mut Adam,
        reduce: &'a dyn Reduce,
    ) -> Self {
        Self { learner, weights, adam, reduce, steps: 0, is_over: false, results: Vec::new() }
    }
}

impl Descent for HostDescent<'_> {
    fn step(
        &mut self,
        minibatch: &Minibatch,
        coefficients: &Coefficients,
        rules: &StepRules,
    ) -> Result<(), LearnError> {
        if self.is_over {
            return Ok(());
        }
        let mut gradient = vec![];
        let own = if minibatch.is_empty() {
            gradient.resize(self.weights.data().len(), 0.0);
            Ok(Sums::default())
        } else {
            let found = self.learner.gradient(self.weights, minibatch, coefficients);
            found.map(|(found, sums)| {
                gradient = found;
                sums
            })
        };
        let mut all = agree(self.reduce, own)?.into_iter();
        let mut sums = all.next().unwrap_or_default();
        all.for_each(|other| sums.add(&other));
        self.reduce.sum(&mut gradient)?;
        let norm = global_norm(&gradient);
        let verdict = rules.judge(norm, &sums, self.steps);
        if matches!(verdict, Verdict::Taken | Verdict::TakenLast) {
            clip(&mut gradient, norm, rules.max_grad_norm);
            self.adam.step(self.weights.data_mut(), &gradient, rules.learning_rate);
            self.steps += 1;
        }
        self.is_over = matches!(verdict, Verdict::TakenLast | Verdict::OtherPolicy);
        self.results.push(StepResult { verdict, norm, sums });
        Ok(())
    }

    fn results(&mut self) -> Result<Vec<StepResult>, LearnError> {
        Ok(core::mem::take(&mut self.results))
    }

    fn finish(self: Box<Self>) -> Result<(), LearnError> {
        Ok(())
    }
}
