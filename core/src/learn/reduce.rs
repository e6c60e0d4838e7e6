//! Reduction: what ranks that learn together tell each other.
//!
//! A rank is a process or thread with games of its own. All ranks hold the same weights and take the same steps, because whatever
//! decides a step is first brought together from all of them: plies of the rollout, moments of the advantages, gradients, parts of
//! the loss. Sums are taken in the order of the ranks, so a run is the same, bit for bit, for a given number of ranks; with another
//! number its sums are rounded otherwise.

use alloc::format;
use alloc::vec::Vec;
use core::ops::Range;
use core::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::LearnError;

/// Exchange between the ranks of a run. Each method is called by all ranks, in the same order, and returns once all have what they
/// need.
pub trait Reduce: Send + Sync {
    /// Number of this rank, counted from 0.
    fn rank(&self) -> usize;

    /// Number of ranks, at least 1.
    fn ranks(&self) -> usize;

    /// Replaces `numbers`, of the same length on each rank, by their sums over the ranks: rank 0's, plus rank 1's, and so on.
    ///
    /// # Errors
    /// If a rank is lost.
    fn sum(&self, numbers: &mut [f32]) -> Result<(), LearnError>;

    /// The messages of all ranks, in their order, on every rank.
    ///
    /// # Errors
    /// If a rank is lost.
    fn gather(&self, message: Vec<u8>) -> Result<Vec<Vec<u8>>, LearnError>;

    /// The messages of all ranks, in their order, on rank 0; none on the others.
    ///
    /// # Errors
    /// If a rank is lost.
    fn gather_at_first(&self, message: Vec<u8>) -> Result<Vec<Vec<u8>>, LearnError>;

    /// The message of rank 0, on every rank. The others' is not looked at.
    ///
    /// # Errors
    /// If a rank is lost.
    fn broadcast(&self, message: Vec<u8>) -> Result<Vec<u8>, LearnError>;

    /// Seconds that this rank has waited for others since it was last asked.
    fn take_waited(&self) -> f64;

    /// Lets a rank take so long to answer, from now on, before it counts as lost.
    fn set_patience(&self, patience: Duration);
}

/// The only rank of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Alone;

impl Reduce for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn ranks(&self) -> usize {
        1
    }

    fn sum(&self, _: &mut [f32]) -> Result<(), LearnError> {
        Ok(())
    }

    fn gather(&self, message: Vec<u8>) -> Result<Vec<Vec<u8>>, LearnError> {
        Ok(Vec::from([message]))
    }

    fn gather_at_first(&self, message: Vec<u8>) -> Result<Vec<Vec<u8>>, LearnError> {
        self.gather(message)
    }

    fn broadcast(&self, message: Vec<u8>) -> Result<Vec<u8>, LearnError> {
        Ok(message)
    }

    fn take_waited(&self) -> f64 {
        0.0
    }

    fn set_patience(&self, _: Duration) {}
}

/// Share of rank `rank` in `count` things that `ranks` ranks divide among themselves: whole, in order, of sizes that differ by one
/// at most.
pub fn share(count: usize, rank: usize, ranks: usize) -> Range<usize> {
    count * rank / ranks..count * (rank + 1) / ranks
}

/// The values of all ranks, in their order.
///
/// # Errors
/// If a rank is lost, or sends what is no such value.
///
/// # Panics
/// Never: plain data is always encoded.
pub fn gather<T: Serialize + DeserializeOwned>(reduce: &dyn Reduce, value: T) -> Result<Vec<T>, LearnError> {
    if reduce.ranks() == 1 {
        return Ok(Vec::from([value]));
    }
    let messages = reduce.gather(postcard::to_allocvec(&value).expect("plain data"))?;
    messages.iter().enumerate().map(|(rank, message)| read(rank, message)).collect()
}

/// The value in a message of `rank`.
///
/// # Errors
/// If there is none.
pub fn read<T: DeserializeOwned>(rank: usize, message: &[u8]) -> Result<T, LearnError> {
    let refused = |error| LearnError::Rank { rank, reason: format!("its message cannot be read: {error}") };
    postcard::from_bytes(message).map_err(refused)
}

/// The values of all ranks, in their order, of something that each may fail at; if one does, the error of the first that did, on
/// every rank.
///
/// # Errors
/// If a rank failed, the same error on all; or as for [`gather`].
///
/// # Panics
/// As for [`gather`].
pub fn agree<T: Serialize + DeserializeOwned>(
    reduce: &dyn Reduce,
    outcome: Result<T, LearnError>,
) -> Result<Vec<T>, LearnError> {
    if reduce.ranks() == 1 {
        return outcome.map(|value| Vec::from([value]));
    }
    let outcome = outcome.map_err(|error| error.on(reduce.rank()));
    gather(reduce, outcome)?.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_whole_in_order_and_even() {
        for (count, ranks) in [(0, 1), (1, 1), (7, 1), (7, 2), (7, 3), (256, 3), (2, 5)] {
            let shares: Vec<Range<usize>> = (0..ranks).map(|rank| share(count, rank, ranks)).collect();
            assert_eq!(shares.iter().cloned().flatten().collect::<Vec<_>>(), (0..count).collect::<Vec<_>>());
            let sizes = shares.iter().map(ExactSizeIterator::len);
            assert!(sizes.clone().max().unwrap_or(0) - sizes.min().unwrap_or(0) <= 1, "{shares:?}");
        }
    }
}
