//! Curves: the metrics whose course over a run is shown, on the terminal and in the report.

use crate::event::Metrics;
use keisei_core::shogi::Reason;

/// A metric that is shown as a curve.
pub struct Curve {
    /// Key in the [table of metrics](crate::metrics).
    pub key: &'static str,
    /// Part of the metric that is shown, where it has several: empty for a plain number.
    pub part: &'static str,
    /// Value of an iteration; none if it says nothing about it.
    pub value: fn(&Metrics) -> Option<f64>,
}

/// Share of the games ended in an iteration.
fn share(m: &Metrics, count: u64) -> Option<f64> {
    (m.ended.games_ended > 0).then(|| count as f64 / m.ended.games_ended as f64)
}

fn ended_by(m: &Metrics, reason: Reason) -> Option<f64> {
    share(m, m.ended.reasons.get(reason.id()).copied().unwrap_or(0))
}

const fn curve(key: &'static str, value: fn(&Metrics) -> Option<f64>) -> Curve {
    Curve { key, part: "", value }
}

const fn part(key: &'static str, part: &'static str, value: fn(&Metrics) -> Option<f64>) -> Curve {
    Curve { key, part, value }
}

/// The curves, the most telling first.
pub const CURVES: &[Curve] = &[
    curve("normalized_entropy", |m| Some(m.normalized_entropy)),
    curve("value_loss", |m| Some(m.update.losses.value_loss)),
    curve("explained_variance", |m| Some(m.update.explained_variance)),
    curve("approx_kl", |m| Some(m.update.losses.approx_kl)),
    curve("clipfrac", |m| Some(m.update.losses.clipfrac)),
    curve("length_mean", |m| (m.ended.games_ended > 0).then_some(m.ended.length_mean)),
    part("reasons", "checkmate", |m| ended_by(m, Reason::Checkmate)),
    part("reasons", "max_plies", |m| ended_by(m, Reason::MaxPlies)),
    part("results", "draws", |m| share(m, m.ended.results[2])),
    part("results", "black wins", |m| share(m, m.ended.results[0])),
    curve("top_probability", |m| Some(m.top_probability)),
    curve("brier", |m| (m.brier > 0.0).then_some(m.brier)),
    curve("update_norm", |m| Some(m.update_norm)),
    curve("grad_norm", |m| Some(m.update.grad_norm)),
    curve("repeats", |m| Some(m.ended.repeats)),
    curve("pool_lowest", |m| m.league.pool_lowest),
    curve("plies_per_second", |m| Some(m.perf.plies_per_second)),
    curve("learning_rate", |m| Some(f64::from(m.learning_rate))),
    curve("ent_coef", |m| Some(f64::from(m.ent_coef))),
    curve("prior_weight", |m| Some(f64::from(m.prior_weight))),
];

impl Curve {
    /// Label: the key, or the part of it.
    pub fn label(&self) -> &'static str {
        if self.part.is_empty() { self.key } else { self.part }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EndedGames;
    use crate::metrics::METRICS;

    #[test]
    fn every_curve_is_of_a_metric_in_the_table() {
        for curve in CURVES {
            assert!(METRICS.iter().any(|metric| metric.key == curve.key), "{}", curve.key);
        }
    }

    #[test]
    fn shares_are_of_the_games_that_ended() {
        let value = |label: &str| CURVES.iter().find(|curve| curve.label() == label).expect("known").value;
        let of = |label: &str, m: &Metrics| value(label)(m);
        let mut m = Metrics::default();
        assert_eq!((of("checkmate", &m), of("black wins", &m), of("length_mean", &m)), (None, None, None));
        m.ended = EndedGames { games_ended: 8, results: [4, 2, 1], length_mean: 90.0, ..EndedGames::default() };
        m.ended.reasons = [("checkmate".to_owned(), 6), ("max_plies".to_owned(), 1)].into();
        assert_eq!([of("checkmate", &m), of("max_plies", &m)], [Some(0.75), Some(0.125)]);
        assert_eq!([of("draws", &m), of("black wins", &m)], [Some(0.125), Some(0.5)]);
    }
}
