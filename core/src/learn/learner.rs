//! What a backend must do to take part in learning.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::adam::{Adam, clip, global_norm};
use super::loss::{Coefficients, Sums};
use super::rollout::Rollout;
use crate::evaluator::{Evaluator, EvaluatorError};
use crate::net::Weights;

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

    /// How far the learner and self-play may round apart.
    fn ratio_tolerance(&self) -> RatioTolerance;

    /// Message for the user while start-up is slow, if it is.
    fn notice(&self) -> Option<&'static str> {
        None
    }

    /// The network with these weights, to play with, where this learner computes.
    fn evaluator(&self, weights: &Weights) -> Box<dyn Evaluator + Send>;

    /// Begins an update.
    fn descent<'a>(&'a mut self, weights: &'a mut Weights, adam: &'a mut Adam) -> Box<dyn Descent + 'a>;

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
    ) -> Result<(Vec<f32>, Sums), LearnError>;
}

/// Bounds of the mean `|ratio − 1|` of an update's first minibatch, which is 0 but for rounding: until the first gradient
/// step the weights are the very ones that played.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct RatioTolerance {
    /// Above this a person should look.
    pub alarm: f64,
    /// Above this self-play and learner do not compute the same function, and the update is refused.
    ///
    /// Far above the alarm, so that rounding never ends a long run; a wrong plane, mask or weight gives 0.1 and more.
    pub limit: f64,
}

/// The steps of one update. The weights may be elsewhere, such as on a GPU, until [`finish`](Self::finish).
pub trait Descent {
    /// Computes the gradient of a minibatch and keeps it for [`step`](Self::step). Returns its norm and the parts of the
    /// loss.
    ///
    /// # Errors
    /// If the device fails.
    fn gradient(&mut self, minibatch: &Minibatch, coefficients: &Coefficients) -> Result<(f32, Sums), LearnError>;

    /// Takes one step of Adam along the last gradient, shortened to a norm of `max_grad_norm` if it is longer.
    ///
    /// # Panics
    /// If there is no gradient, or a step was taken along it already.
    fn step(&mut self, learning_rate: f32, max_grad_norm: f32);

    /// Puts weights and moments back where the update found them. Without this it has not happened.
    ///
    /// # Errors
    /// If the device fails.
    fn finish(self: Box<Self>) -> Result<(), LearnError>;
}

/// Steps in the CPU's memory.
pub struct HostDescent<'a> {
    learner: &'a mut dyn Learner,
    weights: &'a mut Weights,
    adam: &'a mut Adam,
    gradient: Option<(Vec<f32>, f32)>,
}

impl<'a> HostDescent<'a> {
    /// Steps along the gradients of `learner`.
    pub fn new(learner: &'a mut dyn Learner, weights: &'a mut Weights, adam: &'a mut Adam) -> Self {
        Self { learner, weights, adam, gradient: None }
    }
}

impl Descent for HostDescent<'_> {
    fn gradient(&mut self, minibatch: &Minibatch, coefficients: &Coefficients) -> Result<(f32, Sums), LearnError> {
        let (gradient, sums) = self.learner.gradient(self.weights, minibatch, coefficients)?;
        let norm = global_norm(&gradient);
        self.gradient = Some((gradient, norm));
        Ok((norm, sums))
    }

    fn step(&mut self, learning_rate: f32, max_grad_norm: f32) {
        let (mut gradient, norm) = self.gradient.take().expect("a step follows its gradient");
        clip(&mut gradient, norm, max_grad_norm);
        self.adam.step(self.weights.data_mut(), &gradient, learning_rate);
    }

    fn finish(self: Box<Self>) -> Result<(), LearnError> {
        Ok(())
    }
}

/// Why an iteration cannot go on.
#[derive(Clone, PartialEq, Debug)]
pub enum LearnError {
    /// The device that computes has failed, with what it says.
    Device(String),
    /// The network's output in self-play is not finite.
    NotFinite {
        /// Iteration, counted from 1.
        iteration: u64,
    },
    /// The learner computes another policy than the one that played.
    OtherPolicy {
        /// Mean `|ratio − 1|` of the first minibatch.
        ratio_error: f64,
        /// Its approximate KL divergence.
        approx_kl: f64,
        /// Its share of samples outside the clip range.
        clipfrac: f64,
    },
}

impl From<EvaluatorError> for LearnError {
    fn from(error: EvaluatorError) -> Self {
        match error {
            EvaluatorError::Device(reason) => Self::Device(reason),
        }
    }
}

impl fmt::Display for LearnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(reason) => f.write_str(reason),
            Self::NotFinite { iteration } => {
                write!(f, "iteration {iteration}: the network's output is not finite; its weights have grown too large")
            }
            Self::OtherPolicy { ratio_error, approx_kl, clipfrac } => write!(
                f,
                "the learner and self-play compute different functions: in the first minibatch the mean |ratio - 1| is \
                 {ratio_error:.2e}, approx_kl {approx_kl:.2e}, clipfrac {clipfrac}"
            ),
        }
    }
}

impl core::error::Error for LearnError {}
