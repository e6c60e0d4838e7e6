//! Executor in bfloat16: convolutions on the CPU's matrix unit, everything else in f32.
//!
//! Factors are rounded to bfloat16, 8 significant bits, or to the sum of two, 16 bits; sums, biases and the trunk stay f32.
//! Convolutions are direct: Winograd transforms would cost more than the products that they save, and more bits than bfloat16 has.

use alloc::{format, string::String, sync::Arc, vec, vec::Vec};

use super::amx::{self, BOARD, LANES, MARGIN, NOWHERE, ROWS, Row, STEP, TILE, TileEpilogue, Tiles, Unit};
use super::epilogue::Activation;
use super::heads::{HeadBuffers, Heads};
use super::kernels::Kernels;
use super::layout::Aligned;
use super::level::Level;
use super::network::{by_chunks, convs};
use super::optional::{OptionalLayers, excite, pool};
use crate::net::{Executor, NetSpec, OUTCOMES, SQUARES, TAPS, Weights};

/// Executor in bfloat16 on a matrix unit (Intel AMX on Linux). A clone shares the weights and has its own buffers: make one for each
/// thread.
#[derive(Clone, Debug)]
pub struct Bf16 {
    network: Arc<Network>,
    trace: Trace,
    heads: HeadBuffers,
}

/// The weights, arranged for the unit.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) spec: NetSpec,
    pub(super) unit: Unit,
    /// Bfloat16 halves of a factor, 1 or 2.
    pub(super) halves: usize,
    /// Largest number of boards of a chunk.
    pub(super) chunk: usize,
    /// The stem, then two convolutions of each block.
    convs: Vec<Conv>,
    pub(super) heads: Heads,
    pub(super) optional: OptionalLayers,
    /// Offset in the trunk of the first vector of each place of a chunk, or [`NOWHERE`].
    pub(super) places: Vec<u32>,
}

/// A 3×3 convolution.
#[derive(Debug)]
struct Conv {
    weight: Aligned<u16>, // in the layout of `arrange`
    bias: Vec<f32>,       // [C], zeros up to a multiple of STEP
}

/// Activation buffers of one chunk of boards; those of every layer for a backward pass.
#[derive(Clone, Debug)]
pub(super) struct Trace {
    /// Inputs of the convolutions: planes, then activations. Without a backward pass three buffers take turns.
    pub(super) inputs: Vec<Aligned<u16>>,
    /// Masks of the positive activations of each convolution, `[boards][C / LANES][81]`, one bit per channel; empty without a backward
    /// pass.
    pub(super) masks: Vec<Vec<u16>>,
    sums: Aligned<f32>,
    /// The trunk, `[boards][C / LANES][81][LANES]`.
    pub(super) trunk: Aligned<f32>,
    /// The trunk before each block, for the backward pass of global pooling.
    pub(super) block_inputs: Vec<Aligned<f32>>,
    /// Activations of each block before squeeze-excitation; without a backward pass one buffer serves all blocks.
    pub(super) squeezed: Vec<Aligned<f32>>,
    /// Pool bias of the block, `[C / STEP][boards][STEP]`.
    pool_bias: Vec<f32>,
}

impl Bf16 {
    /// Whether the CPU has a matrix unit and the system grants its use.
    pub fn is_available() -> bool {
        Unit::find().is_some()
    }

    /// An executor with one bfloat16 per factor, or `None` if it is not [available](Bf16::is_available).
    pub fn new(weights: &Weights) -> Option<Bf16> {
        Some(Bf16::from_network(Network::new(weights, 1)?))
    }

    /// An executor with two bfloat16 per factor: 16 significant bits instead of 8, three products instead of one.
    pub fn x3(weights: &Weights) -> Option<Bf16> {
        Some(Bf16::from_network(Network::new(weights, 2)?))
    }

    fn from_network(network: Network) -> Bf16 {
        Bf16 { trace: network.trace(false), heads: network.heads.buffers(network.chunk), network: Arc::new(network) }
    }
}

impl Executor for Bf16 {
    fn spec(&self) -> &NetSpec {
        &self.network.spec
    }

