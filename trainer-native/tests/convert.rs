//! `convert` from the view of its user: encodings, folders, messages and exit codes.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use encoding_rs::{EUC_JP, SHIFT_JIS};
use serde_json::Value;

fn trainer(folder: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let program = env!("CARGO_BIN_EXE_trainer-native");
    let Output { status, stdout, stderr } = Command::new(program).current_dir(folder).args(args).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

const KIF: &str = "先手：試験\n手合割：平手\n   1 ７六歩(77)\n*ひとこと\n   2 ３四歩(33)\n変化：2手\n   2 ８四歩(83)\n";

#[test]
fn encodings_are_found_out_and_written() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (name, bytes, encoding) in [
        ("sjis.kif", SHIFT_JIS.encode(KIF).0.into_owned(), "SJIS"),
        ("eucjp.kif", EUC_JP.encode(KIF).0.into_owned(), "EUCJP"),
        ("utf8.kif", KIF.as_bytes().to_vec(), "UTF8"),
        ("bom.kif", [b"\xef\xbb\xbf", KIF.as_bytes()].concat(), "UTF8"),
    ] {
        fs::write(folder.join(name), bytes).unwrap();
        let (code, printed, defects) = trainer(folder, &["convert", name, "--to", "json"]);
        assert_eq!((code, &*defects), (Some(0), ""), "{name}");
        let told: Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(told["encoding"], encoding, "{name}");
        assert_eq!(told["usen"], "~0.7ku2jm.~1.36e.", "{name}");
        assert_eq!((&told["nodes"], &told["branches"], &told["comments"]), (&4.into(), &1.into(), &1.into()), "{name}");
    }
    let (code, _, _) = trainer(folder, &["convert", "utf8.kif", "out.kif"]);
    assert_eq!(code, Some(0));
    let bytes = fs::read(folder.join("out.kif")).unwrap();
    let (text, _, broken) = SHIFT_JIS.decode(&bytes);
    assert!(!broken && text.starts_with("#KIF version=2.0 encoding=Shift_JIS\n"), "{text}");
}

#[test]
fn folders_are_converted_whole() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir_all(folder.join("in/deep")).unwrap();
    fs::write(folder.join("in/a.kifu"), KIF).unwrap();
    fs::write(folder.join("in/deep/b.csa"), "PI\n+\n+7776FU\n/\nPI\n+\n+2726FU\n").unwrap();
    fs::write(folder.join("in/a.usi"), "startpos moves 9g9f").unwrap();
    fs::write(folder.join("in/notes.txt"), "no record").unwrap();
    let (code, printed, _) = trainer(folder, &["convert", "in", "out", "--to", "ki2u"]);
    assert_eq!((code, &*printed), (Some(0), "4 files written to out\n"));
    for (name, moves) in
        [("a.ki2u", "△３四歩"), ("a.usi.ki2u", "▲９六歩"), ("deep/b.ki2u", "▲７六歩"), ("deep/b-2.ki2u", "▲２六歩")]
    {
        let text = fs::read_to_string(folder.join("out").join(name)).unwrap();
        assert!(text.contains(moves), "{name}: {text}");
    }
    let (_, printed, _) = trainer(folder, &["convert", "in", "--to", "json"]);
    let told: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(told.as_array().map(Vec::len), Some(4));
    fs::write(folder.join("in/a.jkf"), "[").unwrap();
    let (code, _, message) = trainer(folder, &["convert", "in", "again", "--to", "csa"]);
    assert_eq!(code, Some(1));
    assert!(message.contains("a.jkf") && message.contains("1 of 4 files"), "{message}");
    assert!(folder.join("again/deep/b.csa").is_file());
}

#[test]
fn what_is_wrong_is_told() {
    #[track_caller]
    fn check(args: &[&str], code: i32, parts: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        fs::write(folder.join("bad.kifu"), "   1 ７六歩(77)\n   2 ３五歩(33)\n").unwrap();
        fs::write(folder.join("noise.jkf"), b"\x00\xff{").unwrap();
        fs::write(folder.join("heart.kifu"), "先手：♥\n   1 ７六歩(77)\n").unwrap();
        let (found, _, message) = trainer(folder, args);
        assert_eq!(found, Some(code), "{message}");
        for part in parts {
            assert!(message.contains(part), "no {part:?} in {message}");
        }
    }
    check(&["convert", "bad.kifu", "out.csa"], 0, &["bad.kifu: line 2, column 6: 3c3e is against the rules here"]);
    check(&["convert", "noise.jkf", "--to", "json"], 1, &["noise.jkf", "line 1, column 1"]);
    check(&["convert", "absent.kif", "--to", "json"], 1, &["absent.kif: cannot be read"]);
    check(&["convert", "bad.kifu", "--to", "pgn"], 2, &["\"pgn\"", "kifu"]);
    check(&["convert", "heart.kifu", "out.kif"], 1, &["out.kif: line 2", "'♥'", "kifu"]);
}
