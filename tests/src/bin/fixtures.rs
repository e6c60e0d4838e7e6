//! Fixtures for the browser tests, computed natively.
//!
//! `cargo run -p keisei-tests --bin fixtures -- files DIR` writes
//!
//! | file | content |
//! |---|---|
//! | `random.model` | a model of random weights from a fixed seed |
//! | `deep.model` | one of the shape that the default agent has |
//! | `games.record` | two games that it played against itself |
//! | `positions.txt` | 1,000 positions of random games, one per line: USI moves from the start position |
//!
//! and `fixtures logits MODEL FILE` the native outputs for these positions: of each all policy logits and the three outcome
//! logits, f32 little-endian; `fixtures opinions MODEL FILE` its opinions along the longest game of these positions, in text: its
//! moves in the first line, then for each position a line with the probabilities of win, draw and loss and those of all legal moves
//! in USI; and `fixtures large FILE` a model that is large enough for the page to use a GPU.
//!
//! `fixtures int8 MODEL GAMES` rounds a model to 8-bit integers and prints in how many positions of the games the best move is the
//! same; below 99 % it fails. The model must be a trained one: an untrained policy is so even that any rounding changes its best move.

use anyhow::{Context, Result, bail};
use keisei_core::encoding::{Action, Actions, Features, PackedObservation};
use keisei_core::evaluator::{Batch, HostEvaluator};
use keisei_core::format::{Dtype, Model, PlyInfo, Provenance, Record, record};
use keisei_core::net::{NetSpec, Wdl, Weights, simd::Simd};
use keisei_core::search::policy;
use keisei_core::shogi::{Game, Move, Position};
use keisei_tests::random::{Choices, Random};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

const SEED: u64 = 20_261_124;
const POSITIONS: usize = 1000;
/// The ply limit of the games, the same as on the page.
const MAX_PLIES: u16 = 512;
/// Candidates of each move of a record.
const CANDIDATES: usize = 5;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["files", directory] => files(Path::new(directory)),
        ["logits", model, file] => logits(Path::new(model), Path::new(file)),
        ["opinions", model, file] => opinions(Path::new(model), Path::new(file)),
        ["int8", model, games] => int8(Path::new(model), Path::new(games)),
        ["large", file] => write(Path::new(file), &large()?.to_bytes(Dtype::F16)?),
        _ => {
            bail!("usage: fixtures files DIR | logits MODEL FILE | opinions MODEL FILE | large FILE | int8 MODEL GAMES")
        }
    }
}

fn files(directory: &Path) -> Result<()> {
    fs::create_dir_all(directory).with_context(|| format!("{}", directory.display()))?;
    let model = untrained()?;
    let mut random = Random(SEED);
    let games = [(); 2].map(|()| self_play(&model, &mut random));
    let lines: Vec<String> = positions().iter().map(|game| moves_text(game.moves()) + "\n").collect();
    write(&directory.join("random.model"), &model.to_bytes(Dtype::F32)?)?;
    write(&directory.join("deep.model"), &self::model(32, 4)?.to_bytes(Dtype::F16)?)?;
    write(&directory.join("games.record"), &record::to_bytes(&games)?)?;
    write(&directory.join("positions.txt"), lines.concat().as_bytes())
}

fn read_model(path: &Path) -> Result<Model> {
    let bytes = fs::read(path).with_context(|| format!("{}", path.display()))?;
    Model::from_bytes(&bytes).with_context(|| format!("{}", path.display()))
}

fn opinions(path: &Path, file: &Path) -> Result<()> {
    let model = read_model(path)?;
    let mut evaluator = evaluator(&model);
    let whole = positions().into_iter().max_by_key(|game| game.moves().len()).context("there are positions")?;
    let mut game = new_game();
    let mut text = moves_text(whole.moves()) + "\n";
    for ply in 0..=whole.moves().len() {
        let legal = model.actions.legal(game.position());
        let mut batch = Batch::new();
        batch.push(PackedObservation::new(&game), legal.actions().iter().copied());
        let prediction = evaluator.predict(&batch).get(0);
        let Wdl { win, draw, loss } = prediction.wdl.softmax();
        write!(text, "{win} {draw} {loss}")?;
        for (mv, probability) in legal.moves().iter().zip(policy::probabilities(prediction.logits, 1.0)) {
            write!(text, " {mv} {probability}")?;
        }
        text += "\n";
        if let Some(&mv) = whole.moves().get(ply) {
            game.play(mv);
        }
    }
    write(file, text.as_bytes())
}

fn logits(path: &Path, file: &Path) -> Result<()> {
    let model = read_model(path)?;
    let mut batch = Batch::new();
    for game in positions() {
        // Every action counts as legal, so that all logits are written.
        batch.push(PackedObservation::new(&game), (0..model.actions.count() as u16).map(Action));
    }
    let mut evaluator = evaluator(&model);
    let answers = evaluator.predict(&batch).iter().flat_map(|found| found.logits.iter().copied().chain(found.wdl.0));
    write(file, &answers.flat_map(f32::to_le_bytes).collect::<Vec<u8>>())
}

