//! Exports, read by other programs.
//!
//! The programs run only if `INTEROP_PYTHON` names a Python that has them; `cargo xtask test` installs one from
//! `tests/python/requirements.txt`. See `tests/python/interop.py`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use keisei_core::encoding::{Actions, Features, PackedObservation, SQUARES};
use keisei_core::format::{Dtype, Model, Provenance, Record, record};
use keisei_core::net::scalar::Scalar;
use keisei_core::net::simd::Simd;
use keisei_core::net::{Executor, NetOptions, NetSpec, OUTCOMES, Wdl, WdlLogits, Weights};
use keisei_core::shogi::{Color, Game, GameResult, Position};
use keisei_play::rating::centipawns;

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

/// Every position before a move, with its game and its ply.
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

/// Small network without a layer of zeros, which initial weights have and which would hide an error.
fn model(features: Features, options: NetOptions) -> Model {
    let actions = Actions::Dest2187;
    let small = NetSpec::for_encodings(features, actions);
    let spec = NetSpec { channels: 16, value_channels: 2, value_hidden: 16, options, ..small };
    let mut weights = Weights::init(&spec, 7).unwrap();
    for (i, weight) in weights.data_mut().iter_mut().enumerate().filter(|(_, weight)| **weight == 0.0) {
        *weight = 0.1 * (i as f32).sin();
    }
    Model { features, actions, provenance: Provenance::default(), weights }
}

/// Exports models of every kind, each to its own folder, with positions and our executor's outputs for them.
fn write_models(folder: &Path, games: &[Record]) {
    let all = NetOptions { se_hidden: 8, pool_hidden: 12, score_hidden: 16 };
    for (name, model) in [
        ("plain", model(Features::Attack96, NetOptions::default())),
        ("options", model(Features::Attack96, all)),
        ("dlshogi", model(Features::Dlshogi119, NetOptions { pool_hidden: 0, ..all })),
    ] {
        fs::create_dir(folder.join(name)).unwrap();
        fs::write(folder.join(name).join("model.model"), model.to_bytes(Dtype::F32).unwrap()).unwrap();
        for format in ["onnx", "safetensors"] {
            let out = format!("{name}/model.{format}");
            run(folder, &["export", "--run", name, "--out", &out, "--to", format]);
        }
        write_outputs(&folder.join(name), &model, games);
    }
}

/// Some positions, and the outputs of the network for them as raw numbers: `NAME.f32` for each output of its ONNX.
fn write_outputs(folder: &Path, model: &Model, games: &[Record]) {
    let all: Vec<_> = positions(games).map(|(_, _, game)| game).collect();
    let games: Vec<_> = all.iter().cycle().take(POSITIONS).collect();
    let observations: Vec<_> = games.iter().map(|game| PackedObservation::new(game)).collect();
    let size = model.features.planes() * SQUARES;
    let mut planes = vec![0.0; POSITIONS * size];
    model.features.expand_batch(&observations, &mut planes);
    let scored = usize::from(model.spec().options.score_hidden > 0);
    let outputs = |batch: usize, executor: &mut dyn Executor| {
        let mut policy = vec![0.0; batch * model.actions.count()];
        let (mut wdl, mut score) = (vec![0.0; batch * OUTCOMES], vec![0.0; batch * scored]);
        executor.forward_scored(batch, &planes[..batch * size], &mut policy, &mut wdl, &mut score);
        [policy, wdl, score]
    };
    let [policy, wdl, score] = outputs(POSITIONS, &mut Simd::new(&model.weights));
    // The scalar definition agrees on the first position.
    for (ours, defined) in [&policy, &wdl, &score].into_iter().zip(outputs(1, &mut Scalar::new(&model.weights))) {
        assert!(defined.iter().zip(ours).all(|(a, b)| (a - b).abs() < 1e-4));
    }
    let write = |name: &str, numbers: &[f32]| {
        let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        fs::write(folder.join(name).with_extension("f32"), bytes).unwrap();
    };
    if model.features == Features::Dlshogi119 {
        let sfens: String = games.iter().map(|game| game.position().to_sfen() + "\n").collect();
        fs::write(folder.join("positions.txt"), sfens).unwrap();
        let value = wdl.as_chunks().0.iter().map(|&logits| {
            let Wdl { win, draw, .. } = WdlLogits(logits).softmax();
            win + draw / 2.0
        });
        write("output_policy", &policy);
        write("output_value", &value.collect::<Vec<_>>());
    } else {
        write("planes", &planes);
        write("policy", &policy);
        write("wdl", &wdl);
        if scored > 0 {
            write("score", &score);
        }
    }
}

