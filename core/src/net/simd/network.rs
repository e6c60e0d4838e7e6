//! The way of a chunk of boards through the network, in f32 or with integer convolutions.

use alloc::{format, string::String, vec::Vec};
use core::iter;

use super::heads::{HeadBuffers, Heads};
use super::kernels::{Between, Channels, Kernels, Product, TILES};
use super::options::{Perceptron, excite, pool};
use super::winograd::{self, PRODUCTS};
use super::{Aligned, Level, panels};
use crate::net::{NetSpec, OUTCOMES, SQUARES, Weights, assert_shapes, shares};

/// The weights, arranged for a level; those of the convolutions in elements `E`.
#[derive(Debug)]
pub(super) struct Network<E: 'static> {
    pub(super) spec: NetSpec,
    pub(super) level: Level,
    pub(super) kernels: &'static Kernels<E>,
    /// The stem, then two a block.
    pub(super) convs: Vec<Conv<E>>,
    pub(super) heads: Heads,
    pub(super) options: Options,
}

/// The layers that only some networks have.
#[derive(Debug)]
pub(super) struct Options {
    /// Bias from global pooling, of each block or none.
    pub(super) pool: Vec<Perceptron>,
    /// Squeeze and excitation, of each block or none.
    pub(super) se: Vec<Perceptron>,
    /// The head for the score.
    pub(super) score: Option<Perceptron>,
}

impl Options {
    pub(super) fn new(weights: &Weights) -> Options {
        let of_blocks = |name: &str| {
            let blocks = (0..weights.spec().blocks).map(|i| Perceptron::find(weights, &format!("blocks.{i}.{name}")));
            blocks.flatten().collect()
        };
        Options { pool: of_blocks("pool"), se: of_blocks("se"), score: Perceptron::find(weights, "score") }
    }

    /// The score of each board of a trunk `[boards][C / LANES][81][LANES]`, if it is asked for.
    pub(super) fn score(&self, trunk: &[f32], lanes: usize, channels: usize, score: &mut [f32]) {
        let boards = trunk.chunks_exact(channels.div_ceil(lanes) * SQUARES * lanes);
        for (score, x) in score.iter_mut().zip(boards) {
            let head = self.score.as_ref().expect("a score is asked only of networks with a head for it");
            *score = head.forward(&pool(x, lanes, channels))[0];
        }
    }
}

/// Where the numbers of a convolution are kept, `[boards][C / LANES][81][LANES]`.
pub(super) struct Kept<'a> {
    pub(super) trunk: &'a mut [f32],
    /// What the first convolution of a block leaves, if that is asked for.
    pub(super) inner: Option<&'a mut [f32]>,
    /// What the second convolution of a block leaves for squeeze and excitation.
    pub(super) squeezed: &'a mut [f32],
    /// The bias from global pooling, `[boards][C / LANES][LANES]`.
    pub(super) late_bias: &'a mut [f32],
}

/// A 3×3 convolution.
#[derive(Debug)]
pub(super) struct Conv<E> {
    /// `[25]`, each a `b` of a [`Product`].
    pub(super) weight: Aligned<E>,
    /// What one of its products stands for, `[C / LANES][LANES]`; empty in f32.
    pub(super) scale: Aligned<f32>,
    pub(super) bias: Aligned<f32>, // [C / LANES][LANES]
    /// What its input is multiplied by to become integers.
    pub(super) per_step: f32,
}

/// What passes between the layers, for one chunk of boards.
#[derive(Debug)]
pub(super) struct Buffers<E> {
    pub(super) transformed: Aligned<E>,
    pub(super) products: Aligned<E>,
    pub(super) trunk: Aligned<f32>,
    /// As [`Kept::squeezed`]; empty without squeeze and excitation.
    pub(super) squeezed: Aligned<f32>,
    /// As [`Kept::late_bias`]; empty without global pooling.
    pub(super) late_bias: Aligned<f32>,
    pub(super) heads: HeadBuffers,
}

/// The names of the 3×3 convolutions.
pub(super) fn convs(spec: &NetSpec) -> impl Iterator<Item = String> {
    let blocks = (0..spec.blocks).flat_map(|i| ["conv1", "conv2"].map(|conv| format!("blocks.{i}.{conv}")));
    iter::once("stem".into()).chain(blocks)
}

