//! Quantised executor: integer convolutions.
//!
//! Activations are rounded to integers of magnitude at most [`MAX_ACTIVATION`], with a step that was calibrated on positions, and
//! transformed exactly, in 16 bits. Weights are transformed first and then rounded to 16 bits, with a step for each output channel:
//! the finest that keeps every sum of products, whatever the input, within 32 bits. So the two roundings are the only loss. A direct
//! convolution of 8-bit integers needs 81 products where this needs 25, of which an instruction holds half as many, and rounds more
//! coarsely.

use alloc::{format, string::String, sync::Arc, vec, vec::Vec};
use core::fmt;

use super::arithmetic::MAX_ACTIVATION;
use super::gradient::Backprop;
use super::heads::Heads;
use super::integer::element;
use super::kernels::Kernels;
use super::layout::{padded, panels};
use super::level::Level;
use super::network::{Buffers, Conv, Network, convs};
use super::optional::OptionalLayers;
use super::winograd::{self, PATCH, PRODUCTS};
use crate::net::{Executor, NetSpec, OUTCOMES, SQUARES, TAPS, Weights};

/// Headroom over the calibrated maximum; larger activations are clamped.
const HEADROOM: f32 = 1.25;

/// Ranges of the inputs of a network's 3×3 convolutions.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    spec: NetSpec,
    /// Largest magnitude of each convolution's input: the stem, then two convolutions of each block.
    maxima: Vec<f32>,
}

impl Calibration {
    /// Measures the ranges on positions, `planes` `[batch, planes, 81]`. A few hundred positions of different games and phases are
    /// enough.
    ///
    /// # Panics
    /// If `planes` is not a whole number of positions, at least one.
    pub fn measure(weights: &Weights, planes: &[f32]) -> Calibration {
        let spec = weights.spec();
        let position = usize::from(spec.planes) * SQUARES;
        assert!(!planes.is_empty() && planes.len().is_multiple_of(position), "planes are [batch, planes, 81]");
        let network = Backprop::new(weights);
        let mut tape = network.tape();
        let max_of = |numbers: &[f32]| numbers.iter().fold(0.0f32, |max, x| max.max(x.abs()));
        let mut maxima = vec![max_of(planes)];
        maxima.resize(convs(spec).count(), 0.0);
        let (mut policy, mut wdl) = (vec![0.0; Backprop::CHUNK * spec.actions()], [0.0; Backprop::CHUNK * OUTCOMES]);
        for planes in planes.chunks(Backprop::CHUNK * position) {
            let boards = planes.len() / position;
            network.forward(&mut tape, planes, &mut policy[..boards * spec.actions()], &mut wdl[..boards * OUTCOMES]);
            for (max, (activations, pool_bias)) in maxima[1..].iter_mut().zip(tape.activations(boards)) {
                *max = max.max(max_of(activations) + max_of(pool_bias));
            }
        }
        Calibration { spec: spec.clone(), maxima }
    }
}

/// Kernels of a quantised executor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dot {
    /// Instruction set.
    pub level: Level,
    /// Whether the instruction for dot products (AVX-512 VNNI, AVX-VNNI) is used as well.
    pub vnni: bool,
}

impl Dot {
    /// All available kernels, the fastest first.
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

/// Executor with integer convolutions, everything else in f32. A clone shares the weights and has its own buffers: make one for each
/// thread.
#[derive(Clone, Debug)]
pub struct Quantized {
    dot: Dot,
    network: Arc<Network<i32>>,
    buffers: Buffers<i32>,
}

impl Quantized {
    /// An executor with the fastest kernels of this CPU.
    ///
    /// # Panics
    /// If the calibration is of another architecture.
    pub fn new(weights: &Weights, calibration: &Calibration) -> Quantized {
        let portable = Dot { level: Level::Portable, vnni: false };
        let dot = Dot::available().next().unwrap_or(portable);
        Quantized::with_dot(weights, calibration, dot).expect("these kernels are available")
    }

    /// An executor with the kernels `dot`, or `None` if they are not available.
    ///
    /// # Panics
    /// If the calibration is of another architecture.
    pub fn with_dot(weights: &Weights, calibration: &Calibration, dot: Dot) -> Option<Quantized> {
        assert_eq!(weights.spec(), &calibration.spec, "the calibration is of this architecture");
        let (kernels, floats) = (dot.kernels()?, Kernels::<f32>::of(dot.level)?);
        // Only the output of a ReLU is known not to be negative: neither planes are, nor the sum with a pool bias.
        let pool_bias = weights.spec().options.pool_hidden > 0;
        let conv = |(i, name): (usize, String)| {
            let bias = weights.expect(&format!("{name}.bias"));
            Conv::integer(
                kernels,
                weights.expect(&format!("{name}.weight")),
                bias,
                calibration.maxima[i],
                i == 0 || pool_bias && i % 2 == 0,
            )
        };
        let network = Network {
            spec: weights.spec().clone(),
            level: dot.level,
            kernels,
            convs: convs(weights.spec()).enumerate().map(conv).collect(),
            heads: Heads::new(weights, floats),
            optional: OptionalLayers::new(weights),
        };
        Some(Quantized { dot, buffers: network.buffers(network.chunk()), network: Arc::new(network) })
    }

    /// Its kernels.
    pub fn dot(&self) -> Dot {
        self.dot
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
    /// Quantises a weight `[out, in, 3, 3]` and a bias `[out]` for inputs of magnitude at most `max_input`; `signed` if inputs may be
    /// negative.
    fn integer(kernels: &Kernels<i32>, weight: &[f32], bias: &[f32], max_input: f32, signed: bool) -> Conv<i32> {
        let (outputs, inputs) = (bias.len(), weight.len() / bias.len() / TAPS);
        let factors: Vec<_> = weight.chunks_exact(TAPS).map(winograd::weights).collect(); // [out * in][25]
        let step = if max_input > 0.0 { max_input * HEADROOM / f32::from(MAX_ACTIVATION) } else { 1.0 };
        // Upper bound of the sum of an output channel's integer weights in magnitude, for each of the 25 products.
        let limits: [f32; PRODUCTS] = core::array::from_fn(|i| {
            let [(positive, negative), (up, down)] = [winograd::INPUT_SUMS[i / PATCH], winograd::INPUT_SUMS[i % PATCH]];
            let most = if signed {
                (positive + negative) * (up + down)
            } else {
                (positive * up + negative * down).max(positive * down + negative * up)
            };
            // Rounding adds up to a half to each weight.
            i32::MAX as f32 * 0.999 / (f32::from(most) * f32::from(MAX_ACTIVATION)) - inputs as f32 / 2.0
        });
        let units = factors.chunks_exact(inputs).map(|factors| {
            let unit = |i: usize| {
                let magnitudes = || factors.iter().map(|factors| factors[i].abs());
                let largest = magnitudes().fold(0.0, f32::max) / f32::from(i16::MAX - 1);
                (magnitudes().sum::<f32>() / limits[i]).max(largest)
            };
            let unit = (0..PRODUCTS).map(unit).fold(0.0, f32::max);
            if unit > 0.0 { unit } else { 1.0 }
        });
        let units: Vec<f32> = units.collect(); // [out]
        let scale: Vec<f32> = units.iter().map(|unit| unit * step).collect();
        let rounded = |k: usize, column: usize, i: usize| {
            // The last pair of an odd number of channels has only one.
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
