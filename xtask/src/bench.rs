//! `cargo xtask bench NAME`: one benchmark of `benches/`, each a program of its own.

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

/// Runs the benchmark in the release profile.
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
    cargo.args(["run", "--release", "--package", "keisei-benches", "--bin", name, "--"]);
    if name == "inference" {
        // It runs our WebAssembly as well, if that can be built.
        match wasm::build_inference() {
            Ok(module) => _ = cargo.arg("--wasm").arg(module),
            Err(error) => eprintln!("without WebAssembly: {error:#}"),
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
