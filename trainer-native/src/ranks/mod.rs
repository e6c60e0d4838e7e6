//! Ranks: processes or threads that train together, each with its share of the games.
//!
//! | module | holds |
//! |---|---|
//! | [`threads`] | ranks as threads of this process; also the definition that the others are held to |
//! | `mpi` (feature) | ranks as processes of an MPI job, on one machine or several |
//! | [`hello`] | what ranks tell each other at the start: they must be the same program with the same settings |
//! | [`orders`] | what rank 0 has the others do |
//!
//! Rank 0 alone has a run: directory, checkpoints, sinks, display, evaluations. The others take its [orders](orders::Order). What is
//! summed over the ranks, and when, is up to [`keisei_core::learn::update`] and [`Trainer::iterate`](crate::trainer::Trainer::iterate);
//! here is how: by messages, added in the order of the ranks, so that threads and processes give the same bits.
//!
//! Each wait for a rank has an end, see `run.rank_patience`: one that is dead or hangs is named by those that wait for it. While rank 0 has
//! nothing to order, it says so every second.

pub mod threads;
#[cfg(feature = "mpi")]
pub mod mpi;
pub mod hello;
pub mod follow;
pub mod orders;

use keisei_core::learn::{LearnError, Reduce, share};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Connection of a rank with the others.
pub trait Link: Send {
    /// Number of this rank, counted from 0.
    fn rank(&self) -> usize;

    /// Number of ranks.
    fn ranks(&self) -> usize;

    /// Sends `messages`, each to the rank beside it, and receives one from each rank of `from`, in this order. Messages between two ranks
    /// arrive in the order in which they were sent. None is to or from this rank.
    ///
    /// # Errors
    /// [`LearnError::Rank`] if a rank has ended, or has not answered within `patience`.
    fn exchange(
        &mut self,
        messages: Vec<(usize, Arc<Vec<u8>>)>,
        from: &[usize],
        patience: Duration,
    ) -> Result<Vec<Vec<u8>>, LearnError>;
}

/// The ranks of a run, as seen by one of them.
pub struct Ranks {
    rank: usize,
    count: usize,
    inner: Mutex<Inner>,
}

struct Inner {
    link: Box<dyn Link>,
    patience: Duration,
    /// First failure: after it nothing works any more.
    lost: Option<LearnError>,
    waited: Duration,
}

