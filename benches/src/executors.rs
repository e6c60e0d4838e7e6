//! The executors of the core that this build has on this machine.

use keisei_core::net::simd::{Backprop, Bf16, Calibration, Dot, Level, Quantized, Simd};
use keisei_core::net::{Executor, Weights};

/// Executor to compare with the definition.
pub struct Native {
    /// Name in the tables.
    pub name: String,
    /// Whether all arithmetic is in f32, so that the bars of the parity tests apply.
    pub exact: bool,
    /// The executor.
    pub executor: Box<dyn Executor>,
    /// Backward pass on the same kernels, if there is one.
    pub backprop: Option<Backprop>,
}

/// All executors except the definition.
pub fn native(weights: &Weights, calibration: &Calibration) -> Vec<Native> {
    let mut all = Vec::new();
    let mut add = |name: String, exact, executor: Option<Box<dyn Executor>>, backprop| {
        all.extend(executor.map(|executor| Native { name, exact, executor, backprop }));
    };
    for level in Level::ALL.into_iter().rev() {
        let simd = Simd::with_level(weights, level).map(|simd| Box::new(simd) as _);
        add(format!("simd-{level}"), true, simd, Backprop::with_level(weights, level));
    }
    for dot in Dot::available() {
        let quantized = Quantized::with_dot(weights, calibration, dot);
        add(format!("int-{dot}"), false, quantized.map(|quantized| Box::new(quantized) as _), None);
    }
    add("bf16x3".into(), false, Bf16::x3(weights).map(|bf16| Box::new(bf16) as _), Backprop::bf16x3(weights));
    add("bf16".into(), false, Bf16::new(weights).map(|bf16| Box::new(bf16) as _), Backprop::bf16(weights));
    all
}
