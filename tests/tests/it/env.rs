//! The environment against single games played beside it, and its guarantees: whole steps or none, no allocation, the same
//! results on any number of threads.

use keisei_core::encoding::{Action, Actions, Features, PackedObservation, SQUARES};
use keisei_core::env::{Outputs, PlaneBuffer, StartError, StepError, VecGame};
use keisei_core::shogi::{Game, GameResult, MAX_MOVES, Move, Outcome, Position, Reason};
use keisei_tests::random::{Choices, Random};
use std::collections::BTreeSet;
use std::mem::take;
use std::num::{NonZeroU16, NonZeroUsize};

/// Start positions: the usual one, and some near ends that random games seldom reach: mate, declaration, perpetual check.
const STARTS: [&str; 4] = [
    "lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSNL b - 1",
    "8k/9/8P/9/9/9/9/9/K8 b 2G2r2b2g4s4n4l17p 1",
    "K8/RBGGGGSSS/SPPPPPPPP/9/9/9/9/4p4/4k4 w 2Prb4n4l7p 1",
    "9/5k3/9/9/9/9/9/6R2/K8 b - 1",
];

fn starts() -> Vec<Position> {
    STARTS.into_iter().map(|sfen| Position::from_sfen(sfen).expect("test position")).collect()
}

fn env(games: usize, actions: Actions, max_plies: u16) -> VecGame {
    let max_plies = NonZeroU16::new(max_plies).expect("a ply limit");
    VecGame::new(games, actions, max_plies, starts()).expect("the starts are no ends")
}

/// Every buffer that a step can fill.
#[derive(Clone, PartialEq, Debug)]
struct Buffers {
    features: Features,
    observations: Vec<PackedObservation>,
    planes: Vec<i8>,
    repetitions: Vec<u8>,
    masks: Vec<bool>,
    legal: Vec<Action>,
    legal_moves: Vec<Move>,
    legal_counts: Vec<u16>,
    rewards: Vec<f32>,
    terminated: Vec<bool>,
    truncated: Vec<bool>,
    reasons: Vec<Option<Reason>>,
    final_observations: Vec<PackedObservation>,
}

impl Buffers {
    fn new(games: usize, actions: Actions, features: Features) -> Self {
        Self {
            features,
            observations: vec![PackedObservation::EMPTY; games],
            planes: vec![0; games * features.planes() * SQUARES],
            repetitions: vec![0; games],
            masks: vec![false; games * actions.count()],
            legal: vec![Action(0); games * MAX_MOVES],
            legal_moves: vec!["1a1b".parse().expect("it is USI"); games * MAX_MOVES],
            legal_counts: vec![0; games],
            rewards: vec![0.0; games],
            terminated: vec![false; games],
            truncated: vec![false; games],
            reasons: vec![None; games],
            final_observations: vec![PackedObservation::EMPTY; games],
        }
    }

    fn outputs(&mut self) -> Outputs<'_> {
        Outputs {
            observations: &mut self.observations,
            planes: PlaneBuffer::I8(self.features, &mut self.planes),
            repetitions: &mut self.repetitions,
            masks: &mut self.masks,
            legal: &mut self.legal,
            legal_moves: &mut self.legal_moves,
            legal_counts: &mut self.legal_counts,
            rewards: &mut self.rewards,
            terminated: &mut self.terminated,
            truncated: &mut self.truncated,
            reasons: &mut self.reasons,
            final_observations: &mut self.final_observations,
        }
    }

    fn legal(&self, game: usize) -> &[Action] {
        &self.legal[game * MAX_MOVES..][..self.legal_counts[game].into()]
    }

    fn choose(&self, random: &mut Random) -> Vec<Action> {
        (0..self.legal_counts.len()).map(|game| random.pick(self.legal(game))).collect()
    }

    /// Checks that row `game` describes `expected`.
    fn check(&self, game: usize, expected: &Game, actions: Actions) {
        let observation = PackedObservation::new(expected);
        assert_eq!(self.observations[game], observation);
        assert_eq!(self.repetitions[game], expected.repetition_count());
        let size = self.features.planes() * SQUARES;
        let mut planes = vec![0_i8; size];
        self.features.expand(&observation, &mut planes);
        assert!(self.planes[game * size..][..size] == planes);
        let moves = &self.legal_moves[game * MAX_MOVES..];
        for (&action, &mv) in self.legal(game).iter().zip(moves) {
            assert_eq!(actions.to_move(expected.position(), action), Some(mv));
        }
        let mut legal = self.legal(game).to_vec();
        legal.sort_unstable();
        assert_eq!(legal, actions.legal(expected.position()).actions());
        let mask = &self.masks[game * actions.count()..][..actions.count()];
        let marked = (0..).zip(mask).filter(|&(_, &is_legal)| is_legal).map(|(action, _)| Action(action));
        assert_eq!(marked.collect::<Vec<Action>>(), legal);
    }
}

