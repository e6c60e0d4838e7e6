//! The program from the view of its user: output, messages and exit codes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Output, Stdio};

fn trainer(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trainer-native"));
    command.args(args);
    command
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Checks that the program succeeds, is silent on standard error, and prints exactly `expected`.
fn check(args: &[&str], expected: &str) {
    let Output { status, stdout, stderr } = trainer(args).output().unwrap();
    assert_eq!((status.code(), text(&stdout), text(&stderr)), (Some(0), expected, ""), "{args:?}");
}

/// Checks that the program ends with code 2, is silent on standard output, and names each of `parts` on standard error.
fn check_refused(args: &[&str], parts: &[&str]) {
    let Output { status, stdout, stderr } = trainer(args).output().unwrap();
    let message = text(&stderr);
    assert_eq!((status.code(), text(&stdout)), (Some(2), ""), "{args:?}\n{message}");
    assert!(!message.contains("panicked"), "{args:?}\n{message}");
    for part in parts {
        assert!(message.contains(part), "{args:?}: no {part:?} in\n{message}");
    }
}

#[test]
fn perft_prints_the_count_alone() {
    check(&["perft", "startpos", "0"], "1\n");
    check(&["perft", "startpos", "3"], "25470\n");
    check(&["perft", "R8/2K1S1SSk/4B4/9/9/9/9/9/1L1L1L3 b RBGSNLP3g3n17p 1", "1"], "593\n");
}

#[test]
fn moves_are_sorted_and_one_a_line() {
    check(
        &["moves", "8k/9/8P/7G1/9/9/9/9/8K b - 1", "1c1b", "1a2a"],
        &lines(&["1b1a+", "1i1h", "1i2h", "1i2i", "2d1c", "2d1d", "2d2c", "2d2e", "2d3c", "2d3d"]),
    );
    // A pawn drop that mates is not legal, a mated side has no move.
    check(&["moves", "8k/9/7GG/9/9/9/9/9/K8 w P 1"], &lines(&["1a2a"]));
    check(&["moves", "8k/8G/8P/9/9/9/9/9/K8 w - 1"], "");
}

#[test]
fn positions_are_whatever_usi_takes() {
    let after = lines(&["1b1a+", "1i1h", "1i2h", "1i2i", "2d1c", "2d1d", "2d2c", "2d2e", "2d3c", "2d3d"]);
    check(&["moves", "8k/9/8P/7G1/9/9/9/9/8K b -", "1c1b", "1a2a"], &after);
    check(&["moves", "sfen 8k/9/8P/7G1/9/9/9/9/8K b - 0 moves 1c1b 1a2a"], &after);
    check(&["moves", "8k/9/8P/7G1/9/9/9/9/8K", "b", "-", "70000", "moves", "1c1b", "1a2a"], &after);
    check(&["perft", "sfen", "lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSNL", "b", "-", "2"], "900\n");
    check(&["perft", "position startpos moves 7g7f", "1"], "30\n");
    check(&["outcome", "startpos", "moves", "7g7f", "3c3d", "resign"], "white wins: resignation\n");
    let entered = "LNSGKGSNL/4BR3/9/9/9/9/9/9/4k4 b RB 1";
    check(&["outcome", entered, "win"], "black wins: declaration\n");
    check(&["moves", entered, "win"], "");
    check_refused(&["outcome", "startpos", "win"], &["move 1", "\"win\""]);
    check_refused(&["moves", "startpos moves 7g7f 7g7f"], &["move 2", "7g7f"]);
    check_refused(&["moves", "hello"], &["SFEN", "hello", "startpos"]);
}

fn lines(moves: &[&str]) -> String {
    moves.join("\n") + "\n"
}

#[test]
fn outcome_names_result_and_reason() {
    let shuffle = ["2h3h", "8b7b", "3h2h", "7b8b"];
    let line = |start, repeats| [vec!["outcome", start], shuffle.repeat(repeats)].concat();
    check(&line("startpos", 0), "in progress\n");
    check(&line("startpos", 2), "in progress\n");
    check(&line("startpos", 3), "draw: repetition\n");
    check(&["outcome", "8k/9/8P/9/9/9/9/9/K8 b G 1", "G*1b"], "black wins: checkmate\n");
    check(&["outcome", "8k/6R2/7R1/9/9/9/9/9/K8 w - 1"], "black wins: no legal move\n");
    let mut perpetual = vec!["outcome", "9/5k3/9/9/9/9/9/6R2/K8 b - 1"];
    perpetual.extend(["3h4h", "4b3b", "4h3h", "3b4b"].repeat(3));
    check(&perpetual, "white wins: perpetual check\n");
}

#[test]
fn settings_are_listed_with_the_source_of_each_value() {
    let run = |args: &[&str], code: i32| {
        let mut command = trainer(&[&["settings"], args].concat());
        command.env("KEISEI_SET_PPO__EPOCHS", "3").env("KEISEI_BIN", "target").env("KEISEI_WASM_TOOLCHAIN", "rustup");
        let Output { status, stdout, stderr } = command.output().unwrap();
        assert_eq!(status.code(), Some(code), "{args:?}\n{}", text(&stderr));
        text(if code == 0 { &stdout } else { &stderr }).to_owned()
    };
    let listing = run(&["list", "--preset", "tiny", "--set", "ppo.clip_coef=0.1"], 0);
    let words = |key: &str| -> String {
        let line =
            listing.lines().find(|line| line.starts_with(key)).unwrap_or_else(|| panic!("no {key} in\n{listing}"));
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(words("net.channels"), "net.channels 8 default 32 8 to 512, a multiple of 8 [channels]");
    assert_eq!(
        words("ppo.epochs"),
        "ppo.epochs 3 default 1 1 to 20 [passes] (environment variable KEISEI_SET_PPO__EPOCHS)"
    );
    let clip_coef = "ppo.clip_coef 0.1 default 0.2 above 0 to 0.999999 [ratio] (--set ppo.clip_coef=0.1)";
    assert_eq!(words("ppo.clip_coef"), clip_coef);
    assert_eq!(words("run.device"), "run.device auto default auto auto, cpu, cuda, wgpu");

    let schema: serde_json::Value = serde_json::from_str(&run(&["schema"], 0)).unwrap();
    assert_eq!(schema["properties"]["ppo"]["properties"]["epochs"]["maximum"], 20);
    assert!(run(&["list", "--markdown"], 0).starts_with("# Settings\n"));
    for command in ["list", "show", "check"] {
        let refused = run(&[command, "--set", "ppo.epochs=0"], 1);
        assert!(refused.contains("error: --set ppo.epochs=0: ppo.epochs = 0: must be from 1 to 20"), "{refused}");
    }
    assert!(run(&["check", "--preset", "tiny"], 0).ends_with(" settings are valid\n"));
}

#[test]
fn settings_in_force_are_shown_as_a_file_that_can_be_read_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let Output { status, stdout, stderr } = trainer(&[&["settings"], args].concat()).output().unwrap();
        assert_eq!(status.code(), Some(0), "{args:?}\n{}", text(&stderr));
        text(&stdout).to_owned()
    };
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let shown = run(&["show", "--preset", "tiny", "--set", "ppo.clip_coef=0.1"]);
    assert!(shown.contains("# --set ppo.clip_coef=0.1\n") && shown.contains("net.channels = 8"), "{shown}");
    let shown = file("shown.toml", &shown);
    // The file gives the same settings again.
    let again = run(&["show", "--preset", "cpu", "--config", &shown]);
    let again = file("again.toml", &again);
    assert_eq!(run(&["diff", &shown, &again]), "the settings are the same\n");
    let tiny = file("tiny.toml", &run(&["show", "--preset", "tiny"]));
    let diff = run(&["diff", &shown, &tiny]);
    let lines: Vec<Vec<&str>> = diff.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines, [["setting", shown.as_str(), tiny.as_str()], ["ppo.clip_coef", "0.1", "0.2"]]);
    let stored = run(&["show", &tiny]);
    assert!(stored.contains("[ppo]"), "{stored}");
}

