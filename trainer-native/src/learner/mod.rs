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
use keisei_core::encoding::{Actions, Features};
use keisei_core::net::Weights;

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

/// The learner for this build: the GPU that it was built for, or the CPU.
///
/// # Errors
/// If the GPU's driver is missing.
pub fn for_this_build(features: Features, actions: Actions, threads: usize) -> Result<Box<dyn Learner>> {
    #[cfg(feature = "cuda")]
    return Ok(Box::new(BurnLearner::cuda(features, actions)?));
    #[cfg(all(feature = "wgpu", not(feature = "cuda")))]
    return Ok(Box::new(BurnLearner::wgpu(features, actions)));
    #[cfg(not(any(feature = "cuda", feature = "wgpu")))]
    Ok(Box::new(CpuLearner::new(features, actions, threads)))
}
