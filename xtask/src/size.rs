//! `cargo xtask size`: sizes of the rules, the game records and the page's whole module as WebAssembly.

use crate::install::npm_packages;
use crate::shell::{command, output, www};
use crate::wasm::{self, Simd};
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// Parts of the core: name, and the example of `benches` that is this part as a module.
const PARTS: [(&str, &str); 2] = [("rules", "size_rules"), (BOUNDED, "size_notation")];
/// Name of the part whose size has a bound.
const BOUNDED: &str = "rules, game records";
/// Largest accepted size of that part, in bytes, gzipped.
const BOUND: usize = 90 * 1024;

/// Size of a module in bytes.
struct Size {
    plain: usize,
    gzipped: usize,
}

/// Builds the parts for size and the page's module as it is, and prints a table of their sizes.
///
/// # Errors
/// A tool is missing or fails.
pub fn run() -> Result<()> {
    let mut rows = Vec::new();
    npm_packages(&www())?;
    for (name, example) in PARTS {
        let what = ["--package", "keisei-benches", "--example", example];
        let folder = wasm::compile_as("wasm-small", &what, Simd::Fixed)?;
        let module = folder.join(format!("examples/{example}.wasm"));
        let optimised = folder.join(format!("{example}.wasm"));
        fs::copy(&module, &optimised).with_context(|| module.display().to_string())?;
        wasm::optimise(&optimised, Simd::Fixed, "-Oz")?;
        rows.push((name, measure(&optimised)?));
    }
    wasm::build(wasm::GpuModule::Built)?;
    rows.push(("the page's whole module", measure(&www().join("src/wasm/keisei_web_bg.wasm"))?));
    println!("| wasm | bytes | gzipped |\n|---|---:|---:|");
    for (name, Size { plain, gzipped }) in &rows {
        println!("| {name} | {plain} | {gzipped} |");
    }
    for (name, Size { gzipped, .. }) in rows.iter().filter(|(name, _)| *name == BOUNDED) {
        let verdict = if *gzipped <= BOUND { "met" } else { "missed" };
        println!("{name}: {gzipped} bytes gzipped; the bar of {BOUND} is {verdict}");
    }
    Ok(())
}

fn measure(file: &Path) -> Result<Size> {
    let script = "const bytes = require('fs').readFileSync(process.argv[1]); \
                  console.log(require('zlib').gzipSync(bytes, { level: 9 }).length)";
    let gzipped = output(command("node", &["-e", script]).arg(file))?;
    let gzipped = str::from_utf8(&gzipped)?.trim().parse().context("a number of bytes")?;
    Ok(Size { plain: fs::metadata(file)?.len() as usize, gzipped })
}
