//! A USI engine, which plays a model in any shogi GUI.
//!
//! | module | holds |
//! |---|---|
//! | `command` | a line from the GUI as a command, or the reason why it is not one |
//! | `options` | options that the GUI may set, with their ranges |
//! | `clock` | time allotted to a move |
//! | `engine` | the dialogue: answers lines, and searches in slices between which lines are read |
//! | `workers` | the network on several threads |
//! | `info` | `info` lines during a search |
//!
//! A line that cannot be followed is answered by `info string` with the reason; a `go` also by `bestmove resign`, since the
//! GUI waits for a move.

mod command;
mod options;
mod clock;
mod engine;
mod workers;
mod info;

use std::io::{BufRead, ErrorKind, Write};
use std::sync::mpsc::{Sender, channel};

use anyhow::{Context, Result};

/// Serves a GUI until it sends `quit` or the input ends.
///
/// # Errors
/// If the output cannot be written; a GUI that has closed it is no error.
pub fn run(input: impl BufRead + Send + 'static, output: impl Write) -> Result<()> {
    let (sender, lines) = channel();
    // The thread is not joined: at `quit` it may be waiting for a line that never comes.
    std::thread::spawn(move || read(input, &sender));
    match engine::UsiEngine::new(output).serve(&lines) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result.context("standard output"),
    }
}

/// Sends each line to the engine; bytes that are not UTF-8 become replacement characters.
fn read(mut input: impl BufRead, sender: &Sender<String>) {
    let mut bytes = Vec::new();
    while input.read_until(b'\n', &mut bytes).is_ok_and(|count| count > 0) {
        if sender.send(String::from_utf8_lossy(&bytes).trim().to_owned()).is_err() {
            return;
        }
        bytes.clear();
    }
}
