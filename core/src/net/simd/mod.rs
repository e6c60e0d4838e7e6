//! The network on vectors: Winograd convolutions, chosen at run time for the CPU.
//!
//! A few boards at a time go through the whole network, so that what passes between two layers stays in the cache. What a
//! layer leaves is transformed back, biased, rectified and transformed forth again in one pass ([`kernels::Between`]).

use alloc::{format, sync::Arc, vec, vec::Vec};
use core::fmt;

use super::{Executor, NetSpec, OUTCOMES, SQUARES, Weights, assert_shapes};
pub use gradient::{Backprop, Tape};
use kernels::{Between, Kernels, Product, ROWS, TILES};
use winograd::PRODUCTS;

mod gradient;
// What a kernel calls must be compiled into it, or it would be compiled for the target's smallest instruction set.
#[allow(clippy::inline_always)]
mod kernels;
// As above.
#[allow(clippy::inline_always)]
mod backward;
// As above.
#[allow(clippy::inline_always)]
mod vector;
// As above.
#[allow(clippy::inline_always)]
mod winograd;

/// An instruction set that there are kernels for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// x86-64 with AVX-512F.
    Avx512,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// WebAssembly with simd128.
    Simd128,
    /// Any target.
    Portable,
}

impl Level {
    /// All levels, the fastest first.
    pub const ALL: [Level; 4] = [Level::Avx512, Level::Avx2, Level::Simd128, Level::Portable];

    /// Whether this build, on this CPU, has the level.
    pub fn is_available(self) -> bool {
        self.kernels().is_some()
    }

    /// The fastest level there is here.
    pub fn best() -> Level {
        Level::ALL.into_iter().find(|level| level.is_available()).unwrap_or(Level::Portable)
    }

    fn kernels(self) -> Option<&'static Kernels> {
        /// Asks the CPU; without std, only what the build itself relies on.
        #[cfg(target_arch = "x86_64")]
        macro_rules! has {
            ($feature:tt) => {{
                #[cfg(feature = "std")]
                let has = std::arch::is_x86_feature_detected!($feature);
                #[cfg(not(feature = "std"))]
                let has = cfg!(target_feature = $feature);
                has
            }};
        }
        match self {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 if has!("avx512f") => Some(&kernels::AVX512),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 if has!("avx2") && has!("fma") => Some(&kernels::AVX2),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Level::Simd128 => Some(&kernels::SIMD128),
            Level::Portable => Some(&kernels::PORTABLE),
            _ => None,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::Avx512 => "avx512",
            Level::Avx2 => "avx2",
            Level::Simd128 => "simd128",
            Level::Portable => "portable",
        })
    }
}

/// Runs the network on vectors. A clone shares the weights and has buffers of its own: make one for each thread.
#[derive(Debug)]
pub struct Simd {
    network: Arc<Network>,
    buffers: Buffers,
}

/// The weights, arranged for a level.
#[derive(Debug)]
struct Network {
    spec: NetSpec,
    level: Level,
    kernels: &'static Kernels,
    stem: Conv,
    blocks: Vec<[Conv; 2]>,
    /// The 1×1 convolutions of both heads, side by side: policy planes, then value channels.
    heads: Aligned,
    policy_bias: Vec<f32>,
    value_bias: Vec<f32>,
    hidden: Aligned,
    hidden_bias: Vec<f32>,
    out: Vec<f32>,
    out_bias: Vec<f32>,
}

/// A 3×3 convolution.
#[derive(Debug)]
struct Conv {
    /// `[25]`, each a `b` of a [`Product`].
    weight: Aligned,
    bias: Aligned, // [C / LANES][LANES]
}

/// What passes between the layers, for one chunk of boards.
#[derive(Debug)]
struct Buffers {
    transformed: Aligned,
    products: Aligned,
    trunk: Aligned,
    heads: Aligned,
    value: Aligned,
    hidden: Aligned,
}

