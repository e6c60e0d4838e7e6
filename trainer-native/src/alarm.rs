//! Alarms: signs that learning goes wrong, each with what to do about it.
//!
//! An alarm is raised at its threshold and stays in force until its number is back by a margin, so that a number that hovers about the
//! threshold is told of once.

use crate::event::{Alarm, Metrics};
use keisei_core::learn::{EndedGame, RatioTolerance};
use keisei_core::shogi::GameResult;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet, VecDeque};

/// Games that shares of games are measured over: the last ones, however many iterations they took.
pub const GAMES: usize = 500;

/// Games without which a share says nothing.
const ENOUGH: usize = 100;

/// Iterations for which a sign must hold, where one iteration says nothing.
const PATIENCE: u32 = 50;

/// Part of its first entropy below which a policy explores too little, at the start and at the end of a run: what it has learnt makes it sharp.
const SHARP_AT_FIRST: f64 = 0.2;
const SHARP_AT_LAST: f64 = 0.05;

/// Wait for a rank, in seconds, below which nothing is said of it: a moment's disturbance.
const SHORT_WAIT: f64 = 0.5;

/// Cross-entropy of a value head that knows nothing and says ⅓ for each outcome, in nats.
const KNOWS_NOTHING: f64 = 1.098_612_288_668_109_8;

/// State of the alarms between iterations; part of a checkpoint.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct AlarmState {
    /// Normalised entropy of the run's first iteration.
    first_entropy: Option<f64>,
    games: VecDeque<Seen>,
    /// Iterations in a row with an explained variance below 0.05.
    unexplained: u32,
    /// Iterations in a row with a value loss like that of a value head that knows nothing.
    ignorant: u32,
    /// Moving average of the share of dropped samples.
    dropped: f64,
    /// Ids of the alarms in force.
    raised: BTreeSet<String>,
}

/// Summary of an ended game.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
struct Seen {
    moves: u64,
    opening: u64,
    is_truncated: bool,
    is_drawn: bool,
}

impl AlarmState {
    /// Takes note of an iteration and of the games that ended in it; writes the alarms in force and the shares over the last
    /// [`GAMES`] games into `metrics`, and returns the alarms that were not in force before.
    pub fn observe(&mut self, metrics: &mut Metrics, ended: &[EndedGame], tolerance: RatioTolerance) -> Vec<Alarm> {
        self.remember(ended);
        let distinct = |hash: fn(&Seen) -> u64| self.games.iter().map(hash).collect::<HashSet<_>>().len() as f64;
        let games = self.games.len().max(1) as f64;
        metrics.ended.opening_diversity = distinct(|game| game.opening) / games;
        metrics.ended.repeats = (self.games.len() as f64 - distinct(|game| game.moves)) / games;

        let first = *self.first_entropy.get_or_insert(metrics.normalized_entropy);
        let update = &metrics.update;
        let unexplained = below(update.explained_variance, 0.05, 0.07);
        let ignorant = below((update.losses.value_loss - KNOWS_NOTHING).abs(), 0.01, 0.015);
        self.unexplained = unexplained.count(self.unexplained);
        self.ignorant = ignorant.count(self.ignorant);
        self.dropped += (metrics.dropped_samples - self.dropped) / f64::from(PATIENCE);

        let rows = self.rows(metrics, first, tolerance);
        let mut news = Vec::new();
        for (id, sign, text, advice) in rows {
            if sign.is_there && self.raised.insert(id.to_owned()) {
                let (text, advice) = (text.into_owned(), advice.to_owned());
                news.push(Alarm { iteration: metrics.iteration, id: id.to_owned(), text, advice });
            } else if !sign.is_near {
                self.raised.remove(id);
            }
        }
        metrics.alarms = self.raised.iter().cloned().collect();
        news
    }

    fn remember(&mut self, ended: &[EndedGame]) {
        for game in ended {
            let result = game.outcome.result;
            self.games.push_back(Seen {
                moves: game.moves_hash,
                opening: game.opening_hash,
                is_truncated: result == GameResult::Truncated,
                is_drawn: result == GameResult::Draw,
            });
        }
        self.games.drain(..self.games.len().saturating_sub(GAMES));
    }

