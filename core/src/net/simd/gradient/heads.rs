//! Backward pass of the heads, in f32: from gradients of logits and score to that of the trunk.

use alloc::{vec, vec::Vec};

use super::super::heads::{HeadBuffers, Heads};
use super::super::kernels::Kernels;
use super::super::layout::{Aligned, panels};
use super::super::optional::{OptionalLayers, Perceptron, pool, pool_backward};
use super::super::product::{Product, ROWS};
use super::kernels::GradientKernels;
use super::tape::{Tensors, take};
use crate::net::{NetSpec, OUTCOMES, SQUARES, Weights};

/// The weights of the heads, transposed.
#[derive(Debug)]
pub(super) struct HeadsBackward {
    spec: NetSpec,
    kernels: &'static Kernels<f32>,
    gradients: &'static GradientKernels,
    convs: Aligned<f32>,
    hidden: Aligned<f32>,
}

/// Activations and gradients of the heads, and sums of gradients.
#[derive(Debug)]
pub(super) struct HeadTape {
    pub(super) buffers: HeadBuffers,
    /// Gradient of the trunk, `[boards][C / LANES][81][LANES]`.
    pub(super) trunk: Aligned<f32>,
    /// Gradient of both heads' convolutions, `[boards][planes / LANES][81][LANES]`.
    convs: Aligned<f32>,
    hidden: Aligned<f32>, // [hidden / LANES][boards][LANES]
    value: Aligned<f32>,  // [value_channels * 81 / LANES][boards][LANES]
    sums: Sums,
}

/// Sums of gradients of the weights, in the layout of the kernels.
#[derive(Debug)]
struct Sums {
    convs: Aligned<f32>, // [C][planes]
    policy_bias: Vec<f32>,
    value_bias: Vec<f32>,
    hidden: Aligned<f32>, // [value_channels * 81][value_hidden]
    hidden_bias: Vec<f32>,
    out: Vec<f32>,
    out_bias: [f32; OUTCOMES],
    /// Score head, flat.
    score: Vec<f32>,
}

impl HeadsBackward {
    pub(super) fn new(
        weights: &Weights,
        kernels: &'static Kernels<f32>,
        gradients: &'static GradientKernels,
    ) -> HeadsBackward {
        let spec = weights.spec().clone();
        let (channels, hidden) = (usize::from(spec.channels), usize::from(spec.value_hidden));
        let heads = [weights.expect("policy.weight"), weights.expect("value.conv.weight")].concat();
        let value = usize::from(spec.value_channels) * SQUARES;
        let weight = weights.expect("value.hidden.weight");
        let Kernels { lanes, width, .. } = *kernels;
        HeadsBackward {
            spec,
            kernels,
            gradients,
            convs: panels(lanes, width, [heads.len() / channels, channels], |k, column| [heads[k * channels + column]]),
            hidden: panels(lanes, width, [hidden, value], |k, column| [weight[k * value + column]]),
        }
    }

    /// Vectors that hold this many channels.
    fn groups(&self, channels: usize) -> usize {
        channels.div_ceil(self.kernels.lanes)
    }

    /// An empty tape for this many boards.
    pub(super) fn tape(&self, heads: &Heads, optional: &OptionalLayers, boards: usize) -> HeadTape {
        let lanes = self.kernels.lanes;
        let [channels, policy_planes, value_channels, hidden] = {
            let spec = &self.spec;
            [spec.channels, spec.policy_planes, spec.value_channels, spec.value_hidden].map(usize::from)
        };
        let [groups, planes, hidden_groups] =
            [channels, policy_planes + value_channels, hidden].map(|channels| self.groups(channels));
        let value = self.groups(value_channels * SQUARES);
        let square = lanes * lanes;
        let rows = boards.next_multiple_of(ROWS);
        HeadTape {
            buffers: heads.buffers(boards),
            trunk: Aligned::zero(boards * groups * SQUARES * lanes),
            convs: Aligned::zero(boards * planes * SQUARES * lanes),
            hidden: Aligned::zero(hidden_groups * rows * lanes),
            value: Aligned::zero(value * rows * lanes),
            sums: Sums {
                convs: Aligned::zero(groups * planes * square),
                policy_bias: vec![0.0; self.spec.actions()],
                value_bias: vec![0.0; value_channels],
                hidden: Aligned::zero(value * hidden_groups * square),
                hidden_bias: vec![0.0; hidden],
                out: vec![0.0; OUTCOMES * hidden],
                out_bias: [0.0; OUTCOMES],
                score: vec![0.0; optional.score.as_ref().map_or(0, Perceptron::parameters)],
            },
        }
    }

