//! What the commands need from outside: installed where that is possible, named where it is not.

use crate::shell::{command, find, output, root, run, target_directory};
use anyhow::{Context, Result};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// Something that is not here and could not be installed.
#[derive(Debug)]
pub struct Missing {
    /// What it is for and how to get it.
    pub advice: String,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "missing: {}", self.advice)
    }
}

impl std::error::Error for Missing {}

/// Says what is missing.
pub fn missing(advice: impl Into<String>) -> anyhow::Error {
    Missing { advice: advice.into() }.into()
}

/// Installs those Debian packages that are not here.
///
/// # Errors
/// [`Missing`] on another system or without root; anything else if `apt-get` fails.
pub fn debian_packages(packages: &[&str]) -> Result<()> {
    let absent: Vec<&str> = packages.iter().copied().filter(|package| !has_debian_package(package)).collect();
    if absent.is_empty() {
        return Ok(());
    }
    let list = absent.join(" ");
    if !may_install() {
        return Err(missing(format!("on Debian, as root: apt-get install {list}")));
    }
    // With a new machine's lists `install` fails, or takes the version of the first release, which may be too old for us.
    if let Err(error) = output(&mut command("apt-get", &["update", "-q"])) {
        eprintln!("the package lists stay as they are: {error:#}");
    }
    let mut install = command("apt-get", &["install", "-y", "-q", "--no-install-recommends"]);
    install.args(&absent).env("DEBIAN_FRONTEND", "noninteractive");
    run(&mut install).with_context(|| format!("Debian packages {list}"))
}

fn may_install() -> bool {
    let root = output(&mut command("id", &["-u"])).is_ok_and(|id| id.trim_ascii() == b"0");
    root && Path::new("/etc/debian_version").exists() && find("apt-get").is_some()
}

fn has_debian_package(package: &str) -> bool {
    output(&mut command("dpkg-query", &["-W", "-f", "${Status}", package]))
        .is_ok_and(|status| status.ends_with(b" installed"))
}

/// A C++ compiler, for libFuzzer.
///
/// # Errors
/// As [`debian_packages`].
pub fn cpp_compiler() -> Result<()> {
    if find("c++").is_some() || find("clang++").is_some() {
        return Ok(());
    }
    debian_packages(&["g++"]).context("a C++ compiler for libFuzzer")
}

/// A Chromium that the browser tests can drive.
///
/// # Errors
/// As [`debian_packages`].
pub fn chromium() -> Result<PathBuf> {
    let known = || ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(find);
    if let Some(path) = known() {
        return Ok(path);
    }
    debian_packages(&["chromium"]).context("Chromium for the browser tests")?;
    known().context("the package chromium holds no program of that name")
}

/// Mesa's drivers for Vulkan. One of them is lavapipe, by which the CPU plays a GPU.
///
/// # Errors
/// As [`debian_packages`].
pub fn vulkan_drivers() -> Result<()> {
    debian_packages(&["libvulkan1", "mesa-vulkan-drivers"]).context("a Vulkan driver")
}

/// Brings `folder/node_modules` to what its lock file says; at once if that was the last thing installed there.
///
/// # Errors
/// [`Missing`] without Node; anything else if npm fails.
pub fn npm_packages(folder: &Path) -> Result<()> {
    if find("npm").is_none() {
        return Err(missing("Node 20.19 or later with npm"));
    }
    let lock = fs::read(folder.join("package-lock.json")).with_context(|| format!("{}", folder.display()))?;
    let installed = folder.join("node_modules/.installed-lock.json");
    if fs::read(&installed).is_ok_and(|found| found == lock) {
        return Ok(());
    }
    // The tests drive the distribution's Chromium: playwright must not fetch its own.
    let mut npm = command("npm", &["ci", "--no-audit", "--no-fund"]);
    run(npm.current_dir(folder).env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1"))?;
    fs::write(installed, lock)?;
    Ok(())
}

/// A Python with the packages that the tests ask, in an environment below cargo's output folder; at once if the list of them is
/// the one that was last installed there.
///
/// # Errors
/// [`Missing`] without Python, or where pip cannot get the packages; anything else if the list cannot be read.
pub fn python_packages() -> Result<PathBuf> {
    let list = root().join("tests/python/requirements.txt");
    let wanted = fs::read(&list).with_context(|| format!("{}", list.display()))?;
    let environment = target_directory()?.join("python");
    let (python, installed) = (environment.join("bin/python"), environment.join("installed.txt"));
    if fs::read(&installed).is_ok_and(|found| found == wanted) {
        return Ok(python);
    }
    let make = || run(command("python3", &["-m", "venv", "--clear"]).arg(&environment));
    if make().is_err() {
        debian_packages(&["python3", "python3-venv"]).context("Python 3.11 or later with its module venv")?;
        make()?;
    }
    let mut pip = command(&python, &["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]);
    if let Err(error) = run(pip.arg("--requirement").arg(&list)) {
        return Err(missing(format!("what {} lists: {error:#}", list.display())));
    }
    fs::write(installed, wanted)?;
    Ok(python)
}

/// The folder of the pages' sources.
pub fn www() -> PathBuf {
    root().join("www")
}