/// Reward, flags and reason of a step, for the side that moved last.
fn told(outcome: Option<Outcome>, last: &Game) -> (f32, bool, bool, Option<Reason>) {
    let mover = last.position().side_to_move().flip();
    let reward = match outcome.map(|outcome| outcome.result) {
        Some(GameResult::Win(winner)) => {
            if winner == mover {
                1.0
            } else {
                -1.0
            }
        }
        _ => 0.0,
    };
    let truncated = outcome.is_some_and(|outcome| outcome.result == GameResult::Truncated);
    (reward, outcome.is_some() && !truncated, truncated, outcome.map(|outcome| outcome.reason))
}

#[test]
fn every_row_is_a_game_of_its_own() {
    const GAMES: usize = 9;
    const MAX_PLIES: u16 = 120;
    const CHASE: [&str; 4] = ["3h4h", "4b3b", "4h3h", "3b4b"];
    const SHUFFLE: [&str; 4] = ["2h3h", "8b7b", "3h2h", "7b8b"];
    let mut reasons = BTreeSet::new();
    for (actions, features) in Actions::ALL.into_iter().cycle().zip(Features::ALL) {
        let mut random = Random(3);
        let mut env = env(GAMES, actions, MAX_PLIES);
        let mut buffers = Buffers::new(GAMES, actions, features);
        env.observe(buffers.outputs()).expect("the buffers fit");
        let fresh = |slot: usize, count: usize| Game::new(starts()[(slot + count) % STARTS.len()].clone(), MAX_PLIES);
        let mut games: Vec<(Game, usize)> = (0..GAMES).map(|slot| (fresh(slot, 0), 0)).collect();
        for _ in 0..400 {
            let mut chosen = buffers.choose(&mut random);
            // Moves that random play does not find: mates, a rook that chases the king, rooks that go back and forth.
            for (slot, ((game, _), action)) in games.iter().zip(&mut chosen).enumerate() {
                let line = match STARTS.iter().position(|&start| start == game.start().to_sfen()) {
                    Some(3) => CHASE,
                    Some(0) if slot < 3 => SHUFFLE,
                    _ => [""; 4],
                };
                let legal = actions.legal(game.position());
                let good = |mv: &Move| {
                    let mut next = game.position().clone();
                    next.play(*mv);
                    mv.to_string() == line[game.moves().len() % line.len()] || !next.has_legal_move()
                };
                *action = legal.moves().iter().position(good).map_or(*action, |at| legal.actions()[at]);
            }
            env.step(&chosen, buffers.outputs()).expect("legal actions");
            for (slot, (game, count)) in games.iter_mut().enumerate() {
                game.play(actions.to_move(game.position(), chosen[slot]).expect("a legal action"));
                let outcome = game.outcome().or_else(|| game.declare().ok());
                let found =
                    (buffers.rewards[slot], buffers.terminated[slot], buffers.truncated[slot], buffers.reasons[slot]);
                assert_eq!(found, told(outcome, game), "{:?}", game.position());
                if let Some(outcome) = outcome {
                    reasons.insert(outcome.reason.to_string());
                    assert_eq!(buffers.final_observations[slot], PackedObservation::new(game));
                    *count += 1;
                    *game = fresh(slot, *count);
                }
                buffers.check(slot, game, actions);
                assert_eq!(env.game(slot).moves(), game.moves());
            }
        }
    }
    let expected = ["checkmate", "declaration", "max plies", "perpetual check", "repetition"].map(str::to_owned);
    assert!(expected.iter().all(|reason| reasons.contains(reason)), "not every end was met: {reasons:?}");
}

