//! How all benchmarks measure.

use std::fs;

use anyhow::{Context, Result};

/// Time that this thread has spent on a CPU.
///
/// # Errors
/// The system does not tell as Linux does.
pub fn cpu_seconds() -> Result<f64> {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").context("CPU time is read from Linux's schedstat")?;
    let nanoseconds = stat.split_whitespace().next().context("schedstat is empty")?;
    Ok(nanoseconds.parse::<f64>()? / 1e9)
}

/// The sample in the middle; nothing without samples.
pub fn median(mut samples: Vec<f64>) -> Option<f64> {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied()
}
