//! Self-play on several threads: each plays its part of the games.

use keisei_core::evaluator::{Batch, Evaluator, EvaluatorError, Predictions, Shape};
use keisei_core::learn::{Collected, LearnError, Learner, Matchmaking, Opponents, Part, Rollout, SelfPlay, Share};
use keisei_core::net::Weights;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Frozen opponents of the learner; the default is that there are none.
#[derive(Clone, Debug, Default)]
pub struct Pool<'a> {
    /// Chances of the opponents in games that begin.
    pub matchmaking: Matchmaking,
    /// Weights by the id of the opponent: of all those in games in progress, see [`SelfPlay::opponents`], and of all that may be
    /// met next.
    pub weights: BTreeMap<u32, &'a Weights>,
}

/// Fills `rollout` with `horizon` plies of every game, played by the policy of `weights`, in some games against opponents of the
/// `pool`, on the device of `learner`. Returns the statistics, and the time that was spent in networks, as a mean over the
/// threads.
///
/// Neither the rollout nor the choice of games that are kept as records depends on `threads`, nor on the [groups](Learner::groups) of
/// games that are in flight at least. Positions for games to begin in are left for [`SelfPlay::remember`].
///
/// # Errors
/// If a network's output is not finite, an opponent is missing, or the device fails.
///
/// # Panics
/// If a thread does.
pub fn play(
    selfplay: &mut SelfPlay,
    learner: &dyn Learner,
    weights: &Weights,
    pool: &Pool,
    iteration: u64,
    threads: usize,
    rollout: &mut Rollout,
) -> Result<(Collected, Duration), LearnError> {
    let parts: Vec<Part> = selfplay.parts(threads.max(learner.groups()), &pool.matchmaking, rollout).collect();
    let count = parts.len().max(1) as u32;
    let players: Vec<_> = parts.iter().map(|_| Players::new(learner, weights, pool)).collect();
    let shares: Result<Vec<(Share, Duration)>, LearnError> = std::thread::scope(|scope| {
        let workers: Vec<_> = parts
            .into_iter()
            .zip(players)
            .map(|(part, players)| scope.spawn(move || players.play(part, iteration)))
            .collect();
        workers.into_iter().map(|worker| worker.join().expect("a self-play thread does not panic")).collect()
    });
    let (shares, spent): (Vec<Share>, Vec<Duration>) = shares?.into_iter().unzip();
    Ok((rollout.gather(shares), spent.iter().sum::<Duration>() / count))
}

/// Plays as [`play`] does, in a run of one rank, and keeps positions of the games that have ended: later games may begin there.
///
/// # Errors
/// As for [`play`].
pub fn collect(
    selfplay: &mut SelfPlay,
    learner: &dyn Learner,
    weights: &Weights,
    pool: &Pool,
    iteration: u64,
    threads: usize,
    rollout: &mut Rollout,
) -> Result<(Collected, Duration), LearnError> {
    let (mut collected, inference) = play(selfplay, learner, weights, pool, iteration, threads, rollout)?;
    selfplay.remember(&mut collected);
    Ok((collected, inference))
}

/// Evaluators of one thread, which share a clock.
struct Players {
    learner: Timed,
    opponents: Opponents,
}

impl Players {
    fn new(learner: &dyn Learner, weights: &Weights, pool: &Pool) -> Self {
        let nanos = Arc::new(AtomicU64::new(0));
        let timed = |weights| Timed { evaluator: learner.evaluator(weights), nanos: nanos.clone() };
        let opponents = pool.weights.iter().map(|(&opponent, &weights)| (opponent, Box::new(timed(weights)) as Box<_>));
        Self { opponents: opponents.collect(), learner: timed(weights) }
    }

    /// Share of the part, and the time spent in networks.
    fn play(self, part: Part, iteration: u64) -> Result<(Share, Duration), LearnError> {
        let Self { mut learner, mut opponents } = self;
        let share = part.play(&mut learner, &mut opponents, iteration)?;
        Ok((share, Duration::from_nanos(learner.nanos.load(Ordering::Relaxed))))
    }
}

/// Evaluator that adds up the time that it takes.
struct Timed {
    evaluator: Box<dyn Evaluator + Send>,
    /// Nanoseconds so far, of all evaluators of the thread.
    nanos: Arc<AtomicU64>,
}

