//! `convert` from the view of its user: encodings, folders, messages and exit codes.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use encoding_rs::{EUC_JP, SHIFT_JIS};
use keisei_core::format::{PlyInfo, Record, record};
use keisei_core::net::Value;
use keisei_core::notation::Format;
use keisei_core::shogi::{Color, Game};
use serde_json::Value as Json;
use trainer_native::interop::games;

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
        let told: Json = serde_json::from_str(&printed).unwrap();
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
    let told: Json = serde_json::from_str(&printed).unwrap();
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
    check(
        &["convert", "heart.kifu", "out.kif"],
        0,
        &["out.kif: Shift_JIS lacks 1 of the characters", "'♥'", "&#x2665;"],
    );
}

/// Converts a text to another file and returns exit code, messages, and the bytes of the output.
fn converted(name: &str, text: &[u8], output: &str) -> (Option<i32>, String, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join(name), text).unwrap();
    let (code, _, messages) = trainer(folder, &["convert", name, output]);
    (code, messages, fs::read(folder.join(output)).unwrap_or_default())
}

#[test]
fn a_game_that_is_read_in_part_is_written_and_the_exit_code_tells() {
    let cut = "手合割：平手\n   1 ７六歩(77)\n   2 ５五角(22)\n   3 ２六歩(27)\n";
    let (code, messages, bytes) = converted("cut.kifu", cut.as_bytes(), "out.usi");
    assert_eq!(code, Some(1), "{messages}");
    assert!(messages.contains("line 3") && messages.contains("1 could be read in part only"), "{messages}");
    assert_eq!(String::from_utf8(bytes).unwrap().trim(), "position startpos moves 7g7f");
    // A remark that is kept as a comment loses nothing, nor does a move against the rules that ends its game.
    let whole = "手合割：平手\n   1 ７六歩(77)\nsome remark\n   2 ３四歩(33)\n   3 ２二玉(59)\n   4 反則勝ち\n";
    let (code, messages, _) = converted("whole.kifu", whole.as_bytes(), "out.csa");
    assert_eq!(code, Some(0), "{messages}");
}

#[test]
fn one_bad_start_does_not_take_the_others_along() {
    let games =
        "startpos moves 7g7f\nsfen 9/9 b - 1 moves 7g7f\nposition sfen 4k4/9/9/9/9/9/9/9/4K4 w - 5 moves 5a5b\n";
    let (code, messages, bytes) = converted("games.usi", games.as_bytes(), "out.csa");
    assert_eq!(code, Some(1));
    for part in
        ["games.usi, game 2: line 2, column 6", "nine ranks", "game 2: is left out", "of 3 games 1 could not be read"]
    {
        assert!(messages.contains(part), "no {part:?} in {messages}");
    }
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(text.matches("V3.0").count(), 2, "{text}");
    assert!(text.contains("+7776FU") && text.contains("-5152OU"), "{text}");
}

