//! Other operating systems: clippy checks the workspace for their targets, without linking.

use crate::summary::Counts;
use crate::wasm::{clippy_for, has_or_adds_target};
use anyhow::Result;

/// Targets, and the packages that are checked for each with their default features: all of them; the engine alone, whose features
/// of the core are few. The trainer's dependencies for macOS have parts in C, which only a Mac compiles.
const CHECKED: [(&str, &[&str]); 2] =
    [("x86_64-pc-windows-gnu", &["--workspace"]), ("aarch64-apple-darwin", &["--package=keisei-play"])];

/// Lints the code as it compiles for each target that can be had; the others count as skipped, also in CI.
pub fn check() -> (Counts, Result<()>) {
    let mut counts = Counts::default();
    for (target, packages) in CHECKED {
        if !has_or_adds_target(target) {
            eprintln!("{target}: not checked; `rustup target add {target}` brings the target");
            counts.skipped += 1;
        } else if let Err(error) = clippy_for(target, packages) {
            counts.failed += 1;
            return (counts, Err(error));
        } else {
            counts.passed += 1;
        }
    }
    (counts, Ok(()))
}
