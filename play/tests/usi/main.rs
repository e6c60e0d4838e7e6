//! `keisei-usi` from the view of a GUI: lines in, lines out, sensible or not.

mod process;
mod guis;
mod clocks;

use std::io::{Cursor, Write as _};
use std::time::{Duration, Instant};

use keisei_core::shogi::{Game, Position};

use process::{Engine, PATIENCE, model};

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
fn what_cannot_be_done_is_told_and_the_rest_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let model = model(folder.path());
    // Lines, the word that the last answer begins with, and parts of what is told before it.
    let check = |lines: &[&str], word: &str, parts: &[&str]| {
        let mut engine = Engine::with(&model);
        for line in lines {
            engine.say(line);
        }
        let told = engine.until(word);
        for part in parts {
            assert!(told.iter().any(|line| line.starts_with("info string") && line.contains(part)), "{part}: {told:?}");
        }
        assert!(told.iter().all(|line| !line.contains("resign")), "{told:?}");
        engine.quit();
        told.last().unwrap().clone()
    };
    check(&["setoption name Threads value none", "isready"], "readyok", &["Threads", "whole number from 1 to 256"]);
    check(&["setoption name threads value 1000000", "isready"], "readyok", &["256 is taken for \"1000000\""]);
    check(&["setoption name Speed value 1", "xyzzy", "isready"], "readyok", &["Speed", "xyzzy"]);
    check(&["go nodes 1"], "bestmove", &[]);
    check(&["position startpos", "go depth 3"], "bestmove", &[]);
    check(&["position startpos", "go depth 60"], "bestmove", &[]);
    check(&["position startpos", "go fast nodes 3 wildly"], "bestmove", &["fast wildly"]);
    check(&["position startpos", "go nodes abc", "isready", "stop"], "bestmove", &["abc"]);
    check(&["position startpos", "go", "isready", "stop"], "bestmove", &[]);
    check(&["position startpos", "go btime now nodes 2"], "bestmove", &["now"]);
    let only = |moves: &str| format!("go nodes 30 searchmoves {moves}");
    assert_eq!(check(&["position startpos", &only("9g9f")], "bestmove", &[]), "bestmove 9g9f");
    assert_eq!(check(&["position startpos", &only("9g9e 1g1f")], "bestmove", &["9g9e"]), "bestmove 1g1f");
    check(&["position startpos", &only("9g9e")], "bestmove", &["9g9e"]);
    // The move before the refused one stands.
    let mated = "position sfen 8k/9/8P/9/9/9/9/9/K8 b G 1 moves G*1a";
    assert_eq!(check(&[mated, "go nodes 1"], "bestmove", &["G*1a"]), "bestmove G*1b");
    assert_eq!(check(&[&format!("{mated} 0000"), "go nodes 1"], "bestmove", &["G*1a"]), "bestmove G*1b");
    for start in ["8k/9/8P/9/9/9/9/9/K8 b G 0", "8k/9/8P/9/9/9/9/9/K8 b G 70000", "8k/9/9/8G/9/9/9/8L/K8 b PNPgg 1"] {
        check(&[&format!("position sfen {start}"), "go nodes 1"], "bestmove", &[]);
    }
    let unread = ["position sfen 8k/9/8P/9/9/9/9/9/K8 b G 1", "position sfen 9/9 b - 1", "go nodes 1"];
    assert_eq!(check(&unread, "bestmove", &["position"]), "bestmove G*1b");
}

#[test]
fn a_model_is_found_or_missed_aloud() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join(format!("keisei-usi{}", std::env::consts::EXE_SUFFIX));
    std::fs::copy(env!("CARGO_BIN_EXE_keisei-usi"), &program).unwrap();
    let foreign = folder.path().join("foreign.dat");
    std::fs::write(&foreign, "PNG").unwrap();
    // A program without a model within it.
    let missing = |lines: &[&str], part: &str| {
        let lines = [lines, &["isready", "position startpos", "go nodes 1", "quit"]].concat().join("\n");
        let mut told = Vec::new();
        keisei_play::usi::run(Cursor::new(lines), &mut told, None).unwrap();
        let told = String::from_utf8(told).unwrap();
        assert!(told.lines().all(|line| !line.starts_with("readyok") && !line.starts_with("bestmove")), "{told}");
        let error = |line: &&str| line.starts_with("info string error");
        assert!(told.lines().filter(error).any(|line| line.contains(part)), "{part}: {told}");
    };
    let set = |path: &str| format!("setoption name model value {path}");
    missing(&[], "set the option Model");
    missing(&[&set("/nowhere/a.model")], "/nowhere/a.model");
    missing(&[&set(foreign.to_str().unwrap())], "foreign.dat");
    // The program as it is built here has the pages' agent within it, and plays without any file.
    let mut engine = Engine::run(&program);
    engine.say("isready");
    assert_eq!(engine.until("readyok"), ["info string the model is the built-in one", "readyok"]);
    assert_ne!(engine.ask(&["go nodes 1"], "bestmove"), "bestmove resign");
    engine.quit();
    let path = model(folder.path());
    for lines in [vec![], vec![set("/nowhere/a.model")]] {
        let mut engine = Engine::run(&program);
        for line in &lines {
            engine.say(line);
        }
        engine.say("isready");
        let told = engine.until("readyok").join("\n");
        assert!(told.contains(path.to_str().unwrap()), "{told}");
        assert_ne!(engine.ask(&["go nodes 1"], "bestmove"), "bestmove resign");
        engine.quit();
    }
}