    fn forward_scored(&mut self, batch: usize, planes: &[f32], policy: &mut [f32], wdl: &mut [f32], score: &mut [f32]) {
        let Bf16 { network, trace, heads } = self;
        let tiles = network.unit.enter();
        by_chunks(&network.spec, network.chunk, batch, planes, policy, wdl, score, |planes, policy, wdl, score| {
            network.forward(&tiles, trace, wdl.len() / OUTCOMES, planes);
            let trunk = trace.trunk.as_ref();
            network.heads.forward(heads, trunk, policy, wdl);
            network.optional.score(trunk, LANES, usize::from(network.spec.channels), score);
        });
    }
}

impl Conv {
    /// A convolution with the weight `[out, in, 3, 3]` and the bias `[out]`.
    fn new(weight: &[f32], bias: &[f32], halves: usize) -> Conv {
        let (outputs, inputs) = (bias.len(), weight.len() / bias.len() / TAPS);
        let mut padded = vec![0.0; outputs.next_multiple_of(STEP)];
        padded[..outputs].copy_from_slice(bias);
        let at = |output: usize, input: usize, tap: usize| weight[(output * inputs + input) * TAPS + tap];
        Conv { weight: arrange([outputs, inputs], halves, at), bias: padded }
    }
}

/// Weights in the layout of the matrix unit: for each [`STEP`] outputs `[TAPS][inputs / STEP][2][halves]` tiles
/// `[16 pairs of inputs][16 outputs][2]`. `at` returns the weight of an output, an input and a tap.
pub(super) fn arrange(
    [outputs, inputs]: [usize; 2],
    halves: usize,
    at: impl Fn(usize, usize, usize) -> f32,
) -> Aligned<u16> {
    let steps = inputs.div_ceil(STEP);
    let mut arranged = Aligned::zero(outputs.div_ceil(STEP) * TAPS * steps * 2 * halves * TILE);
    for (i, tiles) in arranged.as_mut().chunks_exact_mut(halves * TILE).enumerate() {
        let (column, step, tap, part) = (i % 2, i / 2 % steps, i / 2 / steps % TAPS, i / 2 / steps / TAPS);
        let (first_output, first_input) = (part * STEP + column * 16, step * STEP);
        for input in first_input..inputs.min(first_input + STEP) {
            for output in first_output..outputs.min(first_output + 16) {
                let weight = amx::halves(at(output, input, tap));
                let (row, column) = ((input - first_input) / 2, output - first_output);
                for (half, weight) in weight.into_iter().enumerate().take(halves) {
                    tiles[half * TILE + (row * 16 + column) * 2 + input % 2] = weight;
                }
            }
        }
    }
    arranged
}

impl Network {
    fn new(weights: &Weights, halves: usize) -> Option<Network> {
        // Enough boards that a layer's weights are read seldom, few enough that activations stay in the cache.
        Network::with_chunk(weights, halves, (1024 / usize::from(weights.spec().channels)).clamp(2, 8))
    }

    /// A network for chunks of this many boards, or `None` without a matrix unit.
    pub(super) fn with_chunk(weights: &Weights, halves: usize, chunk: usize) -> Option<Network> {
        let (unit, kernels) = (Unit::find()?, Kernels::<f32>::of(Level::Avx512)?);
        let spec = weights.spec().clone();
        let conv = |name: String| {
            Conv::new(weights.expect(&format!("{name}.weight")), weights.expect(&format!("{name}.bias")), halves)
        };
        let convs = convs(&spec).map(conv).collect();
        let (heads, optional) = (Heads::new(weights, kernels), OptionalLayers::new(weights));
        let mut network = Network { spec, unit, halves, chunk, convs, heads, optional, places: Vec::new() };
        let (board, places) = (network.board(), chunk * BOARD);
        let place = |place: usize| {
            let square = amx::square(place % BOARD).filter(|_| place < places);
            square.map_or(NOWHERE, |square| (place / BOARD * board + square * LANES) as u32)
        };
        network.places = (0..places.next_multiple_of(ROWS)).map(place).collect();
        Some(network)
    }

    /// Vectors of f32 that hold the channels of the trunk.
    pub(super) fn groups(&self) -> usize {
        usize::from(self.spec.channels).div_ceil(LANES)
    }

    /// Numbers in a board of the trunk.
    pub(super) fn board(&self) -> usize {
        self.groups() * SQUARES * LANES
    }

    /// Layout of the channels of the trunk.
    pub(super) fn row(&self) -> Row {
        Row::of(usize::from(self.spec.channels), self.halves)
    }

