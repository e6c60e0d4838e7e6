//! `cargo xtask test`: every check, each as one stage of a table, whatever happens to the others.

use crate::install::{Missing, npm_packages, python_packages};
use crate::shell::{cargo, command, root, run_read, target_directory};
use crate::summary::{Counts, Row, table};
use crate::tools::{CHROMIUM, CPP_COMPILER, NEXTEST, NPM, VULKAN_DRIVERS};
use crate::{shell, wasm, web};
use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;

/// The environment's variable that names a Python with the packages of `tests/python/requirements.txt`.
const PYTHON: &str = "INTEROP_PYTHON";

/// Which stages to run.
#[derive(clap::Args)]
pub struct Options {
    /// Leave the browser out
    #[arg(long)]
    fast: bool,
    /// Run this stage alone (several may be given)
    #[arg(long, value_name = "STAGE")]
    only: Vec<Stage>,
}

/// In the order in which they run; the cheap ones come first.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Stage {
    /// rustfmt finds nothing to change
    Format,
    /// Every dependency may be used
    Licences,
    /// clippy finds nothing, warnings included
    Clippy,
    /// Unit and integration tests
    Rust,
    /// The examples in the documentation
    Docs,
    /// The core compiles where there is no standard library
    Bare,
    /// The core compiles for the browser
    Wasm,
    /// The pages' types are right, and they can be bundled
    Pages,
    /// The pages work in Chromium
    Browser,
    /// The GPU learners compile, and compute what the CPU does; only if asked for, it builds for ten minutes
    Gpu,
}