impl Simd {
    /// An executor of these weights at the fastest level of this CPU.
    pub fn new(weights: &Weights) -> Simd {
        let level = Level::best();
        Simd::from_network(Network::new(weights, level, level.kernels().unwrap_or(&kernels::PORTABLE)))
    }

    /// An executor of these weights at one level, if it is available here.
    pub fn with_level(weights: &Weights, level: Level) -> Option<Simd> {
        Some(Simd::from_network(Network::new(weights, level, level.kernels()?)))
    }

    fn from_network(network: Network) -> Simd {
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

    fn forward(&mut self, batch: usize, planes: &[f32], policy: &mut [f32], wdl: &mut [f32]) {
        let network = &*self.network;
        assert_shapes(&network.spec, batch, planes, policy, wdl);
        let chunk = network.chunk();
        let planes = planes.chunks(chunk * usize::from(network.spec.planes) * SQUARES);
        let policy = policy.chunks_mut(chunk * network.spec.actions());
        for ((planes, policy), wdl) in planes.zip(policy).zip(wdl.chunks_mut(chunk * OUTCOMES)) {
            network.forward(&mut self.buffers, planes, policy, wdl);
        }
    }
}

impl Network {
    fn new(weights: &Weights, level: Level, kernels: &'static Kernels) -> Network {
        let spec = weights.spec().clone();
        let w = |name: &str| weights.expect(name);
        let conv = |name: &str| {
            let bias = w(&format!("{name}.bias"));
            Conv::new(kernels, w(&format!("{name}.weight")), bias)
        };
        let channels = usize::from(spec.channels);
        let heads = [w("policy.weight"), w("value.conv.weight")].concat();
        Network {
            level,
            kernels,
            stem: conv("stem"),
            blocks: (0..spec.blocks)
                .map(|i| [conv(&format!("blocks.{i}.conv1")), conv(&format!("blocks.{i}.conv2"))])
                .collect(),
            heads: panels(kernels, channels, heads.len() / channels, 1, |k, column, _| heads[column * channels + k]),
            policy_bias: w("policy.bias").to_vec(),
            value_bias: w("value.conv.bias").to_vec(),
            hidden: {
                let (inner, outer) = (usize::from(spec.value_channels) * SQUARES, usize::from(spec.value_hidden));
                let weight = w("value.hidden.weight");
                panels(kernels, inner, outer, 1, |k, column, _| weight[column * inner + k])
            },
            hidden_bias: w("value.hidden.bias").to_vec(),
            out: w("value.out.weight").to_vec(),
            out_bias: w("value.out.bias").to_vec(),
            spec,
        }
    }

    /// Boards that go through the network together. What passes between two layers grows with the channels, the weights
    /// between them with the channels' square: with so many boards both are about as large, and neither is moved through
    /// the caches much more often than the other.
    fn chunk(&self) -> usize {
        usize::from(self.spec.channels / 16).clamp(1, 8)
    }

    /// Vectors that hold so many channels.
    fn groups(&self, channels: usize) -> usize {
        channels.div_ceil(self.kernels.lanes)
    }

    /// Numbers from one of the 25 products of a tile to the next.
    fn stride(&self, boards: usize) -> usize {
        let groups = self.groups(usize::from(self.spec.channels.max(self.spec.planes)));
        groups * boards * TILES * self.kernels.lanes + 16
    }

    fn buffers(&self, boards: usize) -> Buffers {
        let lanes = self.kernels.lanes;
        let products = PRODUCTS * self.stride(boards);
        let heads = usize::from(self.spec.policy_planes + self.spec.value_channels);
        let value = usize::from(self.spec.value_channels) * SQUARES;
        let rows = boards.next_multiple_of(ROWS);
        Buffers {
            transformed: Aligned::zero(products),
            products: Aligned::zero(products),
            trunk: Aligned::zero(boards * self.groups(usize::from(self.spec.channels)) * SQUARES * lanes),
            heads: Aligned::zero(boards * self.groups(heads) * SQUARES * lanes),
            value: Aligned::zero(self.groups(value) * rows * lanes),
            hidden: Aligned::zero(self.groups(usize::from(self.spec.value_hidden)) * rows * lanes),
        }
    }

