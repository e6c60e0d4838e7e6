//! Gradients of the network: forward on a tape, then back through every layer by hand.
//!
//! With `Y = Aᵀ[(G w Gᵀ) ⊙ (Bᵀ d B)]A` as the convolution, both gradients are products in the same 25 frequencies:
//! `∂d = B[(A ∂Y Aᵀ) (G w Gᵀ)ᵀ]Bᵀ` and `∂w = Gᵀ[(Bᵀ d B)ᵀ (A ∂Y Aᵀ)]G`. The forward pass runs the kernels of
//! [`Simd`](super::Simd), so that a policy has the same probabilities, bit for bit, when it plays and when it learns.

use alloc::{format, vec, vec::Vec};

use super::backward::{Back, Backward, BiasGradients, RowSum};
use super::kernels::{Kernels, Product, ROWS, TILES};
use super::network::{Buffers, Kept, Network};
use super::options::{Perceptron, excite_backward, pool, pool_backward};
use super::winograd::{self, PRODUCTS, TILE};
use super::{Aligned, Level, panels};
use crate::net::{OUTCOMES, SQUARES, Weights};

/// Taps of a 3×3 kernel.
const TAPS: usize = TILE * TILE;

/// Boards that go through the network together. More would share each sum of a kernel's gradient among more rows, fewer
/// would keep more of the tape in the cache.
const CHUNK: usize = 8;

/// A network whose weights have gradients.
///
/// Give it some positions to [`forward`](Backprop::forward), the gradient of the loss with respect to what comes out to
/// [`backward`](Backprop::backward), as often as needed, and [`take_gradient`](Backprop::take_gradient) in the end.
#[derive(Debug)]
pub struct Backprop {
    network: Network<f32>,
    backward: &'static Backward,
    /// The convolutions after the stem, rows and columns of their factors exchanged.
    transposed: Vec<Aligned<f32>>,
    heads_transposed: Aligned<f32>,
    hidden_transposed: Aligned<f32>,
}

/// What a thread remembers between forward and backward, and the gradients it has added up.
#[derive(Debug)]
pub struct Tape {
    boards: usize,
    buffers: Buffers<f32>,
    /// Transformed input of each 3×3 convolution.
    inputs: Vec<Aligned<f32>>,
    /// What each 3×3 convolution left after rectification, `[boards][C / LANES][81][LANES]`.
    left: Vec<Aligned<f32>>,
    /// What each block left for squeeze and excitation, like `left`; none without it.
    squeezed: Vec<Aligned<f32>>,
    /// The gradient of one of them.
    squeezed_gradient: Aligned<f32>,
    /// The bias from global pooling that each block added, `[boards][C / LANES][LANES]`; none without it.
    late_biases: Vec<Aligned<f32>>,
    /// The gradient of one of them.
    late_bias_gradient: Aligned<f32>,
    /// Gradient of the trunk, like `left`.
    trunk: Aligned<f32>,
    heads: Aligned<f32>,
    hidden: Aligned<f32>,
    value: Aligned<f32>,
    sums: Gradients,
}

/// Gradients, arranged for the kernels.
#[derive(Debug)]
struct Gradients {
    /// Of the factors of each 3×3 convolution, `[25][in][out]`.
    factors: Vec<Aligned<f32>>,
    /// Of its bias.
    biases: Vec<Aligned<f32>>,
    heads: Aligned<f32>, // [C][planes]
    policy_bias: Vec<f32>,
    value_bias: Vec<f32>,
    hidden: Aligned<f32>, // [value_channels * 81][value_hidden]
    hidden_bias: Vec<f32>,
    out: Vec<f32>,
    out_bias: [f32; OUTCOMES],
    /// Of each block's bias from global pooling, of its squeeze and excitation and of the head for the score, flat.
    pool: Vec<Vec<f32>>,
    se: Vec<Vec<f32>>,
    score: Vec<f32>,
}

