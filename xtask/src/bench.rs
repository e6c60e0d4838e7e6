//! `cargo xtask bench NAME`: one benchmark of `benches/`, each a program of its own.

use crate::install::Missing;
use crate::shell::{cargo, json, run as run_command};
use crate::wasm;
use anyhow::{Context as _, Result, bail};

/// Which benchmark, and what to tell it.
#[derive(clap::Args)]
pub struct Options {
    /// Its name; without one the names are listed
    name: Option<String>,
    /// Arguments of the benchmark
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// Runs the benchmark in the release profile, with all that it compares.
pub fn run(options: &Options) -> Result<()> {
    let targets = targets()?;
    let programs: Vec<&Target> = targets.iter().filter(|target| target.is("bin")).collect();
    let Some(name) = &options.name else {
        for program in programs {
            println!("{}", program.name);
        }
        return Ok(());
    };
    let Some(program) = programs.iter().find(|program| program.name == *name) else {
        let names: Vec<&str> = programs.iter().map(|program| program.name.as_str()).collect();
        bail!("no benchmark {name:?}; there are {}", names.join(", "));
    };
    let mut cargo = cargo();
    cargo.args(["run", "--release", "--package", "keisei-benches", "--bin", name]);
    cargo.args(["--features", &program.required_features.join(",")]).arg("--");
    let module = format!("{name}_wasm");
    if targets.iter().any(|target| target.name == module) {
        for (option, simd) in [("--wasm", wasm::Simd::Fixed), ("--relaxed", wasm::Simd::Relaxed)] {
            match wasm::compile(&["--package", "keisei-benches", "--example", &module], simd) {
                Ok(folder) => {
                    cargo.arg(option).arg(folder.join(format!("examples/{module}.wasm")));
                }
                Err(error) if error.is::<Missing>() => eprintln!("without the wasm module: {error:#}"),
                Err(error) => return Err(error),
            }
        }
    }
    run_command(cargo.args(&options.args))
}

/// A program or example of the package keisei-benches, as `cargo metadata` names it.
#[derive(serde::Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
    #[serde(default, rename = "required-features")]
    required_features: Vec<String>,
}

impl Target {
    fn is(&self, kind: &str) -> bool {
        self.kind.iter().any(|of_target| of_target == kind)
    }
}

fn targets() -> Result<Vec<Target>> {
    let mut metadata = json(cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let packages = metadata["packages"].as_array_mut().context("cargo metadata lists no packages")?;
    let benches = packages.iter_mut().find(|package| package["name"] == "keisei-benches");
    let benches = benches.context("cargo metadata has no package keisei-benches")?;
    Ok(serde_json::from_value(benches["targets"].take())?)
}
