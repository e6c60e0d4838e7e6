//! Optional layers: squeeze-excitation, pool biases, the score head.
//!
//! They reduce a board `[C / LANES][81][LANES]` to a few numbers per channel, so plain loops cost next to nothing beside the
//! convolutions.

use alloc::{format, vec, vec::Vec};

use crate::net::{POOLED, SQUARES, VARIANCE_FLOOR, Weights};

/// The optional layers of a network.
#[derive(Debug)]
pub(super) struct OptionalLayers {
    /// Pool bias of each block, or empty.
    pub(super) pool: Vec<Perceptron>,
    /// Squeeze-excitation of each block, or empty.
    pub(super) se: Vec<Perceptron>,
    /// Score head.
    pub(super) score: Option<Perceptron>,
}

impl OptionalLayers {
    pub(super) fn new(weights: &Weights) -> OptionalLayers {
        let of_blocks = |name: &str| {
            let blocks = (0..weights.spec().blocks).map(|i| Perceptron::find(weights, &format!("blocks.{i}.{name}")));
            blocks.flatten().collect()
        };
        OptionalLayers { pool: of_blocks("pool"), se: of_blocks("se"), score: Perceptron::find(weights, "score") }
    }

    /// Writes the score of each board of a trunk `[boards][C / LANES][81][LANES]`; an empty `score` skips it.
    pub(super) fn score(&self, trunk: &[f32], lanes: usize, channels: usize, score: &mut [f32]) {
        let boards = trunk.chunks_exact(channels.div_ceil(lanes) * SQUARES * lanes);
        for (score, x) in score.iter_mut().zip(boards) {
            let head = self.score.as_ref().expect("a score is asked only of networks with a score head");
            *score = head.forward(&pool(x, lanes, channels))[0];
        }
    }
}

/// Two linear layers with a `ReLU` between them.
#[derive(Debug)]
pub(super) struct Perceptron {
    hidden: Vec<f32>, // [hidden, in]
    hidden_bias: Vec<f32>,
    out: Vec<f32>, // [out, hidden]
    out_bias: Vec<f32>,
}

impl Perceptron {
    /// The layers `name`, or `None`.
    pub(super) fn find(weights: &Weights, name: &str) -> Option<Perceptron> {
        let tensor = |layer: &str| weights.tensor(&format!("{name}.{layer}")).map(<[f32]>::to_vec);
        Some(Perceptron {
            hidden: tensor("hidden.weight")?,
            hidden_bias: tensor("hidden.bias")?,
            out: tensor("out.weight")?,
            out_bias: tensor("out.bias")?,
        })
    }

    /// Number of its weights.
    pub(super) fn parameters(&self) -> usize {
        self.hidden.len() + self.hidden_bias.len() + self.out.len() + self.out_bias.len()
    }

    /// Activations of the hidden layer, from `x` `[in]`.
    fn hidden(&self, x: &[f32]) -> Vec<f32> {
        linear(x, &self.hidden, &self.hidden_bias).map(|x| x.max(0.0)).collect()
    }

    /// Forward pass, `[in]` to `[out]`.
    pub(super) fn forward(&self, x: &[f32]) -> Vec<f32> {
        linear(&self.hidden(x), &self.out, &self.out_bias).collect()
    }

    /// Backward pass: returns the gradient of the input `x` `[in]`, given `d_out`, that of the output. The gradient of the weights is
    /// added to `sums`, in the order of the flat weights.
    pub(super) fn backward(&self, x: &[f32], d_out: &[f32], sums: &mut [f32]) -> Vec<f32> {
        let hidden = self.hidden(x);
        let (sum_hidden, rest) = sums.split_at_mut(self.hidden.len());
        let (sum_hidden_bias, rest) = rest.split_at_mut(self.hidden_bias.len());
        let (sum_out, sum_out_bias) = rest.split_at_mut(self.out.len());
        let mut d_hidden = linear_backward(&hidden, &self.out, d_out, sum_out, sum_out_bias);
        for (d, hidden) in d_hidden.iter_mut().zip(&hidden) {
            *d = if *hidden > 0.0 { *d } else { 0.0 };
        }
        linear_backward(x, &self.hidden, &d_hidden, sum_hidden, sum_hidden_bias)
    }
}

fn linear<'a>(x: &'a [f32], weight: &'a [f32], bias: &'a [f32]) -> impl Iterator<Item = f32> + 'a {
    weight
        .chunks_exact(x.len())
        .zip(bias)
        .map(move |(row, bias)| bias + row.iter().zip(x).map(|(w, x)| w * x).sum::<f32>())
}

fn linear_backward(x: &[f32], weight: &[f32], d: &[f32], sum_weight: &mut [f32], sum_bias: &mut [f32]) -> Vec<f32> {
    let mut d_x = vec![0.0; x.len()];
    let rows = weight.chunks_exact(x.len()).zip(sum_weight.chunks_exact_mut(x.len()));
    for ((row, sums), (&d, bias)) in rows.zip(d.iter().zip(sum_bias)) {
        *bias += d;
        for ((d_x, w), (sum, x)) in d_x.iter_mut().zip(row).zip(sums.iter_mut().zip(x)) {
            *d_x += d * w;
            *sum += d * x;
        }
    }
    d_x
}

