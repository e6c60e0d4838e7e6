//! Measurement shared by all benchmarks.

use std::fs;

use anyhow::{Context, Result};

/// CPU time of this thread in seconds.
///
/// # Errors
/// If the system does not report it as Linux does.
pub fn cpu_seconds() -> Result<f64> {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").context("CPU time is read from Linux's schedstat")?;
    let nanoseconds = stat.split_whitespace().next().context("schedstat is empty")?;
    Ok(nanoseconds.parse::<f64>()? / 1e9)
}

/// Median of the samples; `None` without samples.
pub fn median(mut samples: Vec<f64>) -> Option<f64> {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied()
}