    /// Every alarm: its id, whether its sign is there, what is seen, and what to do about it.
    fn rows(&self, metrics: &Metrics, first: f64, tolerance: RatioTolerance) -> [Row; 13] {
        let share = |holds: fn(&Seen) -> bool| {
            let count = self.games.iter().filter(|&game| holds(game)).count();
            if self.games.len() < ENOUGH { 0.0 } else { count as f64 / self.games.len() as f64 }
        };
        let truncated = share(|game| game.is_truncated);
        let repeats = if self.games.len() < ENOUGH { 0.0 } else { metrics.ended.repeats };
        let update = &metrics.update;
        let sharp = SHARP_AT_FIRST + (SHARP_AT_LAST - SHARP_AT_FIRST) * metrics.progress;
        [
            (
                "entropy_collapse",
                below(metrics.normalized_entropy, sharp * first, 1.25 * sharp * first),
                format!("the policy's entropy has fallen below {:.0} % of its first value", 100.0 * sharp).into(),
                "Raise ppo.ent_coef.to, or lower ppo.learning_rate.from.",
            ),
            (
                "truncation",
                above(truncated, 0.3, 0.25),
                "more than 30 % of the last games reach the ply limit".into(),
                "Raise selfplay.max_plies, or keep estimation.prior_weight up for longer: nobody learns to end games.",
            ),
            (
                "empty_value",
                above(truncated, 0.15, 0.12).and(below(update.losses.value_loss, 0.05, 0.07)),
                "the value loss goes to 0 while games reach the ply limit".into(),
                "The value head learns that nothing ever happens: raise selfplay.max_plies and estimation.prior_weight.from.",
            ),
            (
                "draws",
                above(share(|game| game.is_drawn), 0.6, 0.55),
                "more than 60 % of the last games are drawn".into(),
                "Raise ppo.ent_coef.from, or selfplay.opening_plies, so that games leave the beaten track.",
            ),
            (
                "repeats",
                above(repeats, 0.01, 0.006),
                "more than 1 % of the last games repeat an earlier one move by move".into(),
                "Raise selfplay.opening_plies or ppo.ent_coef.to: the same games teach nothing new.",
            ),
            (
                "unexplained_variance",
                above(f64::from(self.unexplained), f64::from(PATIENCE) - 1.0, 0.0),
                "the explained variance has been below 0.05 for 50 iterations".into(),
                "The value head learns nothing: raise selfplay.horizon, estimation.value_lambda or selfplay.past_positions, and see that games end.",
            ),
            (
                "ignorant_value",
                above(f64::from(self.ignorant), f64::from(PATIENCE) - 1.0, 0.0),
                "the value loss has stayed near ln 3 for 50 iterations: the value head has learnt nothing".into(),
                "Raise ppo.vf_coef or ppo.learning_rate.from, and see that games end: selfplay.max_plies, estimation.prior_weight.",
            ),
            (
                "kl",
                // One move that was next to impossible raises k3 alone: its ratio is in the thousands.
                above(update.losses.approx_kl, 0.1, 0.08).and(above(update.losses.old_approx_kl, 0.05, 0.04)),
                "approx_kl is above 0.1, and not by a single move".into(),
                "Lower ppo.learning_rate.from or ppo.target_kl: the policy moves too far in one update.",
            ),
            (
                "dropped_samples",
                above(self.dropped, 0.25, 0.2),
                "more than a quarter of the samples of the last 50 iterations were dropped at ppo.target_kl".into(),
                "Lower ppo.learning_rate.from or ppo.epochs, or raise ppo.minibatch: self-play is thrown away.",
            ),
            (
                "not_finite",
                above(update.skipped as f64, 0.0, 0.0),
                "gradient steps were left out: not finite".into(),
                "Lower ppo.learning_rate.from or ppo.max_grad_norm; if it comes from 16-bit numbers, run.precision=f32.",
            ),
            (
                "ratio_error",
                above(update.first_ratio_error, tolerance.alarm, 0.5 * tolerance.alarm),
                "self-play and learner disagree: first_ratio_error is above rounding".into(),
                "Report it: the two must compute the same policy. run.precision=f32 rounds least.",
            ),
            (
                "forgetting",
                below(metrics.league.pool_lowest.unwrap_or(1.0), 0.45, 0.48),
                forgotten(metrics),
                "It has unlearnt what beat that snapshot: raise league.share, or hold ppo.ent_coef.to up.",
            ),
            (
                "slow_rank",
                above(waited(metrics), 0.2, 0.1),
                slow(metrics),
                "See what else runs there, how many cores it has and how fast they are: all ranks wait for the slowest.",
            ),
        ]
    }
}

/// An alarm: its id, its sign, what is seen, and what to do about it.
type Row = (&'static str, Sign, Cow<'static, str>, &'static str);

/// Sign of an alarm.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Sign {
    /// Whether the number is beyond the threshold.
    is_there: bool,
    /// Whether it is beyond the threshold, or not yet back by the margin.
    is_near: bool,
}

/// Sign that is there above `threshold` and near above `back`.
fn above(number: f64, threshold: f64, back: f64) -> Sign {
    Sign { is_there: number > threshold, is_near: number > back }
}

