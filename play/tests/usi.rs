//! `keisei-usi` from the view of a GUI: lines in, lines out, sensible or not.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use keisei_core::encoding::{Actions, Features};
use keisei_core::format::{Dtype, Model, Provenance};
use keisei_core::net::{NetSpec, Weights};
use keisei_core::shogi::{Game, Position};

/// Timeout, longer than any answer takes even on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// The engine's process.
struct Engine {
    child: Child,
    input: ChildStdin,
    output: Receiver<String>,
}

impl Engine {
    fn start() -> Engine {
        let mut child = Command::new(env!("CARGO_BIN_EXE_keisei-usi"))
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
    fn with(model: &Path) -> Engine {
        let mut engine = Engine::start();
        engine.say(&format!("setoption name Model value {}", model.display()));
        engine.say("isready");
        assert_eq!(engine.until("readyok"), ["readyok"]);
        engine
    }

    fn say(&mut self, line: &str) {
        writeln!(self.input, "{line}").unwrap();
    }

    /// All lines up to one that begins with `word`.
    fn until(&mut self, word: &str) -> Vec<String> {
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
    fn ask(&mut self, lines: &[&str], word: &str) -> String {
        for line in lines {
            self.say(line);
        }
        self.until(word).pop().unwrap()
    }

    fn quit(mut self) {
        self.say("quit");
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

/// A small untrained model in `folder`.
fn model(folder: &Path) -> PathBuf {
    let (features, actions) = (Features::Attack96, Actions::Dest2187);
    let small = NetSpec::for_encodings(features, actions);
    let spec = NetSpec { channels: 8, blocks: 1, value_channels: 1, value_hidden: 8, ..small };
    let model =
        Model { features, actions, provenance: Provenance::default(), weights: Weights::init(&spec, 1).unwrap() };
    let path = folder.join("a model.model");
    std::fs::write(&path, model.to_bytes(Dtype::F32).unwrap()).unwrap();
    path
}

/// The move of a `bestmove` line.
fn best(line: &str) -> &str {
    line.split(' ').nth(1).unwrap()
}

#[test]
fn the_engine_introduces_itself_and_plays_a_game() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Engine::with(&model(folder.path()));
    engine.say("usi");
    let lines = engine.until("usiok");
    for option in ["Model", "Threads", "Arithmetic", "Visits", "Temperature", "MultiPV", "USI_Ponder", "MoveOverhead"] {
        assert!(lines.iter().any(|line| line.starts_with(&format!("option name {option} type"))), "{option}");
    }
    let mut game = Game::new(Position::startpos(), 60);
    engine.say("usinewgame");
    while game.outcome().is_none() {
        let moves: Vec<String> = game.moves().iter().map(ToString::to_string).collect();
        let position = format!("position startpos moves {}", moves.join(" "));
        let bestmove = engine.ask(&[&position, "go nodes 8 btime 1000 wtime 1000 byoyomi 1000"], "bestmove");
        game.play(best(&bestmove).parse().unwrap());
    }
    engine.say("gameover draw");
    engine.quit();
}

#[test]
fn what_cannot_be_done_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let foreign = folder.path().join("foreign.model");
    std::fs::write(&foreign, "PNG").unwrap();
    let foreign = foreign.to_str().unwrap().to_owned();
    let check = |lines: &[&str], word: &str, parts: &[&str]| {
        let mut engine = Engine::start();
        for line in lines {
            engine.say(line);
        }
        let told = engine.until(word);
        for part in parts {
            assert!(told.iter().any(|line| line.starts_with("info string") && line.contains(part)), "{part}: {told:?}");
        }
        engine.quit();
        told.last().unwrap().clone()
    };
    let resign = "bestmove resign";
    assert_eq!(check(&["position startpos", "go nodes 1"], "bestmove", &["no model is set"]), resign);
    assert_eq!(check(&["go nodes 1"], "bestmove", &["no position is set"]), resign);
    check(&["isready"], "readyok", &["no model is set"]);
    check(&["setoption name Model value /nowhere/a.model", "isready"], "readyok", &["/nowhere/a.model"]);
    check(&[&format!("setoption name Model value {foreign}"), "isready"], "readyok", &["foreign.model", "model file"]);
    check(&["setoption name Threads value none", "isready"], "readyok", &["Threads", "whole number from 1 to 256"]);
    check(&["setoption name Speed value 1", "xyzzy", "isready"], "readyok", &["Speed", "xyzzy"]);
    // An invalid position clears the one before.
    let bad = ["position startpos", "position startpos moves 7g7f 7g7f", "go nodes 1"];
    assert_eq!(check(&bad, "bestmove", &["position: line 1", "no position is set"]), resign);
    assert_eq!(check(&["position startpos", "go depth 3"], "bestmove", &["depth"]), resign);
}

#[test]
fn mates_declarations_and_lost_games_are_answered() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Engine::with(&model(folder.path()));
    let mate = "position sfen 8k/9/8P/9/9/9/9/9/K8 b G 1";
    assert_eq!(engine.ask(&[mate, "go nodes 1"], "bestmove"), "bestmove G*1b");
    assert_eq!(engine.ask(&["go mate infinite"], "checkmate"), "checkmate G*1b");
    assert_eq!(engine.ask(&["position startpos", "go mate 100"], "checkmate"), "checkmate nomate");
    let declare = "position sfen 9/9/9/9/9/9/+r+b+p+p+pgssg/k+p+p6/8K w 4Prb 1";
    assert_eq!(engine.ask(&[declare, "go nodes 1"], "bestmove"), "bestmove win");
    let lost = "position sfen 8k/9/8P/9/9/9/9/9/K8 b G 1 moves G*1b";
    assert_eq!(engine.ask(&[lost, "go nodes 1"], "bestmove"), "bestmove resign");
    // The engine plays on after a fourfold repetition that the GUI does not see.
    let repeated = format!("position startpos moves {}", "2h3h 8b7b 3h2h 7b8b ".repeat(3));
    assert_ne!(engine.ask(&[&repeated, "go nodes 4"], "bestmove"), "bestmove resign");
    engine.quit();
}

#[test]
fn stop_and_ponderhit_end_a_search() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Engine::with(&model(folder.path()));
    let pause = || std::thread::sleep(Duration::from_millis(50));
    let bestmove =
        engine.ask(&["setoption name USI_Ponder value true", "position startpos", "go nodes 300"], "bestmove");
    assert!(bestmove.contains(" ponder "), "{bestmove}");
    engine.ask(&["go infinite", "isready"], "readyok");
    pause();
    let stopped = Instant::now();
    engine.ask(&["stop"], "bestmove");
    assert!(stopped.elapsed() < PATIENCE / 2, "{:?}", stopped.elapsed());
    engine.say("go ponder btime 0 wtime 0 byoyomi 300");
    pause();
    // No move is sent before the opponent plays the expected move.
    assert!(engine.output.try_iter().all(|line| line.starts_with("info")));
    engine.ask(&["ponderhit"], "bestmove");
    // The answer comes at once, before anything was searched.
    engine.ask(&["usinewgame", "position startpos", "go infinite", "stop"], "bestmove");
    // A search whose game is over is not answered.
    for line in ["go infinite", "gameover lose", "isready"] {
        engine.say(line);
    }
    assert!(engine.until("readyok").iter().all(|line| !line.starts_with("bestmove")));
    engine.say("setoption name MultiPV value 3");
    engine.say("setoption name Visits value 50");
    engine.say("setoption name Threads value 2");
    engine.say("position startpos");
    engine.say("go byoyomi 60000");
    let lines = engine.until("bestmove");
    for (number, line) in (1..=3).zip(lines[lines.len() - 4..].iter()) {
        assert!(line.contains("nodes 50 ") && line.contains(&format!(" multipv {number} score ")), "{line}");
    }
    engine.quit();
}

