//! Runs a network on what a search hands out.

use alloc::vec::Vec;
use core::mem;

use super::Search;
use crate::encoding::{Actions, Features, PackedObservation, SQUARES};
use crate::net::{Executor, OUTCOMES};

/// An executor with the encodings of its model and buffers that grow to the largest batch.
#[derive(Clone, Debug)]
pub struct Evaluator<E> {
    executor: E,
    features: Features,
    actions: Actions,
    planes: Vec<f32>,
    policy: Vec<f32>,
    wdl: Vec<f32>,
}

impl<E: Executor> Evaluator<E> {
    /// An evaluator of this network.
    ///
    /// # Panics
    /// If the network does not fit the encodings.
    pub fn new(executor: E, features: Features, actions: Actions) -> Evaluator<E> {
        assert_eq!(usize::from(executor.spec().planes), features.planes(), "the network reads these features");
        assert_eq!(executor.spec().actions(), actions.count(), "the network has these actions");
        Evaluator { executor, features, actions, planes: Vec::new(), policy: Vec::new(), wdl: Vec::new() }
    }

    /// The numbering of the moves that the network puts out.
    pub fn actions(&self) -> Actions {
        self.actions
    }

    /// What the network says of a batch: policy logits `[batch, actions]` and outcome logits `[batch, 3]`.
    pub fn evaluate(&mut self, observations: &[PackedObservation]) -> (&[f32], &[f32]) {
        let mut planes = mem::take(&mut self.planes);
        planes.resize(observations.len() * self.features.planes() * SQUARES, 0.0);
        self.features.expand_batch(observations, &mut planes);
        self.forward(&planes);
        self.planes = planes;
        (&self.policy, &self.wdl)
    }

    /// The same of planes `[batch, planes, 81]` that were written elsewhere.
    ///
    /// # Panics
    /// If these are not the planes of whole positions.
    pub fn forward(&mut self, planes: &[f32]) -> (&[f32], &[f32]) {
        let batch = planes.len() / (self.features.planes() * SQUARES);
        self.policy.resize(batch * self.actions.count(), 0.0);
        self.wdl.resize(batch * OUTCOMES, 0.0);
        self.executor.forward(batch, planes, &mut self.policy, &mut self.wdl);
        (&self.policy, &self.wdl)
    }

    /// Takes a search one batch of at most `batch` leaves further.
    ///
    /// # Panics
    /// If `batch` is 0 or the search numbers its moves otherwise.
    pub fn step(&mut self, search: &mut Search, batch: usize) {
        assert_eq!(search.actions(), self.actions, "the search asks for the network's actions");
        if !search.gather(batch).is_empty() {
            let (policy, wdl) = self.evaluate(search.observations());
            search.deliver(policy, wdl);
        }
    }
}
