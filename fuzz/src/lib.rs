//! Fuzzed inputs: each module checks one kind and provides its seeds.
//!
//! The first byte of an input selects the parser, the rest is what it reads. Beyond not crashing, whatever a parser accepts
//! must come back equal after writing and reading it again.

pub mod position;
pub mod notation;
pub mod files;

use std::fs;
use std::path::Path;

/// Puts `seeds` into the corpus of `target`, where libFuzzer looks next.
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

/// `selector` and what its parser reads.
fn seed(selector: u8, input: impl AsRef<[u8]>) -> Vec<u8> {
    [&[selector], input.as_ref()].concat()
}

/// Fixtures of the repository, read when the target starts.
fn fixture(path: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data").join(path);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
