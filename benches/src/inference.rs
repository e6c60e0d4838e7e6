//! Networks and input that all workers of the inference benchmark share.

use keisei_core::encoding::{Actions, Features};
use keisei_core::format::model::{Model, Provenance};
use keisei_core::net::simd::Calibration;
use keisei_core::net::{NetSpec, Weights};

/// A network to measure.
pub struct NetSize {
    /// Name in the tables.
    pub name: &'static str,
    /// Width of the trunk.
    pub channels: u16,
    /// Residual blocks.
    pub blocks: u16,
}

/// The networks, the trainer's first.
pub const NETS: [NetSize; 2] =
    [NetSize { name: "C64N4", channels: 64, blocks: 4 }, NetSize { name: "C128N8", channels: 128, blocks: 8 }];

/// The batch sizes.
pub const BATCHES: [usize; 3] = [1, 8, 64];

impl NetSize {
    /// Architecture, with the planes and actions of the trainer's default encoding.
    pub fn spec(&self) -> NetSpec {
        let NetSize { channels, blocks, .. } = *self;
        NetSpec { channels, blocks, ..NetSpec::for_encodings(Features::Attack96, Actions::Dest2187) }
    }

    /// Initial [`weights`].
    pub fn weights(&self) -> Weights {
        weights(&self.spec())
    }
}

/// Fresh weights, with the second convolutions filled as well: speed must not come from zeros.
///
/// # Panics
/// If the architecture is out of range.
pub fn weights(spec: &NetSpec) -> Weights {
    let mut weights = Weights::init(spec, 1).expect("the architecture is valid");
    let tensors = spec.tensors();
    for i in 0..spec.blocks {
        let find = |conv: &str| {
            let name = format!("blocks.{i}.{conv}.weight");
            tensors.iter().find(|tensor| tensor.name == name).expect("every block has two convolutions").range.clone()
        };
        let (from, to) = (find("conv1"), find("conv2"));
        for (from, to) in from.rev().zip(to) {
            weights.data_mut()[to] = 0.3 * weights.data()[from];
        }
    }
    weights
}

/// The model of weights with the trainer's default encoding.
pub fn model(weights: Weights) -> Model {
    Model { features: Features::Attack96, actions: Actions::Dest2187, provenance: Provenance::default(), weights }
}

/// The calibration of a network on the benchmark's input.
pub fn calibration(weights: &Weights) -> Calibration {
    Calibration::measure(weights, &input(weights.spec(), 64))
}

/// Planes `[batch, planes, 81]` of zeros and ones, one in eight set.
pub fn input(spec: &NetSpec, batch: usize) -> Vec<f32> {
    let mut state = 1u32;
    let next = || {
        state = state.wrapping_mul(1664525).wrapping_add(1013904223);
        if state >> 29 == 0 { 1.0 } else { 0.0 }
    };
    std::iter::repeat_with(next).take(batch * usize::from(spec.planes) * 81).collect()
}
