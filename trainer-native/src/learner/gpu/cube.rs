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

use super::orders::{
    CLIP_COEF, ENT_COEF, ENTRY, ENTRY_ACTION, ENTRY_COUNT, ENTRY_LEGAL, ENTRY_LOG_PROB, ENTRY_MATE, ENTRY_SCORE,
    ENTRY_TARGET, HEADER, KL_COEF, KNOWN, LEARNING_RATE, LIFT, MATE_COEF, MAX_GRAD_NORM, NOT_FINITE, OTHER_POLICY,
    OVER, PARTS, PAST_COEF, PLIES, RATIO_LIMIT, SCALE, SCORE_COEF, TAKEN, TAKEN_LAST, TARGET_KL, VF_COEF, WORDS,
};

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

/// Place of a weight in the flat vector, from its row and column in the matrix of its layer.
#[cube]
fn place_of_weight(
    start: usize,
    row: usize,
    output: usize,
    #[comptime] channels: usize,
    #[comptime] taps: usize,
) -> usize {
    start + (output * channels + row % channels) * taps + row / channels
}

/// Kernel of [`Kernels::arrange`](super::kernels::Kernels::arrange).
#[cube(launch)]
pub(super) fn arrange_kernel<F: Float>(
    flat: &Tensor<f32>,
    out: &mut Tensor<F>,
    start: usize,
    #[comptime] outputs: usize,
    #[comptime] channels: usize,
    #[comptime] taps: usize,
    #[define(F)] _dtype: StorageType,
) {
    if ABSOLUTE_POS >= out.len() {
        terminate!();
    }
    let row = ABSOLUTE_POS / outputs;
    let mut value = f32::new(0.0);
    if row < comptime!(taps * channels) {
        value = flat[place_of_weight(start, row, ABSOLUTE_POS % outputs, channels, taps)];
    }
    out[ABSOLUTE_POS] = F::cast_from(value);
}

/// Kernel of [`Kernels::turn`](super::kernels::Kernels::turn).
#[cube(launch)]
pub(super) fn turn_kernel<F: Float>(
    flat: &Tensor<f32>,
    out: &mut Tensor<F>,
    start: usize,
    #[comptime] outputs: usize,
    #[comptime] channels: usize,
    #[comptime] taps: usize,
    #[comptime] inputs: usize,
    #[define(F)] _dtype: StorageType,
) {
    if ABSOLUTE_POS >= out.len() {
        terminate!();
    }
    let window = comptime!(taps * channels / inputs);
    let tap = ABSOLUTE_POS / inputs / outputs;
    let mut value = f32::new(0.0);
    if tap < window {
        let row = (window - 1 - tap) * inputs + ABSOLUTE_POS % inputs;
        value = flat[place_of_weight(start, row, ABSOLUTE_POS / inputs % outputs, channels, taps)];
    }
    out[ABSOLUTE_POS] = F::cast_from(value);
}

/// Kernel of [`Kernels::restore`](super::kernels::Kernels::restore): neighbouring threads read neighbouring outputs.
#[cube(launch)]
pub(super) fn restore_kernel(
    parts: &Tensor<f32>,
    gradient: &mut Tensor<f32>,
    start: usize,
    count: usize,
    rows: usize,
    #[comptime] outputs: usize,
    #[comptime] channels: usize,
    #[comptime] taps: usize,
) {
    if ABSOLUTE_POS >= comptime!(taps * channels * outputs) {
        terminate!();
    }
    let mut sum = f32::new(0.0);
    for part in 0..count {
        sum += parts[part * rows * outputs + ABSOLUTE_POS];
    }
    let row = ABSOLUTE_POS / outputs;
    gradient[place_of_weight(start, row, ABSOLUTE_POS % outputs, channels, taps)] = sum;
}

