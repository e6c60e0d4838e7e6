//! The network on a GPU, with boards stored square by square, see [`Kernels`](super::kernels::Kernels).

use std::ops::Range;

use burn::tensor::activation::{relu, sigmoid};
use burn::tensor::backend::AutodiffBackend;
use burn::tensor::{FloatDType, Tensor};
use keisei_core::encoding::SQUARES;
use keisei_core::net::{NetSpec, TensorSpec, VARIANCE_FLOOR};

use super::kernels::Kernels;
use super::layer::{Layer, Layers, Window, with_zeros};

/// Squares of a side of the board.
const BOARD: usize = 9;

/// Network with one [`Layer`] for each of the specification.
pub(super) struct Network<B: Layers> {
    stem: Layer<B>,
    blocks: Vec<Block<B>>,
    policy: Layer<B>,
    /// Bias of every action, `[actions]`, and its place among the weights. Its gradient is the sum of the logits' slopes.
    policy_bias: (Tensor<B::Inner, 1>, Range<usize>),
    value: [Layer<B>; 3],
    score: Option<Perceptron<B>>,
}

struct Block<B: Layers> {
    convolutions: [Layer<B>; 2],
    pool: Option<Perceptron<B>>,
    se: Option<Perceptron<B>>,
}

/// Two linear layers with a `ReLU` between them.
type Perceptron<B> = [Layer<B>; 2];

/// Outputs of the network.
pub(super) struct Outputs<B: Layers> {
    /// Logits of the policy without their bias, square by square: `[boards * 81, policy planes]`.
    pub policy: Tensor<B, 2>,
    /// Logits of win, draw and loss in f32, `[boards, 3]`.
    pub wdl: Tensor<B, 2>,
    /// Score in f32, `[boards, 1]`, if the network has a score head.
    pub score: Option<Tensor<B, 2>>,
}

impl<B: Layers> Network<B> {
    /// Network with the weights `flat`, in the order of [`Weights::data`](keisei_core::net::Weights::data). It computes in their
    /// type, except for variances, which are f32; outputs are f32.
    pub fn new(spec: &NetSpec, flat: Tensor<B::Inner, 1>) -> Self {
        let flat = Flat { tensors: spec.tensors(), flat };
        let options = spec.options;
        let block = |i: u16| Block {
            convolutions: [1, 2].map(|one| flat.layer(&format!("blocks.{i}.conv{one}"), BOARD, true)),
            pool: (options.pool_hidden > 0).then(|| flat.perceptron(&format!("blocks.{i}.pool"))),
            se: (options.se_hidden > 0).then(|| flat.perceptron(&format!("blocks.{i}.se"))),
        };
        Self {
            stem: flat.layer("stem", BOARD, true),
            blocks: (0..spec.blocks).map(block).collect(),
            policy: flat.layer("policy", BOARD, false),
            policy_bias: flat.vector("policy.bias"),
            value: [("conv", BOARD), ("hidden", 1), ("out", 1)]
                .map(|(name, board)| flat.layer(&format!("value.{name}"), board, true)),
            score: (options.score_hidden > 0).then(|| flat.perceptron("score")),
        }
    }

    /// Outputs for positions of these planes, `[boards * 81, planes]`.
    pub fn forward(&self, planes: Tensor<B::Inner, 2>) -> Outputs<B> {
        let boards = planes.dims()[0] / SQUARES;
        let mut x = B::layer(&self.stem, B::constant(planes), None, true); // [boards * 81, C]
        for Block { convolutions: [first, second], pool: pooled, se } in &self.blocks {
            let mut y = B::layer(first, x.clone(), None, true);
            if let Some(pooled) = pooled {
                y = flat(over_board(y) + perceptron(pooled, pool(x.clone())).unsqueeze_dim(1));
            }
            x = match se {
                None => B::layer(second, y, Some(x), true),
                Some(se) => {
                    let y = over_board(B::layer(second, y, None, false)); // [boards, 81, C]
                    let channels = y.dims()[2];
                    let excitation = perceptron(se, y.clone().mean_dim(1).squeeze_dim::<2>(1)); // [boards, 2 C]
                    let [scale, shift]: [Tensor<B, 3>; 2] =
                        [0, channels].map(|from| excitation.clone().narrow(1, from, channels).unsqueeze_dim(1));
                    relu(x + flat(y * sigmoid(scale) + shift))
                }
            };
        }
        let score = self.score.as_ref().map(|head| perceptron(head, pool(x.clone())).cast(FloatDType::F32));
        let policy = B::layer(&self.policy, x.clone(), None, false);
        let [conv, hidden, out] = &self.value;
        let v = B::layer(conv, x, None, true); // [boards * 81, value channels]
        let v = v.reshape([boards as i64, -1]); // square by square, as the hidden layer's weights are
        let wdl = B::layer(out, B::layer(hidden, v, None, true), None, false).cast(FloatDType::F32);
        Outputs { policy, wdl, score }
    }

    /// Bias of every action square by square, `[actions]`, as the policy's logits are stored.
    pub fn policy_bias(&self) -> Tensor<B::Inner, 1> {
        let actions = self.policy_bias.0.dims()[0];
        self.policy_bias.0.clone().reshape([actions / SQUARES, SQUARES]).transpose().reshape([actions])
    }

    fn layers(&self) -> impl Iterator<Item = &Layer<B>> {
        let blocks = self.blocks.iter().flat_map(|Block { convolutions, pool, se }| {
            convolutions.iter().chain(pool.iter().flatten()).chain(se.iter().flatten())
        });
        let heads = self.value.iter().chain(self.score.iter().flatten());
        [&self.stem, &self.policy].into_iter().chain(blocks).chain(heads)
    }

