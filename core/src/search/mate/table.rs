//! Positions that the solver has met, in memory of a fixed bound.
//!
//! All positions with one board and side to move lie together whatever the hands are. The pieces of a search are always the same, so
//! the attacker's hand fixes the defender's: more of it never hurts the attacker (dominance), and an entry that is proven with less,
//! or refuted with more, answers for a position that was never searched.

use alloc::{vec, vec::Vec};

use crate::random::mix;
use crate::shogi::{Hand, Move};

/// The proof or disproof number of what is settled.
pub(super) const INFINITE: u32 = u32::MAX;

/// Entries of the smallest table.
const LEAST: usize = 1 << 10;

/// Entries behind the place of a board that may hold its positions.
const WINDOW: usize = 16;

/// Position with its numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Key of board and side to move.
    pub board: u64,
    /// The attacker's hand; of a proven position the least that suffices, of a refuted one the most that does not.
    pub hand: Hand,
    /// Proof number: 0 where the mate is proven.
    pub proof: u32,
    /// Disproof number: 0 where there is no mate.
    pub disproof: u32,
    /// Positions that were looked at below, at least 1; 0 marks an empty place.
    pub work: u32,
    /// Plies to the end of the proven mate.
    pub plies: u16,
    /// Least depth at which the position was met.
    pub depth: u16,
    /// The attacker's move in a proven position.
    pub mv: Option<Move>,
}

const EMPTY: Entry =
    Entry { board: 0, hand: Hand::EMPTY, proof: INFINITE, disproof: INFINITE, work: 0, plies: 0, depth: 0, mv: None };

/// Answer of the table.
#[derive(Clone, Copy, Debug)]
pub(super) enum Known {
    /// There is a mate or there is none.
    Settled(Entry),
    /// Both numbers, 1 or more, and the least depth at which the position was met.
    Open {
        /// Proof number.
        proof: u32,
        /// Disproof number.
        disproof: u32,
        /// Least depth.
        depth: u16,
    },
    /// Never met; with a larger hand the proof number was at least this, with a smaller one the disproof number.
    New {
        /// Least proof number.
        proof: u32,
        /// Least disproof number.
        disproof: u32,
    },
}

/// Table of positions.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// A power of two places, and a window behind them.
    entries: Vec<Entry>,
    used: usize,
    /// Largest number of places.
    most: usize,
    /// Whether hands must be equal, since something else than board and hand decides.
    exact: bool,
}

impl Table {
    /// A table that never takes more than about `bytes`.
    pub fn new(bytes: usize, exact: bool) -> Table {
        let most = (bytes / size_of::<Entry>()).max(LEAST);
        // While it grows, the old places are still there: the largest doubling must leave room for them.
        let most = 1 << (most * 2 / 3).max(LEAST).ilog2();
        Table { entries: vec![EMPTY; LEAST + WINDOW], used: 0, most, exact }
    }

    /// Share of the places that are taken, in thousandths of the largest table.
    pub fn fullness(&self) -> usize {
        (1000 * self.used / self.most).min(1000)
    }

    fn place(&self, board: u64) -> usize {
        mix(board) as usize & (self.entries.len() - WINDOW - 1)
    }

    fn covers(&self, more: Hand, less: Hand) -> bool {
        if self.exact { more == less } else { more.covers(less) }
    }

    /// Entry of a position.
    pub fn look_up(&self, board: u64, hand: Hand) -> Known {
        let place = self.place(board);
        let mut proven: Option<Entry> = None;
        let mut open: Option<Entry> = None;
        let (mut least_proof, mut least_disproof) = (1, 1);
        for entry in &self.entries[place..place + WINDOW] {
            if entry.work == 0 {
                break;
            }
            if entry.board != board {
                continue;
            }
            let (less, more) = (self.covers(hand, entry.hand), self.covers(entry.hand, hand));
            if entry.proof == 0 {
                if less && proven.is_none_or(|known| entry.plies < known.plies) {
                    proven = Some(*entry);
                }
            } else if entry.disproof == 0 {
                if more {
                    return Known::Settled(*entry);
                }
            } else {
                if less {
                    least_disproof = least_disproof.max(entry.disproof);
                }
                if more {
                    least_proof = least_proof.max(entry.proof);
                }
                if less && more {
                    open = Some(*entry);
                }
            }
        }
        match (proven, open) {
            (Some(entry), _) => Known::Settled(entry),
            (None, Some(entry)) => Known::Open { proof: least_proof, disproof: least_disproof, depth: entry.depth },
            (None, None) => Known::New { proof: least_proof, disproof: least_disproof },
        }
    }

    /// Stores what a search has found at a position, in whose place `hand` was searched.
    pub fn store(&mut self, entry: Entry, searched: Hand) {
        if self.used * 2 > self.entries.len() && self.entries.len() - WINDOW < self.most {
            self.grow();
        }
        let place = self.place(entry.board);
        let mut cheapest = place;
        for i in place..place + WINDOW {
            let found = self.entries[i];
            if found.work == 0 {
                self.used += 1;
                self.entries[i] = entry;
                return;
            }
            if found.board == entry.board && found.hand == searched && found.proof > 0 && found.disproof > 0 {
                let (depth, work) = (found.depth.min(entry.depth), found.work.saturating_add(entry.work));
                self.entries[i] = Entry { work, depth, ..entry };
                return;
            }
            if found.work < self.entries[cheapest].work {
                cheapest = i;
            }
        }
        self.entries[cheapest] = entry;
    }

