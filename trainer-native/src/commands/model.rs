//! `trainer-native inspect`: what a model file holds.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use keisei_core::format::{MeasuredRating, Model, Provenance};
use keisei_core::net::NetOptions;
use keisei_play::files::read_model;
use serde_json::json;

use super::rate::rating_line;
use crate::run::MODEL;
use crate::run::checkpoint::hexadecimal;

/// Arguments of `inspect`.
#[derive(clap::Args, Debug)]
pub struct InspectArgs {
    /// Model file, or folder of a run
    #[arg(value_name = "FILE")]
    model: PathBuf,
    /// Print one line of JSON instead of text
    #[arg(long)]
    json: bool,
}

/// Network, encodings, origin and ratings of the model, as text or JSON.
///
/// # Errors
/// Names the file that cannot be read or is not a model.
pub fn run(args: &InspectArgs) -> Result<String> {
    let path = if args.model.is_dir() { args.model.join(MODEL) } else { args.model.clone() };
    let model = read_model(&path)?;
    Ok(if args.json { line(&path, &model) } else { text(&path, &model) })
}

fn text(path: &Path, model: &Model) -> String {
    let mut text = String::new();
    write_text(&mut text, path, model).expect("a string takes everything");
    text
}

fn write_text(text: &mut String, path: &Path, model: &Model) -> std::fmt::Result {
    let spec = model.spec();
    let Provenance { run, iteration, plies, created, notes, ratings } = &model.provenance;
    writeln!(text, "{}", path.display())?;
    let mut row =
        |name: &str, value: &str| if value.is_empty() { Ok(()) } else { writeln!(text, "  {name:<9} {value}") };
    row("network", &format!("{} blocks of {} channels, {} weights", spec.blocks, spec.channels, spec.parameters()))?;
    row("layers", &layers(spec.options))?;
    row("planes", model.features.id())?;
    row("actions", model.actions.id())?;
    row("run", &if run.is_empty() { String::new() } else { format!("{run}, iteration {iteration}, {plies} plies") })?;
    row("created", created)?;
    row("notes", notes)?;
    row("weights", &format!("SHA-256 {}", hexadecimal(&model.weights_digest())))?;
    for rating in ratings {
        let changed = if rating.weights == model.weights_digest() { "" } else { "; of other weights" };
        row("rating", &format!("{}{changed}", rating_line(rating)))?;
        row("", &rating.conditions)?;
    }
    Ok(())
}

/// Names of the optional layers.
fn layers(options: NetOptions) -> String {
    let NetOptions { se_hidden, pool_hidden, score_hidden } = options;
    let layers = [("squeeze and excitation", se_hidden), ("global pooling", pool_hidden), ("score", score_hidden)];
    let named = layers.iter().filter(|(_, hidden)| *hidden > 0).map(|(name, hidden)| format!("{name} ({hidden})"));
    named.collect::<Vec<_>>().join(", ")
}

fn line(path: &Path, model: &Model) -> String {
    let Provenance { run, iteration, plies, created, notes, ratings } = &model.provenance;
    let digest = model.weights_digest();
    let rating = |rating: &MeasuredRating| {
        json!({
            "elo": rating.elo,
            "elo_interval": [rating.low, rating.high],
            "anchor": rating.anchor,
            "play": rating.play,
            "games": rating.games,
            "seed": rating.seed,
            "conditions": rating.conditions,
            "of_these_weights": rating.weights == digest,
        })
    };
    let line = json!({
        "file": path.display().to_string(),
        "spec": model.spec(),
        "options": model.spec().options,
        "parameters": model.spec().parameters(),
        "features": model.features.id(),
        "actions": model.actions.id(),
        "run": run,
        "iteration": iteration,
        "plies": plies,
        "created": created,
        "notes": notes,
        "weights_sha256": hexadecimal(&digest),
        "ratings": ratings.iter().map(rating).collect::<Vec<_>>(),
    });
    format!("{line}\n")
}
