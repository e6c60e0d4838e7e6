//! Fuzzed inputs: each module checks one kind and provides its seeds.
//!
//! The first byte of an input selects the parser, which reads the rest. It must not crash, and input that it accepts must be
//! equal after writing and reading it again.

pub mod position;
pub mod notation;
pub mod files;

use std::fs;
use std::path::Path;

/// Writes `seeds` into the corpus of `target`, which libFuzzer reads next.
///
/// # Panics
/// If they cannot be written.
pub fn plant(target: &str, seeds: &[Vec<u8>]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&folder).expect("a folder for the corpus");
    for (number, seed) in seeds.iter().enumerate() {
        fs::write(folder.join(format!("seed-{number:03}")), seed).expect("a seed");
    }
}

/// Input of a parser: `selector`, followed by `input`.
fn seed(selector: u8, input: impl AsRef<[u8]>) -> Vec<u8> {
    [&[selector], input.as_ref()].concat()
}

/// Fixtures of the repository, read when the target starts.
fn fixture(path: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data").join(path);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
