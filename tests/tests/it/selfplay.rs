//! Self-play: number of allocations, plies that are learned from, games restored from their states, and games against frozen
//! opponents.

use keisei_core::encoding::{Action, Actions, Features, PackedObservation};
use keisei_core::env::Opening;
use keisei_core::evaluator::{Batch, Evaluator, HostEvaluator};
use keisei_core::learn::{
    Collected, EndedGame, LearnError, Matchmaking, Mates, Meeting, Mover, Opponents, RandomPlies, Rollout, SelfPlay,
    SelfPlaySettings, SlotState, Span, Step, StepEnd,
};
use keisei_core::net::{Executor, NetSpec, Weights, simd::Simd};
use keisei_core::search::policy;
use keisei_core::shogi::{Color, Game, GameResult, Position};
use std::collections::BTreeSet;

const GAMES: usize = 6;
const HORIZON: usize = 60;

const SEED: u64 = 3;

fn settings() -> SelfPlaySettings {
    SelfPlaySettings {
        mates: Mates::default(),
        starts: 0.0,
        mirrored: 0.0,
        past: 0,
        games: GAMES,
        horizon: HORIZON,
        max_plies: 150,
        opening_plies: 10,
        first_opening_plies: 80,
        records: 0,
    }
}

fn selfplay() -> SelfPlay {
    SelfPlay::new(settings(), Actions::Dest2187, SEED)
}

fn evaluator() -> HostEvaluator<Simd> {
    evaluator_of(1)
}

/// Evaluator of a network with random weights of this seed.
fn evaluator_of(seed: u64) -> HostEvaluator<Simd> {
    let (features, actions) = (Features::Attack96, Actions::Dest2187);
    let spec = NetSpec { channels: 8, blocks: 0, ..NetSpec::for_encodings(features, actions) };
    HostEvaluator::new(Simd::new(&Weights::init(&spec, seed).expect("the shape is valid")), features, actions)
}

fn play(selfplay: &mut SelfPlay, evaluator: &mut HostEvaluator<Simd>, iteration: u64, rollout: &mut Rollout) {
    let shares: Vec<_> = selfplay
        .parts(1, &Matchmaking::default(), rollout)
        .map(|part| part.play(evaluator, &mut Opponents::new(), iteration).expect("the network's output is finite"))
        .collect();
    rollout.gather(shares);
}

#[test]
fn a_ply_allocates_nothing() {
    let (mut selfplay, mut evaluator, mut rollout) = (selfplay(), evaluator(), Rollout::default());
    play(&mut selfplay, &mut evaluator, 0, &mut rollout);
    let counted = allocation_counter::measure(|| play(&mut selfplay, &mut evaluator, 1, &mut rollout)).count_total;
    // Buffers are made once a rollout, and lists grow by doubling: far fewer than one allocation for each ply.
    assert!(counted < (GAMES * HORIZON / 4) as u64, "{counted} allocations in {} plies", GAMES * HORIZON);
}

#[test]
fn a_ply_against_opponents_allocates_nothing() {
    let (mut selfplay, mut evaluator, mut opponents) = (selfplay(), evaluator(), opponents());
    let (mut rollout, matchmaking) = (Rollout::default(), matchmaking(1.0));
    let mut play = |iteration| {
        let part = selfplay.parts(1, &matchmaking, &mut rollout).next().expect("a part");
        let share = part.play(&mut evaluator, &mut opponents, iteration).expect("finite");
        rollout.gather([share]);
    };
    (0..4).for_each(&mut play);
    let counted = allocation_counter::measure(|| play(4)).count_total;
    assert!(counted < (GAMES * HORIZON / 4) as u64, "{counted} allocations in {} plies", GAMES * HORIZON);
}

#[test]
fn only_the_learners_plies_are_learned_from() {
    let mut rollout = Rollout { steps: vec![Step::EMPTY; 5], ..Rollout::default() };
    for slot in [1, 2, 4] {
        rollout.steps[slot].mover = Mover::Opponent;
    }
    assert_eq!(rollout.learner_slots().collect::<Vec<_>>(), [0, 3]);
}

