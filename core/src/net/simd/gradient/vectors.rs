//! The convolutions there and back on vectors, by Winograd.
//!
//! With `Y = Aᵀ[(G w Gᵀ) ⊙ (Bᵀ d B)]A` as the convolution, both gradients are products in the same 25 frequencies:
//! `∂d = B[(A ∂Y Aᵀ) (G w Gᵀ)ᵀ]Bᵀ` and `∂w = Gᵀ[(Bᵀ d B)ᵀ (A ∂Y Aᵀ)]G`.

use alloc::{format, vec::Vec};

use super::super::backward::{Back, Backward, BiasGradients, RowSum};
use super::super::kernels::{Kernels, Product, TILES};
use super::super::network::{Buffers, Kept, Network};
use super::super::options::{excite_backward, pool, pool_backward};
use super::super::winograd::{self, PRODUCTS};
use super::super::{Aligned, panels};
use super::{CHUNK, OptionSums, TAPS, Tensors};
use crate::net::{SQUARES, Weights};

/// The convolutions and what belongs to the blocks.
#[derive(Debug)]
pub(super) struct Tower {
    pub(super) network: Network<f32>,
    backward: &'static Backward,
    /// The convolutions after the stem, rows and columns of their factors exchanged.
    transposed: Vec<Aligned<f32>>,
}

/// What they remember between forward and backward, and the gradients they have added up.
#[derive(Debug)]
pub(super) struct TowerTape {
    pub(super) buffers: Buffers<f32>,
    /// Transformed input of each convolution.
    inputs: Vec<Aligned<f32>>,
    /// What each convolution left after rectification, `[boards][C / LANES][81][LANES]`.
    left: Vec<Aligned<f32>>,
    /// What each block left for squeeze and excitation, like `left`; none without it.
    squeezed: Vec<Aligned<f32>>,
    /// The gradient of one of them.
    squeezed_gradient: Aligned<f32>,
    /// The bias from global pooling that each block added, `[boards][C / LANES][LANES]`; none without it.
    late_biases: Vec<Aligned<f32>>,
    /// The gradient of one of them.
    late_bias_gradient: Aligned<f32>,
    /// Of the factors of each convolution, `[25][in][out]`.
    factors: Vec<Aligned<f32>>,
    /// Of its bias.
    biases: Vec<Aligned<f32>>,
    options: OptionSums,
}

impl TowerTape {
    /// What each convolution left of the last forward pass of so many boards, after rectification, and the bias from global
    /// pooling that was then added.
    pub(super) fn left(&self, boards: usize) -> impl Iterator<Item = (&[f32], &[f32])> {
        fn of(numbers: &Aligned<f32>, boards: usize) -> &[f32] {
            &numbers.as_ref()[..numbers.as_ref().len() / CHUNK * boards]
        }
        self.left.iter().enumerate().map(move |(i, left)| {
            let late_bias = if i % 2 == 1 { self.late_biases.get(i / 2) } else { None };
            (of(left, boards), late_bias.map_or(&[][..], |late_bias| of(late_bias, boards)))
        })
    }
}

impl Tower {
    pub(super) fn new(weights: &Weights, network: Network<f32>, backward: &'static Backward) -> Tower {
        let (spec, kernels) = (weights.spec(), network.kernels);
        let channels = usize::from(spec.channels);
        let convs = (0..spec.blocks).flat_map(|i| ["conv1", "conv2"].map(|conv| format!("blocks.{i}.{conv}.weight")));
        let transposed = convs.map(|name| {
            let weight = weights.expect(&name);
            panels(kernels.lanes, kernels.width, [channels, channels], |k, column| {
                winograd::weights(&weight[(k * channels + column) * TAPS..])
            })
        });
        Tower { backward, transposed: transposed.collect(), network }
    }

    /// The stem, then two a block.
    fn convs(&self) -> usize {
        self.network.convs.len()
    }

    /// Input channels of a convolution.
    fn inputs(&self, conv: usize) -> usize {
        usize::from(if conv == 0 { self.network.spec.planes } else { self.network.spec.channels })
    }

    /// Numbers from one of the 25 products of a tile to the next.
    fn stride(&self, channels: usize, boards: usize) -> usize {
        // A cache line more than needed: the 25 streams must not share the same few sets of the cache.
        self.network.groups(channels) * boards * TILES * self.network.kernels.lanes + 16
    }

