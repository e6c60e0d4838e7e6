//! Convolutions of the network on a GPU, with their own backward pass.
//!
//! burn's backends compute a weight gradient as a convolution whose kernel is the whole board and whose channels are the
//! samples: the search for the fastest kernel of that shape takes minutes. Here it is one matrix product; the gradient of the
//! input is a convolution like the forward one, by the same kernels.
//!
//! All matrix products are computed here, those of the linear layers as well, because some of burn 0.21's kernels for them
//! give wrong results: see [`product`].

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::tensor::backend::Backend;
use burn::tensor::{FloatDType, Tensor, TensorPrimitive, module::conv2d, ops::ConvOptions, ops::FloatTensor};

/// Convolution without derivatives, a [`Convolve`](keisei_core::net::burn::Convolve).
pub(super) fn convolve<B: Backend>(x: Tensor<B, 4>, weight: Tensor<B, 4>, bias: Option<Tensor<B, 1>>) -> Tensor<B, 4> {
    let y = apply(x, weight);
    // The bias is added outside the kernel: the addition is fused with the ReLU behind it, and both passes share their kernels.
    match bias {
        Some(bias) => y + bias.reshape([1, -1, 1, 1]),
        None => y,
    }
}

/// Convolution with derivatives.
pub(super) fn convolve_tracked<B: Backend>(
    x: Tensor<Autodiff<B>, 4>,
    weight: Tensor<Autodiff<B>, 4>,
    bias: Option<Tensor<Autodiff<B>, 1>>,
) -> Tensor<Autodiff<B>, 4> {
    let [x, weight] = [x, weight].map(|tensor| tensor.into_primitive().tensor());
    let value = |tensor: &FloatTensor<Autodiff<B>>| tensor.primitive.clone();
    let state = (value(&x), value(&weight));
    let y = if let Some(bias) = bias.map(|bias| bias.into_primitive().tensor()) {
        let y = convolve(wrap(value(&x)), wrap(value(&weight)), Some(wrap::<B, 1>(value(&bias))));
        let nodes = [x.node.clone(), weight.node.clone(), bias.node.clone()];
        match Convolution.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(state, unwrap(y)),
            OpsKind::UnTracked(prep) => prep.finish(unwrap(y)),
        }
    } else {
        let y = convolve::<B>(wrap(value(&x)), wrap(value(&weight)), None);
        let nodes = [x.node.clone(), weight.node.clone()];
        match Convolution.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(state, unwrap(y)),
            OpsKind::UnTracked(prep) => prep.finish(unwrap(y)),
        }
    };
    Tensor::from_primitive(TensorPrimitive::Float(y))
}

/// Operation for automatic differentiation: its parents are input, weight and possibly a bias; its state keeps the first two.
#[derive(Debug)]
struct Convolution;

impl<B: Backend, const N: usize> Backward<B, N> for Convolution {
    type State = (FloatTensor<B>, FloatTensor<B>);

    fn backward(self, ops: Ops<Self::State, N>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let (x, weight) = ops.state;
        let (x, weight) = (wrap::<B, 4>(x), wrap::<B, 4>(weight));
        let slope: Tensor<B, 4> = wrap(gradients.consume::<B>(&ops.node));
        for (i, parent) in ops.parents.into_iter().enumerate() {
            let Some(parent) = parent else { continue };
            let gradient = match i {
                0 => unwrap(apply(slope.clone(), mirrored(weight.clone()))),
                1 => unwrap(weight_gradient(x.clone(), slope.clone(), weight.dims())),
                _ => unwrap(bias_gradient(slope.clone())),
            };
            gradients.register::<B>(parent.id, gradient);
        }
    }
}

/// Convolution of `[B, in, s, s]` by `[out, in, k, k]` to `[B, out, s, s]`.
fn apply<B: Backend>(x: Tensor<B, 4>, weight: Tensor<B, 4>) -> Tensor<B, 4> {
    let ([batch, inputs, side, _], [outputs, _, kernel, _]) = (x.dims(), weight.dims());
    if kernel > 1 {
        return conv2d(x, weight, None, ConvOptions::new([1, 1], [kernel / 2; 2], [1, 1], 1));
    }
    let x = x.permute([0, 2, 3, 1]).reshape([batch * side * side, inputs]);
    let y = product(x, weight.reshape([outputs, inputs]).transpose()); // [B * s * s, out]
    y.reshape([batch, side, side, outputs]).permute([0, 3, 1, 2])
}

