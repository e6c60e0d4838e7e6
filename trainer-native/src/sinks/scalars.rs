//! Metrics as single numbers under tags, for tools that draw one curve for each.

use crate::event::{EvaluationMatch, Metrics};
use crate::metrics::{METRICS, Metric, tag};
use keisei_core::shogi::Reason;
use serde_json::Value as Json;

/// Parts of the metric `results`.
const RESULTS: [&str; 3] = ["black", "white", "draws"];

/// One number of an iteration.
#[derive(Clone, PartialEq, Debug)]
pub struct TaggedNumber {
    /// Metric that it belongs to.
    pub metric: &'static Metric,
    /// Part of a metric that has several, such as `checkmate` of `reasons`; else empty.
    pub part: String,
    /// Value; finite.
    pub value: f64,
}

impl TaggedNumber {
    /// Tag, such as `losses/value_loss` or `games/reasons/checkmate`.
    pub fn tag(&self) -> String {
        let tag = tag(self.metric);
        if self.part.is_empty() { tag } else { format!("{tag}/{}", self.part) }
    }
}

/// Numbers of an iteration, in the order of the [table](METRICS). Every reason for the end of a game has its number, 0 included;
/// of the alarms there is the number of those in force. A number that is not finite is left out.
///
/// # Panics
/// Never: metrics are plain data.
pub fn scalars(metrics: &Metrics) -> Vec<TaggedNumber> {
    let values = serde_json::to_value(metrics).expect("metrics are plain data");
    let mut scalars = Vec::new();
    for metric in METRICS {
        let mut push = |part: &str, value: f64| scalars.push(TaggedNumber { metric, part: part.to_owned(), value });
        match &values[metric.key] {
            Json::Number(number) => number.as_f64().into_iter().for_each(|number| push("", number)),
            Json::Bool(flag) => push("", f64::from(u8::from(*flag))),
            Json::Array(_) if metric.key == "results" => {
                for (part, count) in RESULTS.into_iter().zip(metrics.ended.results) {
                    push(part, count as f64);
                }
            }
            Json::Array(items) => push("", items.len() as f64),
            Json::Object(_) if metric.key == "reasons" => {
                for reason in Reason::ALL.map(Reason::id) {
                    push(reason, metrics.ended.reasons.get(reason).copied().unwrap_or(0) as f64);
                }
            }
            Json::Object(_) if metric.key == "pool_scores" => {
                metrics.league.pool_scores.iter().for_each(|(snapshot, &score)| push(snapshot, score));
            }
            // The game in progress, and what the league cannot tell yet.
            _ => {}
        }
    }
    scalars
}

/// Tags and numbers of an evaluation: the score against the opponent and the bounds of its interval, and the scores in the probes.
pub fn evaluation_scalars(evaluation: &EvaluationMatch) -> Vec<(String, f64)> {
    let EvaluationMatch { opponent, score, interval: (low, high), probes, .. } = evaluation;
    let tag = |part: &str| format!("evaluation/{opponent}/{part}");
    let mut scalars = vec![(tag("score"), *score), (tag("low"), *low), (tag("high"), *high)];
    for (task, score) in probes {
        scalars.push((format!("probes/{task}/solved"), score.solved));
        scalars.push((format!("probes/{task}/probability"), score.probability));
    }
    scalars
}

/// Limit on the points of a curve: all of the first `BURST`, then one a second on average. Tools with a web page keep
/// every point, and a run of tiny iterations would give them millions; `metrics.jsonl` has all.
#[derive(Clone, Debug)]
pub struct Thinning {
    allowance: f64,
    /// Time of the newest point that was asked for, in seconds.
    since: f64,
}

impl Default for Thinning {
    fn default() -> Self {
        Self { allowance: Self::BURST, since: 0.0 }
    }
}

impl Thinning {
    /// Largest number of points in a row.
    const BURST: f64 = 1000.0;

    /// Whether a point of this `time`, in seconds, may be drawn.
    pub fn allows(&mut self, time: f64) -> bool {
        // A clock that was set back gives nothing.
        self.allowance = (self.allowance + (time - self.since).max(0.0)).min(Self::BURST);
        self.since = time;
        let is_allowed = self.allowance >= 1.0;
        if is_allowed {
            self.allowance -= 1.0;
        }
        is_allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_metric_but_the_game_in_progress_has_numbers_and_each_tag_stands_once() {
        let mut metrics = Metrics { alarms: vec!["nan".into(), "draws".into()], ..Metrics::default() };
        metrics.ended.results = [4, 5, 6];
        metrics.ended.reasons.insert("repetition".into(), 7);
        metrics.update.losses.value_loss = 0.5;
        metrics.update.losses.policy_loss = f64::NAN;
        metrics.league.pool_scores.insert("00000012".into(), 0.75);
        (metrics.league.pool_lowest, metrics.league.best_iteration) = (Some(0.75), Some(12));
        let scalars = scalars(&metrics);
        let value = |tag: &str| scalars.iter().find(|scalar| scalar.tag() == tag).map(|scalar| scalar.value);
        assert_eq!(value("losses/value_loss"), Some(0.5));
        assert_eq!(value("losses/policy_loss"), None, "it is not finite");
        assert_eq!(value("run/alarms"), Some(2.0));
        assert_eq!(value("games/results/white"), Some(5.0));
        assert_eq!(value("games/reasons/repetition"), Some(7.0));
        assert_eq!(value("league/pool_scores/00000012"), Some(0.75));
        assert_eq!(value("league/best_iteration"), Some(12.0));
        assert_eq!(value("games/reasons/checkmate"), Some(0.0));
        assert_eq!(value("losses/stopped"), Some(0.0));
        let tags: BTreeSet<String> = scalars.iter().map(TaggedNumber::tag).collect();
        assert_eq!(tags.len(), scalars.len());
        let without: Vec<&str> = METRICS
            .iter()
            .filter(|metric| !scalars.iter().any(|scalar| scalar.metric == *metric))
            .map(|metric| metric.key)
            .collect();
        assert_eq!(without, ["shown", "policy_loss"]);
    }

    #[test]
    fn a_fast_run_draws_a_thousand_points_and_then_one_a_second() {
        let mut thinning = Thinning::default();
        let count = |thinning: &mut Thinning, from: u32, to: u32| {
            (from..to).filter(|&millis| thinning.allows(1e9 + f64::from(millis) / 1000.0)).count()
        };
        assert_eq!(count(&mut thinning, 0, 1000), 1000);
        assert!((99..=102).contains(&count(&mut thinning, 1000, 101_000)));
        // A run of long iterations draws them all.
        assert!((0..5000).all(|i| thinning.allows(1e9 + 200.0 + 2.0 * f64::from(i))));
    }
}