    /// One chunk: as many boards as there are, at most [`chunk`](Network::chunk).
    fn forward(&self, buffers: &mut Buffers, planes: &[f32], policy: &mut [f32], wdl: &mut [f32]) {
        let (kernels, boards) = (self.kernels, wdl.len() / OUTCOMES);
        let [inputs, channels] = [self.spec.planes, self.spec.channels].map(usize::from);
        let groups = self.groups(channels);
        let stride = self.stride(boards);
        let Buffers { transformed, products, trunk, .. } = buffers;
        let (transformed, products, trunk) = (transformed.as_mut(), products.as_mut(), trunk.as_mut());

        kernels.enter(boards, inputs, planes, stride, transformed); // [25][planes][boards * 9]
        let mut conv = |conv: &Conv, inputs: usize, add: bool, keep: bool, next: bool| {
            let inner = self.groups(inputs);
            let product = Product {
                count: PRODUCTS,
                rows: boards * TILES,
                inner,
                outer: groups,
                a_stride: stride,
                b_stride: inner * groups * kernels.lanes * kernels.lanes,
                out_stride: stride,
            };
            kernels.multiply(product, transformed, conv.weight.as_ref(), products); // [25][C][boards * 9]
            let between = Between { boards, groups, stride, add, keep, next };
            kernels.between(between, products, conv.bias.as_ref(), trunk, transformed); // [25][C][boards * 9]
        };
        conv(&self.stem, inputs, false, true, !self.blocks.is_empty());
        for (i, [conv1, conv2]) in self.blocks.iter().enumerate() {
            conv(conv1, channels, false, false, true);
            conv(conv2, channels, true, true, i + 1 < self.blocks.len());
        }
        self.heads(buffers, policy, wdl);
    }

