//! The network with convolutions of bfloat16 on the CPU's matrix unit, everything else in f32.
//!
//! Weights and activations are rounded to bfloat16, 8 significant bits, where they are multiplied, or to two of them, 16 bits;
//! sums, biases and the trunk that the blocks add to stay f32. There is no Winograd here: its transforms would cost more than the
//! products that they save, and more bits than bfloat16 has.

use alloc::{format, string::String, sync::Arc, vec, vec::Vec};

use super::amx::{self, BOARD, Finish, LANES, MARGIN, NOWHERE, ROWS, Row, STEP, TAPS, TILE, Tiles, Unit};
use super::heads::{HeadBuffers, Heads};
use super::kernels::Kernels;
use super::network::{Options, by_chunks, convs};
use super::options::{excite, pool};
use super::{Aligned, Level};
use crate::net::{Executor, NetSpec, OUTCOMES, SQUARES, Weights};

/// Runs the network in bfloat16 on a matrix unit (Intel AMX on Linux). A clone shares the weights and has buffers of its own: make
/// one for each thread.
#[derive(Debug)]
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
    /// Numbers of bfloat16 that a number is multiplied as, 1 or 2.
    pub(super) halves: usize,
    /// The most boards that go through the network together.
    pub(super) chunk: usize,
    /// The stem, then two a block.
    convs: Vec<Conv>,
    pub(super) heads: Heads,
    pub(super) options: Options,
    /// Of each place of a chunk of boards, where its square's first vector is in the trunk, or nowhere.
    pub(super) places: Vec<u32>,
}

/// A 3×3 convolution.
#[derive(Debug)]
struct Conv {
    weight: Aligned<u16>, // as `arrange` has it
    bias: Vec<f32>,       // [C], zeros up to a multiple of STEP
}

/// What passes between the layers, for one chunk of boards; for the way back, all of it is there at the end.
#[derive(Debug)]
pub(super) struct Trace {
    /// What a convolution reads: planes, then what the one before left. Three take turns if there is no way back.
    pub(super) inputs: Vec<Aligned<u16>>,
    /// Where each convolution left more than nothing, `[boards][C / LANES][81]`, a bit a channel; none if there is no way back.
    pub(super) masks: Vec<Vec<u16>>,
    sums: Aligned<f32>,
    /// `[boards][C / LANES][81][LANES]`
    pub(super) trunk: Aligned<f32>,
    /// The trunk before each block, for the way back of global pooling.
    pub(super) before: Vec<Aligned<f32>>,
    /// What the second convolutions of blocks leave for squeeze and excitation; one takes all turns if there is no way back.
    pub(super) squeezed: Vec<Aligned<f32>>,
    /// The bias from global pooling, `[C / STEP][boards][STEP]`.
    late_bias: Vec<f32>,
}

impl Bf16 {
    /// Whether the CPU has such a unit and the system lets us use it.
    pub fn is_available() -> bool {
        Unit::find().is_some()
    }

    /// An executor of these weights, if that [is possible](Bf16::is_available) here.
    pub fn new(weights: &Weights) -> Option<Bf16> {
        Some(Bf16::from_network(Network::new(weights, 1)?))
    }

    /// The same with every number as the sum of two of bfloat16, three products for one: 16 significant bits instead of 8.
    pub fn x3(weights: &Weights) -> Option<Bf16> {
        Some(Bf16::from_network(Network::new(weights, 2)?))
    }

    fn from_network(network: Network) -> Bf16 {
        Bf16 { trace: network.trace(false), heads: network.heads.buffers(network.chunk), network: Arc::new(network) }
    }
}

impl Clone for Bf16 {
    fn clone(&self) -> Bf16 {
        let (network, Network { heads, chunk, .. }) = (Arc::clone(&self.network), &*self.network);
        Bf16 { trace: network.trace(false), heads: heads.buffers(*chunk), network }
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
            network.options.score(trunk, LANES, usize::from(network.spec.channels), score);
        });
    }
}

impl Conv {
    /// From a weight `[out, in, 3, 3]` and a bias `[out]`.
    fn new(weight: &[f32], bias: &[f32], halves: usize) -> Conv {
        let (outputs, inputs) = (bias.len(), weight.len() / bias.len() / TAPS);
        let mut padded = vec![0.0; outputs.next_multiple_of(STEP)];
        padded[..outputs].copy_from_slice(bias);
        let at = |output: usize, input: usize, tap: usize| weight[(output * inputs + input) * TAPS + tap];
        Conv { weight: arrange([outputs, inputs], halves, at), bias: padded }
    }
}