impl Tape {
    /// What each 3×3 convolution left of the last forward pass of so many boards, after rectification, and the bias from
    /// global pooling that was then added.
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

impl Backprop {
    /// The most positions that [`forward`](Backprop::forward) takes at once.
    pub const CHUNK: usize = CHUNK;

    /// These weights, at the fastest level of this CPU.
    ///
    /// # Panics
    /// Never: the best level is available.
    pub fn new(weights: &Weights) -> Backprop {
        Backprop::with_level(weights, Level::best()).expect("the best level is available")
    }

    /// These weights at one level, if it is available here.
    pub fn with_level(weights: &Weights, level: Level) -> Option<Backprop> {
        let (kernels, backward) = (Kernels::<f32>::of(level)?, Backward::of(level)?);
        let network = Network::plain(weights, level, kernels);
        let spec = weights.spec();
        let (channels, hidden) = (usize::from(spec.channels), usize::from(spec.value_hidden));
        let convs = (0..spec.blocks).flat_map(|i| ["conv1", "conv2"].map(|conv| format!("blocks.{i}.{conv}.weight")));
        let transposed = convs.map(|name| {
            let factors: Vec<_> = weights.expect(&name).chunks_exact(TAPS).map(winograd::weights).collect();
            panels(kernels.lanes, kernels.width, [channels, channels], PRODUCTS, |k, column, i| {
                factors[k * channels + column][i]
            })
        });
        let heads = [weights.expect("policy.weight"), weights.expect("value.conv.weight")].concat();
        let value = usize::from(spec.value_channels) * SQUARES;
        let weight = weights.expect("value.hidden.weight");
        Some(Backprop {
            backward,
            transposed: transposed.collect(),
            heads_transposed: panels(
                kernels.lanes,
                kernels.width,
                [heads.len() / channels, channels],
                1,
                |k, column, _| heads[k * channels + column],
            ),
            hidden_transposed: panels(kernels.lanes, kernels.width, [hidden, value], 1, |k, column, _| {
                weight[k * value + column]
            }),
            network,
        })
    }

    /// Convolutions of 3×3: the stem, then two a block.
    fn convs(&self) -> usize {
        self.network.convs.len()
    }

    /// Input channels of a 3×3 convolution.
    fn inputs(&self, conv: usize) -> usize {
        usize::from(if conv == 0 { self.network.spec.planes } else { self.network.spec.channels })
    }

    /// Numbers from one of the 25 products of a tile to the next.
    fn stride(&self, channels: usize, boards: usize) -> usize {
        // A cache line more than needed: the 25 streams must not share the same few sets of the cache.
        self.network.groups(channels) * boards * TILES * self.network.kernels.lanes + 16
    }

    /// An empty tape for networks of this architecture.
    pub fn tape(&self) -> Tape {
        let lanes = self.network.kernels.lanes;
        let [channels, policy_planes, value_channels, hidden] = {
            let spec = &self.network.spec;
            [spec.channels, spec.policy_planes, spec.value_channels, spec.value_hidden].map(usize::from)
        };
        let [groups, heads, value, hidden_groups] =
            [channels, policy_planes + value_channels, value_channels * SQUARES, hidden]
                .map(|c| self.network.groups(c));
        let each = |size: &dyn Fn(usize) -> usize| (0..self.convs()).map(|conv| Aligned::zero(size(conv))).collect();
        let square = lanes * lanes;
        let rows = CHUNK.next_multiple_of(ROWS);
        let trunk = CHUNK * groups * SQUARES * lanes;
        let flat = |of: &[Perceptron]| of.iter().map(|perceptron| vec![0.0; perceptron.parameters()]).collect();
        let options = &self.network.options;
        Tape {
            boards: 0,
            buffers: self.network.buffers(CHUNK),
            inputs: each(&|conv| PRODUCTS * self.stride(self.inputs(conv), CHUNK)),
            left: each(&|_| trunk),
            squeezed: self.network.options.se.iter().map(|_| Aligned::zero(trunk)).collect(),
            squeezed_gradient: Aligned::zero(trunk),
            late_biases: self.network.options.pool.iter().map(|_| Aligned::zero(trunk / SQUARES)).collect(),
            late_bias_gradient: Aligned::zero(trunk / SQUARES),
            trunk: Aligned::zero(trunk),
            heads: Aligned::zero(CHUNK * heads * SQUARES * lanes),
            hidden: Aligned::zero(hidden_groups * rows * lanes),
            value: Aligned::zero(value * rows * lanes),
            sums: Gradients {
                factors: each(&|conv| PRODUCTS * self.network.groups(self.inputs(conv)) * groups * square),
                biases: each(&|_| groups * lanes),
                heads: Aligned::zero(groups * heads * square),
                policy_bias: vec![0.0; self.network.spec.actions()],
                value_bias: vec![0.0; value_channels],
                hidden: Aligned::zero(value * hidden_groups * square),
                hidden_bias: vec![0.0; hidden],
                out: vec![0.0; OUTCOMES * hidden],
                out_bias: [0.0; OUTCOMES],
                pool: flat(&options.pool),
                se: flat(&options.se),
                score: vec![0.0; options.score.as_ref().map_or(0, Perceptron::parameters)],
            },
        }
    }

