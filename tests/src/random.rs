//! Random choices from a seed, so that failures are reproducible.

pub use keisei_core::random::SplitMix64 as Random;
use keisei_core::shogi::Position;

/// Random choices that tests make.
pub trait Choices {
    /// One of `items`.
    ///
    /// # Panics
    /// If there is none.
    fn pick<T: Copy>(&mut self, items: &[T]) -> T;

    /// The position after `plies` uniformly random moves, fewer if the game ends.
    fn walk(&mut self, start: Position, plies: usize) -> Position;
}

impl Choices for Random {
    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    fn walk(&mut self, start: Position, plies: usize) -> Position {
        let mut position = start;
        for _ in 0..plies {
            let moves = position.legal_moves();
            if moves.is_empty() {
                break;
            }
            position.play(self.pick(&moves));
        }
        position
    }
}