impl Ranks {
    /// The ranks behind a link, each of which may take `patience` to answer.
    pub fn new(link: Box<dyn Link>, patience: Duration) -> Self {
        let (rank, count) = (link.rank(), link.ranks());
        Self { rank, count, inner: Mutex::new(Inner { link, patience, lost: None, waited: Duration::ZERO }) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All ranks but this one, in order.
    fn others(&self) -> Vec<usize> {
        (0..self.count).filter(|&rank| rank != self.rank).collect()
    }

    fn exchange(&self, messages: Vec<(usize, Arc<Vec<u8>>)>, from: &[usize]) -> Result<Vec<Vec<u8>>, LearnError> {
        let inner = &mut *self.inner();
        if let Some(lost) = &inner.lost {
            return Err(lost.clone());
        }
        let begin = Instant::now();
        let received = inner.link.exchange(messages, from, inner.patience);
        inner.waited += begin.elapsed();
        if let Err(error) = &received {
            inner.lost = Some(error.clone());
        }
        received
    }

    /// Numbers that `rank` has sent, `count` of them.
    fn numbers(rank: usize, message: &[u8], count: usize) -> Result<impl Iterator<Item = f32>, LearnError> {
        let (numbers, rest) = message.as_chunks();
        if numbers.len() != count || !rest.is_empty() {
            let reason = format!("{} bytes have come from it, not {count} numbers", message.len());
            return Err(LearnError::Rank { rank, reason });
        }
        Ok(numbers.iter().map(|&bytes| f32::from_le_bytes(bytes)))
    }
}

fn bytes_of(numbers: &[f32]) -> Arc<Vec<u8>> {
    let mut bytes = vec![0; size_of_val(numbers)];
    // Not one byte after the other: this is as fast as a copy.
    bytes.as_chunks_mut::<4>().0.iter_mut().zip(numbers).for_each(|(bytes, number)| *bytes = number.to_le_bytes());
    Arc::new(bytes)
}

impl Reduce for Ranks {
    fn rank(&self) -> usize {
        self.rank
    }

    fn ranks(&self) -> usize {
        self.count
    }

    /// Each rank adds up its share of the numbers, then all give their sums to all: each sends and receives `2 (ranks − 1) / ranks` times the
    /// numbers, the least there is, and no rank has more to do than another.
    fn sum(&self, numbers: &mut [f32]) -> Result<(), LearnError> {
        let others = self.others();
        let shares: Vec<_> = (0..self.count).map(|rank| share(numbers.len(), rank, self.count)).collect();
        let parts = others.iter().map(|&rank| (rank, bytes_of(&numbers[shares[rank].clone()])));
        let mut received = self.exchange(parts.collect(), &others)?.into_iter();
        let own = numbers[shares[self.rank].clone()].to_vec();
        let sums = &mut numbers[shares[self.rank].clone()];
        for rank in 0..self.count {
            let message = if rank == self.rank { None } else { received.next() };
            let part: &mut dyn Iterator<Item = f32> = match &message {
                None => &mut own.iter().copied(),
                Some(message) => &mut Self::numbers(rank, message, own.len())?,
            };
            if rank == 0 {
                sums.iter_mut().zip(part).for_each(|(sum, number)| *sum = number);
            } else {
                sums.iter_mut().zip(part).for_each(|(sum, number)| *sum += number);
            }
        }
        let sums = bytes_of(sums);
        let received = self.exchange(others.iter().map(|&rank| (rank, sums.clone())).collect(), &others)?;
        for (rank, message) in others.into_iter().zip(received) {
            let share = &mut numbers[shares[rank].clone()];
            let sums = Self::numbers(rank, &message, share.len())?;
            share.iter_mut().zip(sums).for_each(|(number, sum)| *number = sum);
        }
        Ok(())
    }

    fn gather(&self, message: Vec<u8>) -> Result<Vec<Vec<u8>>, LearnError> {
        let (others, message) = (self.others(), Arc::new(message));
        let mut all = self.exchange(others.iter().map(|&rank| (rank, message.clone())).collect(), &others)?;
        all.insert(self.rank, Arc::unwrap_or_clone(message));
        Ok(all)
    }

    fn gather_at_first(&self, message: Vec<u8>) -> Result<Vec<Vec<u8>>, LearnError> {
        if self.rank > 0 {
            return self.exchange(vec![(0, Arc::new(message))], &[]);
        }
        let mut all = self.exchange(Vec::new(), &self.others())?;
        all.insert(0, message);
        Ok(all)
    }

    fn broadcast(&self, message: Vec<u8>) -> Result<Vec<u8>, LearnError> {
        if self.rank > 0 {
            return Ok(self.exchange(Vec::new(), &[0])?.remove(0));
        }
        let message = Arc::new(message);
        self.exchange(self.others().into_iter().map(|rank| (rank, message.clone())).collect(), &[])?;
        Ok(Arc::unwrap_or_clone(message))
    }

    fn take_waited(&self) -> f64 {
        std::mem::take(&mut self.inner().waited).as_secs_f64()
    }

    fn set_patience(&self, patience: Duration) {
        self.inner().patience = patience;
    }
}

/// The error that `rank` has not answered for so long.
fn silent(rank: usize, patience: Duration) -> LearnError {
    let reason = format!("it has not answered for {} s: it is gone, or it hangs", patience.as_secs_f64());
    LearnError::Rank { rank, reason }
}
