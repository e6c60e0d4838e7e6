//! `cargo xtask test`: every check, each as one stage of a table, whatever happens to the others.

use crate::install::{npm_packages, python_packages};
use crate::shell::{cargo, command, root, run as run_command, run_read, target_directory, www};
use crate::summary::{Counts, Row, table};
use crate::system::Missing;
use crate::tools::{CHROMIUM, CPP_COMPILER, LIBCLANG, NEXTEST, NPM, OPEN_MPI, VULKAN_DRIVERS};
use crate::{platforms, wasm, web};
use anyhow::{Context as _, Result, anyhow, bail};
use lexopt::{Arg, Parser, ValueExt as _};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;

/// Environment variable that names a Python with the packages of `tests/python/requirements.txt`.
const INTEROP_PYTHON: &str = "INTEROP_PYTHON";

/// Environment variable that names a Python with the packages of `tests/python/sinks-requirements.txt`.
const SINKS_PYTHON: &str = "SINKS_PYTHON";

/// Selections of packages and features for clippy, each a build of its own. The whole workspace has feature burn, for its tests
/// and benchmarks; what users build has fewer features.
const LINTED: [&[&str]; 4] = [
    &[
        "--workspace",
        "--all-targets",
        "--features=keisei-benches/network,keisei-benches/qugiy,keisei-tests/peers,trainer-native/all-sinks",
    ],
    &["--workspace"],
    &["--package=keisei-core", "--no-default-features", "--features=learn"],
    &["--package=keisei-play"],
];

/// Selection of the Rust tests: all targets with tests, in one build. A package alone would be built with fewer features, and
/// burn once more.
const TESTED: [&str; 4] = ["--workspace", SINKS, "--tests", "--no-fail-fast"];

/// Sinks that are off by default and that there is a server to test with.
const SINKS: &str = "--features=trainer-native/mlflow,trainer-native/store-s3";

/// Programs of the workspace that the browser tests run.
const BROWSER_PROGRAMS: [&str; 2] = ["trainer-native", "fixtures"];

/// Scripts of the stage `bars`, in `tests/browser`: name, and the arguments of Node.
const BARS: [(&str, &[&str]); 8] = [
    ("bytes", &["--test", "bars/bytes.mjs"]),
    ("scores", &["bars/lighthouse.mjs"]),
    ("times", &["bars/time.mjs"]),
    ("runs", &["bars/run.mjs"]),
    ("whole games", &["--test", "ways.test.mjs"]),
    ("files that mean harm", &["--test", "hostile.test.mjs"]),
    ("runs that mean harm", &["--test", "--test-name-pattern=mutated bundles", "run.test.mjs"]),
    ("memory", &["bars/long.mjs"]),
];

/// Selection of the tests that need a GPU, or a driver that plays one.
const GPU_TESTED: [&str; 10] =
    ["--package", "trainer-native", "--features", "wgpu,cuda", "--lib", "--test", "gpu", "--", "a_gpu", "a_device"];

/// Selection of what needs MPI.
const MPI_SELECTED: [&str; 4] = ["--package", "trainer-native", "--features", "mpi"];

/// Stage of the checks.
struct Stage {
    name: &'static str,
    /// What it shows when it passes.
    about: &'static str,
    runs: Runs,
    run: fn() -> (Counts, Result<()>),
}

/// Calls in which a stage runs, besides those that name it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Runs {
    Always,
    /// Not with `--fast`.
    UnlessFast,
    /// In no other.
    IfNamed,
}

