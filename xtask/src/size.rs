//! `cargo xtask size`: what the rules, the game records and the page's whole module weigh as wasm.

use crate::install::{npm_packages, www};
use crate::shell::{command, output};
use crate::wasm::{self, Simd};
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// The rules with the game records may weigh so much, gzipped.
const BAR: usize = 90 * 1024;

/// Builds rules and game records for size and the page's module as it is, and prints their table.
///
/// # Errors
/// Something that it takes is missing or fails.
pub fn run() -> Result<()> {
    let parts = [("rules", "size_rules"), ("rules, game records", "size_notation")];
    let mut rows = Vec::new();
    npm_packages(&www())?;
    for (name, example) in parts {
        let folder =
            wasm::compile_as("wasm-small", &["--package", "keisei-benches", "--example", example], Simd::Fixed)?;
        let module = folder.join(format!("examples/{example}.wasm"));
        let optimised = folder.join(format!("{example}.wasm"));
        fs::copy(&module, &optimised).with_context(|| module.display().to_string())?;
        wasm::optimise(&optimised, Simd::Fixed, "-Oz")?;
        rows.push((name, weigh(&optimised)?));
    }
    wasm::build()?;
    rows.push(("the page's whole module", weigh(&www().join("src/wasm/keisei_web_bg.wasm"))?));
    println!("| wasm | bytes | gzipped |\n|---|---:|---:|");
    for (name, [bytes, gzipped]) in &rows {
        println!("| {name} | {bytes} | {gzipped} |");
    }
    let [_, gzipped] = rows[1].1;
    let verdict = if gzipped <= BAR { "met" } else { "missed" };
    println!("rules, game records: {gzipped} bytes gzipped; the bar of {BAR} is {verdict}");
    Ok(())
}

/// The bytes of a file, as they are and gzipped.
fn weigh(file: &Path) -> Result<[usize; 2]> {
    let script = "const bytes = require('fs').readFileSync(process.argv[1]); \
                  console.log(require('zlib').gzipSync(bytes, { level: 9 }).length)";
    let gzipped = output(command("node", &["-e", script]).arg(file))?;
    let gzipped = str::from_utf8(&gzipped)?.trim().parse().context("a number of bytes")?;
    Ok([fs::metadata(file)?.len() as usize, gzipped])
}
