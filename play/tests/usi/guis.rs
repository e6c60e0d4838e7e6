//! Sessions of the programs that drive engines, line by line as each of them speaks.
//!
//! A line `> …` is sent. A line `< …` is the start of the next answer that is no `info`; nothing else may come before it. A line
//! `i …` is a part of an `info` that must come before the next answer, and `- N` lets N milliseconds pass, in which only `info` may come.

use std::time::{Duration, Instant};

use crate::process::{Engine, PATIENCE, model};

/// Plays a session.
fn check(name: &str, script: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = model(folder.path());
    let mut engine = Engine::start();
    let mut wanted: Vec<&str> = Vec::new();
    for (number, line) in (1..).zip(script.lines().map(str::trim).filter(|line| !line.is_empty())) {
        let (kind, text) = line.split_at(1);
        let text = text.trim_start();
        let place = format!("{name}, step {number}, {line}");
        match kind {
            ">" => engine.say(&text.replace("MODEL", file.to_str().unwrap())),
            "i" => wanted.push(text),
            "-" => {
                let end = Instant::now() + Duration::from_millis(text.parse().unwrap());
                while let Ok(answer) = engine.output.recv_timeout(end.saturating_duration_since(Instant::now())) {
                    assert!(answer.starts_with("info"), "{place}: {answer}");
                    wanted.retain(|part| !answer.contains(part));
                }
            }
            "<" => loop {
                let answer = engine.output.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{place}: no answer"));
                assert!(!answer.contains("resign"), "{place}: {answer}");
                if answer.starts_with("info") || answer.starts_with("id ") || answer.starts_with("option ") {
                    wanted.retain(|part| !answer.contains(part));
                    continue;
                }
                assert!(answer.starts_with(text), "{place}: {answer}");
                assert!(wanted.is_empty(), "{place}: nothing said {wanted:?}");
                break;
            },
            _ => panic!("{place}: no step"),
        }
    }
    assert_eq!(engine.child.wait().unwrap().code(), Some(0), "{name}");
    let rest: Vec<String> = engine.output.iter().filter(|line| !line.starts_with("info")).collect();
    assert!(rest.is_empty(), "{name}: {rest:?}");
}

#[test]
fn shogi_home() {
    check(
        "ShogiHome",
        "> usi
        < usiok
        > setoption name USI_Ponder value true
        > setoption name USI_Hash value 64
        > setoption name model value MODEL
        > setoption name MultiPV value 1
        > isready
        < readyok
        > usinewgame
        > position startpos
        > go btime 60000 wtime 60000 byoyomi 300
        i score
        < bestmove
        > position startpos moves 7g7f 3c3d
        > go ponder
        - 100
        > ponderhit btime 59000 wtime 60000 byoyomi 300
        < bestmove
        > position startpos moves 7g7f 3c3d 2g2f 8c8d
        > go ponder
        - 50
        > stop
        < bestmove
        > position startpos moves 7g7f 3c3d 2g2f 4c4d
        > go btime 0 wtime 60000 binc 400 winc 400
        < bestmove
        > gameover lose
        > usinewgame
        > position sfen lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSNL b - 1 moves 2g2f
        > go infinite
        i score
        - 500
        > stop
        < bestmove
        > position startpos moves 2g2f 8c8d
        > go infinite
        - 300
        > stop
        < bestmove
        > position sfen 8k/9/8P/9/9/9/9/9/K8 b G 1
        > go mate infinite
        < checkmate G*1b
        > position sfen 4k4/9/9/9/9/9/9/9/4K4 b P 1
        > go mate infinite
        < checkmate nomate
        > quit",
    );
}

