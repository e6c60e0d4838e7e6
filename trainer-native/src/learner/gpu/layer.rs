//! Layers as matrix products, with their own backward pass.
//!
//! burn's convolutions leave a large GPU mostly idle, and their search for the fastest kernel of a backward pass takes minutes. Here
//! a convolution gathers the window of every square, and forward pass, gradient of the input and gradient of the weights are
//! one product each.

use std::ops::Range;

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::tensor::backend::Backend;
use burn::tensor::{DType, Tensor, TensorPrimitive, ops::FloatTensor};

use super::kernels::Kernels;
use super::network::Order;
use crate::learner::padded;

/// Layer of a network: a convolution with zeros around the board; a linear layer is one of boards of one square.
#[derive(Clone, Debug)]
pub(super) struct Layer<B: Backend> {
    /// A row for each channel of each square of the window, and zeros up to a [`padded`] number: `[padded(taps * inputs), outputs]`.
    pub weight: Tensor<B, 2>,
    /// `[outputs]`; none for a layer that adds none.
    pub bias: Option<Tensor<B, 1>>,
    /// Shape.
    pub shape: Window,
    /// Order of the weights in the flat vector.
    pub order: Order,
    /// Places of weight and bias among the network's weights.
    pub ranges: [Range<usize>; 2],
}

/// Shape of a layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// Side of the boards.
    pub board: usize,
    /// Side of the window.
    pub side: usize,
    /// Channels of the input.
    pub inputs: usize,
}

/// Backend that computes layers, with or without derivatives.
pub(super) trait Layers: Backend {
    /// The backend without derivatives.
    type Inner: Kernels<Device = Self::Device>;

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
            layer.bias.as_ref().map(|bias| bias.clone().inner()),
            residual.as_ref().map(inner),
            rectified,
            layer.shape,
        );
        let saved = Saved::<K> {
            x: unwrap(inner(&x)),
            weight: unwrap(inner(&layer.weight)),
            output: rectified.then(|| unwrap(y.clone())),
            shape: layer.shape,
        };
        let [x, weight] = [x, layer.weight.clone()].map(|tensor| tensor.into_primitive().tensor());
        let bias = layer.bias.clone().map(|bias| bias.into_primitive().tensor());
        let residual = residual.map(|residual| residual.into_primitive().tensor());
        // The parents in the order of `Parent`.
        macro_rules! record {
            ($operation:expr, $($parent:expr),+) => {
                match $operation.prepare::<NoCheckpointing>([$($parent.node.clone()),+]).compute_bound().stateful() {
                    OpsKind::Tracked(prep) => prep.finish(saved, unwrap(y)),
                    OpsKind::UnTracked(prep) => prep.finish(unwrap(y)),
                }
            };
        }
        let y = match (bias, residual) {
            (None, None) => record!(Operation([Parent::Input, Parent::Weight]), x, weight),
            (Some(bias), None) => {
                record!(Operation([Parent::Input, Parent::Weight, Parent::Bias]), x, weight, bias)
            }
            (None, Some(residual)) => {
                record!(Operation([Parent::Input, Parent::Weight, Parent::Residual]), x, weight, residual)
            }
            (Some(bias), Some(residual)) => {
                let parents = [Parent::Input, Parent::Weight, Parent::Bias, Parent::Residual];
                record!(Operation(parents), x, weight, bias, residual)
            }
        };
        Tensor::from_primitive(TensorPrimitive::Float(y))
    }
}

/// Inputs of a layer that derivatives are taken by.
#[derive(Clone, Copy, Debug)]
enum Parent {
    Input,
    Weight,
    Bias,
    Residual,
}

/// A layer for automatic differentiation, with its parents.
#[derive(Debug)]
struct Operation<const N: usize>([Parent; N]);

/// Tensors that the forward pass of a layer keeps for its backward pass.
#[derive(Clone, Debug)]
struct Saved<K: Backend> {
    x: FloatTensor<K>,
    weight: FloatTensor<K>,
    /// The output of a rectified layer.
    output: Option<FloatTensor<K>>,
    shape: Window,
}

impl<K: Kernels, const N: usize> Backward<K, N> for Operation<N> {
    type State = Saved<K>;

    fn backward(self, ops: Ops<Saved<K>, N>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let Saved { x, weight, output, shape } = ops.state;
        let [slope, sums] = K::slope(gradients.consume::<K>(&ops.node), output);
        for (what, parent) in self.0.into_iter().zip(ops.parents) {
            let Some(parent) = parent else { continue };
            let gradient = match what {
                Parent::Input => input_gradient::<K>(wrap(slope.clone()), wrap(weight.clone()), shape),
                Parent::Weight => weight_gradient::<K>(wrap(x.clone()), wrap(slope.clone()), shape),
                Parent::Bias => unwrap(wrap::<K, 2>(sums.clone()).sum_dim(0).squeeze_dim::<1>(0)),
                Parent::Residual => slope.clone(),
            };
            gradients.register::<K>(parent.id, gradient);
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
    let sum = product(windows(x, shape), weight);
    if let Some(bias) = bias {
        wrap(K::finish(unwrap(sum), unwrap(bias), residual.map(unwrap), rectified))
    } else {
        assert!(residual.is_none() && !rectified, "a layer without a bias ends with its sum");
        sum
    }
}

/// The squares of every window, `[rows, padded(taps * inputs)]`.
fn windows<K: Kernels>(x: Tensor<K, 2>, shape: Window) -> Tensor<K, 2> {
    let terms = shape.side * shape.side * x.dims()[1];
    if terms == x.dims()[1] && terms == padded(terms) {
        return x;
    }
    wrap(K::windows(unwrap(x), shape.board, shape.side, padded(terms)))
}

/// Gradient of the input from that of the sum, `[rows, outputs]`.
fn input_gradient<K: Kernels>(slope: Tensor<K, 2>, weight: Tensor<K, 2>, shape: Window) -> FloatTensor<K> {
    let Window { side, inputs, .. } = shape;
    let outputs = slope.dims()[1];
    let weight = weight.narrow(0, 0, side * side * inputs).reshape([side, side, inputs, outputs]);
    let weight = if side > 1 { weight.flip([0, 1]) } else { weight };
    let weight = weight.swap_dims(2, 3).reshape([side * side * outputs, inputs]);
    unwrap(product(windows(slope, shape), with_zeros(weight)))
}

/// The matrix with rows of zeros up to a padded number.
pub(super) fn with_zeros<B: Backend>(matrix: Tensor<B, 2>) -> Tensor<B, 2> {
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

/// Gradient of the weight in f32 from the input and the gradient of the sum.
fn weight_gradient<K: Kernels>(x: Tensor<K, 2>, slope: Tensor<K, 2>, shape: Window) -> FloatTensor<K> {
    let [rows, outputs] = slope.dims();
    let terms = padded(shape.side * shape.side * shape.inputs);
    let windows = windows(x, shape);
    let (windows, slope) =
        if rows == padded(rows) { (windows, slope) } else { (with_zeros(windows), with_zeros(slope)) };
    let rows = padded(rows);
    let parts = 1 << (rows / padded(1)).trailing_zeros().min(PARTS.ilog2());
    let windows = windows.reshape([parts, rows / parts, terms]).swap_dims(1, 2);
    let slope = slope.reshape([parts, rows / parts, outputs]);
    let products: Tensor<K, 3> = wrap(K::product(unwrap(windows), unwrap(slope), DType::F32)); // [parts, terms, outputs]
    unwrap(products.sum_dim(0).squeeze_dim::<2>(0))
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
