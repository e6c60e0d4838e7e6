//! An executor on several threads.

use alloc::{vec, vec::Vec};
use std::thread;

use super::{Executor, NetSpec, OUTCOMES, SQUARES, assert_shapes, shares};

/// Cuts each batch into shares of about the same size, one for each thread.
///
/// What comes out does not depend on the number of threads, because it does not depend on the batch.
#[derive(Clone, Debug)]
pub struct Threads<E> {
    executors: Vec<E>,
}

impl<E: Executor + Clone + Send> Threads<E> {
    /// This executor on so many threads, at least one; the caller's is one of them.
    pub fn new(executor: E, threads: usize) -> Threads<E> {
        Threads { executors: vec![executor; threads.max(1)] }
    }
}

impl<E: Executor + Clone + Send> Executor for Threads<E> {
    fn spec(&self) -> &NetSpec {
        self.executors[0].spec()
    }

    fn forward_scored(&mut self, batch: usize, planes: &[f32], policy: &mut [f32], wdl: &mut [f32], score: &mut [f32]) {
        let spec = self.spec().clone();
        assert_shapes(&spec, batch, planes, policy, wdl, score);
        let share = batch.div_ceil(self.executors.len()).max(1);
        let planes = planes.chunks(share * usize::from(spec.planes) * SQUARES);
        let outputs = policy.chunks_mut(share * spec.actions()).zip(wdl.chunks_mut(share * OUTCOMES));
        let outputs = outputs.zip(shares(score, share));
        let mut shares = self.executors.iter_mut().zip(planes.zip(outputs));
        let own = shares.next();
        thread::scope(|scope| {
            for (executor, (planes, ((policy, wdl), score))) in shares {
                scope.spawn(move || executor.forward_scored(wdl.len() / OUTCOMES, planes, policy, wdl, score));
            }
            if let Some((executor, (planes, ((policy, wdl), score)))) = own {
                executor.forward_scored(wdl.len() / OUTCOMES, planes, policy, wdl, score);
            }
        });
    }
}
