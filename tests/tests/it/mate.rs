//! The mate solver: against the definition on whole graphs of positions, against another solver's answers, and within its bounds.

use std::collections::BTreeMap;

use keisei_core::search::mate::{Mate, MateSolver, MateStatus};
use keisei_core::shogi::{Game, Move, MoveList, Position};

use crate::search::{Dice, attack, played, position};

/// Memory for all tests that do not ask for less.
const BYTES: usize = 16 << 20;

fn checks(position: &Position) -> MoveList {
    let mut checks = MoveList::new();
    position.legal_checks(|set| checks.extend(set.moves()));
    checks
}

/// The definition of a mate within an odd number of plies: some check, to which every answer is met by a mate within two plies fewer.
/// Asked again it remembers; `None` once it has been asked about more than `most` positions.
fn is_mate(position: &Position, plies: usize, known: &mut BTreeMap<(u64, usize), bool>, most: usize) -> Option<bool> {
    if let Some(&known) = known.get(&(position.key(), plies)) {
        return Some(known);
    }
    let mut found = false;
    for &mv in &checks(position) {
        let after = played(position, mv);
        let mut is_mated = true;
        for &answer in &after.legal_moves() {
            is_mated = plies > 2 && is_mate(&played(&after, answer), plies - 2, known, most)?;
            if !is_mated {
                break;
            }
        }
        if is_mated {
            found = true;
            break;
        }
    }
    known.insert((position.key(), plies), found);
    (known.len() < most).then_some(found)
}

/// Plies of the shortest mate, up to nine, by the definition; 0 if there is none, `None` if that is too much to ask.
fn distance(position: &Position) -> Option<usize> {
    let mut known = BTreeMap::new();
    for plies in [1, 3, 5, 7, 9] {
        if is_mate(position, plies, &mut known, 100_000)? {
            return Some(plies);
        }
    }
    Some(0)
}

/// A position with a king among some of its pieces and few attackers, so that its graph is small, but full of circles.
fn small(dice: &mut Dice) -> Option<Position> {
    let mut board = [[""; 9]; 9];
    board[dice.below(2)][dice.below(3)] = "k";
    board[8][8] = "K";
    let defenders = (&["p", "p", "l", "n", "s", "g"][..], 1 + dice.below(6), 3);
    let attackers = (&["R", "+R", "+B", "B", "G", "S", "+P"][..], 1 + dice.below(2), 5);
    for (kinds, count, size) in [defenders, attackers] {
        for _ in 0..count {
            let (file, rank) = (dice.below(size), dice.below(size));
            if board[rank][file].is_empty() {
                board[rank][file] = dice.pick(kinds);
            }
        }
    }
    let text = |row: &[&str; 9]| row.map(|square| if square.is_empty() { "1" } else { square }).concat();
    let rows: Vec<String> = board.iter().map(text).collect();
    let hands = ["-", "-", "-", "P", "G"];
    Position::from_sfen(&format!("{} b {} 1", rows.join("/"), dice.pick(&hands))).ok()
}

/// The end of a search, with the rules' verdict on its line.
fn solve(position: &Position, bytes: usize, slice: u64, most: u64) -> (MateStatus, Option<Mate>) {
    let mut solver = MateSolver::new(position, &[], bytes);
    while solver.nodes() < most && solver.advance(slice) == MateStatus::Open {}
    if let Some(mate) = solver.mate() {
        check_line(position, mate);
    }
    (solver.status(), solver.mate().cloned())
}

/// The line is a game of checks that ends in mate.
fn check_line(position: &Position, mate: &Mate) {
    let mut game = Game::new(position.clone(), 0);
    for (i, &mv) in mate.line.iter().enumerate() {
        game.try_play(mv).unwrap_or_else(|error| panic!("{position:?}: {error}"));
        assert!(i % 2 == 1 || game.position().in_check(), "{position:?}: {mv} is no check");
    }
    let winner = position.side_to_move();
    assert_eq!(
        game.outcome().map(|outcome| outcome.to_string()),
        Some(format!("{winner} wins: checkmate")),
        "{position:?}"
    );
    assert!(usize::from(mate.plies) >= mate.line.len());
}

#[test]
fn answers_are_those_of_the_definition() {
    let mut dice = Dice(7);
    let (mut lengths, mut refuted) = ([0; 10], 0);
    for number in 0..1200 {
        let Some(position) = (if number % 2 == 0 { attack(&mut dice) } else { small(&mut dice) }) else { continue };
        let Some(distance) = distance(&position) else { continue };
        let (status, mate) = solve(&position, BYTES, 1 << 20, 1 << 18);
        let length = mate.as_ref().map_or(0, |mate| usize::from(mate.plies));
        match status {
            MateStatus::NoMate => assert_eq!(distance, 0, "{position:?}"),
            MateStatus::Mate => assert!(length >= distance && (distance > 0 || length > 9), "{position:?}: {mate:?}"),
            MateStatus::Open | MateStatus::Unknown => assert_eq!(distance, 0, "{position:?}: {status:?}"),
        }
        lengths[distance] += 1;
        refuted += usize::from(status == MateStatus::NoMate && !checks(&position).is_empty());
        // Every answer on the way of the line is a mate as well.
        let mut after = position.clone();
        for pair in mate.iter().flat_map(|mate| mate.line.chunks(2)) {
            after.play(pair[0]);
            for &answer in &after.legal_moves() {
                let (status, _) = solve(&played(&after, answer), BYTES, 1 << 20, 1 << 20);
                assert_eq!(status, MateStatus::Mate, "{position:?}: {answer}");
            }
            pair.get(1).into_iter().for_each(|&mv| after.play(mv));
        }
    }
    let enough = [1, 3, 5, 7].iter().all(|&plies| lengths[plies] >= 5) && refuted >= 100;
    assert!(enough, "{lengths:?} by length, {refuted} refuted");
}