/// Sign that is there below `threshold` and near below `back`.
fn below(number: f64, threshold: f64, back: f64) -> Sign {
    above(-number, -threshold, -back)
}

impl Sign {
    fn and(self, other: Self) -> Self {
        Self { is_there: self.is_there && other.is_there, is_near: self.is_near && other.is_near }
    }

    /// Iterations in a row with the sign, after `before` of them: [`PATIENCE`] of them end only beyond the margin.
    fn count(self, before: u32) -> u32 {
        if self.is_there {
            before.saturating_add(1)
        } else if self.is_near && before >= PATIENCE {
            before
        } else {
            0
        }
    }
}

/// Longest wait of a rank as a part of the iteration; 0 where it is too short to matter.
fn waited(metrics: &Metrics) -> f64 {
    let perf = &metrics.perf;
    let wait = perf.longest_wait_seconds;
    if wait < SHORT_WAIT { 0.0 } else { wait / (perf.collect_seconds + perf.learn_seconds) }
}

/// The slowest rank, and how long others waited.
fn slow(metrics: &Metrics) -> Cow<'static, str> {
    let perf = &metrics.perf;
    format!(
        "rank {} is slow: others waited {:.1} s of the {:.1} s of the iteration",
        perf.slowest_rank,
        perf.longest_wait_seconds,
        perf.collect_seconds + perf.learn_seconds
    )
    .into()
}

