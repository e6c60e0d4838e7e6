//! The shortest mate within a few plies: depth-first over checks and all answers to them, one attacking move deeper each time.

use arrayvec::ArrayVec;

use crate::shogi::{MoveList, Position};

/// The longest mate that can be asked for, in plies.
pub const MAX_PLIES: usize = 15;

/// A mating line: the moves of both sides, the attacker's first, the defender's those that last longest.
pub type Line = ArrayVec<crate::shogi::Move, MAX_PLIES>;

/// The shortest mate by checks within `plies` for the side to move, if `nodes` positions suffice to find it.
///
/// A mate in one ply is found whatever `nodes` says. Positions whose key is in `repeated` have occurred twice or more in
/// the game; a line that enters one is given up, since repetition might end the game there. With at most
/// [`MAX_PLIES`] plies the rest of a line cannot repeat itself that often.
///
/// ```
/// use keisei_core::search::mate;
/// use keisei_core::shogi::Position;
///
/// let position = Position::from_sfen("8k/9/8P/9/9/9/9/9/K8 b G 1").unwrap();
/// assert_eq!(mate::solve(&position, 5, 1000, &[]).unwrap()[0], "G*1b".parse().unwrap());
/// ```
///
/// # Panics
/// If `plies` is more than [`MAX_PLIES`].
pub fn solve(position: &Position, plies: usize, nodes: u32, repeated: &[u64]) -> Option<Line> {
    assert!(plies <= MAX_PLIES, "a mate in {plies} plies is more than {MAX_PLIES}");
    let mut solver = Solver { nodes, repeated };
    (1..=plies).step_by(2).find_map(|plies| solver.attack(position, plies, None))
}

struct Solver<'a> {
    /// Positions that may still be looked at.
    nodes: u32,
    repeated: &'a [u64],
}

impl Solver<'_> {
    /// A mate in exactly `plies`, an odd number, or fewer. `last` is the defender's move before.
    fn attack(&mut self, position: &Position, plies: usize, last: Option<crate::shogi::Move>) -> Option<Line> {
        let mut checks = MoveList::new();
        position.legal_checks(|set| checks.extend(set.moves()));
        // What was just interposed is best taken: then most interpositions are refuted at once.
        if let Some(at) = checks.iter().position(|mv| last.is_some_and(|last| mv.to() == last.to())) {
            checks.swap(0, at);
        }
        for &mv in &checks {
            let mut after = position.clone();
            after.play_unchecked(mv);
            if plies == 1 {
                if !after.has_legal_move() {
                    return Some(Line::from_iter([mv]));
                }
                continue;
            }
            self.nodes = self.nodes.checked_sub(1)?;
            if let Some(rest) = self.defend(&after, plies - 1) {
                return Some(core::iter::once(mv).chain(rest).collect());
            }
        }
        None
    }

    /// The longest line in which every answer to the check is mated within `plies`, an even number.
    fn defend(&mut self, position: &Position, plies: usize) -> Option<Line> {
        if self.repeated.contains(&position.key()) {
            return None;
        }
        let mut longest = Line::new();
        // The king's moves come last from the generator, and refute most.
        for &mv in position.legal_moves().iter().rev() {
            let mut after = position.clone();
            after.play_unchecked(mv);
            if self.repeated.contains(&after.key()) {
                return None;
            }
            let rest = self.attack(&after, plies - 1, Some(mv))?;
            if rest.len() >= longest.len() {
                longest = core::iter::once(mv).chain(rest).collect();
            }
        }
        Some(longest)
    }
}
