//! The encodings of other programs against numbers recorded from these programs (`data/golden`): those of the original Keisei,
//! and dlshogi's as implemented in cshogi (`python/dlshogi_golden.py`).

use keisei_core::encoding::{Actions, Counters, Features, PackedObservation, SQUARES};
use keisei_core::shogi::{Move, Position};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The recorded positions of one file, each with the position that our rules reach by its moves.
fn golden(file: &str) -> Vec<(Value, Position)> {
    let path = format!("{}/data/golden/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("golden file of the repository");
    let root: Value = serde_json::from_str(&text).expect("golden file is JSON");
    let rows = root["positions"].as_array().expect("positions").clone();
    rows.into_iter()
        .map(|row| {
            let mut position = Position::from_sfen(row["start"].as_str().expect("start")).expect("golden start");
            for usi in row["moves"].as_array().expect("moves") {
                position.play(usi.as_str().expect("move").parse().expect("golden move"));
            }
            (row, position)
        })
        .collect()
}

/// Our planes `[plane][square]` in the recorded order: plane, rank a–i, file 9–1.
fn row_major(planes: &[f32]) -> Vec<f32> {
    let plane = |p: &[f32]| (0..SQUARES).map(|i| p[9 * (8 - i % 9) + i / 9]).collect::<Vec<_>>();
    planes.chunks_exact(SQUARES).flat_map(plane).collect()
}

fn recorded(row: &Value, planes: usize) -> Vec<f32> {
    let mut out = vec![0.0; planes * SQUARES];
    for uniform in row["const"].as_array().expect("const") {
        let plane = uniform["plane"].as_u64().expect("plane") as usize;
        out[plane * SQUARES..][..SQUARES].fill(uniform["const"].as_f64().expect("value") as f32);
    }
    for cell in row["cells"].as_array().expect("cells") {
        let at = |i: usize| cell[i].as_u64().expect("index") as usize;
        out[at(0) * SQUARES + 9 * at(1) + at(2)] = cell[3].as_f64().expect("value") as f32;
    }
    out
}

fn from_hex(text: &str) -> Vec<u8> {
    let byte = |i| u8::from_str_radix(&text[i..i + 2], 16).expect("hexadecimal digits");
    (0..text.len()).step_by(2).map(byte).collect()
}

/// Compares planes with a file. Counters are recorded where the planes depend on them, cells in some positions for readers, a
/// digest in every position.
fn check_planes(file: &str, features: Features, limit: &str) {
    let number = |row: &Value, key: &str| {
        row.get(key).map_or(0, |n| u16::try_from(n.as_u64().expect("number")).expect("16 bits"))
    };
    for (row, position) in golden(file) {
        let repetition = number(&row, "occurrences").max(1) as u8;
        let counters = Counters { repetition, plies: number(&row, "ply"), max_plies: number(&row, limit) };
        let mut planes = vec![0.0; features.planes() * SQUARES];
        features.expand(&PackedObservation::of_position(&position, counters), &mut planes);
        let planes = row_major(&planes);
        if row.get("cells").is_some() {
            assert_eq!(planes, recorded(&row, features.planes()), "{file} {}", row["id"]);
        }
        let bytes: Vec<u8> = planes.iter().flat_map(|x| x.to_le_bytes()).collect();
        let digest = from_hex(row["sha256"].as_str().expect("digest"));
        assert_eq!(digest, Sha256::digest(&bytes).as_slice(), "{file} {}", row["id"]);
    }
}

#[test]
fn planes_equal_the_original_programs_bit_for_bit() {
    check_planes("core46-2025.json", Features::Core46Keisei2025, "max_moves");
    check_planes("core46-2026.json", Features::Core46Keisei2026, "max_ply");
    check_planes("katago50-2026.json", Features::Katago50, "max_ply");
    check_planes("dlshogi119.json", Features::Dlshogi119, "max_ply");
}

fn check_actions(file: &str, actions: Actions) {
    for (row, position) in golden(file) {
        let recorded: BTreeMap<String, u16> =
            serde_json::from_value(row["actions"].clone()).expect("actions of a golden position");
        let legal = actions.legal(&position);
        let ours =
            legal.moves().iter().map(Move::to_string).zip(legal.actions().iter().map(|action| action.0)).collect();
        assert_eq!(recorded, ours, "{file} {}", row["id"]);
    }
}

#[test]
fn actions_equal_the_original_programs() {
    check_actions("flat13527-2025.json", Actions::Flat13527Keisei2025);
    check_actions("flat13527-2026.json", Actions::Flat13527Keisei2026);
    check_actions("spatial11259-2026.json", Actions::Spatial11259);
    check_actions("dest2187.json", Actions::Dest2187);
}
