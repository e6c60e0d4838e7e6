//! Orders of rank 0 to the others.

use crate::league::{Snapshot, Snapshots};
use crate::run::checkpoint::State;
use anyhow::{Context, Result};
use keisei_core::format::model::{Dtype, Model};
use keisei_core::learn::{LearnError, Reduce, agree};
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

    /// The state and its snapshots.
    ///
    /// # Errors
    /// If a snapshot is no model.
    pub fn open(self) -> Result<(State, Snapshots)> {
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

/// Waits until every rank is ready, and returns what was `made` on this one.
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