#[test]
fn mates_declarations_and_lost_games_are_answered() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Engine::with(&model(folder.path()));
    let mate = "position sfen 8k/9/8P/9/9/9/9/9/K8 b G 1";
    assert_eq!(engine.ask(&[mate, "go nodes 1"], "bestmove"), "bestmove G*1b");
    assert_eq!(engine.ask(&["go mate infinite"], "checkmate"), "checkmate G*1b");
    assert_eq!(engine.ask(&["position startpos", "go mate 100"], "checkmate"), "checkmate nomate");
    let alone = "position sfen 4k4/9/9/9/9/9/9/9/4K4 b P 1";
    assert_eq!(engine.ask(&[alone, "go mate infinite"], "checkmate"), "checkmate nomate");
    // A mate that cannot be decided soon: the answer comes at the limit, or at `stop`.
    engine.say(OPEN);
    let (started, limit) = (Instant::now(), Duration::from_millis(700));
    let answer = engine.ask(&["go mate 700"], "checkmate");
    assert!(answer != "checkmate timeout" || started.elapsed() >= limit, "{answer} after {:?}", started.elapsed());
    engine.say("go mate infinite");
    engine.say("stop");
    engine.until("checkmate");
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
    // The clocks may come with the hit.
    engine.say("go ponder");
    pause();
    let hit = Instant::now();
    engine.ask(&["ponderhit btime 0 wtime 0 byoyomi 600"], "bestmove");
    assert!(hit.elapsed() >= Duration::from_millis(300), "{:?}", hit.elapsed());
    engine.ask(&["go ponder", "ponderhit"], "bestmove");
    // Another position ends a search that only waits, without a move for the old one.
    for waiting in ["go ponder", "go ponder btime 1000 wtime 1000", "go infinite", "go"] {
        engine.say("position startpos");
        engine.say(waiting);
        pause();
        let mated = "position sfen 8k/9/8P/9/9/9/9/9/K8 b G 1";
        assert_eq!(engine.ask(&[mated, "go nodes 1"], "bestmove"), "bestmove G*1b", "{waiting}");
        engine.say(waiting);
        engine.ask(&["position startpos", "usinewgame", "isready"], "readyok");
    }
    // Options that are set during a search hold for the next one.
    engine.ask(&["position startpos", "go nodes 500", "setoption name MultiPV value 2", "isready"], "readyok");
    engine.until("bestmove");
    engine.say("go nodes 600");
    assert!(engine.until("bestmove").iter().any(|line| line.contains(" multipv 2 ")));
    engine.say("setoption name MultiPV value 1");
    // A time for the move is used in full.
    let started = Instant::now();
    engine.ask(&["usinewgame", "position startpos", "go movetime 500"], "bestmove");
    assert!(started.elapsed() >= Duration::from_millis(500), "{:?}", started.elapsed());
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

/// A position in which it takes long to say whether there is a mate.
const OPEN: &str = "position sfen l6nl/5+P1gk/2np1S3/p1p4Pp/3P2Sp1/1PPb2P1P/P5GS1/R8/LN4bKL w RGgsn5p 1";

#[test]
fn infos_flow_whatever_the_search_has_left_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Engine::with(&model(folder.path()));
    let mate = "position sfen 8k/9/8P/9/9/9/9/9/K8 b G 1";
    let mated = "position sfen 8k/9/8P/9/9/9/9/9/K8 b G 1 moves G*1b";
    let declare = "position sfen 9/9/9/9/9/9/+r+b+p+p+pgssg/k+p+p6/8K w 4Prb 1";
    let lost = "position sfen 8k/8r/9/9/9/9/6g2/7g1/8K b - 1";
    for (hash, positions) in [(512, [mate, declare, OPEN]), (1, [mated, lost, "position startpos"])] {
        engine.say(&format!("setoption name USI_Hash value {hash}"));
        for position in positions {
            for go in ["go infinite", "go ponder byoyomi 100"] {
                let started = Instant::now();
                engine.say(position);
                engine.say(go);
                engine.until("info");
                let first = started.elapsed();
                std::thread::sleep(Duration::from_millis(650));
                let infos =
                    engine.output.try_iter().inspect(|line| assert!(line.starts_with("info"), "{line}")).count();
                assert!((1..=8).contains(&infos), "{infos} infos in 650 ms: {position}, {go}");
                // A busy machine delays everything; the bar is 100 ms.
                assert!(first < Duration::from_millis(500), "{first:?}: {position}, {go}");
                engine.ask(&["stop"], "bestmove");
            }
        }
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
    const SENTENCES: [&str; 14] = [
        "position startpos",
        "position startpos moves 7g7f 3c3d 8h2b+",
        "position sfen 8k/9/8P/9/9/9/9/9/K8 b G 1",
        "go nodes 3",
        "go mate 1",
        "go byoyomi 1",
        "go ponder nodes 2",
        "stop",
        "go",
        "go depth 2",
        "go searchmoves 7g7f nodes 2",
        "go ponder",
        "ponderhit byoyomi 1",
        "usinewgame",
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
