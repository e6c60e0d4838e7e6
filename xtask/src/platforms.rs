//! Other operating systems: the workspace is checked for their targets, without linking.

use crate::shell::{cargo, run};
use crate::summary::Counts;
use crate::wasm::has_or_adds_target;
use anyhow::Result;

/// Targets, and the packages that are checked for each with their default features. The trainer's dependencies for macOS have
/// parts in C, which only a Mac compiles.
const CHECKED: [(&str, &[&str]); 2] = [
    ("x86_64-pc-windows-gnu", &["--workspace"]),
    ("aarch64-apple-darwin", &["--package=keisei-core", "--package=keisei-play"]),
];

/// Checks that the code compiles without warnings of clippy for each target that can be had; the others count as skipped, also in CI.
pub fn check() -> (Counts, Result<()>) {
    let mut counts = Counts::default();
    for (target, packages) in CHECKED {
        if !has_or_adds_target(target) {
            eprintln!("{target}: not checked; `rustup target add {target}` brings the target");
            counts.skipped += 1;
        } else if let Err(error) =
            run(cargo().args(["clippy", "--target", target]).args(packages).args(["--", "-D", "warnings"]))
        {
            counts.failed += 1;
            return (counts, Err(error));
        } else {
            counts.passed += 1;
        }
    }
    (counts, Ok(()))
}