/// Weight of the convolution that computes the gradient of the input from that of the output: `[out, in, k, k]` to
/// `[in, out, k, k]`.
fn mirrored<B: Backend>(weight: Tensor<B, 4>) -> Tensor<B, 4> {
    let weight = weight.swap_dims(0, 1);
    if weight.dims()[2] > 1 { weight.flip([2, 3]) } else { weight }
}

/// Largest number of parts in which samples are summed: one product of few rows, few columns and a hundred thousand terms
/// would leave most of a GPU idle; the parts are added in f32.
const PARTS: usize = 32;

/// Least number of squares of a part, unless it is the only one.
const PART: usize = 512;

/// Gradient of the weight `[out, in, k, k]` from the input `[B, in, s, s]` and the gradient of the output `[B, out, s, s]`.
fn weight_gradient<B: Backend>(x: Tensor<B, 4>, slope: Tensor<B, 4>, shape: [usize; 4]) -> Tensor<B, 4> {
    let [outputs, inputs, kernel, _] = shape;
    let ([batch, _, side, _], dtype) = (x.dims(), FloatDType::from(x.dtype()));
    let squares = batch * side * side;
    let most = PARTS.min((squares / PART).max(1)).ilog2();
    let parts = 1 << batch.trailing_zeros().min(most);
    let columns = around(x.permute([0, 2, 3, 1]), kernel).reshape([parts, squares / parts, kernel * kernel * inputs]);
    let slope = slope.permute([0, 2, 3, 1]).reshape([parts, squares / parts, outputs]).swap_dims(1, 2);
    let gradient = product(slope, columns).cast(FloatDType::F32).sum_dim(0).cast(dtype); // [1, out, k * k * in]
    gradient.reshape([outputs, kernel, kernel, inputs]).permute([0, 3, 1, 2])
}

/// Neighbourhood of each square under the kernel (im2col): `[B, s, s, in]` to `[B, s, s, k, k, in]`.
fn around<B: Backend>(x: Tensor<B, 4>, kernel: usize) -> Tensor<B, 6> {
    let [batch, side, _, inputs] = x.dims();
    if kernel == 1 {
        return x.reshape([batch, side, side, 1, 1, inputs]);
    }
    let (margin, padded) = (kernel / 2, side + kernel - 1);
    let board = margin..margin + side;
    let zeros = Tensor::zeros([batch, padded, padded, inputs], (&x.device(), x.dtype()));
    let x = zeros.slice_assign([0..batch, board.clone(), board, 0..inputs], x);
    let x: Tensor<B, 5> = x.unfold(1, kernel, 1); // [B, s, s + 2 margins, in, k]
    let x: Tensor<B, 6> = x.unfold(2, kernel, 1); // [B, s, s, in, k, k]
    x.permute([0, 1, 2, 4, 5, 3])
}

/// Matrix product of `[.., m, k]` and `[.., k, n]`, correct for every k.
///
/// Kernels with two buffers (cubek-matmul 0.2) go through k in an even number of steps, each of a power of two up to 64. They
/// check for the end of k only if the step does not divide it; if it does an odd number of times, they add terms beyond the
/// end: with 81 steps of 8, hidden layers of 8 value channels came out wrong (<https://github.com/tracel-ai/cubek/issues/434>).
/// No step above 1 divides an odd k, and every step divides a multiple of 128 an even number of times; any other k is padded
/// by one zero.
fn product<B: Backend, const D: usize>(a: Tensor<B, D>, b: Tensor<B, D>) -> Tensor<B, D> {
    let inner = a.dims()[D - 1];
    if inner % 2 == 1 || inner.is_multiple_of(128) {
        return a.matmul(b);
    }
    let with_zero = |x: Tensor<B, D>, dim: usize| {
        let mut shape = x.dims();
        shape[dim] = 1;
        let zero = Tensor::zeros(shape, (&x.device(), x.dtype()));
        Tensor::cat(vec![x, zero], dim)
    };
    with_zero(a, D - 1).matmul(with_zero(b, D - 2))
}

