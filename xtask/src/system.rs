//! Packages of the operating system that the commands need, and the error that names what is missing.

use crate::shell::{command, find, output, run};
use anyhow::{Context, Result};
use std::fmt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

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

/// Held by whoever installs something: a second thread waits, and then finds in place what both wanted.
pub fn installing() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
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
