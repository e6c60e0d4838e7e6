//! The network with convolutions of integers.
//!
//! Activations are rounded to steps of a size that was calibrated on positions, at most [`MOST`] of them, and transformed
//! exactly, in 16 bits. The weights are transformed first and then rounded to 16 bits, in steps of their own for each
//! output channel: as fine as leaves no sum of products, whatever the input, beyond 32 bits. So nothing but the two
//! roundings is lost. A direct convolution of 8-bit integers needs 81 products where this needs 25, of which an instruction
//! holds half as many, and would round more coarsely.

use alloc::{format, string::String, sync::Arc, vec, vec::Vec};
use core::fmt;

use super::heads::Heads;
use super::integer::element;
use super::kernels::{Kernels, MOST};
use super::level::Level;
use super::network::{Buffers, Conv, Network, Options, convs, padded};
use super::winograd::{self, PATCH, PRODUCTS};
use super::{Backprop, panels};
use crate::net::{Executor, NetSpec, OUTCOMES, SQUARES, Weights};

/// Room above what was seen in calibration; what is greater still is cut off.
const HEADROOM: f32 = 1.25;

/// How large the inputs of the 3×3 convolutions of a network are.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    spec: NetSpec,
    /// The greatest magnitude of an input of each convolution: the stem, then two a block.
    greatest: Vec<f32>,
}

impl Calibration {
    /// Runs the network on some positions, `planes` `[batch, planes, 81]`, and keeps what was greatest. A few hundred
    /// positions of different games and phases are enough.
    ///
    /// # Panics
    /// If `planes` is not a whole number of positions, at least one.
    pub fn measure(weights: &Weights, planes: &[f32]) -> Calibration {
        let spec = weights.spec();
        let position = usize::from(spec.planes) * SQUARES;
        assert!(!planes.is_empty() && planes.len().is_multiple_of(position), "planes are [batch, planes, 81]");
        let network = Backprop::new(weights);
        let mut tape = network.tape();
        let greatest_of = |numbers: &[f32]| numbers.iter().fold(0.0f32, |greatest, x| greatest.max(x.abs()));
        let mut greatest = vec![greatest_of(planes)];
        greatest.resize(convs(spec).count(), 0.0);
        let (mut policy, mut wdl) = (vec![0.0; Backprop::CHUNK * spec.actions()], [0.0; Backprop::CHUNK * OUTCOMES]);
        for planes in planes.chunks(Backprop::CHUNK * position) {
            let boards = planes.len() / position;
            network.forward(&mut tape, planes, &mut policy[..boards * spec.actions()], &mut wdl[..boards * OUTCOMES]);
            for (greatest, (left, late_bias)) in greatest[1..].iter_mut().zip(tape.left(boards)) {
                *greatest = greatest.max(greatest_of(left) + greatest_of(late_bias));
            }
        }
        Calibration { spec: spec.clone(), greatest }
    }
}

/// The kernels of an integer network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dot {
    /// The instruction set.
    pub level: Level,
    /// Whether the CPU's instruction for dot products (AVX-512 VNNI, AVX-VNNI) is used beyond it.
    pub vnni: bool,
}

impl Dot {
    /// All that are available here, the fastest first.
    pub fn available() -> impl Iterator<Item = Dot> {
        let all = Level::ALL.into_iter().flat_map(|level| [true, false].map(|vnni| Dot { level, vnni }));
        all.filter(|dot| dot.kernels().is_some())
    }

    fn kernels(self) -> Option<&'static Kernels<i32>> {
        if self.vnni { Kernels::with_vnni(self.level) } else { Kernels::<i32>::of(self.level) }
    }
}

impl fmt::Display for Dot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.level, if self.vnni { "-vnni" } else { "" })
    }
}

/// Runs the network with convolutions of integers, everything else in f32. A clone shares the weights and has buffers of
/// its own: make one for each thread.
#[derive(Debug)]
pub struct Quantized {
    dot: Dot,
    network: Arc<Network<i32>>,
    buffers: Buffers<i32>,
}

impl Quantized {
    /// An executor of these weights with the fastest kernels of this CPU.
    ///
    /// # Panics
    /// If the calibration is of another architecture.
    pub fn new(weights: &Weights, calibration: &Calibration) -> Quantized {
        let portable = Dot { level: Level::Portable, vnni: false };
        let dot = Dot::available().next().unwrap_or(portable);
        Quantized::with_dot(weights, calibration, dot).expect("these kernels are available")
    }

