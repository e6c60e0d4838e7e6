//! What a player is: it chooses moves for many games at a time.

use keisei_core::format::PlyInfo;
use keisei_core::random::Stream;
use keisei_core::shogi::{Game, Move};

/// Candidate moves of each ply that a record shows.
pub const SHOWN: usize = 5;

/// A game in which a player is to move, and the random numbers of that game.
#[derive(Debug)]
pub struct Turn<'a> {
    /// Number of the game: until it [ends](Player::end), all turns with this number are of one game.
    pub number: usize,
    /// The game, which is not over.
    pub game: &'a Game,
    /// All randomness of the choice: what else is in the batch does not matter.
    pub random: &'a mut Stream,
}

/// A move, and what there is to tell about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The move, a legal one.
    pub mv: Move,
    /// What the player thought.
    pub thought: PlyInfo,
}

impl Choice {
    /// A move without a thought.
    pub fn without_thought(mv: Move) -> Choice {
        Choice { mv, thought: PlyInfo::default() }
    }
}

/// Chooses moves, for many games at a time.
pub trait Player {
    /// One choice for each turn, in their order.
    fn choose(&mut self, turns: &mut [Turn]) -> Vec<Choice>;

    /// Game `number` is over: what the player keeps of it can go.
    fn end(&mut self, _number: usize) {}
}
