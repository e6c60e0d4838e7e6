//! `cargo xtask fuzz [TARGET]`: the fuzz targets of `fuzz/`, one after another, each for some minutes.

use crate::shell::{cargo, root, run as run_command};
use crate::tools::{CARGO_FUZZ, CPP_COMPILER};
use anyhow::{Context, Result, bail};
use std::fs;

/// Which target, and for how long.
#[derive(clap::Args)]
pub struct Options {
    /// Its name; without one all of them, in turn
    target: Option<String>,
    /// Minutes for each target
    #[arg(long, default_value_t = 5.0)]
    minutes: f64,
}

/// The longest input that is tried, in bytes.
const MAX_LEN: usize = 16_384;
/// An input that takes so many seconds counts as a failure.
const SLOW: u32 = 10;
/// More memory than this, in MiB, counts as a failure.
const MEMORY: u32 = 1024;

/// Runs the targets; the first failure ends it, and its input stays in `fuzz/artifacts`.
pub fn run(options: &Options) -> Result<()> {
    let known = targets()?;
    let chosen = match &options.target {
        None => known,
        Some(name) if known.contains(name) => vec![name.clone()],
        Some(name) => bail!("no fuzz target {name:?}; there are {}", known.join(", ")),
    };
    install()?;
    for target in chosen {
        let mut fuzz = cargo();
        // Nothing outside the network's kernels is unsafe, so there is nothing that a sanitizer could find, and without one
        // the stable compiler will do.
        fuzz.args(["fuzz", "run", "--sanitizer", "none", &target, "--"]);
        fuzz.arg(format!("-max_total_time={:.0}", options.minutes * 60.0));
        fuzz.arg(format!("-max_len={MAX_LEN}")).arg(format!("-timeout={SLOW}")).arg(format!("-rss_limit_mb={MEMORY}"));
        run_command(fuzz.current_dir(root().join("fuzz")))?;
    }
    Ok(())
}

fn targets() -> Result<Vec<String>> {
    let folder = root().join("fuzz/fuzz_targets");
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

/// cargo-fuzz, and a compiler for libFuzzer, which is C++.
fn install() -> Result<()> {
    CPP_COMPILER.find_or_install()?;
    if let Err(error) = CARGO_FUZZ.find() {
        eprintln!("{error}");
        run_command(cargo().args(["install", "cargo-fuzz", "--locked"]))?;
    }
    Ok(())
}
