//! The network on several threads: each judges a part of the leaves.

use std::thread;

use keisei_core::encoding::Actions;
use keisei_core::format::Model;
use keisei_core::net::OUTCOMES;
use keisei_core::search::{Evaluator, Search};

use crate::executor::ModelExecutor;

/// Leaves that one thread judges together.
const BATCH: usize = 8;

/// One evaluator for each thread; they share the weights.
#[derive(Debug)]
pub struct Workers {
    evaluators: Vec<Evaluator<ModelExecutor>>,
    policy: Vec<f32>,
    wdl: Vec<f32>,
}

impl Workers {
    /// Workers with this model and its network on `threads` threads.
    ///
    /// # Panics
    /// If the network does not fit the model's encodings.
    pub fn new(model: &Model, network: ModelExecutor, threads: usize) -> Workers {
        let evaluator = Evaluator::new(network, model.features, model.actions);
        Workers { evaluators: vec![evaluator; threads], policy: Vec::new(), wdl: Vec::new() }
    }

    /// The numbering of the moves.
    pub fn actions(&self) -> Actions {
        self.evaluators[0].actions()
    }

    /// Takes a search one batch further.
    ///
    /// # Panics
    /// If an evaluator does.
    pub fn step(&mut self, search: &mut Search) {
        if let [evaluator] = &mut self.evaluators[..] {
            return evaluator.step(search, BATCH);
        }
        let threads = self.evaluators.len();
        if search.gather(BATCH * threads).is_empty() {
            return;
        }
        let observations = search.observations();
        let actions = self.actions().count();
        self.policy.resize(observations.len() * actions, 0.0);
        self.wdl.resize(observations.len() * OUTCOMES, 0.0);
        let part = observations.len().div_ceil(threads);
        let outputs = self.policy.chunks_mut(part * actions).zip(self.wdl.chunks_mut(part * OUTCOMES));
        thread::scope(|scope| {
            for ((evaluator, observations), (policy, wdl)) in
                self.evaluators.iter_mut().zip(observations.chunks(part)).zip(outputs)
            {
                scope.spawn(|| {
                    let judged = evaluator.evaluate(observations);
                    policy.copy_from_slice(judged.0);
                    wdl.copy_from_slice(judged.1);
                });
            }
        });
        search.deliver(&self.policy, &self.wdl);
    }
}