    /// An executor of these weights with some kernels, if they are available here.
    ///
    /// # Panics
    /// If the calibration is of another architecture.
    pub fn with_dot(weights: &Weights, calibration: &Calibration, dot: Dot) -> Option<Quantized> {
        assert_eq!(weights.spec(), &calibration.spec, "the calibration is of this architecture");
        let (kernels, floats) = (dot.kernels()?, Kernels::<f32>::of(dot.level)?);
        // Only rectified inputs are known not to be negative: not planes, and not what a bias was added to later.
        let late_bias = weights.spec().options.pool_hidden > 0;
        let conv = |(i, name): (usize, String)| {
            let bias = weights.expect(&format!("{name}.bias"));
            Conv::integer(
                kernels,
                weights.expect(&format!("{name}.weight")),
                bias,
                calibration.greatest[i],
                i == 0 || late_bias && i % 2 == 0,
            )
        };
        let network = Network {
            spec: weights.spec().clone(),
            level: dot.level,
            kernels,
            convs: convs(weights.spec()).enumerate().map(conv).collect(),
            heads: Heads::new(weights, floats),
            options: Options::new(weights),
        };
        Some(Quantized { dot, buffers: network.buffers(network.chunk()), network: Arc::new(network) })
    }

    /// The kernels it runs with.
    pub fn dot(&self) -> Dot {
        self.dot
    }
}

impl Clone for Quantized {
    fn clone(&self) -> Quantized {
        let buffers = self.network.buffers(self.network.chunk());
        Quantized { dot: self.dot, buffers, network: Arc::clone(&self.network) }
    }
}

impl Executor for Quantized {
    fn spec(&self) -> &NetSpec {
        &self.network.spec
    }

    fn forward_scored(&mut self, batch: usize, planes: &[f32], policy: &mut [f32], wdl: &mut [f32], score: &mut [f32]) {
        self.network.forward_all(&mut self.buffers, batch, planes, policy, wdl, score);
    }
}

impl Conv<i32> {
    /// From a weight `[out, in, 3, 3]`, a bias `[out]` and the greatest input; `signed` if inputs may be negative.
    fn integer(kernels: &Kernels<i32>, weight: &[f32], bias: &[f32], greatest: f32, signed: bool) -> Conv<i32> {
        let (outputs, inputs) = (bias.len(), weight.len() / bias.len() / 9);
        let factors: Vec<_> = weight.chunks_exact(9).map(winograd::weights).collect(); // [out * in][25]
        let step = if greatest > 0.0 { greatest * HEADROOM / f32::from(MOST) } else { 1.0 };
        // The most that the magnitudes of an output channel's integer weights may add up to, for each of the 25 products.
        let limits: [f32; PRODUCTS] = core::array::from_fn(|i| {
            let [(positive, negative), (up, down)] = [winograd::INPUT_SUMS[i / PATCH], winograd::INPUT_SUMS[i % PATCH]];
            let most = if signed {
                (positive + negative) * (up + down)
            } else {
                (positive * up + negative * down).max(positive * down + negative * up)
            };
            // Rounding may add a half to each weight.
            i32::MAX as f32 * 0.999 / (f32::from(most) * f32::from(MOST)) - inputs as f32 / 2.0
        });
        let units = factors.chunks_exact(inputs).map(|factors| {
            let unit = |i: usize| {
                let magnitudes = || factors.iter().map(|factors| factors[i].abs());
                let greatest = magnitudes().fold(0.0, f32::max) / f32::from(i16::MAX - 1);
                (magnitudes().sum::<f32>() / limits[i]).max(greatest)
            };
            let unit = (0..PRODUCTS).map(unit).fold(0.0, f32::max);
            if unit > 0.0 { unit } else { 1.0 }
        });
        let units: Vec<f32> = units.collect(); // [out]
        let scale: Vec<f32> = units.iter().map(|unit| unit * step).collect();
        let rounded = |k: usize, column: usize, i: usize| {
            // The last pair of an odd number of channels has but one.
            if k < inputs { libm::rintf(factors[column * inputs + k][i] / units[column]) as i16 } else { 0 }
        };
        Conv {
            weight: panels(kernels.lanes, kernels.width, [inputs.div_ceil(2), outputs], |k, column| {
                core::array::from_fn::<_, PRODUCTS, _>(|i| {
                    element([rounded(2 * k, column, i), rounded(2 * k + 1, column, i)])
                })
            }),
            scale: padded(&scale, kernels.lanes),
            bias: padded(bias, kernels.lanes),
            per_step: 1.0 / step,
        }
    }
}
