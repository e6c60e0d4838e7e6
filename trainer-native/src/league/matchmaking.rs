//! Matchmaking: the learner's score against each snapshot of the pool, and how often it meets each.

use keisei_core::learn::{EndedGame, StepEnd};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Factor on earlier games for each new one: a score looks back over about a hundred games.
const DECAY: f64 = 0.99;

/// Games, weighted by their age, without which a score says nothing.
pub(super) const ENOUGH: f64 = 50.0;

/// How opponents are chosen from the pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weighting {
    /// All alike.
    Uniform,
    /// Prioritised fictitious self-play (Vinyals et al. 2019): by `(1 − w)²`, where `w` is the learner's score.
    #[default]
    Pfsp,
}

/// The learner's score against a snapshot; earlier games count less.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Score {
    /// Games, weighted by their age.
    pub games: f64,
    /// Points in these games: a win counts 1, a draw or a game that was cut off ½.
    pub points: f64,
}

impl Score {
    /// Adds a game.
    pub fn add(&mut self, points: f64) {
        self.games = DECAY * self.games + 1.0;
        self.points = DECAY * self.points + points;
    }

    /// Points per game, 0–1; ½ without games.
    pub fn mean(&self) -> f64 {
        if self.games > 0.0 { self.points / self.games } else { 0.5 }
    }

    /// Points per game with two drawn games added: a guess from few games that is neither 0 nor 1.
    fn guess(&self) -> f64 {
        (self.points + 1.0) / (self.games + 2.0)
    }
}

/// Weights of the snapshots, with which opponents are drawn.
pub(super) fn weights(pool: &BTreeMap<u32, Score>, weighting: Weighting) -> Vec<(u32, f32)> {
    let weight = |score: &Score| match weighting {
        Weighting::Uniform => 1.0,
        Weighting::Pfsp => (1.0 - score.guess()) * (1.0 - score.guess()),
    };
    pool.iter().map(|(&iteration, score)| (iteration, weight(score) as f32)).collect()
}

/// The opponent of a game against the pool, and the learner's points in it.
pub(super) fn points(game: &EndedGame) -> Option<(u32, f64)> {
    let (opponent, end) = game.against_opponent()?;
    let points = match end {
        StepEnd::Won => 1.0,
        StepEnd::Lost => 0.0,
        StepEnd::Drawn | StepEnd::Truncated | StepEnd::Continues => 0.5,
    };
    Some((opponent, points))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(results: &[f64]) -> Score {
        let mut score = Score::default();
        for &points in results {
            score.add(points);
        }
        score
    }

    #[test]
    fn a_score_looks_back_over_about_a_hundred_games() {
        assert_eq!(Score::default().mean(), 0.5);
        assert!((score(&[1.0, 0.0, 0.5]).mean() - 0.5).abs() < 0.01);
        let turned = score(&[[1.0; 1000].as_slice(), &[0.0; 100]].concat());
        assert!((turned.games - 100.0).abs() < 0.1 && (turned.mean() - 0.366).abs() < 0.001, "{turned:?}");
        assert!((score(&[1.0; 70]).games - 50.5).abs() < 0.5, "about seventy games are enough to judge by");
    }

    #[test]
    fn opponents_that_beat_the_learner_are_met_more_often() {
        let pool = BTreeMap::from([(1, score(&[1.0; 200])), (2, Score::default()), (3, score(&[0.0; 200]))]);
        let found = weights(&pool, Weighting::Pfsp);
        assert_eq!(found.iter().map(|&(snapshot, _)| snapshot).collect::<Vec<_>>(), [1, 2, 3]);
        let [beaten, unknown, beats] = [0, 1, 2].map(|i| found[i].1);
        assert!(0.0 < beaten && beaten < 0.001, "{found:?}");
        assert!(unknown == 0.25 && beats > 0.97, "{found:?}");
        assert_eq!(weights(&pool, Weighting::Uniform), [(1, 1.0), (2, 1.0), (3, 1.0)]);
    }
}
