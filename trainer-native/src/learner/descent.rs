//! One update's steps of gradient descent, and the way that every CPU takes them.

use super::{Learner, Minibatch};
use crate::adam::{Adam, clip, global_norm};
use crate::ppo::{Coefficients, Sums};
use anyhow::Result;
use keisei_core::net::Weights;

/// The steps of one update. The weights may be elsewhere, such as on a GPU, until [`finish`](Self::finish).
pub trait Descent {
    /// Works out the gradient of a minibatch and keeps it for [`step`](Self::step). Returns its norm and the parts of the loss.
    ///
    /// # Errors
    /// If the device fails.
    fn gradient(&mut self, minibatch: &Minibatch, coefficients: &Coefficients) -> Result<(f32, Sums)>;

    /// Takes one step of Adam along the last gradient, shortened to a norm of `max_grad_norm` if it is longer.
    ///
    /// # Panics
    /// If there is no gradient, or a step was taken along it already.
    fn step(&mut self, learning_rate: f32, max_grad_norm: f32);

    /// Puts weights and moments back where the update found them. Without this it has not happened.
    ///
    /// # Errors
    /// If the device fails.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// Steps in the CPU's memory.
pub(super) struct HostDescent<'a> {
    learner: &'a mut dyn Learner,
    weights: &'a mut Weights,
    adam: &'a mut Adam,
    gradient: Option<(Vec<f32>, f32)>,
}

impl<'a> HostDescent<'a> {
    pub fn new(learner: &'a mut dyn Learner, weights: &'a mut Weights, adam: &'a mut Adam) -> Self {
        Self { learner, weights, adam, gradient: None }
    }
}

impl Descent for HostDescent<'_> {
    fn gradient(&mut self, minibatch: &Minibatch, coefficients: &Coefficients) -> Result<(f32, Sums)> {
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

    fn finish(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}
