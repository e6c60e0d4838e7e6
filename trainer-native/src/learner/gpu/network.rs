//! The network on a GPU, with boards stored square by square, see [`Kernels`](super::kernels::Kernels).

use burn::backend::Autodiff;
use burn::tensor::activation::{relu, sigmoid};
use burn::tensor::{FloatDType, Tensor, ops::FloatTensor};
use keisei_core::encoding::SQUARES;
use keisei_core::net::{NetSpec, TensorSpec, VARIANCE_FLOOR};

use super::kernels::{Arrangement, Kernels};
use super::layer::{Layer, Layers, Source, Window, unwrap, wrap};
use crate::learner::padded;

/// Squares of a side of the board.
const BOARD: usize = 9;

/// Network with one [`Layer`] for each of the specification.
pub(super) struct Network<B: Layers> {
    stem: Layer<B>,
    blocks: Vec<Block<B>>,
    policy: Layer<B>,
    /// Bias of every action square by square, `[actions]`, as the policy's logits are stored; and its place among the weights.
    policy_bias: (Tensor<B::Inner, 1>, Arrangement),
    /// Gradient of all weights in f32, which a backward pass fills; none without derivatives.
    gradient: Option<Tensor<B::Inner, 1>>,
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
    /// Network with the weights `flat` in f32, in the order of [`Weights::data`](keisei_core::net::Weights::data). It computes in
    /// `dtype`, except for variances, which are f32; outputs are f32.
    pub fn new(spec: &NetSpec, flat: Tensor<B::Inner, 1>, dtype: FloatDType) -> Self {
        // Zero where the loss does not depend on a weight.
        let gradient = B::DERIVES.then(|| flat.zeros_like());
        let flat = Flat { tensors: spec.tensors(), flat: unwrap(flat), gradient: gradient.clone().map(unwrap), dtype };
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
            policy_bias: flat.policy_bias(),
            value: [("conv", BOARD), ("hidden", 1), ("out", 1)]
                .map(|(name, board)| flat.layer(&format!("value.{name}"), board, true)),
            score: (options.score_hidden > 0).then(|| flat.perceptron("score")),
            gradient,
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
        self.policy_bias.0.clone()
    }
}

impl<K: Kernels> Network<Autodiff<K>> {
    /// Gradient of every weight in f32, in the order of the weights, of a loss whose slope by the policy's logits is `[boards, actions]`,
    /// square by square, and whose other derivatives are those of `sum`.
    pub fn gradient(&self, sum: Tensor<Autodiff<K>, 1>, slope: Tensor<K, 2>) -> Tensor<K, 1> {
        let gradient = self.gradient.clone().expect("the network takes derivatives");
        sum.backward();
        let (actions, place) = (slope.dims()[1], self.policy_bias.1);
        let of_bias = slope.sum_dim(0).reshape([1, SQUARES, actions / SQUARES]);
        K::restore(unwrap(of_bias), &place, &unwrap(gradient.clone()));
        gradient
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
    /// All weights in f32, and their gradient.
    flat: FloatTensor<K>,
    gradient: Option<FloatTensor<K>>,
    /// Type of the layers.
    dtype: FloatDType,
}

impl<K: Kernels> Flat<K> {
    fn spec(&self, name: &str) -> &TensorSpec {
        self.tensors
            .iter()
            .find(|tensor| tensor.name == name)
            .expect("the network names only tensors of the specification")
    }

    /// The matrix of these weights with zeros up to `rows`.
    fn matrix(&self, of: &Arrangement, rows: usize) -> Tensor<K, 2> {
        wrap(K::arrange(&self.flat, of, rows, self.dtype.into()))
    }

    fn policy_bias(&self) -> (Tensor<K, 1>, Arrangement) {
        let range = &self.spec("policy.bias").range;
        let of = Arrangement { start: range.start, outputs: range.len() / SQUARES, channels: 1, taps: SQUARES };
        (self.matrix(&of, SQUARES).reshape([range.len()]), of)
    }

    /// The layer of this name, on every square of boards of `board`×`board`.
    fn layer<B: Layers<Inner = K>>(&self, name: &str, board: usize, with_bias: bool) -> Layer<B> {
        let spec = self.spec(&format!("{name}.weight"));
        let (outputs, side) = (spec.shape[0], spec.shape.get(2).copied().unwrap_or(1));
        let inputs = spec.shape[1];
        // The layer behind the value head's convolution reads a board, which the weights see channel by channel.
        let taps = if name == "value.hidden" { SQUARES } else { side * side };
        let channels = inputs * side * side / taps;
        let weight = Arrangement { start: spec.range.start, outputs, channels, taps };
        let bias = self.spec(&format!("{name}.bias")).range.start;
        let bias = Arrangement { start: bias, outputs, channels: 1, taps: 1 };
        let (flat, gradient) = (self.flat.clone(), self.gradient.clone());
        Layer {
            weight: B::parameter(self.matrix(&weight, padded(weight.terms()))),
            bias: with_bias.then(|| self.matrix(&bias, 1).reshape([outputs])),
            shape: Window { board, side },
            source: Source { flat, gradient, weight, bias },
        }
    }

    fn perceptron<B: Layers<Inner = K>>(&self, name: &str) -> Perceptron<B> {
        ["hidden", "out"].map(|part| self.layer(&format!("{name}.{part}"), 1, true))
    }
}
