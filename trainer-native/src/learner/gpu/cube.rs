//! The kernels themselves, in `CubeCL`: compiled for CUDA, Vulkan, Metal and WebGPU when they are first launched.

#![allow(
    clippy::pedantic,
    clippy::too_many_arguments,
    clippy::redundant_pub_crate,
    clippy::used_underscore_binding,
    reason = "what the macro `cube` makes of a kernel is not ours"
)]

use cubecl::prelude::*;
use keisei_core::encoding::{SET_WORDS, SQUARES};
use keisei_core::learn::{BETA1, BETA2, EPSILON};

/// Bits of a set's word, see [`Features::compress`](keisei_core::encoding::Features::compress).
const WORD_BITS: usize = SQUARES / SET_WORDS;

/// Kernel of [`Kernels::planes`](super::kernels::Kernels::planes).
#[cube(launch)]
pub(super) fn planes_kernel<F: Float>(
    sets: &Tensor<i32>,
    values: &Tensor<f32>,
    out: &mut Tensor<F>,
    #[comptime] planes: usize,
    #[define(F)] _dtype: StorageType,
) {
    if ABSOLUTE_POS >= out.len() {
        terminate!();
    }
    let plane = ABSOLUTE_POS % planes;
    let square = ABSOLUTE_POS / planes % SQUARES;
    let place = ABSOLUTE_POS / (planes * SQUARES) * planes + plane;
    let word = sets[place * SET_WORDS + square / WORD_BITS];
    let bit = (word >> i32::cast_from(square % WORD_BITS)) & 1;
    out[ABSOLUTE_POS] = F::cast_from(values[place] * f32::cast_from(bit));
}

/// Kernel of [`Kernels::windows`](super::kernels::Kernels::windows): sizes in vectors.
#[cube(launch)]
pub(super) fn windows_kernel<F: Float, N: Size>(
    x: &Tensor<Vector<F, N>>,
    out: &mut Tensor<Vector<F, N>>,
    #[comptime] channels: usize,
    #[comptime] columns: usize,
    #[comptime] board: usize,
    #[comptime] side: usize,
    #[define(F)] _dtype: StorageType,
) {
    if ABSOLUTE_POS >= out.len() {
        terminate!();
    }
    let row = ABSOLUTE_POS / columns;
    let column = ABSOLUTE_POS % columns;
    let tap = column / channels;
    let margin = comptime!(side / 2);
    let square = row % (board * board);
    // Counted from the corner of a board with a margin.
    let y = square / board + tap / side;
    let z = square % board + tap % side;
    let inside = tap < side * side && y >= margin && y < margin + board && z >= margin && z < margin + board;
    let mut value = Vector::<F, N>::new(F::from_int(0));
    if inside {
        value = x[((row - square) + (y - margin) * board + (z - margin)) * channels + column % channels];
    }
    out[ABSOLUTE_POS] = value;
}

/// Kernel of [`Kernels::finish`](super::kernels::Kernels::finish).
#[cube(launch)]
pub(super) fn finish_kernel<F: Float, N: Size>(
    sum: &Tensor<Vector<F, N>>,
    bias: &Tensor<Vector<F, N>>,
    residual: &ComptimeOption<Tensor<Vector<F, N>>>,
    out: &mut Tensor<Vector<F, N>>,
    #[comptime] channels: usize,
    #[comptime] rectified: bool,
    #[define(F)] _dtype: StorageType,
) {
    if ABSOLUTE_POS >= out.len() {
        terminate!();
    }
    let mut value =
        Vector::<f32, N>::cast_from(sum[ABSOLUTE_POS]) + Vector::<f32, N>::cast_from(bias[ABSOLUTE_POS % channels]);
    #[comptime]
    if let ComptimeOption::Some(residual) = residual {
        value += Vector::<f32, N>::cast_from(residual[ABSOLUTE_POS]);
    }
    if comptime!(rectified) {
        value = max(value, Vector::<f32, N>::new(0.0));
    }
    out[ABSOLUTE_POS] = Vector::cast_from(value);
}

/// Kernel of [`Kernels::slope`](super::kernels::Kernels::slope): each thread handles `part` rows of a vector of channels.
#[cube(launch)]
pub(super) fn slope_kernel<F: Float, N: Size>(
    above: &Tensor<Vector<F, N>>,
    output: &ComptimeOption<Tensor<Vector<F, N>>>,
    slope: &mut Tensor<Vector<F, N>>,
    sums: &mut Tensor<Vector<f32, N>>,
    #[comptime] channels: usize,
    #[comptime] part: usize,
    #[define(F)] _dtype: StorageType,
) {
    if ABSOLUTE_POS >= sums.len() {
        terminate!();
    }
    let first = ABSOLUTE_POS / channels * part;
    let column = ABSOLUTE_POS % channels;
    let mut sum = Vector::<f32, N>::new(0.0);
    for row in 0..part {
        let at = (first + row) * channels + column;
        let mut value = above[at];
        #[comptime]
        if let ComptimeOption::Some(output) = output {
            let zero = Vector::<F, N>::new(F::from_int(0));
            value = select_many(output[at].greater_than(zero), value, zero);
        }
        slope[at] = value;
        sum += Vector::<f32, N>::cast_from(value);
    }
    sums[ABSOLUTE_POS] = sum;
}

/// Kernel of [`Kernels::answers`](super::kernels::Kernels::answers).
#[cube(launch)]
pub(super) fn answers_kernel<F: Float>(
    policy: &Tensor<F>,
    bias: &Tensor<F>,
    wdl: &Tensor<f32>,
    score: &ComptimeOption<Tensor<f32>>,
    asked: &Tensor<i32>,
    out: &mut Tensor<f32>,
    first: usize,
    count: usize,
    #[comptime] actions: usize,
    #[define(F)] _dtype: StorageType,
) {
    if ABSOLUTE_POS >= out.len() {
        terminate!();
    }
    if ABSOLUTE_POS < count {
        let place = usize::cast_from(asked[first + ABSOLUTE_POS]);
        out[ABSOLUTE_POS] = f32::cast_from(policy[place]) + f32::cast_from(bias[place % actions]);
    } else {
        let at = ABSOLUTE_POS - count;
        #[comptime]
        match score {
            ComptimeOption::Some(score) => {
                if at < wdl.len() {
                    out[ABSOLUTE_POS] = wdl[at];
                } else {
                    out[ABSOLUTE_POS] = score[at - wdl.len()];
                }
            }
            ComptimeOption::None => out[ABSOLUTE_POS] = wdl[at],
        }
    }
}

/// Kernel of [`Kernels::adam`](super::kernels::Kernels::adam).
#[cube(launch)]
pub(super) fn adam_kernel(
    weights: &mut Tensor<f32>,
    first: &mut Tensor<f32>,
    second: &mut Tensor<f32>,
    gradient: &Tensor<f32>,
    rate: f32,
    scale: f32,
    first_bias: f32,
    second_bias: f32,
) {
    if ABSOLUTE_POS >= weights.len() {
        terminate!();
    }
    let slope = gradient[ABSOLUTE_POS] * scale;
    let mean = first[ABSOLUTE_POS] * BETA1 + slope * (1.0 - BETA1);
    let square = second[ABSOLUTE_POS] * BETA2 + slope * slope * (1.0 - BETA2);
    first[ABSOLUTE_POS] = mean;
    second[ABSOLUTE_POS] = square;
    let spread = f32::sqrt(square / second_bias) + EPSILON;
    weights[ABSOLUTE_POS] -= mean / first_bias / spread * rate;
}
