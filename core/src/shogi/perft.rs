//! Leaf counts of the game tree, to verify and to time the generator.

use core::hint::black_box;

use super::Position;

/// The number of move sequences of length `depth`; leaves are counted, not played.
///
/// ```
/// # use keisei_core::shogi::*;
/// assert_eq!(perft(&Position::startpos(), 3), 25_470);
/// ```
pub fn perft(position: &Position, depth: u32) -> u64 {
    match depth {
        0 => 1,
        1 => position.legal_count() as u64,
        _ => children(position, |child| perft(child, depth - 1)),
    }
}

/// The same number as [`perft`]; every leaf is played as well.
///
/// ```
/// # use keisei_core::shogi::*;
/// assert_eq!(perft_played(&Position::startpos(), 2), 900);
/// ```
pub fn perft_played(position: &Position, depth: u32) -> u64 {
    match depth {
        0 => {
            // Without this the compiler may see that the leaf is unused and leave out its move.
            black_box(position);
            1
        }
        _ => children(position, |child| perft_played(child, depth - 1)),
    }
}

#[inline]
fn children(position: &Position, mut count: impl FnMut(&Position) -> u64) -> u64 {
    let mut total = 0;
    position.legal_targets(|set| {
        set.for_each(|mv| {
            let mut child = position.clone();
            child.play_unchecked(mv);
            total += count(&child);
        });
    });
    total
}
