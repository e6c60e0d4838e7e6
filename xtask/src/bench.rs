//! `cargo xtask bench NAME`: one benchmark of `benches/`, each a program of its own.

use crate::install::Missing;
use crate::shell::{cargo, json, run as run_command};
use crate::wasm;
use anyhow::{Result, bail};

/// Which benchmark, and what to tell it.
#[derive(clap::Args)]
pub struct Options {
    /// Its name; without one the names are listed
    name: Option<String>,
    /// Arguments of the benchmark
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// Runs the benchmark in the release profile, with all its peers.
pub fn run(options: &Options) -> Result<()> {
    let names = names()?;
    let Some(name) = &options.name else {
        for name in names {
            println!("{name}");
        }
        return Ok(());
    };
    if !names.contains(name) {
        bail!("no benchmark {name:?}; there are {}", names.join(", "));
    }
    let mut cargo = cargo();
    cargo.args(["run", "--release", "--package", "keisei-benches", "--bin", name]);
    if name == "movegen" {
        cargo.args(["--features", "peers"]);
    }
    cargo.arg("--");
    if name == "inference" {
        match wasm::compile(&["--package", "keisei-benches", "--example", "inference_wasm"]) {
            Ok(folder) => {
                cargo.arg("--wasm").arg(folder.join("examples/inference_wasm.wasm"));
            }
            Err(error) if error.is::<Missing>() => eprintln!("without the wasm module: {error:#}"),
            Err(error) => return Err(error),
        }
    }
    run_command(cargo.args(&options.args))
}

/// The programs of the package keisei-benches.
fn names() -> Result<Vec<String>> {
    let metadata = json(cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let array = |value: &serde_json::Value| value.as_array().cloned().unwrap_or_default();
    let benches = array(&metadata["packages"]).into_iter().filter(|package| package["name"] == "keisei-benches");
    let targets = benches.flat_map(|package| array(&package["targets"]));
    let programs = targets.filter(|target| array(&target["kind"]).iter().any(|kind| kind == "bin"));
    Ok(programs.filter_map(|target| target["name"].as_str().map(str::to_owned)).collect())
}
