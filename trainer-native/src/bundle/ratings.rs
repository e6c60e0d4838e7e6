//! Rating history of a run: what its evaluations, its gates and tournaments say about the strength of its agents.

use super::chunk::rounded;
use super::format::{Rating, RatingSource};
use crate::event::{EvaluationMatch, Verdict};
use crate::history::History;
use crate::league;
use crate::run::{BEST, MODEL};
use keisei_play::files::read_model;
use keisei_play::rating::elo;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Ratings by the events of a run, in the order of play.
pub fn history(history: &History) -> Vec<Rating> {
    let evaluations = history.evaluations.iter().map(of_evaluation);
    evaluations.chain(of_gates(history)).collect()
}

fn finite(elo: f64) -> Option<f64> {
    elo.is_finite().then(|| rounded(elo))
}

fn of_evaluation(evaluation: &EvaluationMatch) -> Rating {
    let EvaluationMatch { iteration, plies, opponent, games, score, interval, .. } = evaluation;
    Rating {
        iteration: *iteration,
        plies: *plies,
        source: RatingSource::Evaluation,
        anchor: opponent.clone(),
        elo: finite(elo(*score)),
        low: finite(elo(interval.0)),
        high: finite(elo(interval.1)),
        games: *games as u64,
    }
}

/// Ratings of the agents that became the best, each by its match against the one before. The intervals add up as those of
/// independent matches do.
fn of_gates(history: &History) -> Vec<Rating> {
    let Some(first) = history.gates.first().map(|gate| gate.best) else { return Vec::new() };
    let anchor = format!("iteration {first}");
    // Rating and variance by the iteration of the agent.
    let mut known = BTreeMap::from([(first, (0.0, 0.0))]);
    let mut ratings = Vec::new();
    for gate in history.gates.iter().filter(|gate| gate.verdict == Verdict::Promoted) {
        let Some(&(base, variance)) = known.get(&gate.best) else { continue };
        let (difference, low, high) = (elo(gate.score), elo(gate.interval.0), elo(gate.interval.1));
        let half = |bound: f64| ((bound - difference).powi(2) + variance).sqrt();
        let rating: f64 = base + difference;
        if rating.is_finite() {
            let half_width = (high - low) / 2.0;
            known.insert(gate.challenger, (rating, variance + half_width * half_width));
        }
        ratings.push(Rating {
            iteration: u64::from(gate.challenger),
            plies: gate.plies,
            source: RatingSource::Gate,
            anchor: anchor.clone(),
            elo: finite(rating),
            low: finite(rating - half(low)),
            high: finite(rating + half(high)),
            games: gate.games as u64,
        });
    }
    ratings
}

/// Ratings that tournaments have written into the models of the run in `directory`, by iteration. A model that cannot be read has
/// none: the run itself reports it.
pub fn measured(directory: &Path) -> Vec<Rating> {
    let snapshots = league::files(directory).unwrap_or_default().into_iter().map(|(path, _)| path);
    let own: [PathBuf; 2] = [MODEL, BEST].map(|name| directory.join(name));
    let mut ratings = BTreeMap::new();
    for path in own.into_iter().filter(|path| path.is_file()).chain(snapshots) {
        let Ok(model) = read_model(&path) else { continue };
        let digest = model.weights_digest();
        let (iteration, plies) = (model.provenance.iteration, model.provenance.plies);
        for rating in model.provenance.ratings.into_iter().filter(|rating| rating.weights == digest) {
            let key = (iteration, rating.anchor.clone(), rating.play);
            ratings.entry(key).or_insert(Rating {
                iteration,
                plies,
                source: RatingSource::Tournament,
                anchor: rating.anchor,
                elo: Some(f64::from(rating.elo)),
                low: rating.low.map(f64::from),
                high: rating.high.map(f64::from),
                games: u64::from(rating.games),
            });
        }
    }
    ratings.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::GateMatch;

    fn run() -> History {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("config.toml"), "").expect("written");
        History::empty(folder.path()).expect("a run")
    }

    #[test]
    fn a_score_of_everything_has_no_rating_but_a_bound() {
        let mut told = run();
        for (score, interval) in [(0.5, (0.25, 0.75)), (1.0, (0.9, 1.0))] {
            told.evaluations.push(EvaluationMatch {
                score,
                interval,
                games: 64,
                opponent: "greedy".into(),
                ..EvaluationMatch::default()
            });
        }
        let ratings = history(&told);
        assert_eq!(
            (ratings[0].elo, ratings[0].low.map(f64::round), ratings[0].high.map(f64::round)),
            (Some(0.0), Some(-191.0), Some(191.0))
        );
        assert_eq!((ratings[1].elo, ratings[1].low.map(f64::round), ratings[1].high), (None, Some(382.0), None));
    }

    #[test]
    fn gates_add_up_and_those_refused_say_nothing() {
        let gate = |challenger, best, score: f64, verdict| GateMatch {
            iteration: u64::from(challenger) + 10,
            plies: 100 * u64::from(challenger),
            challenger,
            best,
            games: 40,
            score,
            interval: (score - 0.1, score + 0.1),
            verdict,
            seconds: 1.0,
        };
        let mut told = run();
        told.gates = vec![
            gate(20, 10, 0.64, Verdict::Promoted),
            gate(30, 20, 0.3, Verdict::Refused),
            gate(40, 20, 0.64, Verdict::Promoted),
        ];
        let ratings = history(&told);
        let told: Vec<(u64, Option<f64>)> =
            ratings.iter().map(|rating| (rating.iteration, rating.elo.map(f64::round))).collect();
        assert_eq!(told, [(20, Some(100.0)), (40, Some(200.0))]);
        let width = |rating: &Rating| rating.high.zip(rating.low).map(|(high, low)| high - low).expect("bounds");
        let growth = width(&ratings[1]) / width(&ratings[0]);
        assert!((1.3..1.5).contains(&growth), "{growth}");
        assert_eq!(ratings[0].anchor, "iteration 10");
    }
}