/// Snapshot with the lowest score, and the score.
fn forgotten(metrics: &Metrics) -> Cow<'static, str> {
    let scores = metrics.league.pool_scores.iter();
    let Some((snapshot, score)) = scores.min_by(|a, b| a.1.total_cmp(b.1)) else { return "".into() };
    format!("the agent scores {score:.2} against its snapshot of iteration {}", snapshot.trim_start_matches('0')).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learner::Precision;
    use keisei_core::shogi::{Outcome, Reason};

    /// Alarms in force at the end of a stream of `iterations` times the metrics after `change`, with as many games of
    /// `result` in each; every game is another unless `same`.
    fn after(iterations: u64, change: fn(&mut Metrics), result: GameResult, same: bool) -> (Vec<String>, usize) {
        let mut state = AlarmState::default();
        let mut news = 0;
        let mut metrics = Metrics::default();
        for iteration in 1..=iterations {
            metrics = Metrics { iteration, normalized_entropy: 0.9, ..Metrics::default() };
            metrics.update.explained_variance = 0.3;
            metrics.update.losses.value_loss = 0.8;
            if iteration > 1 {
                change(&mut metrics);
            }
            let hash = if same { 7 } else { iteration };
            let game = EndedGame {
                place: (0, 0),
                outcome: Outcome { result, reason: Reason::Checkmate },
                plies: 90,
                moves_hash: hash,
                opening_hash: hash,
                meeting: None,
            };
            news += state.observe(&mut metrics, &[game, game][..1], Precision::F32.ratio_tolerance()).len();
            // The state lives through a checkpoint.
            let bytes = postcard::to_allocvec(&state).expect("plain data");
            state = postcard::from_bytes(&bytes).expect("plain data");
        }
        (metrics.alarms, news)
    }

    /// A policy that moved so far, by both estimators.
    fn moved(metrics: &mut Metrics, divergence: f64) {
        (metrics.update.losses.approx_kl, metrics.update.losses.old_approx_kl) = (divergence, divergence);
    }

    const WIN: GameResult = GameResult::Win(keisei_core::shogi::Color::Black);

    #[test]
    fn each_alarm_is_raised_by_its_sign_once_and_by_no_other() {
        let check = |id: &str, iterations, change: fn(&mut Metrics), result, same| {
            assert_eq!(after(iterations, change, result, same), (vec![id.to_owned()], 1), "{id}");
        };
        check("entropy_collapse", 2, |m| m.normalized_entropy = 0.17, WIN, false);
        check("entropy_collapse", 2, |m| (m.normalized_entropy, m.progress) = (0.1, 0.5), WIN, false);
        let sharp_at_last = |m: &mut Metrics| (m.normalized_entropy, m.progress) = (0.1, 0.9);
        assert_eq!(after(2, sharp_at_last, WIN, false), (vec![], 0));
        check("truncation", 200, |_| {}, GameResult::Truncated, false);
        check("draws", 200, |_| {}, GameResult::Draw, false);
        check("repeats", 120, |_| {}, WIN, true);
        check("unexplained_variance", 51, |m| m.update.explained_variance = -0.01, WIN, false);
        check("ignorant_value", 51, |m| m.update.losses.value_loss = 1.0957, WIN, false);
        check("kl", 2, |m| moved(m, 0.11), WIN, false);
        let by_one_move = |m: &mut Metrics| (m.update.losses.approx_kl, m.update.losses.old_approx_kl) = (1.25, 0.005);
        assert_eq!(after(2, by_one_move, WIN, false), (vec![], 0));
        check("dropped_samples", 50, |m| m.dropped_samples = 0.5, WIN, false);
        check("not_finite", 2, |m| m.update.skipped = 1, WIN, false);
        check("ratio_error", 2, |m| m.update.first_ratio_error = 0.01, WIN, false);
        check("forgetting", 2, |m| m.league.pool_lowest = Some(0.44), WIN, false);
        let slow = |m: &mut Metrics| (m.perf.collect_seconds, m.perf.longest_wait_seconds) = (3.0, 0.61);
        check("slow_rank", 2, slow, WIN, false);
        let (raised, _) = after(200, |m| m.update.losses.value_loss = 0.01, GameResult::Truncated, false);
        assert_eq!(raised, ["empty_value", "truncation"]);
    }

    #[test]
    fn a_number_that_hovers_about_the_threshold_is_told_of_once_and_comes_again_from_beyond_the_margin() {
        // Beyond the threshold in every second iteration, within the margin in between.
        fn half(metrics: &Metrics) -> bool {
            metrics.iteration.is_multiple_of(2)
        }
        let news = |change: fn(&mut Metrics)| after(200, change, WIN, false).1;
        assert_eq!(news(|m| moved(m, if half(m) { 0.101 } else { 0.099 })), 1);
        assert_eq!(news(|m| m.normalized_entropy = if half(m) { 0.179 } else { 0.181 }), 1);
        assert_eq!(news(|m| m.league.pool_lowest = Some(if half(m) { 0.449 } else { 0.451 })), 1);
        assert_eq!(news(|m| m.update.first_ratio_error = if half(m) { 1.1e-5 } else { 0.9e-5 }), 1);
        assert_eq!(news(|m| m.update.explained_variance = if m.iteration % 60 == 0 { 0.01 } else { -0.1 }), 1);
        assert_eq!(news(|m| moved(m, if half(m) { 0.101 } else { 0.07 })), 100);
        assert_eq!(news(|m| m.update.explained_variance = if m.iteration % 60 == 0 { 0.1 } else { -0.1 }), 3);
    }

    #[test]
    fn the_slow_rank_is_named_with_what_it_costs_and_a_moment_is_nothing() {
        let mut metrics = Metrics::default();
        let perf = &mut metrics.perf;
        (perf.collect_seconds, perf.learn_seconds) = (3.0, 7.0);
        (perf.longest_wait_seconds, perf.slowest_rank) = (2.5, 3);
        assert_eq!(slow(&metrics), "rank 3 is slow: others waited 2.5 s of the 10.0 s of the iteration");
        assert_eq!(waited(&metrics), 0.25);
        metrics.perf.longest_wait_seconds = 0.4;
        assert_eq!(waited(&metrics), 0.0);
        let momentary = |m: &mut Metrics| (m.perf.collect_seconds, m.perf.longest_wait_seconds) = (0.5, 0.4);
        assert_eq!(after(9, momentary, WIN, false), (vec![], 0));
    }

    #[test]
    fn the_snapshot_that_beats_the_agent_is_named() {
        let mut metrics = Metrics::default();
        metrics.league.pool_scores = [("00000012".to_owned(), 0.6), ("00000240".to_owned(), 0.41)].into();
        assert_eq!(forgotten(&metrics), "the agent scores 0.41 against its snapshot of iteration 240");
    }

    #[test]
    fn a_healthy_run_raises_none_and_few_games_say_nothing() {
        assert_eq!(after(600, |_| {}, WIN, false), (vec![], 0));
        assert_eq!(after(99, |_| {}, GameResult::Truncated, true).0, Vec::<String>::new());
        assert_eq!(after(49, |m| m.update.explained_variance = -1.0, WIN, false).0, Vec::<String>::new());
    }

    #[test]
    fn shares_are_those_of_the_last_games() {
        let mut state = AlarmState::default();
        let outcome = Outcome { result: WIN, reason: Reason::Checkmate };
        let game = |hash| EndedGame {
            place: (0, 0),
            outcome,
            plies: 9,
            moves_hash: hash,
            opening_hash: hash / 2,
            meeting: None,
        };
        let mut metrics = Metrics::default();
        let games: Vec<EndedGame> = (0..10_000).map(game).chain([game(9_999)]).collect();
        state.observe(&mut metrics, &games, Precision::F32.ratio_tolerance());
        assert_eq!(state.games.len(), GAMES);
        assert_eq!(metrics.ended.repeats, 1.0 / GAMES as f64);
        assert!((0.5..0.51).contains(&metrics.ended.opening_diversity), "{}", metrics.ended.opening_diversity);
    }
}