/// Stages in the order in which they run: the cheap ones come first.
const STAGES: [Stage; 14] = [
    Stage { name: "format", about: "rustfmt changes nothing", runs: Runs::Always, run: || checked(format()) },
    Stage {
        name: "licences",
        about: "deny.toml allows every dependency",
        runs: Runs::Always,
        run: || checked(run_command(cargo().args(["run", "--package", "licences"]))),
    },
    Stage { name: "clippy", about: "clippy has no warnings", runs: Runs::Always, run: || checked(clippy()) },
    Stage { name: "rust", about: "unit and integration tests pass", runs: Runs::Always, run: rust_tests },
    Stage {
        name: "sinks",
        about: "TensorBoard, MLflow and the like read what a run tells them",
        runs: Runs::UnlessFast,
        run: || match sink_tests() {
            // Other people's servers in Python: where they cannot be had, our side is tested all the same.
            Err(error) if error.is::<Missing>() => {
                eprintln!("{error:#}");
                (Counts { skipped: 1, ..Counts::default() }, Ok(()))
            }
            command => prepared(command),
        },
    },
    Stage {
        name: "docs",
        about: "the core's documentation has no warnings, and the examples in all documentation run",
        runs: Runs::Always,
        run: || prepared(doc_tests()),
    },
    Stage {
        name: "bare",
        about: "the core compiles where there is no standard library",
        runs: Runs::Always,
        run: || checked(wasm::compile_bare()),
    },
    Stage {
        name: "platforms",
        about: "the code compiles for Windows and macOS, and clippy has no warnings",
        runs: Runs::Always,
        run: platforms::check,
    },
    Stage {
        name: "wasm",
        about: "the core compiles for the browser",
        runs: Runs::Always,
        run: || checked(wasm::build(wasm::GpuModule::Built)),
    },
    Stage {
        name: "pages",
        about: "the pages' types are right, and they can be bundled",
        runs: Runs::Always,
        run: || checked(web::pages()),
    },
    Stage {
        name: "browser",
        about: "the pages work in Chromium",
        runs: Runs::UnlessFast,
        run: || prepared(browser_tests()),
    },
    Stage {
        name: "bars",
        about: "the pages' scores, times and memory, whole games, hostile files in bulk; over an hour on a quiet machine",
        runs: Runs::IfNamed,
        run: bars,
    },
    Stage {
        name: "gpu",
        about: "the GPU learners compute what the CPU does; ten minutes",
        runs: Runs::IfNamed,
        run: || prepared(gpu_tests()),
    },
    Stage {
        name: "mpi",
        about: "ranks as processes of an MPI job train as threads do, and survive each other; five minutes",
        runs: Runs::IfNamed,
        run: || prepared(mpi_tests()),
    },
];

/// Function that downloads what a stage needs, and returns at once if it is already there.
type Fetch = fn() -> Result<()>;

/// Downloads that run in the background while earlier stages use the cores. Each stage calls its own again, which waits for the
/// result and reports errors.
const FETCHED: [(&str, Fetch); 6] = [
    ("clippy", || CPP_COMPILER.find_or_install().map(drop)),
    ("rust", || interop_python().map(drop)),
    ("sinks", || sinks_python().map(drop)),
    ("bare", wasm::find_toolchain),
    ("wasm", || npm_packages(&www())),
    ("browser", || browser().map(drop)),
];

/// Usage of the command.
pub fn usage() -> String {
    let stages = STAGES.map(|Stage { name, about, runs, .. }| {
        let when = if runs == Runs::IfNamed { "; runs only if named" } else { "" };
        format!("\n  {name:<10}{about}{when}")
    });
    format!(
        "test [--fast] [--only STAGE]...\n\n\
         Options:\n\
         \x20 --fast        Leave out the browser and the software of the sinks\n\
         \x20 --only STAGE  Run this stage alone; may be given several times\n\n\
         Stages:{}",
        stages.concat()
    )
}

/// Options of the command.
#[derive(Debug, PartialEq)]
pub struct Options {
    /// Whether the browser and the software of the sinks are left out.
    pub fast: bool,
    /// Names of the stages to run; none means all.
    pub only: Vec<&'static str>,
}

impl Options {
    /// Reads the options; `None` if they ask for help.
    pub fn parse(arguments: &mut Parser) -> Result<Option<Options>, lexopt::Error> {
        let mut options = Options { fast: false, only: Vec::new() };
        while let Some(argument) = arguments.next()? {
            match argument {
                Arg::Long("help") | Arg::Short('h') => return Ok(None),
                Arg::Long("fast") => options.fast = true,
                Arg::Long("only") => options.only.push(stage_name(&arguments.value()?.string()?)?),
                other => return Err(other.unexpected()),
            }
        }
        Ok(Some(options))
    }

    fn selects(&self, stage: &Stage) -> bool {
        self.only.is_empty() || self.only.contains(&stage.name)
    }

    /// Reason why a selected stage is left out.
    fn reason_to_skip(&self, stage: &Stage) -> Option<&'static str> {
        match stage.runs {
            Runs::UnlessFast if self.fast => Some("left out by --fast"),
            Runs::IfNamed if self.only.is_empty() => Some("left out; runs only if named by --only"),
            _ => None,
        }
    }
}

fn stage_name(name: &str) -> Result<&'static str, String> {
    let names = STAGES.map(|stage| stage.name);
    let known = names.into_iter().find(|known| *known == name);
    known.ok_or_else(|| format!("no stage {name:?}; there are {}", names.join(", ")))
}

