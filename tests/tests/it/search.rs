//! The search: mates, repetitions, declarations and limits, against slow definitions and exact expectations.

use keisei_core::encoding::{Actions, Features};
use keisei_core::evaluator::{Batch, Evaluator, EvaluatorError, HostEvaluator, Predictions, Shape};
use keisei_core::net::simd::{Level, Simd};
use keisei_core::net::{Executor, NetSpec, Wdl, Weights};
use keisei_core::search::{Candidate, Decision, MateLimits, Proof, Search, Settings, mate};
use keisei_core::shogi::{Game, Move, MoveList, Position};

/// Pseudo-random numbers, the same in every run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 33) as usize) % bound
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// Initial weights, the same for every test, except that the second convolution is not zero, so that the block has an effect.
fn weights() -> Weights {
    let small = NetSpec::for_encodings(Features::Attack96, Actions::Dest2187);
    let spec = NetSpec { channels: 16, blocks: 1, value_channels: 1, value_hidden: 8, ..small };
    let mut weights = Weights::init(&spec, 1).expect("the specification is valid");
    let mut dice = Dice(2);
    let zeros = weights.data_mut().iter_mut().filter(|weight| **weight == 0.0);
    zeros.for_each(|weight| *weight = dice.below(2001) as f32 * 1e-4 - 0.1);
    weights
}

fn evaluator<E: Executor>(executor: E) -> HostEvaluator<E> {
    HostEvaluator::new(executor, Features::Attack96, Actions::Dest2187)
}

fn run(game: Game, settings: Settings, batch: usize) -> Search {
    run_with(&mut evaluator(Simd::new(&weights())), game, settings, batch)
}

fn run_with(evaluator: &mut impl Evaluator, game: Game, settings: Settings, batch: usize) -> Search {
    let mut search = Search::new(game, Actions::Dest2187, settings);
    while !search.is_finished() {
        search.step(evaluator, batch).expect("a CPU does not fail");
    }
    search
}

fn visits(visits: u32) -> Settings {
    Settings { visits, ..Settings::default() }
}

/// Settings without the mate solver, so that the tree has to find mates.
fn tree_only(visits: u32) -> Settings {
    let none = MateLimits { plies: 0, nodes: 0 };
    Settings { visits, root_mate: none, leaf_mate: none, ..Settings::default() }
}

pub(crate) fn position(sfen: &str) -> Position {
    Position::from_sfen(sfen).expect(sfen)
}

fn game(sfen: &str, moves: &str) -> Game {
    let mut game = Game::new(position(sfen), 0);
    for mv in moves.split_whitespace() {
        game.play(mv.parse().expect(mv));
    }
    game
}

fn usi(decision: Decision) -> String {
    match decision {
        Decision::Play(mv) => mv.to_string(),
        Decision::Declare => "declare".into(),
        Decision::Over(outcome) => outcome.to_string(),
    }
}

/// The definition of a mate by checks: some check to which every answer is met by a mate in two plies fewer.
fn is_mate(position: &Position, plies: usize) -> bool {
    position.legal_moves().iter().any(|&mv| {
        let after = played(position, mv);
        let answers = after.legal_moves();
        let mated = |&answer: &Move| plies > 2 && is_mate(&played(&after, answer), plies - 2);
        after.in_check() && answers.iter().all(mated)
    })
}

pub(crate) fn played(position: &Position, mv: Move) -> Position {
    let mut after = position.clone();
    after.play_unchecked(mv);
    after
}

/// The shortest mate of at most five plies, by the definition.
fn shortest(position: &Position) -> Option<usize> {
    [1, 3, 5].into_iter().find(|&plies| is_mate(position, plies))
}