    /// Layout of the input channels of a convolution.
    pub(super) fn input_row(&self, conv: usize) -> Row {
        if conv == 0 { Row::of(usize::from(self.spec.planes), self.halves) } else { self.row() }
    }

    /// Number of 3×3 convolutions.
    pub(super) fn convs(&self) -> usize {
        self.convs.len()
    }

    /// Places of a chunk with the margins around it, a multiple of [`ROWS`].
    pub(super) fn rows(&self) -> usize {
        (self.chunk * BOARD).next_multiple_of(ROWS) + (2 * MARGIN).next_multiple_of(ROWS)
    }

    /// Places of this many boards at which a convolution is computed, a multiple of [`ROWS`].
    pub(super) fn computed(boards: usize) -> usize {
        // The last board's tenth file is not needed.
        (boards * BOARD - MARGIN).next_multiple_of(ROWS)
    }

    /// Offset from the first to the second of the two vectors of f32 that hold step `part` of the channels; `None` if there is one.
    pub(super) fn second(&self, part: usize) -> Option<usize> {
        (2 * part + 1 < self.groups()).then_some(SQUARES * LANES)
    }

    /// Empty buffers, `backward` for a backward pass.
    pub(super) fn trace(&self, backward: bool) -> Trace {
        let trunk = self.chunk * self.board();
        let blocks = usize::from(self.spec.blocks);
        let (se, pooling) = (!self.optional.se.is_empty(), !self.optional.pool.is_empty());
        let inputs = if backward { self.convs() } else { 3.min(self.convs()) };
        let floats = |count: usize| (0..count).map(|_| Aligned::zero(trunk)).collect();
        Trace {
            inputs: (0..inputs).map(|i| Aligned::zero(self.rows() * self.input_row(i).len())).collect(),
            masks: (0..if backward { self.convs() } else { 0 }).map(|_| vec![0; trunk / LANES]).collect(),
            sums: Aligned::zero(ROWS * STEP),
            trunk: Aligned::zero(trunk),
            block_inputs: floats(if backward && pooling { blocks } else { 0 }),
            squeezed: floats(match (se, backward) {
                (false, _) => 0,
                (true, false) => 1,
                (true, true) => blocks,
            }),
            pool_bias: vec![0.0; if pooling { self.chunk * self.row().steps * STEP } else { 0 }],
        }
    }

    /// Forward pass of at most [`chunk`](Network::chunk) boards, from planes `[boards][planes][81]` to the trunk.
    pub(super) fn forward(&self, tiles: &Tiles, trace: &mut Trace, boards: usize, planes: &[f32]) {
        let channels = usize::from(self.spec.channels);
        let turns = trace.inputs.len();
        // Buffer of a convolution's input; the planes keep the first.
        let at = |conv: usize| if turns == self.convs() || conv == 0 { conv } else { 2 - conv % 2 };
        let Trace { inputs, masks, sums, trunk, block_inputs, squeezed, pool_bias } = trace;
        let (sums, trunk) = (sums.as_mut(), trunk.as_mut());
        tiles.load_planes(planes, usize::from(self.spec.planes), self.input_row(0), inputs[0].as_mut());
        for (i, conv) in self.convs.iter().enumerate() {
            let mut none = Aligned::zero(0);
            let (x, next, last) = if i + 1 == self.convs() {
                (&inputs[at(i)], &mut none, true)
            } else {
                let [x, next] = inputs.get_disjoint_mut([at(i), at(i + 1)]).expect("neighbours take turns");
                (&*x, next, false)
            };
            let next = (!last).then(|| next.as_mut());
            let masks = masks.get_mut(i).map_or(&mut [][..], Vec::as_mut_slice);
            let layer = Layer { network: self, tiles, boards, input: self.input_row(i) };
            // The stem begins the trunk; then each block has two convolutions, the second of which adds to it.
            let block = i.saturating_sub(1) / 2;
            if i % 2 == 1 {
                if let Some(input) = block_inputs.get_mut(block) {
                    input.as_mut().copy_from_slice(trunk);
                }
                if let Some(perceptron) = self.optional.pool.get(block) {
                    for (board, x) in trunk.chunks_exact(self.board()).enumerate().take(boards) {
                        let bias = perceptron.forward(&pool(x, LANES, channels));
                        for (step, bias) in bias.chunks(STEP).enumerate() {
                            pool_bias[(step * self.chunk + board) * STEP..][..bias.len()].copy_from_slice(bias);
                        }
                    }
                }
                layer.run(conv, x.as_ref(), sums, Activation::Relu, pool_bias, None, masks, next);
            } else if i == 0 {
                layer.run(conv, x.as_ref(), sums, Activation::Relu, &[], Some(&mut *trunk), masks, next);
            } else if let Some(se) = self.optional.se.get(block) {
                let turn = block % squeezed.len();
                let z = squeezed[turn].as_mut();
                layer.run(conv, x.as_ref(), sums, Activation::Identity, &[], Some(&mut *z), &mut [], None);
                for (z, x) in z.chunks_exact(self.board()).zip(trunk.chunks_exact_mut(self.board())).take(boards) {
                    excite(se, z, x, LANES, channels);
                }
                for (mask, x) in masks.iter_mut().zip(trunk.chunks_exact(LANES)) {
                    *mask = x.iter().enumerate().fold(0, |mask, (lane, x)| mask | u16::from(*x > 0.0) << lane);
                }
                if let Some(next) = next {
                    round_trunk(&trunk[..boards * self.board()], self.groups(), self.row(), next);
                }
            } else {
                layer.run(conv, x.as_ref(), sums, Activation::ResidualRelu, &[], Some(&mut *trunk), masks, next);
            }
        }
    }
}

