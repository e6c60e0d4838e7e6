//! Work of all programs in the move generation benchmark: the same positions, the same counting, the same playouts.

use keisei_core::shogi::{Position, perft, perft_played};

/// Position with a published number of nodes.
pub struct Row {
    /// Name in the tables.
    pub name: &'static str,
    /// The position.
    pub sfen: &'static str,
    /// The depth to count.
    pub depth: u8,
    /// The leaves at that depth.
    pub nodes: u64,
}

/// The positions: the start, a midgame with every kind of move, and one of 593 moves, mostly drops.
pub const ROWS: [Row; 3] = [
    Row {
        name: "start",
        sfen: "lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSNL b - 1",
        depth: 5,
        nodes: 19_861_490,
    },
    Row {
        name: "midgame",
        sfen: "l6nl/5+P1gk/2np1S3/p1p4Pp/3P2Sp1/1PPb2P1P/P5GS1/R8/LN4bKL w RGgsn5p 1",
        depth: 3,
        nodes: 4_809_015,
    },
    Row {
        name: "593 moves",
        sfen: "R8/2K1S1SSk/4B4/9/9/9/9/9/1L1L1L3 b RBGSNLP3g3n17p 1",
        depth: 3,
        nodes: 53_393_368,
    },
];

/// Longest playout in plies.
pub const PLAYOUT_PLIES: u64 = 512;
/// Fewest playouts in one measurement.
pub const PLAYOUTS: u64 = 100;
/// The seed of every engine's playouts.
pub const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// A program that generates shogi moves.
pub trait MoveGenerator {
    /// Name in the table.
    fn name(&self) -> &'static str;
    /// Counts the leaves at `depth` without playing them.
    fn perft(&self, sfen: &str, depth: u8) -> u64;
    /// Counts the leaves at `depth`, playing each of them.
    fn perft_played(&self, sfen: &str, depth: u8) -> u64;
    /// Plays random legal moves until there is none or [`PLAYOUT_PLIES`] are played; returns their number.
    fn playout(&self, sfen: &str, random: &mut Random) -> u64;
}

/// Pseudo-random numbers (xorshift), the same for every engine.
pub struct Random(pub u64);

impl Random {
    /// A number below `n`, which is less than 2³².
    pub fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (((self.0 >> 32) * n as u64) >> 32) as usize
    }
}

/// Our own rules.
pub struct KeiseiMoves;

fn position(sfen: &str) -> Position {
    Position::from_sfen(sfen).expect("the benchmark's positions are correct")
}

impl MoveGenerator for KeiseiMoves {
    fn name(&self) -> &'static str {
        "keisei"
    }

    fn perft(&self, sfen: &str, depth: u8) -> u64 {
        perft(&position(sfen), u32::from(depth))
    }

    fn perft_played(&self, sfen: &str, depth: u8) -> u64 {
        perft_played(&position(sfen), u32::from(depth))
    }

    fn playout(&self, sfen: &str, random: &mut Random) -> u64 {
        let mut position = position(sfen);
        for ply in 0..PLAYOUT_PLIES {
            let moves = position.legal_moves();
            if moves.is_empty() {
                return ply;
            }
            position.play_unchecked(moves[random.below(moves.len())]);
        }
        PLAYOUT_PLIES
    }
}
