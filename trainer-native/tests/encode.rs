//! `encode` from the view of its user, compared with the recorded output of the original programs.

use std::process::{Command, Output};

use serde_json::Value;

fn encode(args: &[&str]) -> (Option<i32>, String, String) {
    let program = env!("CARGO_BIN_EXE_trainer-native");
    let Output { status, stdout, stderr } = Command::new(program).arg("encode").args(args).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

fn encoded(args: &[&str]) -> Value {
    let (code, printed, message) = encode(args);
    assert_eq!((code, &*message), (Some(0), ""), "{args:?}");
    serde_json::from_str(&printed).unwrap()
}

/// Checks that the output has everything that a golden file of the repository holds, except for fields that only the
/// original programs have.
#[track_caller]
fn check_golden(name: &str) {
    const THEIRS: [&str; 5] = ["id", "kind", "game_over", "result", "past_end"];
    let path = format!("{}/../tests/data/golden/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    // Keisei 2025 keeps one table for both sides.
    let ours = |key: &str| if key == "table_sha256" { "table_sha256_black" } else { key }.to_owned();
    for row in golden["positions"].as_array().unwrap() {
        let limit = row.get("max_ply").or(row.get("max_moves")).map_or("500".to_owned(), Value::to_string);
        let mut args = vec!["--encoding", name, "--max-plies", &limit, row["start"].as_str().unwrap()];
        args.extend(row["moves"].as_array().unwrap().iter().map(|mv| mv.as_str().unwrap()));
        let printed = encoded(&args);
        for (key, value) in golden.as_object().unwrap() {
            if !["source", "positions", "positions_count"].contains(&key.as_str()) {
                assert_eq!(&printed[ours(key)], value, "{name} {key}");
            }
        }
        for (key, value) in row.as_object().unwrap().iter().filter(|(key, _)| !THEIRS.contains(&key.as_str())) {
            assert_eq!(&printed["positions"][0][key], value, "{name} {} {key}", row["id"]);
        }
    }
}

#[test]
fn what_is_printed_equals_the_original_programs() {
    let planes = ["core46-2025", "core46-2026", "katago50-2026", "dlshogi119"];
    let actions = ["flat13527-2025", "flat13527-2026", "spatial11259-2026", "dest2187"];
    planes.into_iter().chain(actions).for_each(check_golden);
}

#[test]
fn the_default_encodings_are_printed_too() {
    let printed = encoded(&["--encoding", "dest2187", "startpos", "7g7f"]);
    let position = &printed["positions"][0];
    assert_eq!((&printed["actions"], &position["count"]), (&2187.into(), &30.into()));
    assert_eq!(position["actions"]["3c3d"], 59); // plane 0, up; White sees 3d as 7f, the sixth square of the seventh file
    let quoted = encoded(&["--encoding", "attack96", "position startpos moves 7g7f"]);
    let printed = encoded(&["--encoding", "attack96", "startpos", "7g7f"]);
    assert_eq!(quoted, printed);
    assert_eq!((&printed["axes"][0], printed["axes"].as_array().map(Vec::len)), (&"plane".into(), Some(3)));
    assert!(printed["view"].as_str().unwrap().contains("side to move"), "{printed}");
    let position = &printed["positions"][0];
    assert_eq!((&printed["shape"][0], &position["side"]), (&96.into(), &"w".into()));
    let ply = serde_json::json!({ "plane": 93, "const": 0.001953125 });
    assert!(position["const"].as_array().unwrap().contains(&ply), "{position}");
}

#[test]
fn what_is_wrong_is_told() {
    #[track_caller]
    fn check(args: &[&str], parts: &[&str]) {
        let (code, printed, message) = encode(args);
        assert_eq!((code, &*printed), (Some(2), ""), "{message}");
        for part in parts {
            assert!(message.contains(part), "no {part:?} in {message}");
        }
    }
    check(&["startpos"], &["--encoding <NAME>"]);
    check(&["--encoding", "core64", "startpos"], &["\"core64\"", "core46-2025", "attack96", "dest2187"]);
    check(&["--encoding", "attack96", "9/9 b - 1"], &["SFEN", "nine ranks"]);
    check(&["--encoding", "attack96", "startpos", "7g7f", "7g7f"], &["move 2", "7g7f"]);
    check(&["--encoding", "attack96", "--max-plies", "70000", "startpos"], &["70000"]);
}
