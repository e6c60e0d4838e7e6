//! Number formats of stored weights.
//!
//! | format | body, tensor by tensor in the order of [`NetSpec::tensors`], little endian, without gaps |
//! |---|---|
//! | [`Dtype::F32`] | the numbers as binary32 |
//! | [`Dtype::F16`] | the numbers as binary16 |
//! | [`Dtype::I8`] | of a matrix or kernel, for each output (first extent) a step as binary32, then for each number its multiple of the step in [-127, 127] as one byte; of a vector (biases), the numbers as binary32 |
//!
//! A step has 17 significant bits and a multiple 7, so their product is exact, and a row's largest multiple is always 127: a model
//! that was read from [`Dtype::I8`] and is written again gives the same bytes.

use alloc::vec::Vec;

use half::f16;
use serde::{Deserialize, Serialize};

use crate::net::{NetSpec, TensorSpec};

/// Largest multiple of a step.
const LARGEST: f32 = 127.0;

/// Number format of stored weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Dtype {
    /// IEEE 754 binary32: exact.
    F32,
    /// IEEE 754 binary16: half the size; rounded to 11 significant bits, ties to even.
    F16,
    /// 8-bit integers with a step for each output: about a quarter of the size. Biases stay binary32.
    I8,
}

impl Dtype {
    /// Bytes of a network's weights.
    pub(super) fn size(self, spec: &NetSpec) -> usize {
        match self {
            Dtype::F32 => 4 * spec.parameters(),
            Dtype::F16 => 2 * spec.parameters(),
            Dtype::I8 => spec.tensors().iter().map(size_as_integers).sum(),
        }
    }

    /// Bytes of these weights, flat in the order of [`NetSpec::tensors`].
    pub(super) fn write(self, spec: &NetSpec, weights: &[f32]) -> Vec<u8> {
        match self {
            Dtype::F32 => weights.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Dtype::F16 => weights.iter().flat_map(|&x| f16::from_f32(x).to_le_bytes()).collect(),
            Dtype::I8 => {
                let mut bytes = Vec::with_capacity(self.size(spec));
                for tensor in spec.tensors() {
                    write_as_integers(&tensor, &weights[tensor.range.clone()], &mut bytes);
                }
                bytes
            }
        }
    }

    /// Weights in the bytes of a body, whose length must be [`size`](Self::size).
    pub(super) fn read(self, spec: &NetSpec, body: &[u8]) -> Vec<f32> {
        match self {
            Dtype::F32 => numbers(body),
            Dtype::F16 => body.as_chunks().0.iter().map(|&bytes| f16::from_le_bytes(bytes).to_f32()).collect(),
            Dtype::I8 => {
                let mut weights = Vec::with_capacity(spec.parameters());
                let mut rest = body;
                for tensor in spec.tensors() {
                    let (bytes, after) = rest.split_at(size_as_integers(&tensor));
                    read_as_integers(&tensor, bytes, &mut weights);
                    rest = after;
                }
                weights
            }
        }
    }
}

fn numbers(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
}

/// Outputs of a tensor that has a step for each of them; `None` for a vector.
fn outputs(tensor: &TensorSpec) -> Option<usize> {
    (tensor.shape.len() > 1).then(|| tensor.shape[0])
}

fn size_as_integers(tensor: &TensorSpec) -> usize {
    outputs(tensor).map_or(4 * tensor.range.len(), |outputs| 4 * outputs + tensor.range.len())
}

fn write_as_integers(tensor: &TensorSpec, weights: &[f32], bytes: &mut Vec<u8>) {
    let Some(outputs) = outputs(tensor) else {
        bytes.extend(weights.iter().flat_map(|x| x.to_le_bytes()));
        return;
    };
    let rows = || weights.chunks_exact(weights.len() / outputs);
    let steps: Vec<f32> = rows().map(step).collect();
    bytes.extend(steps.iter().flat_map(|step| step.to_le_bytes()));
    for (row, &step) in rows().zip(&steps) {
        bytes.extend(row.iter().map(|&x| multiple(x, step) as u8));
    }
}

