//! Ranks as threads of one process, which send each other messages through channels.

use super::{Link, silent};
use keisei_core::learn::LearnError;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// Link of a thread with the others.
pub struct Threads {
    rank: usize,
    /// To and from each rank, this one included.
    senders: Vec<Sender<Arc<Vec<u8>>>>,
    receivers: Vec<Receiver<Arc<Vec<u8>>>>,
}

/// Links of so many ranks, in their order.
pub fn links(ranks: usize) -> Vec<Threads> {
    let mut links: Vec<Threads> =
        (0..ranks).map(|rank| Threads { rank, senders: Vec::new(), receivers: Vec::new() }).collect();
    for from in 0..ranks {
        for to in 0..ranks {
            let (sender, receiver) = channel();
            links[from].senders.push(sender);
            links[to].receivers.push(receiver);
        }
    }
    links
}

impl Link for Threads {
    fn rank(&self) -> usize {
        self.rank
    }

    fn ranks(&self) -> usize {
        self.senders.len()
    }

    fn exchange(
        &mut self,
        messages: Vec<(usize, Arc<Vec<u8>>)>,
        from: &[usize],
        patience: Duration,
    ) -> Result<Vec<Vec<u8>>, LearnError> {
        let ended = |rank| LearnError::Rank { rank, reason: "it has ended".into() };
        let deadline = Instant::now() + patience;
        for (rank, message) in messages {
            self.senders[rank].send(message).map_err(|_| ended(rank))?;
        }
        let receive = |&rank: &usize| {
            let received = self.receivers[rank].recv_timeout(deadline.saturating_duration_since(Instant::now()));
            received.map(Arc::unwrap_or_clone).map_err(|error| match error {
                RecvTimeoutError::Timeout => silent(rank, patience),
                RecvTimeoutError::Disconnected => ended(rank),
            })
        };
        from.iter().map(receive).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::ranks::Ranks;
    use keisei_core::learn::{Reduce, agree, gather};
    use std::sync::Barrier;
    use std::thread::{scope, sleep};

    /// Results of `work` on each of so many ranks, in their order.
    pub fn on_ranks<T: Send>(ranks: usize, patience: Duration, work: impl Fn(Arc<dyn Reduce>) -> T + Sync) -> Vec<T> {
        let work = &work;
        scope(|scope| {
            let start = |link| scope.spawn(move || work(Arc::new(Ranks::new(Box::new(link), patience))));
            let threads: Vec<_> = links(ranks).into_iter().map(start).collect();
            threads.into_iter().map(|thread| thread.join().expect("no rank panics")).collect()
        })
    }

    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn sums_are_taken_in_the_order_of_the_ranks() {
        for (ranks, count) in [(1, 5), (2, 1), (2, 1001), (3, 1000), (5, 3), (4, 0)] {
            let numbers = |rank: usize| -> Vec<f32> {
                // Of very different sizes, so that another order of the sum gives other bits.
                (0..count).map(|i| ((i * 7 + rank * 13) as f32).sin() * 10f32.powi((i + rank) as i32 % 7)).collect()
            };
            let expected: Vec<u32> = (0..count)
                .map(|i| (1..ranks).fold(numbers(0)[i], |sum, rank| sum + numbers(rank)[i]).to_bits())
                .collect();
            let found = on_ranks(ranks, PATIENCE, |reduce| {
                let mut numbers = numbers(reduce.rank());
                reduce.sum(&mut numbers).expect("summed");
                numbers.into_iter().map(f32::to_bits).collect::<Vec<_>>()
            });
            assert!(found.iter().all(|found| *found == expected), "{ranks} ranks, {count} numbers");
        }
    }

    #[test]
    fn messages_reach_whom_they_are_for() {
        let found = on_ranks(3, PATIENCE, |reduce| {
            let rank = reduce.rank() as u8;
            let gathered = gather(reduce.as_ref(), 10 * rank).expect("gathered");
            let first = reduce.gather_at_first(vec![rank; 2]).expect("gathered");
            (gathered, first, reduce.broadcast(vec![rank, 7]).expect("told"), reduce.take_waited() > 0.0)
        });
        for (rank, (gathered, first, told, waited)) in found.into_iter().enumerate() {
            assert_eq!((gathered, told, waited), (vec![0, 10, 20], vec![0, 7], true));
            assert_eq!(first, if rank == 0 { vec![vec![0; 2], vec![1; 2], vec![2; 2]] } else { vec![] });
        }
    }

    #[test]
    fn a_failure_of_one_rank_is_every_ranks_error_and_names_it() {
        let found = on_ranks(3, PATIENCE, |reduce| {
            let fails = reduce.rank() > 0;
            agree(reduce.as_ref(), if fails { Err(LearnError::Device("no power".into())) } else { Ok(1) })
        });
        let error = LearnError::Rank { rank: 1, reason: "no power".into() };
        assert_eq!(error.to_string(), "rank 1: no power");
        assert!(found.iter().all(|found| *found == Err(error.clone())), "{found:?}");
        let common = on_ranks(2, PATIENCE, |reduce| {
            agree(reduce.as_ref(), Err::<u8, _>(LearnError::NotFinite { iteration: 3 }))
        });
        assert!(common.iter().all(|found| *found == Err(LearnError::NotFinite { iteration: 3 })), "{common:?}");
    }

    #[test]
    fn a_rank_that_is_gone_or_hangs_is_named() {
        let check = |hangs: bool, parts: [&str; 2]| {
            // A rank that gives up is gone as well: the two others do so together.
            let both = Barrier::new(2);
            let found = on_ranks(3, Duration::from_millis(200), |reduce| {
                if reduce.rank() == 1 {
                    sleep(if hangs { Duration::from_millis(900) } else { Duration::ZERO });
                    return Ok(vec![]);
                }
                let first = gather(reduce.as_ref(), 1u8);
                assert_eq!(gather(reduce.as_ref(), 1u8), first, "nothing works after a failure");
                both.wait();
                first
            });
            for rank in [0, 2] {
                let error = found[rank].clone().expect_err("rank 1 is missing").to_string();
                assert!(parts.iter().all(|part| error.contains(part)), "{error}");
            }
        };
        check(false, ["rank 1: ", "it has ended"]);
        check(true, ["rank 1: ", "has not answered for 0.2 s"]);
    }
}