    pub(super) fn tape(&self) -> TowerTape {
        let Network { spec, kernels: Kernels { lanes, .. }, options, .. } = &self.network;
        let (lanes, groups) = (*lanes, self.network.groups(usize::from(spec.channels)));
        let each = |size: &dyn Fn(usize) -> usize| (0..self.convs()).map(|conv| Aligned::zero(size(conv))).collect();
        let trunk = CHUNK * groups * SQUARES * lanes;
        TowerTape {
            buffers: self.network.buffers(CHUNK),
            inputs: each(&|conv| PRODUCTS * self.stride(self.inputs(conv), CHUNK)),
            left: each(&|_| trunk),
            squeezed: options.se.iter().map(|_| Aligned::zero(trunk)).collect(),
            squeezed_gradient: Aligned::zero(trunk),
            late_biases: options.pool.iter().map(|_| Aligned::zero(trunk / SQUARES)).collect(),
            late_bias_gradient: Aligned::zero(trunk / SQUARES),
            factors: each(&|conv| PRODUCTS * self.network.groups(self.inputs(conv)) * groups * lanes * lanes),
            biases: each(&|_| groups * lanes),
            options: OptionSums::new(options),
        }
    }

    /// From planes to the trunk, which is left on the tape.
    pub(super) fn forward(&self, tape: &mut TowerTape, boards: usize, planes: &[f32]) {
        let (network, kernels) = (&self.network, self.network.kernels);
        let channels = usize::from(network.spec.channels);
        let (groups, stride) = (network.groups(channels), self.stride(channels, boards));
        let TowerTape { buffers, inputs, left, squeezed, late_biases, .. } = tape;
        let stem_stride = self.stride(self.inputs(0), boards);
        kernels.enter(boards, self.inputs(0), planes, 1.0, stem_stride, inputs[0].as_mut()); // [25][planes][boards * 9]
        for (i, conv) in network.convs.iter().enumerate() {
            let inner = network.groups(self.inputs(i));
            let product = Product {
                count: PRODUCTS,
                rows: boards * TILES,
                inner,
                outer: groups,
                a_stride: self.stride(self.inputs(i), boards),
                b_stride: inner * groups * kernels.lanes * kernels.lanes,
                out_stride: stride,
            };
            let products = buffers.products.as_mut();
            kernels.multiply(product, inputs[i].as_ref(), conv.weight.as_ref(), products); // [25][C][boards * 9]
            let block = i.saturating_sub(1) / 2;
            let kept = Kept {
                trunk: buffers.trunk.as_mut(),
                inner: (i % 2 == 1).then(|| left[i].as_mut()),
                squeezed: squeezed.get_mut(block).map_or(&mut [], Aligned::as_mut),
                late_bias: late_biases.get_mut(block).map_or(&mut [], Aligned::as_mut),
            };
            let out = inputs.get_mut(i + 1).unwrap_or(&mut buffers.transformed);
            network.between(i, boards, stride, products, kept, out.as_mut());
            if i % 2 == 0 {
                left[i].as_mut().copy_from_slice(buffers.trunk.as_ref());
            }
        }
    }

