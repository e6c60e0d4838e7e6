//! Table of metrics: name, unit, group and description of each, from which the documentation, tags and reports come.

use std::fmt::Write;

/// A metric.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Metric {
    /// Key in `metrics.jsonl`.
    pub key: &'static str,
    /// Group, the first part of its tag: `losses`, `games`, `league`, `performance`, `schedule` or `run`.
    pub group: &'static str,
    /// Unit; empty for a dimensionless number.
    pub unit: &'static str,
    /// Description, one sentence.
    pub doc: &'static str,
}

macro_rules! table {
    ($($group:literal: { $($key:literal, $unit:literal, $doc:literal;)+ })+) => {
        /// All metrics, by group.
        pub const METRICS: &[Metric] = &[$($(Metric { key: $key, group: $group, unit: $unit, doc: $doc },)+)+];
    };
}

table! {
    "run": {
        "iteration", "", "Number of the iteration, counted from 1.";
        "plies", "plies", "Plies played since the start of the run.";
        "games", "games", "Games finished since the start of the run.";
        "seconds", "s", "Time that the run has taken, earlier parts included.";
        "progress", "", "Part of the budget that is spent, 0–1.";
        "alarms", "", "Ids of the alarms in force.";
        "sink_failures", "events", "Events that a sink failed at or missed since the process started; 0 in a clean run.";
        "shown", "", "A game in progress, for display: slot, last moves, and the SFEN before them.";
    }
    "losses": {
        "policy_loss", "", "Clipped objective of PPO, negated, mean over the samples.";
        "value_loss", "nats", "Cross-entropy of the outcome; ln 3 = 1.099 for a value head that knows nothing.";
        "score_loss", "", "Squared error of the score head; 0 without one.";
        "entropy", "nats", "Entropy of the policy over legal moves.";
        "normalized_entropy", "", "Entropy H / ln(legal moves) in self-play, 0–1; 1 is uniform.";
        "top_probability", "", "Probability of the most probable move in self-play.";
        "old_approx_kl", "nats", "KL divergence from the policy that played, estimator k1.";
        "approx_kl", "nats", "KL divergence from the policy that played, estimator k3.";
        "clipfrac", "", "Share of the samples whose ratio was clipped.";
        "ratio_error", "", "Mean |ratio − 1| over the update.";
        "mates", "", "Share of the plies at which a mate was proved; 0 without `selfplay.mate_plies`.";
        "mate_loss", "nats", "Cross-entropy of the policy and the first move of a proved mate, mean over these plies.";
        "mates_drawn", "", "Share of the mates proved in self-play that the policy found by itself.";
        "past_loss", "nats", "Cross-entropy of the outcome at positions beside the plies: of finished games, `selfplay.past_positions`, and lessons.";
        "lessons", "", "Lessons for each ply: mates in one behind random moves, `selfplay.mate_lessons`.";
        "lesson_loss", "nats", "Cross-entropy of the policy and the mate, mean over the lessons.";
        "last_kl", "nats", "Estimate k3 of the last minibatch: how far the update took the policy.";
        "max_ratio_error", "", "Greatest |ratio − 1| of the update.";
        "first_ratio_error", "", "Mean |ratio − 1| of the first minibatch: 0 except for rounding.";
        "grad_norm", "", "Norm of the gradients before clipping.";
        "update_norm", "", "Size of the update by all weights, |Δw| / |w|.";
        "advantage_mean", "", "Mean of the advantages before normalisation.";
        "advantage_std", "", "Standard deviation of the advantages before normalisation.";
        "explained_variance", "", "Share of the returns' variance that the values explain; 1 is perfect, below 0 worse than a constant.";
        "brier", "", "Squared error of the predicted outcome against the result of games that ended, 0–2; ⅔ knows nothing.";
        "samples", "plies", "Samples learned from in the iteration.";
        "dropped_samples", "", "Share of the samples dropped because the update stopped at its target KL.";
        "steps", "", "Gradient steps taken.";
        "skipped", "", "Gradient steps left out because a number was not finite.";
        "stopped", "", "Whether the update stopped at its target KL.";
    }
    "schedule": {
        "learning_rate", "", "Step size of Adam in force, halvings by the guard included.";
        "ent_coef", "", "Weight of the entropy bonus in force.";
        "prior_weight", "", "Weight of the material prior in force.";
    }
    "games": {
        "games_ended", "games", "Games that ended in the iteration.";
        "length_mean", "plies", "Mean length of these games; 0 if none ended.";
        "length_p50", "plies", "Median length.";
        "length_p95", "plies", "95th percentile of the length.";
        "results", "games", "Wins of Black, wins of White, draws.";
        "reasons", "games", "Games by the reason that ended them.";
        "repeats", "", "Share of the last 500 games that repeat an earlier one of them move by move.";
        "opening_diversity", "", "Share of different openings (16 plies) among the last 500 games.";
    }
    "league": {
        "pool_snapshots", "", "Snapshots in the pool; 0 without a league.";
        "pool_games", "games", "Games against the pool that ended in the iteration.";
        "pool_scores", "", "Points per game against each snapshot, 0–1, over about the last 100 games; snapshots with fewer than 50 are left out.";
        "pool_lowest", "", "Lowest of these scores; below 0.45 the agent has unlearnt something.";
        "best_iteration", "", "Iteration of the best agent so far, by the gate.";
    }
    "performance": {
        "plies_per_second", "1/s", "Plies a second of the whole iteration.";
        "samples_per_second", "1/s", "Samples a second of the update alone.";
        "collect_seconds", "s", "Self-play.";
        "env_seconds", "s", "Self-play in the games: moves, rules, encodings, sampling; mean over the threads.";
        "inference_seconds", "s", "Self-play in the network; mean over the threads.";
        "learn_seconds", "s", "Advantages and update.";
        "log_seconds", "s", "Events, files and display before the iteration.";
        "longest_wait_seconds", "s", "Longest time that a rank waited for others; 0 with one rank.";
        "slowest_rank", "", "Rank that waited least for others.";
    }
}