    /// Runs the network on at most [`CHUNK`](Backprop::CHUNK) positions and keeps on the tape what the way back needs.
    ///
    /// Shapes as in [`Executor::forward`](crate::net::Executor::forward).
    ///
    /// # Panics
    /// If a slice has another length than its shape says, there are too many positions, or the tape is not of this
    /// architecture.
    pub fn forward(&self, tape: &mut Tape, planes: &[f32], policy: &mut [f32], wdl: &mut [f32]) {
        self.forward_scored(tape, planes, policy, wdl, &mut []);
    }

    /// The same with the score, as in [`Executor::forward_scored`](crate::net::Executor::forward_scored).
    ///
    /// # Panics
    /// As above, or if a score is asked of a network without it.
    pub fn forward_scored(
        &self,
        tape: &mut Tape,
        planes: &[f32],
        policy: &mut [f32],
        wdl: &mut [f32],
        score: &mut [f32],
    ) {
        let (network, kernels) = (&self.network, self.network.kernels);
        let boards = wdl.len() / OUTCOMES;
        assert!(boards <= CHUNK, "{boards} positions do not fit on the tape");
        crate::net::assert_shapes(&network.spec, boards, planes, policy, wdl, score);
        let channels = usize::from(network.spec.channels);
        let (groups, stride) = (network.groups(channels), self.stride(channels, boards));
        let Tape { buffers, inputs, left, squeezed, late_biases, .. } = tape;
        tape.boards = boards;

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
        network.heads.forward(&mut buffers.heads, buffers.trunk.as_ref(), policy, wdl);
        let (lanes, channels) = (network.kernels.lanes, usize::from(network.spec.channels));
        network.options.score(buffers.trunk.as_ref(), lanes, channels, score);
    }

    /// Adds to the tape's gradients those of the positions that [`forward`](Backprop::forward) ran last, given the
    /// gradients of the loss with respect to its `policy` and `wdl`.
    ///
    /// # Panics
    /// If a slice has another length than it had in `forward`.
    pub fn backward(&self, tape: &mut Tape, policy: &[f32], wdl: &[f32]) {
        self.backward_scored(tape, policy, wdl, &[]);
    }

