//! The network as a burn module: training on every burn backend, inference on GPUs.

use alloc::{format, vec, vec::Vec};

use burn::module::{Module, Param};
use burn::tensor::activation::{relu, sigmoid};
use burn::tensor::backend::{AutodiffBackend, Backend, ExecutionError};
use burn::tensor::{Tensor, TensorData, module::conv2d, ops::ConvOptions};

use super::{Executor, NetSpec, OUTCOMES, POOLED, SIDE, SQUARES, VARIANCE_FLOOR, Weights, assert_shapes};

/// The network on backend `B`, with one parameter for each tensor of [`NetSpec::tensors`].
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

/// Two linear layers with a rectification between them.
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
    /// The network with these weights, on `device`.
    pub fn from_weights(weights: &Weights, device: &B::Device) -> Net<B> {
        let conv = |name: &str| Conv {
            weight: param(weights, &format!("{name}.weight"), device),
            bias: param(weights, &format!("{name}.bias"), device),
        };
        let linear = |name: &str| Linear {
            weight: param(weights, &format!("{name}.weight"), device),
            bias: param(weights, &format!("{name}.bias"), device),
        };
        let perceptron = |name: &str, hidden: u16| {
            let layer = |layer: &str| linear(&format!("{name}.{layer}"));
            (hidden > 0).then(|| Perceptron { hidden: layer("hidden"), out: layer("out") })
        };
        let options = weights.spec().options;
        let block = |i: u16| Block {
            conv1: conv(&format!("blocks.{i}.conv1")),
            conv2: conv(&format!("blocks.{i}.conv2")),
            pool: perceptron(&format!("blocks.{i}.pool"), options.pool_hidden),
            se: perceptron(&format!("blocks.{i}.se"), options.se_hidden),
        };
        Net {
            stem: conv("stem"),
            blocks: (0..weights.spec().blocks).map(block).collect(),
            policy: linear("policy"),
            value: Value { conv: linear("value.conv"), hidden: linear("value.hidden"), out: linear("value.out") },
            score: perceptron("score", options.score_hidden),
            spec: weights.spec().clone(),
        }
    }

    /// The weights, copied from the device; exactly those of [`Net::from_weights`] if nothing has trained since.
    ///
    /// # Panics
    /// If a parameter's shape was changed from outside.
    pub fn to_weights(&self) -> Weights {
        let mut data = Vec::with_capacity(self.spec.parameters());
        push_conv(&mut data, &self.stem);
        for block in &self.blocks {
            push_conv(&mut data, &block.conv1);
            push_conv(&mut data, &block.conv2);
            push_linears(&mut data, block.options());
        }
        push_linears(&mut data, self.heads());
        Weights::new(self.spec.clone(), data).expect("the parameters have kept their shapes since from_weights")
    }

    /// The gradient of every weight, in the order of [`Weights::data`]; zero where a parameter took no part in the loss.
    pub fn gradient(&self, gradients: &B::Gradients) -> Vec<f32>
    where
        B: AutodiffBackend,
    {
        let mut data = Vec::with_capacity(self.spec.parameters());
        let conv = |data: &mut Vec<f32>, conv: &Conv<B>| {
            push_gradient(data, &conv.weight, gradients);
            push_gradient(data, &conv.bias, gradients);
        };
        conv(&mut data, &self.stem);
        for block in &self.blocks {
            conv(&mut data, &block.conv1);
            conv(&mut data, &block.conv2);
            for linear in block.options() {
                push_gradient(&mut data, &linear.weight, gradients);
                push_gradient(&mut data, &linear.bias, gradients);
            }
        }
        for linear in self.heads() {
            push_gradient(&mut data, &linear.weight, gradients);
            push_gradient(&mut data, &linear.bias, gradients);
        }
        data
    }

    /// The layers of the heads, in the order of the flat weights.
    fn heads(&self) -> impl Iterator<Item = &Linear<B>> {
        let value = [&self.policy, &self.value.conv, &self.value.hidden, &self.value.out];
        value.into_iter().chain(self.score.iter().flat_map(Perceptron::layers))
    }

    /// The architecture.
    pub fn spec(&self) -> &NetSpec {
        &self.spec
    }

    /// Policy logits `[B, policy_planes * 81]`, unmasked, and win, draw and loss logits `[B, 3]` of the side to move,
    /// from planes `[B, planes, 81]`.
    pub fn forward(&self, planes: Tensor<B, 3>) -> (Tensor<B, 2>, Tensor<B, 2>) {
        let (policy, wdl, _) = self.forward_scored(planes);
        (policy, wdl)
    }

    /// The logits of [`forward`](Net::forward) as numbers, all of the policy's first, from planes `[B, planes, 81]`. For devices
    /// whose memory cannot be read at once, such as a browser's GPU.
    ///
    /// # Errors
    /// If the device fails.
    ///
    /// # Panics
    /// If `planes` are not those of whole positions.
    pub async fn evaluate(&self, planes: Vec<f32>) -> Result<Vec<f32>, ExecutionError> {
        let inputs = usize::from(self.spec.planes);
        let batch = planes.len() / (inputs * SQUARES);
        let planes = TensorData::new(planes, [batch, inputs, SQUARES]);
        let (policy, wdl) = self.forward(Tensor::from_data(planes, &self.policy.bias.val().device()));
        // One tensor, so that one reading waits for the device.
        let logits = Tensor::cat(vec![policy.flatten::<1>(0, 1), wdl.flatten(0, 1)], 0).into_data_async().await?;
        Ok(logits.convert::<f32>().into_vec().expect("the data was converted to f32"))
    }

    /// The same with the score `[B, 1]` of the side to move, of a network that has a head for it.
    pub fn forward_scored(&self, planes: Tensor<B, 3>) -> (Tensor<B, 2>, Tensor<B, 2>, Option<Tensor<B, 2>>) {
        let [batch, inputs, _] = planes.dims();
        let x = planes.reshape([batch, inputs, SIDE, SIDE]);
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

        let policy = self.policy.conv1x1(x.clone(), None).reshape([batch, self.spec.actions()]); // [B, policy_planes * 81]
        let policy = policy + self.policy.bias.val().unsqueeze();

        let v = relu(self.value.conv.conv1x1(x, Some(self.value.conv.bias.val()))); // [B, value_channels, 9, 9]
        let v = v.reshape([batch, usize::from(self.spec.value_channels) * SQUARES]);
        let v = relu(self.value.hidden.forward(v)); // [B, value_hidden]
        let wdl = self.value.out.forward(v); // [B, 3]
        debug_assert_eq!(wdl.dims(), [batch, OUTCOMES]);
        (policy, wdl, score)
    }
}

