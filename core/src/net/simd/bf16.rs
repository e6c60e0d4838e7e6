//! The network with convolutions of bfloat16 on the CPU's matrix unit, everything else in f32.
//!
//! Weights and activations are rounded to bfloat16, 8 significant bits, where they are multiplied; sums, biases and the trunk
//! that the blocks add to stay f32. There is no Winograd here: its transforms would cost more than the products that they save,
//! and more bits than bfloat16 has.

use alloc::{format, string::String, sync::Arc, vec, vec::Vec};

use super::amx::{self, BOARD, Finish, LANES, MARGIN, NOWHERE, ROWS, STEP, TAPS, Tiles, Unit};
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
    buffers: Buffers,
}

/// The weights, arranged for the unit.
#[derive(Debug)]
struct Network {
    spec: NetSpec,
    unit: Unit,
    /// The stem, then two a block.
    convs: Vec<Conv>,
    heads: Heads,
    options: Options,
    /// Of each place of a chunk of boards, where its square's first vector is in the trunk, or nowhere.
    places: Vec<u32>,
}

/// A 3×3 convolution.
#[derive(Debug)]
struct Conv {
    /// For each [`STEP`] output channels `[TAPS][inputs / STEP][2]` tiles `[16][16][2]`: pairs of input channels, output channels.
    weight: Aligned<u16>,
    bias: Vec<f32>, // [C], zeros up to a multiple of STEP
}

/// What passes between the layers, for one chunk of boards.
#[derive(Debug)]
struct Buffers {
    planes: Aligned<u16>,
    /// The trunk as the next convolution reads it, and what the first convolution of a block leaves.
    rounded: [Aligned<u16>; 2],
    sums: Aligned<f32>,
    /// `[boards][C / LANES][81][LANES]`
    trunk: Aligned<f32>,
    /// What the second convolution of a block leaves for squeeze and excitation.
    squeezed: Aligned<f32>,
    /// The bias from global pooling, `[C / STEP][boards][STEP]`.
    late_bias: Vec<f32>,
    heads: HeadBuffers,
}

impl Bf16 {
    /// Whether the CPU has such a unit and the system lets us use it.
    pub fn is_available() -> bool {
        Unit::find().is_some()
    }

    /// An executor of these weights, if that [is possible](Bf16::is_available) here.
    pub fn new(weights: &Weights) -> Option<Bf16> {
        let (unit, kernels) = (Unit::find()?, Kernels::<f32>::of(Level::Avx512)?);
        let spec = weights.spec().clone();
        let conv = |name: String| {
            Conv::new(weights.expect(&format!("{name}.weight")), weights.expect(&format!("{name}.bias")))
        };
        let convs = convs(&spec).map(conv).collect();
        let (heads, options) = (Heads::new(weights, kernels), Options::new(weights));
        let mut network = Network { spec, unit, convs, heads, options, places: Vec::new() };
        let (board, places) = (network.groups() * SQUARES * LANES, network.chunk() * BOARD);
        let place = |place: usize| {
            let square = amx::square(place % BOARD).filter(|_| place < places);
            square.map_or(NOWHERE, |square| (place / BOARD * board + square * LANES) as u32)
        };
        network.places = (0..places.next_multiple_of(ROWS)).map(place).collect();
        Some(Bf16 { buffers: network.buffers(), network: Arc::new(network) })
    }
}

impl Clone for Bf16 {
    fn clone(&self) -> Bf16 {
        Bf16 { buffers: self.network.buffers(), network: Arc::clone(&self.network) }
    }
}

impl Executor for Bf16 {
    fn spec(&self) -> &NetSpec {
        &self.network.spec
    }

    fn forward_scored(&mut self, batch: usize, planes: &[f32], policy: &mut [f32], wdl: &mut [f32], score: &mut [f32]) {
        let network = &*self.network;
        let tiles = network.unit.enter();
        by_chunks(&network.spec, network.chunk(), batch, planes, policy, wdl, score, |planes, policy, wdl, score| {
            network.forward(&tiles, &mut self.buffers, planes, policy, wdl, score);
        });
    }
}

