//! The engine's process, and a model for it.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use keisei_core::encoding::{Actions, Features};
use keisei_core::format::{Dtype, Model, Provenance};
use keisei_core::net::{NetSpec, Weights};

/// Timeout, longer than any answer takes even on a busy machine.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// The engine's process.
pub struct Engine {
    pub child: Child,
    pub input: ChildStdin,
    pub output: Receiver<String>,
}

impl Engine {
    pub fn start() -> Engine {
        Engine::run(Path::new(env!("CARGO_BIN_EXE_keisei-usi")))
    }

    /// An engine from another file.
    pub fn run(program: &Path) -> Engine {
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let (sender, output) = channel();
        let lines = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || lines.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Engine { input: child.stdin.take().unwrap(), child, output }
    }

    /// An engine that has this model.
    pub fn with(model: &Path) -> Engine {
        let mut engine = Engine::start();
        engine.say(&format!("setoption name Model value {}", model.display()));
        engine.say("isready");
        assert_eq!(engine.until("readyok"), ["readyok"]);
        engine
    }

    pub fn say(&mut self, line: &str) {
        writeln!(self.input, "{line}").unwrap();
    }

    /// All lines up to one that begins with `word`.
    pub fn until(&mut self, word: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            match self.output.recv_timeout(PATIENCE) {
                Ok(line) => lines.push(line),
                Err(RecvTimeoutError::Timeout) => panic!("no {word:?} after {lines:?}"),
                Err(RecvTimeoutError::Disconnected) => panic!("the engine ended after {lines:?}"),
            }
            if lines.last().is_some_and(|line| line.split(' ').next() == Some(word)) {
                return lines;
            }
        }
    }

    /// Sends the lines and returns the answer that begins with `word`.
    pub fn ask(&mut self, lines: &[&str], word: &str) -> String {
        for line in lines {
            self.say(line);
        }
        self.until(word).pop().unwrap()
    }

    pub fn quit(mut self) {
        self.say("quit");
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

/// A small untrained model in `folder`.
pub fn model(folder: &Path) -> PathBuf {
    let (features, actions) = (Features::Attack96, Actions::Dest2187);
    let small = NetSpec::for_encodings(features, actions);
    let spec = NetSpec { channels: 8, blocks: 1, value_channels: 1, value_hidden: 8, ..small };
    let model =
        Model { features, actions, provenance: Provenance::default(), weights: Weights::init(&spec, 1).unwrap() };
    let path = folder.join("a model.model");
    std::fs::write(&path, model.to_bytes(Dtype::F32).unwrap()).unwrap();
    path
}
