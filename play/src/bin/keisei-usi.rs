//! A model as an engine of the Universal Shogi Interface, for any shogi GUI, on standard input and output.

use std::io::{BufReader, stdin, stdout};
use std::process::ExitCode;

fn main() -> ExitCode {
    match keisei_play::usi::run(BufReader::new(stdin()), stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
