//! Orders of rank 0 to the others, which follow them until the run ends.

use super::threads::links;
use super::{Link, Ranks};
use crate::league::{Snapshot, Snapshots};
use crate::run::checkpoint::State;
use crate::run::worker::{Done, Job};
use crate::settings::Settings;
use crate::trainer::Trainer;
use anyhow::{Context, Result};
use keisei_core::format::model::{Dtype, Model};
use keisei_core::learn::{LearnError, Reduce, agree, read};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// Interval between orders while there is nothing to do.
pub const BEAT: Duration = Duration::from_secs(1);

/// Order of rank 0.
#[derive(Serialize, Deserialize)]
pub enum Order {
    /// None yet: rank 0 is there, and does something alone.
    Rest,
    /// Train from this state, which holds the settings and the games of all ranks.
    Begin(Stored),
    /// Run an iteration, with the schedules at this part of the run, 0–1.
    Iterate {
        /// Part of the run.
        progress: f64,
    },
    /// Return to this state.
    Restore(Stored),
    /// End: so does the run.
    End,
}

/// State of a run, with the files of its snapshots.
#[derive(Serialize, Deserialize)]
pub struct Stored {
    state: State,
    snapshots: Vec<(u32, Vec<u8>)>,
}

impl Stored {
    /// A state and its snapshots, to be sent.
    ///
    /// # Errors
    /// If a weight of a snapshot is not finite.
    pub fn new(state: &State, snapshots: &Snapshots) -> Result<Self> {
        let bytes = |(&iteration, snapshot): (&u32, &Arc<Snapshot>)| {
            Ok((iteration, snapshot.model.to_bytes(Dtype::F32).context("snapshot of the league")?))
        };
        Ok(Self { state: state.clone(), snapshots: snapshots.iter().map(bytes).collect::<Result<_>>()? })
    }

    fn open(self) -> Result<(State, Snapshots)> {
        let model = |(iteration, bytes): (u32, Vec<u8>)| {
            let model = Model::from_bytes(&bytes).context("snapshot of the league")?;
            Ok((iteration, Arc::new(Snapshot { model })))
        };
        Ok((self.state, self.snapshots.into_iter().map(model).collect::<Result<_>>()?))
    }
}

/// Tells the other ranks what to do.
///
/// # Errors
/// If a rank is lost.
///
/// # Panics
/// Never: plain data is always encoded.
pub fn give(reduce: &dyn Reduce, order: &Order) -> Result<(), LearnError> {
    if reduce.ranks() > 1 {
        reduce.broadcast(postcard::to_allocvec(order).expect("plain data"))?;
    }
    Ok(())
}

/// Takes the orders of rank 0, with so many threads or those of the settings, until it ends the run.
///
/// # Errors
/// If a rank is lost.
pub fn follow(reduce: &Arc<dyn Reduce>, threads: Option<usize>) -> Result<()> {
    let mut trainer: Option<Trainer> = None;
    loop {
        match read(0, &reduce.broadcast(Vec::new())?)? {
            Order::Rest => {}
            Order::End => return Ok(()),
            Order::Begin(stored) => {
                let begun = begin(stored, reduce, threads);
                trainer = ready(reduce.as_ref(), begun).map(Some)?;
            }
            // What comes of it, rank 0 knows as well.
            Order::Iterate { progress } => {
                trainer.as_mut().context("an order before the first state")?.serve(Job::Iterate { progress, shown: 0 });
            }
            Order::Restore(stored) => {
                let (state, snapshots) = stored.open()?;
                let trainer = trainer.as_mut().context("an order before the first state")?;
                let Done::Restored(restored) = trainer.serve(Job::Restore(Box::new(state), snapshots)) else {
                    unreachable!("a return to a state was asked for")
                };
                restored?;
            }
        }
    }
}

fn begin(stored: Stored, reduce: &Arc<dyn Reduce>, threads: Option<usize>) -> Result<Trainer> {
    let (state, snapshots) = stored.open()?;
    let mut trainer = Trainer::fresh(Settings::from_toml(&state.config).context("settings of rank 0")?)?;
    trainer.guard = state.guard.clone();
    trainer.restore(state, snapshots)?;
    trainer.join(reduce.clone(), threads)?;
    Ok(trainer)
}

/// What was made ready on this rank, once all ranks are ready.
///
/// # Errors
/// If one of them is not.
pub fn ready<T>(reduce: &dyn Reduce, made: Result<T>) -> Result<T> {
    let told = match &made {
        Ok(_) => Ok(()),
        Err(error) => Err(LearnError::Device(format!("{error:#}"))),
    };
    agree(reduce, told)?;
    made
}

/// Ranks of a run: as many as it is to have, the first of them the caller's. The others are threads that take its orders.
///
/// # Errors
/// If a thread cannot be started.
pub fn in_this_process(settings: &Settings) -> Result<(Arc<dyn Reduce>, Option<usize>)> {
    let (count, patience) = (settings.run.ranks, settings.rank_patience());
    let threads = (settings.threads() / count).max(1);
    let mut links = links(count).into_iter();
    let first = links.next().context("a run has a rank")?;
    for link in links {
        let name = format!("rank {}", link.rank());
        let ranks: Arc<dyn Reduce> = Arc::new(Ranks::new(Box::new(link), patience));
        // Why it ends, if it does, the others tell.
        std::thread::Builder::new().name(name).spawn(move || follow(&ranks, Some(threads)).ok())?;
    }
    Ok((Arc::new(Ranks::new(Box::new(first), patience)), Some(threads)))
}