#[test]
fn runs_are_listed_watched_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let run = |args: &[&str]| {
        let Output { status, stdout, stderr } = trainer(args).output().unwrap();
        assert_eq!(status.code(), Some(0), "{args:?}\n{}", text(&stderr));
        text(&stdout).to_owned()
    };
    let train = |name: &str, extra: &[&str]| {
        run(&[&["train", "--preset", "tiny", "--plies", "128", "--out", &path(name)], extra].concat());
    };
    train("a", &[]);
    train("b", &["--set", "ppo.clip_coef=0.1", "--set", "run.evaluate_plies=64", "--set", "run.evaluate_games=2"]);
    let list = run(&["runs", &path("")]);
    let lines: Vec<Vec<&str>> = list.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines.len(), 3, "{list}");
    for (line, name) in lines[1..].iter().zip(["b", "a"]) {
        assert_eq!(line[..6], [name, "ended", "128", "128", "100", "%"], "{list}");
    }
    assert!(list.contains(" greedy  "), "{list}");
    let diff = run(&["settings", "diff", &path("a"), &path("b")]);
    assert!(diff.contains("ppo.clip_coef") && !diff.contains("ppo.epochs") && !diff.contains("(revision)"), "{diff}");

    // A run that has ended is told as lines where there is no terminal, and as a picture of any size.
    let told = run(&["watch", &path("b")]);
    assert!(told.contains("iteration 2 100%") && told.contains("evaluation after iteration 2"), "{told}");
    let picture = path("screen.txt");
    run(&["watch", &path("b"), "--picture", &picture, "--size", "80x24"]);
    let screen = std::fs::read_to_string(picture).unwrap();
    assert!(screen.lines().count() == 24 && screen.contains(" b  ended ") && screen.contains("100 %"), "{screen}");
    let picture = path("screen.svg");
    run(&["watch", &path("b"), "--picture", &picture]);
    assert!(std::fs::read_to_string(picture).unwrap().contains("</svg>"));
    let Output { status, stderr, .. } = trainer(&["watch", "/nowhere"]).output().unwrap();
    assert!(status.code() == Some(1) && text(&stderr).contains("/nowhere: no run there"), "{}", text(&stderr));
}

