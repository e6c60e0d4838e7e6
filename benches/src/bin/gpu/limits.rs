//! What the device and burn's kernels for it can do at most: copies between host and device, and matrix products of the
//! shapes of a network's convolutions.

use std::time::Instant;

use anyhow::{Result, anyhow};
use burn::tensor::backend::Backend;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Distribution, FloatDType, Tensor, TensorData};
use keisei_core::encoding::SQUARES;
use trainer_native::learner::{Device, Precision};

use crate::Options;

/// Squares of a side of the board.
const SIDE: usize = 9;

/// Measures on the device of the options.
pub fn measure(options: &Options) -> Result<()> {
    match options.device {
        Device::Cuda => on::<burn::backend::Cuda>(options),
        Device::Wgpu => on::<burn::backend::Wgpu>(options),
        Device::Auto | Device::Cpu => Ok(()),
    }
}

fn on<B: Backend>(options: &Options) -> Result<()> {
    let device = B::Device::default();
    println!("\n| copy | MB | GB/s | µs |\n|---|---:|---:|---:|");
    for kilobytes in [4, 256, 4096, 65_536] {
        let numbers = vec![1_f32; kilobytes * 256];
        let row = |what: &str, seconds: f64| {
            let bytes = kilobytes as f64 * 1024.0;
            println!("| {what} | {:.3} | {:.2} | {:.0} |", bytes / 1e6, bytes / seconds / 1e9, seconds * 1e6);
        };
        let up = || Tensor::<B, 1>::from_data(TensorData::new(numbers.clone(), [numbers.len()]), &device);
        row("to the device", seconds(options, || drop(up()), || sync::<B>(&device))?);
        let there = up();
        row("to the host", seconds(options, || drop(there.clone().into_data()), || sync::<B>(&device))?);
    }
    println!("\n| product | m | k | n | TFLOP/s | µs |\n|---|---:|---:|---:|---:|---:|");
    let rows = options.batch * SQUARES;
    for &(channels, _) in &options.nets {
        let channels = usize::from(channels);
        let columns = 9 * channels;
        for &precision in &options.precisions {
            let dtype = match precision {
                Precision::Bf16 => FloatDType::BF16,
                Precision::F16 => FloatDType::F16,
                Precision::F32 | Precision::Bf16x3 => FloatDType::F32,
            };
            let random =
                |shape: [usize; 2]| Tensor::<B, 2>::random(shape, Distribution::Default, &device).cast(dtype);
            let mut row = |what: &str, a: Tensor<B, 2>, b: Tensor<B, 2>| -> Result<()> {
                let ([m, k], n) = (a.dims(), b.dims()[1]);
                let took = seconds(options, || drop(a.clone().matmul(b.clone())), || sync::<B>(&device))?;
                let rate = 2.0 * (m * k * n) as f64 / took / 1e12;
                println!("| {what}, {precision} | {m} | {k} | {n} | {rate:.1} | {:.0} |", took * 1e6);
                Ok(())
            };
            let (x, w) = (random([rows, columns]), random([columns, channels]));
            let slope = random([rows, channels]);
            row("forward", x.clone(), w.clone())?;
            row("forward, weights transposed", x.clone(), random([channels, columns]).transpose())?;
            row("gradient of weights", slope.transpose(), x)?;
            let x = random([rows, channels]).reshape([options.batch, SIDE, SIDE, channels]).permute([0, 3, 1, 2]);
            let w = random([columns, channels]).reshape([channels, 3, 3, channels]).permute([0, 3, 1, 2]);
            let pad = ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
            let run = || drop(conv2d(x.clone(), w.clone(), None, pad.clone()));
            let took = seconds(options, run, || sync::<B>(&device))?;
            let rate = 2.0 * (rows * columns * channels) as f64 / took / 1e12;
            println!("| burn's convolution, channels last, {precision} | {rows} | {columns} | {channels} | {rate:.1} | {:.0} |", took * 1e6);
        }
    }
    println!();
    Ok(())
}

fn sync<B: Backend>(device: &B::Device) -> Result<()> {
    B::sync(device).map_err(|error| anyhow!("the device: {error:?}"))
}

/// Seconds of one run of many.
fn seconds(options: &Options, mut run: impl FnMut(), sync: impl Fn() -> Result<()>) -> Result<f64> {
    (0..3).for_each(|_| run());
    sync()?;
    let (begin, mut runs) = (Instant::now(), 0);
    while runs < 20 || (begin.elapsed().as_secs_f64() < options.seconds / 10.0 && runs < 1000) {
        run();
        runs += 1;
    }
    sync()?;
    Ok(begin.elapsed().as_secs_f64() / f64::from(runs))
}