/// A position in which a few black pieces stand near the white king and its few defenders, Black to move.
pub(crate) fn attack(dice: &mut Dice) -> Option<Position> {
    let mut board = [[""; 9]; 9];
    let (king_file, king_rank) = (dice.below(9), dice.below(3));
    board[king_rank][king_file] = "k";
    board[8][if king_file < 5 { 8 } else { 0 }] = "K";
    let mut near = |dice: &mut Dice, kinds: &[&'static str], count: usize| {
        for _ in 0..count {
            let (file, rank) = (king_file + dice.below(5), king_rank + dice.below(5));
            let (Some(file), Some(rank)) = (file.checked_sub(2), rank.checked_sub(2)) else { continue };
            if file < 9 && board[rank][file].is_empty() {
                board[rank][file] = dice.pick(kinds);
            }
        }
    };
    let defenders = 2 + dice.below(4);
    near(dice, &["p", "l", "n", "s", "g", "g", "b", "r", "+p"], defenders);
    let attackers = 1 + dice.below(3);
    near(dice, &["P", "L", "N", "S", "G", "B", "R", "+P", "+B", "+R"], attackers);
    let text = |row: &[&str; 9]| row.map(|square| if square.is_empty() { "1" } else { square }).concat();
    let rows: Vec<String> = board.iter().map(text).collect();
    let hands = ["G", "S", "N", "L", "2P", "B", "R", "GS", "GP", "RB", "SNp", "Gs", "RP2p", "2G", "SLg"];
    Position::from_sfen(&format!("{} b {} 1", rows.join("/"), dice.pick(&hands))).ok()
}

/// `count` positions with a mate in exactly `plies`.
fn mates(seed: u64, plies: usize, count: usize) -> Vec<Position> {
    let mut dice = Dice(seed);
    let mut found = Vec::new();
    while found.len() < count {
        let exact = |position: &Position| is_mate(position, plies) && (plies == 1 || !is_mate(position, plies - 2));
        found.extend(attack(&mut dice).filter(exact));
    }
    found
}

/// The game after some random moves.
fn random_game(dice: &mut Dice, plies: usize) -> Game {
    let mut game = Game::startpos();
    while game.outcome().is_none() && game.moves().len() < plies {
        let moves = game.position().legal_moves();
        game.play_unchecked(dice.pick(&moves));
    }
    game
}

#[test]
fn checks_are_the_legal_moves_after_which_the_enemy_is_in_check() {
    let mut dice = Dice(1);
    let mut checks = 0;
    let games = (0..200).map(|i| random_game(&mut dice, 20 + i)).map(|game| game.position().clone());
    let mut attacks = Dice(2);
    let attacks = std::iter::repeat_with(|| attack(&mut attacks)).flatten().take(5000);
    for position in games.collect::<Vec<_>>().into_iter().chain(attacks) {
        let mut found = MoveList::new();
        position.legal_checks(|set| found.extend(set.moves()));
        let mut expected = position.legal_moves();
        expected.retain(|&mut mv| played(&position, mv).in_check());
        assert_eq!(found, expected, "{position:?}");
        checks += found.len();
    }
    assert!(checks > 20_000, "{checks} checks");
}

#[test]
fn the_solver_finds_the_shortest_mate_and_nothing_else() {
    let mut dice = Dice(3);
    let mut lengths = [0; 6];
    for _ in 0..800 {
        let Some(position) = attack(&mut dice) else { continue };
        let length = shortest(&position).unwrap_or(0);
        let line = mate::solve(&position, 5, u32::MAX, &[]).unwrap_or_default();
        assert_eq!(line.len(), length, "{position:?}");
        lengths[length] += 1;
        // The line is a game that ends in mate.
        let mut game = Game::new(position, 0);
        line.into_iter().for_each(|mv| game.play(mv));
        let over = game.outcome().map(|outcome| outcome.to_string());
        assert_eq!(over, (length > 0).then(|| "black wins: checkmate".into()));
    }
    assert!([0, 1, 3, 5].iter().all(|&length| lengths[length] > 5), "{lengths:?}");
}

