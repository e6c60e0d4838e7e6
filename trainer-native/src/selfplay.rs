//! Self-play on several threads: each plays its part of the games.

use keisei_core::evaluator::{Batch, Evaluator, EvaluatorError, Predictions, Shape};
use keisei_core::learn::{Collected, LearnError, Learner, Part, Rollout, SelfPlay, Share};
use keisei_core::net::Weights;
use std::time::{Duration, Instant};

/// Fills `rollout` with `horizon` plies of every game, played by the policy of `weights` on the device of `learner`. Returns
/// the statistics, and the time that was spent in the network, as a mean over the threads.
///
/// The rollout does not depend on `threads`; the choice of games that are kept as records does.
///
/// # Errors
/// If the network's output is not finite, or the device fails.
///
/// # Panics
/// If a thread does.
pub fn collect(
    selfplay: &mut SelfPlay,
    learner: &dyn Learner,
    weights: &Weights,
    iteration: u64,
    threads: usize,
    rollout: &mut Rollout,
) -> Result<(Collected, Duration), LearnError> {
    let parts: Vec<Part> = selfplay.parts(threads, rollout).collect();
    let evaluators: Vec<_> = parts.iter().map(|_| learner.evaluator(weights)).collect();
    let count = evaluators.len().max(1) as u32;
    let play = |part: Part, evaluator| {
        let mut evaluator = Timed { evaluator, spent: Duration::ZERO };
        part.play(&mut evaluator, iteration).map(|share| (share, evaluator.spent))
    };
    let shares: Result<Vec<(Share, Duration)>, LearnError> = std::thread::scope(|scope| {
        let workers: Vec<_> = parts
            .into_iter()
            .zip(evaluators)
            .map(|(part, evaluator)| scope.spawn(move || play(part, evaluator)))
            .collect();
        workers.into_iter().map(|worker| worker.join().expect("a self-play thread does not panic")).collect()
    });
    let (shares, spent): (Vec<Share>, Vec<Duration>) = shares?.into_iter().unzip();
    Ok((rollout.gather(shares), spent.iter().sum::<Duration>() / count))
}

/// Evaluator that adds up the time that it takes.
struct Timed {
    evaluator: Box<dyn Evaluator + Send>,
    spent: Duration,
}

impl Evaluator for Timed {
    fn shape(&self) -> Shape {
        self.evaluator.shape()
    }