    /// Writes the gradient of the trunk to the tape, given those of `policy`, `wdl` and `score`, which may be empty.
    pub(super) fn backward(
        &self,
        heads: &Heads,
        optional: &OptionalLayers,
        tape: &mut HeadTape,
        trunk: &[f32],
        [policy, wdl, score]: [&[f32]; 3],
    ) {
        let boards = wdl.len() / OUTCOMES;
        self.value(heads, tape, wdl);
        self.convs(tape, trunk, boards, policy);
        self.score(optional, tape, trunk, score);
    }

    /// From the gradient of the outcome logits to that of the value head's convolution after its `ReLU`.
    fn value(&self, heads: &Heads, tape: &mut HeadTape, wdl: &[f32]) {
        let (kernels, lanes) = (self.kernels, self.kernels.lanes);
        let boards = wdl.len() / OUTCOMES;
        let (hidden, rows) = (usize::from(self.spec.value_hidden), boards.next_multiple_of(ROWS));
        let HeadTape { buffers, sums, hidden: gradient, value, .. } = tape;
        let hidden_sums = buffers.hidden.as_ref(); // [hidden][rows]
        let gradient = gradient.as_mut(); // [hidden][rows]
        gradient.fill(0.0);
        for (board, wdl) in wdl.chunks_exact(OUTCOMES).enumerate() {
            for (outcome, d) in wdl.iter().enumerate() {
                sums.out_bias[outcome] += d;
            }
            for i in 0..hidden {
                let at = (i / lanes * rows + board) * lanes + i % lanes;
                let x = hidden_sums[at] + heads.hidden_bias[i];
                if x > 0.0 {
                    for (outcome, d) in wdl.iter().enumerate() {
                        sums.out[outcome * hidden + i] += d * x;
                        gradient[at] += d * heads.out[outcome * hidden + i];
                    }
                    sums.hidden_bias[i] += gradient[at];
                }
            }
        }
        let inner = self.groups(usize::from(self.spec.value_channels) * SQUARES);
        let outer = self.groups(hidden);
        let product = Product { count: 1, rows, inner, outer, a_stride: 0, b_stride: 0, out_stride: 0 };
        self.gradients.add_transposed(product, buffers.value.as_ref(), gradient, sums.hidden.as_mut());
        let product = Product { inner: outer, outer: inner, ..product };
        kernels.multiply(product, gradient, self.hidden.as_ref(), value.as_mut());
    }

