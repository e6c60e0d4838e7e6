//! `cargo xtask web`: the pages as plain static files in `www/dist`.

use crate::install::npm_packages;
use crate::shell::{command, run_silent, www};
use crate::tools::NPM;
use crate::wasm;
use anyhow::Result;

/// Builds the modules, their bindings and the pages.
///
/// # Errors
/// As [`wasm::build`] and [`pages`].
pub fn run() -> Result<()> {
    wasm::build()?;
    pages()
}

/// Checks the types of the pages' sources and bundles them; the modules must have been built.
///
/// # Errors
/// Node or npm is missing, or the sources have errors.
pub fn pages() -> Result<()> {
    npm_packages(&www())?;
    run_silent(command(NPM.find()?, &["run", "build"]).current_dir(www()))
}
