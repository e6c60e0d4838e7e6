//! Ranks as processes of an MPI job, started by `mpirun` or `srun`: messages go the way that the system's MPI has for them, through shared
//! memory, Ethernet or InfiniBand.
//!
//! Every wait is a loop over tests, so that it can end: MPI itself waits for ever for a process that hangs. An error within MPI ends the
//! job with MPI's own message.

use super::{Link, Ranks, silent};
use anyhow::{Context, Result, ensure};
use keisei_core::learn::{LearnError, Reduce};
use mpi::environment::Universe;
use mpi::point_to_point::{Destination, Source};
use mpi::request::{Request, StaticScope};
use mpi::topology::{Communicator, SimpleCommunicator};
use mpi::traits::Equivalence;
use std::mem::{ManuallyDrop, forget};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Variables of which a launcher of MPI sets at least one.
const LAUNCHED: [&str; 4] = ["OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "PMI_SIZE"];

/// Time that a rank has to answer until the settings are known.
const PATIENCE: Duration = Duration::from_mins(10);

/// Time for which a message is asked for without a pause: most come soon.
const EAGER: Duration = Duration::from_micros(100);

/// Pauses between two questions after that, at first and in a long wait.
const SHORT: Duration = Duration::from_micros(50);
const LONG: Duration = Duration::from_millis(1);

/// Longest time between two looks, unless the process is stopped or the machine overloaded.
const LONGEST_LOOK: Duration = Duration::from_secs(1);

/// This process in its MPI job.
pub struct Seat {
    ranks: Arc<Ranks>,
    /// Ended only if all have come to the end together: MPI then waits for every process.
    universe: ManuallyDrop<Universe>,
}

impl Seat {
    /// Takes part in the MPI job that this process was started in, if it was.
    ///
    /// # Errors
    /// If the system's MPI cannot be called from another thread than the first.
    pub fn take() -> Result<Option<Self>> {
        if LAUNCHED.iter().all(|name| std::env::var_os(name).is_none()) {
            return Ok(None);
        }
        let (universe, threading) =
            mpi::initialize_with_threading(mpi::Threading::Serialized).context("MPI is in use already")?;
        ensure!(threading >= mpi::Threading::Serialized, "the system's MPI supports one thread only");
        let world = universe.world();
        let link = Processes { rank: world.rank() as usize, ranks: world.size() as usize };
        let ranks = Arc::new(Ranks::new(Box::new(link), PATIENCE));
        Ok(Some(Self { ranks, universe: ManuallyDrop::new(universe) }))
    }

    /// The ranks.
    pub fn ranks(&self) -> Arc<dyn Reduce> {
        self.ranks.clone()
    }

    /// Leaves the job in an orderly way. Where something still uses the ranks the process has to end as it is, and the launcher ends the others.
    pub fn leave(self) {
        if Arc::strong_count(&self.ranks) == 1 {
            drop(ManuallyDrop::into_inner(self.universe));
        }
    }
}

/// Link of a process with the others.
struct Processes {
    rank: usize,
    ranks: usize,
}

impl Link for Processes {
    fn rank(&self) -> usize {
        self.rank
    }

    fn ranks(&self) -> usize {
        self.ranks
    }

    fn exchange(
        &mut self,
        messages: Vec<(usize, Arc<Vec<u8>>)>,
        from: &[usize],
        patience: Duration,
    ) -> Result<Vec<Vec<u8>>, LearnError> {
        let world = SimpleCommunicator::world();
        let mut flight = Flight::default();
        for (rank, message) in &messages {
            flight.send(&world, *rank, message)?;
        }
        let mut awaited = from.to_vec();
        // Time since the last look counts for so much at most: a process that was stopped and goes on has not waited meanwhile.
        let (mut waited, mut last) = (Duration::ZERO, Instant::now());
        let mut pause = SHORT;
        loop {
            awaited.retain(|&rank| !flight.receive(&world, rank));
            if flight.has_landed() && awaited.is_empty() {
                break;
            }
            waited += last.elapsed().min(LONGEST_LOOK);
            last = Instant::now();
            if waited > patience {
                let rank = awaited.first().or(flight.open.first().map(|(rank, _)| rank));
                let rank = *rank.expect("somebody is waited for");
                // MPI may still write there: they stay for ever.
                forget((flight, messages));
                return Err(silent(rank, patience));
            }
            if waited > EAGER {
                sleep(pause);
                pause = (pause + pause / 8).min(LONG);
            } else {
                std::hint::spin_loop();
            }
        }
        let mut received = flight.received;
        received.sort_by_key(|(rank, _)| from.iter().position(|from| from == rank));
        Ok(received.into_iter().map(|(_, message)| message).collect())
    }
}

/// Messages under way.
#[derive(Default)]
struct Flight {
    /// Requests that are not complete, with the rank at the other end.
    open: Vec<(usize, Request<'static, [u8], StaticScope>)>,
    /// Messages that have come or are coming, with the rank that sent them.
    received: Vec<(usize, Vec<u8>)>,
}

impl Flight {
    fn send(&mut self, world: &SimpleCommunicator, rank: usize, message: &Arc<Vec<u8>>) -> Result<(), LearnError> {
        if i32::try_from(message.len()).is_err() {
            let reason = format!("a message of {} bytes to it is too long for MPI", message.len());
            return Err(LearnError::Rank { rank, reason });
        }
        // SAFETY: `exchange` keeps the message until the request is complete, or for ever, and nobody changes it.
        let bytes: &'static [u8] = unsafe { std::slice::from_raw_parts(message.as_ptr(), message.len()) };
        let request = world.process_at_rank(rank as i32).immediate_send(StaticScope, bytes);
        self.open.push((rank, request));
        Ok(())
    }

    /// Begins to receive a message of `rank`, if there is one.
    fn receive(&mut self, world: &SimpleCommunicator, rank: usize) -> bool {
        let Some((message, status)) = world.process_at_rank(rank as i32).immediate_matched_probe() else {
            return false;
        };
        let mut bytes = vec![0; status.count(u8::equivalent_datatype()) as usize];
        // SAFETY: the buffer moves into `received`, which leaves its bytes where they are, and is neither read nor dropped before the request
        // is complete: see `exchange`.
        let buffer: &'static mut [u8] = unsafe { std::slice::from_raw_parts_mut(bytes.as_mut_ptr(), bytes.len()) };
        self.open.push((rank, message.immediate_matched_receive_into(StaticScope, buffer)));
        self.received.push((rank, bytes));
        true
    }

    /// Whether all requests are complete.
    fn has_landed(&mut self) -> bool {
        let open = std::mem::take(&mut self.open);
        self.open.extend(open.into_iter().filter_map(|(rank, request)| Some((rank, request.test().err()?))));
        self.open.is_empty()
    }
}