    /// From the trunk `[boards][C / LANES][81][LANES]` to logits.
    fn heads(&self, buffers: &mut Buffers, policy: &mut [f32], wdl: &mut [f32]) {
        let (kernels, lanes, boards) = (self.kernels, self.kernels.lanes, wdl.len() / OUTCOMES);
        let [channels, policy_planes, value_channels, hidden] =
            [self.spec.channels, self.spec.policy_planes, self.spec.value_channels, self.spec.value_hidden]
                .map(usize::from);
        let outer = self.groups(policy_planes + value_channels);
        let product = Product {
            count: boards,
            rows: SQUARES,
            inner: self.groups(channels),
            outer,
            a_stride: self.groups(channels) * SQUARES * lanes,
            b_stride: 0,
            out_stride: outer * SQUARES * lanes,
        };
        let heads = buffers.heads.as_mut();
        kernels.multiply(product, buffers.trunk.as_ref(), self.heads.as_ref(), heads); // [boards][planes][81]

        let value = buffers.value.as_mut();
        let rows = boards.next_multiple_of(ROWS);
        let boards_of_heads = heads.chunks_exact(product.out_stride);
        for (board, (heads, policy)) in boards_of_heads.zip(policy.chunks_exact_mut(self.spec.actions())).enumerate() {
            let plane = |plane: usize| heads[plane / lanes * SQUARES * lanes + plane % lanes..].iter().step_by(lanes);
            let planes = policy.chunks_exact_mut(SQUARES).zip(self.policy_bias.chunks_exact(SQUARES));
            for (i, (logits, bias)) in planes.enumerate() {
                for ((logit, x), bias) in logits.iter_mut().zip(plane(i)).zip(bias) {
                    *logit = x + bias;
                }
            }
            for (channel, bias) in self.value_bias.iter().enumerate() {
                for (square, x) in plane(policy_planes + channel).take(SQUARES).enumerate() {
                    let k = channel * SQUARES + square;
                    value[(k / lanes * rows + board) * lanes + k % lanes] = (x + bias).max(0.0);
                }
            }
        }

        let (inner, outer) = (self.groups(value_channels * SQUARES), self.groups(hidden));
        let product = Product { count: 1, rows, inner, outer, a_stride: 0, b_stride: 0, out_stride: 0 };
        kernels.multiply(product, value, self.hidden.as_ref(), buffers.hidden.as_mut()); // [hidden][boards]
        let sums = buffers.hidden.as_ref();
        for (board, wdl) in wdl.chunks_exact_mut(OUTCOMES).enumerate() {
            wdl.copy_from_slice(&self.out_bias);
            for (i, bias) in self.hidden_bias.iter().enumerate() {
                let x = (sums[(i / lanes * rows + board) * lanes + i % lanes] + bias).max(0.0);
                for (logit, weights) in wdl.iter_mut().zip(self.out.chunks_exact(hidden)) {
                    *logit += x * weights[i];
                }
            }
        }
    }
}

impl Conv {
    /// From a weight `[out, in, 3, 3]` and a bias `[out]`.
    fn new(kernels: &Kernels, weight: &[f32], bias: &[f32]) -> Conv {
        let (outputs, inputs) = (bias.len(), weight.len() / bias.len() / 9);
        let factors: Vec<_> = weight.chunks_exact(9).map(winograd::weights).collect(); // [out * in][25]
        let mut padded = Aligned::zero(outputs.next_multiple_of(kernels.lanes));
        padded.as_mut()[..outputs].copy_from_slice(bias);
        Conv {
            weight: panels(kernels, inputs, outputs, PRODUCTS, |k, column, i| factors[column * inputs + k][i]),
            bias: padded,
        }
    }
}

/// `count` matrices of `inner` rows and `outer` columns as the panels of a [`Product`], with zeros where rows or columns
/// do not fill their vectors. `at` is given row, column and matrix.
fn panels(
    kernels: &Kernels,
    inner: usize,
    outer: usize,
    count: usize,
    at: impl Fn(usize, usize, usize) -> f32,
) -> Aligned {
    let (rows, columns) = (inner.next_multiple_of(kernels.lanes), outer.next_multiple_of(kernels.lanes));
    let mut panels = Aligned::zero(count * rows * columns);
    let width = kernels.width * kernels.lanes;
    for (i, matrix) in panels.as_mut().chunks_exact_mut(rows * columns).enumerate() {
        for column in 0..outer {
            let first = column / width * width;
            let width = width.min(columns - first);
            for k in 0..inner {
                matrix[first * rows + k * width + column - first] = at(k, column, i);
            }
        }
    }
    panels
}

/// Numbers that start on a cache line, so that no vector straddles two.
#[derive(Debug)]
struct Aligned {
    data: Vec<f32>,
    start: usize,
    len: usize,
}

impl Aligned {
    fn zero(len: usize) -> Aligned {
        const LINE: usize = 64;
        let data = vec![0.0; len + LINE / size_of::<f32>()];
        // Where the offset cannot be known, the start is as good as any place.
        let start = data.as_ptr().align_offset(LINE).min(LINE / size_of::<f32>());
        Aligned { data, start, len }
    }

    fn as_ref(&self) -> &[f32] {
        &self.data[self.start..][..self.len]
    }

    fn as_mut(&mut self) -> &mut [f32] {
        &mut self.data[self.start..][..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::super::scalar::Scalar;
    use super::*;

    fn check(planes: u16, policy_planes: u16, channels: u16) {
        let spec = NetSpec { planes, policy_planes, channels, blocks: 1, value_channels: 3, value_hidden: 20 };
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
        let found = run(&mut Simd::from_network(Network::new(&weights, Level::Portable, &kernels::WIDE)));
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
