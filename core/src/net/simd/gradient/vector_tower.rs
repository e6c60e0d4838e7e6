//! Forward and backward pass of the residual tower on vectors, with Winograd convolutions.
//!
//! With `Y = Aᵀ[(G w Gᵀ) ⊙ (Bᵀ d B)]A` as the convolution, both gradients are products in the same 25 frequencies:
//! `∂d = B[(A ∂Y Aᵀ) (G w Gᵀ)ᵀ]Bᵀ` and `∂w = Gᵀ[(Bᵀ d B)ᵀ (A ∂Y Aᵀ)]G`.

use alloc::{format, vec::Vec};

use super::super::epilogue::Residual;
use super::super::kernels::Kernels;
use super::super::layout::{Aligned, panels};
use super::super::network::{Activations, Buffers, Network, convs};
use super::super::optional::{excite_backward, pool, pool_backward};
use super::super::product::Product;
use super::super::winograd::{self, PRODUCTS, TILES};
use super::kernels::{BiasGradients, EpilogueGradient, GradientKernels};
use super::tape::{CHUNK, OptionalSums, Tensors};
use crate::net::{SQUARES, TAPS, Weights};

/// The residual tower: stem and blocks.
#[derive(Debug)]
pub(super) struct Tower {
    pub(super) network: Network<f32>,
    gradients: &'static GradientKernels,
    /// Transformed weights of the convolutions after the stem, transposed.
    transposed: Vec<Aligned<f32>>,
}

/// Activations of the forward pass, and sums of gradients.
#[derive(Debug)]
pub(super) struct TowerTape {
    pub(super) buffers: Buffers<f32>,
    /// Transformed input of each convolution.
    inputs: Vec<Aligned<f32>>,
    /// Activations of each convolution, `[boards][C / LANES][81][LANES]`.
    activations: Vec<Aligned<f32>>,
    /// Activations of each block before squeeze-excitation, with the same layout; empty without it.
    squeezed: Vec<Aligned<f32>>,
    /// Gradient of one block's `squeezed`.
    squeezed_gradient: Aligned<f32>,
    /// Pool bias of each block, `[boards][C / LANES][LANES]`; empty without global pooling.
    pool_biases: Vec<Aligned<f32>>,
    /// Gradient of one block's pool bias.
    pool_bias_gradient: Aligned<f32>,
    /// Gradient of each convolution's transformed weights, `[25][in][out]`.
    weights: Vec<Aligned<f32>>,
    /// Gradient of each convolution's bias.
    biases: Vec<Aligned<f32>>,
    optional: OptionalSums,
}

impl TowerTape {
    /// Activations of each convolution in the last forward pass of `boards` boards, and the pool bias that was added to them.
    pub(super) fn activations(&self, boards: usize) -> impl Iterator<Item = (&[f32], &[f32])> {
        fn of(numbers: &Aligned<f32>, boards: usize) -> &[f32] {
            &numbers.as_ref()[..numbers.as_ref().len() / CHUNK * boards]
        }
        self.activations.iter().enumerate().map(move |(i, activations)| {
            let pool_bias = if i % 2 == 1 { self.pool_biases.get(i / 2) } else { None };
            (of(activations, boards), pool_bias.map_or(&[][..], |pool_bias| of(pool_bias, boards)))
        })
    }
}

impl Tower {
    pub(super) fn new(
        network: Network<f32>,
        gradients: &'static GradientKernels,
        transposed: Vec<Aligned<f32>>,
    ) -> Tower {
        Tower { network, gradients, transposed }
    }

    /// Transformed weights of all convolutions but the first, with inputs and outputs exchanged.
    pub(super) fn transposed(weights: &Weights, kernels: &Kernels<f32>) -> Vec<Aligned<f32>> {
        let channels = usize::from(weights.spec().channels);
        let transposed = convs(weights.spec()).skip(1).map(|name| {
            let weight = weights.expect(&format!("{name}.weight"));
            panels(kernels.lanes, kernels.width, [channels, channels], |k, column| {
                winograd::weights(&weight[(k * channels + column) * TAPS..])
            })
        });
        transposed.collect()
    }

    /// Numbers from one of the 25 products of a tile to the next in the input of a convolution.
    fn input_stride(&self, conv: usize, boards: usize) -> usize {
        self.network.stride(self.network.inputs(conv), boards)
    }