/// A weight as the unit reads it: for each [`STEP`] outputs `[TAPS][inputs / STEP][2][halves]` tiles `[16][16][2]`, pairs of
/// inputs, outputs. `at` is given output, input and tap.
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
        // So many boards that the weights of a layer are read seldom, so few that what passes between two layers stays in the
        // cache.
        Network::with_chunk(weights, halves, (1024 / usize::from(weights.spec().channels)).clamp(2, 8))
    }

    /// For so many boards together.
    pub(super) fn with_chunk(weights: &Weights, halves: usize, chunk: usize) -> Option<Network> {
        let (unit, kernels) = (Unit::find()?, Kernels::<f32>::of(Level::Avx512)?);
        let spec = weights.spec().clone();
        let conv = |name: String| {
            Conv::new(weights.expect(&format!("{name}.weight")), weights.expect(&format!("{name}.bias")), halves)
        };
        let convs = convs(&spec).map(conv).collect();
        let (heads, options) = (Heads::new(weights, kernels), Options::new(weights));
        let mut network = Network { spec, unit, halves, chunk, convs, heads, options, places: Vec::new() };
        let (board, places) = (network.board(), chunk * BOARD);
        let place = |place: usize| {
            let square = amx::square(place % BOARD).filter(|_| place < places);
            square.map_or(NOWHERE, |square| (place / BOARD * board + square * LANES) as u32)
        };
        network.places = (0..places.next_multiple_of(ROWS)).map(place).collect();
        Some(network)
    }

    /// Vectors of f32 that hold the channels.
    pub(super) fn groups(&self) -> usize {
        usize::from(self.spec.channels).div_ceil(LANES)
    }

    /// Numbers of a board of the trunk.
    pub(super) fn board(&self) -> usize {
        self.groups() * SQUARES * LANES
    }

    /// How the channels of the trunk are multiplied.
    pub(super) fn row(&self) -> Row {
        Row::of(usize::from(self.spec.channels), self.halves)
    }

    /// How the input of a convolution is multiplied.
    pub(super) fn input_row(&self, conv: usize) -> Row {
        if conv == 0 { Row::of(usize::from(self.spec.planes), self.halves) } else { self.row() }
    }

    /// Convolutions of 3×3.
    pub(super) fn convs(&self) -> usize {
        self.convs.len()
    }

    /// Places of the boards of a chunk, with the margins around them: whole [`ROWS`].
    pub(super) fn rows(&self) -> usize {
        (self.chunk * BOARD).next_multiple_of(ROWS) + (2 * MARGIN).next_multiple_of(ROWS)
    }

    /// Places of so many boards that a convolution is computed at.
    pub(super) fn computed(boards: usize) -> usize {
        // The last board's tenth file is of no use.
        (boards * BOARD - MARGIN).next_multiple_of(ROWS)
    }

    /// The [`STEP`] channels from `part` times as many on, of the two vectors that hold them: the way to the second.
    pub(super) fn second(&self, part: usize) -> Option<usize> {
        (2 * part + 1 < self.groups()).then_some(SQUARES * LANES)
    }

    /// Empty buffers; with what the way back needs, if there is one.
    pub(super) fn trace(&self, back: bool) -> Trace {
        let trunk = self.chunk * self.board();
        let blocks = usize::from(self.spec.blocks);
        let (se, pooling) = (!self.options.se.is_empty(), !self.options.pool.is_empty());
        let inputs = if back { self.convs() } else { 3.min(self.convs()) };
        let floats = |count: usize| (0..count).map(|_| Aligned::zero(trunk)).collect();
        Trace {
            inputs: (0..inputs).map(|i| Aligned::zero(self.rows() * self.input_row(i).len())).collect(),
            masks: (0..if back { self.convs() } else { 0 }).map(|_| vec![0; trunk / LANES]).collect(),
            sums: Aligned::zero(ROWS * STEP),
            trunk: Aligned::zero(trunk),
            before: floats(if back && pooling { blocks } else { 0 }),
            squeezed: floats(if !se {
                0
            } else if back {
                blocks
            } else {
                1
            }),
            late_bias: vec![0.0; if pooling { self.chunk * self.row().steps * STEP } else { 0 }],
        }
    }

    /// From planes `[boards][planes][81]`, at most [`chunk`](Network::chunk) of them, to the trunk.
    pub(super) fn forward(&self, tiles: &Tiles, trace: &mut Trace, boards: usize, planes: &[f32]) {
        let channels = usize::from(self.spec.channels);
        let turns = trace.inputs.len();
        // Where a convolution finds its input: the planes keep their place.
        let at = |conv: usize| if turns == self.convs() || conv == 0 { conv } else { 2 - conv % 2 };
        let Trace { inputs, masks, sums, trunk, before, squeezed, late_bias } = trace;
        let (sums, trunk) = (sums.as_mut(), trunk.as_mut());
        tiles.enter_planes(planes, usize::from(self.spec.planes), self.input_row(0), inputs[0].as_mut());
        for (i, conv) in self.convs.iter().enumerate() {
            let mut nothing = Aligned::zero(0);
            let (x, next, last) = if i + 1 == self.convs() {
                (&inputs[at(i)], &mut nothing, true)
            } else {
                let [x, next] = inputs.get_disjoint_mut([at(i), at(i + 1)]).expect("neighbours take turns");
                (&*x, next, false)
            };
            let next = (!last).then(|| next.as_mut());
            let masks = masks.get_mut(i).map_or(&mut [][..], Vec::as_mut_slice);
            let layer = Layer { network: self, tiles, boards, input: self.input_row(i) };
            // The stem begins the trunk; then each block has two convolutions, the second of which adds to it.
            let (first, block) = (i % 2 == 1, i.saturating_sub(1) / 2);
            let kind = Kind { add: i > 0, rectify: true };
            match (self.options.pool.get(block), self.options.se.get(block)) {
                (pooling, _) if first => {
                    if let Some(before) = before.get_mut(block) {
                        before.as_mut().copy_from_slice(trunk);
                    }
                    if let Some(perceptron) = pooling {
                        for (board, x) in trunk.chunks_exact(self.board()).enumerate().take(boards) {
                            let bias = perceptron.forward(&pool(x, LANES, channels));
                            for (step, bias) in bias.chunks(STEP).enumerate() {
                                late_bias[(step * self.chunk + board) * STEP..][..bias.len()].copy_from_slice(bias);
                            }
                        }
                    }
                    let kind = Kind { add: false, ..kind };
                    layer.run(conv, x.as_ref(), sums, kind, late_bias, None, masks, next);
                }
                (_, Some(se)) if i > 0 => {
                    let turn = block % squeezed.len();
                    let z = squeezed[turn].as_mut();
                    layer.run(conv, x.as_ref(), sums, Kind::default(), &[], Some(&mut *z), &mut [], None);
                    for (z, x) in z.chunks_exact(self.board()).zip(trunk.chunks_exact_mut(self.board())).take(boards) {
                        excite(se, z, x, LANES, channels);
                    }
                    for (mask, x) in masks.iter_mut().zip(trunk.chunks_exact(LANES)) {
                        *mask = x.iter().enumerate().fold(0, |mask, (lane, x)| mask | u16::from(*x > 0.0) << lane);
                    }
                    if let Some(next) = next {
                        round_trunk(&trunk[..boards * self.board()], self.groups(), self.row(), next);
                    }
                }
                _ => layer.run(conv, x.as_ref(), sums, kind, &[], Some(&mut *trunk), masks, next),
            }
        }
    }
}