impl Network<f32> {
    /// These weights in f32.
    pub(super) fn plain(weights: &Weights, level: Level, kernels: &'static Kernels<f32>) -> Network<f32> {
        let conv = |name: String| {
            let bias = weights.expect(&format!("{name}.bias"));
            let weight = weights.expect(&format!("{name}.weight")); // [out, in, 3, 3]
            let (outputs, inputs) = (bias.len(), weight.len() / bias.len() / 9);
            Conv {
                weight: panels(kernels.lanes, kernels.width, [inputs, outputs], |k, column| {
                    winograd::weights(&weight[(column * inputs + k) * 9..])
                }),
                scale: Aligned::zero(0),
                bias: padded(bias, kernels.lanes),
                per_step: 1.0,
            }
        };
        let convs = convs(weights.spec()).map(conv).collect();
        let (heads, options) = (Heads::new(weights, kernels), Options::new(weights));
        Network { spec: weights.spec().clone(), level, kernels, convs, heads, options }
    }
}

impl<E: Copy + Default> Network<E> {
    /// Boards that go through the network together. What passes between two layers grows with the channels, the weights
    /// between them with the channels' square: with so many boards both are about as large, and neither is moved through
    /// the caches much more often than the other. With the widest vectors the weights are fetched ahead, and fewer boards leave
    /// them room.
    pub(super) fn chunk(&self) -> usize {
        usize::from(self.spec.channels / 16).clamp(1, if self.kernels.lanes == 16 { 4 } else { 8 })
    }

    /// Vectors of f32 that hold so many channels.
    pub(super) fn groups(&self, channels: usize) -> usize {
        channels.div_ceil(self.kernels.lanes)
    }

    /// Vectors of elements that hold so many channels.
    fn element_groups(&self, channels: usize) -> usize {
        channels.div_ceil(self.kernels.lanes * self.kernels.per_element)
    }

    /// Elements from one of the 25 products of a tile to the next: a cache line more than needed, because the 25 streams
    /// must not share the same few sets of the cache.
    fn stride(&self, boards: usize) -> usize {
        let groups = self.groups(usize::from(self.spec.channels.max(self.spec.planes)));
        groups * boards * TILES * self.kernels.lanes + 16
    }

    pub(super) fn buffers(&self, boards: usize) -> Buffers<E> {
        let products = PRODUCTS * self.stride(boards);
        let trunk = boards * self.groups(usize::from(self.spec.channels)) * SQUARES * self.kernels.lanes;
        Buffers {
            transformed: Aligned::zero(products),
            products: Aligned::zero(products),
            trunk: Aligned::zero(trunk),
            squeezed: Aligned::zero(if self.options.se.is_empty() { 0 } else { trunk }),
            late_bias: Aligned::zero(if self.options.pool.is_empty() { 0 } else { trunk / SQUARES }),
            heads: self.heads.buffers(boards),
        }
    }

    /// [`Executor::forward`](crate::net::Executor::forward), chunk by chunk.
    pub(super) fn forward_all(
        &self,
        buffers: &mut Buffers<E>,
        batch: usize,
        planes: &[f32],
        policy: &mut [f32],
        wdl: &mut [f32],
        score: &mut [f32],
    ) {
        by_chunks(&self.spec, self.chunk(), batch, planes, policy, wdl, score, |planes, policy, wdl, score| {
            self.forward(buffers, planes, policy, wdl, score);
        });
    }

    /// One chunk: as many boards as there are, at most [`chunk`](Network::chunk).
    fn forward(
        &self,
        buffers: &mut Buffers<E>,
        planes: &[f32],
        policy: &mut [f32],
        wdl: &mut [f32],
        score: &mut [f32],
    ) {
        let (kernels, boards) = (self.kernels, wdl.len() / OUTCOMES);
        let [inputs, channels] = [self.spec.planes, self.spec.channels].map(usize::from);
        let (groups, stride) = (self.groups(channels), self.stride(boards));
        let Buffers { transformed, products, trunk, squeezed, late_bias, heads } = buffers;
        let (transformed, products, trunk) = (transformed.as_mut(), products.as_mut(), trunk.as_mut());
        let (squeezed, late_bias) = (squeezed.as_mut(), late_bias.as_mut());

        let per_step = self.convs[0].per_step;
        kernels.enter(boards, inputs, planes, per_step, stride, transformed); // [25][planes][boards * 9]
        for (i, conv) in self.convs.iter().enumerate() {
            let inner = self.element_groups(if i == 0 { inputs } else { channels });
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
            let kept = Kept { trunk: &mut *trunk, inner: None, squeezed: &mut *squeezed, late_bias: &mut *late_bias };
            self.between(i, boards, stride, products, kept, transformed); // [25][C][boards * 9]
        }
        self.heads.forward(heads, trunk, policy, wdl);
        self.options.score(trunk, kernels.lanes, channels, score);
    }