    fn evaluate(&mut self, batch: &Batch) -> Result<&mut Predictions, EvaluatorError> {
        let begin = Instant::now();
        let predictions = self.evaluator.evaluate(batch);
        self.spent += begin.elapsed();
        predictions
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learner::CpuLearner;
    use crate::settings::Preset;
    use keisei_core::encoding::{Action, Actions, Features, PackedObservation};
    use keisei_core::env::Opening;
    use keisei_core::learn::{Estimation, RandomPlies, SelfPlaySettings, SlotState, Span, Step, StepEnd};
    use keisei_core::net::NetSpec;
    use keisei_core::shogi::{Game, Move, Position, material};
    use std::collections::BTreeMap;

    /// Short games that end in every way, in more slots than threads.
    fn settings() -> SelfPlaySettings {
        SelfPlaySettings {
            games: 5,
            horizon: 200,
            max_plies: 160,
            opening_plies: 20,
            first_opening_plies: 100,
            records_per_part: 1,
        }
    }

    fn start(settings: &SelfPlaySettings) -> SelfPlay {
        SelfPlay::new(settings.clone(), Actions::Dest2187, 7)
    }

    fn weights() -> Weights {
        let spec: NetSpec = Preset::Tiny.settings().spec();
        Weights::init(&spec, 3).expect("a valid network")
    }

    fn learner() -> CpuLearner {
        CpuLearner::new(Features::Attack96, Actions::Dest2187, 1)
    }

    fn collect(selfplay: &mut SelfPlay, iteration: u64, threads: usize) -> (Rollout, Collected) {
        let mut rollout = Rollout::default();
        let collected =
            super::collect(selfplay, &learner(), &weights(), iteration, threads, &mut rollout).expect("finite").0;
        (rollout, collected)
    }

    /// Steps with their legal actions, whose places in the rollout depend on the threads.
    fn rows(rollout: &Rollout) -> Vec<(Step, Vec<Action>)> {
        let row = |step: &Step| (Step { legal: Span::default(), ..*step }, rollout.legal_of(step).to_vec());
        rollout.steps.iter().map(row).collect()
    }

    #[test]
    fn rows_are_the_games_ply_by_ply() {
        let settings = settings();
        let mut selfplay = start(&settings);
        let opening = RandomPlies::new(&settings, 7);
        let begin = |slot: usize, number: u64| {
            let mut game = Game::new(Position::startpos(), settings.max_plies);
            opening.begin(slot, number, &mut game);
            (game, number)
        };
        let mut games: Vec<(Game, u64)> = (0..settings.games).map(|slot| begin(slot, 0)).collect();
        let mut ends = BTreeMap::new();
        for iteration in 0..2 {
            let (rollout, collected) = collect(&mut selfplay, iteration, 2);
            assert_eq!(rollout.steps.len(), settings.games * settings.horizon);
            for (slot, row) in rollout.steps.chunks(settings.horizon).enumerate() {
                let (game, number) = &mut games[slot];
                for (t, step) in row.iter().enumerate() {
                    let position = game.position().clone();
                    assert_eq!(step.observation, PackedObservation::new(game));
                    let choices = Actions::Dest2187.legal(&position);
                    assert_eq!(rollout.legal_of(step), choices.actions());
                    let mv = Actions::Dest2187.to_move(&position, step.action).expect("a legal action");
                    assert!(step.log_prob <= 0.0 && step.log_prob.is_finite());
                    assert!((step.wdl.to_array().iter().sum::<f32>() - 1.0).abs() < 1e-5);
                    assert_eq!(step.score, material::balance(&position, position.side_to_move()) / 76.0);
                    game.play(mv);
                    let outcome = game.outcome().or_else(|| game.declare().ok());
                    let end =
                        outcome.map_or(StepEnd::Continues, |outcome| StepEnd::of(outcome, position.side_to_move()));
                    assert_eq!(step.end, end);
                    let cut = step.end == StepEnd::Truncated || (step.end == StepEnd::Continues && t + 1 == row.len());
                    assert_eq!(step.tail.is_some(), cut, "slot {slot}, ply {t}");
                    if let Some(outcome) = outcome {
                        *ends.entry(outcome.reason.id()).or_insert(0) += 1;
                        (*game, *number) = begin(slot, *number + 1);
                    }
                }
            }
            for record in collected.records {
                let bytes = keisei_core::format::record::to_bytes(&[record]).expect("a game by the rules");
                keisei_core::format::record::from_bytes(&bytes).expect("a game by the rules");
            }
        }
        assert!(ends.contains_key("checkmate") && ends.contains_key("max_plies"), "not every end was met: {ends:?}");
    }

    #[test]
    fn the_number_of_threads_does_not_matter() {
        let collected = |threads| {
            let mut selfplay = start(&settings());
            let (rollout, collected) = collect(&mut selfplay, 0, threads);
            (rows(&rollout), collected.reasons, collected.results, selfplay.state())
        };
        let one = collected(1);
        for threads in [2, 3, 5, 64] {
            assert!(collected(threads) == one, "{threads} threads play other games");
        }
    }

    #[test]
    fn games_taken_up_go_on_as_if_never_put_down() {
        let mut played = start(&settings());
        collect(&mut played, 0, 2);
        let mut restored = start(&settings());
        restored.restore(&played.state()).expect("games by the rules");
        assert!(restored.state() == played.state());
        let (a, b) = (collect(&mut played, 1, 2).0, collect(&mut restored, 1, 2).0);
        assert!(rows(&a) == rows(&b));
        assert!(restored.state() == played.state());
    }

    #[test]
    fn games_that_cannot_go_on_are_refused() {
        let check = |change: fn(&mut Vec<SlotState>), message: &str| {
            let mut states = start(&settings()).state();
            change(&mut states);
            let error = format!("{:#}", start(&settings()).restore(&states).expect_err(message));
            assert!(error.contains(message), "{error}");
        };
        check(|states| states.truncate(4), "4 games, selfplay.envs is 5");
        check(|states| states[1].start = "9/9 b - 1".into(), "game 1 of the checkpoint: start 9/9 b - 1");
        check(|states| states[2].moves = vec![u16::MAX], "game 2 of the checkpoint: ply 1");
        check(|states| states[0].moves.extend_from_within(..1), "game 0 of the checkpoint: ply");
        check(
            |states| {
                states[0].start = "8k/9/8P/9/9/9/9/9/K8 b G 1".into();
                states[0].moves = vec!["G*1b".parse::<Move>().expect("a move").to_u16()];
            },
            "it is over, checkmate",
        );
    }

    #[test]
    fn the_shortest_settings_play() {
        let settings = SelfPlaySettings {
            games: 1,
            horizon: 1,
            max_plies: 1,
            opening_plies: 0,
            first_opening_plies: 0,
            records_per_part: 0,
        };
        let mut selfplay = start(&settings);
        let (mut rollout, collected) = collect(&mut selfplay, 0, 3);
        assert_eq!((rollout.steps.len(), rollout.steps[0].end, collected.games()), (1, StepEnd::Truncated, 1));
        rollout.estimate(&Estimation { gamma: 1.0, gae_lambda: 1.0, value_lambda: 1.0, prior_weight: 1.0 });
        assert!(rollout.advantages[0].is_finite());
    }

    #[test]
    fn a_broken_network_is_an_error() {
        let mut weights = weights();
        weights.data_mut().fill(f32::NAN);
        let collected = super::collect(&mut start(&settings()), &learner(), &weights, 4, 2, &mut Rollout::default());
        let error = collected.err().expect("refused");
        assert!(error.to_string().contains("iteration 5: the network's output is not finite"), "{error}");
    }
}
