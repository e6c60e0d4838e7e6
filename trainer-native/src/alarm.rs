//! Alarms: signs that learning goes wrong, each with what to do about it.

use crate::event::{Alarm, Metrics};
use keisei_core::learn::{EndedGame, RatioTolerance};
use keisei_core::shogi::GameResult;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashSet, VecDeque};

/// Games that shares of games are measured over: the last ones, however many iterations they took.
pub const GAMES: usize = 500;

/// Games without which a share says nothing.
const ENOUGH: usize = 100;

/// Iterations for which a sign must hold, where one iteration says nothing.
const PATIENCE: u32 = 50;

/// Cross-entropy of a value head that knows nothing and says ⅓ for each outcome, in nats.
const KNOWS_NOTHING: f64 = 1.098_612_288_668_109_8;

/// State of the alarms between iterations; part of a checkpoint.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct AlarmState {
    /// Normalised entropy of the run's first iteration.
    first_entropy: Option<f64>,
    games: VecDeque<Seen>,
    /// Iterations in a row with an explained variance below 0.
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
        let count = |holds, count: u32| if holds { count.saturating_add(1) } else { 0 };
        self.unexplained = count(update.explained_variance < 0.0, self.unexplained);
        self.ignorant = count((update.losses.value_loss - KNOWS_NOTHING).abs() < 0.01, self.ignorant);
        self.dropped += (metrics.dropped_samples - self.dropped) / f64::from(PATIENCE);

        let rows = self.rows(metrics, first, tolerance);
        let mut news = Vec::new();
        for (id, holds, text, advice) in rows {
            if holds && self.raised.insert(id.to_owned()) {
                let (text, advice) = (text.to_owned(), advice.to_owned());
                news.push(Alarm { iteration: metrics.iteration, id: id.to_owned(), text, advice });
            } else if !holds {
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
    fn rows(&self, metrics: &Metrics, first: f64, tolerance: RatioTolerance) -> [Row; 11] {
        let share = |holds: fn(&Seen) -> bool| {
            let count = self.games.iter().filter(|&game| holds(game)).count();
            if self.games.len() < ENOUGH { 0.0 } else { count as f64 / self.games.len() as f64 }
        };
        let truncated = share(|game| game.is_truncated);
        let repeats = if self.games.len() < ENOUGH { 0.0 } else { metrics.ended.repeats };
        let update = &metrics.update;
        [
            (
                "entropy_collapse",
                metrics.normalized_entropy < 0.2 * first,
                "the policy's entropy has fallen below a fifth of its first value",
                "Raise ppo.ent_coef.to, or lower ppo.learning_rate.from.",
            ),
            (
                "truncation",
                truncated > 0.3,
                "more than 30 % of the last games reach the ply limit",
                "Raise selfplay.max_plies, or keep estimation.prior_weight up for longer: nobody learns to end games.",
            ),
            (
                "empty_value",
                truncated > 0.15 && update.losses.value_loss < 0.05,
                "the value loss goes to 0 while games reach the ply limit",
                "The value head learns that nothing ever happens: raise selfplay.max_plies and estimation.prior_weight.from.",
            ),
            (
                "draws",
                share(|game| game.is_drawn) > 0.6,
                "more than 60 % of the last games are drawn",
                "Raise ppo.ent_coef.from, or selfplay.opening_plies, so that games leave the beaten track.",
            ),
            (
                "repeats",
                repeats > 0.01,
                "more than 1 % of the last games repeat an earlier one move by move",
                "Raise selfplay.opening_plies or ppo.ent_coef.to: the same games teach nothing new.",
            ),
            (
                "unexplained_variance",
                self.unexplained >= PATIENCE,
                "the explained variance has been below 0 for 50 iterations",
                "The value head is worse than a constant: raise ppo.vf_coef, or lower estimation.value_lambda.",
            ),
            (
                "ignorant_value",
                self.ignorant >= PATIENCE,
                "the value loss has stayed near ln 3 for 50 iterations: the value head has learnt nothing",
                "Raise ppo.vf_coef or ppo.learning_rate.from, and see that games end: selfplay.max_plies, estimation.prior_weight.",
            ),
            (
                "kl",
                update.losses.approx_kl > 0.1,
                "approx_kl is above 0.1",
                "Lower ppo.learning_rate.from or ppo.target_kl: the policy moves too far in one update.",
            ),
            (
                "dropped_samples",
                self.dropped > 0.25,
                "more than a quarter of the samples of the last 50 iterations were dropped at ppo.target_kl",
                "Lower ppo.learning_rate.from or ppo.epochs, or raise ppo.minibatch: self-play is thrown away.",
            ),
            (
                "not_finite",
                update.skipped > 0,
                "gradient steps were left out: not finite",
                "Lower ppo.learning_rate.from or ppo.max_grad_norm; if it comes from 16-bit numbers, run.precision=f32.",
            ),
            (
                "ratio_error",
                update.first_ratio_error > tolerance.alarm,
                "self-play and learner disagree: first_ratio_error is above rounding",
                "Report it: the two must compute the same policy. run.precision=f32 rounds least.",
            ),
        ]
    }
}

/// An alarm: its id, whether its sign is there, what is seen, and what to do about it.
type Row = (&'static str, bool, &'static str, &'static str);

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

    const WIN: GameResult = GameResult::Win(keisei_core::shogi::Color::Black);

    #[test]
    fn each_alarm_is_raised_by_its_sign_once_and_by_no_other() {
        let check = |id: &str, iterations, change: fn(&mut Metrics), result, same| {
            assert_eq!(after(iterations, change, result, same), (vec![id.to_owned()], 1), "{id}");
        };
        check("entropy_collapse", 2, |m| m.normalized_entropy = 0.17, WIN, false);
        check("truncation", 200, |_| {}, GameResult::Truncated, false);
        check("draws", 200, |_| {}, GameResult::Draw, false);
        check("repeats", 120, |_| {}, WIN, true);
        check("unexplained_variance", 51, |m| m.update.explained_variance = -0.01, WIN, false);
        check("ignorant_value", 51, |m| m.update.losses.value_loss = 1.0957, WIN, false);
        check("kl", 2, |m| m.update.losses.approx_kl = 0.11, WIN, false);
        check("dropped_samples", 50, |m| m.dropped_samples = 0.5, WIN, false);
        check("not_finite", 2, |m| m.update.skipped = 1, WIN, false);
        check("ratio_error", 2, |m| m.update.first_ratio_error = 0.01, WIN, false);
        let (raised, _) = after(200, |m| m.update.losses.value_loss = 0.01, GameResult::Truncated, false);
        assert_eq!(raised, ["empty_value", "truncation"]);
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