    /// An empty tape.
    pub(super) fn tape(&self) -> TowerTape {
        let network = &self.network;
        let Network { spec, kernels: Kernels { lanes, .. }, optional, .. } = network;
        let groups = network.groups(usize::from(spec.channels));
        let each = |size: &dyn Fn(usize) -> usize| (0..network.convs.len()).map(|i| Aligned::zero(size(i))).collect();
        let trunk = CHUNK * groups * SQUARES * lanes;
        TowerTape {
            buffers: network.buffers(CHUNK),
            inputs: each(&|conv| PRODUCTS * self.input_stride(conv, CHUNK)),
            activations: each(&|_| trunk),
            squeezed: optional.se.iter().map(|_| Aligned::zero(trunk)).collect(),
            squeezed_gradient: Aligned::zero(trunk),
            pool_biases: optional.pool.iter().map(|_| Aligned::zero(trunk / SQUARES)).collect(),
            pool_bias_gradient: Aligned::zero(trunk / SQUARES),
            weights: each(&|conv| PRODUCTS * network.groups(network.inputs(conv)) * groups * lanes * lanes),
            biases: each(&|_| groups * lanes),
            optional: OptionalSums::new(optional),
        }
    }

    /// Forward pass from planes to the trunk in the tape's buffers.
    pub(super) fn forward(&self, tape: &mut TowerTape, boards: usize, planes: &[f32]) {
        let network = &self.network;
        let stride = network.stride(usize::from(network.spec.channels), boards);
        let TowerTape { buffers, inputs, activations, squeezed, pool_biases, .. } = tape;
        let (stem_stride, stem_input) = (self.input_stride(0, boards), inputs[0].as_mut());
        network.kernels.transform_planes(boards, network.inputs(0), planes, 1.0, stem_stride, stem_input); // [25][planes][boards * 9]
        for i in 0..network.convs.len() {
            let products = buffers.products.as_mut();
            network.multiply(i, boards, [self.input_stride(i, boards), stride], inputs[i].as_ref(), products); // [25][C][boards * 9]
            let block = i.saturating_sub(1) / 2;
            let written = Activations {
                trunk: buffers.trunk.as_mut(),
                inner: (i % 2 == 1).then(|| activations[i].as_mut()),
                squeezed: squeezed.get_mut(block).map_or(&mut [], Aligned::as_mut),
                pool_bias: pool_biases.get_mut(block).map_or(&mut [], Aligned::as_mut),
            };
            let out = inputs.get_mut(i + 1).unwrap_or(&mut buffers.transformed);
            network.epilogue(i, boards, stride, products, written, out.as_mut());
            if i % 2 == 0 {
                activations[i].as_mut().copy_from_slice(buffers.trunk.as_ref());
            }
        }
    }

