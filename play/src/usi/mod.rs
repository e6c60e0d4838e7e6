//! A USI engine, which plays a model in any shogi GUI.
//!
//! | module | holds |
//! |---|---|
//! | `command` | a line from the GUI as a command, with remarks on what of it was left out |
//! | `options` | options that the GUI may set, with their ranges |
//! | `model` | the model of an engine that was told none |
//! | `clock` | time allotted to a move |
//! | `inbox` | lines with the time at which each came |
//! | `engine` | the dialogue: answers lines |
//! | `thinking` | a search for a move, in slices between which lines are read |
//! | `mating` | a search for mate alone |
//! | `workers` | the network on several threads |
//! | `info` | `info` lines during a search |
//!
//! Parts of a line that cannot be followed are skipped and reported by `info string`; the rest counts. The engine resigns only where it has no
//! legal move. Without a model, `isready` is answered by `info string error` alone.

mod command;
mod options;
mod model;
mod clock;
mod inbox;
mod engine;
mod thinking;
mod mating;
mod workers;
mod info;

use std::io::{BufRead, ErrorKind, Write};
use std::sync::mpsc::{Sender, channel};
use std::time::Instant;

use anyhow::{Context, Result};

use inbox::{Inbox, Line};

/// Serves a GUI until it sends `quit` or the input ends. A model that the GUI does not set is looked for beside the running program;
/// if there is none, it is the one in the file `built_in`.
///
/// # Errors
/// If the output cannot be written; a GUI that has closed it is no error.
pub fn run(input: impl BufRead + Send + 'static, output: impl Write, built_in: Option<&'static [u8]>) -> Result<()> {
    let (sender, lines) = channel();
    // The thread is not joined: at `quit` it may be waiting for a line that never comes.
    std::thread::spawn(move || read(input, &sender));
    let program = std::env::current_exe().ok();
    let folder = program.and_then(|program| Some(program.parent()?.to_owned()));
    match engine::UsiEngine::new(output, model::Places { folder, built_in }).serve(Inbox::new(lines)) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result.context("standard output"),
    }
}

/// Sends each line to the engine; bytes that are not UTF-8 become replacement characters.
fn read(mut input: impl BufRead, sender: &Sender<Line>) {
    let mut bytes = Vec::new();
    while input.read_until(b'\n', &mut bytes).is_ok_and(|count| count > 0) {
        let text = String::from_utf8_lossy(&bytes).trim_start_matches('\u{feff}').trim().to_owned();
        if sender.send(Line { text, received: Instant::now() }).is_err() {
            return;
        }
        bytes.clear();
    }
}
