//! Our own rules.

use keisei_core::shogi::{Position, perft, perft_played};

use super::{Engine, PLAYOUT_PLIES, Random};

pub struct Keisei;

fn position(sfen: &str) -> Position {
    Position::from_sfen(sfen).expect("the benchmark's positions are correct")
}

impl Engine for Keisei {
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
