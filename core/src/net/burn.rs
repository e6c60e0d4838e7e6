//! The network as a burn module: training on every burn backend, inference on GPUs.

use alloc::{format, vec, vec::Vec};

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::activation::{relu, sigmoid};
use burn::tensor::backend::{AutodiffBackend, Backend, ExecutionError};
use burn::tensor::{ElementConversion, FloatDType, Int, Tensor, TensorData, module::conv2d, ops::ConvOptions};

use super::{Executor, NetSpec, OUTCOMES, POOLED, SIDE, SQUARES, TensorSpec, VARIANCE_FLOOR, Weights, assert_shapes};
use crate::encoding::SET_WORDS;

/// Convolution of `[B, in, s, s]` by `[out, in, k, k]`, k odd, zeros around the board, plus a bias `[out]`: `[B, out, s, s]`. The side s
/// is 9, or 1 with k = 1: a linear layer is a convolution of boards of one square.
fn convolve<B: Backend>(x: Tensor<B, 4>, weight: Tensor<B, 4>, bias: Option<Tensor<B, 1>>) -> Tensor<B, 4> {
    let ([batch, inputs, side, _], [outputs, _, kernel, _]) = (x.dims(), weight.dims());
    if side == 1 {
        let y = x.reshape([batch, inputs]).matmul(weight.reshape([outputs, inputs]).transpose()); // [B, out]
        let y = match bias {
            Some(bias) => y + bias.unsqueeze(),
            None => y,
        };
        return y.reshape([batch, outputs, 1, 1]);
    }
    conv2d(x, weight, bias, ConvOptions::new([1, 1], [kernel / 2, kernel / 2], [1, 1], 1))
}

/// Network on backend `B`, with one parameter for each tensor of [`NetSpec::tensors`].
#[derive(Module, Debug)]
pub struct Net<B: Backend> {
    stem: Conv<B>,
    blocks: Vec<Block<B>>,
    policy: Linear<B>,
    value: Value<B>,
    score: Option<Perceptron<B>>,
    #[module(skip)]
    spec: NetSpec,
}

/// 3×3 convolution with zeros around the board.
#[derive(Module, Debug)]
struct Conv<B: Backend> {
    weight: Param<Tensor<B, 4>>, // [out, in, 3, 3]
    bias: Param<Tensor<B, 1>>,   // [out]
}

#[derive(Module, Debug)]
struct Block<B: Backend> {
    conv1: Conv<B>,
    conv2: Conv<B>,
    pool: Option<Perceptron<B>>,
    se: Option<Perceptron<B>>,
}

/// Two linear layers with a `ReLU` between them.
#[derive(Module, Debug)]
struct Perceptron<B: Backend> {
    hidden: Linear<B>,
    out: Linear<B>,
}

/// A matrix and a bias: a linear layer, or a 1×1 convolution.
#[derive(Module, Debug)]
struct Linear<B: Backend> {
    weight: Param<Tensor<B, 2>>, // [out, in]
    bias: Param<Tensor<B, 1>>,
}

#[derive(Module, Debug)]
struct Value<B: Backend> {
    conv: Linear<B>,
    hidden: Linear<B>,
    out: Linear<B>,
}

impl<B: Backend> Net<B> {
    /// A network with these weights on `device`.
    pub fn from_weights(weights: &Weights, device: &B::Device) -> Net<B> {
        Net::from_flat(weights.spec(), Tensor::from_data(weights.data(), device))
    }