/// Positions of a record that are compared.
const COMPARED: usize = 1000;
/// Smallest share of positions in which rounding leaves the best move as it was.
const LEAST_SAME: f64 = 0.99;

fn int8(model: &Path, games: &Path) -> Result<()> {
    let model = read_model(model)?;
    let bytes = model.to_bytes(Dtype::I8)?;
    let rounded = Model::from_bytes(&bytes)?;
    let named = || format!("{}", games.display());
    let games = record::from_bytes(&fs::read(games).with_context(named)?).with_context(named)?;
    let mut batch = Batch::new();
    // Every other position, so that more games take part.
    for positions in games.iter().map(positions_of) {
        for game in positions?.iter().step_by(2).take(COMPARED - batch.len()) {
            batch.push(PackedObservation::new(game), model.actions.legal(game.position()).actions().iter().copied());
        }
    }
    let best = |model: &Model| -> Vec<usize> {
        let mut evaluator = evaluator(model);
        evaluator
            .predict(&batch)
            .iter()
            .map(|found| policy::draw(&policy::probabilities(found.logits, 0.0), 0.0))
            .collect()
    };
    let same = best(&model).iter().zip(best(&rounded)).filter(|(exact, rounded)| **exact == *rounded).count();
    let share = same as f64 / batch.len() as f64;
    println!("{} bytes; {same} of {} best moves are the same, {:.1} %", bytes.len(), batch.len(), 100.0 * share);
    if batch.len() < COMPARED || share < LEAST_SAME {
        bail!("the bar is {} positions and {} %", COMPARED, 100.0 * LEAST_SAME);
    }
    Ok(())
}

/// Positions of a recorded game in which a move was played.
fn positions_of(game: &Record) -> Result<Vec<Game>> {
    let mut now = Game::new(Position::from_sfen(&game.start_sfen)?, 0);
    let mut positions = Vec::new();
    for &mv in &game.moves {
        positions.push(now.clone());
        now.try_play(mv)?;
    }
    Ok(positions)
}

fn evaluator(model: &Model) -> HostEvaluator<Simd> {
    HostEvaluator::new(Simd::new(&model.weights), model.features, model.actions)
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("{}", path.display()))
}

fn untrained() -> Result<Model> {
    model(32, 2)
}

fn large() -> Result<Model> {
    model(128, 4)
}

fn model(channels: u16, blocks: u16) -> Result<Model> {
    let (features, actions) = (Features::Attack96, Actions::Dest2187);
    let spec = NetSpec { channels, blocks, value_channels: 4, ..NetSpec::for_encodings(features, actions) };
    let provenance = Provenance { run: "random".into(), ..Provenance::default() };
    let mut weights = Weights::init(&spec, SEED)?;
    // Initial weights have layers of zeros, which would hide errors, and give a nearly uniform policy.
    let mut random = Random(SEED);
    for weight in weights.data_mut() {
        *weight += 0.1 * (random.uniform() - 0.5);
    }
    Ok(Model { features, actions, provenance, weights })
}

fn moves_text(moves: &[Move]) -> String {
    moves.iter().map(Move::to_string).collect::<Vec<_>>().join(" ")
}

fn new_game() -> Game {
    Game::new(Position::startpos(), MAX_PLIES)
}

/// Positions of random games at random plies, none of them over.
fn positions() -> Vec<Game> {
    let mut random = Random(SEED);
    let mut found = Vec::new();
    while found.len() < POSITIONS {
        let mut game = new_game();
        for _ in 0..random.below(200) {
            if game.outcome().is_some() {
                break;
            }
            let moves = game.position().legal_moves();
            game.play(random.pick(&moves));
        }
        if game.outcome().is_none() {
            found.push(game);
        }
    }
    found
}

/// A game of the model against itself at temperature 1.
fn self_play(model: &Model, random: &mut Random) -> Record {
    let mut evaluator = evaluator(model);
    let mut batch = Batch::new();
    let mut game = new_game();
    let mut plies = Vec::new();
    while game.outcome().is_none() {
        let legal = model.actions.legal(game.position());
        batch.clear();
        batch.push(PackedObservation::new(&game), legal.actions().iter().copied());
        let prediction = evaluator.predict(&batch).get(0);
        let probabilities = policy::probabilities(prediction.logits, 1.0);
        let best = policy::top(&probabilities, CANDIDATES);
        let top = best.into_iter().map(|(index, p)| (legal.moves()[index], p)).collect();
        plies.push(PlyInfo { value: Some(prediction.wdl.value()), top, line: Vec::new() });
        game.play(legal.moves()[policy::draw(&probabilities, random.uniform())]);
    }
    Record::of_game(&game, "random", "random", plies)
}