#[test]
fn shogi_gui() {
    check(
        "ShogiGUI",
        "> usi
        < usiok
        > setoption name USI_Hash value 128
        > setoption name USI_Ponder value true
        > setoption name Threads value 2
        > setoption name Model value MODEL
        > setoption name OwnBook value true
        i OwnBook
        > isready
        < readyok
        > usinewgame
        > position startpos moves 7g7f
        > go btime 0 wtime 0 byoyomi 400
        < bestmove
        > position startpos moves 7g7f 8c8d 2g2f
        > go ponder btime 0 wtime 0 byoyomi 400
        - 100
        > ponderhit
        < bestmove
        > gameover draw
        > position startpos moves 7g7f 8c8d
        > go movetime 200
        i score
        < bestmove
        > position startpos
        > go nodes 50
        < bestmove
        > position sfen 8k/9/8P/9/9/9/9/9/K8 b G 1
        > go mate 10000
        i mate 1
        < checkmate G*1b
        > isready
        < readyok
        > usinewgame
        > quit",
    );
}

#[test]
fn shogidokoro() {
    check(
        "Shogidokoro",
        "> usi
        < usiok
        > setoption name USI_Ponder value true
        > setoption name USI_Hash value 1024
        > setoption name Model value MODEL
        > isready
        < readyok
        > usinewgame
        > position startpos
        > go btime 300000 wtime 300000 byoyomi 0
        < bestmove
        > position startpos moves 2g2f 8c8d
        > go ponder btime 299000 wtime 300000 byoyomi 0
        - 200
        > stop
        < bestmove
        > position startpos moves 2g2f 3c3d
        > go btime 0 wtime 0 byoyomi 300
        < bestmove
        > gameover win
        > usi
        < usiok
        > isready
        < readyok
        > usinewgame
        > position sfen 4k4/9/4P4/9/9/9/9/9/4K4 b 2G2r2b2g4s4n4l17p 1
        > go mate 20000
        < checkmate G*5b
        > position startpos moves 2g2f
        > go infinite
        - 200
        > stop
        < bestmove
        > gameover lose
        > quit",
    );
}

#[test]
fn usi_csa_of_shogi_server() {
    check(
        "usi-csa",
        "> usi
        < usiok
        > setoption name USI_Ponder value true
        > setoption name USI_Hash value 256
        > setoption name Model value MODEL
        > setoption name MoveOverhead value 100
        > isready
        < readyok
        > usinewgame
        > position startpos moves
        > go btime 300000 wtime 300000 binc 10 winc 10 byoyomi 0
        < bestmove
        > position startpos moves 7g7f 3c3d
        > go ponder btime 299000 wtime 300000 byoyomi 0
        - 100
        > ponderhit
        < bestmove
        > position startpos moves 7g7f 3c3d 6g6f 8c8d
        > go ponder btime 298000 wtime 300000 byoyomi 0
        - 50
        > gameover win
        > isready
        < readyok
        > quit",
    );
}

#[test]
fn tools_of_yaneuraou() {
    check(
        "YaneuraOu's tools",
        "> usi
        < usiok
        > setoption name Threads value 1
        > setoption name USI_Hash value 99999999
        i 65536
        > setoption name USI_Hash value 64
        > setoption name BookFile value no_book
        > setoption name NetworkDelay value 0
        > setoption name NetworkDelay2 value 0
        > setoption name MinimumThinkingTime value 0
        > setoption name Model value MODEL
        > isready
        < readyok
        > usinewgame
        > position startpos moves 7g7f 3c3d
        > go btime 1000 wtime 1000 byoyomi 300
        < bestmove
        > position startpos moves 7g7f 3c3d 2g2f
        > go rtime 100 nodes 20
        i rtime
        < bestmove
        > position startpos
        > go depth 4
        < bestmove
        > go nodes 30 searchmoves 1g1f
        < bestmove 1g1f
        > position sfen 4k4/9/4P4/9/9/9/9/9/4K4 b GSGp 1
        > go mate 1000
        < checkmate G*5b
        > position startpos moves 7g7f
        > go
        - 100
        > stop
        < bestmove
        > gameover win
        > usinewgame
        > position startpos
        > go byoyomi 300
        < bestmove
        > gameover draw
        > quit",
    );
}
