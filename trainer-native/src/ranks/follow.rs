//! Ranks other than the first: they follow the orders of rank 0 until the run ends.

use super::orders::{Order, Stored, ready};
use super::threads::links;
use super::{Link, Ranks};
use crate::run::worker::{Done, Job};
use crate::settings::Settings;
use crate::trainer::Trainer;
use anyhow::{Context, Result};
use keisei_core::learn::{Reduce, read};
use std::sync::Arc;

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
