//! What the browser tests need from the native side.
//!
//! `cargo run -p keisei-tests --bin fixtures -- DIR [MODEL…]` writes
//!
//! | file | content |
//! |---|---|
//! | `random.model` | a model that has learned nothing, from a fixed seed |
//! | `positions.txt` | 1,000 positions of random games, one a line: USI moves from the start position |
//! | `logits-N.bin` | for model N (0 is `random.model`, then the MODELs): per position all policy logits and three outcome logits, f32 little-endian |

use anyhow::{Context, Result};
use keisei_core::encoding::{Actions, Features, PackedObservation, SQUARES};
use keisei_core::format::{Dtype, Model, Provenance};
use keisei_core::net::{Executor, NetSpec, OUTCOMES, Weights, scalar::Scalar};
use keisei_core::shogi::{Game, Move};
use std::fs;
use std::path::{Path, PathBuf};

const SEED: u64 = 20_261_124;
const POSITIONS: usize = 1000;
/// The ply limit under which the positions are judged; the page plays under the same.
const MAX_PLIES: u16 = 512;

fn main() -> Result<()> {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let directory = args.next().context("usage: fixtures DIR [MODEL…]")?;
    fs::create_dir_all(&directory).with_context(|| format!("{}", directory.display()))?;
    let random = directory.join("random.model");
    write(&random, &untrained()?.to_bytes(Dtype::F32)?)?;
    let games = positions();
    let lines: Vec<String> = games.iter().map(|game| moves_text(game.moves()) + "\n").collect();
    write(&directory.join("positions.txt"), lines.concat().as_bytes())?;
    for (number, path) in std::iter::once(random).chain(args).enumerate() {
        let bytes = fs::read(&path).with_context(|| format!("{}", path.display()))?;
        let model = Model::from_bytes(&bytes).with_context(|| format!("{}", path.display()))?;
        write(&directory.join(format!("logits-{number}.bin")), &logits(&model, &games))?;
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("{}", path.display()))
}

fn untrained() -> Result<Model> {
    let (features, actions) = (Features::Attack96, Actions::Dest2187);
    let spec = NetSpec {
        planes: features.planes() as u16,
        policy_planes: actions.planes() as u16,
        channels: 32,
        blocks: 2,
        value_channels: 4,
        value_hidden: 64,
    };
    let provenance = Provenance { run: "random".into(), ..Provenance::default() };
    Ok(Model { features, actions, provenance, weights: Weights::init(&spec, SEED)? })
}

fn moves_text(moves: &[Move]) -> String {
    moves.iter().map(Move::to_string).collect::<Vec<_>>().join(" ")
}

/// Positions of random games at random plies, none of them over.
fn positions() -> Vec<Game> {
    let mut random = SEED;
    let mut below = |bound: usize| {
        // SplitMix64.
        random = random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = random;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % bound as u64) as usize
    };
    let mut found = Vec::new();
    while found.len() < POSITIONS {
        let mut game = Game::new(keisei_core::shogi::Position::startpos(), MAX_PLIES);
        for _ in 0..below(200) {
            let moves = game.position().legal_moves();
            if game.outcome().is_some() {
                break;
            }
            game.play(moves[below(moves.len())]);
        }
        if game.outcome().is_none() {
            found.push(game);
        }
    }
    found
}

/// The definition's answer to each position.
fn logits(model: &Model, games: &[Game]) -> Vec<u8> {
    let mut executor = Scalar::new(&model.weights);
    let mut planes = vec![0.0; model.features.planes() * SQUARES];
    let mut policy = vec![0.0; model.actions.count()];
    let mut wdl = [0.0; OUTCOMES];
    let mut bytes = Vec::new();
    for game in games {
        model.features.expand(&PackedObservation::new(game), &mut planes);
        executor.forward(1, &planes, &mut policy, &mut wdl);
        bytes.extend(policy.iter().chain(&wdl).flat_map(|logit| logit.to_le_bytes()));
    }
    bytes
}