#[test]
fn every_generated_mate_is_found_within_200_visits() {
    for (plies, count) in [(1, 100), (3, 40), (5, 20)] {
        for position in mates(plies as u64, plies, count) {
            let search = run(Game::new(position.clone(), 0), visits(200), 8);
            assert!(matches!(search.proof(), Some(Proof::Win(found)) if usize::from(found) == plies), "{position:?}");
            let Decision::Play(mv) = search.decide() else { panic!("{position:?}") };
            let after = played(&position, mv);
            let all = |answer: &Move| plies > 2 && is_mate(&played(&after, *answer), plies - 2);
            assert!(after.in_check() && after.legal_moves().iter().all(all), "{position:?}: {mv}");
        }
    }
}

#[test]
fn the_tree_alone_proves_short_mates() {
    // Without the solver, the tree still proves the moves that it has visited: no wrong proof, and hundreds of mates in one.
    let mut found = 0;
    for position in mates(11, 1, 50) {
        let search = run(Game::new(position.clone(), 0), tree_only(400), 8);
        if let Some(Proof::Win(plies)) = search.proof() {
            found += 1;
            assert!(is_mate(&position, usize::from(plies)) || plies > 1, "{position:?}");
        }
    }
    assert!(found >= 45, "{found} of 50");
}

#[test]
fn a_mate_in_one_is_never_missed_at_one_visit() {
    let settings = Settings { root_mate: MateLimits { plies: 1, nodes: 0 }, ..visits(1) };
    for position in mates(21, 1, 300) {
        let search = run(Game::new(position.clone(), 0), settings.clone(), 1);
        let Decision::Play(mv) = search.decide() else { panic!("{position:?}") };
        let after = played(&position, mv);
        assert!(after.in_check() && !after.has_legal_move(), "{position:?}: {mv}");
        assert!(search.visits() <= 1);
    }
}

#[test]
fn a_root_that_only_leaves_would_prove_still_has_a_move() {
    let settings = Settings { root_mate: MateLimits { plies: 0, nodes: 0 }, ..visits(1) };
    for position in mates(22, 1, 20) {
        let search = run(Game::new(position.clone(), 0), settings.clone(), 1);
        assert!(matches!(search.decide(), Decision::Play(mv) if position.is_legal(mv)), "{position:?}");
    }
}

fn candidate(search: &Search, mv: &str) -> Candidate {
    let found = search.candidates(usize::MAX).into_iter().find(|candidate| candidate.mv.to_string() == mv);
    found.unwrap_or_else(|| panic!("{mv} is no candidate"))
}

#[test]
fn repetition_is_seen_at_the_root() {
    // Black has a bare king against a large army; 2i1i repeats the position for the fourth time, and that is a draw.
    let start = "r3k4/9/9/9/9/9/9/9/8K b - 1";
    let shuffle = "1i2i 5a4a 2i1i 4a5a ".repeat(2);
    let search = run(game(start, &(shuffle.clone() + "1i2i 5a4a 2i1i")), visits(400), 8);
    let draw = candidate(&search, "4a5a");
    assert_eq!((draw.proof, draw.wdl), (Some(Proof::Draw), Some(Wdl::DRAW)));
    // One repetition earlier it is not a draw yet.
    let search = run(game(start, &shuffle), visits(400), 8);
    assert!(search.candidates(usize::MAX).iter().all(|candidate| candidate.proof != Some(Proof::Draw)));
}

#[test]
fn perpetual_check_loses_for_who_gives_it() {
    // The rook checks from 5e and 4e by turns; the fourth time the position comes back, Black has lost.
    let start = "4k4/9/9/9/3R5/9/9/9/K8 b - 1";
    let moves = "6e5e 5a4a 5e4e 4a5a 4e5e 5a4a 5e4e 4a5a 4e5e 5a4a 5e4e 4a5a";
    let search = run(game(start, moves), visits(300), 8);
    assert_eq!(candidate(&search, "4e5e").proof, Some(Proof::Loss(1)));
    assert_ne!(usi(search.decide()), "4e5e");
    // A line through such a position is not a mate.
    let position = position("4k4/9/9/9/3R5/9/9/9/K8 b - 1");
    assert_eq!(mate::solve(&position, 5, 1000, &[]), None);
}