#[test]
fn ten_thousand_lines_of_nonsense_do_no_harm() {
    const WORDS: [&str; 48] = [
        "usi",
        "isready",
        "usinewgame",
        "position",
        "startpos",
        "sfen",
        "moves",
        "go",
        "stop",
        "ponderhit",
        "gameover",
        "setoption",
        "name",
        "value",
        "Threads",
        "Visits",
        "MultiPV",
        "Temperature",
        "USI_Ponder",
        "MoveOverhead",
        "nodes",
        "btime",
        "wtime",
        "byoyomi",
        "binc",
        "mate",
        "infinite",
        "ponder",
        "7g7f",
        "3c3d",
        "P*5e",
        "8h2b+",
        "0",
        "1",
        "2",
        "-7",
        "99999999999999999999",
        "lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSNL",
        "b",
        "w",
        "-",
        "9/9/9/9/9/9/9/9/9",
        "4k4/9/9/9/9/9/9/9/4K4",
        "RB2G",
        "NaN",
        "true",
        "二歩",
        "\u{0}",
    ];
    const SENTENCES: [&str; 8] = [
        "position startpos",
        "position startpos moves 7g7f 3c3d 8h2b+",
        "position sfen 8k/9/8P/9/9/9/9/9/K8 b G 1",
        "go nodes 3",
        "go mate 1",
        "go byoyomi 1",
        "go ponder nodes 2",
        "stop",
    ];
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Engine::with(&model(folder.path()));
    let mut state = 1u64;
    let mut below = |bound: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((state >> 33) as usize) % bound
    };
    for round in 0..100 {
        let mut bytes = Vec::new();
        for _ in 0..100 {
            match below(8) {
                // A valid line, so that there is a search to disturb.
                0..3 => bytes.extend(SENTENCES[below(SENTENCES.len())].bytes()),
                // Bytes that are not text; without a `q` they cannot be `quit`.
                3 => bytes.extend((0..below(40)).map(|_| below(256) as u8).filter(|byte| !b"q\n".contains(byte))),
                _ => {
                    let words: Vec<&str> = (0..below(9)).map(|_| WORDS[below(WORDS.len())]).collect();
                    bytes.extend(words.join(" ").bytes());
                }
            }
            bytes.push(b'\n');
        }
        engine.input.write_all(&bytes).unwrap();
        // `stop` ends a search that still runs; the echo of an unknown word shows that all lines before it are answered.
        engine.say("stop");
        engine.say(&format!("round{round}"));
        while !engine.until("info").last().is_some_and(|line| line.contains(&format!("\"round{round}\""))) {}
    }
    // The engine still plays.
    engine.say("setoption name Threads value 1");
    assert_ne!(engine.ask(&["position startpos", "go nodes 10"], "bestmove"), "bestmove resign");
    engine.quit();
}