    /// From the gradients of the policy logits and of the value head's convolution to that of the trunk.
    fn convs(&self, tape: &mut HeadTape, trunk: &[f32], boards: usize, policy: &[f32]) {
        let (kernels, lanes) = (self.kernels, self.kernels.lanes);
        let rows = boards.next_multiple_of(ROWS);
        let [channels, policy_planes, value_channels] =
            [self.spec.channels, self.spec.policy_planes, self.spec.value_channels].map(usize::from);
        let (groups, planes) = (self.groups(channels), self.groups(policy_planes + value_channels));
        let HeadTape { buffers, sums, convs, value: value_gradient, trunk: trunk_gradient, .. } = tape;
        let (value, value_gradient) = (buffers.value.as_ref(), value_gradient.as_ref());
        let convs = convs.as_mut(); // [boards][planes][81]
        let per_board = policy.chunks_exact(self.spec.actions()).zip(convs.chunks_exact_mut(planes * SQUARES * lanes));
        for (board, (policy, convs)) in per_board.enumerate() {
            for (sum, d) in sums.policy_bias.iter_mut().zip(policy) {
                *sum += d;
            }
            let plane = |plane: usize| plane / lanes * SQUARES * lanes + plane % lanes;
            for (i, logits) in policy.chunks_exact(SQUARES).enumerate() {
                for (to, d) in convs[plane(i)..].iter_mut().step_by(lanes).zip(logits) {
                    *to = *d;
                }
            }
            for (channel, sum) in sums.value_bias.iter_mut().enumerate() {
                let squares = convs[plane(policy_planes + channel)..].iter_mut().step_by(lanes);
                for (square, to) in squares.take(SQUARES).enumerate() {
                    let k = channel * SQUARES + square;
                    let at = (k / lanes * rows + board) * lanes + k % lanes;
                    *to = if value[at] > 0.0 { value_gradient[at] } else { 0.0 };
                    *sum += *to;
                }
            }
        }
        let (trunk_stride, convs_stride) = (groups * SQUARES * lanes, planes * SQUARES * lanes);
        let product = Product {
            count: boards,
            rows: SQUARES,
            inner: groups,
            outer: planes,
            a_stride: trunk_stride,
            b_stride: convs_stride,
            out_stride: 0,
        };
        self.gradients.add_transposed(product, trunk, convs, sums.convs.as_mut());
        let (inner, outer) = (planes, groups);
        let product =
            Product { inner, outer, a_stride: convs_stride, b_stride: 0, out_stride: trunk_stride, ..product };
        kernels.multiply(product, convs, self.convs.as_ref(), trunk_gradient.as_mut()); // [boards][C][81]
    }

    /// Adds the gradient of the score to that of the trunk.
    fn score(&self, optional: &OptionalLayers, tape: &mut HeadTape, trunk: &[f32], score: &[f32]) {
        let (lanes, channels) = (self.kernels.lanes, usize::from(self.spec.channels));
        let size = self.groups(channels) * SQUARES * lanes;
        let boards = trunk.chunks_exact(size).zip(tape.trunk.as_mut().chunks_exact_mut(size));
        for (d, (x, gradient)) in score.iter().zip(boards) {
            let head = optional.score.as_ref().expect("only networks with a score head have its gradient");
            let d = head.backward(&pool(x, lanes, channels), &[*d], &mut tape.sums.score);
            pool_backward(x, lanes, channels, &d, gradient);
        }
    }

    /// Moves the gradients of the heads' tensors from the tape, and leaves zeros.
    pub(super) fn take_gradient(&self, tape: &mut HeadTape, tensors: &mut Tensors) {
        let spec = &self.spec;
        let [channels, policy_planes, value_channels, hidden] =
            [spec.channels, spec.policy_planes, spec.value_channels, spec.value_hidden].map(usize::from);
        let lanes = self.kernels.lanes;
        let sums = &mut tape.sums;

        let mut next = |len: usize| tensors.next(len);
        let planes = self.groups(policy_planes + value_channels) * lanes;
        let convs = sums.convs.as_mut();
        take_transposed(convs, planes, 0, channels, next(policy_planes * channels));
        take(&mut sums.policy_bias, next(spec.actions()));
        take_transposed(convs, planes, policy_planes, channels, next(value_channels * channels));
        convs.fill(0.0);
        take(&mut sums.value_bias, next(value_channels));
        let value = value_channels * SQUARES;
        let columns = self.groups(hidden) * lanes;
        take_transposed(sums.hidden.as_ref(), columns, 0, value, next(hidden * value));
        sums.hidden.as_mut().fill(0.0);
        take(&mut sums.hidden_bias, next(hidden));
        take(&mut sums.out, next(OUTCOMES * hidden));
        take(&mut sums.out_bias, next(OUTCOMES));
        let len = sums.score.len();
        take(&mut sums.score, next(len));
    }
}

/// Writes `[out, in]` from columns `first` and following of `[in][columns]`.
fn take_transposed(sums: &[f32], columns: usize, first: usize, inputs: usize, to: &mut [f32]) {
    for (column, row) in to.chunks_exact_mut(inputs).enumerate() {
        for (x, sums) in row.iter_mut().zip(sums.chunks_exact(columns)) {
            *x = sums[first + column];
        }
    }
}