    /// A network with the weights `flat`, in the order of [`Weights::data`]. It computes in their type, except for variances, which are
    /// f32; inputs and outputs are f32.
    ///
    /// # Panics
    /// If the length of `flat` does not match the specification.
    pub fn from_flat(spec: &NetSpec, flat: Tensor<B, 1>) -> Net<B> {
        assert_eq!(flat.dims(), [spec.parameters()], "weights of the network");
        let flat = Flat { tensors: spec.tensors(), flat };
        let options = spec.options;
        let block = |i: u16| Block {
            conv1: flat.conv(&format!("blocks.{i}.conv1")),
            conv2: flat.conv(&format!("blocks.{i}.conv2")),
            pool: (options.pool_hidden > 0).then(|| flat.perceptron(&format!("blocks.{i}.pool"))),
            se: (options.se_hidden > 0).then(|| flat.perceptron(&format!("blocks.{i}.se"))),
        };
        Net {
            stem: flat.conv("stem"),
            blocks: (0..spec.blocks).map(block).collect(),
            policy: flat.linear("policy"),
            value: Value {
                conv: flat.linear("value.conv"),
                hidden: flat.linear("value.hidden"),
                out: flat.linear("value.out"),
            },
            score: (options.score_hidden > 0).then(|| flat.perceptron("score")),
            spec: spec.clone(),
        }
    }

    /// Weights, copied from the device; those of [`Net::from_weights`], bit for bit, until training changes them.
    ///
    /// # Panics
    /// If a caller changed the shape of a parameter.
    pub fn to_weights(&self) -> Weights {
        struct Values<B: Backend>(Vec<Tensor<B, 1>>);
        impl<B: Backend> ModuleVisitor<B> for Values<B> {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
                self.0.push(param.val().flatten(0, D - 1));
            }
        }
        let mut values = Values(Vec::new());
        self.visit(&mut values);
        let data = numbers(Tensor::cat(values.0, 0));
        Weights::new(self.spec.clone(), data).expect("the parameters have kept their shapes since from_flat")
    }

    /// Gradient of every weight in f32, in the order of [`Weights::data`]; zero for parameters that the loss does not depend on.
    pub fn gradient(&self, gradients: &B::Gradients) -> Tensor<B::InnerBackend, 1>
    where
        B: AutodiffBackend,
    {
        struct Slopes<'a, B: AutodiffBackend> {
            gradients: &'a B::Gradients,
            parts: Vec<Tensor<B::InnerBackend, 1>>,
        }
        impl<B: AutodiffBackend> ModuleVisitor<B> for Slopes<'_, B> {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
                let gradient = param.val().grad(self.gradients);
                self.parts.push(gradient.unwrap_or_else(|| param.val().inner().zeros_like()).flatten(0, D - 1));
            }
        }
        let mut slopes = Slopes { gradients, parts: Vec::new() };
        self.visit(&mut slopes);
        Tensor::cat(slopes.parts, 0).cast(FloatDType::F32)
    }

    /// Architecture of the network.
    pub fn spec(&self) -> &NetSpec {
        &self.spec
    }

    /// Unmasked policy logits `[B, policy_planes * 81]`, and logits `[B, 3]` of win, draw and loss for the side to move, from planes
    /// `[B, planes, 81]`.
    pub fn forward(&self, planes: Tensor<B, 3>) -> (Tensor<B, 2>, Tensor<B, 2>) {
        let (policy, wdl, _) = self.forward_scored(planes);
        (policy, wdl)
    }

    /// Logits of [`forward`](Net::forward) in one vector, the policy's first, from planes `[B, planes, 81]`. Asynchronous, for devices
    /// whose memory cannot be read synchronously, such as a browser's GPU.
    ///
    /// # Errors
    /// If the device fails.
    ///
    /// # Panics
    /// If `planes` is not a whole number of positions.
    pub async fn evaluate(&self, planes: Vec<f32>) -> Result<Vec<f32>, ExecutionError> {
        let inputs = usize::from(self.spec.planes);
        let batch = planes.len() / (inputs * SQUARES);
        let planes = TensorData::new(planes, [batch, inputs, SQUARES]);
        let (policy, wdl) = self.forward(Tensor::from_data(planes, &self.policy.bias.val().device()));
        // One tensor, so that only one read waits for the device.
        let logits = Tensor::cat(vec![policy.flatten::<1>(0, 1), wdl.flatten(0, 1)], 0).into_data_async().await?;
        Ok(logits.convert::<f32>().into_vec().expect("the data was converted to f32"))
    }

    /// [`forward`](Net::forward) with the score `[B, 1]` of the side to move, for networks with a score head.
    pub fn forward_scored(&self, planes: Tensor<B, 3>) -> (Tensor<B, 2>, Tensor<B, 2>, Option<Tensor<B, 2>>) {
        let [batch, inputs, _] = planes.dims();
        let x = planes.cast(self.dtype()).reshape([batch, inputs, SIDE, SIDE]);
        let mut x = relu(self.stem.forward(x)); // [B, C, 9, 9]
        for block in &self.blocks {
            let mut y = relu(block.conv1.forward(x.clone())); // [B, C, 9, 9]
            if let Some(perceptron) = &block.pool {
                y = y + over_board(perceptron.forward(pool(x.clone())));
            }
            let mut y = block.conv2.forward(y); // [B, C, 9, 9]
            if let Some(se) = &block.se {
                let channels = usize::from(self.spec.channels);
                let means = y.clone().reshape([batch, channels, SQUARES]).mean_dim(2).reshape([batch, channels]);
                let excitation = se.forward(means); // [B, 2 C]
                let [scale, shift] = [0, channels].map(|from| excitation.clone().narrow(1, from, channels));
                y = y * over_board(sigmoid(scale)) + over_board(shift);
            }
            x = relu(x + y); // [B, C, 9, 9]
        }
        let score = self.score.as_ref().map(|head| head.forward(pool(x.clone()))); // [B, 1]

        let policy = self.policy.over_squares(x.clone(), None).reshape([batch, self.spec.actions()]); // [B, policy_planes * 81]
        let policy = policy + self.policy.bias.val().unsqueeze();

        let v = relu(self.value.conv.over_squares(x, Some(self.value.conv.bias.val()))); // [B, value_channels, 9, 9]
        let v = v.reshape([batch, usize::from(self.spec.value_channels) * SQUARES]);
        let v = relu(self.value.hidden.forward(v)); // [B, value_hidden]
        let wdl = self.value.out.forward(v); // [B, 3]
        debug_assert_eq!(wdl.dims(), [batch, OUTCOMES]);
        let f32 = FloatDType::F32;
        (policy.cast(f32), wdl.cast(f32), score.map(|score| score.cast(f32)))
    }

    /// Type of the weights.
    fn dtype(&self) -> FloatDType {
        self.stem.bias.val().dtype().into()
    }
}