/// Writes the expected contents of the data sets: SFEN, move, centipawns and winner; and the moves of each game.
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

/// Recorded games, among whose positions are some of every kind.
fn recorded(folder: &Path) -> Vec<Record> {
    run(folder, &["export", "--init", "7", "--out", "model.model"]);
    let evaluate = ["evaluate", "--model", "model.model", "--games", "8", "--opponent", "greedy"];
    run(folder, &[&evaluate[..], &["--record", "games.record"]].concat());
    record::from_bytes(&fs::read(folder.join("games.record")).unwrap()).unwrap()
}

/// Lets the programs read the folder, each by its name in `tests/python/interop.py`.
fn ask(folder: &Path, programs: &[&str]) {
    let Ok(python) = std::env::var("INTEROP_PYTHON") else {
        return println!("not asked, without INTEROP_PYTHON: {programs:?}");
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/python/interop.py");
    let Output { status, stdout, stderr } =
        Command::new(python).arg(script).arg(folder).args(programs).output().unwrap();
    let (told, errors) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{told}\n{errors}");
    println!("{told}");
}

#[test]
fn models_are_what_onnxruntime_runs() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_models(folder, &recorded(folder));
    for name in ["plain", "options", "dlshogi"] {
        let file = |extension: &str| fs::read(folder.join(name).join("model").with_extension(extension)).unwrap();
        let model = Model::from_bytes(&file("model")).unwrap();
        let back = trainer_native::interop::safetensors::from_bytes(&file("safetensors"), model.spec()).unwrap();
        assert_eq!(back, model.weights);
        let config: serde_json::Value = serde_json::from_slice(&file("json")).unwrap();
        assert_eq!((&config["features"], &config["spec"]["channels"]), (&model.features.id().into(), &16.into()));
    }
    check_refused(folder, &["export", "--init", "7", "--pages", ".", "--to", "onnx"], 2, "--out");
    ask(folder, &["onnxruntime"]);
}

#[test]
#[ignore = "PyTorch is large: INTEROP_PYTHON=… cargo test --test interop -- --ignored, a Python with torch, safetensors, numpy"]
fn models_are_what_pytorch_loads() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_models(folder, &recorded(folder));
    assert!(std::env::var_os("INTEROP_PYTHON").is_some(), "INTEROP_PYTHON names no Python");
    ask(folder, &["torch"]);
}

#[test]
fn games_are_what_cshogi_reads() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let games = recorded(folder);
    let count = write_expected(folder, &games);
    for (name, size) in [("games.hcpe", 38), ("games.psv", 40)] {
        let told = run(folder, &["dataset", "games.record", "--out", name]);
        assert!(told.starts_with(&format!("{name}: {count} of ")) && told.contains(" 8 games"), "{told}");
        assert_eq!(fs::metadata(folder.join(name)).unwrap().len(), size * count as u64);
    }
    run(folder, &["convert", "games.record", "games.csa"]);
    run(folder, &["convert", "games.record", "kif/games.kif"]);
    assert_eq!(fs::read_dir(folder.join("kif")).unwrap().count(), 8);
    check_refused(folder, &["dataset", "games.record", "--out", "games.txt"], 2, ".hcpe or .psv");
    check_refused(folder, &["dataset", "model.model", "--out", "games.psv"], 1, "model.model");
    ask(folder, &["cshogi"]);
}
