//! The network as self-play asks it.

use alloc::vec::Vec;

use super::learner::LearnError;
use crate::encoding::{Action, Actions, Features, PackedObservation, SQUARES};
use crate::net::Executor;

/// The network of a learner, to play with, where that learner computes.
pub trait Actor {
    /// Logits of every position's legal actions, one position's after the other's, and win, draw and loss logits
    /// `[batch, 3]` of the side to move. Where `legal` is empty only the outcomes are asked for.
    ///
    /// # Errors
    /// If the device fails.
    fn evaluate(
        &mut self,
        observations: &[PackedObservation],
        legal: &[&[Action]],
        logits: &mut Vec<f32>,
        wdl: &mut [f32],
    ) -> Result<(), LearnError>;
}

/// An actor in the CPU's memory.
pub struct HostActor<E> {
    features: Features,
    actions: Actions,
    executor: E,
    planes: Vec<f32>,
    policy: Vec<f32>,
}

impl<E: Executor> HostActor<E> {
    pub fn new(features: Features, actions: Actions, executor: E) -> Self {
        Self { features, actions, executor, planes: Vec::new(), policy: Vec::new() }
    }
}

impl<E: Executor> Actor for HostActor<E> {
    fn evaluate(
        &mut self,
        observations: &[PackedObservation],
        legal: &[&[Action]],
        logits: &mut Vec<f32>,
        wdl: &mut [f32],
    ) -> Result<(), LearnError> {
        let (batch, count) = (observations.len(), self.actions.count());
        self.planes.resize(batch * self.features.planes() * SQUARES, 0.0);
        self.policy.resize(batch * count, 0.0);
        self.features.expand_batch(observations, &mut self.planes);
        self.executor.forward(batch, &self.planes, &mut self.policy, wdl);
        logits.clear();
        for (legal, row) in legal.iter().zip(self.policy.chunks_exact(count)) {
            logits.extend(legal.iter().map(|&action| row[action.index()]));
        }
        Ok(())
    }
}
