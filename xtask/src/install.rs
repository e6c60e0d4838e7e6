//! Packages of npm and of Python that the commands need: installed where that is possible, named where it is not.

use crate::shell::{command, root, run, run_silent, target_directory};
use crate::system::{installing, missing};
use crate::tools::{NODE, NPM, PYTHON};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// Installs into `folder/node_modules` what the lock file there lists; at once if that was the last thing installed.
///
/// # Errors
/// [`Missing`](crate::system::Missing) without Node and npm; anything else if npm fails.
pub fn npm_packages(folder: &Path) -> Result<()> {
    NODE.find()?;
    let _alone = installing();
    let lock = fs::read(folder.join("package-lock.json")).with_context(|| format!("{}", folder.display()))?;
    let installed = folder.join("node_modules/.installed-lock.json");
    if fs::read(&installed).is_ok_and(|found| found == lock) {
        return Ok(());
    }
    // The tests drive the distribution's Chromium: neither playwright nor puppeteer, which lighthouse brings, may fetch its own.
    let mut npm = command(NPM.find()?, &["ci", "--no-audit", "--no-fund"]);
    run_silent(
        npm.current_dir(folder).env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1").env("PUPPETEER_SKIP_DOWNLOAD", "1"),
    )?;
    fs::write(installed, lock)?;
    Ok(())
}

/// Python with the packages of a list in `tests/python`, in an environment of this name below cargo's output folder; at once if the
/// list is the one that was installed there last.
///
/// # Errors
/// [`Missing`](crate::system::Missing) without Python, or where pip cannot get the packages; anything else if the list cannot be read.
pub fn python_packages(list: &str, environment: &str) -> Result<PathBuf> {
    let _alone = installing();
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
