//! `cargo xtask bench NAME`: one benchmark of `benches/`, each a program of its own.

use crate::install::npm_packages;
use crate::shell::{cargo, command, json, root, run as run_command, target_directory};
use crate::system::Missing;
use crate::tools::{CHROMIUM, VULKAN_DRIVERS};
use crate::wasm;
use anyhow::{Context as _, Result, bail};
use lexopt::{Arg, Parser, ValueExt as _};
use serde_json::Value;
use std::ffi::OsString;
use std::process::Command;

/// Usage of the command.
pub const USAGE: &str = "\
bench [--gpu] [NAME] [--] [ARGUMENTS]...

Arguments:
  NAME       The benchmark; without it their names are listed
  ARGUMENTS  Arguments of the benchmark

Options:
  --gpu  Build what runs on GPUs as well, which takes a quarter of an hour; where there is no GPU the CPU plays one";

/// Options of the command.
#[derive(Debug, PartialEq)]
pub struct Options {
    /// Name of the benchmark; without it the names are listed.
    pub name: Option<String>,
    /// Whether what runs on GPUs is built as well.
    pub gpu: bool,
    /// Arguments of the benchmark.
    pub arguments: Vec<OsString>,
}

impl Options {
    /// Reads the options; `None` if they ask for help. What follows the name belongs to the benchmark, except `--gpu` directly
    /// behind it, and a first `--`.
    pub fn parse(arguments: &mut Parser) -> Result<Option<Options>, lexopt::Error> {
        let mut options = Options { name: None, gpu: false, arguments: Vec::new() };
        while let Some(argument) = arguments.next()? {
            match argument {
                Arg::Long("help") | Arg::Short('h') => return Ok(None),
                Arg::Long("gpu") => options.gpu = true,
                Arg::Value(name) => {
                    options.name = Some(name.string()?);
                    let mut rest = arguments.raw_args()?;
                    options.gpu |= rest.next_if(|next| next == "--gpu").is_some();
                    rest.next_if(|next| next == "--");
                    options.arguments = rest.collect();
                    break;
                }
                other => return Err(other.unexpected()),
            }
        }
        Ok(Some(options))
    }
}

/// Runs the benchmark in the release profile, with all that it compares.
///
/// # Errors
/// There is no such benchmark, or it fails.
pub fn run(options: &Options) -> Result<()> {
    let targets = targets()?;
    let programs: Vec<&Target> = targets.iter().filter(|target| target.is_program).collect();
    let names = || programs.iter().map(|program| program.name.as_str());
    let Some(name) = &options.name else {
        names().for_each(|name| println!("{name}"));
        return Ok(());
    };
    let Some(program) = programs.iter().find(|program| program.name == *name) else {
        bail!("no benchmark {name:?}; there are {}", names().collect::<Vec<_>>().join(", "));
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
    // `parity` compares the executors whose speed `inference` measures.
    let module = format!("{}_wasm", if name == "parity" { "inference" } else { name });
    if targets.iter().any(|target| target.name == module) {
        // The rules use no vector instructions, and so have one module.
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
        add_gpus(&mut command)?;
    }
    run_command(command.args(&options.arguments))
}

/// Gives the benchmark a driver with which the CPU plays a GPU, the page's module for WebGPU and a browser for it; what is missing
/// of these is left out.
fn add_gpus(command: &mut Command) -> Result<()> {
    let mut add = || {
        VULKAN_DRIVERS.find_or_install()?;
        command.env("XDG_RUNTIME_DIR", target_directory()?);
        npm_packages(&root().join("tests/browser"))?;
        command.arg("--browser").arg(CHROMIUM.find_or_install()?).arg("--webgpu").arg(wasm::build_gpu()?);
        Ok(())
    };
    add().or_else(|error: anyhow::Error| {
        if error.is::<Missing>() {
            eprintln!("without a part of what plays GPUs: {error:#}");
            return Ok(());
        }
        Err(error)
    })
}

/// Program that compares builds of itself: for this CPU and for every CPU, each with both kinds of haitaka's sliders,
/// which one build cannot have.
fn movegen() -> Result<Command> {
    let mut builds = Vec::new();
    for (label, flags) in [("native", "-C target-cpu=native"), ("portable", "")] {
        for features in ["qugiy", "peers"] {
            // A folder each: they differ in everything, and one would overwrite the other.
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

/// Target of the package keisei-benches, as `cargo metadata` describes it.
struct Target {
    name: String,
    /// Whether it is a program: a benchmark; the others are examples, compiled to WebAssembly.
    is_program: bool,
    required_features: Vec<String>,
}

fn targets() -> Result<Vec<Target>> {
    let metadata = json(cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    let benches = packages.iter().find(|package| package["name"] == "keisei-benches");
    let targets = benches.and_then(|benches| benches["targets"].as_array());
    let targets = targets.context("cargo metadata lists no targets of keisei-benches")?;
    let strings = |list: &Value| -> Vec<String> {
        list.as_array().into_iter().flatten().filter_map(|item| Some(item.as_str()?.to_owned())).collect()
    };
    let target = |target: &Value| {
        Some(Target {
            name: target["name"].as_str()?.to_owned(),
            is_program: strings(&target["kind"]).iter().any(|kind| kind == "bin"),
            required_features: strings(&target["required-features"]),
        })
    };
    targets.iter().map(|found| target(found).context("cargo metadata lists a target without a name")).collect()
}
