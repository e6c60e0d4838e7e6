//! Migration of checkpoints that earlier versions of the program wrote.

use super::{Checkpoint, Header, State};
use crate::durable::FileDigest;
use crate::event::Machine;
use crate::league::{Average, LeagueState};
use crate::run::guard::Guard;
use crate::settings::Settings;
use crate::totals::Totals;
use anyhow::{Context, Result, ensure};
use keisei_core::learn::{Adam, Adaptation, Notes, SlotState};
use serde::Deserialize;

/// Settings that an earlier version stored as those of this version.
///
/// # Errors
/// If they cannot be expressed in it.
fn migrated_settings(settings: &str) -> Result<String> {
    Ok(Settings::from_toml(settings).context("settings")?.to_toml())
}

/// Totals in content of version 1, without decoding what follows them.
pub(super) fn totals_of_version_1(content: &[u8]) -> Option<(Totals, f64)> {
    let (seconds, state) = content.split_first_chunk()?;
    let ((_, done), _) = postcard::take_from_bytes::<(&str, Totals)>(state).ok()?;
    Some((done, f64::from_le_bytes(*seconds)))
}

/// Checkpoint in the content of a file of version 1: the seconds that the run had taken, `f64`, then the state.
///
/// What the network thought of the plies of games in progress was not stored, so these games will not be recorded.
pub(super) fn from_version_1(content: &[u8]) -> Result<Checkpoint> {
    let (seconds, state) = content.split_first_chunk().context("it ends before the time of the run")?;
    let StateOfVersion1 { config, done, weights, adam, envs } =
        postcard::from_bytes(state).context("its state cannot be decoded")?;
    let state = State {
        config: migrated_settings(config)?,
        done,
        weights,
        adam,
        envs: envs.into_iter().map(SlotOfVersion1::migrated).collect(),
        guard: Guard::default(),
        alarms: Vec::new(),
        league: LeagueState::default(),
        average: None,
        adaptation: Adaptation::default(),
        starts: Vec::new(),
    };
    Ok(Checkpoint { state, seconds: f64::from_le_bytes(*seconds), files: Vec::new(), machine: Machine::default() })
}

#[derive(Deserialize)]
struct StateOfVersion1<'a> {
    config: &'a str,
    done: Totals,
    weights: Vec<f32>,
    adam: Adam,
    envs: Vec<SlotOfVersion1>,
}

#[derive(Deserialize)]
struct SlotOfVersion1 {
    start: String,
    moves: Vec<u16>,
    started: u64,
    opening: u32,
}

impl SlotOfVersion1 {
    fn migrated(self) -> SlotState {
        let Self { start, moves, started, opening } = self;
        let has_just_begun = moves.len() == opening as usize;
        let notes = has_just_begun.then(|| Notes { opening, thoughts: Vec::new() });
        SlotState { start: start.into(), moves, started, notes, meeting: None }
    }
}

/// Header of a file of version 2, which had no snapshots.
pub(super) fn header_of_version_2(header: &[u8]) -> Result<Header> {
    let HeaderOfVersion2 { done, seconds, files, machine } =
        postcard::from_bytes(header).context("its header cannot be decoded")?;
    Ok(Header { done, seconds, files, machine, snapshots: Vec::new() })
}

/// Checkpoint in the header and the body of a file of version 2: a run without a league.
pub(super) fn from_version_2(header: &[u8], state: &[u8]) -> Result<Checkpoint> {
    let Header { done, seconds, files, machine, .. } = header_of_version_2(header)?;
    let state: StateOfVersion2 = postcard::from_bytes(state).context("its state cannot be decoded")?;
    let (named, found) = (done.iterations, state.done.iterations);
    ensure!(done == state.done, "its header is of iteration {named}, its state of {found}");
    let StateOfVersion2 { config, done, weights, adam, envs, guard, alarms } = state;
    let state = State {
        config,
        done,
        weights,
        adam,
        envs: envs.into_iter().map(SlotOfVersion2::migrated).collect(),
        guard,
        alarms,
        league: LeagueState::default(),
        average: None,
        adaptation: Adaptation::default(),
        starts: Vec::new(),
    };
    Ok(Checkpoint { state, seconds, files, machine })
}

#[derive(Deserialize)]
struct HeaderOfVersion2 {
    done: Totals,
    seconds: f64,
    files: Vec<FileDigest>,
    machine: Machine,
}

#[derive(Deserialize)]
struct StateOfVersion2 {
    config: String,
    done: Totals,
    weights: Vec<f32>,
    adam: Adam,
    envs: Vec<SlotOfVersion2>,
    guard: Guard,
    alarms: Vec<u8>,
}

#[derive(Deserialize)]
struct SlotOfVersion2 {
    start: String,
    moves: Vec<u16>,
    started: u64,
    notes: Option<Notes>,
}

impl SlotOfVersion2 {
    fn migrated(self) -> SlotState {
        let Self { start, moves, started, notes } = self;
        SlotState { start: start.into(), moves, started, notes, meeting: None }
    }
}

/// Checkpoint in the header and the body of a file of version 3: a run in which nothing adapts, whose games begin at the usual
/// position.
pub(super) fn from_version_3(header: &[u8], state: &[u8]) -> Result<Checkpoint> {
    let Header { done, seconds, files, machine, .. } =
        postcard::from_bytes(header).context("its header cannot be decoded")?;
    let state: StateOfVersion3 = postcard::from_bytes(state).context("its state cannot be decoded")?;
    let (named, found) = (done.iterations, state.done.iterations);
    ensure!(done == state.done, "its header is of iteration {named}, its state of {found}");
    let StateOfVersion3 { config, done, weights, adam, envs, guard, alarms, league, average } = state;
    let (adaptation, starts) = (Adaptation::default(), Vec::new());
    let state = State { config, done, weights, adam, envs, guard, alarms, league, average, adaptation, starts };
    Ok(Checkpoint { state, seconds, files, machine })
}

#[derive(Deserialize)]
struct StateOfVersion3 {
    config: String,
    done: Totals,
    weights: Vec<f32>,
    adam: Adam,
    envs: Vec<SlotState>,
    guard: Guard,
    alarms: Vec<u8>,
    league: LeagueState,
    average: Option<Average>,
}
