//! Pseudo-random numbers: `SplitMix64` (Steele, Lea, Flood 2014), small, fast and the same on every platform; and streams
//! of them that are keyed by counters.
//!
//! A [`Stream`] depends on the seed, its purpose and its counters, never on what other streams have drawn. So sampling does
//! not depend on the number of threads or the order of a batch, and a resumed run has no generator state to restore.

/// Increment of the state for each number: 2⁶⁴ divided by the golden ratio.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// Finaliser of the generator: each bit of `z` flips about half of the bits of the result.
pub const fn mix(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Number `index`, counted from 1, of the sequence with seed 0.
pub(crate) const fn nth(index: u64) -> u64 {
    mix(index.wrapping_mul(STEP))
}

/// `SplitMix64` generator; the field is its state, initially the seed.
#[derive(Clone, Debug)]
pub struct SplitMix64(pub u64);

impl SplitMix64 {
    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// A uniform number in `[0, 1)`, a multiple of 2⁻²⁴.
    pub fn uniform(&mut self) -> f32 {
        (self.next_u64() >> 40) as f32 / (1u32 << 24) as f32
    }

    /// A uniform number in `[-1, 1)`, exact in f32.
    pub fn symmetric(&mut self) -> f32 {
        (self.next_u64() >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    /// A uniform whole number in `0..bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next_u64()) * bound as u128) >> 64) as usize
    }
}

/// Purpose of a stream of random numbers; part of its key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Purpose {
    /// Moves of self-play: keyed by iteration and game slot.
    Sampling = 1,
    /// Random opening plies: keyed by game slot and number of the game in it.
    Opening = 2,
    /// The order of samples in an update: keyed by iteration and rank.
    Shuffle = 3,
    /// Initial weights.
    Weights = 4,
    /// Matches: keyed by the opening, and 0 for its random plies, 1 and 2 for the moves of its two games; 0 and 3 for the order
    /// of a book.
    Evaluation = 5,
    /// Opponents of self-play: keyed by game slot and number of the game in it.
    Matchmaking = 6,
    /// Start positions of self-play: keyed by game slot and number of the game in it.
    Start = 7,
    /// Positions taken from games that have ended: keyed by game slot and number of the game in it.
    Past = 8,
    /// Moves beside those that self-play plays: keyed by iteration and game slot.
    Aside = 9,
}

/// A stream of random numbers: [`SplitMix64`] started at a hash of its key.
#[derive(Clone, Debug)]
pub struct Stream(SplitMix64);

impl Stream {
    /// The stream of `purpose` under `seed`; the counters `a` and `b` distinguish streams of the same purpose.
    pub fn new(seed: u64, purpose: Purpose, a: u64, b: u64) -> Self {
        let key = [purpose as u64, a, b].into_iter().fold(mix(seed), |hash, part| mix(hash ^ mix(part)));
        Self(SplitMix64(key))
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A uniform number in `[0, 1)`, a multiple of 2⁻²⁴.
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
    fn the_sequence_is_the_published_one() {
        let mut random = SplitMix64(1234567);
        let first: [u64; 3] = core::array::from_fn(|_| random.next_u64());
        assert_eq!(first, [6457827717110365317, 3203168211198807973, 9817491932198370423]);
        let mut random = SplitMix64(0);
        assert_eq!([1, 2, 3].map(nth), core::array::from_fn(|_| random.next_u64()));
    }

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
        let mut items: alloc::vec::Vec<usize> = (0..100).collect();
        Stream::new(1, Purpose::Shuffle, 0, 0).shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<alloc::vec::Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<alloc::vec::Vec<_>>());
    }
}
