//! Openings: the positions in which games begin.

use alloc::vec::Vec;
use core::fmt;

use crate::shogi::{Game, Outcome, Position};

/// Opening of the games of a [`VecGame`](super::VecGame).
pub trait Opening: Sync {
    /// Brings `game` to the first position of game `number` of `slot`, both counted from 0: [restarts](Game::restart) it and
    /// may play moves. There the game must not be over, and the side to move must not be able to declare a win.
    fn begin(&self, slot: usize, number: u64, game: &mut Game);
}

/// Start positions in turn: game `k` of slot `i` begins at position `(i + k) % len`.
#[derive(Clone, Debug)]
pub struct Starts(Vec<Position>);

impl Starts {
    /// Opening with these start positions.
    ///
    /// # Errors
    /// If there is none, or a game would be over in one of them.
    pub fn new(starts: Vec<Position>) -> Result<Self, StartError> {
        if starts.is_empty() {
            return Err(StartError::None);
        }
        starts.iter().enumerate().try_for_each(|(index, start)| Self::check(index, start))?;
        Ok(Self(starts))
    }

    /// Checks that a game can begin at `start`, the start position number `index`.
    pub(super) fn check(index: usize, start: &Position) -> Result<(), StartError> {
        let mut game = Game::new(start.clone(), 0);
        match game.adjudicate() {
            Some(outcome) => Err(StartError::Over { start: index, outcome }),
            None => Ok(()),
        }
    }
}

impl Opening for Starts {
    fn begin(&self, slot: usize, number: u64, game: &mut Game) {
        game.restart(&self.0[(slot as u64).wrapping_add(number) as usize % self.0.len()]);
    }
}

/// Reason why games cannot start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StartError {
    /// There is no start position.
    None,
    /// The game is over before its first move.
    Over {
        /// Index of the start position.
        start: usize,
        /// Outcome of the game.
        outcome: Outcome,
    },
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::None => f.write_str("games need a start position"),
            StartError::Over { start, outcome } => write!(f, "start position {start} is the end of a game ({outcome})"),
        }
    }
}

impl core::error::Error for StartError {}