/// Gradient of the bias `[out]` from the gradient of the output `[B, out, s, s]`.
fn bias_gradient<B: Backend>(slope: Tensor<B, 4>) -> Tensor<B, 1> {
    let ([batch, outputs, side, _], dtype) = (slope.dims(), FloatDType::from(slope.dtype()));
    let slope = slope.permute([0, 2, 3, 1]).reshape([batch, side * side, outputs]).cast(FloatDType::F32);
    slope.sum_dim(1).reshape([batch, outputs]).sum_dim(0).reshape([outputs]).cast(dtype)
}

fn wrap<B: Backend, const D: usize>(tensor: FloatTensor<B>) -> Tensor<B, D> {
    Tensor::from_primitive(TensorPrimitive::Float(tensor))
}

fn unwrap<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> FloatTensor<B> {
    tensor.into_primitive().tensor()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::backend::flex::{Flex, FlexDevice};
    use burn::tensor::Distribution;
    use keisei_core::net::burn::Convolve;

    /// Output, and gradients of input, weight and bias.
    fn gradients(way: Convolve<Autodiff<Flex>>, tensors: &[Tensor<Flex, 4>; 4]) -> Vec<Vec<f32>> {
        let [x, weight, bias, slope] = tensors.clone();
        let [x, weight] = [x, weight].map(|tensor| Tensor::from_inner(tensor).require_grad());
        let bias = Tensor::from_inner(bias.reshape([-1])).require_grad();
        let y = way(x.clone(), weight.clone(), Some(bias.clone()));
        let gradients = (y.clone() * Tensor::from_inner(slope)).sum().backward();
        let numbers = |tensor: Option<Tensor<Flex, 1>>| {
            let tensor = tensor.expect("it took part in the loss");
            tensor.into_data().into_vec::<f32>().expect("Flex computes in f32")
        };
        vec![
            numbers(Some(y.inner().reshape([-1]))),
            numbers(x.grad(&gradients).map(|tensor| tensor.reshape([-1]))),
            numbers(weight.grad(&gradients).map(|tensor| tensor.reshape([-1]))),
            numbers(bias.grad(&gradients)),
        ]
    }

    fn check(batch: usize, inputs: usize, outputs: usize, kernel: usize, side: usize) {
        let shapes = [
            [batch, inputs, side, side],
            [outputs, inputs, kernel, kernel],
            [1, outputs, 1, 1],
            [batch, outputs, side, side],
        ];
        let tensors = shapes.map(|shape| Tensor::random(shape, Distribution::Normal(0.0, 1.0), &FlexDevice));
        let burns: Convolve<Autodiff<Flex>> = |x, weight, bias| {
            let margin = weight.dims()[2] / 2;
            conv2d(x, weight, bias, ConvOptions::new([1, 1], [margin, margin], [1, 1], 1))
        };
        let (found, expected) = (gradients(convolve_tracked, &tensors), gradients(burns, &tensors));
        for (what, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert_eq!(found.len(), expected.len());
            let size = expected.iter().map(|x| x.abs()).fold(0.0, f32::max);
            let error = found.iter().zip(expected).map(|(f, e)| (f - e).abs()).fold(0.0, f32::max);
            assert!(error < 1e-4 * size, "{batch}, {inputs}, {outputs}, {kernel}: {what} differs by {error} of {size}");
        }
    }

    #[test]
    fn the_backward_pass_is_burns() {
        for (batch, inputs, outputs, kernel) in [(1, 3, 5, 3), (6, 4, 2, 1), (7, 5, 3, 1), (64, 2, 3, 3), (12, 4, 4, 5)]
        {
            check(batch, inputs, outputs, kernel, 9);
        }
        for (batch, inputs, outputs) in [(1, 4, 3), (6, 648, 8), (128, 8, 5)] {
            check(batch, inputs, outputs, 1, 1);
        }
    }
}
