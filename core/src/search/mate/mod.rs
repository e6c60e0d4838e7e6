//! Forced mates by checks (詰み), for the positions in which the network sees too little.
//!
//! | module | holds |
//! |---|---|
//! | `shortest` | [`solve`]: the shortest mate within a few plies, without memory, for the leaves of a tree |
//! | `dfpn` | the search for mates of any length |
//! | `table` | the positions that it has met |
//!
//! [`MateSolver`] decides whether there is a mate at all, in memory of a fixed bound and in slices, so that its caller may look at a
//! clock. Interpositions count as answers even where they only delay, and a drop-pawn mate (打ち歩詰め) is no move.

mod shortest;
mod dfpn;
mod table;

use alloc::vec::Vec;

pub use shortest::{Line, MAX_PLIES, solve};

use crate::random::mix;
use crate::shogi::{Hand, Move, Position};
use dfpn::Dfpn;
use table::Known;

/// Most positions that are looked at to find a mate shorter than the one that is proven.
const POLISH: u32 = 2_000;

/// Most positions that are searched again where the table has lost a part of the proof.
const REPAIR: u64 = 50_000;

/// Forced mate for the side to move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mate {
    /// Moves of both sides up to the mate, the attacker's first, the defender's those that last longest.
    pub line: Vec<Move>,
    /// Plies within which every defence is mated, at least those of the line.
    pub plies: u16,
}

/// State of a search for a mate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MateStatus {
    /// The search goes on.
    Open,
    /// There is a mate.
    Mate,
    /// There is no mate by checks.
    NoMate,
    /// The search has ended without an answer: a line was too long, or what was proven no longer fits into memory.
    Unknown,
}

/// Solver for a mate of any length from one position.
///
/// ```
/// use keisei_core::search::mate::{MateSolver, MateStatus};
/// use keisei_core::shogi::Position;
///
/// let position = Position::from_sfen("8k/9/8P/9/9/9/9/9/K8 b G 1").unwrap();
/// let mut solver = MateSolver::new(&position, &[], 1 << 20);
/// assert_eq!(solver.advance(1000), MateStatus::Mate);
/// assert_eq!(solver.mate().unwrap().line, ["G*1b".parse().unwrap()]);
/// ```
#[derive(Clone, Debug)]
pub struct MateSolver {
    position: Position,
    repeated: Vec<u64>,
    search: Dfpn,
    status: MateStatus,
    mate: Option<Mate>,
}

impl MateSolver {
    /// A solver for `position` whose tables never take more than about `bytes`, at least some hundred kilobytes.
    ///
    /// Positions whose key is in `repeated` have occurred twice or more in the game; a line that enters one is no mate, since repetition
    /// might end the game there.
    pub fn new(position: &Position, repeated: &[u64], bytes: usize) -> MateSolver {
        MateSolver::among(&[], position, repeated, bytes)
    }

    /// Solver, like [`new`](Self::new), of mates that begin with one of `moves`; of all mates if `moves` is empty.
    pub fn among(moves: &[Move], position: &Position, repeated: &[u64], bytes: usize) -> MateSolver {
        MateSolver {
            position: position.clone(),
            repeated: repeated.to_vec(),
            search: Dfpn::new(position, moves, repeated, bytes),
            status: MateStatus::Open,
            mate: None,
        }
    }

    /// Looks at about `nodes` positions more, unless the search is over.
    pub fn advance(&mut self, nodes: u64) -> MateStatus {
        if self.status == MateStatus::Open && self.search.advance(nodes) {
            let root = self.search.root;
            self.status = if root.proof == 0 {
                self.mate = self.proven(root.plies);
                if self.mate.is_some() { MateStatus::Mate } else { MateStatus::Unknown }
            } else if root.depths == 0 {
                MateStatus::NoMate
            } else {
                MateStatus::Unknown
            };
        }
        self.status
    }

    /// The state, as [`advance`](Self::advance) has left it.
    pub fn status(&self) -> MateStatus {
        self.status
    }

    /// The mate, if one is found.
    pub fn mate(&self) -> Option<&Mate> {
        self.mate.as_ref()
    }

    /// Positions that were looked at.
    pub fn nodes(&self) -> u64 {
        self.search.nodes
    }

    /// Plies of the line that is searched.
    pub fn depth(&self) -> usize {
        self.search.depth()
    }

    /// Share of the table that is filled, in thousandths.
    pub fn fullness(&self) -> usize {
        self.search.table.fullness()
    }

    /// The mate that was proven to end within `plies`, or a shorter one.
    fn proven(&mut self, plies: u16) -> Option<Mate> {
        if self.search.is_whole() {
            let shorter = usize::from(plies).saturating_sub(2).min(MAX_PLIES);
            if let Some(line) = solve(&self.position, shorter, POLISH, &self.repeated) {
                return Some(Mate { plies: line.len() as u16, line: line.to_vec() });
            }
        }
        let line = self.line()?;
        let plies = plies.max(line.len() as u16);
        Some(Mate { line, plies })
    }

    /// The line of the proof in the table: the attacker's quickest moves, the answers that last longest. Each move is checked by the
    /// rules, and every answer on the way by the table. `None` if the table has lost too much of it.
    fn line(&mut self) -> Option<Vec<Move>> {
        let attacker = self.position.side_to_move();
        let mut position = self.position.clone();
        let mut repair = self.search.nodes.min(REPAIR);
        let (mut line, mut met) = (Vec::new(), Vec::new());
        while position.has_legal_move() {
            if met.contains(&position.key()) {
                return None;
            }
            met.push(position.key());
            let mv = if position.side_to_move() == attacker {
                let mv = self.proof(&position, &mut repair)?.1;
                let checks = position.is_legal(mv) && after(&position, mv).in_check();
                checks.then_some(mv)?
            } else {
                let mut longest: Option<(u16, Move)> = None;
                for &mv in &position.legal_moves() {
                    let (plies, _) = self.proof(&after(&position, mv), &mut repair)?;
                    if longest.is_none_or(|(most, _)| plies > most) {
                        longest = Some((plies, mv));
                    }
                }
                longest?.1
            };
            position.play_unchecked(mv);
            line.push(mv);
        }
        (position.side_to_move() != attacker).then_some(line)
    }

    /// Plies and move of the proof of a position with the attacker to move, which is searched again if the table has lost it.
    fn proof(&mut self, position: &Position, repair: &mut u64) -> Option<(u16, Move)> {
        let (board, hand) = (position.board_key(), position.hand(position.side_to_move()));
        let look_up = |search: &Dfpn| match search.table.look_up(board, hand) {
            Known::Settled(entry) if entry.proof == 0 => Some((entry.plies, entry.mv?)),
            _ => None,
        };
        look_up(&self.search).or_else(|| {
            let before = self.search.nodes;
            self.search.restart(position);
            self.search.advance(*repair);
            *repair = repair.saturating_sub(self.search.nodes - before);
            look_up(&self.search)
        })
    }
}

fn after(position: &Position, mv: Move) -> Position {
    let mut after = position.clone();
    after.play_unchecked(mv);
    after
}

/// Key of a board with the attacker's hand.
fn position_key(board: u64, hand: Hand) -> u64 {
    mix(board ^ mix(u64::from(hand.bits())))
}
