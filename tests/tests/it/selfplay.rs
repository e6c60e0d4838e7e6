//! Self-play: number of allocations, plies that are learned from, and games restored from their states.

use keisei_core::encoding::{Actions, Features};
use keisei_core::evaluator::HostEvaluator;
use keisei_core::learn::{Matchmaking, Mover, Opponents, Rollout, SelfPlay, SelfPlaySettings, Step};
use keisei_core::net::{NetSpec, Weights, simd::Simd};

const GAMES: usize = 6;
const HORIZON: usize = 60;

fn selfplay() -> SelfPlay {
    let settings = SelfPlaySettings {
        games: GAMES,
        horizon: HORIZON,
        max_plies: 150,
        opening_plies: 10,
        first_opening_plies: 80,
        records: 0,
    };
    SelfPlay::new(settings, Actions::Dest2187, 3)
}

fn evaluator() -> HostEvaluator<Simd> {
    let (features, actions) = (Features::Attack96, Actions::Dest2187);
    let spec = NetSpec { channels: 8, blocks: 0, ..NetSpec::for_encodings(features, actions) };
    HostEvaluator::new(Simd::new(&Weights::init(&spec, 1).expect("the shape is valid")), features, actions)
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
