//! Random numbers from counters: a number depends on the seed and on what it is for, never on what was drawn before.
//!
//! So sampling does not depend on the number of threads or the order of a batch, and a resumed run has no generator state
//! to restore.

use keisei_core::random::{SplitMix64, mix};

/// What a stream of random numbers is for; part of its key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Purpose {
    /// Choosing the moves of self-play: keyed by iteration and game slot.
    Sampling = 1,
    /// Random opening plies: keyed by game slot and the number of its game.
    Opening = 2,
    /// The order of samples in an update: keyed by iteration and epoch.
    Shuffle = 3,
    /// Initial weights.
    Weights = 4,
    /// Matches: keyed by the pair of games and by 0 for its opening, 1 and 2 for the choices of its games.
    Evaluation = 5,
}

/// A stream of random numbers: `SplitMix64` (Steele, Lea, Flood 2014) started at a hash of its key.
#[derive(Clone, Debug)]
pub struct Stream(SplitMix64);

impl Stream {
    /// The stream of `purpose` under `seed`, told apart from others of its kind by two counters.
    pub fn new(seed: u64, purpose: Purpose, a: u64, b: u64) -> Self {
        let key = [purpose as u64, a, b].into_iter().fold(mix(seed), |hash, part| mix(hash ^ mix(part)));
        Self(SplitMix64(key))
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A uniform number in `[0, 1)`, of 24 bits.
    pub fn uniform(&mut self) -> f32 {
        self.0.uniform()
    }

    /// A uniform whole number in `0..bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0.below(bound)
    }

    /// Puts `items` into a uniformly random order (Fisher–Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_by_every_part_of_their_key() {
        let first = |seed, purpose, a, b| Stream::new(seed, purpose, a, b).next_u64();
        let base = first(1, Purpose::Sampling, 2, 3);
        assert_eq!(base, first(1, Purpose::Sampling, 2, 3));
        for other in [
            first(2, Purpose::Sampling, 2, 3),
            first(1, Purpose::Opening, 2, 3),
            first(1, Purpose::Sampling, 3, 2),
            first(1, Purpose::Sampling, 2, 4),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn uniform_numbers_have_the_right_mean() {
        let mut stream = Stream::new(7, Purpose::Sampling, 0, 0);
        let mean = (0..10_000).map(|_| f64::from(stream.uniform())).sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
    }

    #[test]
    fn a_shuffle_keeps_every_item() {
        let mut items: Vec<usize> = (0..100).collect();
        Stream::new(1, Purpose::Shuffle, 0, 0).shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
