//! A model as an engine of the Universal Shogi Interface, for any shogi GUI, on standard input and output.

use std::io::{BufReader, stdin, stdout};
use std::process::ExitCode;

/// Model that the program was built with (`build.rs`), for an engine that is one file.
#[cfg(built_in_model)]
const BUILT_IN: Option<&[u8]> = Some(include_bytes!(env!("KEISEI_MODEL")));
#[cfg(not(built_in_model))]
const BUILT_IN: Option<&[u8]> = None;

fn main() -> ExitCode {
    match keisei_play::usi::run(BufReader::new(stdin()), stdout().lock(), BUILT_IN) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
