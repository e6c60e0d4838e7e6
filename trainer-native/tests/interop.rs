//! Exports as other programs read them.
//!
//! The programs themselves are asked where `KEISEI_PYTHON` names a Python that has onnxruntime, torch or cshogi: see
//! `tests/python/interop.py`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use keisei_core::encoding::{Actions, Features, PackedObservation};
use keisei_core::format::{Model, Record, record};
use keisei_core::net::scalar::Scalar;
use keisei_core::net::{Executor, OUTCOMES};
use keisei_core::shogi::{Color, Game, GameResult, Position};
use trainer_native::score::centipawns;

/// Positions on which logits are compared.
const POSITIONS: usize = 1000;

fn trainer(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_trainer-native")).current_dir(folder).args(args).output().unwrap()
}

fn run(folder: &Path, args: &[&str]) -> String {
    let Output { status, stdout, stderr } = trainer(folder, args);
    assert!(status.success(), "{args:?}\n{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

fn check_refused(folder: &Path, args: &[&str], code: i32, part: &str) {
    let Output { status, stderr, .. } = trainer(folder, args);
    let message = String::from_utf8(stderr).unwrap();
    assert!(status.code() == Some(code) && message.contains(part), "{args:?}\n{message}");
}

/// Every game of the file, each position before a move.
fn positions(games: &[Record]) -> impl Iterator<Item = (&Record, usize, Game)> {
    games.iter().flat_map(|record| {
        let mut game = Game::new(Position::from_sfen(&record.start_sfen).unwrap(), record.max_plies);
        record.moves.iter().enumerate().map(move |(ply, &mv)| {
            let before = game.clone();
            game.play(mv);
            (record, ply, before)
        })
    })
}

/// Planes and the scalar executor's logits of some positions, as raw numbers.
fn write_logits(folder: &Path, model: &Model, games: &[Record]) {
    let all: Vec<_> = positions(games).map(|(_, _, game)| PackedObservation::new(&game)).collect();
    let observations: Vec<_> = all.into_iter().cycle().take(POSITIONS).collect();
    let mut planes = vec![0.0; POSITIONS * Features::Attack96.planes() * 81];
    Features::Attack96.expand_batch(&observations, &mut planes);
    let mut policy = vec![0.0; POSITIONS * Actions::Dest2187.count()];
    let mut wdl = vec![0.0; POSITIONS * OUTCOMES];
    keisei_core::net::simd::Simd::new(&model.weights).forward(POSITIONS, &planes, &mut policy, &mut wdl);
    // The definition agrees on the first.
    let (mut one_policy, mut one_wdl) = (vec![0.0; Actions::Dest2187.count()], vec![0.0; OUTCOMES]);
    Scalar::new(&model.weights).forward(1, &planes[..96 * 81], &mut one_policy, &mut one_wdl);
    assert!(one_policy.iter().zip(&policy).all(|(a, b)| (a - b).abs() < 1e-4));
    for (name, numbers) in [("planes", &planes), ("policy", &policy), ("wdl", &wdl)] {
        let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        fs::write(folder.join(format!("{name}.f32")), bytes).unwrap();
    }
}

/// What the data sets should hold: SFEN, move, centipawns, and who wins; and the moves of each game.
fn write_expected(folder: &Path, games: &[Record]) -> usize {
    let mut rows = String::new();
    let mut count = 0;
    for (record, ply, game) in positions(games) {
        let Some(value) = record.plies.get(ply).and_then(|ply| ply.value) else { continue };
        let winner = match record.outcome.map(|outcome| outcome.result) {
            Some(GameResult::Win(Color::Black)) => "b",
            Some(GameResult::Win(Color::White)) => "w",
            Some(GameResult::Draw) => "draw",
            _ => continue,
        };
        let (sfen, mv) = (game.position().to_sfen(), record.moves[ply]);
        writeln!(rows, "{sfen}\t{mv}\t{}\t{winner}", centipawns(value)).unwrap();
        count += 1;
    }
    fs::write(folder.join("positions.tsv"), rows).unwrap();
    let line = |record: &Record| record.moves.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ") + "\n";
    fs::write(folder.join("games.txt"), games.iter().map(line).collect::<String>()).unwrap();
    count
}

#[test]
fn models_and_games_are_what_other_programs_read() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run(folder, &["export", "--init", "7", "--out", "model.model"]);
    run(folder, &["export", "--init", "7", "--out", "model.onnx", "--to", "onnx"]);
    run(folder, &["export", "--init", "7", "--out", "model.safetensors", "--to", "safetensors"]);
    let evaluate = ["evaluate", "--model", "model.model", "--games", "8", "--opponent", "greedy"];
    run(folder, &[&evaluate[..], &["--record", "games.record"]].concat());
    let model = Model::from_bytes(&fs::read(folder.join("model.model")).unwrap()).unwrap();
    let games = record::from_bytes(&fs::read(folder.join("games.record")).unwrap()).unwrap();

    let bytes = fs::read(folder.join("model.safetensors")).unwrap();
    let back = trainer_native::interop::safetensors::from_bytes(&bytes, model.spec()).unwrap();
    assert_eq!(back, model.weights);
    let config: serde_json::Value = serde_json::from_slice(&fs::read(folder.join("model.json")).unwrap()).unwrap();
    assert_eq!((&config["features"], &config["spec"]["channels"]), (&"attack96".into(), &32.into()));
    let onnx = fs::metadata(folder.join("model.onnx")).unwrap().len();
    assert!(onnx > 4 * model.spec().parameters() as u64, "{onnx} bytes");

    let count = write_expected(folder, &games);
    for (name, size) in [("games.hcpe", 38), ("games.psv", 40)] {
        let told = run(folder, &["dataset", "games.record", "--out", name]);
        assert!(told.starts_with(&format!("{name}: {count} of ")) && told.contains(" 8 games"), "{told}");
        assert_eq!(fs::metadata(folder.join(name)).unwrap().len(), size * count as u64);
    }
    run(folder, &["convert", "games.record", "games.csa"]);
    run(folder, &["convert", "games.record", "kif/games.kif"]);
    assert_eq!(fs::read_dir(folder.join("kif")).unwrap().count(), 8);
    check_refused(folder, &["export", "--init", "7", "--web", ".", "--to", "onnx"], 2, "--out");
    check_refused(folder, &["dataset", "games.record", "--out", "games.txt"], 2, ".hcpe or .psv");
    check_refused(folder, &["dataset", "model.model", "--out", "games.psv"], 1, "model.model");

    if let Ok(python) = std::env::var("KEISEI_PYTHON") {
        write_logits(folder, &model, &games);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/python/interop.py");
        let Output { status, stdout, stderr } = Command::new(python).arg(script).arg(folder).output().unwrap();
        let (told, errors) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        assert!(status.success(), "{told}\n{errors}");
        println!("{told}");
    }
}
