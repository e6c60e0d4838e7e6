//! Fast executors for CPUs: Winograd convolutions on vectors, or direct convolutions on a matrix unit, and their backward passes.
//!
//! A chunk of boards goes through the whole network before the next, so that activations stay in the cache. After each convolution one
//! pass over its products, the epilogue, does everything up to the transformed input of the next.

// A function that a kernel calls must be inlined into it, or it is compiled for the target's smallest instruction set.
#![allow(clippy::inline_always)]

use alloc::sync::Arc;

use super::{Executor, NetSpec, Weights};
pub use bf16::Bf16;
pub use gradient::{Backprop, Tape, Task};
pub use level::Level;
use network::{Buffers, Network};
pub use quantized::{Calibration, Dot, Quantized};

#[cfg(all(feature = "std", target_arch = "x86_64", target_os = "linux"))]
mod amx;
mod arithmetic;
#[cfg(all(feature = "std", target_arch = "x86_64", target_os = "linux"))]
mod bf16;
#[cfg(not(all(feature = "std", target_arch = "x86_64", target_os = "linux")))]
#[path = "bf16_stub.rs"]
mod bf16;
mod epilogue;
mod gradient;
mod heads;
mod integer;
mod kernels;
mod layout;
mod level;
mod network;
mod optional;
mod product;
mod quantized;
mod transforms;
mod vector;
mod winograd;

/// Executor on vectors of f32. A clone shares the weights and has its own buffers: make one for each thread.
#[derive(Clone, Debug)]
pub struct Simd {
    network: Arc<Network<f32>>,
    buffers: Buffers<f32>,
}

impl Simd {
    /// An executor at the fastest level of this CPU.
    ///
    /// # Panics
    /// Never: the best level is available.
    pub fn new(weights: &Weights) -> Simd {
        Simd::with_level(weights, Level::best()).expect("the best level is available")
    }

    /// An executor at one level, or `None` if the level is not available.
    pub fn with_level(weights: &Weights, level: Level) -> Option<Simd> {
        Some(Simd::from_network(Network::float(weights, level, kernels::Kernels::<f32>::of(level)?)))
    }

    fn from_network(network: Network<f32>) -> Simd {
        Simd { buffers: network.buffers(network.chunk()), network: Arc::new(network) }
    }

    /// Level of its kernels.
    pub fn level(&self) -> Level {
        self.network.level
    }
}

impl Executor for Simd {
    fn spec(&self) -> &NetSpec {
        &self.network.spec
    }

    fn forward_scored(&mut self, batch: usize, planes: &[f32], policy: &mut [f32], wdl: &mut [f32], score: &mut [f32]) {
        self.network.forward_all(&mut self.buffers, batch, planes, policy, wdl, score);
    }
}

#[cfg(test)]
mod tests {
    use alloc::{vec, vec::Vec};

    use super::super::{OUTCOMES, SQUARES, scalar::Scalar};
    use super::*;
    use crate::encoding::{Actions, Features};

    fn check(planes: u16, policy_planes: u16, channels: u16) {
        let small = NetSpec::for_encodings(Features::Attack96, Actions::Dest2187);
        let small = NetSpec { blocks: 1, value_channels: 3, value_hidden: 20, ..small };
        let spec = NetSpec { planes, policy_planes, channels, ..small };
        let mut weights = Weights::init(&spec, 2).expect("the specification is valid");
        weights
            .data_mut()
            .iter_mut()
            .filter(|w| **w == 0.0)
            .zip(0u16..)
            .for_each(|(w, i)| *w = f32::from(i % 17) * 0.01 - 0.08);
        let batch = 5;
        let input: Vec<f32> = (0..batch * usize::from(planes) * SQUARES).map(|i| f32::from(i * i % 7 < 2)).collect();
        let run = |executor: &mut dyn Executor| {
            let (mut policy, mut wdl) = (vec![f32::NAN; batch * spec.actions()], vec![f32::NAN; batch * OUTCOMES]);
            executor.forward(batch, &input, &mut policy, &mut wdl);
            [policy, wdl].concat()
        };
        let expected = run(&mut Scalar::new(&weights));
        let found = run(&mut Simd::from_network(Network::float(&weights, Level::Portable, kernels::Kernels::wide())));
        for (i, (a, b)) in expected.iter().zip(&found).enumerate() {
            assert!((a - b).abs() < 1e-4, "planes {planes}, C{channels}, logit {i}: {b} instead of {a}");
        }
    }

    #[test]
    fn sixteen_lanes_compute_the_same() {
        check(1, 1, 8);
        check(17, 27, 24);
        check(96, 27, 64);
        check(33, 64, 80);
    }
}
