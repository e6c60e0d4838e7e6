//! The weights of a network, flat and by name.

use alloc::{vec, vec::Vec};
use core::fmt;

use super::{NetSpec, SpecError};
use crate::random::SplitMix64;

/// Gain of each head's last layer over He's rule, so that a fresh network plays nearly uniformly and judges nearly every position even.
const HEAD_GAIN: f32 = 0.1;

/// All weights of a network, flat, in the order of [`NetSpec::tensors`].
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    spec: NetSpec,
    data: Vec<f32>,
}

/// Error: numbers are not the weights of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WeightsError {
    /// The architecture is out of range.
    Spec(SpecError),
    /// The count of numbers does not match the architecture.
    Count {
        /// Count found.
        found: usize,
        /// Count of the architecture.
        expected: usize,
    },
}

impl fmt::Display for WeightsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WeightsError::Spec(error) => error.fmt(f),
            WeightsError::Count { found, expected } => write!(f, "{found} weights, but the network has {expected}"),
        }
    }
}

impl core::error::Error for WeightsError {}

impl From<SpecError> for WeightsError {
    fn from(error: SpecError) -> Self {
        WeightsError::Spec(error)
    }
}

impl Weights {
    /// Weights of `spec` from `data`, flat in the order of [`NetSpec::tensors`].
    ///
    /// # Errors
    /// If the architecture is out of range, or the length of `data` does not match it.
    pub fn new(spec: NetSpec, data: Vec<f32>) -> Result<Weights, WeightsError> {
        spec.validate()?;
        let expected = spec.parameters();
        if data.len() != expected {
            return Err(WeightsError::Count { found: data.len(), expected });
        }
        Ok(Weights { spec, data })
    }

    /// Fresh weights: He's uniform rule, a tenth of it for the policy and for the last linear layers of heads and blocks, zero for
    /// biases and for each block's second convolution. The same seed gives the same weights on every target.
    ///
    /// # Errors
    /// If the architecture is out of range.
    pub fn init(spec: &NetSpec, seed: u64) -> Result<Weights, SpecError> {
        spec.validate()?;
        let mut data = vec![0.0; spec.parameters()];
        let mut random = SplitMix64(seed);
        for tensor in spec.tensors() {
            if tensor.name.ends_with("bias") || tensor.name.ends_with("conv2.weight") {
                continue;
            }
            let fan_in: usize = tensor.shape[1..].iter().product();
            let head = tensor.name == "policy.weight" || tensor.name.ends_with(".out.weight");
            let bound = libm::sqrtf(6.0 / fan_in as f32) * if head { HEAD_GAIN } else { 1.0 };
            data[tensor.range].fill_with(|| random.symmetric() * bound);
        }
        Ok(Weights { spec: spec.clone(), data })
    }

    /// Architecture of the network.
    pub fn spec(&self) -> &NetSpec {
        &self.spec
    }

    /// All numbers, in the order of [`NetSpec::tensors`].
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// All numbers, in the order of [`NetSpec::tensors`], mutable.
    pub fn data_mut(&mut self) -> &mut [f32] {
        &mut self.data
    }

    /// Numbers of the tensor `name`, or `None`.
    pub fn tensor(&self, name: &str) -> Option<&[f32]> {
        self.spec.tensors().into_iter().find(|tensor| tensor.name == name).map(|tensor| &self.data[tensor.range])
    }

    /// Numbers of the tensor `name`, which this architecture has.
    pub(super) fn expect(&self, name: &str) -> &[f32] {
        self.tensor(name).expect("the executors name only tensors of the specification")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::{Actions, Features};

    fn spec() -> NetSpec {
        let small = NetSpec::for_encodings(Features::Attack96, Actions::Dest2187);
        NetSpec { planes: 5, policy_planes: 3, channels: 16, value_channels: 2, value_hidden: 8, ..small }
    }

    #[test]
    fn init_is_a_function_of_the_seed() {
        let init = |seed| Weights::init(&spec(), seed).expect("the specification is valid");
        assert_eq!(init(7), init(7));
        assert_ne!(init(7), init(8));
    }

    #[test]
    fn init_follows_he_with_zero_second_convolutions() {
        let weights = Weights::init(&spec(), 1).expect("the specification is valid");
        let check = |name: &str, bound: f32| {
            let tensor = weights.tensor(name).expect(name);
            let highest = tensor.iter().fold(0.0f32, |high, w| high.max(w.abs()));
            assert!(highest <= bound && highest >= 0.8 * bound, "{name}: {highest} against {bound}");
        };
        check("stem.weight", (6.0f32 / 45.0).sqrt());
        check("stem.bias", 0.0);
        check("blocks.1.conv1.weight", (6.0f32 / 144.0).sqrt());
        check("blocks.1.conv2.weight", 0.0);
        check("policy.weight", 0.1 * (6.0f32 / 16.0).sqrt());
        check("value.hidden.weight", (6.0f32 / 162.0).sqrt());
        assert_eq!(weights.tensor("blocks.2.conv1.weight"), None);
    }

    #[test]
    fn a_wrong_count_is_refused() {
        let expected = spec().parameters();
        assert_eq!(Weights::new(spec(), vec![0.0; 3]), Err(WeightsError::Count { found: 3, expected }));
        let odd = NetSpec { channels: 9, ..spec() };
        assert!(matches!(Weights::new(odd, vec![]), Err(WeightsError::Spec(_))));
    }
}
