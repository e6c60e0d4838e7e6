//! Tasks: when a position poses one, and which moves solve it.

use keisei_core::search::mate;
use keisei_core::shogi::{Move, Position, material};

use super::Task;

/// Most positions that are looked at for a mate.
const NODES: u32 = 200_000;

/// Pawns by which every solution of [`Task::HangingPiece`] is better than any other move, two plies deep.
const MARGIN: f32 = 3.0;

/// Pawns within which two moves are equally good.
const EQUAL: f32 = 0.5;

/// Moves that solve `task` in the position, in rising order of their USI notation; `None` if it does not pose the task, or chance
/// solves it as well: where more than half of the moves do.
///
/// | task | solutions | not where |
/// |---|---|---|
/// | [`Task::Mate1`] [`Task::Mate3`] [`Task::Mate5`] | checks that mate within so many plies, whatever the defence | there is a shorter mate |
/// | [`Task::MateDefence`] | moves after which the opponent has no mate in one | there is a mate in one |
/// | [`Task::HangingPiece`] | captures that cannot be retaken, better than any other move by three pawns two plies deep | there is a mate in one |
/// | [`Task::DeclarationDefence`] | moves after which the opponent cannot declare a win | there is a mate in one |
pub fn solutions(task: Task, position: &Position) -> Option<Vec<Move>> {
    let moves = position.legal_moves();
    let found = match task {
        Task::Mate1 => mates(position, 1)?,
        Task::Mate3 => mates(position, 3)?,
        Task::Mate5 => mates(position, 5)?,
        _ if has_mate(position, 1) => return None,
        Task::MateDefence => those(&moves, |mv| !has_mate(&after(position, mv), 1)),
        Task::HangingPiece => captures(position, &moves)?,
        Task::DeclarationDefence => those(&moves, |mv| !after(position, mv).can_declare()),
    };
    if found.is_empty() || found.len() > moves.len() / 2 {
        return None;
    }
    let mut named: Vec<(String, Move)> = found.into_iter().map(|mv| (mv.to_string(), mv)).collect();
    named.sort();
    Some(named.into_iter().map(|(_, mv)| mv).collect())
}

fn after(position: &Position, mv: Move) -> Position {
    let mut after = position.clone();
    after.play_unchecked(mv);
    after
}

fn those(moves: &[Move], holds: impl Fn(Move) -> bool) -> Vec<Move> {
    moves.iter().copied().filter(|&mv| holds(mv)).collect()
}

fn has_mate(position: &Position, plies: usize) -> bool {
    mate::solve(position, plies, NODES, &[]).is_some()
}

/// Checks that mate within `plies`, an odd number, if the shortest mate has so many.
fn mates(position: &Position, plies: usize) -> Option<Vec<Move>> {
    mate::solve(position, plies, NODES, &[]).filter(|line| line.len() == plies)?;
    let is_mate = |mv| {
        let after = after(position, mv);
        let replies = after.legal_moves();
        after.in_check()
            && (replies.is_empty()
                || plies > 1 && replies.iter().all(|&reply| has_mate(&self::after(&after, reply), plies - 2)))
    };
    Some(those(&position.legal_moves(), is_mate))
}

/// Captures of pieces that nothing defends, if they are the best moves two plies deep by [`MARGIN`].
fn captures(position: &Position, moves: &[Move]) -> Option<Vec<Move>> {
    let side = position.side_to_move();
    let worth: Vec<f32> = moves
        .iter()
        .map(|&mv| {
            let after = after(position, mv);
            let replies = after.legal_moves();
            let least = replies.iter().map(|&reply| material::balance(&self::after(&after, reply), side));
            if has_mate(&after, 1) { f32::NEG_INFINITY } else { least.fold(f32::INFINITY, f32::min) }
        })
        .collect();
    let best = worth.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let solutions: Vec<Move> =
        moves.iter().zip(&worth).filter(|&(_, &worth)| worth >= best - EQUAL).map(|(&mv, _)| mv).collect();
    let others = worth.iter().copied().filter(|&worth| worth < best - EQUAL).fold(f32::NEG_INFINITY, f32::max);
    let takes = |mv: &Move| {
        let cannot_be_retaken = after(position, *mv).legal_moves().iter().all(|reply| reply.to() != mv.to());
        position.piece_at(mv.to()).is_some() && cannot_be_retaken
    };
    (best.is_finite() && best >= others + MARGIN && solutions.iter().all(takes)).then_some(solutions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(task: Task, sfen: &str, expected: Option<&[&str]>) {
        let position = Position::from_sfen(sfen).expect(sfen);
        let found = solutions(task, &position).map(|moves| moves.iter().map(ToString::to_string).collect::<Vec<_>>());
        let expected = expected.map(|moves| moves.iter().map(ToString::to_string).collect());
        assert_eq!(found, expected, "{} {sfen}", task.id());
    }

    #[test]
    fn tasks_worked_by_hand() {
        check(Task::Mate1, "8k/9/8P/9/9/9/9/9/K8 b G 1", Some(&["G*1b"]));
        check(Task::Mate3, "8k/9/8P/9/9/9/9/9/K8 b G 1", None);
        check(Task::Mate1, "4k4/9/9/9/9/9/9/9/4K4 b - 1", None);
        // White threatens G*1h: the king leaves. Without the gold elsewhere there are no other moves.
        check(Task::MateDefence, "k8/9/9/9/9/9/8p/9/G7K b g 1", Some(&["1i2h", "1i2i"]));
        check(Task::MateDefence, "k8/9/9/9/9/9/8p/9/8K b g 1", None);
        check(Task::MateDefence, "k8/9/9/9/9/9/8p/9/G7K b - 1", None);
        // A rook that nothing defends, beside a pawn that the rook defends; then a lance behind the rook.
        check(Task::HangingPiece, "4k4/9/9/3r1p3/4G4/9/9/9/4K4 b - 1", Some(&["5e6d"]));
        check(Task::HangingPiece, "3lk4/9/9/3r1p3/4G4/9/9/9/4K4 b - 1", None);
        check(Task::HangingPiece, "4k4/9/9/9/4G4/9/9/9/4K4 b - 1", None);
        check(Task::DeclarationDefence, "4k4/9/9/9/4G4/9/9/9/4K4 b - 1", None);
    }
}
