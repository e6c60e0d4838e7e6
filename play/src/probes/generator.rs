//! Generator of probes: the positions in games that pose tasks.

use std::collections::{BTreeMap, HashSet};

use keisei_core::format::Record;
use keisei_core::random::{Purpose, Stream};
use keisei_core::shogi::Position;

use super::{Probe, Task, solutions};

/// Probes in the games, at most `most` of each task, by task: the same for the same games, `most` and `seed`.
///
/// Games are taken in random order and give at most one probe of each task, from a random ply, so that probes are as different as
/// the games.
pub fn generate(games: &[Record], most: usize, seed: u64) -> Vec<Probe> {
    let mut found: BTreeMap<Task, Vec<Probe>> = Task::ALL.map(|task| (task, Vec::new())).into();
    let mut seen = HashSet::new();
    let mut stream = Stream::new(seed, Purpose::Evaluation, 0, 0);
    let mut order: Vec<&Record> = games.iter().collect();
    stream.shuffle(&mut order);
    for game in order {
        let mut positions = positions(game);
        stream.shuffle(&mut positions);
        for (&task, probes) in &mut found {
            if probes.len() < most {
                let probe = |position: &Position| {
                    let solutions = solutions(task, position)?;
                    seen.insert((task, position.key())).then(|| Probe { task, position: position.clone(), solutions })
                };
                probes.extend(positions.iter().find_map(probe));
            }
        }
        if found.values().all(|probes| probes.len() == most) {
            break;
        }
    }
    found.into_values().flatten().collect()
}

/// Positions of the game before each of its moves.
fn positions(game: &Record) -> Vec<Position> {
    let Ok(mut position) = Position::from_sfen(&game.start_sfen) else { return Vec::new() };
    let mut positions = Vec::with_capacity(game.moves.len());
    for &mv in &game.moves {
        if !position.is_legal(mv) {
            break;
        }
        let next = position.clone();
        positions.push(std::mem::replace(&mut position, next));
        position.play_unchecked(mv);
    }
    positions
}

#[cfg(test)]
mod tests {
    use super::*;
    use keisei_core::shogi::Game;

    /// Games of random moves, short.
    fn games(count: u64) -> Vec<Record> {
        let game = |number| {
            let mut stream = Stream::new(9, Purpose::Evaluation, number, 0);
            let mut game = Game::new(Position::startpos(), 120);
            while game.outcome().is_none() {
                let moves = game.position().legal_moves();
                game.play(moves[stream.below(moves.len())]);
            }
            Record::of_game(&game, "a", "b", Vec::new())
        };
        (0..count).map(game).collect()
    }

    #[test]
    fn the_same_games_give_the_same_probes_and_no_more_than_asked_for() {
        let games = games(12);
        let probes = generate(&games, 3, 1);
        assert_eq!(generate(&games, 3, 1), probes);
        assert!(probes.iter().filter(|probe| probe.task == Task::HangingPiece).count() == 3, "{}", probes.len());
        for task in Task::ALL {
            assert!(probes.iter().filter(|probe| probe.task == task).count() <= 3);
        }
        for probe in &probes {
            assert_eq!(solutions(probe.task, &probe.position).as_ref(), Some(&probe.solutions));
        }
        assert!(probes.is_sorted_by_key(|probe| probe.task));
    }
}
