//! The forward pass of a chunk of boards, in f32 or with integer convolutions.

use alloc::{format, string::String, vec::Vec};
use core::iter;

use super::epilogue::{Activation, Channels, Epilogue};
use super::heads::{HeadBuffers, Heads};
use super::kernels::Kernels;
use super::layout::{Aligned, padded, panels};
use super::level::Level;
use super::optional::{OptionalLayers, excite, pool};
use super::product::Product;
use super::winograd::{self, PRODUCTS, TILES};
use crate::net::{NetSpec, OUTCOMES, SQUARES, TAPS, Weights, assert_shapes};

/// The weights, arranged for a level; those of the convolutions in elements `E`.
#[derive(Debug)]
pub(super) struct Network<E: 'static> {
    pub(super) spec: NetSpec,
    pub(super) level: Level,
    pub(super) kernels: &'static Kernels<E>,
    /// The stem, then two convolutions of each block.
    pub(super) convs: Vec<Conv<E>>,
    pub(super) heads: Heads,
    pub(super) optional: OptionalLayers,
}

/// Activations that the epilogue of a convolution reads and writes, `[boards][C / LANES][81][LANES]`.
pub(super) struct Activations<'a> {
    /// The trunk: output of the stem or of the last block.
    pub(super) trunk: &'a mut [f32],
    /// Output of the first convolution of a block; `None` where only the next convolution needs it.
    pub(super) inner: Option<&'a mut [f32]>,
    /// Output of the second convolution of a block, before squeeze-excitation.
    pub(super) squeezed: &'a mut [f32],
    /// Pool bias of the block, `[boards][C / LANES][LANES]`.
    pub(super) pool_bias: &'a mut [f32],
}

/// A 3×3 convolution.
#[derive(Debug)]
pub(super) struct Conv<E> {
    /// Transformed weights: 25 matrices `b` of a [`Product`].
    pub(super) weight: Aligned<E>,
    /// Scale of its integer products, `[C / LANES][LANES]`; empty in f32.
    pub(super) scale: Aligned<f32>,
    pub(super) bias: Aligned<f32>, // [C / LANES][LANES]
    /// Reciprocal of its input's quantisation step; 1 in f32.
    pub(super) per_step: f32,
}

/// Activation buffers of one chunk of boards.
#[derive(Clone, Debug)]
pub(super) struct Buffers<E: Copy + Default> {
    pub(super) transformed: Aligned<E>,
    pub(super) products: Aligned<E>,
    pub(super) trunk: Aligned<f32>,
    /// As [`Activations::squeezed`]; empty without squeeze-excitation.
    pub(super) squeezed: Aligned<f32>,
    /// As [`Activations::pool_bias`]; empty without global pooling.
    pub(super) pool_bias: Aligned<f32>,
    pub(super) heads: HeadBuffers,
}

/// Names of the 3×3 convolutions.
pub(super) fn convs(spec: &NetSpec) -> impl Iterator<Item = String> {
    let blocks = (0..spec.blocks).flat_map(|i| ["conv1", "conv2"].map(|conv| format!("blocks.{i}.{conv}")));
    iter::once("stem".into()).chain(blocks)
}

impl Network<f32> {
    /// A network in f32.
    pub(super) fn float(weights: &Weights, level: Level, kernels: &'static Kernels<f32>) -> Network<f32> {
        let conv = |name: String| {
            let bias = weights.expect(&format!("{name}.bias"));
            let weight = weights.expect(&format!("{name}.weight")); // [out, in, 3, 3]
            let (outputs, inputs) = (bias.len(), weight.len() / bias.len() / TAPS);
            Conv {
                weight: panels(kernels.lanes, kernels.width, [inputs, outputs], |k, column| {
                    winograd::weights(&weight[(column * inputs + k) * TAPS..])
                }),
                scale: Aligned::zero(0),
                bias: padded(bias, kernels.lanes),
                per_step: 1.0,
            }
        };
        let convs = convs(weights.spec()).map(conv).collect();
        let (heads, optional) = (Heads::new(weights, kernels), OptionalLayers::new(weights));
        Network { spec: weights.spec().clone(), level, kernels, convs, heads, optional }
    }
}

impl<E: Copy + Default> Network<E> {
    /// Boards per chunk. Activations grow with the channels, weights with the channels' square: this many boards make both about as
    /// large, so that neither moves through the caches much more often than the other. At the level with the widest vectors weights
    /// are prefetched, and fewer boards leave them room.
    pub(super) fn chunk(&self) -> usize {
        usize::from(self.spec.channels / 16).clamp(1, if self.kernels.lanes == 16 { 4 } else { 8 })
    }

    /// Input channels of a convolution.
    pub(super) fn inputs(&self, conv: usize) -> usize {
        usize::from(if conv == 0 { self.spec.planes } else { self.spec.channels })
    }

    /// Vectors of f32 that hold this many channels.
    pub(super) fn groups(&self, channels: usize) -> usize {
        channels.div_ceil(self.kernels.lanes)
    }

    /// Elements from one of the 25 products of a tile to the next.
    pub(super) fn stride(&self, channels: usize, boards: usize) -> usize {
        // A cache line more than needed, because the 25 streams must not share the same few sets of the cache.
        self.groups(channels) * boards * TILES * self.kernels.lanes + 16
    }

    /// Stride that fits the input of every convolution.
    fn widest_stride(&self, boards: usize) -> usize {
        self.stride(usize::from(self.spec.channels.max(self.spec.planes)), boards)
    }