#[test]
fn a_refused_step_changes_nothing() {
    const GAMES: usize = 5;
    let actions = Actions::Dest2187;
    let mut env = env(GAMES, actions, 50);
    let mut buffers = Buffers::new(GAMES, actions, Features::Attack96);
    env.observe(buffers.outputs()).expect("the buffers fit");
    let good = buffers.choose(&mut Random(1));
    let before = buffers.clone();
    let mut check = |change: &dyn Fn(&mut Vec<Action>), expected: &str| {
        let mut chosen = good.clone();
        change(&mut chosen);
        for threads in [1, 2, 5, 8] {
            let threads = NonZeroUsize::new(threads).expect("a thread");
            let error = env.step_parallel(threads, &chosen, buffers.outputs()).expect_err(expected);
            assert_eq!(error.to_string(), expected);
        }
        assert_eq!(env.step(&chosen, buffers.outputs()).expect_err(expected).to_string(), expected);
        assert!(buffers == before, "{expected}: the buffers were written");
        assert!((0..GAMES).all(|game| env.game(game).moves().is_empty()), "{expected}: a game has moved");
    };
    check(&|chosen| chosen[4] = Action(0), "game 4: action 0 is not legal");
    check(&|chosen| chosen[0] = Action(u16::MAX), "game 0: action 65535 is not legal");
    check(&|chosen| (chosen[3], chosen[1]) = (Action(2187), Action(2000)), "game 1: action 2000 is not legal");
    check(&|chosen| chosen.truncate(4), "actions: its length is 4, not 5");

    let mut check = |shorten: &dyn Fn(&mut Outputs), buffer: &'static str, found: usize, needed: usize| {
        let mut outputs = buffers.outputs();
        shorten(&mut outputs);
        assert_eq!(env.step(&good, outputs), Err(StepError::Length { buffer, found, needed }));
        assert!(env.game(0).moves().is_empty());
    };
    check(&|out| out.masks = &mut take(&mut out.masks)[..7], "masks", 7, GAMES * 2187);
    check(&|out| out.legal = &mut take(&mut out.legal)[..GAMES], "legal", GAMES, GAMES * MAX_MOVES);
    check(&|out| out.rewards = &mut take(&mut out.rewards)[1..], "rewards", 4, GAMES);
    let other_planes = |out: &mut Outputs| {
        if let PlaneBuffer::I8(features, _) = &mut out.planes {
            *features = Features::Katago50;
        }
    };
    check(&other_planes, "planes", GAMES * 96 * SQUARES, GAMES * 50 * SQUARES);
    // Buffers that are not wanted may be left out.
    env.step(&good, Outputs::default()).expect("legal actions");
    assert_eq!(env.game(0).moves().len(), 1);
}