#[test]
fn self_play_is_the_learners() {
    let (mut selfplay, mut rollout) = (selfplay(), Rollout::default());
    play(&mut selfplay, &mut evaluator(), 0, &mut rollout);
    assert_eq!(rollout.learner_slots().count(), GAMES * HORIZON);
}

/// Ids of the opponents, which are also the seeds of their weights.
const OPPONENTS: [u32; 3] = [9, 4, 7];

fn matchmaking(share: f32) -> Matchmaking {
    Matchmaking { share, weights: vec![(9, 1.0), (4, 2.0), (7, 0.5)] }
}

fn opponents() -> Opponents {
    let evaluator = |id: u32| Box::new(evaluator_of(id.into())) as Box<dyn Evaluator + Send>;
    OPPONENTS.map(|id| (id, evaluator(id))).into()
}

/// Rollout against opponents, in parts for `threads` threads.
fn play_matched(
    selfplay: &mut SelfPlay,
    matchmaking: &Matchmaking,
    iteration: u64,
    threads: usize,
) -> (Rollout, Collected) {
    let mut rollout = Rollout::default();
    let shares: Vec<_> = selfplay
        .parts(threads, matchmaking, &mut rollout)
        .map(|part| part.play(&mut evaluator(), &mut opponents(), iteration).expect("all opponents are there"))
        .collect();
    let collected = rollout.gather(shares);
    (rollout, collected)
}

/// Steps with their legal actions, whose places in the rollout depend on the parts.
fn rows(rollout: &Rollout) -> Vec<(Step, Vec<Action>)> {
    let row = |step: &Step| (Step { legal: Span::default(), ..*step }, rollout.legal_of(step.legal).to_vec());
    rollout.steps.iter().map(row).collect()
}

