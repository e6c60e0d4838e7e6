//! Traffic with the device: how often and how much is sent and read. Every transfer of the learner goes through [`upload`], [`upload_numbers`] or
//! [`read`], so that it is counted; arguments of kernels are not.

use std::sync::atomic::{AtomicU64, Ordering};

use burn::tensor::{Int, Tensor, TensorData};
use keisei_core::learn::LearnError;

use super::fault;
use super::kernels::Kernels;

/// Transfers of this process so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Traffic {
    /// Transfers to the device.
    pub uploads: u64,
    /// Their bytes.
    pub bytes_up: u64,
    /// Transfers from the device, each of which waits for it.
    pub reads: u64,
    /// Their bytes.
    pub bytes_down: u64,
}

static UPLOADS: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];
static READS: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];

fn count([transfers, bytes]: &[AtomicU64; 2], size: usize) {
    transfers.fetch_add(1, Ordering::Relaxed);
    bytes.fetch_add(size as u64, Ordering::Relaxed);
}

impl Traffic {
    /// Transfers so far.
    pub fn so_far() -> Self {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let ([uploads, bytes_up], [reads, bytes_down]) = (UPLOADS.each_ref().map(get), READS.each_ref().map(get));
        Self { uploads, bytes_up, reads, bytes_down }
    }

    /// Transfers since an earlier count.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            uploads: self.uploads - earlier.uploads,
            bytes_up: self.bytes_up - earlier.bytes_up,
            reads: self.reads - earlier.reads,
            bytes_down: self.bytes_down - earlier.bytes_down,
        }
    }
}

/// Words on the device.
pub(super) fn upload<B: Kernels>(words: Vec<i32>, device: &B::Device) -> Tensor<B, 1, Int> {
    count(&UPLOADS, size_of_val(&words[..]));
    let length = words.len();
    Tensor::from_data(TensorData::new(words, [length]), device)
}

/// Numbers on the device.
pub(super) fn upload_numbers<B: Kernels>(numbers: Vec<f32>, device: &B::Device) -> Tensor<B, 1> {
    count(&UPLOADS, size_of_val(&numbers[..]));
    let length = numbers.len();
    Tensor::from_data(TensorData::new(numbers, [length]), device)
}

/// Numbers of a tensor, copied from the device.
pub(super) fn read<B: Kernels>(device: &B::Device, tensor: Tensor<B, 1>) -> Result<Vec<f32>, LearnError> {
    let data = tensor.try_into_data().map_err(|error| fault::error(&error.to_string()))?;
    // A kernel that could not be launched leaves garbage, which is read without an error.
    B::check(device).map_err(|error| fault::error(&error))?;
    count(&READS, data.bytes.len());
    Ok(data.convert::<f32>().into_vec().expect("the numbers were converted to f32"))
}
