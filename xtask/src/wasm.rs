//! WebAssembly modules, and the core for a target without an operating system: toolchain, compiler, bindings, optimiser.

use crate::install::npm_packages;
use crate::shell::{cargo, command, find, output, root, run, run_silent, succeeds_within, target_directory, www};
use crate::tools::CROSS_COMPILER;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Target of the modules: a browser.
const TARGET: &str = "wasm32-unknown-unknown";

/// Target without an operating system and `std`: a microcontroller.
const BARE_TARGET: &str = "thumbv7em-none-eabihf";

/// Environment variable that chooses the toolchain: `rustup` or `debian`.
const CHOICE: &str = "KEISEI_WASM_TOOLCHAIN";

/// WebAssembly features that the optimiser may use: those of every browser of the last years. Relaxed SIMD is added for the module
/// that has it. They are listed one by one because Chromium refuses what binaryen writes when all its features are allowed.
const FEATURES: [&str; 7] = [
    "--enable-simd",
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// Compiler flag of the profile `wasm`: LLVM inlines functions up to this cost, not up to its 275. The page's module becomes a tenth
/// smaller; the kernels, whose parts are always inlined, and the search stay as fast.
const INLINE: &str = "-C llvm-args=-inline-threshold=60";

/// Part of a build that few visitors need: the module for browsers' GPUs, whose compilation takes longer than all the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GpuModule {
    /// It is built.
    Built,
    /// There is none; large networks run on the CPU.
    LeftOut,
}

/// Toolchain that compiles for such a target.
enum Toolchain {
    /// The toolchain in use, which has the target's standard library.
    Rustup,
    /// Debian's compiler; it builds the standard library from source and links with the `rust-lld` at this path.
    Debian(PathBuf),
}

/// Finds or installs a toolchain: the target of the toolchain in use, added by rustup if need be, or else Debian's.
///
/// # Errors
/// Neither can be had, or Debian's is older than the workspace needs.
fn toolchain(target: &str) -> Result<Toolchain> {
    let choice = std::env::var(CHOICE).unwrap_or_default();
    let (rustup, debian) = match choice.as_str() {
        "" => (true, true),
        "rustup" => (true, false),
        "debian" => (false, true),
        other => bail!("{CHOICE} is rustup or debian, not {other:?}"),
    };
    if rustup && has_or_adds_target(target) {
        return Ok(Toolchain::Rustup);
    }
    if !debian {
        bail!("rustup cannot add the target {target} to the toolchain in use");
    }
    CROSS_COMPILER
        .find_or_install()
        .with_context(|| format!("no compiler for {target}, which `rustup target add {target}` brings"))?;
    let sysroot = output(&mut command("rustc", &["--print", "sysroot"]))?;
    let host = host_triple()?;
    let linker = Path::new(str::from_utf8(&sysroot)?.trim()).join("lib/rustlib").join(host).join("bin/rust-lld");
    if !linker.is_file() {
        bail!("{}: no such linker", linker.display());
    }
    Ok(Toolchain::Debian(linker))
}

/// Whether the toolchain in use compiles for `target`, which rustup adds if need be.
pub fn has_or_adds_target(target: &str) -> bool {
    has_target(target) || (rustup_adds_target(target) && has_target(target))
}

fn has_target(target: &str) -> bool {
    output(&mut command("rustc", &["--print", "target-libdir", "--target", target]))
        .ok()
        .and_then(|text| fs::read_dir(str::from_utf8(&text).ok()?.trim()).ok())
        .is_some_and(|mut files| files.next().is_some())
}

fn rustup_adds_target(target: &str) -> bool {
    /// Whether rustup has failed once: without its server it would fail again, after the same wait.
    static FAILED: AtomicBool = AtomicBool::new(false);
    if find("rustup").is_none() || FAILED.load(Ordering::Relaxed) {
        return false;
    }
    let mut rustup = command("rustup", &["target", "add", target]);
    let added = succeeds_within(Duration::from_secs(90), rustup.env("RUSTUP_MAX_RETRIES", "0"));
    if !added {
        eprintln!("rustup cannot add the target {target}");
        FAILED.store(true, Ordering::Relaxed);
    }
    added
}

fn host_triple() -> Result<String> {
    let version = output(&mut command("rustc", &["-vV"]))?;
    let line = str::from_utf8(&version)?.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(line.context("rustc -vV names no host")?.to_owned())
}

