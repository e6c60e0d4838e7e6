//! Layers as matrix products, with their own backward pass.
//!
//! burn's convolutions leave a large GPU mostly idle, and their search for the fastest kernel of a backward pass takes minutes. Here
//! a convolution gathers the window of every square, and forward pass, gradient of the input and gradient of the weights are
//! one product each.

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::tensor::backend::Backend;
use burn::tensor::{DType, Tensor, TensorPrimitive, ops::FloatTensor};

use super::kernels::{Arrangement, Kernels};
use crate::learner::padded;

/// Layer of a network: a convolution with zeros around the board; a linear layer is one of boards of one square.
#[derive(Clone, Debug)]
pub(super) struct Layer<B: Layers> {
    /// A row for each channel of each square of the window, and zeros up to a [`padded`] number: `[padded(taps * inputs), outputs]`.
    pub weight: Tensor<B, 2>,
    /// `[outputs]`; none for a layer that adds none.
    pub bias: Option<Tensor<B::Inner, 1>>,
    /// Shape.
    pub shape: Window,
    /// Origin of the weights and place of their gradient, for the backward pass.
    pub source: Source<B::Inner>,
}

/// Where the weights of a layer come from, and where their gradient goes to.
#[derive(Clone, Debug)]
pub(super) struct Source<K: Backend> {
    /// Weights of the network in f32.
    pub flat: FloatTensor<K>,
    /// Gradient of all of them in f32, which the backward pass fills; none if there is no backward pass.
    pub gradient: Option<FloatTensor<K>>,
    /// The layer's weights among them.
    pub weight: Arrangement,
    /// Its bias.
    pub bias: Arrangement,
}

/// Shape of a layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// Side of the boards.
    pub board: usize,
    /// Side of the window.
    pub side: usize,
}

/// Backend that computes layers, with or without derivatives.
pub(super) trait Layers: Backend {
    /// The backend without derivatives.
    type Inner: Kernels<Device = Self::Device>;

    /// Whether it takes derivatives.
    const DERIVES: bool;

    /// A tensor that derivatives are taken by, if the backend takes any.
    fn parameter<const D: usize>(tensor: Tensor<Self::Inner, D>) -> Tensor<Self, D>;

    /// A tensor that no derivative is taken by.
    fn constant<const D: usize>(tensor: Tensor<Self::Inner, D>) -> Tensor<Self, D>;

    /// The layer's output `[rows, outputs]` for `x`, `[rows, inputs]`, plus a residual `[rows, outputs]`, rectified if asked for.
    fn layer(
        layer: &Layer<Self>,
        x: Tensor<Self, 2>,
        residual: Option<Tensor<Self, 2>>,
        rectified: bool,
    ) -> Tensor<Self, 2>;
}

impl<K: Kernels> Layers for K {
    type Inner = K;

    const DERIVES: bool = false;

    fn parameter<const D: usize>(tensor: Tensor<K, D>) -> Tensor<K, D> {
        tensor
    }

    fn constant<const D: usize>(tensor: Tensor<K, D>) -> Tensor<K, D> {
        tensor
    }

    fn layer(layer: &Layer<K>, x: Tensor<K, 2>, residual: Option<Tensor<K, 2>>, rectified: bool) -> Tensor<K, 2> {
        forward(x, layer.weight.clone(), layer.bias.clone(), residual, rectified, layer.shape)
    }
}

impl<K: Kernels> Layers for Autodiff<K> {
    type Inner = K;

    const DERIVES: bool = true;

    fn parameter<const D: usize>(tensor: Tensor<K, D>) -> Tensor<Self, D> {
        Tensor::from_inner(tensor).require_grad()
    }

    fn constant<const D: usize>(tensor: Tensor<K, D>) -> Tensor<Self, D> {
        Tensor::from_inner(tensor)
    }

    fn layer(
        layer: &Layer<Self>,
        x: Tensor<Self, 2>,
        residual: Option<Tensor<Self, 2>>,
        rectified: bool,
    ) -> Tensor<Self, 2> {
        let inner = |tensor: &Tensor<Self, 2>| tensor.clone().inner();
        let y = forward(
            inner(&x),
            inner(&layer.weight),
            layer.bias.clone(),
            residual.as_ref().map(inner),
            rectified,
            layer.shape,
        );
        let saved = Saved::<K> {
            x: unwrap(inner(&x)),
            source: layer.source.clone(),
            has_bias: layer.bias.is_some(),
            output: rectified.then(|| unwrap(y.clone())),
            shape: layer.shape,
        };
        let [x, weight] = [x, layer.weight.clone()].map(|tensor| tensor.into_primitive().tensor());
        // The parents in the order of `Parent`.
        macro_rules! record {
            ($operation:expr, $($parent:expr),+) => {
                match $operation.prepare::<NoCheckpointing>([$($parent.node.clone()),+]).compute_bound().stateful() {
                    OpsKind::Tracked(prep) => prep.finish(saved, unwrap(y)),
                    OpsKind::UnTracked(prep) => prep.finish(unwrap(y)),
                }
            };
        }
        let y = if let Some(residual) = residual {
            let residual = residual.into_primitive().tensor();
            record!(Operation([Parent::Weight, Parent::Input, Parent::Residual]), weight, x, residual)
        } else {
            record!(Operation([Parent::Weight, Parent::Input]), weight, x)
        };
        Tensor::from_primitive(TensorPrimitive::Float(y))
    }
}

/// Inputs of a layer.
#[derive(Clone, Copy, Debug)]
enum Parent {
    /// Its weights, whose gradient goes to its [`Source`], with that of the bias.
    Weight,
    Input,
    Residual,
}