#[test]
fn bad_arguments_are_named_with_place_and_reason() {
    check_refused(&["perft", "startpos", "x"], &["x", "<DEPTH>"]);
    check_refused(&["perft", "startpos", "-1"], &["-1"]);
    check_refused(&["perft", "startpos", "4294967295"], &["4294967295", "<DEPTH>"]);
    check_refused(&["perft", "9/9 b - 1", "1"], &["SFEN", "9/9 b - 1", "nine ranks"]);
    check_refused(&["moves", ""], &["SFEN", "four fields"]);
    check_refused(&["moves", "startpos", "7g7f", "7g7f"], &["move 2", "7g7f"]);
    check_refused(&["moves", "startpos", "7g7"], &["move 1", "\"7g7\""]);
    check_refused(&["moves", "startpos", "7ｇ7ｆ"], &["move 1"]);
    check_refused(&["outcome", "8k/8G/8P/9/9/9/9/9/K8 w - 1", "1a2a"], &["move 1", "1a2a", "after the end"]);
    check_refused(&["outcome"], &["<SFEN>"]);
    check_refused(&["conquer"], &["conquer"]);
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let mut child = trainer(&["moves", "startpos"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let Output { status, stderr, .. } = child.wait_with_output().unwrap();
    assert_eq!((status.code(), text(&stderr)), (Some(0), ""));
}

#[cfg(unix)]
#[test]
fn serve_prints_its_url_and_ends_on_ctrl_c() {
    let site = std::env::temp_dir().join(format!("keisei-cli-serve-{}", std::process::id()));
    std::fs::create_dir_all(&site).unwrap();
    std::fs::write(site.join("index.html"), "<p>board").unwrap();
    let mut child = trainer(&["serve", "--port", "0"]).arg(&site).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim_end().rsplit(' ').next().unwrap();
    let address = url.strip_prefix("http://").and_then(|rest| rest.strip_suffix('/')).unwrap();
    assert!(line.starts_with("serving ") && address.starts_with("127.0.0.1:"), "{line}");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("<p>board"), "{answer}");
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    std::fs::remove_dir_all(&site).unwrap();
}

#[test]
fn serve_refuses_a_folder_without_pages() {
    let Output { status, stderr, .. } = trainer(&["serve", "/nowhere"]).output().unwrap();
    assert_eq!(status.code(), Some(1));
    assert!(text(&stderr).contains("/nowhere: no index.html there"), "{}", text(&stderr));
}