/// A convolution of a chunk of boards.
struct Layer<'a> {
    network: &'a Network,
    tiles: &'a Tiles,
    boards: usize,
    input: Row,
}

impl Layer<'_> {
    /// Convolves the boards `x`. Activations go to `stored`, in the layout of the trunk, to `masks`, unless they are empty, and rounded
    /// to `next`.
    // Everything that a layer reads and writes.
    #[allow(clippy::too_many_arguments)]
    fn run(
        &self,
        conv: &Conv,
        x: &[u16],
        sums: &mut [f32],
        activation: Activation,
        pool_bias: &[f32],
        mut stored: Option<&mut [f32]>,
        masks: &mut [u16],
        mut next: Option<&mut [u16]>,
    ) {
        let (network, row) = (self.network, self.network.row());
        let part = conv.weight.as_ref().len() / row.steps;
        for (i, (weight, bias)) in conv.weight.as_ref().chunks_exact(part).zip(conv.bias.chunks_exact(STEP)).enumerate()
        {
            let first_vector = 2 * i * SQUARES * LANES;
            let masks = masks.get_mut(first_vector / LANES..).unwrap_or_default();
            for first in (0..Network::computed(self.boards)).step_by(ROWS) {
                self.tiles.convolve(x, self.input, first, weight, sums);
                let epilogue = TileEpilogue {
                    places: &network.places[first..][..ROWS],
                    second: network.second(i),
                    bias,
                    pool_bias: pool_bias
                        .chunks_exact(network.chunk * STEP)
                        .nth(i)
                        .map(|pool_bias| (pool_bias, network.board())),
                    activation,
                };
                let stored = stored.as_mut().map(|stored| &mut stored[first_vector..]);
                let next = next.as_mut().map(|next| &mut next[(MARGIN + first) * row.len() + i * row.halves * STEP..]);
                self.tiles.epilogue(&epilogue, sums, stored, masks, next, row);
            }
        }
    }
}

/// Rounds a trunk `[boards][C / LANES][81][LANES]` to the input of a convolution.
fn round_trunk(trunk: &[f32], groups: usize, row: Row, out: &mut [u16]) {
    for (board, trunk) in trunk.chunks_exact(groups * SQUARES * LANES).enumerate() {
        for (place, square) in (0..BOARD).filter_map(|place| Some((place, amx::square(place)?))) {
            let out = &mut out[(MARGIN + board * BOARD + place) * row.len()..][..row.len()];
            for group in 0..groups {
                let x = &trunk[(group * SQUARES + square) * LANES..][..LANES];
                let first = group / 2 * row.halves * STEP + group % 2 * LANES;
                for (lane, x) in x.iter().enumerate() {
                    for (half, x) in amx::halves(*x).into_iter().enumerate().take(row.halves) {
                        out[first + half * STEP + lane] = x;
                    }
                }
            }
        }
    }
}