#[test]
fn declarations_are_seen_at_the_root_and_below() {
    // White may declare now.
    let may = "9/9/9/9/9/9/+r+b+p+p+pgssg/k+p+p6/8K w 4Prb 1";
    let declares = position(may).can_declare();
    assert!(declares, "the row shows a declaration");
    let search = run(game(may, ""), visits(1), 1);
    assert_eq!((search.decide(), search.proof()), (Decision::Declare, Some(Proof::Win(1))));
    // One step away from it: entering with the king leads to a position where the other side has an answer, then declares.
    let step = "9/9/9/9/9/k8/+r+b+p+p+pgssg/1+p+p6/8K w 4Prb 1";
    let search = run(game(step, ""), visits(400), 8);
    assert!(matches!(search.proof(), Some(Proof::Win(_))), "{:?}", search.candidates(3));
}

#[test]
fn nobody_wins_behind_the_ply_limit() {
    // A mate in three is not a mate with two plies left.
    let mate = mates(3, 3, 1).remove(0);
    let proof = |max_plies, most| run(Game::new(mate.clone(), max_plies), visits(most), 8).proof();
    let draw = Some(Proof::Draw);
    assert_eq!([proof(1, 20_000), proof(2, 400), proof(3, 400)], [draw, None, Some(Proof::Win(3))]);
}

#[test]
fn the_same_game_gives_the_same_tree() {
    let mut dice = Dice(5);
    for plies in [0, 30, 80] {
        let game = random_game(&mut dice, plies);
        let search = || run(game.clone(), visits(120), 8);
        assert_eq!(search().candidates(usize::MAX), search().candidates(usize::MAX));
        assert_eq!(search().decide(), search().decide());
    }
}

/// Executors add in different orders, so two equally good moves sometimes change places. `cargo xtask bench search` counts
/// the same for WebAssembly.
#[test]
fn executors_choose_the_same_moves() {
    const POSITIONS: usize = 200;
    let (mut dice, weights) = (Dice(6), weights());
    let games: Vec<Game> = (0..POSITIONS).map(|i| random_game(&mut dice, i % 100)).collect();
    let decide = |simd: Simd| -> Vec<Decision> {
        let mut evaluator = evaluator(simd);
        games.iter().map(|game| run_with(&mut evaluator, game.clone(), visits(100), 8).decide()).collect()
    };
    let expected = decide(Simd::with_level(&weights, Level::Portable).expect("it is available everywhere"));
    for level in Level::ALL {
        let Some(simd) = Simd::with_level(&weights, level) else { continue };
        let same = decide(simd).iter().zip(&expected).filter(|(a, b)| a == b).count();
        assert!(same * 100 >= POSITIONS * 99, "{level}: {same} of {POSITIONS} moves are the same");
    }
}

#[test]
fn visits_add_up() {
    for (settings, batch) in [(visits(300), 1), (visits(300), 16), (visits(300), 64)] {
        let search = run(Game::startpos(), settings, batch);
        let of_moves: u32 = search.candidates(usize::MAX).iter().map(|candidate| candidate.visits).sum();
        assert_eq!((search.visits(), of_moves), (300, 299), "batch {batch}");
        let priors: f32 = search.candidates(usize::MAX).iter().map(|candidate| candidate.prior).sum();
        assert!((priors - 1.0).abs() < 1e-4, "{priors}");
        for candidate in search.candidates(5) {
            let Wdl { win, draw, loss } = candidate.wdl.expect("the best moves are visited");
            assert!((win + draw + loss - 1.0).abs() < 1e-5 && candidate.line[0] == candidate.mv);
            let mut game = Game::startpos();
            candidate.line.iter().for_each(|&mv| game.play(mv));
        }
    }
}

