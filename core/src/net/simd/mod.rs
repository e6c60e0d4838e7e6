//! The network on vectors: Winograd convolutions, chosen at run time for the CPU.
//!
//! A few boards at a time go through the whole network, so that what passes between two layers stays in the cache. What a
//! layer leaves is transformed back, biased, rectified and transformed forth again in one pass (`kernels::Between`).

use alloc::{sync::Arc, vec, vec::Vec};

use super::{Executor, NetSpec, Weights};
#[cfg(all(feature = "std", target_arch = "x86_64", target_os = "linux"))]
pub use bf16::Bf16;
pub use gradient::{Backprop, Tape};
pub use level::Level;
use network::{Buffers, Network};
#[cfg(not(all(feature = "std", target_arch = "x86_64", target_os = "linux")))]
pub use no_bf16::Bf16;
pub use quantized::{Calibration, Dot, Quantized};

#[cfg(all(feature = "std", target_arch = "x86_64", target_os = "linux"))]
mod amx;
#[cfg(all(feature = "std", target_arch = "x86_64", target_os = "linux"))]
mod bf16;
mod gradient;
mod heads;
mod level;
mod network;
#[cfg(not(all(feature = "std", target_arch = "x86_64", target_os = "linux")))]
mod no_bf16;
mod options;
mod quantized;
// What a kernel calls must be compiled into it, or it would be compiled for the target's smallest instruction set.
#[allow(clippy::inline_always)]
mod kernels;
// As above.
#[allow(clippy::inline_always)]
mod backward;
// As above.
#[allow(clippy::inline_always)]
mod integer;
// As above.
#[allow(clippy::inline_always)]
mod tiles;
// As above.
#[allow(clippy::inline_always)]
mod vector;
// As above.
#[allow(clippy::inline_always)]
mod winograd;

/// Runs the network on vectors of f32. A clone shares the weights and has buffers of its own: make one for each thread.
#[derive(Debug)]
pub struct Simd {
    network: Arc<Network<f32>>,
    buffers: Buffers<f32>,
}

impl Simd {
    /// An executor of these weights at the fastest level of this CPU.
    ///
    /// # Panics
    /// Never: the best level is available.
    pub fn new(weights: &Weights) -> Simd {
        Simd::with_level(weights, Level::best()).expect("the best level is available")
    }

    /// An executor of these weights at one level, if it is available here.
    pub fn with_level(weights: &Weights, level: Level) -> Option<Simd> {
        Some(Simd::from_network(Network::plain(weights, level, kernels::Kernels::<f32>::of(level)?)))
    }

    fn from_network(network: Network<f32>) -> Simd {
        Simd { buffers: network.buffers(network.chunk()), network: Arc::new(network) }
    }

    /// The level it runs at.
    pub fn level(&self) -> Level {
        self.network.level
    }
}

impl Clone for Simd {
    fn clone(&self) -> Simd {
        Simd { buffers: self.network.buffers(self.network.chunk()), network: Arc::clone(&self.network) }
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

/// `N` matrices of `inner` rows and `outer` columns as the panels of a [`Product`](kernels::Product), with zeros where rows or
/// columns do not fill their vectors. `at` is given row and column.
fn panels<E: Copy + Default, const N: usize>(
    lanes: usize,
    width: usize,
    [inner, outer]: [usize; 2],
    at: impl Fn(usize, usize) -> [E; N],
) -> Aligned<E> {
    // A line of each matrix at a time: they are a power of two apart, and share a few sets of the cache.
    const LINE: usize = 16;
    let (rows, columns) = (inner.next_multiple_of(lanes), outer.next_multiple_of(lanes));
    let mut panels = Aligned::zero(N * rows * columns);
    let data = panels.as_mut();
    let width = width * lanes;
    for start in (0..outer).step_by(LINE) {
        // Where a column's first row is, and how far its rows are apart.
        let mut places = [(0, 0); LINE];
        for (place, column) in places.iter_mut().zip(start..outer) {
            let first = column / width * width;
            *place = (first * rows + column - first, width.min(columns - first));
        }
        for k in 0..inner {
            let mut line = [[E::default(); N]; LINE];
            line.iter_mut().zip(start..outer).for_each(|(elements, column)| *elements = at(k, column));
            for (i, matrix) in data.chunks_exact_mut(rows * columns).enumerate() {
                for (elements, (first, width)) in line.iter().zip(places).take(outer - start) {
                    matrix[first + k * width] = elements[i];
                }
            }
        }
    }
    panels
}

/// Elements that start on a cache line, so that no vector straddles two.
#[derive(Debug)]
struct Aligned<E> {
    data: Vec<E>,
    start: usize,
    len: usize,
}

impl<E: Copy + Default> Aligned<E> {
    fn zero(len: usize) -> Aligned<E> {
        const LINE: usize = 64;
        let data = vec![E::default(); len + LINE / size_of::<E>()];
        // Where the offset cannot be known, the start is as good as any place.
        let start = data.as_ptr().align_offset(LINE).min(LINE / size_of::<E>());
        Aligned { data, start, len }
    }

    fn as_ref(&self) -> &[E] {
        &self.data[self.start..][..self.len]
    }

    fn as_mut(&mut self) -> &mut [E] {
        &mut self.data[self.start..][..self.len]
    }
}

#[cfg(test)]
mod tests {
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
        let found = run(&mut Simd::from_network(Network::plain(&weights, Level::Portable, kernels::Kernels::wide())));
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
