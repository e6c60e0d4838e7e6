//! Forward and backward pass of the residual tower on a matrix unit.
//!
//! The gradient of a convolution's input is a convolution of the gradient of its output, with the taps in reverse and inputs and outputs
//! exchanged. The gradient of its weight is, for each tap, a matrix product over places: the input, shifted by the tap, by the gradient
//! of the output.

use alloc::{format, string::String, vec, vec::Vec};

pub(super) use super::super::amx::LANES;
use super::super::amx::{BOARD, MARGIN, NOWHERE, ROWS, Row, STEP, TileEpilogueGradient, Tiles};
use super::super::bf16::{Network, Trace, arrange};
use super::super::epilogue::Residual;
use super::super::heads::Heads;
use super::super::layout::Aligned;
use super::super::network::convs;
use super::super::optional::{OptionalLayers, excite_backward, pool, pool_backward};
use super::tape::{CHUNK, OptionalSums, Tensors};
use crate::net::{NetSpec, SQUARES, TAPS, Weights};

/// The residual tower: stem and blocks.
#[derive(Debug)]
pub(super) struct Tower {
    network: Network,
    /// Weights of the convolutions after the stem, arranged for the gradients of their inputs.
    transposed: Vec<Aligned<u16>>,
}

/// Activations of the forward pass, and sums of gradients.
#[derive(Debug)]
pub(super) struct TowerTape {
    trace: Trace,
    /// As [`Network::places`], for the boards of the last forward pass.
    places: Vec<u32>,
    /// Gradients of two consecutive convolutions before their activation functions, in the layout of a convolution's input.
    gradients: [Aligned<u16>; 2],
    /// One of these gradients in pairs of places, of both kinds.
    pairs: [Aligned<u16>; 2],
    /// The input of a convolution, transposed.
    channels: Aligned<u16>,
    sums: Aligned<f32>,
    /// Gradient on its way through a block's optional layers, in the layout of the trunk.
    scratch: Aligned<f32>,
    /// Gradient of each convolution's weight, `[9][in][out]`, both in whole steps.
    weights: Vec<Aligned<f32>>,
    /// Gradient of each convolution's bias.
    biases: Vec<Aligned<f32>>,
    optional: OptionalSums,
}

impl TowerTape {
    /// Output of the last block, `[boards][C / LANES][81][LANES]`.
    pub(super) fn trunk(&self) -> &[f32] {
        self.trace.trunk.as_ref()
    }
}

impl Tower {
    /// A tower, or `None` without a matrix unit.
    pub(super) fn new(weights: &Weights, halves: usize) -> Option<Tower> {
        let network = Network::with_chunk(weights, halves, CHUNK)?;
        let channels = usize::from(weights.spec().channels);
        let transposed = convs(weights.spec()).skip(1).map(|name: String| {
            let weight = weights.expect(&format!("{name}.weight"));
            arrange([channels, channels], halves, |output, input, tap| {
                weight[(input * channels + output) * TAPS + TAPS - 1 - tap]
            })
        });
        Some(Tower { transposed: transposed.collect(), network })
    }

    pub(super) fn network(&self) -> (&NetSpec, &Heads, &OptionalLayers) {
        (&self.network.spec, &self.network.heads, &self.network.optional)
    }

    /// Places from one channel to the next in the transposed input of a convolution.
    fn stride(&self) -> usize {
        self.network.rows()
    }

    /// Numbers in the gradient of a convolution's weight.
    fn weights(&self, conv: usize) -> usize {
        TAPS * self.network.input_row(conv).steps * self.network.row().steps * STEP * STEP
    }

