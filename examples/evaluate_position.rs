//! Evaluates a position with the network of a model file: the value, and the most probable moves of the policy.
//!
//! `cargo run --release -p keisei-examples --bin evaluate_position -- agent.model [SFEN]`

use anyhow::{Context, Result};
use keisei_core::encoding::PackedObservation;
use keisei_core::evaluator::{Batch, HostEvaluator};
use keisei_core::format::Model;
use keisei_core::net::simd::Simd;
use keisei_core::search::policy;
use keisei_core::shogi::{Game, Position};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().context("usage: evaluate_position MODEL [SFEN]")?;
    let model = Model::from_bytes(&std::fs::read(&path)?).context(path)?;
    let position = match arguments.next() {
        Some(sfen) => Position::from_sfen(&sfen)?,
        None => Position::startpos(),
    };
    println!("{}", evaluate(&model, position)?);
    Ok(())
}

fn evaluate(model: &Model, position: Position) -> Result<String> {
    let game = Game::new(position, 0);
    let legal = model.actions.legal(game.position());
    anyhow::ensure!(!legal.is_empty(), "the side to move has no legal move");

    let mut evaluator = HostEvaluator::new(Simd::new(&model.weights), model.features, model.actions);
    let mut batch = Batch::new();
    batch.push(PackedObservation::new(&game), legal.actions().iter().copied());
    let prediction = evaluator.predict(&batch).get(0);

    // The prediction is from the side to move.
    let wdl = prediction.wdl.softmax();
    let mut lines = vec![format!("win {:.3}, draw {:.3}, loss {:.3}", wdl.win, wdl.draw, wdl.loss)];
    let probabilities = policy::probabilities(prediction.logits, 1.0);
    for (index, probability) in policy::top(&probabilities, 5) {
        lines.push(format!("{:<5} {probability:.3}", legal.moves()[index]));
    }
    Ok(lines.join("\n"))
}

#[test]
fn it_runs() {
    let trainer = trainer_native::trainer::Trainer::fresh(trainer_native::settings::Preset::Tiny.settings());
    let trainer = trainer.expect("the preset is valid");
    let (features, actions) = (trainer.settings.features(), trainer.settings.actions());
    let model =
        Model { features, actions, provenance: keisei_core::format::Provenance::default(), weights: trainer.weights };
    let text = evaluate(&model, Position::startpos()).expect("there are legal moves");
    assert!(text.starts_with("win 0."), "{text}");
    assert_eq!(text.lines().count(), 6, "{text}");
}
