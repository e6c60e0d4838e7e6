//! Gradients by burn's automatic differentiation on the CPU: the reference for our own.

use super::Precision;
use super::autodiff::{Batch, compressed, counts, loss, sums_of};
use burn::backend::Autodiff;
use burn::backend::flex::{Flex, FlexDevice};
use burn::tensor::{Tensor, TensorData};
use keisei_core::encoding::{Actions, Features, SET_WORDS};
use keisei_core::evaluator::{Evaluator, HostEvaluator};
use keisei_core::learn::{
    Adam, Coefficients, Descent, HostDescent, LearnError, Learner, Minibatch, RatioTolerance, Sums,
};
use keisei_core::net::{Weights, burn as net, burn::Net};
use std::sync::atomic::{AtomicUsize, Ordering};

type Backend = Autodiff<Flex>;

/// Learner on burn's CPU backend.
///
/// The minibatch is split into shards of a fixed size for several threads; their gradients are added in the order
/// of the shards, so the sum does not depend on the number of threads.
pub struct BurnLearner {
    features: Features,
    actions: Actions,
    threads: usize,
}

/// Samples of one shard: enough for long inner loops, few enough for the activations to stay in the cache.
const SHARD: usize = 128;

impl BurnLearner {
    /// Learner with `threads` threads.
    pub fn new(features: Features, actions: Actions, threads: usize) -> Self {
        Self { features, actions, threads }
    }

    fn shard_gradient(&self, weights: &Weights, shard: &Minibatch, c: &Coefficients) -> (Vec<f32>, Sums) {
        let net = Net::<Backend>::from_weights(weights, &FlexDevice);
        let batch = Batch::new(self.actions, shard, &FlexDevice);
        let (samples, planes) = (shard.len(), self.features.planes());
        let (sets, values) = compressed(self.features, (0..samples).map(|i| shard.position(i).0));
        let sets = Tensor::from_data(TensorData::new(sets, [samples, planes, SET_WORDS]), &FlexDevice);
        let values = Tensor::from_data(TensorData::new(values, [samples, planes]), &FlexDevice);
        let (policy, wdl, score) = net.forward_scored(net::expand(sets, values));
        let (loss, sums) = loss(policy, wdl, score, &batch, c);
        let gradient = net.gradient(&loss.backward()).into_data();
        let sums = sums.into_data();
        let sums = sums.as_slice::<f32>().expect("the loss is a vector of f32");
        let gradient = gradient.into_vec::<f32>().expect("the gradient is a vector of f32");
        (gradient, sums_of(counts(shard), sums))
    }
}

impl Learner for BurnLearner {
    fn name(&self) -> String {
        format!("burn-flex, {} threads", self.threads)
    }

    fn ratio_tolerance(&self) -> RatioTolerance {
        Precision::F32.ratio_tolerance()
    }

    fn evaluator(&self, weights: &Weights) -> Box<dyn Evaluator + Send> {
        let net = Net::<Flex>::from_weights(weights, &FlexDevice);
        Box::new(HostEvaluator::new(net, self.features, self.actions))
    }

    fn descent<'a>(&'a mut self, weights: &'a mut Weights, adam: &'a mut Adam) -> Box<dyn Descent + 'a> {
        Box::new(HostDescent::new(self, weights, adam))
    }

    fn gradient(
        &mut self,
        weights: &Weights,
        minibatch: &Minibatch,
        coefficients: &Coefficients,
    ) -> Result<(Vec<f32>, Sums), LearnError> {
        let samples = minibatch.len();
        let shards: Vec<Minibatch> =
            (0..samples).step_by(SHARD).map(|first| minibatch.part(first..samples.min(first + SHARD))).collect();
        let next = AtomicUsize::new(0);
        let work = || {
            let mut done = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(shard) = shards.get(number) else { return done };
                done.push((number, self.shard_gradient(weights, shard, coefficients)));
            }
        };
        let mut parts: Vec<_> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..self.threads.min(shards.len())).map(|_| scope.spawn(work)).collect();
            workers.into_iter().flat_map(|worker| worker.join().expect("a learner thread does not panic")).collect()
        });
        parts.sort_by_key(|&(shard, _)| shard);

        let mut gradient = vec![0.0; weights.data().len()];
        let mut sums = Sums::default();
        for (_, (shard_gradient, shard_sums)) in parts {
            for (sum, g) in gradient.iter_mut().zip(shard_gradient) {
                *sum += g;
            }
            sums.add(&shard_sums);
        }
        Ok((gradient, sums))
    }
}