#[test]
fn opponents_play_their_side_of_whole_games_and_the_learner_the_other() {
    let (settings, matchmaking) = (settings(), matchmaking(0.6));
    let mut selfplay = selfplay();
    let opening = RandomPlies::new(&settings, SEED);
    let begin = |slot: usize, number: u64| {
        let mut game = Game::new(Position::startpos(), settings.max_plies);
        opening.begin(slot, number, &mut game);
        (game, number, if number == 0 { None } else { matchmaking.meet(SEED, slot, number) })
    };
    let mut games: Vec<(Game, u64, Option<Meeting>)> = (0..GAMES).map(|slot| begin(slot, 0)).collect();
    let (mut learner, mut opponents) = (evaluator(), opponents());
    let (mut cuts, mut begun, mut sides, mut met) = ([0; 4], [0; 2], [0; 2], BTreeSet::new());
    for iteration in 0..6 {
        let (rollout, collected) = play_matched(&mut selfplay, &matchmaking, iteration, 2);
        let mut ended: Vec<EndedGame> = collected.ended.clone();
        for (slot, row) in rollout.steps.chunks(HORIZON).enumerate() {
            let (game, number, meeting) = &mut games[slot];
            for (t, step) in row.iter().enumerate() {
                let side = game.position().side_to_move();
                let opponent = meeting.filter(|meeting| meeting.learner != side).map(|meeting| meeting.opponent);
                let mover = if opponent.is_some() { Mover::Opponent } else { Mover::Learner };
                assert_eq!(
                    (step.observation, step.mover),
                    (PackedObservation::new(game), mover),
                    "slot {slot}, ply {t}"
                );
                let mut predict = |game: &Game, opponent: Option<u32>| {
                    let mut batch = Batch::new();
                    batch.push(PackedObservation::new(game), rollout.legal_of(step.legal).iter().copied());
                    let evaluator: &mut dyn Evaluator = match opponent {
                        None => &mut learner,
                        Some(id) => opponents.get_mut(&id).expect("met").as_mut(),
                    };
                    let predictions = evaluator.evaluate(&batch).expect("a CPU does not fail");
                    policy::softmax(predictions.logits_mut(0), 1.0);
                    (predictions.get(0).wdl.softmax(), predictions.get(0).logits.to_vec())
                };
                let (wdl, probabilities) = predict(game, opponent);
                let choice =
                    rollout.legal_of(step.legal).iter().position(|&action| action == step.action).expect("legal");
                assert_eq!(step.wdl, wdl, "slot {slot}, ply {t}");
                let error = step.log_prob - probabilities[choice].ln();
                assert!(error.abs() < 1e-6, "slot {slot}, ply {t}: {error}");
                game.play(Actions::Dest2187.to_move(game.position(), step.action).expect("a legal action"));
                let outcome = game.outcome().or_else(|| game.declare().ok());
                assert_eq!(step.end, outcome.map_or(StepEnd::Continues, |outcome| StepEnd::of(outcome, side)));
                if let Some(tail) = step.tail {
                    // The learner's view, whoever moves there.
                    assert_eq!(tail.wdl, predict(game, None).0, "slot {slot}, ply {t}");
                    let is_truncated = step.end == StepEnd::Truncated;
                    cuts[usize::from(is_truncated) + 2 * usize::from(opponent.is_some())] += 1;
                }
                if let Some(outcome) = outcome {
                    let place = ended.iter().position(|game| game.place == (t, slot)).expect("an end");
                    let found = ended.remove(place);
                    assert_eq!((found.outcome, found.meeting), (outcome, *meeting));
                    let view = meeting.map(|Meeting { opponent, learner }| (opponent, StepEnd::of(outcome, learner)));
                    assert_eq!(found.against_opponent(), view);
                    (*game, *number, *meeting) = begin(slot, *number + 1);
                    if let Some(Meeting { opponent, learner }) = *meeting {
                        met.insert(opponent);
                        sides[usize::from(learner == Color::White)] += 1;
                        begun[usize::from(game.position().side_to_move() == learner)] += 1;
                    }
                }
            }
            assert_eq!(selfplay.meeting(slot), *meeting);
        }
        assert!(ended.is_empty(), "games ended that did not: {ended:?}");
        let in_progress: BTreeSet<u32> =
            games.iter().filter_map(|(.., meeting)| meeting.map(|it| it.opponent)).collect();
        assert_eq!(selfplay.opponents(), in_progress);
    }
    let all = cuts.into_iter().chain(begun).chain(sides).all(|count| count > 0);
    assert!(all && met == OPPONENTS.into(), "not everything was met: {cuts:?}, {begun:?}, {sides:?}, {met:?}");
}

/// Everything that two rollouts show.
type Shown = (Vec<(Step, Vec<Action>)>, Vec<EndedGame>, Vec<keisei_core::format::Record>, Vec<SlotState>);

fn shown(
    selfplay: &mut SelfPlay,
    matchmaking: &Matchmaking,
    iterations: std::ops::Range<u64>,
    threads: usize,
) -> Vec<Shown> {
    let play = |iteration| {
        let (rollout, collected) = play_matched(selfplay, matchmaking, iteration, threads);
        (rows(&rollout), collected.ended, collected.records, selfplay.state())
    };
    iterations.map(play).collect()
}

#[test]
fn threads_do_not_matter_to_games_against_opponents() {
    let played = |threads| {
        let mut selfplay = SelfPlay::new(SelfPlaySettings { records: 4, ..settings() }, Actions::Dest2187, SEED);
        shown(&mut selfplay, &matchmaking(0.6), 0..4, threads)
    };
    let one = played(1);
    assert!(one.iter().any(|(rows, ..)| rows.iter().any(|(step, _)| step.mover == Mover::Opponent)));
    for threads in [2, 3, 64] {
        assert!(played(threads) == one, "{threads} threads play other games");
    }
}

#[test]
fn games_against_opponents_go_on_from_their_states() {
    let mut played = selfplay();
    shown(&mut played, &matchmaking(0.9), 0..3, 1);
    let states = played.state();
    assert!(states.iter().filter(|state| state.meeting.is_some()).count() > 1);
    let mut restored = selfplay();
    restored.restore(&states).expect("games by the rules");
    assert!(shown(&mut restored, &matchmaking(0.9), 3..5, 1) == shown(&mut played, &matchmaking(0.9), 3..5, 1));
}