    /// An empty tape.
    pub(super) fn tape(&self) -> TowerTape {
        let network = &self.network;
        let row = network.row();
        let each = |size: &dyn Fn(usize) -> usize| (0..network.convs()).map(|i| Aligned::zero(size(i))).collect();
        let trunk = CHUNK * network.board();
        let has_optional = !network.optional.pool.is_empty() || !network.optional.se.is_empty();
        TowerTape {
            trace: network.trace(true),
            places: Vec::new(),
            gradients: [(); 2].map(|()| Aligned::zero(network.rows() * row.len())),
            pairs: [(); 2].map(|()| Aligned::zero(Tiles::pairs(row, network.rows()))),
            channels: Aligned::zero(self.stride() * row.len().max(network.input_row(0).len())),
            sums: Aligned::zero(ROWS * STEP),
            scratch: Aligned::zero(if has_optional { trunk } else { 0 }),
            weights: each(&|i| self.weights(i)),
            biases: each(&|_| row.steps * STEP),
            optional: OptionalSums::new(&network.optional),
        }
    }

    /// Forward pass from planes to the trunk.
    pub(super) fn forward<'a>(&self, tape: &'a mut TowerTape, boards: usize, planes: &[f32]) -> &'a [f32] {
        tape.places.clear();
        let places = self.network.places.iter().enumerate();
        tape.places.extend(places.map(|(i, &place)| if i < boards * BOARD { place } else { NOWHERE }));
        self.network.forward(&self.network.unit.enter(), &mut tape.trace, boards, planes);
        tape.trace.trunk.as_ref()
    }

    /// Backward pass: sums gradients, given that of the trunk, which becomes that of the stem's activations.
    pub(super) fn backward(&self, tape: &mut TowerTape, boards: usize, trunk: &mut [f32]) {
        let (network, tiles) = (&self.network, self.network.unit.enter());
        let channels = usize::from(network.spec.channels);
        let TowerTape {
            trace,
            places,
            gradients,
            pairs,
            channels: by_channel,
            sums,
            scratch,
            weights,
            biases,
            optional,
        } = tape;
        let by_channel = by_channel.as_mut();
        let (sums, scratch) = (sums.as_mut(), scratch.as_mut());
        let [mut d, mut d_next] = gradients.each_mut().map(Aligned::as_mut);
        let layer = Layer { network, tiles: &tiles, places, boards };
        let board = network.board();
        for i in (0..network.convs()).rev() {
            let on_trunk = i % 2 == 0;
            let block = i.saturating_sub(1) / 2;
            let masks = &trace.masks[i];
            let bias = biases[i].as_mut();
            // The next convolution, through which the gradient comes: its weights, its gradient, and room for the sums.
            let through = self.transposed.get(i).map(|weight| (weight.as_ref(), &*d_next, &mut *sums));
            let se = if on_trunk && i > 0 { network.optional.se.get(block) } else { None };
            let pooling = if on_trunk { None } else { network.optional.pool.get(block) };
            let residual = if on_trunk { Residual::Updated } else { Residual::Unused };
            if let Some(se) = se {
                layer.run(through, residual, masks, trunk, &mut [], None);
                let z = trace.squeezed[block].as_ref().chunks_exact(board);
                let boards_of_trunk = trunk.chunks_exact(board).zip(scratch.chunks_exact_mut(board));
                for (z, (d, gradient)) in z.zip(boards_of_trunk).take(boards) {
                    excite_backward(se, z, d, gradient, LANES, channels, &mut optional.se[block]);
                }
                layer.run(None, Residual::Read, &[], scratch, bias, Some(&mut *d));
            } else if let Some(perceptron) = pooling {
                layer.run(through, Residual::Written, &[], scratch, &mut [], None);
                let x = trace.block_inputs[block].as_ref().chunks_exact(board);
                let boards_of_trunk = trunk.chunks_exact_mut(board).zip(scratch.chunks_exact(board));
                for (x, (trunk, d)) in x.zip(boards_of_trunk).take(boards) {
                    let pool_bias: Vec<f32> = totals(d).take(channels).collect();
                    let pooled = pool(x, LANES, channels);
                    let d = perceptron.backward(&pooled, &pool_bias, &mut optional.pool[block]);
                    pool_backward(x, LANES, channels, &d, trunk);
                }
                layer.run(None, Residual::Read, masks, scratch, bias, Some(&mut *d));
            } else {
                layer.run(through, residual, masks, if on_trunk { &mut *trunk } else { &mut [] }, bias, Some(&mut *d));
            }

            let (x, input) = (trace.inputs[i].as_ref(), network.input_row(i));
            let count = (boards * BOARD + MARGIN).div_ceil(ROWS);
            tiles.transpose(x, input, count * ROWS, self.stride(), by_channel);
            tiles.pair(d, network.row(), boards * BOARD, pairs.each_mut().map(Aligned::as_mut));
            let pairs = pairs.each_ref().map(Aligned::as_ref);
            tiles.add_weight_gradient(
                by_channel,
                input,
                self.stride(),
                pairs,
                network.row(),
                count,
                weights[i].as_mut(),
            );
            (d, d_next) = (d_next, d);
        }
    }

    /// Moves the gradients of the tower's tensors from the tape, and leaves zeros.
    pub(super) fn take_gradient(&self, tape: &mut TowerTape, tensors: &mut Tensors) {
        let spec = &self.network.spec;
        let channels = usize::from(spec.channels);
        for (i, (weight, bias)) in tape.weights.iter_mut().zip(&mut tape.biases).enumerate() {
            let inputs = usize::from(if i == 0 { spec.planes } else { spec.channels });
            let (weight, bias) = (weight.as_mut(), bias.as_mut());
            let to = tensors.next(channels * inputs * TAPS);
            let columns = self.network.row().steps * STEP;
            let matrix = self.network.input_row(i).steps * STEP * columns;
            for input in 0..inputs {
                for (tap, weight) in weight.chunks_exact(matrix).enumerate() {
                    let to = to[input * TAPS + tap..].iter_mut().step_by(inputs * TAPS);
                    to.zip(&weight[input * columns..]).for_each(|(to, sum)| *to = *sum);
                }
            }
            tensors.next(channels).copy_from_slice(&bias[..channels]);
            weight.fill(0.0);
            bias.fill(0.0);
            tape.optional.take_gradient(i, tensors);
        }
    }
}

