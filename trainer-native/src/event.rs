//! Metrics of an iteration, and the alarms that they raise.

use keisei_core::learn::{RatioTolerance, Update};
use keisei_core::shogi::Reason;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Metrics of one iteration: one line of `metrics.jsonl`.
#[derive(Clone, Debug, Serialize)]
pub struct Metrics {
    /// Number of the iteration, counted from 1.
    pub iteration: u64,
    /// Plies played since the start of the run.
    pub plies: u64,
    /// Games finished since the start of the run.
    pub games: u64,
    /// Seconds that the run has taken, earlier parts included.
    pub seconds: f64,
    /// Part of the run that is done, 0–1.
    pub progress: f64,
    /// Losses and the like.
    #[serde(flatten)]
    pub update: Update,
    /// Adam's step size.
    pub learning_rate: f32,
    /// Weight of the entropy bonus.
    pub ent_coef: f32,
    /// Weight of the material prior.
    pub prior_weight: f32,
    /// Mean of the entropy H / ln(legal moves), 0–1, over the plies with more than one legal move: 1 is uniform.
    pub normalized_entropy: f64,
    /// Games that ended in this iteration.
    #[serde(flatten)]
    pub ended: EndedGames,
    /// Duration and speed of the iteration.
    #[serde(flatten)]
    pub perf: Perf,
    /// Strength measured after this iteration, if it was.
    pub evaluation: Option<EvaluationMatch>,
    /// Number of writes of metrics or of the curve that have failed since the process started.
    pub sink_failures: u64,
    /// Alarms that these metrics raise, for the user.
    pub alarms: Vec<String>,
}

/// Statistics of the games that ended in an iteration.
#[derive(Clone, Debug, Default, Serialize)]
pub struct EndedGames {
    /// Number of these games.
    pub games_ended: u64,
    /// Mean length in plies.
    pub length_mean: f64,
    /// Median length in plies.
    pub length_p50: u16,
    /// 95th percentile of the length in plies.
    pub length_p95: u16,
    /// Numbers of wins of Black, wins of White, and draws.
    pub results: [u64; 3],
    /// Number of games by the reason that ended them.
    pub reasons: BTreeMap<&'static str, u64>,
}

/// Duration and speed of an iteration.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Perf {
    /// Plies per second of the whole iteration.
    pub plies_per_second: f64,
    /// Samples per second of the update alone.
    pub samples_per_second: f64,
    /// Seconds of self-play.
    pub collect_seconds: f64,
    /// Seconds of the update.
    pub learn_seconds: f64,
}

/// Strength measured at an iteration.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EvaluationMatch {
    /// Name of the opponent.
    pub opponent: String,
    /// Number of games.
    pub games: usize,
    /// Points per game, 0–1: a win counts 1, a draw ½.
    pub score: f64,
    /// Wilson 95 % interval of the score.
    pub interval: (f64, f64),
}

/// Alarms that `metrics` raise; `fresh` is the normalised entropy of the run's first iteration, `tolerance` the rounding
/// difference that is accepted of its learner.
pub fn alarms(metrics: &Metrics, fresh: f64, tolerance: RatioTolerance) -> Vec<String> {
    const ENOUGH: u64 = 20;
    let ended = metrics.ended.games_ended;
    let part = |count: u64| count as f64 / ended.max(1) as f64;
    let truncated = part(metrics.ended.reasons.get(Reason::MaxPlies.id()).copied().unwrap_or(0));
    let rows = [
        (metrics.normalized_entropy < 0.2 * fresh, "the policy's entropy has fallen below a fifth of its first value"),
        (ended >= ENOUGH && truncated > 0.3, "more than 30 % of the games reach the ply limit"),
        (ended >= ENOUGH && part(metrics.ended.results[2]) > 0.6, "more than 60 % of the games are drawn"),
        (metrics.update.losses.approx_kl > 0.1, "approx_kl is above 0.1"),
        (metrics.update.skipped > 0, "gradient steps were left out: not finite"),
        (
            metrics.update.first_ratio_error > tolerance.alarm,
            "self-play and learner disagree: first_ratio_error is above rounding",
        ),
        (metrics.sink_failures > 0, "metrics or the curve could not be written"),
    ];
    rows.into_iter().filter(|&(raised, _)| raised).map(|(_, text)| text.to_owned()).collect()
}