/// Planes `[B, planes, 81]` in f32 from their [compressed](crate::encoding::Features::compress) form, sets `[B, planes, SET_WORDS]` and
/// values `[B, planes]`.
pub fn expand<B: Backend>(sets: Tensor<B, 3, Int>, values: Tensor<B, 2>) -> Tensor<B, 3> {
    let [batch, planes] = values.dims();
    let bits = bits(sets.reshape([batch, planes * SET_WORDS])).reshape([batch, planes, SQUARES]);
    bits.float() * values.reshape([batch, planes, 1])
}

/// Bits in a word, a third of the board: fewer than 32, so that words are positive as signed integers on every device.
pub const WORD_BITS: usize = SQUARES / SET_WORDS;

/// Bits of each word, lowest first: `[B, words]` to `[B, WORD_BITS * words]`, zeros and ones.
pub fn bits<B: Backend>(words: Tensor<B, 2, Int>) -> Tensor<B, 2, Int> {
    let [batch, count] = words.dims();
    let shifts = Tensor::<B, 1, Int>::arange(0..WORD_BITS as i64, &words.device()).reshape([1, 1, WORD_BITS]);
    let words = words.reshape([batch, count, 1]).expand([batch, count, WORD_BITS]);
    let bits = words.bitwise_right_shift(shifts.expand([batch, count, WORD_BITS])).bitwise_and_scalar(1.elem());
    bits.reshape([batch, count * WORD_BITS])
}

/// Flat weights, cut into parameters by name.
struct Flat<B: Backend> {
    tensors: Vec<TensorSpec>,
    flat: Tensor<B, 1>,
}