impl Toolchain {
    /// Line that says which toolchain was chosen.
    fn describe(&self, target: &str) -> String {
        match self {
            Toolchain::Rustup => format!("{target}: the toolchain in use, with its target"),
            Toolchain::Debian(_) => format!("{target}: Debian's rustc-web, standard library from source"),
        }
    }

    /// Command that builds for `target`, and these crates of the standard library where they have to be built as well.
    fn cargo_build(&self, target: &str, library: &str) -> Command {
        let mut cargo = match self {
            Toolchain::Rustup => {
                let mut cargo = cargo();
                cargo.arg("build");
                cargo
            }
            Toolchain::Debian(linker) => {
                let mut cargo = command("/usr/bin/cargo", &["build"]);
                cargo.arg(format!("-Zbuild-std={library}"));
                cargo
                    .env("RUSTC", "/usr/bin/rustc")
                    // A stable compiler builds its own standard library only when told that it may.
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
                cargo
            }
        };
        // Flags for the host in the environment would replace the target's.
        cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
        cargo.args(["--target", target]);
        cargo
    }
}

/// Vector instructions that a module may use.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Simd {
    /// Those of every browser of the last years.
    Fixed,
    /// The relaxed ones as well, whose rounding the CPU decides.
    Relaxed,
}

/// Compiles the package or example that `what` selects; returns the folder of cargo's output.
///
/// # Errors
/// There is no toolchain, or it fails.
pub fn compile(what: &[&str], simd: Simd) -> Result<PathBuf> {
    compile_as("wasm", what, simd)
}

/// As [`compile`], with this profile of the workspace.
///
/// # Errors
/// As [`compile`].
pub fn compile_as(profile: &str, what: &[&str], simd: Simd) -> Result<PathBuf> {
    let toolchain = toolchain(TARGET)?;
    eprintln!("{}", toolchain.describe(TARGET));
    let (folder, features) = match simd {
        Simd::Fixed => (target_directory()?.to_owned(), "+simd128"),
        // Another set of flags: in one folder each of the two would rebuild everything.
        Simd::Relaxed => (target_directory()?.join("relaxed"), "+simd128,+relaxed-simd"),
    };
    let mut flags = format!("-C target-feature={features}");
    if profile == "wasm" {
        flags = format!("{flags} {INLINE}");
    }
    let mut cargo = toolchain.cargo_build(TARGET, "std,panic_abort");
    cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", flags).env("CARGO_TARGET_DIR", &folder);
    run(cargo.args(["--profile", profile]).args(what))?;
    Ok(folder.join(TARGET).join(profile))
}

/// Compiles the core, with learning but without its default features, for a target that has no standard library.
///
/// # Errors
/// There is no toolchain, or something in the core or below it needs `std`.
pub fn compile_bare() -> Result<()> {
    let toolchain = toolchain(BARE_TARGET)?;
    eprintln!("{}", toolchain.describe(BARE_TARGET));
    let core = ["--package", "keisei-core", "--no-default-features", "--features", "learn"];
    run(toolchain.cargo_build(BARE_TARGET, "core,alloc").args(core))
}

/// Builds `web` into `www/src/wasm/`: `keisei_web.js`, its types, and the optimised `keisei_web_bg.wasm`; the same with
/// relaxed SIMD goes into `relaxed/` below it, the module for game records into `records/`, those for pages of other sites into
/// `embed/`, and that of [`build_gpu`] into `gpu/`, which does not exist if that one is left out.
///
/// # Errors
/// A tool is missing or fails.
pub fn build(gpu: GpuModule) -> Result<()> {
    npm_packages(&www())?;
    find_toolchain()?;
    let out = www().join("src/wasm");
    // Beside the others: its link and its optimiser, each one thread, take as long as all of them.
    std::thread::scope(|scope| {
        let gpu = scope.spawn(|| match gpu {
            GpuModule::Built => build_gpu().map(drop),
            // One of an earlier build might not fit this one.
            GpuModule::LeftOut => remove_folder(&out.join("gpu")),
        });
        let others = build_page(&out).and_then(|()| build_records()).and_then(|()| build_embedded());
        others.and(gpu.join().expect("a build does not panic"))
    })
}

