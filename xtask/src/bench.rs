//! `cargo xtask bench NAME`: one benchmark of `benches/`, each a program of its own.

use crate::install::{Missing, npm_packages};
use crate::shell::{cargo, command, json, root, run as run_command, target_directory};
use crate::tools::{CHROMIUM, VULKAN_DRIVERS};
use crate::wasm;
use anyhow::{Context as _, Result, bail};
use std::process::Command;

/// Which benchmark, and what to tell it.
#[derive(clap::Args)]
pub struct Options {
    /// Its name; without one the names are listed
    name: Option<String>,
    /// Build what GPUs run as well, which takes a quarter of an hour; where there is no GPU the CPU plays one
    #[arg(long)]
    gpu: bool,
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
    let mut command = if name == "movegen" {
        movegen()?
    } else {
        let mut cargo = cargo();
        cargo.args(["run", "--release", "--package", "keisei-benches", "--bin", name]);
        cargo.args(["--features", &program.required_features.join(",")]);
        cargo.args(options.gpu.then_some("--features=wgpu")).arg("--");
        cargo
    };
    // Parity is that of the executors whose speed `inference` measures.
    let module = format!("{}_wasm", if name == "parity" { "inference" } else { name });
    if targets.iter().any(|target| target.name == module) {
        // The rules have no vectors, and so one module.
        let modules = [("--wasm", wasm::Simd::Fixed), ("--relaxed", wasm::Simd::Relaxed)];
        for (option, simd) in modules.into_iter().take(if name == "movegen" { 1 } else { 2 }) {
            match wasm::compile(&["--package", "keisei-benches", "--example", &module], simd) {
                Ok(folder) => {
                    command.arg(option).arg(folder.join(format!("examples/{module}.wasm")));
                }
                Err(error) if error.is::<Missing>() => eprintln!("without the wasm module: {error:#}"),
                Err(error) => return Err(error),
            }
        }
    }
    if name == "parity" && options.gpu {
        gpus(&mut command)?;
    }
    run_command(command.args(&options.args))
}

/// Gives the program a driver that plays a GPU, the page's module for WebGPU and a browser for it: what can be had of these.
fn gpus(command: &mut Command) -> Result<()> {
    let mut give = || {
        VULKAN_DRIVERS.find_or_install()?;
        command.env("XDG_RUNTIME_DIR", target_directory()?);
        npm_packages(&root().join("tests/browser"))?;
        command.arg("--browser").arg(CHROMIUM.find_or_install()?).arg("--webgpu").arg(wasm::build_gpu()?);
        Ok(())
    };
    give().or_else(|error: anyhow::Error| {
        if error.is::<Missing>() {
            eprintln!("without a part of what plays GPUs: {error:#}");
            return Ok(());
        }
        Err(error)
    })
}

/// The program that compares builds of itself: for this CPU and for every CPU, each with both kinds of haitaka's sliders,
/// which one build cannot have.
fn movegen() -> Result<Command> {
    let mut builds = Vec::new();
    for (label, flags) in [("native", "-C target-cpu=native"), ("portable", "")] {
        for features in ["qugiy", "peers"] {
            // A folder each: they differ in everything, and one would build over the other.
            let target = target_directory()?.join("movegen").join(label).join(features);
            let mut cargo = cargo();
            cargo.args(["build", "--profile", "whole-program", "--package", "keisei-benches", "--bin", "movegen"]);
            cargo.args(["--features", features, "--target-dir"]).arg(&target).env("RUSTFLAGS", flags);
            run_command(&mut cargo)?;
            builds.push((label, target.join("whole-program/movegen")));
        }
    }
    let mut movegen = command(&builds[0].1, &[]);
    for (label, program) in builds {
        movegen.args(["--build", label]).arg(program);
    }
    Ok(movegen)
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