/// Runs the stages and prints the table.
///
/// # Errors
/// A stage failed; or, where the environment has `CI=true`, one that was asked for could not run.
pub fn run(options: &Options) -> Result<()> {
    let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    let mut rows = Vec::new();
    for &stage in Stage::value_variants() {
        if !options.only.is_empty() && !options.only.contains(&stage) {
            continue;
        }
        let name = stage.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        let start = Instant::now();
        let left_out = match stage {
            Stage::Browser if options.fast => Some("left out by --fast"),
            Stage::Gpu if options.only.is_empty() => Some("left out; --only gpu runs it"),
            _ => None,
        };
        let (counts, note) = if let Some(why) = left_out {
            (Counts { skipped: 1, ..Counts::default() }, why.to_owned())
        } else {
            eprintln!("\n== {name}");
            let (counts, result) = run_stage(stage);
            judge(counts, result, in_ci)
        };
        rows.push(Row { stage: name, counts, wall: start.elapsed(), note });
    }
    let failed = rows.iter().filter(|row| row.counts.failed > 0).map(|row| row.stage.as_str()).collect::<Vec<_>>();
    for row in rows.iter().filter(|row| !row.note.is_empty()) {
        eprintln!("\n{}: {}", row.stage, row.note);
    }
    println!("\n{}", table(&rows).trim_end());
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

/// The counts of a stage in the table, and what to say about it.
fn judge(mut counts: Counts, result: Result<()>, in_ci: bool) -> (Counts, String) {
    match result {
        Ok(()) => (counts, String::new()),
        Err(error) if error.is::<Missing>() && !in_ci => {
            (Counts { skipped: counts.skipped + 1, ..counts }, format!("{error:#}"))
        }
        Err(error) => {
            counts.failed = counts.failed.max(1);
            (counts, format!("{error:#}"))
        }
    }
}

fn run_stage(stage: Stage) -> (Counts, Result<()>) {
    match stage {
        Stage::Format => checked(format()),
        Stage::Licences => checked(shell::run(cargo().args(["run", "--package", "licences"]))),
        Stage::Clippy => checked(clippy()),
        Stage::Rust => rust_tests(),
        Stage::Docs => tested(cargo().args(["test", "--workspace", "--doc", "--no-fail-fast"])),
        Stage::Bare => checked(wasm::compile_bare()),
        Stage::Wasm => checked(wasm::build()),
        Stage::Pages => checked(web::pages()),
        Stage::Browser => {
            browser_tests().map_or_else(|error| (Counts::default(), Err(error)), |mut npm| tested(&mut npm))
        }
        Stage::Gpu => gpu_tests().map_or_else(|error| (Counts::default(), Err(error)), |mut cargo| tested(&mut cargo)),
    }
}

/// The workspace, and the fuzz targets, which are one of their own.
fn format() -> Result<()> {
    shell::run(cargo().args(["fmt", "--all", "--check"]))?;
    shell::run(cargo().args(["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]))
}

/// The whole workspace has feature burn, for its tests and benchmarks; what users build by default has not.
fn clippy() -> Result<()> {
    let benchmarks = "--features=keisei-benches/network,keisei-benches/qugiy,keisei-tests/peers";
    for what in [
        ["--workspace", "--all-targets", benchmarks].as_slice(),
        &["--package=trainer-native", "--bins"],
        &["--package=keisei-core", "--no-default-features"],
    ] {
        shell::run(cargo().arg("clippy").args(what).args(["--", "-D", "warnings"]))?;
    }
    CPP_COMPILER.find_or_install()?;
    // In the same folder as the rest: most of what the fuzz targets need is there already.
    let mut fuzz = cargo();
    fuzz.args(["clippy", "--manifest-path", "fuzz/Cargo.toml", "--target-dir"]).arg(target_directory()?);
    shell::run(fuzz.args(["--", "-D", "warnings"]))
}

/// A stage that is one check by itself.
fn checked(result: Result<()>) -> (Counts, Result<()>) {
    (Counts { passed: u32::from(result.is_ok()), ..Counts::default() }, result)
}

/// A stage that counts its tests; no test at all is a failure.
fn tested(command: &mut Command) -> (Counts, Result<()>) {
    let counts = Mutex::new(Counts::default());
    let result = run_read(command, |line| {
        counts.lock().expect("reading a line does not panic").read(line);
    });
    let counts = counts.into_inner().expect("reading a line does not panic");
    let ran = counts.passed + counts.failed > 0;
    (counts, result.and_then(|()| if ran { Ok(()) } else { bail!("ran no test") }))
}

/// All of them in one build: a package alone would be built with fewer features, and burn once more. Without the Python
/// programs that some tests ask, these tests do the rest.
fn rust_tests() -> (Counts, Result<()>) {
    let mut cargo = cargo();
    if NEXTEST.find().is_ok() {
        cargo.args(["nextest", "run", "--workspace", "--no-fail-fast"]);
    } else {
        cargo.args(["test", "--workspace", "--tests", "--no-fail-fast"]);
    }
    let python = match std::env::var_os(PYTHON) {
        Some(python) => Ok(python.into()),
        None => python_packages().context("the programs that read our exports"),
    };
    if let Ok(python) = &python {
        cargo.env(PYTHON, python);
    }
    let (mut counts, result) = tested(&mut cargo);
    if let Err(error) = python {
        eprintln!("the tests that ask Python are left out: {error:#}");
        counts.skipped += 1;
    }
    (counts, result)
}

/// The tests drive this browser; the programs in this folder serve the pages and compute what they should show.
fn browser_tests() -> Result<Command> {
    let folder = root().join("tests/browser");
    let chromium = CHROMIUM.find_or_install()?;
    npm_packages(&folder)?;
    // The programs that the Rust tests run, so nothing is built twice: `cargo build` would leave out the features of the
    // tests' dependencies, and then build burn once more.
    shell::run(cargo().args(["test", "--workspace", "--tests", "--no-run"]))?;
    let mut npm = command(NPM.find()?, &["test", "--silent"]);
    npm.current_dir(folder).env("CHROMIUM", chromium).env("KEISEI_BIN", target_directory()?.join("debug"));
    Ok(npm)
}

/// On lavapipe, unless the environment names another Vulkan driver. With every feature, so that what only a
/// GPU build holds is compiled as well; not optimised, for that would take a quarter of an hour and only hands work to the driver.
fn gpu_tests() -> Result<Command> {
    VULKAN_DRIVERS.find_or_install()?;
    let mut cargo = cargo();
    for setting in ["opt-level=0", "debug=false", "package.'*'.opt-level=0"] {
        cargo.arg("--config").arg(format!("profile.dev.{setting}"));
    }
    cargo.args(["test", "--package", "trainer-native", "--features", "wgpu,cuda", "--lib", "--", "a_gpu", "a_device"]);
    if std::env::var_os("VK_ICD_FILENAMES").is_none() {
        cargo.env("VK_ICD_FILENAMES", "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json");
    }
    cargo.env("XDG_RUNTIME_DIR", target_directory()?);
    Ok(cargo)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::install::missing;
    use anyhow::anyhow;

    #[test]
    fn what_is_missing_is_skipped_but_in_ci() {
        let check = |error: anyhow::Error, in_ci, failed, skipped| {
            let (counts, note) = judge(Counts::default(), Err(error), in_ci);
            assert_eq!((counts.failed, counts.skipped), (failed, skipped), "{note}");
            assert!(note.contains("Node"), "{note}");
        };
        let absent = || Err::<(), _>(missing("Node")).context("the pages").unwrap_err();
        check(absent(), false, 0, 1);
        check(absent(), true, 1, 0);
        check(anyhow!("Node broke"), false, 1, 0);
    }
}
