//! `wasm-bind MODULE FOLDER`: the JavaScript bindings and TypeScript types of a module compiled for wasm32-unknown-unknown.
//!
//! The library instead of wasm-bindgen's own program: the workspace pins it at the version of `wasm-bindgen` itself, so there
//! is no program whose version has to match.

use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<()> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [module, folder] = arguments.as_slice() else {
        bail!("usage: wasm-bind MODULE FOLDER");
    };
    let mut bindgen = Bindgen::new();
    bindgen.input_path(module).typescript(true).remove_name_section(true).remove_producers_section(true);
    bindgen.web(true)?.generate(folder).with_context(|| format!("bindings of {}", module.display()))
}