/// The backward pass of a layer of a chunk of boards.
struct Layer<'a> {
    network: &'a Network,
    tiles: &'a Tiles,
    places: &'a [u32],
    boards: usize,
}

impl Layer<'_> {
    /// From the gradient that comes `through` the next convolution, if any, and the stored one to the gradient of `bias`, unless it is
    /// empty, and to `next`. `masks` may be empty.
    fn run(
        &self,
        mut through: Option<(&[u16], &[u16], &mut [f32])>,
        residual: Residual,
        masks: &[u16],
        stored: &mut [f32],
        bias: &mut [f32],
        mut next: Option<&mut [u16]>,
    ) {
        let row: Row = self.network.row();
        for part in 0..row.steps {
            let first_vector = 2 * part * SQUARES * LANES;
            let stored = stored.get_mut(first_vector..).unwrap_or_default();
            let bias = bias.get_mut(part * STEP..).unwrap_or_default();
            let masks = masks.get(first_vector / LANES..).unwrap_or_default();
            for first in (0..Network::computed(self.boards)).step_by(ROWS) {
                let sums = through.as_mut().map(|(weight, d, sums)| {
                    let part_len = weight.len() / row.steps;
                    self.tiles.convolve(d, row, first, &weight[part * part_len..][..part_len], sums);
                    &**sums
                });
                let epilogue = TileEpilogueGradient {
                    places: &self.places[first..][..ROWS],
                    second: self.network.second(part),
                    masks,
                    residual,
                };
                let next =
                    next.as_mut().map(|next| &mut next[(MARGIN + first) * row.len() + part * row.halves * STEP..]);
                let bias = bias.get_mut(..STEP).unwrap_or_default();
                self.tiles.epilogue_gradient(&epilogue, sums, stored, bias, next, row);
            }
        }
    }
}

/// Sums over the squares of each channel of a board.
fn totals(board: &[f32]) -> impl Iterator<Item = f32> + '_ {
    board.chunks_exact(SQUARES * LANES).flat_map(|group| {
        let mut total = vec![0.0f32; LANES];
        for x in group.chunks_exact(LANES) {
            total.iter_mut().zip(x).for_each(|(total, x)| *total += x);
        }
        total
    })
}