fn read_as_integers(tensor: &TensorSpec, bytes: &[u8], weights: &mut Vec<f32>) {
    let Some(outputs) = outputs(tensor) else {
        weights.extend(numbers(bytes));
        return;
    };
    let (steps, multiples) = bytes.split_at(4 * outputs);
    let rows = multiples.chunks_exact(multiples.len() / outputs);
    for (step, row) in numbers(steps).into_iter().zip(rows) {
        weights.extend(row.iter().map(|&multiple| f32::from(multiple as i8) * step));
    }
}

/// Bits of a binary32 that a step leaves at zero.
const SPARE_BITS: u32 = 7;

/// Finest step with which no number of a row is out of range: the largest magnitude over 127, rounded up to 17 significant bits.
fn step(row: &[f32]) -> f32 {
    let exact = row.iter().fold(0.0f32, |largest, x| largest.max(x.abs())) / LARGEST;
    f32::from_bits(exact.to_bits().next_multiple_of(1 << SPARE_BITS))
}

/// Nearest multiple of the step.
fn multiple(x: f32, step: f32) -> i8 {
    if step == 0.0 { 0 } else { libm::roundf(x / step).clamp(-LARGEST, LARGEST) as i8 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::{Actions, Features};
    use crate::net::Weights;
    use alloc::vec;

    fn weights() -> Weights {
        let small = NetSpec::for_encodings(Features::Attack96, Actions::Dest2187);
        let spec = NetSpec { channels: 8, blocks: 1, value_channels: 1, value_hidden: 4, ..small };
        let mut weights = Weights::init(&spec, 3).expect("the specification is valid");
        let bias = spec.tensors().into_iter().find(|tensor| tensor.name == "stem.bias").expect("it has one").range;
        weights.data_mut()[bias].fill(0.123_456_7);
        weights
    }

    #[test]
    fn integers_are_within_half_a_step_of_the_weights_and_biases_exact() {
        let weights = weights();
        let spec = weights.spec();
        let body = Dtype::I8.write(spec, weights.data());
        assert_eq!(body.len(), Dtype::I8.size(spec));
        let read = Dtype::I8.read(spec, &body);
        for tensor in spec.tensors() {
            let (old, new) = (&weights.data()[tensor.range.clone()], &read[tensor.range.clone()]);
            let Some(outputs) = outputs(&tensor) else {
                assert_eq!(old, new, "{}", tensor.name);
                continue;
            };
            let length = old.len() / outputs;
            for (old, new) in old.chunks(length).zip(new.chunks(length)) {
                let largest = old.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
                // The step is rounded up by less than one part in 60,000.
                let half = largest / 127.0 / 2.0 * 1.000_02;
                assert!(old.iter().zip(new).all(|(x, y)| (x - y).abs() <= half), "{}", tensor.name);
            }
        }
        // Read and written again, nothing changes any more.
        assert_eq!(Dtype::I8.write(spec, &read), body);
    }

    #[test]
    fn steps_and_multiples_are_those_worked_out_by_hand() {
        let check = |row: &[f32], bits: u32, multiples: &[i8]| {
            let step = step(row);
            assert_eq!(step.to_bits(), bits, "{row:?}");
            let found: Vec<i8> = row.iter().map(|&x| multiple(x, step)).collect();
            assert_eq!(found, multiples, "{row:?}");
        };
        check(&[0.0, -0.0], 0, &[0, 0]);
        // 127 / 127 = 1 exactly.
        check(&[127.0, -64.4, 0.5], 0x3f80_0000, &[127, -64, 1]);
        // 1 / 127 is 0x3c010204 as binary32, so up to 0x3c010280.
        check(&[1.0, -0.5, 0.004], 0x3c01_0280, &[127, -63, 1]);
    }

    #[test]
    fn sizes_are_those_that_are_written() {
        let weights = weights();
        for dtype in [Dtype::F32, Dtype::F16, Dtype::I8] {
            let body = dtype.write(weights.spec(), weights.data());
            assert_eq!(body.len(), dtype.size(weights.spec()), "{dtype:?}");
            assert_eq!(dtype.read(weights.spec(), &body).len(), weights.data().len(), "{dtype:?}");
        }
        let extents = vec![4, 3];
        let matrix = TensorSpec { name: "a".into(), shape: extents, range: 0..12 };
        assert_eq!(size_as_integers(&matrix), 4 * 4 + 12);
    }
}
