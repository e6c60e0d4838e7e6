//! Limits of a device: speed of copies from and to the host, and of matrix products of the shapes of a network's layers, by each of the
//! kernels for them.

use std::time::Instant;

use anyhow::{Result, anyhow};
use burn::tensor::backend::Backend;
use burn::tensor::{DType, Distribution, Tensor, TensorData};
use burn_cubecl::{CubeBackend, CubeRuntime};
use keisei_core::encoding::SQUARES;

use super::layer::unwrap;
use super::product::{product_by, strategies};
use super::{Precision, dtype};
use crate::learner::{Device, padded};

/// Measurement of a device.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Positions of a batch.
    pub batch: usize,
    /// Channels of the trunk.
    pub channels: usize,
    /// Number format of the products.
    pub precision: Precision,
    /// Time of one measurement, in seconds.
    pub seconds: f64,
}

impl Limits {
    /// Measures on `device` and calls `row` with each row of a table, its cells separated by `|`.
    ///
    /// # Errors
    /// If the build lacks the device, or the device fails.
    pub fn measure(&self, device: Device, row: &mut dyn FnMut(String)) -> Result<()> {
        match device {
            #[cfg(feature = "cuda")]
            Device::Cuda => self.on::<burn::cubecl::cuda::CudaRuntime>(row),
            #[cfg(feature = "wgpu")]
            Device::Wgpu => self.on::<burn::cubecl::wgpu::WgpuRuntime>(row),
            _ => Err(anyhow!("no such GPU in this build")),
        }
    }

    fn on<R: CubeRuntime>(&self, row: &mut dyn FnMut(String)) -> Result<()> {
        self.copies::<R>(row)?;
        self.products::<R>(row)
    }

    fn copies<R: CubeRuntime>(&self, row: &mut dyn FnMut(String)) -> Result<()> {
        let device = R::Device::default();
        for kilobytes in [4, 256, 4096, 65_536] {
            let numbers = vec![1_f32; kilobytes * 256];
            let mut copied = |what: &str, seconds: f64| {
                let bytes = kilobytes as f64 * 1024.0;
                let (size, rate) = (bytes / 1e6, bytes / seconds / 1e9);
                row(format!("copy of {size:.3} MB {what} | | {rate:.2} GB/s | {:.0} µs", seconds * 1e6));
            };
            let up = || Tensor::<Plain<R>, 1>::from_data(TensorData::new(numbers.clone(), [numbers.len()]), &device);
            copied("to the device", self.seconds::<R>(&device, || drop(up()))?);
            let there = up();
            copied("to the host", self.seconds::<R>(&device, || drop(there.clone().into_data()))?);
        }
        Ok(())
    }

    fn products<R: CubeRuntime>(&self, row: &mut dyn FnMut(String)) -> Result<()> {
        let device = R::Device::default();
        let dtype = dtype(self.precision).ok_or_else(|| anyhow!("no such numbers on a GPU"))?;
        let (rows, channels, columns) = (self.batch * SQUARES, self.channels, padded(9 * self.channels));
        let random =
            |shape: [usize; 2]| Tensor::<Plain<R>, 2>::random(shape, Distribution::Default, &device).cast(dtype);
        let (windows, weight, slope) = (random([rows, columns]), random([columns, channels]), random([rows, channels]));
        let part = |x: Tensor<Plain<R>, 2>, width: usize| x.reshape([PARTS, rows / PARTS, width]);
        let of_weight = [unwrap(part(windows.clone(), columns).swap_dims(1, 2)), unwrap(part(slope, channels))];
        let of_weight = ("gradient of the weight", of_weight, DType::F32);
        for (what, [a, b], out) in [("forward", [unwrap(windows), unwrap(weight)], dtype.into()), of_weight] {
            for strategy in strategies() {
                let what = format!("{what}, C{channels}, {} | {strategy}", self.precision);
                let begin = Instant::now();
                if product_by(&strategy, &a, &b, out).is_err() {
                    row(format!("{what} | cannot |"));
                    continue;
                }
                Plain::<R>::sync(&device).map_err(|error| anyhow!("the device: {error:?}"))?;
                let first = begin.elapsed().as_secs_f64();
                let took = self.seconds::<R>(&device, || drop(product_by(&strategy, &a, &b, out)))?;
                let rate = 2.0 * (rows * columns * channels) as f64 / took / 1e12;
                row(format!("{what} | {rate:.1} TFLOP/s | {:.0} µs, at first {first:.1} s", took * 1e6));
            }
        }
        Ok(())
    }

    /// Seconds of one run of many.
    fn seconds<R: CubeRuntime>(&self, device: &R::Device, mut run: impl FnMut()) -> Result<f64> {
        let sync = || Plain::<R>::sync(device).map_err(|error| anyhow!("the device: {error:?}"));
        (0..3).for_each(|_| run());
        sync()?;
        let (begin, mut runs) = (Instant::now(), 0);
        while runs < 10 || (begin.elapsed().as_secs_f64() < self.seconds && runs < 1000) {
            run();
            runs += 1;
        }
        sync()?;
        Ok(begin.elapsed().as_secs_f64() / f64::from(runs))
    }
}

/// The backend of a runtime.
type Plain<R> = CubeBackend<R, f32, i32, u8>;

/// Parts of the product that gives the gradient of a weight.
const PARTS: usize = 16;