impl Evaluator for Timed {
    fn shape(&self) -> Shape {
        self.evaluator.shape()
    }

    fn evaluate(&mut self, batch: &Batch) -> Result<&mut Predictions, EvaluatorError> {
        let begin = Instant::now();
        let predictions = self.evaluator.evaluate(batch);
        self.nanos.fetch_add(begin.elapsed().as_nanos() as u64, Ordering::Relaxed);
        predictions
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learner::CpuLearner;
    use crate::settings::Preset;
    use keisei_core::encoding::{Action, Actions, Counters, Features, PackedObservation};
    use keisei_core::env::Opening;
    use keisei_core::learn::{
        Adam, Coefficients, Descent, Estimation, Lesson, Mates, Minibatch, Mover, Notes, Past, RandomPlies,
        RatioTolerance, SelfPlaySettings, SlotState, Span, Step, StepEnd, Sums, Thought,
    };
    use keisei_core::net::{NetSpec, Value, Wdl};
    use keisei_core::search::mate;
    use keisei_core::shogi::{Game, GameResult, Move, Position, material};
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::AtomicUsize;

    /// Short games that end in every way, in more slots than threads.
    fn settings() -> SelfPlaySettings {
        SelfPlaySettings {
            games: 5,
            horizon: 200,
            max_plies: 160,
            opening_plies: 20,
            first_opening_plies: 100,
            records: 3,
            mates: Mates { plies: 1, taken: 0.5, lessons: 2 },
            starts: 0.0,
            mirrored: 0.3,
            past: 2,
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
            super::collect(selfplay, &learner(), &weights(), &Pool::default(), iteration, threads, &mut rollout)
                .expect("finite")
                .0;
        (rollout, collected)
    }

    /// Steps with their legal actions, whose places in the rollout depend on the threads.
    fn rows(rollout: &Rollout) -> Vec<(Step, Vec<Action>)> {
        let row = |step: &Step| (Step { legal: Span::default(), ..*step }, rollout.legal_of(step.legal).to_vec());
        rollout.steps.iter().map(row).collect()
    }

    /// Positions beside the plies, lessons with their legal actions.
    fn beside(rollout: &Rollout) -> Vec<(Past, Vec<Action>)> {
        let row = |past: &Past| {
            let legal = past.lesson.map_or(&[][..], |lesson| rollout.legal_of(lesson.legal));
            (without_place(*past), legal.to_vec())
        };
        rollout.past.iter().map(row).collect()
    }

    fn without_place(past: Past) -> Past {
        Past { lesson: past.lesson.map(|lesson| Lesson { legal: Span::default(), ..lesson }), ..past }
    }

    /// All lessons that a position allows, by the definition: every legal move, then each reply that leaves no legal move.
    fn lessons(game: &Game) -> Vec<(Past, Vec<Action>)> {
        let choices = Actions::Dest2187.legal(game.position());
        let mut found = Vec::new();
        for &mv in choices.moves() {
            // Without a history: a position that occurs again is taught as a new one.
            let mut after = Game::new(game.position().clone(), 0);
            after.play(mv);
            let replies = Actions::Dest2187.legal(after.position());
            for (&mate, &reply) in replies.actions().iter().zip(replies.moves()) {
                let mut end = after.position().clone();
                end.play_unchecked(reply);
                if end.in_check() && !end.has_legal_move() {
                    let counters =
                        Counters { repetition: 1, plies: game.moves().len() as u16 + 1, ..Counters::of(game) };
                    let side = after.position().side_to_move();
                    let past = Past {
                        observation: PackedObservation::of_position(after.position(), counters),
                        result: Wdl::WIN,
                        plies: 1,
                        score: material::balance(after.position(), side) / 76.0,
                        lesson: Some(Lesson { legal: Span::default(), mate }),
                    };
                    found.push((past, replies.actions().to_vec()));
                }
            }
        }
        found
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
        let mut mates = [0; 2];
        // The plies of each game in progress, and what may be learnt beside them: of games that have ended, and lessons.
        let mut plies: Vec<Vec<(PackedObservation, f32)>> = vec![Vec::new(); settings.games];
        let mut known: Vec<(Past, Vec<Action>)> = Vec::new();
        let mut taught = 0;
        for iteration in 0..2 {
            let (rollout, collected) = collect(&mut selfplay, iteration, 2);
            assert_eq!(rollout.steps.len(), settings.games * settings.horizon);
            for (slot, row) in rollout.steps.chunks(settings.horizon).enumerate() {
                let (game, number) = &mut games[slot];
                for (t, step) in row.iter().enumerate() {
                    let position = game.position().clone();
                    assert_eq!(step.observation, PackedObservation::new(game));
                    let choices = Actions::Dest2187.legal(&position);
                    assert_eq!(rollout.legal_of(step.legal), choices.actions());
                    let mv = Actions::Dest2187.to_move(&position, step.action).expect("a legal action");
                    let mate = mate::solve(&position, 1, 0, &[]).map(|line| line[0]);
                    assert_eq!(step.mate, mate.map(|mate| Actions::Dest2187.index(position.side_to_move(), mate)));
                    mates[0] += usize::from(step.mate.is_some());
                    mates[1] += usize::from(step.mate == Some(step.action));
                    plies[slot].push((step.observation, step.score));
                    known.extend(lessons(game));
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
                        let played = plies[slot].drain(..).rev().zip(1..);
                        if let Some(result) = end.result() {
                            known.extend(played.map(|((observation, score), plies)| {
                                let result = if plies % 2 == 1 { result } else { result.flipped() };
                                (Past { observation, result, plies, score, lesson: None }, Vec::new())
                            }));
                        }
                        (*game, *number) = begin(slot, *number + 1);
                    }
                }
            }
            let by_rules = collected.ended.iter().filter(|game| game.outcome.result != GameResult::Truncated);
            let lessons = rollout.past.iter().filter(|past| past.lesson.is_some()).count();
            assert!(rollout.past.len() <= lessons + 2 * by_rules.count() && collected.starts.is_empty());
            assert!(beside(&rollout).iter().all(|past| known.contains(past)), "{:?}", rollout.past);
            taught += lessons;
            for record in collected.records {
                let bytes = keisei_core::format::record::to_bytes(&[record]).expect("a game by the rules");
                keisei_core::format::record::from_bytes(&bytes).expect("a game by the rules");
            }
        }
        assert!(mates[0] > 5 && (1..mates[0]).contains(&mates[1]), "{mates:?}");
        assert!(known.len() > 100 && taught > 20, "{} and {taught} lessons", known.len());
        assert!(ends.contains_key("checkmate") && ends.contains_key("max_plies"), "not every end was met: {ends:?}");
    }

    #[test]
    fn the_number_of_threads_does_not_matter() {
        let collected = |threads| {
            let mut selfplay = start(&settings());
            let (rollout, collected) = collect(&mut selfplay, 0, threads);
            (
                rows(&rollout),
                beside(&rollout),
                collected.reasons,
                collected.results,
                collected.records,
                selfplay.state(),
            )
        };
        let one = collected(1);
        assert_eq!(one.4.len(), 3, "not all that the settings allow");
        for threads in [2, 3, 5, 64] {
            assert!(collected(threads) == one, "{threads} threads play other games");
        }
    }

    #[test]
    fn the_number_of_threads_does_not_matter_against_opponents() {
        let spec: NetSpec = Preset::Tiny.settings().spec();
        let frozen = [8, 9].map(|seed| Weights::init(&spec, seed).expect("a valid network"));
        let matchmaking = Matchmaking { share: 0.7, weights: vec![(2, 1.0), (5, 1.0)] };
        let pool = Pool { matchmaking, weights: [(2, &frozen[0]), (5, &frozen[1])].into() };
        let collected = |threads| {
            let (mut selfplay, mut rollout) = (start(&settings()), Rollout::default());
            let mut collect = |iteration| {
                let collected =
                    super::collect(&mut selfplay, &learner(), &weights(), &pool, iteration, threads, &mut rollout);
                let (collected, inference) = collected.expect("finite");
                assert!(!inference.is_zero());
                (rows(&rollout), collected.ended, collected.records, selfplay.state())
            };
            [0, 1].map(&mut collect)
        };
        let one = collected(1);
        let learners = one[1].0.iter().filter(|(step, _)| step.mover == Mover::Learner).count();
        assert!((1..one[1].0.len()).contains(&learners), "{learners} plies are the learner's");
        for threads in [2, 3] {
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
        let ((a, of_played), (b, of_restored)) = (collect(&mut played, 1, 2), collect(&mut restored, 1, 2));
        assert!(rows(&a) == rows(&b));
        assert!(restored.state() == played.state());
        // Records hold what the network thought before the games were put down.
        assert!(of_played.records.len() == 3 && of_played.records == of_restored.records);
    }

    #[test]
    fn games_that_begin_in_earlier_ones_depend_on_no_thread_and_go_on() {
        let settings = SelfPlaySettings { starts: 0.6, ..settings() };
        let played = |threads: usize, restored_at: Option<u64>| {
            let mut selfplay = start(&settings);
            let mut seen = Vec::new();
            for iteration in 0..4 {
                if restored_at == Some(iteration) {
                    let mut restored = start(&settings);
                    restored.restore(&selfplay.state()).expect("games by the rules");
                    restored.restore_starts(&selfplay.starts()).expect("positions of games");
                    selfplay = restored;
                }
                let (rollout, collected) = collect(&mut selfplay, iteration, threads);
                seen.push((rows(&rollout), beside(&rollout), collected.ended, selfplay.state(), selfplay.starts()));
            }
            seen
        };
        let one = played(1, None);
        let (_, past, _, state, starts) = &one[3];
        assert!(!past.is_empty() && !starts.is_empty());
        let is_usual =
            |sfen: &str| [Position::startpos(), Position::startpos().mirrored()].iter().any(|p| p.to_sfen() == sfen);
        let from_earlier = state.iter().filter(|slot| !is_usual(&slot.start)).count();
        assert!((1..state.len()).contains(&from_earlier), "{from_earlier} games begin in earlier ones");
        assert!(played(3, None) == one && played(2, Some(2)) == one && played(1, Some(3)) == one);
        let error = start(&settings).restore_starts(&["9/9 b - 1".into()]).expect_err("no position").to_string();
        assert!(error.starts_with("start position 0 of the checkpoint: 9/9 b - 1"), "{error}");
        let mated = start(&settings).restore_starts(&["8k/8G/8P/9/9/9/9/9/K8 w - 1".into()]);
        assert!(mated.expect_err("it is over").to_string().contains("is the end of a game"));
    }

    #[test]
    fn a_game_whose_predictions_are_unknown_goes_on_and_is_not_recorded() {
        let mut played = start(&settings());
        collect(&mut played, 0, 2);
        let mut states = played.state();
        for state in &mut states {
            state.notes = None;
        }
        let mut restored = start(&settings());
        restored.restore(&states).expect("games by the rules");
        let ((a, of_played), (b, of_restored)) = (collect(&mut played, 1, 2), collect(&mut restored, 1, 2));
        assert!(rows(&a) == rows(&b) && of_played.ended == of_restored.ended);
        // Games that began since then are recorded.
        assert!(!of_restored.records.is_empty() && of_played.records[0] != of_restored.records[0]);
        assert!(restored.state().iter().all(|state| state.notes.is_some()));
    }

    #[test]
    fn notes_take_bounded_memory() {
        let noted = start(&SelfPlaySettings { games: 1030, ..settings() }).state();
        assert!(noted[..1024].iter().all(|state| state.notes.is_some()));
        assert!(noted[1024..].iter().all(|state| state.notes.is_none()));
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
        let check_moves = |slot: usize, moves: Vec<u16>, message: &str| {
            let mut states = start(&settings()).state();
            (states[slot].moves, states[slot].notes) = (moves, None);
            let error = start(&settings()).restore(&states).expect_err(message).to_string();
            assert!(error.contains(message), "{error}");
        };
        let pawn = "7g7f".parse::<Move>().expect("a move").to_u16();
        check_moves(2, vec![u16::MAX], "game 2 of the checkpoint: ply 1");
        check_moves(0, vec![pawn, pawn], "game 0 of the checkpoint: ply 2");
        let check_thought = |change: fn(&mut Notes), message: &str| {
            let mut states = start(&settings()).state();
            let thought = Thought { value: Value(0.5), top: [pawn, 0, 0], probabilities: [0.5, 0.0, 0.0] };
            let mut notes = Notes { opening: 0, thoughts: vec![thought] };
            change(&mut notes);
            (states[1].moves, states[1].notes) = (vec![pawn], Some(notes));
            match start(&settings()).restore(&states) {
                Ok(()) => assert_eq!(message, ""),
                Err(error) => assert!(!message.is_empty() && error.to_string().contains(message), "{error}"),
            }
        };
        check_thought(|_| {}, "");
        check_thought(|notes| notes.opening = 1, "1 predictions after 1 random plies, but 1 plies in all");
        check_thought(|notes| notes.opening = u32::MAX, "but 1 plies in all");
        check_thought(|notes| notes.thoughts[0].value = Value(f32::NAN), "game 1 of the checkpoint: ply 1: value NaN");
        check_thought(|notes| notes.thoughts[0].probabilities[0] = 1.5, "with probability 1.5 is not possible");
        check_thought(|notes| notes.thoughts[0].top[1] = u16::MAX, "candidate 65535");
        check_thought(|notes| notes.thoughts[0].top[2] = notes.thoughts[0].top[0] ^ 1, "is not possible");
        check(
            |states| {
                states[0].notes = None;
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
            records: 0,
            ..settings()
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
        let collected = super::collect(
            &mut start(&settings()),
            &learner(),
            &weights,
            &Pool::default(),
            4,
            2,
            &mut Rollout::default(),
        );
        let error = collected.err().expect("refused");
        assert!(error.to_string().contains("iteration 5: the network's output is not finite"), "{error}");
    }

    /// Learner whose first evaluator panics, and whose others count their batches.
    struct Panicking {
        learner: CpuLearner,
        evaluators: AtomicUsize,
        batches: Arc<AtomicUsize>,
    }

    /// Evaluator that counts its batches, or panics.
    struct Counted(Box<dyn Evaluator + Send>, Option<Arc<AtomicUsize>>);

    impl Evaluator for Counted {
        fn shape(&self) -> Shape {
            self.0.shape()
        }

        fn evaluate(&mut self, batch: &Batch) -> Result<&mut Predictions, EvaluatorError> {
            self.1.as_ref().expect("a defect").fetch_add(1, Ordering::SeqCst);
            self.0.evaluate(batch)
        }
    }

    impl Learner for Panicking {
        fn name(&self) -> String {
            self.learner.name()
        }

        fn ratio_tolerance(&self) -> RatioTolerance {
            self.learner.ratio_tolerance()
        }

        fn evaluator(&self, weights: &Weights) -> Box<dyn Evaluator + Send> {
            let is_first = self.evaluators.fetch_add(1, Ordering::SeqCst) == 0;
            Box::new(Counted(self.learner.evaluator(weights), (!is_first).then(|| self.batches.clone())))
        }

        fn descent<'a>(&'a mut self, weights: &'a mut Weights, adam: &'a mut Adam) -> Box<dyn Descent + 'a> {
            self.learner.descent(weights, adam)
        }

        fn gradient(
            &mut self,
            weights: &Weights,
            minibatch: &Minibatch,
            coefficients: &Coefficients,
        ) -> Result<(Vec<f32>, Sums), LearnError> {
            self.learner.gradient(weights, minibatch, coefficients)
        }
    }

    #[test]
    fn a_panic_in_one_thread_waits_for_the_others_and_is_passed_on() {
        let batches = Arc::new(AtomicUsize::new(0));
        let learner = Panicking { learner: learner(), evaluators: AtomicUsize::new(0), batches: batches.clone() };
        let settings = settings();
        let mut selfplay = start(&settings);
        let mut rollout = Rollout::default();
        let play = || super::collect(&mut selfplay, &learner, &weights(), &Pool::default(), 0, 2, &mut rollout).is_ok();
        catch_unwind(AssertUnwindSafe(play)).expect_err("the panic");
        // The other thread has played its rows to their end by then.
        assert!(batches.load(Ordering::SeqCst) >= settings.horizon, "{batches:?}");
    }
}
