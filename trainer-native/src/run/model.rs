//! Models that leave a run.

use super::checkpoint::{State, load_from};
use super::directory::{behind_link, checkpoints_of, name_of};
use super::worker;
use crate::settings::Settings;
use anyhow::Result;
use keisei_core::format::model::{Model, Provenance};
use keisei_core::net::Weights;
use std::path::Path;
use std::time::SystemTime;

/// Model of the agent of the run in `directory` as it was at the checkpoint of `iteration`. The run may go on meanwhile.
///
/// # Errors
/// There is no sound checkpoint of this iteration; the message lists those that there are.
pub fn model_at(directory: &Path, iteration: u64) -> Result<Model> {
    let directory = behind_link(directory);
    let state = load_from(&checkpoints_of(&directory), Some(iteration))?.checkpoint.state;
    model_of(&Settings::from_toml(&state.config)?, &state, name_of(&directory))
}

/// Model of the agent in this state of a run of this name.
///
/// # Errors
/// The weights are not those of the settings' network.
pub(super) fn model_of(settings: &Settings, state: &State, run: String) -> Result<Model> {
    let taken = Provenance { iteration: state.done.iterations, plies: state.done.plies, ..Provenance::default() };
    let weights = Weights::new(settings.spec(), state.weights.clone())?;
    Ok(worker::model(settings, &weights, state.average.as_ref(), leaving(&taken, run)))
}

/// Provenance of a model that leaves the run of this name now.
pub(super) fn leaving(taken: &Provenance, run: String) -> Provenance {
    Provenance {
        // The name alone: a model that is published should not show its maker's folders.
        run,
        created: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        ..taken.clone()
    }
}