impl<B: Backend> Flat<B> {
    fn param<const D: usize>(&self, name: &str) -> Param<Tensor<B, D>> {
        let tensor = self.tensors.iter().find(|tensor| tensor.name == name);
        let tensor = tensor.expect("the module names only tensors of the specification");
        let shape: [usize; D] = tensor.shape.clone().try_into().expect("the module knows the ranks");
        Param::from_tensor(self.flat.clone().slice(tensor.range.clone()).reshape(shape))
    }

    fn conv(&self, name: &str) -> Conv<B> {
        Conv { weight: self.param(&format!("{name}.weight")), bias: self.param(&format!("{name}.bias")) }
    }

    fn linear(&self, name: &str) -> Linear<B> {
        Linear { weight: self.param(&format!("{name}.weight")), bias: self.param(&format!("{name}.bias")) }
    }

    fn perceptron(&self, name: &str) -> Perceptron<B> {
        Perceptron { hidden: self.linear(&format!("{name}.hidden")), out: self.linear(&format!("{name}.out")) }
    }
}

impl<B: Backend> Perceptron<B> {
    /// `[B, in]` to `[B, out]`.
    fn forward(&self, x: Tensor<B, 2>) -> Tensor<B, 2> {
        self.out.forward(relu(self.hidden.forward(x)))
    }
}

/// Global pooling: mean, maximum and standard deviation of each channel, `[B, C, 9, 9]` to `[B, 3 C]`, all means first.
fn pool<B: Backend>(x: Tensor<B, 4>) -> Tensor<B, 2> {
    let [batch, channels, ..] = x.dims();
    let dtype = FloatDType::from(x.dtype());
    let x = x.cast(FloatDType::F32).reshape([batch, channels, SQUARES]);
    let mean = x.clone().mean_dim(2); // [B, C, 1]
    let deviation = x.clone() - mean.clone();
    let deviation = ((deviation.clone() * deviation).mean_dim(2) + VARIANCE_FLOOR).sqrt();
    Tensor::cat(vec![mean, x.max_dim(2), deviation], 1).reshape([batch, POOLED * channels]).cast(dtype)
}

/// `[B, C]` to `[B, C, 1, 1]`.
fn over_board<B: Backend>(x: Tensor<B, 2>) -> Tensor<B, 4> {
    let [batch, channels] = x.dims();
    x.reshape([batch, channels, 1, 1])
}

impl<B: Backend> Executor for Net<B> {
    fn spec(&self) -> &NetSpec {
        &self.spec
    }

    fn forward_scored(&mut self, batch: usize, planes: &[f32], policy: &mut [f32], wdl: &mut [f32], score: &mut [f32]) {
        assert_shapes(&self.spec, batch, planes, policy, wdl, score);
        let shape = [batch, usize::from(self.spec.planes), SQUARES];
        let planes = Tensor::from_data(TensorData::new(planes.to_vec(), shape), &self.policy.bias.val().device());
        let (policy_logits, wdl_logits, scores) = Net::forward_scored(self, planes);
        policy.copy_from_slice(&numbers(policy_logits));
        wdl.copy_from_slice(&numbers(wdl_logits));
        if let (Some(scores), false) = (scores, score.is_empty()) {
            score.copy_from_slice(&numbers(scores));
        }
    }
}

impl<B: Backend> Conv<B> {
    fn forward(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
        convolve(x, self.weight.val(), Some(self.bias.val()))
    }
}

impl<B: Backend> Linear<B> {
    /// `[B, in]` to `[B, out]`.
    fn forward(&self, x: Tensor<B, 2>) -> Tensor<B, 2> {
        let ([batch, _], [outputs, _]) = (x.dims(), self.weight.dims());
        self.over_squares(over_board(x), Some(self.bias.val())).reshape([batch, outputs])
    }

    /// The layer on every square: `[B, in, s, s]` to `[B, out, s, s]`.
    fn over_squares(&self, x: Tensor<B, 4>, bias: Option<Tensor<B, 1>>) -> Tensor<B, 4> {
        let [outputs, inputs] = self.weight.dims();
        convolve(x, self.weight.val().reshape([outputs, inputs, 1, 1]), bias)
    }
}

/// Numbers of a tensor, copied from the device.
fn numbers<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().into_vec().expect("the data was converted to f32")
}