impl<B: Backend> Block<B> {
    /// Its linear layers, in the order of the flat weights.
    fn options(&self) -> impl Iterator<Item = &Linear<B>> {
        self.pool.iter().chain(&self.se).flat_map(Perceptron::layers)
    }
}

impl<B: Backend> Perceptron<B> {
    fn layers(&self) -> [&Linear<B>; 2] {
        [&self.hidden, &self.out]
    }

    /// `[B, in]` to `[B, out]`.
    fn forward(&self, x: Tensor<B, 2>) -> Tensor<B, 2> {
        self.out.forward(relu(self.hidden.forward(x)))
    }
}

/// Mean, greatest and standard deviation of each channel: `[B, C, 9, 9]` to `[B, 3 C]`, all means first.
fn pool<B: Backend>(x: Tensor<B, 4>) -> Tensor<B, 2> {
    let [batch, channels, ..] = x.dims();
    let x = x.reshape([batch, channels, SQUARES]);
    let mean = x.clone().mean_dim(2); // [B, C, 1]
    let deviation = x.clone() - mean.clone();
    let deviation = ((deviation.clone() * deviation).mean_dim(2) + VARIANCE_FLOOR).sqrt();
    Tensor::cat(vec![mean, x.max_dim(2), deviation], 1).reshape([batch, POOLED * channels])
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
        let options = ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
        conv2d(x, self.weight.val(), Some(self.bias.val()), options)
    }
}

impl<B: Backend> Linear<B> {
    /// `[B, in]` to `[B, out]`.
    fn forward(&self, x: Tensor<B, 2>) -> Tensor<B, 2> {
        x.matmul(self.weight.val().transpose()) + self.bias.val().unsqueeze()
    }

    /// `[B, in, 9, 9]` to `[B, out, 9, 9]`.
    fn conv1x1(&self, x: Tensor<B, 4>, bias: Option<Tensor<B, 1>>) -> Tensor<B, 4> {
        let [outputs, inputs] = self.weight.dims();
        let weight = self.weight.val().reshape([outputs, inputs, 1, 1]);
        conv2d(x, weight, bias, ConvOptions::new([1, 1], [0, 0], [1, 1], 1))
    }
}

fn param<B: Backend, const D: usize>(weights: &Weights, name: &str, device: &B::Device) -> Param<Tensor<B, D>> {
    let tensor = weights.spec().tensors().into_iter().find(|tensor| tensor.name == name);
    let shape = tensor.expect("the module names only tensors of the specification").shape;
    Param::from_data(TensorData::new(weights.expect(name).to_vec(), shape), device)
}

/// A tensor's numbers, copied from the device.
fn numbers<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().into_vec().expect("the data was converted to f32")
}

fn push<B: Backend, const D: usize>(data: &mut Vec<f32>, param: &Param<Tensor<B, D>>) {
    data.extend(numbers(param.val()));
}

fn push_gradient<B: AutodiffBackend, const D: usize>(
    data: &mut Vec<f32>,
    param: &Param<Tensor<B, D>>,
    gradients: &B::Gradients,
) {
    match param.val().grad(gradients) {
        Some(gradient) => data.extend(numbers(gradient)),
        None => data.resize(data.len() + param.shape().num_elements(), 0.0),
    }
}

fn push_conv<B: Backend>(data: &mut Vec<f32>, conv: &Conv<B>) {
    push(data, &conv.weight);
    push(data, &conv.bias);
}

fn push_linears<'a, B: Backend>(data: &mut Vec<f32>, linears: impl Iterator<Item = &'a Linear<B>>) {
    for linear in linears {
        push(data, &linear.weight);
        push(data, &linear.bias);
    }
}
