//! Counting the leaves of the game tree, to prove the generator and to time it.

use core::hint::black_box;

use super::Position;

/// The number of move sequences of length `depth`; leaves are counted, not played.
pub fn perft(position: &Position, depth: u32) -> u64 {
    match depth {
        0 => 1,
        1 => position.legal_count() as u64,
        _ => children(position, |child| perft(child, depth - 1)),
    }
}

/// As [`perft`], but every leaf is played as well.
pub fn perft_played(position: &Position, depth: u32) -> u64 {
    match depth {
        0 => {
            // Without this the compiler may see that nobody looks at the leaf, and not play it.
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
        set.moves().for_each(|mv| {
            let mut child = position.clone();
            child.play_unchecked(mv);
            total += count(&child);
        });
    });
    total
}