    /// Backward pass: sums gradients, given that of the trunk, which becomes that of the stem's activations.
    pub(super) fn backward(&self, tape: &mut TowerTape, boards: usize, trunk: &mut [f32]) {
        let (network, kernels) = (&self.network, self.network.kernels);
        let (lanes, channels) = (kernels.lanes, usize::from(network.spec.channels));
        let (groups, stride) = (network.groups(channels), network.stride(channels, boards));
        let size = groups * SQUARES * lanes;
        let TowerTape { buffers, inputs, activations, squeezed, squeezed_gradient, pool_bias_gradient, .. } = tape;
        let TowerTape { weights, biases, optional, .. } = tape;
        // Gradients of the next convolution's products, and of this one's.
        let (products, own_products) = (buffers.products.as_mut(), buffers.transformed.as_mut());
        let pool_bias_gradient = pool_bias_gradient.as_mut();
        for i in (0..network.convs.len()).rev() {
            let on_trunk = i % 2 == 0;
            let block = i.saturating_sub(1) / 2;
            let residual = if on_trunk { Residual::Updated } else { Residual::Unused };
            let epilogue = EpilogueGradient { boards, groups, stride, residual };
            let next_products = (i + 1 < network.convs.len()).then_some(&*products);
            let relu = Some(activations[i].as_ref());
            let se = if on_trunk && i > 0 { network.optional.se.get(block) } else { None };
            let pooling = if on_trunk { None } else { network.optional.pool.get(block) };
            let pool_bias = if pooling.is_some() { &mut *pool_bias_gradient } else { &mut [] };
            let bias_gradients = BiasGradients { bias: biases[i].as_mut(), pool_bias };
            if let Some(se) = se {
                let none = BiasGradients { bias: bias_gradients.bias, pool_bias: &mut [] };
                self.gradients.epilogue(epilogue, next_products, relu, trunk, none, None);
                let gradient = squeezed_gradient.as_mut();
                let boards_of_z = squeezed[block].as_ref().chunks_exact(size).take(boards);
                for ((z, d), gradient) in boards_of_z.zip(trunk.chunks_exact(size)).zip(gradient.chunks_exact_mut(size))
                {
                    excite_backward(se, z, d, gradient, lanes, channels, &mut optional.se[block]);
                }
                let epilogue = EpilogueGradient { residual: Residual::Read, ..epilogue };
                let bias_gradients = BiasGradients { bias: biases[i].as_mut(), pool_bias: &mut [] };
                self.gradients.epilogue(epilogue, None, None, gradient, bias_gradients, Some(&mut *own_products));
            } else {
                let out = Some(&mut *own_products); // [25][C][boards * 9]
                self.gradients.epilogue(epilogue, next_products, relu, trunk, bias_gradients, out);
            }
            if let Some(perceptron) = pooling {
                let boards_of_x = activations[i - 1].as_ref().chunks_exact(size).take(boards);
                let gradients = trunk.chunks_exact_mut(size).zip(pool_bias_gradient.chunks_exact(groups * lanes));
                for (x, (trunk, d)) in boards_of_x.zip(gradients) {
                    let pooled = pool(x, lanes, channels);
                    let d = perceptron.backward(&pooled, &d[..channels], &mut optional.pool[block]);
                    pool_backward(x, lanes, channels, &d, trunk);
                }
            }
            let inner = network.groups(network.inputs(i));
            let product = Product {
                count: PRODUCTS,
                rows: boards * TILES,
                inner,
                outer: groups,
                a_stride: self.input_stride(i, boards),
                b_stride: stride,
                out_stride: inner * groups * lanes * lanes,
            };
            self.gradients.add_transposed(product, inputs[i].as_ref(), own_products, weights[i].as_mut());
            if i > 0 {
                let (a_stride, b_stride, out_stride) = (stride, groups * groups * lanes * lanes, stride);
                let product = Product { inner: groups, a_stride, b_stride, out_stride, ..product };
                kernels.multiply(product, own_products, self.transposed[i - 1].as_ref(), products); // [25][C][boards * 9]
            }
        }
    }

    /// Moves the gradients of the tower's tensors from the tape, and leaves zeros.
    pub(super) fn take_gradient(&self, tape: &mut TowerTape, tensors: &mut Tensors) {
        let channels = usize::from(self.network.spec.channels);
        let lanes = self.network.kernels.lanes;
        for (i, (weights, bias)) in tape.weights.iter_mut().zip(&mut tape.biases).enumerate() {
            let inputs = self.network.inputs(i);
            take_kernels(weights.as_mut(), inputs, channels, lanes, tensors.next(channels * inputs * TAPS));
            tensors.next(channels).copy_from_slice(&bias.as_ref()[..channels]);
            weights.as_mut().fill(0.0);
            bias.as_mut().fill(0.0);
            tape.optional.take_gradient(i, tensors);
        }
    }
}

/// From gradients of transformed weights `[25][in][out]`, both padded to whole vectors, to those of kernels `[out, in, 3, 3]`.
fn take_kernels(weights: &[f32], inputs: usize, channels: usize, lanes: usize, kernels: &mut [f32]) {
    /// Kernels per block, a divisor of every number of channels.
    const BLOCK: usize = 8;
    let columns = channels.next_multiple_of(lanes);
    let matrix = inputs.next_multiple_of(lanes) * columns;
    for input in 0..inputs {
        for first in (0..channels).step_by(BLOCK) {
            let mut of_kernels = [[0.0; BLOCK]; PRODUCTS];
            for (of_kernels, weights) in of_kernels.iter_mut().zip(weights.chunks_exact(matrix)) {
                of_kernels.copy_from_slice(&weights[input * columns + first..][..BLOCK]);
            }
            let gradients = winograd::weights_gradient(&of_kernels);
            for i in 0..BLOCK {
                let kernel = &mut kernels[((first + i) * inputs + input) * TAPS..][..TAPS];
                kernel.iter_mut().zip(&gradients).for_each(|(tap, gradients)| *tap = gradients[i]);
            }
        }
    }
}