/// Tag of a metric in tools that group by a prefix, such as `losses/value_loss`.
pub fn tag(metric: &Metric) -> String {
    format!("{}/{}", metric.group, metric.key)
}

/// The table as a page of the documentation.
pub fn markdown() -> String {
    let mut text = String::from(
        "# Metrics\n\n\
         Written by `cargo run -- metrics --markdown`; the table behind it is `trainer-native/src/metrics.rs`. Each line of\n\
         `metrics.jsonl` has all of them for one iteration; TensorBoard, Prometheus and the like show the numbers as\n\
         `group/key`. Other events (evaluations, checkpoints, alarms, failures) stand in `events.jsonl`.\n",
    );
    let mut group = "";
    for metric in METRICS {
        if metric.group != group {
            group = metric.group;
            let _ = write!(text, "\n## {group}\n\n| key | unit | what it is |\n|---|---|---|\n");
        }
        let Metric { key, unit, doc, .. } = metric;
        let _ = writeln!(text, "| `{key}` | {unit} | {} |", doc.replace('|', "\\|"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Metrics;
    use std::collections::BTreeSet;

    #[test]
    fn the_table_has_each_key_of_the_file_once() {
        let line = serde_json::to_value(Metrics::default()).expect("plain data");
        let keys: BTreeSet<&str> = line.as_object().expect("an object").keys().map(String::as_str).collect();
        let table: BTreeSet<&str> = METRICS.iter().map(|metric| metric.key).collect();
        assert_eq!(table, keys);
        assert_eq!(METRICS.len(), keys.len());
    }

    #[test]
    fn the_page_of_the_documentation_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md");
        let found = std::fs::read_to_string(path).unwrap_or_default();
        assert!(found == markdown(), "write it again: cargo run -- metrics --markdown > docs/metrics.md");
    }
}