/// Kernel of [`Kernels::windows`](super::kernels::Kernels::windows): sizes in vectors.
#[cube(launch)]
pub(super) fn windows_kernel<F: Float, N: Size>(
    x: &Tensor<Vector<F, N>>,
    out: &mut Tensor<Vector<F, N>>,
    squares: usize,
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
    let inside =
        row < squares && tap < side * side && y >= margin && y < margin + board && z >= margin && z < margin + board;
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

/// A number of an order or a rollout, stored by its bits.
#[cube]
fn number(words: &Tensor<i32>, at: usize) -> f32 {
    f32::reinterpret(words[at])
}

/// Whether a number is neither infinite nor NaN, by its bits: shader compilers may take for granted that every number is.
#[cube]
fn is_finite(x: f32) -> bool {
    (u32::reinterpret(x) >> 23) & 255 != 255
}

/// Place in the row of a sample's logits of the action number `index` of all legal actions, which stand in pairs from word `first` on.
#[cube]
fn place_of(rollout: &Tensor<i32>, first: usize, index: usize, #[comptime] planes: usize) -> usize {
    let word = u32::cast_from(rollout[first + index / 2]);
    let action = usize::cast_from((word >> u32::cast_from(16 * (index % 2))) & 0xffff);
    action % SQUARES * planes + action / SQUARES
}

/// Kernel of [`Kernels::loss`](super::kernels::Kernels::loss): each thread handles a sample, as
/// [`loss_of_sample`](keisei_core::learn::loss_of_sample) and [`loss_of_score`](keisei_core::learn::loss_of_score) do.
#[cube(launch)]
pub(super) fn loss_kernel<F: Float>(
    policy: &Tensor<F>,
    bias: &Tensor<F>,
    wdl: &Tensor<f32>,
    score: &ComptimeOption<Tensor<f32>>,
    rollout: &Tensor<i32>,
    order: &Tensor<i32>,
    policy_slope: &mut Tensor<f32>,
    wdl_slope: &mut Tensor<f32>,
    score_slope: &mut Tensor<f32>,
    parts: &mut Tensor<f32>,
    samples: usize,
    first_legal: usize,
    #[comptime] planes: usize,
    #[define(F)] _dtype: StorageType,
) {
    if ABSOLUTE_POS >= samples {
        terminate!();
    }
    let clip_coef = number(order, CLIP_COEF);
    let ent_coef = number(order, ENT_COEF);
    let mate_coef = number(order, MATE_COEF);
    let scale = number(order, SCALE);
    let entry = usize::cast_from(order[HEADER + ABSOLUTE_POS]) * ENTRY + WORDS;
    let advantage = number(order, HEADER + samples + ABSOLUTE_POS);
    let legal = usize::cast_from(rollout[entry + ENTRY_LEGAL]);
    let count = usize::cast_from(rollout[entry + ENTRY_COUNT]);
    let row = ABSOLUTE_POS * comptime!(planes * SQUARES);
    let part = ABSOLUTE_POS * PARTS;
    #[unroll]
    for i in 0..PARTS {
        parts[part + i] = 0.0;
    }

    // Else a position beside the plies, with legal actions if it is a lesson.
    let is_ply = rollout[entry + ENTRY_ACTION] >= 0;
    let of_ply = select(is_ply, f32::new(1.0), f32::new(0.0));
    let weight = select(is_ply, number(order, VF_COEF), number(order, PAST_COEF));
    let value_part = select(is_ply, 1usize, 10usize);
    if count > 0 {
        let mut highest = f32::new(-3.0e38);
        for i in 0..count {
            let place = place_of(rollout, first_legal, legal + i, planes);
            highest = max(highest, f32::cast_from(policy[row + place]) + f32::cast_from(bias[place]));
        }
        let mut sum = f32::new(0.0);
        for i in 0..count {
            let place = place_of(rollout, first_legal, legal + i, planes);
            let logit = f32::cast_from(policy[row + place]) + f32::cast_from(bias[place]);
            sum += f32::exp(logit - highest);
        }
        let normalizer = highest + f32::ln(sum);
        let mut entropy = f32::new(0.0);
        for i in 0..count {
            let place = place_of(rollout, first_legal, legal + i, planes);
            let log_prob = f32::cast_from(policy[row + place]) + f32::cast_from(bias[place]) - normalizer;
            entropy -= f32::exp(log_prob) * log_prob;
        }
        let action = usize::cast_from(max(rollout[entry + ENTRY_ACTION], 0));
        let played = action % SQUARES * planes + action / SQUARES;
        let log_prob = f32::cast_from(policy[row + played]) + f32::cast_from(bias[played]) - normalizer;
        let log_ratio = of_ply * (log_prob - number(rollout, entry + ENTRY_LOG_PROB));
        let ratio = f32::exp(log_ratio);
        let deviation = ratio - 1.0;
        let unclipped = ratio * advantage;
        let clipped = min(max(ratio, 1.0 - clip_coef), 1.0 + clip_coef) * advantage;
        let mut slope = number(order, KL_COEF) * deviation;
        if unclipped <= clipped {
            slope -= unclipped;
        }
        let has_mate = rollout[entry + ENTRY_MATE] >= 0;
        let mate = usize::cast_from(max(rollout[entry + ENTRY_MATE], 0));
        let mating = mate % SQUARES * planes + mate / SQUARES;
        let mate_part = select(is_ply, 9usize, 11usize);
        if has_mate {
            parts[part + mate_part] = normalizer - f32::cast_from(policy[row + mating]) - f32::cast_from(bias[mating]);
        }
        for i in 0..count {
            let place = place_of(rollout, first_legal, legal + i, planes);
            let log_prob = f32::cast_from(policy[row + place]) + f32::cast_from(bias[place]) - normalizer;
            let prob = f32::exp(log_prob);
            let mut d = of_ply * ent_coef * prob * (log_prob + entropy) - slope * prob;
            if place == played {
                d += slope;
            }
            if has_mate {
                d += mate_coef * prob;
                if place == mating {
                    d -= mate_coef;
                }
            }
            policy_slope[row + place] = scale * d;
        }
        parts[part] = -min(unclipped, clipped);
        parts[part + 3] = of_ply * entropy;
        parts[part + 4] = -log_ratio;
        parts[part + 5] = deviation - log_ratio;
        parts[part + 6] = f32::cast_from(u32::cast_from(f32::abs(deviation) > clip_coef));
        parts[part + 7] = f32::abs(deviation);
        parts[part + 8] = f32::abs(deviation);
    }

    let at = ABSOLUTE_POS * 3;
    let highest = max(wdl[at], max(wdl[at + 1], wdl[at + 2]));
    let win = f32::exp(wdl[at] - highest);
    let draw = f32::exp(wdl[at + 1] - highest);
    let loss = f32::exp(wdl[at + 2] - highest);
    let sum = win + draw + loss;
    let normalizer = highest + f32::ln(sum);
    let of_win = number(rollout, entry + ENTRY_TARGET);
    let of_draw = number(rollout, entry + comptime!(ENTRY_TARGET + 1));
    let of_loss = number(rollout, entry + comptime!(ENTRY_TARGET + 2));
    let mass = (of_win + of_draw + of_loss) / sum;
    wdl_slope[at] = scale * weight * (win * mass - of_win);
    wdl_slope[at + 1] = scale * weight * (draw * mass - of_draw);
    wdl_slope[at + 2] = scale * weight * (loss * mass - of_loss);
    parts[part + value_part] =
        of_win * (normalizer - wdl[at]) + of_draw * (normalizer - wdl[at + 1]) + of_loss * (normalizer - wdl[at + 2]);

    #[comptime]
    match score {
        ComptimeOption::Some(score) => {
            let error = score[ABSOLUTE_POS] - number(rollout, entry + ENTRY_SCORE);
            parts[part + 2] = error * error;
            score_slope[ABSOLUTE_POS] = 2.0 * scale * number(order, SCORE_COEF) * error;
        }
        ComptimeOption::None => score_slope[ABSOLUTE_POS] = 0.0,
    }
}

/// Kernel of [`Kernels::judge`](super::kernels::Kernels::judge): one thread, which decides as
/// [`StepRules::judge`](keisei_core::learn::StepRules::judge) does.
#[cube(launch)]
pub(super) fn judge_kernel(
    sums: &Tensor<f32>,
    most: &Tensor<f32>,
    squares: &Tensor<f32>,
    order: &Tensor<i32>,
    state: &mut Tensor<i32>,
    decision: &mut Tensor<f32>,
    result: &mut Tensor<f32>,
    samples: usize,
) {
    if ABSOLUTE_POS > 0 {
        terminate!();
    }
    let taken = state[0];
    let lift = number(order, LIFT);
    let norm = f32::sqrt(squares[0]) / lift;
    let plies = number(order, PLIES);
    let mut sound = is_finite(norm) && is_finite(most[0]);
    result[1] = norm;
    #[unroll]
    for i in 0..PARTS {
        let mut sum = sums[i];
        if comptime!(i == 8) {
            sum = most[0];
        }
        result[2 + i] = sum;
        sound = sound && is_finite(sum);
    }
    let mut verdict = f32::new(TAKEN);
    if state[1] != 0 {
        verdict = f32::new(OVER);
    } else if !sound {
        verdict = f32::new(NOT_FINITE);
    } else if taken == 0 && sums[7] / plies > number(order, RATIO_LIMIT) {
        verdict = f32::new(OTHER_POLICY);
    } else if sums[5] / plies > number(order, TARGET_KL) {
        verdict = f32::new(TAKEN_LAST);
    }
    result[0] = verdict;
    if verdict == TAKEN_LAST || verdict == OTHER_POLICY {
        state[1] = 1;
    }
    let mut scale = f32::new(1.0);
    let most_norm = number(order, MAX_GRAD_NORM);
    if norm > most_norm {
        scale = most_norm / norm;
    }
    let bias = HEADER + 2 * samples + 2 * usize::cast_from(taken - order[KNOWN]);
    decision[1] = number(order, LEARNING_RATE);
    decision[2] = scale / lift;
    decision[3] = number(order, bias);
    decision[4] = number(order, bias + 1);
    decision[0] = 0.0;
    if verdict == TAKEN || verdict == TAKEN_LAST {
        decision[0] = 1.0;
        state[0] = taken + 1;
    }
}

/// Kernel of [`Kernels::adam`](super::kernels::Kernels::adam).
#[cube(launch)]
pub(super) fn adam_kernel(
    weights: &mut Tensor<f32>,
    first: &mut Tensor<f32>,
    second: &mut Tensor<f32>,
    gradient: &Tensor<f32>,
    decision: &Tensor<f32>,
) {
    if ABSOLUTE_POS >= weights.len() || decision[0] == 0.0 {
        terminate!();
    }
    let slope = gradient[ABSOLUTE_POS] * decision[2];
    let mean = first[ABSOLUTE_POS] * BETA1 + slope * (1.0 - BETA1);
    let square = second[ABSOLUTE_POS] * BETA2 + slope * slope * (1.0 - BETA2);
    first[ABSOLUTE_POS] = mean;
    second[ABSOLUTE_POS] = square;
    let spread = f32::sqrt(square / decision[4]) + EPSILON;
    weights[ABSOLUTE_POS] -= mean / decision[3] / spread * decision[1];
}