    /// Adds up gradients from that of the trunk, which becomes that of what the stem left.
    pub(super) fn backward(&self, tape: &mut TowerTape, boards: usize, trunk: &mut [f32]) {
        let (network, kernels) = (&self.network, self.network.kernels);
        let channels = usize::from(network.spec.channels);
        let (groups, stride) = (network.groups(channels), self.stride(channels, boards));
        let lanes = kernels.lanes;
        let size = groups * SQUARES * lanes;
        let TowerTape { buffers, inputs, left, squeezed, squeezed_gradient, late_bias_gradient, .. } = tape;
        let TowerTape { factors, biases, options, .. } = tape;
        let (products, spectrum) = (buffers.products.as_mut(), buffers.transformed.as_mut());
        let late_bias_gradient = late_bias_gradient.as_mut();
        let square = lanes * lanes;
        for i in (0..self.convs()).rev() {
            let on_trunk = i % 2 == 0;
            let last = i + 1 == self.convs();
            let block = i.saturating_sub(1) / 2;
            let back = Back {
                boards,
                groups,
                stride,
                products: !last,
                add: on_trunk,
                gate: true,
                keep: on_trunk,
                spread: true,
            };
            let mut bias_gradients = BiasGradients { bias: biases[i].as_mut(), late_bias: &mut [] };
            let se = if on_trunk && i > 0 { network.options.se.get(block) } else { None };
            let pooling = if on_trunk { None } else { network.options.pool.get(block) };
            if let Some(se) = se {
                let nothing = BiasGradients { bias: bias_gradients.bias, late_bias: &mut [] };
                self.backward.back(
                    Back { spread: false, ..back },
                    products,
                    left[i].as_ref(),
                    trunk,
                    nothing,
                    spectrum,
                );
                let gradient = squeezed_gradient.as_mut();
                let boards_of_z = squeezed[block].as_ref().chunks_exact(size).take(boards);
                for ((z, d), gradient) in boards_of_z.zip(trunk.chunks_exact(size)).zip(gradient.chunks_exact_mut(size))
                {
                    excite_backward(se, z, d, gradient, lanes, channels, &mut options.se[block]);
                }
                let back = Back { products: false, gate: false, keep: false, ..back };
                bias_gradients = BiasGradients { bias: biases[i].as_mut(), late_bias: &mut [] };
                self.backward.back(back, products, left[i].as_ref(), gradient, bias_gradients, spectrum);
            } else {
                if pooling.is_some() {
                    bias_gradients.late_bias = late_bias_gradient;
                }
                self.backward.back(back, products, left[i].as_ref(), trunk, bias_gradients, spectrum); // [25][C][boards * 9]
            }
            if let Some(perceptron) = pooling {
                let boards_of_x = left[i - 1].as_ref().chunks_exact(size).take(boards);
                let gradients = trunk.chunks_exact_mut(size).zip(late_bias_gradient.chunks_exact(groups * lanes));
                for (x, (trunk, d)) in boards_of_x.zip(gradients) {
                    let pooled = pool(x, lanes, channels);
                    let d = perceptron.backward(&pooled, &d[..channels], &mut options.pool[block]);
                    pool_backward(x, lanes, channels, &d, trunk);
                }
            }
            let inner = network.groups(self.inputs(i));
            let sum = RowSum {
                count: PRODUCTS,
                rows: boards * TILES,
                inner,
                outer: groups,
                a_stride: self.stride(self.inputs(i), boards),
                b_stride: stride,
                out_stride: inner * groups * square,
            };
            self.backward.sum_rows(sum, inputs[i].as_ref(), spectrum, factors[i].as_mut());
            if i > 0 {
                let product = Product {
                    count: PRODUCTS,
                    rows: boards * TILES,
                    inner: groups,
                    outer: groups,
                    a_stride: stride,
                    b_stride: groups * groups * square,
                    out_stride: stride,
                };
                kernels.multiply(product, spectrum, self.transposed[i - 1].as_ref(), products); // [25][C][boards * 9]
            }
        }
    }

    /// Moves the gradients from the tape into the first of the flat weights, and leaves zeros.
    pub(super) fn take_gradient(&self, tape: &mut TowerTape, tensors: &mut Tensors) {
        let channels = usize::from(self.network.spec.channels);
        let lanes = self.network.kernels.lanes;
        for (i, (factors, bias)) in tape.factors.iter_mut().zip(&mut tape.biases).enumerate() {
            let inputs = self.inputs(i);
            take_kernels(factors.as_mut(), inputs, channels, lanes, tensors.next(channels * inputs * TAPS));
            tensors.next(channels).copy_from_slice(&bias.as_ref()[..channels]);
            factors.as_mut().fill(0.0);
            bias.as_mut().fill(0.0);
            tape.options.take_gradient(i, tensors);
        }
    }
}

/// From gradients of factors `[25][in][out]`, both padded to whole vectors, to those of kernels `[out, in, 3, 3]`.
fn take_kernels(factors: &[f32], inputs: usize, channels: usize, lanes: usize, kernels: &mut [f32]) {
    /// Kernels that are transformed at once, a divisor of all numbers of channels.
    const MANY: usize = 8;
    let columns = channels.next_multiple_of(lanes);
    let matrix = inputs.next_multiple_of(lanes) * columns;
    for input in 0..inputs {
        for first in (0..channels).step_by(MANY) {
            let mut of_kernels = [[0.0; MANY]; PRODUCTS];
            for (of_kernels, factors) in of_kernels.iter_mut().zip(factors.chunks_exact(matrix)) {
                of_kernels.copy_from_slice(&factors[input * columns + first..][..MANY]);
            }
            let gradients = winograd::weights_gradient(&of_kernels);
            for i in 0..MANY {
                let kernel = &mut kernels[((first + i) * inputs + input) * TAPS..][..TAPS];
                kernel.iter_mut().zip(&gradients).for_each(|(tap, gradients)| *tap = gradients[i]);
            }
        }
    }
}
