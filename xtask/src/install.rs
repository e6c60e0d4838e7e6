//! Packages that the commands need: installed where that is possible, named where it is not.

use crate::shell::{command, find, output, root, run, run_silent, target_directory};
use crate::tools::{NODE, NPM, PYTHON};
use anyhow::{Context, Result};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// Something that this machine lacks, or has in too old a version, and that could not be installed.
#[derive(Debug)]
pub struct Missing {
    /// What it is and how to get it.
    pub advice: String,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "missing: {}", self.advice)
    }
}

impl std::error::Error for Missing {}

/// Error [`Missing`] with this advice.
pub fn missing(advice: impl Into<String>) -> anyhow::Error {
    Missing { advice: advice.into() }.into()
}

/// Installs Debian packages, or brings them to the newest version that this Debian has.
///
/// # Errors
/// [`Missing`] on another system or without root; anything else if `apt-get` fails.
pub fn debian_packages(packages: &[&str]) -> Result<()> {
    let list = packages.join(" ");
    if !may_install() {
        return Err(missing(format!("on Debian, as root: apt-get install {list}")));
    }
    // With a new machine's lists `install` fails, or takes the version of the first release, which may be too old for us.
    if let Err(error) = run(&mut command("apt-get", &["update", "-q"])) {
        eprintln!("the package lists stay as they are: {error:#}");
    }
    let mut install = command("apt-get", &["install", "-y", "-q", "--no-install-recommends"]);
    install.args(packages).env("DEBIAN_FRONTEND", "noninteractive");
    run(&mut install).with_context(|| format!("Debian packages {list}"))
}

/// Whether Debian packages can be installed: on Debian, as root.
pub fn may_install() -> bool {
    let root = output(&mut command("id", &["-u"])).is_ok_and(|id| id.trim_ascii() == b"0");
    root && Path::new("/etc/debian_version").exists() && find("apt-get").is_some()
}

/// Installs into `folder/node_modules` what the lock file there lists; at once if that was the last thing installed.
///
/// # Errors
/// [`Missing`] without Node and npm; anything else if npm fails.
pub fn npm_packages(folder: &Path) -> Result<()> {
    NODE.find()?;
    let lock = fs::read(folder.join("package-lock.json")).with_context(|| format!("{}", folder.display()))?;
    let installed = folder.join("node_modules/.installed-lock.json");
    if fs::read(&installed).is_ok_and(|found| found == lock) {
        return Ok(());
    }
    // The tests drive the distribution's Chromium: playwright must not fetch its own.
    let mut npm = command(NPM.find()?, &["ci", "--no-audit", "--no-fund"]);
    run_silent(npm.current_dir(folder).env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1"))?;
    fs::write(installed, lock)?;
    Ok(())
}

/// Python with the packages of a list in `tests/python`, in an environment of this name below cargo's output folder; at once if the
/// list is the one that was installed there last.
///
/// # Errors
/// [`Missing`] without Python, or where pip cannot get the packages; anything else if the list cannot be read.
pub fn python_packages(list: &str, environment: &str) -> Result<PathBuf> {
    let list = root().join("tests/python").join(list);
    let wanted = fs::read(&list).with_context(|| format!("{}", list.display()))?;
    let environment = target_directory()?.join(environment);
    let (python, installed) = (environment.join("bin/python"), environment.join("installed.txt"));
    if fs::read(&installed).is_ok_and(|found| found == wanted) {
        return Ok(python);
    }
    let make = || run_silent(command(PYTHON.find()?, &["-m", "venv", "--clear"]).arg(&environment));
    if let Err(error) = make() {
        eprintln!("{error:#}");
        PYTHON.install()?;
        make()?;
    }
    let mut pip = command(&python, &["-m", "pip", "install", "--disable-pip-version-check", "--no-deps"]);
    if let Err(error) = run(pip.arg("--requirement").arg(&list)) {
        return Err(missing(format!("packages of {}: {error:#}", list.display())));
    }
    fs::write(installed, wanted)?;
    Ok(python)
}
