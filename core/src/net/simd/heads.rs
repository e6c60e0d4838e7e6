//! Policy and value head, in f32: from the trunk to logits.

use alloc::vec::Vec;

use super::kernels::Kernels;
use super::layout::{Aligned, panels};
use super::product::{Product, ROWS};
use crate::net::{NetSpec, OUTCOMES, SQUARES, Weights};

/// The weights of the heads, arranged for a level.
#[derive(Debug)]
pub(super) struct Heads {
    spec: NetSpec,
    kernels: &'static Kernels<f32>,
    /// 1×1 convolutions of both heads, side by side: policy planes, then value channels.
    convs: Aligned<f32>,
    policy_bias: Vec<f32>,
    value_bias: Vec<f32>,
    hidden: Aligned<f32>,
    pub(super) hidden_bias: Vec<f32>,
    /// `[3][value_hidden]`
    pub(super) out: Vec<f32>,
    out_bias: Vec<f32>,
}

/// Activation buffers of the heads.
#[derive(Clone, Debug)]
pub(super) struct HeadBuffers {
    convs: Aligned<f32>,
    /// Activations of the value head's convolution, `[value_channels * 81][boards]`.
    pub(super) value: Aligned<f32>,
    /// Sums of the hidden layer without bias, `[value_hidden][boards]`.
    pub(super) hidden: Aligned<f32>,
}

impl Heads {
    pub(super) fn new(weights: &Weights, kernels: &'static Kernels<f32>) -> Heads {
        let spec = weights.spec().clone();
        let w = |name: &str| weights.expect(name);
        let [channels, inner, outer] =
            [usize::from(spec.channels), usize::from(spec.value_channels) * SQUARES, usize::from(spec.value_hidden)];
        let convs = [w("policy.weight"), w("value.conv.weight")].concat();
        let hidden = w("value.hidden.weight");
        let Kernels { lanes, width, .. } = *kernels;
        Heads {
            kernels,
            convs: panels(lanes, width, [channels, convs.len() / channels], |k, column| [convs[column * channels + k]]),
            policy_bias: w("policy.bias").to_vec(),
            value_bias: w("value.conv.bias").to_vec(),
            hidden: panels(lanes, width, [inner, outer], |k, column| [hidden[column * inner + k]]),
            hidden_bias: w("value.hidden.bias").to_vec(),
            out: w("value.out.weight").to_vec(),
            out_bias: w("value.out.bias").to_vec(),
            spec,
        }
    }

    /// Vectors that hold this many channels.
    fn groups(&self, channels: usize) -> usize {
        channels.div_ceil(self.kernels.lanes)
    }

    /// Empty buffers for this many boards.
    pub(super) fn buffers(&self, boards: usize) -> HeadBuffers {
        let lanes = self.kernels.lanes;
        let planes = usize::from(self.spec.policy_planes + self.spec.value_channels);
        let value = usize::from(self.spec.value_channels) * SQUARES;
        let rows = boards.next_multiple_of(ROWS);
        HeadBuffers {
            convs: Aligned::zero(boards * self.groups(planes) * SQUARES * lanes),
            value: Aligned::zero(self.groups(value) * rows * lanes),
            hidden: Aligned::zero(self.groups(usize::from(self.spec.value_hidden)) * rows * lanes),
        }
    }

    /// Forward pass: from the trunk `[boards][C / LANES][81][LANES]` to logits.
    pub(super) fn forward(&self, buffers: &mut HeadBuffers, trunk: &[f32], policy: &mut [f32], wdl: &mut [f32]) {
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
        let heads = buffers.convs.as_mut();
        kernels.multiply(product, trunk, self.convs.as_ref(), heads); // [boards][planes][81]

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