/// Builds `web` with its engine into the folder `out`, and with relaxed SIMD into `relaxed/` below it.
fn build_page(out: &Path) -> Result<()> {
    let relaxed = out.join("relaxed");
    for (simd, folder) in [(Simd::Fixed, out), (Simd::Relaxed, &relaxed)] {
        let what = ["--package", "keisei-web", "--no-default-features", "--features", "engine"];
        let compiled = compile(&what, simd)?.join("keisei_web.wasm");
        bind(&compiled, folder)?;
        optimise(&folder.join("keisei_web_bg.wasm"), simd, "-O3")?;
    }
    let bindings = |folder: &Path| fs::read(folder.join("keisei_web.js"));
    if bindings(out)? != bindings(&relaxed)? {
        bail!("{}: the modules have different bindings, but the page loads both with one", out.display());
    }
    Ok(())
}

fn remove_folder(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
    }
    Ok(())
}

/// Finds or installs the toolchain of the modules, so that its lack is known before anything long begins.
///
/// # Errors
/// There is none.
pub fn find_toolchain() -> Result<()> {
    toolchain(TARGET).map(drop)
}

/// Builds `web` with what reads and writes game records, but without the engine, into `www/src/wasm/records/`.
fn build_records() -> Result<()> {
    // A file is read once: this module is to be small.
    let what = ["--package", "keisei-web", "--no-default-features", "--features", "records"];
    let compiled = compile_as("wasm-small", &what, Simd::Fixed)?;
    let records = www().join("src/wasm/records");
    bind(&compiled.join("keisei_web.wasm"), &records)?;
    optimise(&records.join("keisei_web_bg.wasm"), Simd::Fixed, "-Oz")
}

/// Families of formats that are modules of their own for pages of other sites: features of `web-embed`.
const EMBEDDED: [&str; 3] = ["kif", "csa", "other"];

/// Builds `web-embed` once for each family of formats, without bindings, into `www/src/wasm/embed/`.
fn build_embedded() -> Result<()> {
    let folder = www().join("src/wasm/embed");
    fs::create_dir_all(&folder).with_context(|| format!("{}", folder.display()))?;
    for family in EMBEDDED {
        // A page of another site loads it to show one game: it is to be small.
        let what = ["--package", "keisei-web-embed", "--no-default-features", "--features", family];
        let compiled = compile_as("wasm-small", &what, Simd::Fixed)?;
        let module = folder.join(format!("{family}.wasm"));
        fs::copy(compiled.join("keisei_web_embed.wasm"), &module).with_context(|| module.display().to_string())?;
        run(command("node", &[]).arg(www().join("build/without-panics.mjs")).arg(&module))?;
        optimise(&module, Simd::Fixed, "-Oz")?;
    }
    Ok(())
}

/// Builds `web-gpu` as `keisei_web_gpu` into `www/src/wasm/gpu/`; returns that folder.
///
/// # Errors
/// As [`build`].
pub fn build_gpu() -> Result<PathBuf> {
    npm_packages(&www())?;
    // The GPU does the work: this module is to be small.
    let compiled = compile_as("wasm-small", &["--package", "keisei-web-gpu"], Simd::Fixed)?;
    let gpu = www().join("src/wasm/gpu");
    bind(&compiled.join("keisei_web_gpu.wasm"), &gpu)?;
    optimise(&gpu.join("keisei_web_gpu_bg.wasm"), Simd::Fixed, "-Oz")?;
    Ok(gpu)
}

/// Writes a compiled module with its bindings into the folder `out`.
fn bind(compiled: &Path, out: &Path) -> Result<()> {
    run(cargo().args(["run", "--package", "wasm-bind", "--"]).args([compiled, out]))
}

/// Optimises a module in place; `level` is `-O3` for speed or `-Oz` for size.
///
/// # Errors
/// Node or the optimiser is missing or fails.
pub fn optimise(wasm: &Path, simd: Simd, level: &str) -> Result<()> {
    let size = |path: &Path| fs::metadata(path).map(|data| data.len() / 1024);
    let before = size(wasm)?;
    let optimised = wasm.with_extension("optimised");
    let mut wasm_opt = command("node", &[]);
    wasm_opt.arg(www().join("node_modules/binaryen/bin/wasm-opt"));
    // Compressed, zeros between data are smaller than the bounds of the pieces without them.
    wasm_opt
        .args([level, "--skip-pass=memory-packing"])
        .args(FEATURES)
        .args((simd == Simd::Relaxed).then_some("--enable-relaxed-simd"));
    wasm_opt.arg(wasm).arg("-o").arg(&optimised);
    run_silent(&mut wasm_opt)?;
    fs::rename(&optimised, wasm)?;
    let shown = wasm.strip_prefix(root()).unwrap_or(wasm);
    eprintln!("{}: {before} KiB, optimised {} KiB", shown.display(), size(wasm)?);
    Ok(())
}
