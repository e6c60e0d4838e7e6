//! What leaves the trainer: the metrics of each iteration, with the alarms that they raise.

use keisei_core::learn::{RatioTolerance, Update};
use keisei_core::shogi::Reason;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One iteration, as it stands in a line of `metrics.jsonl`.
#[derive(Clone, Debug, Serialize)]
pub struct Metrics {
    /// Iterations done, this one included.
    pub iteration: u64,
    /// Plies played since the start of the run.
    pub plies: u64,
    /// Games finished since the start of the run.
    pub games: u64,
    /// Seconds that the run has taken.
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
    /// Mean of H / ln(legal moves) over the plies with a choice: 1 is uniform.
    pub normalized_entropy: f64,
    /// Games that ended in this iteration.
    #[serde(flatten)]
    pub ended: EndedGames,
    /// Where the time went.
    #[serde(flatten)]
    pub perf: Perf,
    /// The strength measured after this iteration, if it was.
    pub evaluation: Option<EvaluationMatch>,
    /// Writes of metrics or of the curve that failed so far, since the process started.
    pub sink_failures: u64,
    /// What a person should look at.
    pub alarms: Vec<String>,
}

/// The games that ended in an iteration.
#[derive(Clone, Debug, Default, Serialize)]
pub struct EndedGames {
    /// How many.
    pub games_ended: u64,
    /// Mean length in plies.
    pub length_mean: f64,
    /// Median length.
    pub length_p50: u16,
    /// 95th percentile of the length.
    pub length_p95: u16,
    /// Won by Black, by White, drawn.
    pub results: [u64; 3],
    /// Why they ended.
    pub reasons: BTreeMap<&'static str, u64>,
}

/// Where the time of an iteration went.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Perf {
    /// Plies a second of the whole iteration.
    pub plies_per_second: f64,
    /// Samples a second of the update alone.
    pub samples_per_second: f64,
    /// Seconds of self-play.
    pub collect_seconds: f64,
    /// Seconds of the update.
    pub learn_seconds: f64,
}

/// The strength measured at some iteration.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EvaluationMatch {
    /// Name of the opponent.
    pub opponent: String,
    /// Games.
    pub games: usize,
    /// Wins and half the draws, a game.
    pub score: f64,
    /// Its Wilson 95 % interval.
    pub interval: (f64, f64),
}

/// What in these numbers a person should look at; `fresh` is the normalised entropy of the run's first iteration,
/// `tolerance` that of its learner.
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