impl Conv {
    /// From a weight `[out, in, 3, 3]` and a bias `[out]`.
    fn new(weight: &[f32], bias: &[f32]) -> Conv {
        let (outputs, inputs) = (bias.len(), weight.len() / bias.len() / TAPS);
        let (steps, parts) = (inputs.div_ceil(STEP), outputs.div_ceil(STEP));
        let mut tiles = Aligned::zero(parts * TAPS * steps * STEP * STEP);
        for (output, weight) in weight.chunks_exact(inputs * TAPS).enumerate() {
            for (input, weight) in weight.chunks_exact(TAPS).enumerate() {
                for (tap, &weight) in weight.iter().enumerate() {
                    let step = (output / STEP * TAPS + tap) * steps + input / STEP;
                    let tile = step * 2 + output % STEP / 16;
                    let row = tile * 16 + input % STEP / 2;
                    tiles.as_mut()[(row * 16 + output % 16) * 2 + input % 2] = amx::round(weight);
                }
            }
        }
        let mut padded = vec![0.0; parts * STEP];
        padded[..outputs].copy_from_slice(bias);
        Conv { weight: tiles, bias: padded }
    }
}

impl Network {
    /// Boards that go through the network together: so many that the weights of a layer are read seldom, so few that what
    /// passes between two layers stays in the cache.
    fn chunk(&self) -> usize {
        (1024 / usize::from(self.spec.channels)).clamp(2, 8)
    }

    /// Vectors of f32 that hold the channels.
    fn groups(&self) -> usize {
        usize::from(self.spec.channels).div_ceil(LANES)
    }

    /// Steps that the channels of the trunk are multiplied in.
    fn steps(&self) -> usize {
        usize::from(self.spec.channels).div_ceil(STEP)
    }

    fn buffers(&self) -> Buffers {
        let boards = self.chunk();
        let rows = 2 * MARGIN + (boards * BOARD).next_multiple_of(ROWS);
        let trunk = boards * self.groups() * SQUARES * LANES;
        Buffers {
            planes: Aligned::zero(rows * usize::from(self.spec.planes).next_multiple_of(STEP)),
            rounded: [(); 2].map(|()| Aligned::zero(rows * self.steps() * STEP)),
            sums: Aligned::zero(ROWS * STEP),
            trunk: Aligned::zero(trunk),
            squeezed: Aligned::zero(if self.options.se.is_empty() { 0 } else { trunk }),
            late_bias: vec![0.0; if self.options.pool.is_empty() { 0 } else { boards * self.steps() * STEP }],
            heads: self.heads.buffers(boards),
        }
    }