/// A chunk of boards on its way through a convolution.
struct Layer<'a> {
    network: &'a Network,
    tiles: &'a Tiles,
    boards: usize,
    input: Row,
}

/// What is done with the sums of a convolution.
#[derive(Clone, Copy, Default)]
struct Kind {
    /// What was kept is added.
    add: bool,
    rectify: bool,
}

impl Layer<'_> {
    /// Convolves the boards `x` to `kept`, as the trunk is arranged, to `masks`, unless they are empty, and rounded to `next`.
    // What a layer reads and what it writes.
    #[allow(clippy::too_many_arguments)]
    fn run(
        &self,
        conv: &Conv,
        x: &[u16],
        sums: &mut [f32],
        kind: Kind,
        late_bias: &[f32],
        mut kept: Option<&mut [f32]>,
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
                let finish = Finish {
                    places: &network.places[first..][..ROWS],
                    second: network.second(i),
                    bias,
                    late_bias: late_bias
                        .chunks_exact(network.chunk * STEP)
                        .nth(i)
                        .map(|late_bias| (late_bias, network.board())),
                    add: kind.add,
                    rectify: kind.rectify,
                };
                let kept = kept.as_mut().map(|kept| &mut kept[first_vector..]);
                let next = next.as_mut().map(|next| &mut next[(MARGIN + first) * row.len() + i * row.halves * STEP..]);
                self.tiles.finish(&finish, sums, kept, masks, next, row);
            }
        }
    }
}

/// A trunk `[boards][C / LANES][81][LANES]` as the convolutions read it.
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