    /// Gradient of every weight in f32, in the order of the weights; zero where the loss does not depend on one. `slope` is that of the
    /// loss by the policy's logits, `[boards, actions]`, square by square.
    pub fn gradient<K: Kernels>(&self, gradients: &B::Gradients, slope: Tensor<K, 2>) -> Tensor<K, 1>
    where
        B: AutodiffBackend<InnerBackend = K> + Layers<Inner = K>,
    {
        let of = |tensor: &Tensor<B, 1>| tensor.grad(gradients).unwrap_or_else(|| tensor.clone().inner().zeros_like());
        let actions = slope.dims()[1];
        let of_bias = slope.sum_dim(0).reshape([SQUARES, actions / SQUARES]).transpose().reshape([actions]);
        let mut parts = vec![(self.policy_bias.1.start, of_bias)];
        for layer in self.layers() {
            let [weight, bias] = &layer.ranges;
            let gradient = layer.weight.grad(gradients);
            let gradient = gradient.unwrap_or_else(|| layer.weight.clone().inner().zeros_like());
            parts.push((weight.start, layer.order.restore(gradient).cast(FloatDType::F32)));
            parts.extend(layer.bias.as_ref().map(|tensor| (bias.start, of(tensor).cast(FloatDType::F32))));
        }
        parts.sort_by_key(|&(start, _)| start);
        Tensor::cat(parts.into_iter().map(|(_, part)| part).collect(), 0)
    }
}

/// Order of a layer's weights in [`Weights::data`](keisei_core::net::Weights::data): `[outputs, channels, taps]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    outputs: usize,
    channels: usize,
    taps: usize,
}

impl Order {
    /// The matrix of a [`Layer`] with these weights.
    fn arrange<K: Kernels>(self, weights: Tensor<K, 1>) -> Tensor<K, 2> {
        let Self { outputs, channels, taps } = self;
        let weights = weights.reshape([outputs, channels, taps]).permute([2, 1, 0]);
        with_zeros(weights.reshape([taps * channels, outputs]))
    }

    /// The weights of such a matrix.
    fn restore<K: Kernels>(self, matrix: Tensor<K, 2>) -> Tensor<K, 1> {
        let Self { outputs, channels, taps } = self;
        let weights = matrix.narrow(0, 0, taps * channels).reshape([taps, channels, outputs]);
        weights.permute([2, 1, 0]).reshape([outputs * channels * taps])
    }
}

/// `[boards * 81, channels]` to `[boards, 81, channels]`.
fn over_board<B: Layers>(x: Tensor<B, 2>) -> Tensor<B, 3> {
    let [rows, channels] = x.dims();
    x.reshape([rows / SQUARES, SQUARES, channels])
}

/// `[boards, 81, channels]` to `[boards * 81, channels]`.
fn flat<B: Layers>(x: Tensor<B, 3>) -> Tensor<B, 2> {
    x.flatten(0, 1)
}

/// `[boards, in]` to `[boards, out]`.
fn perceptron<B: Layers>([hidden, out]: &Perceptron<B>, x: Tensor<B, 2>) -> Tensor<B, 2> {
    B::layer(out, B::layer(hidden, x, None, true), None, false)
}

/// Global pooling: mean, maximum and standard deviation of each channel, `[boards * 81, C]` to `[boards, 3 C]`, all means first.
fn pool<B: Layers>(x: Tensor<B, 2>) -> Tensor<B, 2> {
    let dtype = FloatDType::from(x.dtype());
    let x = over_board(x).cast(FloatDType::F32);
    let mean = x.clone().mean_dim(1); // [boards, 1, C]
    let deviation = x.clone() - mean.clone();
    let deviation = ((deviation.clone() * deviation).mean_dim(1) + VARIANCE_FLOOR).sqrt();
    Tensor::cat(vec![mean, x.max_dim(1), deviation], 2).squeeze_dim::<2>(1).cast(dtype)
}

/// Flat weights, cut into parameters by name.
struct Flat<K: Kernels> {
    tensors: Vec<TensorSpec>,
    flat: Tensor<K, 1>,
}

impl<K: Kernels> Flat<K> {
    fn spec(&self, name: &str) -> &TensorSpec {
        self.tensors
            .iter()
            .find(|tensor| tensor.name == name)
            .expect("the network names only tensors of the specification")
    }

    fn vector(&self, name: &str) -> (Tensor<K, 1>, Range<usize>) {
        let range = self.spec(name).range.clone();
        (self.flat.clone().slice(range.clone()), range)
    }

    /// The layer of this name, on every square of boards of `board`×`board`.
    fn layer<B: Layers<Inner = K>>(&self, name: &str, board: usize, with_bias: bool) -> Layer<B> {
        let spec = self.spec(&format!("{name}.weight"));
        let (outputs, side) = (spec.shape[0], spec.shape.get(2).copied().unwrap_or(1));
        let inputs = spec.shape[1];
        // The layer behind the value head's convolution reads a board, which the weights see channel by channel.
        let taps = if name == "value.hidden" { SQUARES } else { side * side };
        let order = Order { outputs, channels: inputs * side * side / taps, taps };
        let (weight, weights) = self.vector(&spec.name);
        let (bias, biases) = self.vector(&format!("{name}.bias"));
        Layer {
            weight: B::parameter(order.arrange(weight)),
            bias: with_bias.then(|| B::parameter(bias)),
            shape: Window { board, side, inputs },
            order,
            ranges: [weights, biases],
        }
    }

    fn perceptron<B: Layers<Inner = K>>(&self, name: &str) -> Perceptron<B> {
        ["hidden", "out"].map(|part| self.layer(&format!("{name}.{part}"), 1, true))
    }
}