#[test]
fn a_tree_is_kept_over_moves_and_dropped_for_another_game() {
    let mut evaluator = evaluator(Simd::new(&weights()));
    let mut search = run(Game::startpos(), visits(400), 8);
    let best = search.candidates(1).remove(0);
    let mut game = Game::startpos();
    game.play(best.mv);
    search.follow(game.clone());
    // The child's first visit was its own.
    assert_eq!(search.visits(), best.visits);
    assert!(search.nodes() <= best.visits as usize && search.nodes() > 1);
    let reply = search.candidates(1).remove(0);
    assert_eq!(best.line.get(1), Some(&reply.mv));
    while !search.is_finished() {
        search.step(&mut evaluator, 8).expect("a CPU does not fail");
    }
    assert_eq!(search.visits(), 400);
    // Two plies at once.
    for mv in [reply.mv, search.game().position().legal_moves()[0]] {
        if game.position().is_legal(mv) {
            game.play(mv);
        }
    }
    search.follow(game.clone());
    assert_eq!(search.game().moves(), game.moves());
    search.follow(Game::startpos());
    assert_eq!((search.visits(), search.nodes()), (0, 1));
    let fresh = run(Game::startpos(), visits(400), 8);
    while !search.is_finished() {
        search.step(&mut evaluator, 8).expect("a CPU does not fail");
    }
    assert_eq!(search.candidates(usize::MAX), fresh.candidates(usize::MAX));
}

#[test]
fn only_the_moves_asked_for_are_searched() {
    let mut evaluator = evaluator(Simd::new(&weights()));
    let mut search = run(Game::startpos(), visits(100), 8);
    let moves: Vec<Move> = ["9g9f", "1g1f"].map(|mv| mv.parse().expect(mv)).into();
    search.restrict(&moves);
    assert_eq!(search.visits(), 0);
    while !search.is_finished() {
        search.step(&mut evaluator, 8).expect("a CPU does not fail");
    }
    let candidates = search.candidates(usize::MAX);
    assert!(candidates.len() == 2 && candidates.iter().all(|candidate| moves.contains(&candidate.mv)));
    assert_eq!(candidates.iter().map(|candidate| candidate.visits).sum::<u32>(), 99);
    // After a move, and without moves, everything is searched again.
    search.advance(moves[0]);
    search.advance("9c9d".parse().expect("a move"));
    search.restrict(&[]);
    search.step(&mut evaluator, 8).expect("a CPU does not fail");
    assert_eq!(search.candidates(usize::MAX).len(), search.game().position().legal_count());
    // Neither a mate nor a declaration takes their place.
    let declares = "9/9/9/9/9/9/+r+b+p+p+pgssg/k+p+p6/8K w 4Prb 1";
    for (sfen, mv) in [("8k/9/7GP/9/9/9/9/9/K8 b G 1", "9i8i"), (declares, "9h9i")] {
        let mut search = Search::new(game(sfen, ""), Actions::Dest2187, visits(50));
        assert!(matches!(search.proof(), Some(Proof::Win(1))), "{sfen}");
        search.restrict(&[mv.parse().expect(mv)]);
        while !search.is_finished() {
            search.step(&mut evaluator, 8).expect("a CPU does not fail");
        }
        assert_eq!(usi(search.decide()), mv);
    }
}