    /// The same with the gradient with respect to the `score`; empty where the loss does not depend on it.
    ///
    /// # Panics
    /// As above.
    pub fn backward_scored(&self, tape: &mut Tape, policy: &[f32], wdl: &[f32], score: &[f32]) {
        let (network, kernels, boards) = (&self.network, self.network.kernels, tape.boards);
        assert_eq!(policy.len(), boards * network.spec.actions(), "policy is [batch, policy_planes * 81]");
        assert_eq!(wdl.len(), boards * OUTCOMES, "wdl is [batch, 3]");
        assert!(score.is_empty() || score.len() == boards, "score is [batch] or empty");
        self.value_head(tape, wdl);
        self.heads(tape, policy);
        self.score(tape, score);

        let channels = usize::from(network.spec.channels);
        let (groups, stride) = (network.groups(channels), self.stride(channels, boards));
        let lanes = kernels.lanes;
        let size = groups * SQUARES * lanes;
        let Tape { buffers, inputs, left, squeezed, squeezed_gradient, late_bias_gradient, trunk, sums, .. } = tape;
        let (products, spectrum) = (buffers.products.as_mut(), buffers.transformed.as_mut());
        let (trunk, late_bias_gradient) = (trunk.as_mut(), late_bias_gradient.as_mut());
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
            let mut biases = BiasGradients { bias: sums.biases[i].as_mut(), late_bias: &mut [] };
            let se = if on_trunk && i > 0 { network.options.se.get(block) } else { None };
            let pooling = if on_trunk { None } else { network.options.pool.get(block) };
            if let Some(se) = se {
                let nothing = BiasGradients { bias: biases.bias, late_bias: &mut [] };
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
                    excite_backward(se, z, d, gradient, lanes, channels, &mut sums.se[block]);
                }
                let back = Back { products: false, gate: false, keep: false, ..back };
                biases = BiasGradients { bias: sums.biases[i].as_mut(), late_bias: &mut [] };
                self.backward.back(back, products, left[i].as_ref(), gradient, biases, spectrum);
            } else {
                if pooling.is_some() {
                    biases.late_bias = late_bias_gradient;
                }
                self.backward.back(back, products, left[i].as_ref(), trunk, biases, spectrum); // [25][C][boards * 9]
            }
            if let Some(perceptron) = pooling {
                let boards_of_x = left[i - 1].as_ref().chunks_exact(size).take(boards);
                let gradients = trunk.chunks_exact_mut(size).zip(late_bias_gradient.chunks_exact(groups * lanes));
                for (x, (trunk, d)) in boards_of_x.zip(gradients) {
                    let pooled = pool(x, lanes, channels);
                    let d = perceptron.backward(&pooled, &d[..channels], &mut sums.pool[block]);
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
            self.backward.sum_rows(sum, inputs[i].as_ref(), spectrum, sums.factors[i].as_mut());
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

    /// Adds to the gradient of the trunk that of the score.
    fn score(&self, tape: &mut Tape, score: &[f32]) {
        let (network, lanes) = (&self.network, self.network.kernels.lanes);
        let channels = usize::from(network.spec.channels);
        let size = network.groups(channels) * SQUARES * lanes;
        let boards = tape.buffers.trunk.as_ref().chunks_exact(size).zip(tape.trunk.as_mut().chunks_exact_mut(size));
        for (d, (x, trunk)) in score.iter().zip(boards) {
            let head =
                network.options.score.as_ref().expect("only networks with a head for the score have its gradient");
            let d = head.backward(&pool(x, lanes, channels), &[*d], &mut tape.sums.score);
            pool_backward(x, lanes, channels, &d, trunk);
        }
    }

    /// From the gradient of the outcome's logits to that of the value head's convolution, before rectification.
    fn value_head(&self, tape: &mut Tape, wdl: &[f32]) {
        let (network, kernels, lanes) = (&self.network, self.network.kernels, self.network.kernels.lanes);
        let (hidden, rows) = (usize::from(network.spec.value_hidden), tape.boards.next_multiple_of(ROWS));
        let sums = &mut tape.sums;
        let before = tape.buffers.heads.hidden.as_ref(); // [hidden][rows]
        let gradient = tape.hidden.as_mut(); // [hidden][rows]
        gradient.fill(0.0);
        for (board, wdl) in wdl.chunks_exact(OUTCOMES).enumerate() {
            for (outcome, d) in wdl.iter().enumerate() {
                sums.out_bias[outcome] += d;
            }
            for i in 0..hidden {
                let at = (i / lanes * rows + board) * lanes + i % lanes;
                let x = before[at] + network.heads.hidden_bias[i];
                if x > 0.0 {
                    for (outcome, d) in wdl.iter().enumerate() {
                        sums.out[outcome * hidden + i] += d * x;
                        gradient[at] += d * network.heads.out[outcome * hidden + i];
                    }
                    sums.hidden_bias[i] += gradient[at];
                }
            }
        }
        let inner = network.groups(usize::from(network.spec.value_channels) * SQUARES);
        let outer = network.groups(hidden);
        let sum = RowSum { count: 1, rows, inner, outer, a_stride: 0, b_stride: 0, out_stride: 0 };
        self.backward.sum_rows(sum, tape.buffers.heads.value.as_ref(), gradient, sums.hidden.as_mut());
        let product = Product { count: 1, rows, inner: outer, outer: inner, a_stride: 0, b_stride: 0, out_stride: 0 };
        kernels.multiply(product, gradient, self.hidden_transposed.as_ref(), tape.value.as_mut());
    }

    /// From the gradients of the logits and of the value head's convolution to that of the trunk.
    fn heads(&self, tape: &mut Tape, policy: &[f32]) {
        let (network, kernels, lanes) = (&self.network, self.network.kernels, self.network.kernels.lanes);
        let (boards, rows) = (tape.boards, tape.boards.next_multiple_of(ROWS));
        let [channels, policy_planes, value_channels] =
            [network.spec.channels, network.spec.policy_planes, network.spec.value_channels].map(usize::from);
        let (groups, planes) = (network.groups(channels), network.groups(policy_planes + value_channels));
        let sums = &mut tape.sums;
        let (value, value_gradient) = (tape.buffers.heads.value.as_ref(), tape.value.as_ref());
        let heads = tape.heads.as_mut(); // [boards][planes][81]
        let per_board =
            policy.chunks_exact(network.spec.actions()).zip(heads.chunks_exact_mut(planes * SQUARES * lanes));
        for (board, (policy, heads)) in per_board.enumerate() {
            for (sum, d) in sums.policy_bias.iter_mut().zip(policy) {
                *sum += d;
            }
            let plane = |plane: usize| plane / lanes * SQUARES * lanes + plane % lanes;
            for (i, logits) in policy.chunks_exact(SQUARES).enumerate() {
                for (to, d) in heads[plane(i)..].iter_mut().step_by(lanes).zip(logits) {
                    *to = *d;
                }
            }
            for (channel, sum) in sums.value_bias.iter_mut().enumerate() {
                let squares = heads[plane(policy_planes + channel)..].iter_mut().step_by(lanes);
                for (square, to) in squares.take(SQUARES).enumerate() {
                    let k = channel * SQUARES + square;
                    let at = (k / lanes * rows + board) * lanes + k % lanes;
                    *to = if value[at] > 0.0 { value_gradient[at] } else { 0.0 };
                    *sum += *to;
                }
            }
        }
        let sum = RowSum {
            count: boards,
            rows: SQUARES,
            inner: groups,
            outer: planes,
            a_stride: groups * SQUARES * lanes,
            b_stride: planes * SQUARES * lanes,
            out_stride: 0,
        };
        self.backward.sum_rows(sum, tape.buffers.trunk.as_ref(), heads, sums.heads.as_mut());
        let product = Product {
            count: boards,
            rows: SQUARES,
            inner: planes,
            outer: groups,
            a_stride: planes * SQUARES * lanes,
            b_stride: 0,
            out_stride: groups * SQUARES * lanes,
        };
        kernels.multiply(product, heads, self.heads_transposed.as_ref(), tape.trunk.as_mut()); // [boards][C][81]
    }

    /// Moves the gradients from the tape into `gradient`, in the order of [`NetSpec::tensors`](crate::net::NetSpec), and
    /// leaves zeros.
    ///
    /// # Panics
    /// If `gradient` has another length than the weights.
    pub fn take_gradient(&self, tape: &mut Tape, gradient: &mut [f32]) {
        let spec = &self.network.spec;
        assert_eq!(gradient.len(), spec.parameters(), "one gradient a weight");
        let [channels, policy_planes, hidden] = [spec.channels, spec.policy_planes, spec.value_hidden].map(usize::from);
        let mut rest = gradient;
        let mut next = |len: usize| {
            let (tensor, tail) = core::mem::take(&mut rest).split_at_mut(len);
            rest = tail;
            tensor
        };
        let lanes = self.network.kernels.lanes;
        let sums = &mut tape.sums;
        for (i, (factors, bias)) in sums.factors.iter_mut().zip(&mut sums.biases).enumerate() {
            let inputs = self.inputs(i);
            take_kernels(factors.as_mut(), inputs, channels, lanes, next(channels * inputs * TAPS));
            next(channels).copy_from_slice(&bias.as_ref()[..channels]);
            factors.as_mut().fill(0.0);
            bias.as_mut().fill(0.0);
            if i > 0 && i % 2 == 0 {
                for sums in [sums.pool.get_mut(i / 2 - 1), sums.se.get_mut(i / 2 - 1)].into_iter().flatten() {
                    let len = sums.len();
                    take(sums, next(len));
                }
            }
        }
        let planes = self.network.groups(policy_planes + usize::from(spec.value_channels)) * lanes;
        let heads = sums.heads.as_mut();
        take_transposed(heads, planes, 0, channels, next(policy_planes * channels));
        take(&mut sums.policy_bias, next(spec.actions()));
        take_transposed(heads, planes, policy_planes, channels, next(usize::from(spec.value_channels) * channels));
        heads.fill(0.0);
        take(&mut sums.value_bias, next(usize::from(spec.value_channels)));
        let value = usize::from(spec.value_channels) * SQUARES;
        let columns = self.network.groups(hidden) * lanes;
        take_transposed(sums.hidden.as_ref(), columns, 0, value, next(hidden * value));
        sums.hidden.as_mut().fill(0.0);
        take(&mut sums.hidden_bias, next(hidden));
        take(&mut sums.out, next(OUTCOMES * hidden));
        take(&mut sums.out_bias, next(OUTCOMES));
        let len = sums.score.len();
        take(&mut sums.score, next(len));
    }
}

/// From gradients of factors `[25][in][out]`, both padded to whole vectors, to those of kernels `[out, in, 3, 3]`.
fn take_kernels(factors: &[f32], inputs: usize, channels: usize, lanes: usize, kernels: &mut [f32]) {
    let columns = channels.next_multiple_of(lanes);
    let matrix = inputs.next_multiple_of(lanes) * columns;
    for (out, kernels) in kernels.chunks_exact_mut(inputs * TAPS).enumerate() {
        for (k, kernel) in kernels.chunks_exact_mut(TAPS).enumerate() {
            let of_kernel = core::array::from_fn(|i| factors[i * matrix + k * columns + out]);
            kernel.copy_from_slice(&winograd::weights_gradient(of_kernel));
        }
    }
}

/// Writes `[out, in]` from `[in][columns]`, of which the first output is column `first`.
fn take_transposed(sums: &[f32], columns: usize, first: usize, inputs: usize, to: &mut [f32]) {
    for (column, row) in to.chunks_exact_mut(inputs).enumerate() {
        for (x, sums) in row.iter_mut().zip(sums.chunks_exact(columns)) {
            *x = sums[first + column];
        }
    }
}

/// Moves sums and leaves zeros.
fn take(sums: &mut [f32], to: &mut [f32]) {
    to.copy_from_slice(sums);
    sums.fill(0.0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Executor, NetOptions, NetSpec, scalar::Scalar};

    /// A random number in [-1, 1).
    fn random(seed: &mut u64) -> f32 {
        *seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (*seed >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    fn randoms(count: usize, seed: &mut u64) -> Vec<f32> {
        (0..count).map(|_| random(seed)).collect()
    }

    /// The slope of a random linear loss along a random direction in each tensor, by gradient and by differences of the
    /// scalar definition.
    fn check(spec: &NetSpec, boards: usize) {
        let mut seed = 7;
        let mut weights = Weights::init(spec, 3).expect("the shape is valid");
        for w in weights.data_mut() {
            *w = *w * 0.5 + 0.05 * random(&mut seed);
        }
        let planes = randoms(boards * usize::from(spec.planes) * SQUARES, &mut seed);
        let (d_policy, d_wdl) = (randoms(boards * spec.actions(), &mut seed), randoms(boards * OUTCOMES, &mut seed));
        let d_score = randoms(if spec.options.score_hidden > 0 { boards } else { 0 }, &mut seed);
        let loss = |weights: &Weights| {
            let (mut policy, mut wdl) = (vec![0.0; d_policy.len()], vec![0.0; d_wdl.len()]);
            let mut score = vec![0.0; d_score.len()];
            Scalar::new(weights).forward_scored(boards, &planes, &mut policy, &mut wdl, &mut score);
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
            dot(&policy, &d_policy) + dot(&wdl, &d_wdl) + dot(&score, &d_score)
        };
        for level in Level::ALL {
            let Some(network) = Backprop::with_level(&weights, level) else { continue };
            let mut tape = network.tape();
            let (mut policy, mut wdl) = (vec![0.0; d_policy.len()], vec![0.0; d_wdl.len()]);
            let chunks = planes
                .chunks(CHUNK * usize::from(spec.planes) * SQUARES)
                .zip(policy.chunks_mut(CHUNK * spec.actions()).zip(d_policy.chunks(CHUNK * spec.actions())));
            let wdls = wdl.chunks_mut(CHUNK * OUTCOMES).zip(d_wdl.chunks(CHUNK * OUTCOMES));
            let mut d_scores = d_score.chunks(CHUNK);
            for ((planes, (policy, d_policy)), (wdl, d_wdl)) in chunks.zip(wdls) {
                let d_score = d_scores.next().unwrap_or_default();
                network.forward_scored(&mut tape, planes, policy, wdl, &mut vec![0.0; d_score.len()]);
                network.backward_scored(&mut tape, d_policy, d_wdl, d_score);
            }
            let mut gradient = vec![0.0; spec.parameters()];
            network.take_gradient(&mut tape, &mut gradient);

            for tensor in spec.tensors() {
                let size = tensor.range.clone().map(|i| f64::from(gradient[i]).powi(2)).sum::<f64>().sqrt();
                // Along the gradient itself the slope is its length.
                let step = 1e-3;
                let moved = |sign: f64| {
                    let mut moved = weights.clone();
                    for i in tensor.range.clone() {
                        moved.data_mut()[i] += (sign * step * f64::from(gradient[i]) / size) as f32;
                    }
                    loss(&moved)
                };
                let slope = (moved(1.0) - moved(-1.0)) / (2.0 * step);
                // Below a slope of 1/2 the rounding of the differences shows.
                assert!(
                    (slope - size).abs() < 0.02 * size.max(0.5),
                    "{level}, {}: {size}, by differences {slope}",
                    tensor.name
                );
            }
            network.take_gradient(&mut tape, &mut gradient);
            assert!(gradient.iter().all(|&g| g == 0.0), "taking leaves zeros");
        }
    }

    #[test]
    fn gradients_are_slopes_of_the_scalar_definition() {
        let options = NetOptions::default();
        let spec = NetSpec {
            planes: 5,
            policy_planes: 3,
            channels: 8,
            blocks: 1,
            value_channels: 2,
            value_hidden: 7,
            options,
        };
        check(&spec, 2);
        check(&NetSpec { blocks: 0, channels: 16, ..spec.clone() }, 1);
        check(&NetSpec { channels: 40, blocks: 2, ..spec.clone() }, CHUNK + 3);
        for [se_hidden, pool_hidden, score_hidden] in [[4, 0, 0], [0, 5, 0], [0, 0, 16], [3, 4, 16]] {
            let options = NetOptions { se_hidden, pool_hidden, score_hidden };
            check(&NetSpec { channels: 24, blocks: 2, options, ..spec.clone() }, 2);
        }
    }
}
