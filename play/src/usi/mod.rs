//! A USI engine: the agent in any shogi GUI.
//!
//! | module | holds |
//! |---|---|
//! | `command` | a line from the GUI as a command, or the reason why it is none |
//! | `options` | what the GUI may set, with ranges |
//! | `clock` | how long to think |
//! | `engine` | the dialogue: answers lines, thinks in slices between which lines are read |
//! | `workers` | the network on several threads |
//! | `info` | what the GUI is told while the engine thinks |
//!
//! Whatever cannot be done is answered by `info string` with the reason; a `go` that cannot be followed also gets
//! `bestmove resign`, since a GUI waits for an answer.

mod command;
mod options;
mod clock;
mod engine;
mod workers;
mod info;

use std::io::{BufRead, ErrorKind, Write};
use std::sync::mpsc::{Sender, channel};

use anyhow::{Context, Result};

/// Speaks with a GUI until it says `quit` or its lines end.
///
/// # Errors
/// If the output cannot be written, though a GUI that has gone away is no error.
pub fn run(input: impl BufRead + Send + 'static, output: impl Write) -> Result<()> {
    let (sender, lines) = channel();
    // Not joined: at `quit` it may wait for a line that never comes.
    std::thread::spawn(move || read(input, &sender));
    match engine::UsiEngine::new(output).serve(&lines) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result.context("standard output"),
    }
}

/// Sends each line on; bytes that are no UTF-8 arrive as replacement characters.
fn read(mut input: impl BufRead, sender: &Sender<String>) {
    let mut bytes = Vec::new();
    while input.read_until(b'\n', &mut bytes).is_ok_and(|count| count > 0) {
        if sender.send(String::from_utf8_lossy(&bytes).trim().to_owned()).is_err() {
            return;
        }
        bytes.clear();
    }
}