    /// From the products of a convolution to the input of the next one, with everything that stands between them.
    pub(super) fn between(&self, i: usize, boards: usize, stride: usize, products: &[E], kept: Kept, out: &mut [E]) {
        let (kernels, lanes, channels) = (self.kernels, self.kernels.lanes, usize::from(self.spec.channels));
        let groups = self.groups(channels);
        let Kept { trunk, inner, squeezed, late_bias } = kept;
        let (conv, next) = (&self.convs[i], self.convs.get(i + 1));
        // The stem begins the trunk; then each block has two convolutions, the second of which adds to it.
        let (first, second) = (i % 2 == 1, i > 0 && i.is_multiple_of(2));
        let block = i.saturating_sub(1) / 2;
        let per_step = next.map_or(1.0, |conv| conv.per_step);
        let mut between = Between {
            boards,
            groups,
            stride,
            add: second,
            keep: !first,
            rectify: true,
            next: next.is_some(),
            per_step,
        };
        let biases = Channels { scale: conv.scale.as_ref(), bias: conv.bias.as_ref(), late_bias: &[] };
        match (self.options.pool.get(block), self.options.se.get(block)) {
            (_, Some(se)) if second => {
                between = Between { add: false, rectify: false, next: false, ..between };
                kernels.between(between, products, biases, squeezed, out);
                let size = groups * SQUARES * lanes;
                for (z, x) in squeezed.chunks_exact(size).zip(trunk.chunks_exact_mut(size)).take(boards) {
                    excite(se, z, x, lanes, channels);
                }
                if next.is_some() {
                    kernels.forth(boards, groups, trunk, per_step, stride, out);
                }
            }
            (Some(perceptron), _) if first => {
                let boards_of_trunk = trunk.chunks_exact(groups * SQUARES * lanes).take(boards);
                for (x, late_bias) in boards_of_trunk.zip(late_bias.chunks_exact_mut(groups * lanes)) {
                    let bias = perceptron.forward(&pool(x, lanes, channels));
                    late_bias[..channels].copy_from_slice(&bias);
                }
                let biases = Channels { late_bias, ..biases };
                let keep = inner.is_some();
                kernels.between(Between { keep, ..between }, products, biases, inner.unwrap_or(trunk), out);
            }
            _ if first => {
                let keep = inner.is_some();
                kernels.between(Between { keep, ..between }, products, biases, inner.unwrap_or(trunk), out);
            }
            _ => kernels.between(between, products, biases, trunk, out),
        }
    }
}

/// Hands each chunk of so many boards to `forward`, as [`Executor::forward_scored`](crate::net::Executor::forward_scored) has them.
// What it is given, and what it hands on.
#[allow(clippy::too_many_arguments)]
pub(super) fn by_chunks(
    spec: &NetSpec,
    chunk: usize,
    batch: usize,
    planes: &[f32],
    policy: &mut [f32],
    wdl: &mut [f32],
    score: &mut [f32],
    mut forward: impl FnMut(&[f32], &mut [f32], &mut [f32], &mut [f32]),
) {
    assert_shapes(spec, batch, planes, policy, wdl, score);
    let planes = planes.chunks(chunk * usize::from(spec.planes) * SQUARES);
    let policy = policy.chunks_mut(chunk * spec.actions());
    let outputs = policy.zip(wdl.chunks_mut(chunk * OUTCOMES)).zip(shares(score, chunk));
    for (planes, ((policy, wdl), score)) in planes.zip(outputs) {
        forward(planes, policy, wdl, score);
    }
}

/// Numbers `[C]` as `[C / LANES][LANES]`, zeros where they do not fill a vector.
pub(super) fn padded(numbers: &[f32], lanes: usize) -> Aligned<f32> {
    let mut padded = Aligned::zero(numbers.len().next_multiple_of(lanes));
    padded.as_mut()[..numbers.len()].copy_from_slice(numbers);
    padded
}