    /// Doubles the places.
    fn grow(&mut self) {
        let places = 2 * (self.entries.len() - WINDOW);
        let old = core::mem::replace(&mut self.entries, vec![EMPTY; places + WINDOW]);
        self.used = 0;
        for entry in old.into_iter().filter(|entry| entry.work > 0) {
            let place = self.place(entry.board);
            let window = &mut self.entries[place..place + WINDOW];
            // A window that overflows loses its last entries, as it would in use.
            if let Some(free) = window.iter_mut().find(|entry| entry.work == 0) {
                *free = entry;
                self.used += 1;
            }
        }
    }
}

/// Refutations that rest on a repetition: they hold only below the positions that would be repeated.
///
/// Each board and hand has one place, and the latest refutation stays.
#[derive(Clone, Debug)]
pub(super) struct Loops {
    entries: Vec<Loop>,
    /// Largest number of places.
    most: usize,
    used: usize,
}

#[derive(Clone, Copy, Debug)]
struct Loop {
    position: u64,
    /// Key of the path from the root to the deepest position that would be repeated.
    path: u64,
    /// Depths of the positions that would be repeated, as in [`super::dfpn`]; 0 marks an empty place.
    depths: u128,
}

const NO_LOOP: Loop = Loop { position: 0, path: 0, depths: 0 };

impl Loops {
    /// A table that never takes more than about `bytes`.
    pub fn new(bytes: usize) -> Loops {
        let most = 1 << (bytes / size_of::<Loop>() * 2 / 3).max(LEAST).ilog2();
        Loops { entries: vec![NO_LOOP; LEAST], most, used: 0 }
    }

    fn place(&self, position: u64) -> usize {
        position as usize & (self.entries.len() - 1)
    }

    /// The depths and the key of the path on which the refutation of a position rests, if it was refuted.
    pub fn look_up(&self, board: u64, hand: Hand) -> Option<(u128, u64)> {
        let position = super::position_key(board, hand);
        let found = self.entries[self.place(position)];
        (found.position == position && found.depths != 0).then_some((found.depths, found.path))
    }

    /// Stores a refutation.
    pub fn store(&mut self, board: u64, hand: Hand, depths: u128, path: u64) {
        if self.used * 2 > self.entries.len() && self.entries.len() < self.most {
            let places = 2 * self.entries.len();
            let old = core::mem::replace(&mut self.entries, vec![NO_LOOP; places]);
            for entry in old {
                let place = self.place(entry.position);
                self.entries[place] = entry;
            }
        }
        let position = super::position_key(board, hand);
        let place = self.place(position);
        self.used += usize::from(self.entries[place].depths == 0);
        self.entries[place] = Loop { position, path, depths };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shogi::PieceType;

    fn hand(pawns: u8, golds: u8) -> Hand {
        Hand::EMPTY.with(PieceType::Pawn, pawns).with(PieceType::Gold, golds)
    }

    fn entry(board: u64, hand: Hand, proof: u32, disproof: u32) -> Entry {
        Entry { board, hand, proof, disproof, work: 1, ..EMPTY }
    }

    fn numbers(known: Known) -> (u32, u32) {
        match known {
            Known::Settled(entry) => (entry.proof, entry.disproof),
            Known::Open { proof, disproof, .. } | Known::New { proof, disproof } => (proof, disproof),
        }
    }

    #[test]
    fn a_larger_hand_mates_and_a_smaller_one_does_not() {
        for exact in [false, true] {
            let mut table = Table::new(1 << 20, exact);
            let store = |table: &mut Table, pawns, golds, proof, disproof| {
                let hand = hand(pawns, golds);
                table.store(entry(7, hand, proof, disproof), hand);
            };
            store(&mut table, 2, 1, 0, INFINITE);
            store(&mut table, 1, 0, INFINITE, 0);
            store(&mut table, 0, 2, 5, 9);
            let check = |pawns, golds, expected: (u32, u32), exactly: (u32, u32)| {
                let found = numbers(table.look_up(7, hand(pawns, golds)));
                assert_eq!(found, if exact { exactly } else { expected }, "{pawns} pawns, {golds} golds, {exact}");
            };
            check(2, 1, (0, INFINITE), (0, INFINITE));
            check(3, 1, (0, INFINITE), (1, 1));
            check(1, 0, (INFINITE, 0), (INFINITE, 0));
            check(0, 0, (INFINITE, 0), (1, 1));
            check(0, 2, (5, 9), (5, 9));
            check(1, 2, (1, 9), (1, 1));
            check(0, 1, (5, 1), (1, 1));
            assert_eq!(numbers(table.look_up(8, hand(2, 1))), (1, 1));
        }
    }

    #[test]
    fn memory_is_bounded_and_what_cost_most_stays() {
        let mut table = Table::new(1 << 18, false);
        let hand = hand(1, 1);
        table.store(Entry { work: 1000, ..entry(1, hand, 0, INFINITE) }, hand);
        for board in 2..100_000 {
            table.store(entry(board, hand, 3, 4), hand);
        }
        assert!(size_of_val(&table.entries[..]) <= 1 << 18, "{} entries", table.entries.len());
        assert_eq!(numbers(table.look_up(1, hand)), (0, INFINITE));
        assert!(table.fullness() > 900, "{}", table.fullness());
        let kept = (2..100_000).filter(|&board| matches!(table.look_up(board, hand), Known::Open { .. })).count();
        assert!(kept > table.most * 9 / 10, "{kept} of {}", table.most);
    }
}
