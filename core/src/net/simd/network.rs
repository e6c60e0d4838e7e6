//! The way of a chunk of boards through the network, in f32 or with integer convolutions.

use alloc::{format, string::String, vec::Vec};
use core::iter;

use super::heads::{HeadBuffers, Heads};
use super::kernels::{Between, Kernels, Product, TILES};
use super::winograd::{self, PRODUCTS};
use super::{Aligned, Level, panels};
use crate::net::{NetSpec, OUTCOMES, SQUARES, Weights, assert_shapes};

/// The weights, arranged for a level; those of the convolutions in elements `E`.
#[derive(Debug)]
pub(super) struct Network<E: 'static> {
    pub(super) spec: NetSpec,
    pub(super) level: Level,
    pub(super) kernels: &'static Kernels<E>,
    /// The stem, then two a block.
    pub(super) convs: Vec<Conv<E>>,
    pub(super) heads: Heads,
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
            let factors: Vec<_> = weight.chunks_exact(9).map(winograd::weights).collect(); // [out * in][25]
            Conv {
                weight: panels(kernels.lanes, kernels.width, [inputs, outputs], PRODUCTS, |k, column, i| {
                    factors[column * inputs + k][i]
                }),
                scale: Aligned::zero(0),
                bias: padded(bias, kernels.lanes),
                per_step: 1.0,
            }
        };
        let convs = convs(weights.spec()).map(conv).collect();
        Network { spec: weights.spec().clone(), level, kernels, convs, heads: Heads::new(weights, kernels) }
    }
}

impl<E: Copy + Default> Network<E> {
    /// Boards that go through the network together. What passes between two layers grows with the channels, the weights
    /// between them with the channels' square: with so many boards both are about as large, and neither is moved through
    /// the caches much more often than the other.
    pub(super) fn chunk(&self) -> usize {
        usize::from(self.spec.channels / 16).clamp(1, 8)
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
        Buffers {
            transformed: Aligned::zero(products),
            products: Aligned::zero(products),
            trunk: Aligned::zero(boards * self.groups(usize::from(self.spec.channels)) * SQUARES * self.kernels.lanes),
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
    ) {
        assert_shapes(&self.spec, batch, planes, policy, wdl);
        let chunk = self.chunk();
        let planes = planes.chunks(chunk * usize::from(self.spec.planes) * SQUARES);
        let policy = policy.chunks_mut(chunk * self.spec.actions());
        for ((planes, policy), wdl) in planes.zip(policy).zip(wdl.chunks_mut(chunk * OUTCOMES)) {
            self.forward(buffers, planes, policy, wdl);
        }
    }

    /// One chunk: as many boards as there are, at most [`chunk`](Network::chunk).
    fn forward(&self, buffers: &mut Buffers<E>, planes: &[f32], policy: &mut [f32], wdl: &mut [f32]) {
        let (kernels, boards) = (self.kernels, wdl.len() / OUTCOMES);
        let [inputs, channels] = [self.spec.planes, self.spec.channels].map(usize::from);
        let (groups, stride) = (self.groups(channels), self.stride(boards));
        let Buffers { transformed, products, trunk, heads } = buffers;
        let (transformed, products, trunk) = (transformed.as_mut(), products.as_mut(), trunk.as_mut());

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
            let next = self.convs.get(i + 1);
            let between = Between {
                boards,
                groups,
                stride,
                // The stem begins the trunk, the second convolution of a block adds to it.
                add: i > 0 && i % 2 == 0,
                keep: i % 2 == 0,
                next: next.is_some(),
                per_step: next.map_or(1.0, |conv| conv.per_step),
            };
            let (scale, bias) = (conv.scale.as_ref(), conv.bias.as_ref());
            kernels.between(between, products, scale, bias, trunk, transformed); // [25][C][boards * 9]
        }
        self.heads.forward(heads, trunk, policy, wdl);
    }
}

/// Numbers `[C]` as `[C / LANES][LANES]`, zeros where they do not fill a vector.
pub(super) fn padded(numbers: &[f32], lanes: usize) -> Aligned<f32> {
    let mut padded = Aligned::zero(numbers.len().next_multiple_of(lanes));
    padded.as_mut()[..numbers.len()].copy_from_slice(numbers);
    padded
}
