//! `cargo xtask fuzz [TARGET]`: the fuzz targets of `fuzz/`, one after another, each for some minutes.

use crate::shell::{cargo, root, run as run_command};
use crate::tools::{CARGO_FUZZ, CPP_COMPILER};
use anyhow::{Context, Result, bail};
use lexopt::{Arg, Parser, ValueExt as _};
use std::fs;

/// Usage of the command.
pub const USAGE: &str = "\
fuzz [TARGET] [--minutes MINUTES]

Arguments:
  TARGET  One of fuzz/fuzz_targets; without it all of them, in turn

Options:
  --minutes MINUTES  Minutes for each target [default: 5]";

/// Options of the command.
#[derive(Debug, PartialEq)]
pub struct Options {
    /// Name of the fuzz target; without it all of them run.
    pub target: Option<String>,
    /// Minutes for each target.
    pub minutes: f64,
}

impl Options {
    /// Reads the options; `None` if they ask for help.
    pub fn parse(arguments: &mut Parser) -> Result<Option<Options>, lexopt::Error> {
        let mut options = Options { target: None, minutes: 5.0 };
        while let Some(argument) = arguments.next()? {
            match argument {
                Arg::Long("help") | Arg::Short('h') => return Ok(None),
                Arg::Long("minutes") => options.minutes = arguments.value()?.parse()?,
                Arg::Value(target) if options.target.is_none() => options.target = Some(target.string()?),
                other => return Err(other.unexpected()),
            }
        }
        Ok(Some(options))
    }
}

/// Longest input that is tried, in bytes.
const MAX_LEN: usize = 16_384;
/// Seconds for one input; more is a failure.
const TIMEOUT: u32 = 10;
/// Memory in MiB; more is a failure.
const MEMORY_LIMIT: u32 = 1024;

/// Runs the targets. The first failure ends it; its input stays in `fuzz/artifacts`.
pub fn run(options: &Options) -> Result<()> {
    let known = targets()?;
    let chosen = match &options.target {
        None => known,
        Some(name) if known.contains(name) => vec![name.clone()],
        Some(name) => bail!("no fuzz target {name:?}; there are {}", known.join(", ")),
    };
    CPP_COMPILER.find_or_install()?;
    if let Err(error) = CARGO_FUZZ.find() {
        eprintln!("{error}");
        run_command(cargo().args(["install", "cargo-fuzz", "--locked"]))?;
    }
    for target in chosen {
        let mut fuzz = cargo();
        // Nothing outside the network's kernels is unsafe, so there is nothing that a sanitizer could find, and without one
        // the stable compiler will do.
        fuzz.args(["fuzz", "run", "--sanitizer", "none", &target, "--"]);
        fuzz.arg(format!("-max_total_time={:.0}", options.minutes * 60.0)).arg(format!("-max_len={MAX_LEN}"));
        fuzz.arg(format!("-timeout={TIMEOUT}")).arg(format!("-rss_limit_mb={MEMORY_LIMIT}"));
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