#[test]
fn opponents_change_only_between_games() {
    let mut selfplay = selfplay();
    shown(&mut selfplay, &matchmaking(1.0), 0..3, 1);
    let before: Vec<SlotState> = selfplay.state();
    assert!(before.iter().filter(|state| state.meeting.is_some()).count() > 1);
    // From now on only opponent 4 is met; whoever was met before plays on to the end of the game.
    let others = Matchmaking { share: 1.0, weights: vec![(4, 1.0)] };
    let mut ends = 0;
    for iteration in 3..6 {
        let (_, collected) = play_matched(&mut selfplay, &others, iteration, 1);
        for (slot, (state, old)) in selfplay.state().iter().zip(&before).enumerate() {
            let expected =
                if state.started == old.started { old.meeting } else { others.meet(SEED, slot, state.started - 1) };
            assert_eq!(state.meeting, expected);
        }
        ends += collected.ended.iter().filter(|game| game.meeting.is_some_and(|meeting| meeting.opponent != 4)).count();
    }
    assert!(ends > 0 && selfplay.opponents() == [4].into());
    // And without a share nobody is met any more.
    shown(&mut selfplay, &matchmaking(0.0), 6..10, 1);
    assert!(selfplay.opponents().is_empty());
}

#[test]
fn without_a_share_games_are_those_without_opponents() {
    let (mut alone, mut matched) = (selfplay(), selfplay());
    assert!(shown(&mut alone, &Matchmaking::default(), 0..3, 1) == shown(&mut matched, &matchmaking(0.0), 0..3, 2));
}

#[test]
fn records_name_the_opponent() {
    let mut selfplay = SelfPlay::new(SelfPlaySettings { records: 100, ..settings() }, Actions::Dest2187, SEED);
    let mut names = BTreeSet::new();
    for iteration in 0..6 {
        let (_, collected) = play_matched(&mut selfplay, &matchmaking(0.6), iteration, 1);
        assert_eq!(collected.records.len(), collected.ended.len());
        for (record, game) in collected.records.iter().zip(&collected.ended) {
            record.replay().expect("a game by the rules");
            let expected = match game.meeting {
                None => ["self-play".to_owned(), "self-play".to_owned()],
                Some(Meeting { opponent, learner: Color::Black }) => {
                    ["learner".to_owned(), format!("opponent {opponent}")]
                }
                Some(Meeting { opponent, learner: Color::White }) => {
                    [format!("opponent {opponent}"), "learner".to_owned()]
                }
            };
            assert_eq!([record.black.as_str(), record.white.as_str()], expected);
            names.insert(expected);
        }
        let results = collected.ended.iter().filter(|game| game.outcome.result != GameResult::Truncated).count();
        assert_eq!(collected.results.iter().sum::<u64>(), results as u64);
    }
    assert!(names.len() > 3, "{names:?}");
}

#[test]
fn an_opponent_that_is_missing_or_broken_is_named() {
    let mut selfplay = selfplay();
    let only = Matchmaking { share: 1.0, weights: vec![(4, 1.0)] };
    shown(&mut selfplay, &only, 0..3, 1);
    let mut check = |opponents: &mut Opponents, expected: &LearnError| {
        let mut rollout = Rollout::default();
        let part = selfplay.parts(1, &only, &mut rollout).next().expect("a part");
        let error = part.play(&mut evaluator(), opponents, 3).err().expect("refused");
        assert_eq!(error, *expected);
        assert!(error.to_string().contains("opponent 4"), "{error}");
    };
    check(&mut Opponents::new(), &LearnError::MissingOpponent { opponent: 4 });
    let mut broken = Weights::init(evaluator().executor().spec(), 1).expect("the shape is valid");
    broken.data_mut().fill(f32::NAN);
    let broken = HostEvaluator::new(Simd::new(&broken), Features::Attack96, Actions::Dest2187);
    check(&mut Opponents::from([(4, Box::new(broken) as _)]), &LearnError::BrokenOpponent { opponent: 4 });
}