    /// Empty buffers for this many boards.
    pub(super) fn buffers(&self, boards: usize) -> Buffers<E> {
        let products = PRODUCTS * self.widest_stride(boards);
        let trunk = boards * self.groups(usize::from(self.spec.channels)) * SQUARES * self.kernels.lanes;
        Buffers {
            transformed: Aligned::zero(products),
            products: Aligned::zero(products),
            trunk: Aligned::zero(trunk),
            squeezed: Aligned::zero(if self.optional.se.is_empty() { 0 } else { trunk }),
            pool_bias: Aligned::zero(if self.optional.pool.is_empty() { 0 } else { trunk / SQUARES }),
            heads: self.heads.buffers(boards),
        }
    }

    /// [`Executor::forward_scored`](crate::net::Executor::forward_scored), chunk by chunk.
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

    /// The forward pass of one chunk of at most [`chunk`](Network::chunk) boards.
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
        let stride = self.widest_stride(boards);
        let Buffers { transformed, products, trunk, squeezed, pool_bias, heads } = buffers;
        let (transformed, products, trunk) = (transformed.as_mut(), products.as_mut(), trunk.as_mut());
        let (squeezed, pool_bias) = (squeezed.as_mut(), pool_bias.as_mut());

        let per_step = self.convs[0].per_step;
        kernels.transform_planes(boards, inputs, planes, per_step, stride, transformed); // [25][planes][boards * 9]
        for i in 0..self.convs.len() {
            self.multiply(i, boards, [stride; 2], transformed, products); // [25][C][boards * 9]
            let activations =
                Activations { trunk: &mut *trunk, inner: None, squeezed: &mut *squeezed, pool_bias: &mut *pool_bias };
            self.epilogue(i, boards, stride, products, activations, transformed); // [25][C][boards * 9]
        }
        self.heads.forward(heads, trunk, policy, wdl);
        self.optional.score(trunk, kernels.lanes, channels, score);
    }

    /// The products of convolution `i`: from `transformed` `[25][inputs][boards * 9]` to `[25][C][boards * 9]`, with their strides.
    pub(super) fn multiply(
        &self,
        i: usize,
        boards: usize,
        [a_stride, out_stride]: [usize; 2],
        transformed: &[E],
        products: &mut [E],
    ) {
        let lanes = self.kernels.lanes;
        let inner = self.inputs(i).div_ceil(lanes * self.kernels.per_element);
        let outer = self.groups(usize::from(self.spec.channels));
        let b_stride = inner * outer * lanes * lanes;
        let product = Product { count: PRODUCTS, rows: boards * TILES, inner, outer, a_stride, b_stride, out_stride };
        self.kernels.multiply(product, transformed, self.convs[i].weight.as_ref(), products);
    }

    /// The epilogue of convolution `i`, with the optional layers of its block: from its products to the transformed input of the next.
    pub(super) fn epilogue(
        &self,
        i: usize,
        boards: usize,
        stride: usize,
        products: &[E],
        activations: Activations,
        out: &mut [E],
    ) {
        let (kernels, lanes, channels) = (self.kernels, self.kernels.lanes, usize::from(self.spec.channels));
        let groups = self.groups(channels);
        let size = groups * SQUARES * lanes;
        let Activations { trunk, inner, squeezed, pool_bias } = activations;
        let conv = &self.convs[i];
        let next = self.convs.get(i + 1).map(|conv| conv.per_step);
        let epilogue = Epilogue { boards, groups, stride, activation: Activation::Relu, next };
        let biases = Channels { scale: conv.scale.as_ref(), bias: conv.bias.as_ref(), pool_bias: &[] };
        // The stem begins the trunk; then each block has two convolutions, the second of which adds to it.
        let block = i.saturating_sub(1) / 2;
        if i % 2 == 1 {
            let mut biases = biases;
            if let Some(perceptron) = self.optional.pool.get(block) {
                let boards_of_trunk = trunk.chunks_exact(size).take(boards);
                for (x, pool_bias) in boards_of_trunk.zip(pool_bias.chunks_exact_mut(groups * lanes)) {
                    let bias = perceptron.forward(&pool(x, lanes, channels));
                    pool_bias[..channels].copy_from_slice(&bias);
                }
                biases.pool_bias = pool_bias;
            }
            kernels.epilogue(epilogue, products, biases, inner, out);
        } else if i == 0 {
            kernels.epilogue(epilogue, products, biases, Some(trunk), out);
        } else if let Some(se) = self.optional.se.get(block) {
            let epilogue = Epilogue { activation: Activation::Identity, next: None, ..epilogue };
            kernels.epilogue(epilogue, products, biases, Some(&mut *squeezed), out);
            for (z, x) in squeezed.chunks_exact(size).zip(trunk.chunks_exact_mut(size)).take(boards) {
                excite(se, z, x, lanes, channels);
            }
            if let Some(per_step) = next {
                kernels.transform_trunk(boards, groups, trunk, per_step, stride, out);
            }
        } else {
            let epilogue = Epilogue { activation: Activation::ResidualRelu, ..epilogue };
            kernels.epilogue(epilogue, products, biases, Some(trunk), out);
        }
    }
}

/// Calls `forward` for each chunk of at most `chunk` boards of the slices of
/// [`Executor::forward_scored`](crate::net::Executor::forward_scored).
// The shape, the four slices, and the function.
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
    let outputs = policy.chunks_mut(chunk * spec.actions()).zip(wdl.chunks_mut(chunk * OUTCOMES));
    let mut scores = score.chunks_mut(chunk);
    for (planes, (policy, wdl)) in planes.zip(outputs) {
        forward(planes, policy, wdl, scores.next().unwrap_or_default());
    }
}