#[test]
fn no_game_is_written_from_a_start_that_is_not_understood() {
    #[track_caller]
    fn check(name: &str, text: &str, part: &str) {
        let (code, messages, bytes) = converted(name, text.as_bytes(), "out.csa");
        assert_eq!((code, bytes.len()), (Some(1), 0), "{text}\n{messages}");
        assert!(messages.contains(part), "no {part:?} in {messages}");
    }
    let moves = "   1 ７六歩(77)\n   2 ３四歩(33)\n";
    check("a.kif", &format!("手合割：三十枚落ち\n{moves}"), "a.kif: line 1, column 1: \"三十枚落ち\"");
    check("a.kif", &format!("手合割：その他\n{moves}"), "no known start position");
    check("a.kif", &format!("下手：甲\n上手：乙\n{moves}"), "the handicap");
    check("a.kif", &format!("先手の持駒：飛\n{moves}"), "a board of nine ranks");
    check("a.csa", "P1-KY-KE-GI-KI-OU-KI-GI-KE-KY\n+\n+7776FU\n", "a board of nine ranks");
    check("a.csa", "PX82HI22KA\n-\n-5142OU\n", "a.csa: line 1");
    check("a.jkf", r#"{"initial":{"preset":"TONBO"},"moves":[{}]}"#, "TONBO");
    check("a.usen", "9_9.b.-~0.7ku.", "nine ranks");
}

#[test]
fn what_a_format_cannot_hold_is_told() {
    let kif = "先手：試験\n   1 ７六歩(77)   ( 0:01/00:00:01)\n*ひとこと\n   2 ３四歩(33)\n変化：2手\n   2 ８四歩(83)\n変化：2手\n   2 封じ手\n";
    let (_, messages, _) = converted("a.kifu", kif.as_bytes(), "out.csa");
    assert_eq!(messages, "a.kifu: left out: 2 variations\n");
    let (_, messages, _) = converted("a.kifu", kif.as_bytes(), "out.usi");
    assert_eq!(messages, "a.kifu: left out: 2 variations, 1 comment, 1 time of a move, 1 header\n");
    let (_, messages, bytes) = converted("a.kifu", kif.as_bytes(), "out.jkf");
    assert_eq!((&*messages, bytes.is_empty()), ("", false));
}

#[test]
fn the_extension_decides_over_the_encoding() {
    let kif = "先手：𠮷野 髙橋\n   1 ７六歩(77)\n*☗と☖\n".as_bytes();
    let (code, messages, bytes) = converted("a.kifu", kif, "out.kif");
    assert_eq!(code, Some(0));
    assert!(
        messages.contains("Shift_JIS lacks 1 of the characters") && messages.contains("'𠮷' as &#x20BB7;"),
        "{messages}"
    );
    let (text, _, broken) = SHIFT_JIS.decode(&bytes);
    assert!(!broken && text.contains("先手：&#x20BB7;野 髙橋") && text.contains("*▲と△"), "{text}");
    // The number is read back as the character.
    let (_, _, again) = converted("again.kif", &bytes, "out.kifu");
    assert!(String::from_utf8(again).unwrap().contains("encoding=UTF-8\n先手：𠮷野 髙橋"));
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.csa"), "N+甲\nPI\n+\n+7776FU\n").unwrap();
    assert_eq!(trainer(folder.path(), &["convert", "a.csa", "b.kif", "--to", "kifu"]).0, Some(0));
    assert!(!SHIFT_JIS.decode(&fs::read(folder.path().join("b.kif")).unwrap()).2);
}

fn opening() -> Game {
    let mut game = Game::startpos();
    for usi in ["7g7f", "3c3d"] {
        game.play(usi.parse().unwrap());
    }
    game
}

#[test]
fn standard_input_is_a_record_too() {
    let run = |input: &[u8]| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_trainer-native"))
            .args(["convert", "-", "--to", "usi"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let Output { status, stdout, .. } = child.wait_with_output().unwrap();
        (status.code(), String::from_utf8(stdout).unwrap())
    };
    let expected = (Some(0), "position startpos moves 7g7f 3c3d\n".to_owned());
    assert_eq!(run(&SHIFT_JIS.encode(KIF).0), expected);
    assert_eq!(run(b"To_Move:+\nPI\n+\n+7776FU\n-3334FU\n"), expected);
    let game = opening();
    assert_eq!(run(&record::to_bytes(&[Record::of_game(&game, "", "", Vec::new())]).unwrap()), expected);
}

#[test]
fn forfeits_keep_their_loser_and_their_note() {
    let note = "the engine played \"bestmove 9a1i+\": that is not a legal move here";
    for (moves, loser) in [(2, Color::Black), (1, Color::White)] {
        let mut game = Game::startpos();
        for mv in &opening().moves()[..moves] {
            game.play(*mv);
        }
        game.forfeit(loser);
        let record = Record { note: note.into(), ..Record::of_game(&game, "黒", "白", Vec::new()) };
        let bytes = record::to_bytes(std::slice::from_ref(&record)).unwrap();
        for (out, foul) in
            [("out.csa", "%ILLEGAL_MOVE"), ("out.kifu", "反則負け"), ("out.ki2u", "反則"), ("out.jkf", "ILLEGAL_MOVE")]
        {
            let (code, messages, text) = converted("games.record", &bytes, out);
            assert_eq!((code, &*messages), (Some(0), ""), "{out}");
            let shown = String::from_utf8(text.clone()).unwrap();
            assert!(shown.contains(foul) && shown.contains("bestmove 9a1i+"), "{out}: {shown}");
            let (code, messages, back) = converted(out, &text, "back.record");
            assert_eq!((code, &*messages), (Some(0), ""), "{out}");
            let back = record::from_bytes(&back).unwrap();
            assert_eq!(
                (back[0].outcome, &back[0].note, &back[0].moves),
                (record.outcome, &record.note, &record.moves),
                "{out}"
            );
        }
    }
}

#[test]
fn values_and_policies_of_our_records_come_out_as_evaluations() {
    let game = opening();
    let info = |value, top: &[(&str, f32)], line: &[&str]| PlyInfo {
        value: Some(Value(value)),
        line: line.iter().map(|usi| usi.parse().unwrap()).collect(),
        top: top.iter().map(|&(usi, probability)| (usi.parse().unwrap(), probability)).collect(),
    };
    let plies =
        vec![info(0.5, &[("7g7f", 0.75), ("2g2f", 0.1)], &["7g7f", "8c8d"]), info(0.25, &[("3c3d", 1.0)], &["8c8d"])];
    let record = Record::of_game(&game, "黒", "白", plies);
    let bytes = record::to_bytes(std::slice::from_ref(&record)).unwrap();
    let (code, messages, csa) = converted("games.record", &bytes, "out.csa");
    assert_eq!((code, &*messages), (Some(0), ""));
    let csa = String::from_utf8(csa).unwrap();
    // Half a point is odds of three to one, or 600 ln 3 centipawns; White's value is against Black.
    // A line that begins with another move than the one that was played has no place after it.
    assert!(
        csa.contains("+7776FU\n'** 659 -8384FU\n'**期待値=0.5\n'**候補手=▲７六歩(77):0.75▲２六歩(27):0.1\n"),
        "{csa}"
    );
    assert!(csa.contains("-3334FU\n'** -306\n'**期待値=-0.25\n'**候補手=△３四歩(33):1\n"), "{csa}");
    let (_, _, kif) = converted("games.record", &bytes, "out.kifu");
    let kif = String::from_utf8(kif).unwrap();
    assert!(kif.contains("**評価値=659\n**読み筋=△８四歩(83)\n**期待値=0.5\n**候補手="), "{kif}");
    // They come back in: what is written from KIF is the same as what was written from the record.
    let (_, _, again) = converted("again.kifu", kif.as_bytes(), "out.csa");
    assert_eq!(String::from_utf8(again).unwrap(), csa);
    // And into a record, which is the same but for a line that had no place.
    let (code, messages, bytes) = converted("again.csa", csa.as_bytes(), "out.record");
    assert_eq!((code, &*messages), (Some(0), ""));
    let mut expected = record.clone();
    expected.plies[1].line.clear();
    assert_eq!(record::from_bytes(&bytes), Ok(vec![expected]));
}

#[test]
fn games_of_others_become_records() {
    let kif = "先手：甲\n場所：東京\n   1 ７六歩(77)   ( 0:01/00:00:01)\n**評価値=100\n   2 ３四歩(33)\n*#評価値=50\n   3 投了\n変化：2手\n   2 ８四歩(83)\n";
    let (code, messages, bytes) = converted("a.kifu", kif.as_bytes(), "out.record");
    assert_eq!(code, Some(0));
    assert_eq!(messages, "a.kifu: left out: 1 variation, 1 evaluation, 1 time of a move, 1 header\n");
    let records = record::from_bytes(&bytes).unwrap();
    let outcome = records[0].outcome.map(|outcome| outcome.to_string());
    assert_eq!((&*records[0].black, outcome.as_deref()), ("甲", Some("white wins: resignation")));
    let values: Vec<Option<Value>> = records[0].plies.iter().map(|ply| ply.value).collect();
    assert!(matches!(values[..], [Some(Value(value))] if (value - 0.083_141).abs() < 1e-5), "{values:?}");
    let (code, messages, _) = converted("a.kifu", "   1 ７六歩(77)\n   2 時間切れ\n".as_bytes(), "out.record");
    assert_eq!((code, &*messages), (Some(0), "a.kifu: left out: 1 end of a line\n"));
}

/// Bytes with damage: some changed, cut out or doubled; `random` draws below a limit.
fn damaged(bytes: &[u8], random: &mut impl FnMut(usize) -> usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=random(6) {
        if bytes.is_empty() {
            break;
        }
        let at = random(bytes.len());
        let end = (at + 1 + random(24)).min(bytes.len());
        match random(4) {
            0 => bytes[at] = random(256) as u8,
            1 => bytes[at] = bytes[end - 1],
            2 => drop(bytes.drain(at..end)),
            _ => {
                let piece = bytes[at..end].to_vec();
                let to = random(bytes.len());
                bytes.splice(to..to, piece);
            }
        }
    }
    bytes
}

#[test]
fn damaged_files_are_told_or_read_and_never_more() {
    let inputs = std::env::var("KEISEI_MUTATIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(3000);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/kifu");
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for name in ["tree.kif", "mate.ki2", "clocks.csa", "games.csa", "handicap.jkf"] {
        let text = fs::read_to_string(folder.join(name)).unwrap();
        files.push((name.to_owned(), SHIFT_JIS.encode(&text).0.into_owned()));
        files.push((name.to_owned(), EUC_JP.encode(&text).0.into_owned()));
        files.push((name.to_owned(), text.into_bytes()));
    }
    files.push(("games.record".into(), record::to_bytes(&[Record::of_game(&opening(), "", "", Vec::new())]).unwrap()));
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % limit as u64) as usize
    };
    let mut games = 0;
    for input in 0..inputs {
        let (name, bytes) = &files[input % files.len()];
        let bytes = damaged(bytes, &mut random);
        let mut told = 0;
        match games::parse(name, Path::new(name), &bytes, &mut |_| told += 1) {
            Err(error) => assert!(!error.to_string().is_empty()),
            Ok(source) => {
                assert!(source.unreadable == 0 || told > 0, "{name}: {}", String::from_utf8_lossy(&bytes));
                for index in 0..source.games.len() {
                    let game = source.games.get(index);
                    drop((Record::of_tree(&game.tree), games::shift_jis(&Format::Kif.write(&game.tree))));
                    games += 1;
                }
            }
        }
    }
    assert!(games > inputs / 3, "{games} games of {inputs}");
}