#[test]
fn the_search_for_mate_goes_on_beside_the_tree() {
    let none = MateLimits { plies: 999, nodes: 0 };
    for position in mates(31, 5, 10) {
        let game = Game::new(position.clone(), 0);
        let settings = Settings { root_mate: none, ..visits(400) };
        let mut search = Search::new(game, Actions::Dest2187, settings.clone());
        assert_eq!(search.proof(), None);
        while search.seek_mate(100) {}
        assert!(matches!(search.proof(), Some(Proof::Win(plies)) if plies >= 5), "{position:?}");
        assert!(search.is_finished() && !search.seek_mate(100));
        let Decision::Play(mv) = search.decide() else { panic!("{position:?}") };
        assert!(played(&position, mv).in_check(), "{position:?}: {mv}");
        // Before the ply limit there is no time for it.
        let mut search = Search::new(Game::new(position, 4), Actions::Dest2187, settings);
        while search.seek_mate(100) {}
        assert_eq!(search.proof(), None);
    }
}

#[test]
fn leaves_that_are_given_up_leave_no_trace() {
    let mut evaluator = evaluator(Simd::new(&weights()));
    let mut search = Search::new(Game::startpos(), Actions::Dest2187, visits(200));
    while !search.is_finished() {
        search.gather(5);
        search.abandon();
        search.step(&mut evaluator, 8).expect("a CPU does not fail");
    }
    let of_moves: u32 = search.candidates(usize::MAX).iter().map(|candidate| candidate.visits).sum();
    assert_eq!((search.visits(), of_moves), (200, 199));
}

/// Evaluator whose device is lost.
struct Broken;

impl Evaluator for Broken {
    fn shape(&self) -> Shape {
        Shape { features: Features::Attack96, actions: Actions::Dest2187, has_score: false }
    }

    fn evaluate(&mut self, _batch: &Batch) -> Result<&mut Predictions, EvaluatorError> {
        Err(EvaluatorError::Device("it fell off the bus".into()))
    }
}

#[test]
fn a_search_outlives_its_evaluator() {
    let mut search = Search::new(Game::startpos(), Actions::Dest2187, visits(100));
    let error = search.step(&mut Broken, 8).expect_err("the device has gone");
    assert_eq!((error.to_string(), search.visits()), ("it fell off the bus".into(), 0));
    let mut evaluator = evaluator(Simd::new(&weights()));
    while !search.is_finished() {
        search.step(&mut evaluator, 8).expect("a CPU does not fail");
    }
    assert_eq!(search.candidates(usize::MAX), run(Game::startpos(), visits(100), 8).candidates(usize::MAX));
}

#[test]
fn an_evaluator_allocates_nothing_for_another_batch() {
    let mut evaluator = evaluator(Simd::new(&weights()));
    let mut search = Search::new(Game::startpos(), Actions::Dest2187, visits(100));
    search.step(&mut evaluator, 1).expect("a CPU does not fail");
    let batch = search.gather(8).clone();
    evaluator.predict(&batch);
    let allocations = allocation_counter::measure(|| assert_eq!(evaluator.predict(&batch).len(), batch.len()));
    assert_eq!(allocations.count_total, 0);
}

#[test]
fn temperature_draws_by_visits() {
    let search = run(Game::startpos(), visits(300), 8);
    assert_eq!(search.decide_at(0.0, 0.7), search.decide());
    let drawn: std::collections::BTreeSet<_> = (0..100).map(|i| usi(search.decide_at(1.0, i as f32 / 100.0))).collect();
    assert!(drawn.len() > 5, "{drawn:?}");
    // With one visit the move is drawn from the policy itself.
    let policy = run(Game::startpos(), visits(1), 1);
    let drawn: std::collections::BTreeSet<_> = (0..100).map(|i| usi(policy.decide_at(1.0, i as f32 / 100.0))).collect();
    assert!(drawn.len() > 15, "{drawn:?}");
}

#[test]
fn a_game_that_is_over_has_no_decision() {
    let over = game("8k/9/8P/9/9/9/9/9/K8 b G 1", "G*1b");
    let search = run(over, visits(10), 1);
    assert_eq!((usi(search.decide()), search.visits()), ("black wins: checkmate".into(), 0));
    assert_eq!(search.candidates(3), []);
}