#[test]
fn threads_and_parts_do_not_matter() {
    const GAMES: usize = 7;
    let actions = Actions::Spatial11259;
    let play = |step: &dyn Fn(&mut VecGame, &[Action], &mut Buffers)| {
        let mut env = env(GAMES, actions, 40);
        let mut buffers = Buffers::new(GAMES, actions, Features::Core46Keisei2026);
        env.observe(buffers.outputs()).expect("the buffers fit");
        let mut random = Random(8);
        for _ in 0..100 {
            let chosen = buffers.choose(&mut random);
            step(&mut env, &chosen, &mut buffers);
        }
        buffers
    };
    let alone = play(&|env, chosen, buffers| env.step(chosen, buffers.outputs()).expect("legal actions"));
    for threads in [1, 2, 3, 64] {
        let threads = NonZeroUsize::new(threads).expect("a thread");
        let shared = play(&|env, chosen, buffers| {
            env.step_parallel(threads, chosen, buffers.outputs()).expect("legal actions");
        });
        assert!(shared == alone, "{threads} threads play other games");
    }
    for size in [1, 3, 7, 9] {
        let split = play(&|env, chosen, buffers| {
            let outputs = buffers.outputs().chunks(size, actions);
            for ((mut part, chosen), out) in env.chunks_mut(size).zip(chosen.chunks(size)).zip(outputs) {
                assert_eq!(part.len(), chosen.len());
                part.step(chosen, out).expect("legal actions");
            }
        });
        assert!(split == alone, "parts of {size} play other games");
    }
}

#[test]
fn a_step_allocates_nothing() {
    const GAMES: usize = 8;
    let actions = Actions::Dest2187;
    let mut env = env(GAMES, actions, 60);
    let mut buffers = Buffers::new(GAMES, actions, Features::Attack96);
    env.observe(buffers.outputs()).expect("the buffers fit");
    let mut random = Random(2);
    let mut ended = 0;
    // Enough steps for games to reach the ply limit and begin anew.
    for _ in 0..200 {
        let chosen = buffers.choose(&mut random);
        let allocations = allocation_counter::measure(|| env.step(&chosen, buffers.outputs()).expect("legal actions"));
        assert_eq!(allocations.count_total, 0);
        ended += buffers.truncated.iter().filter(|&&cut| cut).count();
    }
    assert!(ended >= GAMES, "{ended} games reached the limit");
    let counted = allocation_counter::measure(|| drop(env.game(0).clone()));
    assert!(counted.count_total > 0, "allocations are not counted here");
}

#[test]
fn games_start_where_they_are_told_to() {
    let actions = Actions::Dest2187;
    let new = |starts: Vec<Position>| VecGame::new(2, actions, NonZeroU16::MIN, starts).map(|env| env.len());
    let position = |sfen: &str| Position::from_sfen(sfen).expect("test position");
    let mated = "8k/8G/8P/9/9/9/9/9/K8 w - 1";
    let declares = "K8/RBGGGGSSS/SPPPPPPPP/9/9/9/9/4p4/4k4 b 2Prb4n4l7p 1";
    let check = |result: Result<usize, StartError>, expected: &str| {
        assert_eq!(result.map_or_else(|error| error.to_string(), |games| format!("{games} games")), expected);
    };
    check(new(starts()), "2 games");
    check(new(Vec::new()), "games need a start position");
    check(
        new(vec![Position::startpos(), position(mated)]),
        "start position 1 is the end of a game (black wins: checkmate)",
    );
    check(new(vec![position(declares)]), "start position 0 is the end of a game (black wins: declaration)");

    let mut env = env(2, actions, 1);
    assert_eq!([0, 1].map(|slot| env.game(slot).start().to_sfen()), [STARTS[0], STARTS[1]]);
    env.restart(0, &position(STARTS[3])).expect("no end");
    assert!(env.restart(1, &position(mated)).is_err());
    assert_eq!([0, 1].map(|slot| env.game(slot).start().to_sfen()), [STARTS[3], STARTS[1]]);
    assert!(env.set_starts(Vec::new()).is_err());
    env.set_starts(vec![position(STARTS[2])]).expect("no end");
    let chosen = [0, 1].map(|slot| actions.legal(env.game(slot).position()).actions()[0]);
    env.step(&chosen, Outputs::default()).expect("legal actions");
    assert_eq!([0, 1].map(|slot| env.game(slot).start().to_sfen()), [STARTS[2]; 2]);
}