/// Runs the stages and prints the table.
///
/// # Errors
/// A stage failed; or, where the environment has `CI=true`, a selected one could not run.
pub fn run(options: &Options) -> Result<()> {
    let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    let mut rows = Vec::new();
    let selected = || STAGES.iter().filter(|stage| options.selects(stage));
    let names = selected().filter(|stage| options.reason_to_skip(stage).is_none()).map(|stage| stage.name);
    let names = names.collect::<Vec<_>>();
    eprintln!("stages: {}", names.join(", "));
    std::thread::spawn(move || {
        for (_, fetch) in FETCHED.iter().filter(|(stage, _)| names.contains(stage)) {
            // The stage meets the same error.
            let _ = fetch();
        }
    });
    for stage in selected() {
        let start = Instant::now();
        let (counts, note) = if let Some(reason) = options.reason_to_skip(stage) {
            (Counts { skipped: 1, ..Counts::default() }, reason.to_owned())
        } else {
            eprintln!("\n== {}: {}", stage.name, stage.about);
            let (counts, result) = (stage.run)();
            judge(counts, result, in_ci)
        };
        rows.push(Row { stage: stage.name.to_owned(), counts, wall: start.elapsed(), note });
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

/// Counts of a stage in the table, and the note about it.
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

/// Format of the workspace, and of the fuzz targets, which are a workspace of their own.
fn format() -> Result<()> {
    run_command(cargo().args(["fmt", "--all", "--check"]))?;
    run_command(cargo().args(["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]))
}

fn clippy() -> Result<()> {
    for selection in LINTED {
        run_command(cargo().arg("clippy").args(selection).args(["--", "-D", "warnings"]))?;
    }
    CPP_COMPILER.find_or_install()?;
    // In the same folder as the rest: most of what the fuzz targets need is there already.
    let mut fuzz = cargo();
    fuzz.args(["clippy", "--manifest-path", "fuzz/Cargo.toml", "--target-dir"]).arg(target_directory()?);
    run_command(fuzz.args(["--", "-D", "warnings"]))
}

/// Result of a stage that is a single check.
fn checked(result: Result<()>) -> (Counts, Result<()>) {
    (Counts { passed: u32::from(result.is_ok()), ..Counts::default() }, result)
}

/// Result of a stage that is a run of tests; a run of no test is a failure.
fn tested(command: &mut Command) -> (Counts, Result<()>) {
    let counts = Mutex::new(Counts::default());
    let result = run_read(command, |line| {
        counts.lock().expect("reading a line does not panic").read(line);
    });
    let counts = counts.into_inner().expect("reading a line does not panic");
    let ran = counts.passed + counts.failed > 0;
    (counts, result.and_then(|()| if ran { Ok(()) } else { bail!("ran no test") }))
}

/// Result of the Rust tests. Where Python is missing, the tests that compare with its programs check our side alone.
fn rust_tests() -> (Counts, Result<()>) {
    let mut cargo = cargo();
    if NEXTEST.find().is_ok() {
        cargo.args(["nextest", "run"]).args(TESTED);
    } else {
        cargo.arg("test").args(TESTED);
    }
    let python = interop_python();
    if let Ok(python) = &python {
        cargo.env(INTEROP_PYTHON, python);
    }
    let (mut counts, result) = tested(&mut cargo);
    if let Err(error) = python {
        eprintln!("the tests that ask Python are left out: {error:#}");
        counts.skipped += 1;
    }
    (counts, result)
}

/// Python with the programs that read our exports.
fn interop_python() -> Result<PathBuf> {
    match std::env::var_os(INTEROP_PYTHON) {
        Some(python) => Ok(python.into()),
        None => python_packages("requirements.txt", "python").context("the programs that read our exports"),
    }
}

/// Python with the sinks' own software.
fn sinks_python() -> Result<PathBuf> {
    match std::env::var_os(SINKS_PYTHON) {
        Some(python) => Ok(python.into()),
        None => python_packages("sinks-requirements.txt", "python-sinks").context("the software of the sinks"),
    }
}

/// Command of the tests that ask the sinks' own software, in the build of the other tests.
fn sink_tests() -> Result<Command> {
    let python = sinks_python()?;
    let mut cargo = cargo();
    // One by one: servers that start together take longer than a test waits for them.
    cargo.args(["test", "--workspace", SINKS, "--test", "sinks", "--", "--include-ignored", "--test-threads=1"]);
    cargo.env(SINKS_PYTHON, python);
    Ok(cargo)
}

/// Command of the examples in the documentation, after that of the core was written without a warning.
fn doc_tests() -> Result<Command> {
    let core = ["doc", "--package", "keisei-core", "--features", "learn", "--no-deps"];
    run_command(cargo().args(core).env("RUSTDOCFLAGS", "-D warnings"))?;
    let mut cargo = cargo();
    cargo.args(["test", "--workspace", SINKS, "--doc", "--no-fail-fast"]);
    Ok(cargo)
}

/// Result of a run of tests whose preparation may have failed.
fn prepared(command: Result<Command>) -> (Counts, Result<()>) {
    match command {
        Ok(mut command) => tested(&mut command),
        Err(error) => (Counts::default(), Err(error)),
    }
}

/// Command of the browser tests, for pages as the stages before this one build them: a demo's lack the module for GPUs.
fn browser_tests() -> Result<Command> {
    for needed in ["www/dist/index.html", "www/src/wasm/gpu/keisei_web_gpu_bg.wasm"] {
        if !root().join(needed).is_file() {
            bail!("{needed} is missing: build the pages with all their modules first, `cargo xtask web`");
        }
    }
    let (chromium, programs) = browser_programs()?;
    let mut npm = command(NPM.find()?, &["test", "--silent"]);
    npm.current_dir(browser_folder()).env("CHROMIUM", chromium).env("KEISEI_BIN", programs);
    Ok(npm)
}

/// Result of the scripts for what a page must reach; each fails by itself.
fn bars() -> (Counts, Result<()>) {
    let mut counts = Counts::default();
    let mut missed = Vec::new();
    let prepared =
        browser_programs().and_then(|programs| npm_packages(&browser_folder().join("bars")).map(|()| programs));
    let (chromium, programs) = match prepared {
        Ok(programs) => programs,
        Err(error) => return (counts, Err(error)),
    };
    for (name, arguments) in BARS {
        let mut node = command("node", arguments);
        node.current_dir(browser_folder()).env("CHROMIUM", &chromium).env("KEISEI_BIN", &programs);
        // In bulk, and games to their end by the rules.
        node.env("HOSTILE", "400").env("PLIES", "0");
        eprintln!("-- {name}");
        if run_command(&mut node).is_ok() {
            counts.passed += 1;
        } else {
            counts.failed += 1;
            missed.push(name);
        }
    }
    let result = if missed.is_empty() { Ok(()) } else { Err(anyhow!("missed: {}", missed.join(", "))) };
    (counts, result)
}

fn browser_folder() -> PathBuf {
    root().join("tests/browser")
}

/// The browser, and beside it the packages of the tests that drive it.
fn browser() -> Result<PathBuf> {
    let chromium = CHROMIUM.find_or_install()?;
    npm_packages(&browser_folder())?;
    Ok(chromium)
}

/// The browser, and the folder of the programs that the browser tests run, built.
fn browser_programs() -> Result<(PathBuf, PathBuf)> {
    let chromium = browser()?;
    // As the Rust tests were built, so nothing is built twice: `cargo build` would leave out the features of the tests'
    // dependencies, and then build burn once more.
    run_command(cargo().arg("test").args(TESTED).arg("--no-run"))?;
    let programs = target_directory()?.join("debug");
    for program in BROWSER_PROGRAMS {
        if !programs.join(program).is_file() {
            bail!("the tests' build made no {program}: cargo builds a package's programs for its integration tests");
        }
    }
    Ok((chromium, programs))
}

/// Command of the GPU tests, on lavapipe unless the environment names another Vulkan driver. With every feature, so that what
/// only a GPU build holds is compiled as well; not optimised, because that would take a quarter of an hour and the driver does
/// the work.
fn gpu_tests() -> Result<Command> {
    VULKAN_DRIVERS.find_or_install()?;
    let mut cargo = cargo();
    for setting in ["opt-level=0", "debug=false", "package.'*'.opt-level=0"] {
        cargo.arg("--config").arg(format!("profile.dev.{setting}"));
    }
    cargo.arg("test").args(GPU_TESTED);
    if std::env::var_os("VK_ICD_FILENAMES").is_none() {
        cargo.env("VK_ICD_FILENAMES", "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json");
    }
    cargo.env("XDG_RUNTIME_DIR", target_directory()?);
    Ok(cargo)
}

/// Command of the tests of ranks under `mpirun`, after clippy has seen what only a build with MPI holds. One by one: each has several
/// processes, and waits for them.
fn mpi_tests() -> Result<Command> {
    OPEN_MPI.find_or_install()?;
    LIBCLANG.find_or_install()?;
    run_command(cargo().arg("clippy").args(MPI_SELECTED).args(["--all-targets", "--", "-D", "warnings"]))?;
    let mut cargo = cargo();
    cargo.arg("test").args(MPI_SELECTED).args(["--test", "ranks", "--", "--test-threads=1"]);
    Ok(cargo)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::missing;

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