#[test]
fn a_mate_known_to_another_solver_is_found_and_no_other_claimed() {
    const MOST: u64 = 200_000;
    let (mut found, mut refuted) = ([0, 0], [0, 0]);
    for line in include_str!("../../data/mates.tsv").lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let position = position(fields[0]);
        let (status, _) = solve(&position, BYTES, MOST, MOST);
        let counts = if fields[1] == "mate" { &mut found } else { &mut refuted };
        counts[1] += 1;
        counts[0] += match (fields[1], status) {
            ("mate", MateStatus::NoMate) => panic!("{position:?}: there is a mate"),
            ("mate", MateStatus::Mate) | ("none", MateStatus::NoMate) => 1,
            _ => 0,
        };
    }
    let enough = found[0] * 100 >= found[1] * 95 && refuted[0] * 100 >= refuted[1] * 80;
    assert!(enough, "{found:?} mates, {refuted:?} without, in {MOST} positions each");
}

#[test]
fn slices_change_nothing() {
    let mut dice = Dice(8);
    for position in std::iter::from_fn(|| Some(small(&mut dice))).flatten().take(200) {
        let run = |slice: u64| {
            let mut solver = MateSolver::new(&position, &[], BYTES);
            while solver.nodes() < 20_000 && solver.advance(slice) == MateStatus::Open {}
            (solver.status(), solver.mate().cloned())
        };
        assert_eq!(run(1), run(20_000), "{position:?}");
    }
}

#[test]
fn little_memory_gives_no_wrong_answer() {
    let mut dice = Dice(9);
    let mut same = [0, 0];
    for position in std::iter::from_fn(|| Some(small(&mut dice))).flatten().take(300) {
        let (expected, _) = solve(&position, BYTES, 1 << 16, 1 << 17);
        let (status, _) = solve(&position, 0, 1 << 16, 1 << 17);
        let contradicts = matches!(
            (expected, status),
            (MateStatus::Mate, MateStatus::NoMate) | (MateStatus::NoMate, MateStatus::Mate)
        );
        assert!(!contradicts, "{position:?}: {expected:?}, {status:?}");
        same[usize::from(expected == status)] += 1;
    }
    assert!(same[1] > 250, "{same:?}");
}

#[test]
fn rules_that_only_problems_meet() {
    let check = |sfen: &str, expected: &[&str]| {
        let (status, mate) = solve(&position(sfen), BYTES, 1 << 20, u64::MAX);
        let line: Vec<String> = mate.iter().flat_map(|mate| &mate.line).map(Move::to_string).collect();
        assert_eq!(line, expected, "{sfen}: {status:?}");
        assert_eq!(status, if expected.is_empty() { MateStatus::NoMate } else { MateStatus::Mate }, "{sfen}");
    };
    // Nothing to give check with, and a king alone that runs from a pawn.
    check("4k4/9/9/9/9/9/9/9/4K4 b - 1", &[]);
    check("4k4/9/9/9/9/9/9/9/4K4 b P 1", &[]);
    // A pawn on 1b would mate, and so may not be dropped; from the board it may move there.
    check("7nk/9/7G1/9/9/9/9/9/K8 b P 1", &[]);
    check("7nk/9/7GP/9/9/9/9/9/K8 b - 1", &["1c1b"]);
    // The rook checks for ever, which is no mate.
    check("4k4/9/9/9/3R5/9/9/9/K8 b - 1", &[]);
    // No king to mate.
    check("9/9/9/9/9/9/9/9/K8 b RG 1", &[]);
}

#[test]
fn a_position_that_has_come_twice_ends_no_line() {
    let position = position("7nk/9/7GP/9/9/9/9/9/K8 b - 1");
    let after = |mv: &str| played(&position, mv.parse().expect(mv)).key();
    let solve = |repeated: &[u64]| {
        let mut solver = MateSolver::new(&position, repeated, BYTES);
        let status = solver.advance(1 << 20);
        (status, solver.mate().map(|mate| mate.line[0].to_string()))
    };
    assert_eq!(solve(&[after("1c1b")]), (MateStatus::Mate, Some("1c1b+".to_owned())));
    let both = [after("1c1b"), after("1c1b+"), after("2c1b")];
    assert_eq!(solve(&both), (MateStatus::NoMate, None));
}

#[test]
fn only_the_moves_asked_for_begin_a_mate() {
    let position = position("8k/9/7GP/9/9/9/9/9/K8 b G 1");
    let solve = |mv: &str| {
        let mut solver = MateSolver::among(&[mv.parse().expect(mv)], &position, &[], BYTES);
        solver.advance(1 << 20);
        (solver.status(), solver.mate().map(|mate| mate.line[0].to_string()))
    };
    for mv in ["G*1b", "1c1b+", "2c1b"] {
        let goes_on = played(&position, mv.parse().expect(mv)).has_legal_move();
        let expected = if goes_on { (MateStatus::NoMate, None) } else { (MateStatus::Mate, Some(mv.to_owned())) };
        assert_eq!(solve(mv), expected, "{mv}");
    }
    assert_eq!(solve("9i8i"), (MateStatus::NoMate, None));
}
