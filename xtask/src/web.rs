//! `cargo xtask web`: the pages as plain static files in `www/dist`.

use crate::install::{npm_packages, www};
use crate::shell::{self, command};
use crate::wasm;
use anyhow::Result;

/// Builds the wasm, its bindings and the pages.
pub fn run() -> Result<()> {
    wasm::build()?;
    pages()
}

/// Checks the types of the pages' sources and bundles them; the wasm must have been built.
pub fn pages() -> Result<()> {
    npm_packages(&www())?;
    shell::run(command("npm", &["run", "build"]).current_dir(www()))
}
