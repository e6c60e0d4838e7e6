//! The network on several threads: each evaluates a part of the leaves.

use std::thread;

use keisei_core::encoding::Actions;
use keisei_core::evaluator::{Batch, Evaluator, HostEvaluator, Predictions};
use keisei_core::format::Model;
use keisei_core::search::Search;

use crate::executor::ModelExecutor;

/// Leaves that one thread evaluates in a batch.
const BATCH: usize = 8;

/// Evaluators, one for each thread with its part of the leaves; they share the weights.
#[derive(Debug)]
pub struct Workers {
    workers: Vec<(HostEvaluator<ModelExecutor>, Batch)>,
}

impl Workers {
    /// Workers with this model and its network on `threads` threads.
    ///
    /// # Panics
    /// If the network does not fit the model's encodings.
    pub fn new(model: &Model, network: ModelExecutor, threads: usize) -> Workers {
        let evaluator = HostEvaluator::new(network, model.features, model.actions);
        Workers { workers: vec![(evaluator, Batch::new()); threads] }
    }

    /// Numbering of the policy's actions.
    pub fn actions(&self) -> Actions {
        self.workers[0].0.shape().actions
    }

    /// Advances the search by one batch.
    ///
    /// # Panics
    /// If an evaluator does.
    pub fn step(&mut self, search: &mut Search) {
        if let [(evaluator, _)] = &mut self.workers[..] {
            return search.step(evaluator, BATCH).expect("a CPU does not fail");
        }
        let threads = self.workers.len();
        let leaves = search.gather(BATCH * threads);
        let part = leaves.len().div_ceil(threads);
        let predictions: Vec<&mut Predictions> = thread::scope(|scope| {
            let workers = self.workers.iter_mut().enumerate().map(|(worker, (evaluator, batch))| {
                let own = [worker, worker + 1].map(|worker| leaves.len().min(worker * part));
                batch.clear();
                batch.extend(leaves, own[0]..own[1]);
                (evaluator, &*batch)
            });
            let running: Vec<_> = workers
                .filter(|(_, batch)| !batch.is_empty())
                .map(|(evaluator, batch)| scope.spawn(|| evaluator.predict(batch)))
                .collect();
            running.into_iter().map(|worker| worker.join().expect("an evaluator does not panic")).collect()
        });
        search.deliver(predictions.iter().flat_map(|part| part.iter()));
    }
}