/// The 81 squares of a channel of a board.
fn plane(board: &[f32], lanes: usize, channel: usize) -> impl Iterator<Item = f32> + Clone {
    let first = channel / lanes * SQUARES * lanes + channel % lanes;
    board[first..].iter().step_by(lanes).take(SQUARES).copied()
}

/// The 81 squares of a channel of a board, mutable.
fn plane_mut(board: &mut [f32], lanes: usize, channel: usize) -> impl Iterator<Item = &mut f32> {
    let first = channel / lanes * SQUARES * lanes + channel % lanes;
    board[first..].iter_mut().step_by(lanes).take(SQUARES)
}

fn mean(plane: impl Iterator<Item = f32>) -> f32 {
    plane.sum::<f32>() / SQUARES as f32
}

fn deviation(plane: impl Iterator<Item = f32>, mean: f32) -> f32 {
    let squares = plane.map(|x| (x - mean) * (x - mean)).sum::<f32>();
    libm::sqrtf(squares / SQUARES as f32 + VARIANCE_FLOOR)
}

/// Global pooling: mean, maximum and standard deviation of each channel of a board, `[3 * C]`, all means first.
pub(super) fn pool(board: &[f32], lanes: usize, channels: usize) -> Vec<f32> {
    let mut pooled = vec![0.0; POOLED * channels];
    for channel in 0..channels {
        let squares = || plane(board, lanes, channel);
        let mean = mean(squares());
        pooled[channel] = mean;
        pooled[channels + channel] = squares().fold(f32::NEG_INFINITY, f32::max);
        pooled[2 * channels + channel] = deviation(squares(), mean);
    }
    pooled
}

/// Backward pass of [`pool`]: adds to `gradient`, the gradient of a board, given `d`, that of the pooled values.
pub(super) fn pool_backward(board: &[f32], lanes: usize, channels: usize, d: &[f32], gradient: &mut [f32]) {
    let squares = SQUARES as f32;
    for channel in 0..channels {
        let mean = mean(plane(board, lanes, channel));
        let deviation = deviation(plane(board, lanes, channel), mean);
        let maximum = plane(board, lanes, channel).fold(f32::NEG_INFINITY, f32::max);
        let first = plane(board, lanes, channel).position(|x| x == maximum);
        let [d_mean, d_maximum, d_deviation] = [0, 1, 2].map(|i| d[i * channels + channel]);
        for (i, (x, g)) in plane(board, lanes, channel).zip(plane_mut(gradient, lanes, channel)).enumerate() {
            *g += d_mean / squares + d_deviation * (x - mean) / (squares * deviation);
            if Some(i) == first {
                *g += d_maximum;
            }
        }
    }
}

/// Means of the channels of a board, `[C]`.
fn means(board: &[f32], lanes: usize, channels: usize) -> Vec<f32> {
    (0..channels).map(|channel| mean(plane(board, lanes, channel))).collect()
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + libm::expf(-x))
}

/// Squeeze-excitation and end of a block: `trunk = ReLU(trunk + sigmoid(s) z + t)` on a board, with `s` and `t` from the means of `z`.
pub(super) fn excite(se: &Perceptron, z: &[f32], trunk: &mut [f32], lanes: usize, channels: usize) {
    let excitation = se.forward(&means(z, lanes, channels));
    let (scale, shift) = excitation.split_at(channels);
    for channel in 0..channels {
        let (scale, shift) = (sigmoid(scale[channel]), shift[channel]);
        for (x, z) in plane_mut(trunk, lanes, channel).zip(plane(z, lanes, channel)) {
            *x = (*x + scale * z + shift).max(0.0);
        }
    }
}

/// Backward pass of [`excite`]: writes `gradient`, that of `z`, given `d`, that of what `z` adds to the trunk. The gradient of the
/// weights is added to `sums`.
pub(super) fn excite_backward(
    se: &Perceptron,
    z: &[f32],
    d: &[f32],
    gradient: &mut [f32],
    lanes: usize,
    channels: usize,
    sums: &mut [f32],
) {
    let means = means(z, lanes, channels);
    let excitation = se.forward(&means);
    let scale = |channel: usize| sigmoid(excitation[channel]);
    let mut d_excitation = vec![0.0; 2 * channels];
    for channel in 0..channels {
        let (d, z) = (plane(d, lanes, channel), plane(z, lanes, channel));
        let slope = scale(channel) * (1.0 - scale(channel));
        d_excitation[channel] = slope * d.clone().zip(z).map(|(d, z)| d * z).sum::<f32>();
        d_excitation[channels + channel] = d.sum();
    }
    let d_means = se.backward(&means, &d_excitation, sums);
    for (channel, d_mean) in d_means.into_iter().enumerate() {
        let scale = scale(channel);
        for (g, d) in plane_mut(gradient, lanes, channel).zip(plane(d, lanes, channel)) {
            *g = scale * d + d_mean / SQUARES as f32;
        }
    }
}
