//! Ratings of models, written into their files.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};
use keisei_core::format::{MeasuredRating, Model};
use keisei_play::files::read_model;
use keisei_play::spelling::{Defaults, SpelledModel, SpelledPlayer};

use super::{Outcome, Rating};
use crate::durable::write_atomically;

/// Writes the rating of each model that has one into its file, in place of an older one of the same play, and says so a line
/// for each.
///
/// # Errors
/// Names the file that cannot be read or written.
pub(super) fn write_ratings(rating: &Rating, outcome: &Outcome) -> Result<String> {
    let mut text = String::new();
    for (player, spelling) in rating.spellings.iter().enumerate() {
        let SpelledPlayer::Model(spelled) = &spelling.player else { continue };
        let path = Path::new(&spelled.file);
        let mut model = read_model(path)?;
        let Some(row) = row(rating, outcome, player, spelled, &model) else { continue };
        let line = line(&row);
        model.provenance.ratings.retain(|other| other.play != row.play);
        model.provenance.ratings.push(row);
        // The ratings are of these weights: none of them may be rounded.
        let bytes = model.exact_dtype().and_then(|dtype| model.to_bytes(dtype));
        let bytes = bytes.with_context(|| format!("{}: the rating", path.display()))?;
        write_atomically(path, &bytes)?;
        writeln!(text, "{}: {line}", path.display()).context("a string takes everything")?;
    }
    Ok(text)
}

fn row(
    rating: &Rating,
    outcome: &Outcome,
    player: usize,
    spelled: &SpelledModel,
    model: &Model,
) -> Option<MeasuredRating> {
    let rated = outcome.standings.ratings.of(player)?;
    let args = rating.args;
    let defaults = args.conditions.defaults(args.visits);
    let Defaults { visits, temperature, arithmetic } = spelled.play(&defaults);
    let play = match visits {
        0 => "policy alone".to_owned(),
        1 => "1 visit".to_owned(),
        visits => format!("{visits} visits"),
    };
    let whole = |elo: f64| elo.is_finite().then(|| elo.round() as i32);
    let others = (0..rating.players.len()).filter(|&other| other != player);
    let others: Vec<&str> = others.map(|other| rating.players[other].name()).collect();
    let limit = args.conditions.max_plies;
    Some(MeasuredRating {
        play: format!("{play}, temperature {temperature}, {arithmetic}"),
        elo: rated.elo.round() as i32,
        low: whole(rated.interval.0),
        high: whole(rated.interval.1),
        anchor: rating.anchor_name().to_owned(),
        games: outcome.standings.total(player).games() as u32,
        seed: args.conditions.seed,
        conditions: format!(
            "{} with {}; {}, ply limit {limit}",
            rating.meetings(),
            others.join(", "),
            rating.openings()
        ),
        weights: model.weights_digest(),
    })
}

/// Rating in words: `+1234 Elo (+1100 to …), greedy = 0, 400 games, seed 1, 100 visits, temperature 0.15, f32`.
pub(crate) fn line(rating: &MeasuredRating) -> String {
    let MeasuredRating { play, elo, low, high, anchor, games, seed, .. } = rating;
    let bound = |bound: &Option<i32>| bound.map_or("…".to_owned(), |elo| format!("{elo:+}"));
    let (low, high) = (bound(low), bound(high));
    format!("{elo:+} Elo ({low} to {high}), {anchor} = 0, {games} games, seed {seed}, {play}")
}
