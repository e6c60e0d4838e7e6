//! Players without a network, against which the others are measured: random and greedy.

use keisei_core::random::Stream;
use keisei_core::shogi::{Game, Move, material};

use crate::player::{Answer, Choice, Player, Turn};

/// Player that plays every legal move with the same probability.
#[derive(Clone, Copy, Debug)]
pub struct RandomPlayer;

impl Player for RandomPlayer {
    fn choose(&mut self, turns: &mut [Turn]) -> Vec<Answer> {
        let one =
            |turn: &mut Turn| Choice::without_thought(any(&turn.game.position().legal_moves(), turn.random)).into();
        turns.iter_mut().map(one).collect()
    }
}

/// Player that takes a move after which the opponent has none, else one after which its [material](material::balance) is
/// best; ties are broken at random. It does not look at the reply.
#[derive(Clone, Copy, Debug)]
pub struct GreedyPlayer;

impl Player for GreedyPlayer {
    fn choose(&mut self, turns: &mut [Turn]) -> Vec<Answer> {
        turns.iter_mut().map(|turn| Choice::without_thought(greedy(turn.game, turn.random)).into()).collect()
    }
}

fn greedy(game: &Game, random: &mut Stream) -> Move {
    let us = game.position().side_to_move();
    let mut best = Vec::new();
    let mut most = f32::NEG_INFINITY;
    for &mv in &game.position().legal_moves() {
        let mut after = game.position().clone();
        after.play_unchecked(mv);
        // An opponent without a move has lost, in check or not.
        let worth = if after.has_legal_move() { material::balance(&after, us) } else { f32::INFINITY };
        if worth > most {
            most = worth;
            best.clear();
        }
        if worth == most {
            best.push(mv);
        }
    }
    any(&best, random)
}

fn any(moves: &[Move], random: &mut Stream) -> Move {
    moves[random.below(moves.len())]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::samples::{game, tries};

    fn check_greedy(sfen: &str, expected: &[&str]) {
        let expected: BTreeSet<String> = expected.iter().map(ToString::to_string).collect();
        assert_eq!(tries(&mut GreedyPlayer, sfen), expected, "{sfen}");
    }

    #[test]
    fn greedy_takes_what_is_worth_most() {
        // A rook and a pawn hang; the rook is worth more.
        check_greedy("4k4/9/9/3r1p3/4G4/9/9/9/4K4 b - 1", &["5e6d"]);
        // Two silvers hang: either.
        check_greedy("4k4/9/9/3s1s3/4G4/9/9/9/4K4 b - 1", &["5e6d", "5e4d"]);
        // A promoted piece is worth 14 on the board and 10 in the taker's hand: taking it beats taking the bishop.
        check_greedy("4k4/9/9/3+r1b3/4G4/9/9/9/4K4 b - 1", &["5e6d"]);
        // To promote the rook (+4) is worth more than to take the pawn (+2).
        check_greedy("4k4/9/9/9/R7p/9/9/9/4K4 b - 1", &["9e9c+", "9e9b+", "9e9a+"]);
        // The same for White.
        check_greedy("4k4/9/9/9/4g4/3R1P3/9/9/4K4 w - 1", &["5e6f"]);
    }

    #[test]
    fn greedy_mates_before_it_takes() {
        check_greedy("8k/9/8P/9/9/9/9/r8/L3K4 b G 1", &["G*1b"]);
        check_greedy("4k4/9/4P4/9/9/9/9/r8/L3K4 b G 1", &["G*5b"]);
    }

    #[test]
    fn random_plays_every_legal_move() {
        let all = game("8k/9/9/9/9/9/9/9/K8 b - 1").position().legal_moves().iter().map(ToString::to_string).collect();
        assert_eq!(tries(&mut RandomPlayer, "8k/9/9/9/9/9/9/9/K8 b - 1"), all);
    }
}