    /// One chunk: as many boards as there are, at most [`chunk`](Network::chunk).
    fn forward(
        &self,
        tiles: &Tiles,
        buffers: &mut Buffers,
        input: &[f32],
        policy: &mut [f32],
        wdl: &mut [f32],
        score: &mut [f32],
    ) {
        let (boards, channels) = (wdl.len() / OUTCOMES, usize::from(self.spec.channels));
        let board = self.groups() * SQUARES * LANES;
        let Buffers { planes, rounded: [x, y], sums, trunk, squeezed, late_bias, heads } = buffers;
        let (planes, x, y, sums) = (planes.as_mut(), x.as_mut(), y.as_mut(), sums.as_mut());
        let (trunk, squeezed) = (trunk.as_mut(), squeezed.as_mut());

        let inputs = usize::from(self.spec.planes);
        tiles.enter_planes(input, inputs, inputs.div_ceil(STEP), planes);
        let layer = Layer { network: self, tiles, boards };
        let (stem, blocks) = self.convs.split_first().expect("a network has a stem");
        layer.run(stem, planes, sums, Kind { rectify: true, ..Kind::default() }, &[], Some(trunk), Some(x));
        for (i, block) in blocks.chunks_exact(2).enumerate() {
            if let Some(perceptron) = self.options.pool.get(i) {
                for (number, trunk) in trunk.chunks_exact(board).enumerate().take(boards) {
                    let bias = perceptron.forward(&pool(trunk, LANES, channels));
                    for (step, bias) in bias.chunks(STEP).enumerate() {
                        late_bias[(step * self.chunk() + number) * STEP..][..bias.len()].copy_from_slice(bias);
                    }
                }
            }
            let last = 2 * i + 2 == blocks.len();
            layer.run(&block[0], x, sums, Kind { rectify: true, ..Kind::default() }, late_bias, None, Some(y));
            match self.options.se.get(i) {
                None => {
                    let kind = Kind { add: true, rectify: true };
                    layer.run(&block[1], y, sums, kind, &[], Some(trunk), (!last).then_some(&mut *x));
                }
                Some(se) => {
                    layer.run(&block[1], y, sums, Kind::default(), &[], Some(squeezed), None);
                    for (z, x) in squeezed.chunks_exact(board).zip(trunk.chunks_exact_mut(board)).take(boards) {
                        excite(se, z, x, LANES, channels);
                    }
                    round_trunk(&trunk[..boards * board], self.groups(), self.steps() * STEP, x);
                }
            }
        }
        self.heads.forward(heads, trunk, policy, wdl);
        self.options.score(trunk, LANES, channels, score);
    }
}

/// A chunk of boards on its way through a convolution.
struct Layer<'a> {
    network: &'a Network,
    tiles: &'a Tiles,
    boards: usize,
}

/// What is done with the sums of a convolution.
#[derive(Clone, Copy, Default)]
struct Kind {
    /// What was kept is added.
    add: bool,
    rectify: bool,
}

impl Layer<'_> {
    /// Convolves the boards `x` to `kept`, as the trunk is arranged, and rounded to `next`.
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
        mut next: Option<&mut [u16]>,
    ) {
        let (network, row) = (self.network, self.network.steps() * STEP);
        let board = network.groups() * SQUARES * LANES;
        let part = conv.weight.as_ref().len() / network.steps();
        let steps = part / (TAPS * STEP * STEP);
        // The last board's tenth file is of no use.
        let places = self.boards * BOARD - MARGIN;
        for (i, (weight, bias)) in conv.weight.as_ref().chunks_exact(part).zip(conv.bias.chunks_exact(STEP)).enumerate()
        {
            for first in (0..places).step_by(ROWS) {
                self.tiles.convolve(x, first, weight, steps, sums);
                let finish = Finish {
                    places: &network.places[first..][..ROWS],
                    second: (2 * i + 1 < network.groups()).then_some(SQUARES * LANES),
                    bias,
                    late_bias: late_bias.chunks_exact(network.chunk() * STEP).nth(i).map(|bias| (bias, board)),
                    add: kind.add,
                    rectify: kind.rectify,
                };
                let kept = kept.as_mut().map(|kept| &mut kept[2 * i * SQUARES * LANES..]);
                let next = next.as_mut().map(|next| &mut next[(MARGIN + first) * row + i * STEP..]);
                self.tiles.finish(&finish, sums, kept, next, row);
            }
        }
    }
}

/// A trunk `[boards][C / LANES][81][LANES]` as the convolutions read it, in rows of `row` channels.
fn round_trunk(trunk: &[f32], groups: usize, row: usize, out: &mut [u16]) {
    for (board, trunk) in trunk.chunks_exact(groups * SQUARES * LANES).enumerate() {
        for (place, square) in (0..BOARD).filter_map(|place| Some((place, amx::square(place)?))) {
            let out = &mut out[(MARGIN + board * BOARD + place) * row..][..row];
            for (group, out) in out.chunks_exact_mut(LANES).take(groups).enumerate() {
                let x = &trunk[(group * SQUARES + square) * LANES..][..LANES];
                out.iter_mut().zip(x).for_each(|(out, x)| *out = amx::round(*x));
            }
        }
    }
}