/// A layer for automatic differentiation, with its parents.
#[derive(Debug)]
struct Operation<const N: usize>([Parent; N]);

/// Tensors that the forward pass of a layer keeps for its backward pass.
#[derive(Clone, Debug)]
struct Saved<K: Backend> {
    x: FloatTensor<K>,
    source: Source<K>,
    has_bias: bool,
    /// The output of a rectified layer.
    output: Option<FloatTensor<K>>,
    shape: Window,
}

impl<K: Kernels, const N: usize> Backward<K, N> for Operation<N> {
    type State = Saved<K>;

    fn backward(self, ops: Ops<Saved<K>, N>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let Saved { x, source, has_bias, output, shape } = ops.state;
        let [slope, sums] = K::slope(gradients.consume::<K>(&ops.node), output);
        for (what, parent) in self.0.into_iter().zip(ops.parents) {
            let Some(parent) = parent else { continue };
            match what {
                Parent::Weight => {
                    let gradient = source.gradient.as_ref().expect("a backward pass has a gradient to fill");
                    K::restore(
                        weight_gradient::<K>(wrap(x.clone()), wrap(slope.clone()), shape),
                        &source.weight,
                        gradient,
                    );
                    if has_bias {
                        let sum = wrap::<K, 2>(sums.clone()).sum_dim(0).unsqueeze_dim::<3>(0);
                        K::restore(unwrap(sum), &source.bias, gradient);
                    }
                }
                Parent::Input => {
                    gradients.register::<K>(parent.id, input_gradient::<K>(wrap(slope.clone()), &source, shape));
                }
                Parent::Residual => gradients.register::<K>(parent.id, slope.clone()),
            }
        }
    }
}

/// A layer without derivatives.
fn forward<K: Kernels>(
    x: Tensor<K, 2>,
    weight: Tensor<K, 2>,
    bias: Option<Tensor<K, 1>>,
    residual: Option<Tensor<K, 2>>,
    rectified: bool,
    shape: Window,
) -> Tensor<K, 2> {
    let rows = x.dims()[0];
    let sum = product(windows(x, shape, rows), weight);
    if let Some(bias) = bias {
        wrap(K::finish(unwrap(sum), unwrap(bias), residual.map(unwrap), rectified))
    } else {
        assert!(residual.is_none() && !rectified, "a layer without a bias ends with its sum");
        sum
    }
}

/// The squares of every window, `[rows, padded(taps * inputs)]`, with rows of zeros behind those of `x`.
fn windows<K: Kernels>(x: Tensor<K, 2>, shape: Window, rows: usize) -> Tensor<K, 2> {
    let [squares, inputs] = x.dims();
    let terms = shape.side * shape.side * inputs;
    if terms == inputs && terms == padded(terms) && rows == squares {
        return x;
    }
    wrap(K::windows(unwrap(x), shape.board, shape.side, [rows, padded(terms)]))
}

/// Gradient of the input from that of the sum, `[rows, outputs]`.
fn input_gradient<K: Kernels>(slope: Tensor<K, 2>, source: &Source<K>, shape: Window) -> FloatTensor<K> {
    let taps = shape.side * shape.side;
    let rows = padded(taps * source.weight.outputs);
    let turned = K::turn(&source.flat, &source.weight, taps, rows, slope.dtype());
    let squares = slope.dims()[0];
    unwrap(product(windows(slope, shape, squares), wrap(turned)))
}

/// The matrix with rows of zeros up to a padded number.
fn with_zeros<B: Backend>(matrix: Tensor<B, 2>) -> Tensor<B, 2> {
    let [rows, columns] = matrix.dims();
    if rows == padded(rows) {
        return matrix;
    }
    let zeros = Tensor::zeros([padded(rows) - rows, columns], (&matrix.device(), matrix.dtype()));
    Tensor::cat(vec![matrix, zeros], 0)
}

/// Largest number of parts in which rows are summed: one product of few rows, few columns and a hundred thousand terms would leave
/// most of a GPU idle; the parts are added in f32.
const PARTS: usize = 16;

/// Gradient of the weight in f32 from the input and the gradient of the sum, in parts to be added: `[parts, terms, outputs]`.
fn weight_gradient<K: Kernels>(x: Tensor<K, 2>, slope: Tensor<K, 2>, shape: Window) -> FloatTensor<K> {
    let outputs = slope.dims()[1];
    let rows = padded(x.dims()[0]);
    let windows = windows(x, shape, rows);
    let terms = windows.dims()[1];
    let slope = with_zeros(slope);
    let parts = 1 << (rows / padded(1)).trailing_zeros().min(PARTS.ilog2());
    let windows = windows.reshape([parts, rows / parts, terms]).swap_dims(1, 2);
    let slope = slope.reshape([parts, rows / parts, outputs]);
    K::product(unwrap(windows), unwrap(slope), DType::F32)
}

/// Product of two matrices in their type.
fn product<K: Kernels>(a: Tensor<K, 2>, b: Tensor<K, 2>) -> Tensor<K, 2> {
    let dtype = a.dtype();
    wrap(K::product(unwrap(a), unwrap(b), dtype))
}

pub(super) fn wrap<B: Backend, const D: usize>(tensor: FloatTensor<B>) -> Tensor<B, D> {
    Tensor::from_primitive(TensorPrimitive::Float(tensor))
}

pub(super) fn unwrap<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> FloatTensor<B> {
    tensor.into_primitive().tensor()
}
