//! Trait of all players: a player chooses moves for many games at a time.

use keisei_core::format::PlyInfo;
use keisei_core::random::Stream;
use keisei_core::shogi::{Game, Move};

/// Largest number of candidate moves that a player reports for each ply.
pub const SHOWN: usize = 5;

/// Game in which a player is to move, and the random numbers of that game.
#[derive(Debug)]
pub struct Turn<'a> {
    /// Number of the game: until it [ends](Player::end), all turns with this number are of one game.
    pub number: usize,
    /// Game, which is not over.
    pub game: &'a Game,
    /// Random numbers of this game, the only ones that the choice may use: it does not depend on the rest of the batch.
    pub random: &'a mut Stream,
}

/// Move that a player chose, with the player's value and candidates.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The move, which is legal.
    pub mv: Move,
    /// Value and candidates of the player before the move, for the record.
    pub thought: PlyInfo,
}

impl Choice {
    /// Move of a player without values and candidates.
    pub fn without_thought(mv: Move) -> Choice {
        Choice { mv, thought: PlyInfo::default() }
    }
}

/// Player, which chooses moves for many games at a time.
pub trait Player {
    /// One choice for each turn, in the order of the turns.
    fn choose(&mut self, turns: &mut [Turn]) -> Vec<Choice>;

    /// Frees what the player keeps for game `number`, which is over.
    fn end(&mut self, _number: usize) {}
}
