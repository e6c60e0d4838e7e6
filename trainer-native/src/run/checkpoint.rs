//! Checkpoints: the whole state from which a run resumes as if it had never stopped.
//!
//! An [envelope] with magic `KEISEICP`, version 1, and this content:
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 12 | 8 | seconds that the run has taken, `f64`, little endian |
//! | 20 | | [`State`], postcard |
//!
//! A file appears whole or not at all. The seconds are outside the state: two runs that did the same work have the same
//! [`State::digest`], however long they took.

use crate::durable::write_atomically;
use crate::trainer::Totals;
use anyhow::{Context, Result, bail};
use keisei_core::format::envelope;
use keisei_core::learn::{Adam, SlotState};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::path::{Path, PathBuf};

const MAGIC: [u8; 8] = *b"KEISEICP";
const VERSION: u32 = 1;
const EXTENSION: &str = "checkpoint";

/// State of a run between two iterations.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct State {
    /// Settings, as TOML.
    pub config: String,
    /// Work done.
    pub done: Totals,
    /// Weights of the network, flat.
    pub weights: Vec<f32>,
    /// Optimiser.
    pub adam: Adam,
    /// Games in progress. Random numbers need no state: they are keyed by the counters above.
    pub envs: Vec<SlotState>,
}

impl State {
    /// SHA-256 of the state, in hexadecimal: equal for runs that did the same work.
    ///
    /// The table `run` of the settings, which organises that work by threads and budget, is left out.
    ///
    /// # Panics
    /// If the configuration is not TOML.
    pub fn digest(&self) -> String {
        let mut settings: toml::Table = self.config.parse().expect("the configuration is TOML");
        settings.remove("run");
        let work = (settings.to_string(), self.done, &self.weights, &self.adam, &self.envs);
        let bytes = postcard::to_allocvec(&work).expect("plain data");
        sha256(&bytes)
    }

    /// Bytes of the checkpoint file of a run that has taken `seconds`.
    ///
    /// # Panics
    /// Never: plain data is always encoded.
    pub fn to_bytes(&self, seconds: f64) -> Vec<u8> {
        let state = postcard::to_allocvec(self).expect("plain data");
        envelope::seal_content(MAGIC, VERSION, &[&seconds.to_le_bytes(), &state])
    }

    /// State in the bytes of a file, and the seconds that the run had taken.
    ///
    /// # Errors
    /// The first defect found.
    pub fn from_bytes(bytes: &[u8]) -> Result<(Self, f64)> {
        let content = envelope::open_content(bytes, MAGIC, VERSION)?;
        let (seconds, state) = content.split_first_chunk().context("it ends before the time of the run")?;
        let state = postcard::from_bytes(state).context("its state cannot be decoded")?;
        Ok((state, f64::from_le_bytes(*seconds)))
    }
}

/// Writes a checkpoint into `directory`, then deletes all but this one and the newest `keep`; returns its path. Files that are not
/// named as checkpoints are left alone.
///
/// # Errors
/// If a file cannot be written or deleted; after a failed write the earlier checkpoints remain.
pub fn save(directory: &Path, state: &State, seconds: f64, keep: usize) -> Result<PathBuf> {
    std::fs::create_dir_all(directory).with_context(|| format!("{}: cannot create", directory.display()))?;
    let path = directory.join(format!("{:08}.{EXTENSION}", state.done.iterations));
    write_atomically(&path, &state.to_bytes(seconds))?;
    for old in list(directory)?.iter().rev().skip(keep).filter(|&old| *old != path) {
        std::fs::remove_file(old).with_context(|| format!("{}: cannot delete", old.display()))?;
    }
    Ok(path)
}

/// Reads one checkpoint: the state and the seconds that the run had taken.
///
/// # Errors
/// Names the file and its defect.
pub fn load(path: &Path) -> Result<(State, f64)> {
    let read = || State::from_bytes(&std::fs::read(path)?);
    read().with_context(|| path.display().to_string())
}

/// The newest valid checkpoint of `directory`; `report` receives the error of each newer one that is damaged.
///
/// # Errors
/// If the directory cannot be read or holds no valid checkpoint.
pub fn newest(directory: &Path, mut report: impl FnMut(&anyhow::Error)) -> Result<(State, f64)> {
    for path in list(directory)?.iter().rev() {
        match load(path) {
            Ok(found) => return Ok(found),
            Err(error) => report(&error),
        }
    }
    bail!("{}: no checkpoint there is whole", directory.display())
}

/// Whether there is any checkpoint in `directory`, valid or not.
///
/// # Errors
/// If the directory exists but cannot be read.
pub fn any(directory: &Path) -> Result<bool> {
    Ok(directory.exists() && !list(directory)?.is_empty())
}

/// The checkpoints of a directory, by rising iteration. A copy that its owner gave another name, such as `best.checkpoint`, is not
/// among them.
fn list(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(directory).with_context(|| format!("{}: cannot read", directory.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("{}: cannot read", directory.display()))?.path();
        files.extend(iteration_of(&path).map(|iteration| (iteration, path)));
    }
    files.sort();
    Ok(files.into_iter().map(|(_, path)| path).collect())
}

/// Iteration in the name of a checkpoint, such as `00000120.checkpoint`.
fn iteration_of(path: &Path) -> Option<u64> {
    let digits = path.file_name()?.to_str()?.strip_suffix(EXTENSION)?.strip_suffix('.')?;
    let is_ours = digits.len() >= 8 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_ours.then(|| digits.parse().ok()).flatten()
}

/// SHA-256 as hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(bytes) {
        write!(text, "{byte:02x}").expect("writing to a string");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(iteration: u64) -> State {
        State {
            config: "seed = 1".into(),
            done: Totals { iterations: iteration, plies: 10, samples: 9, games: 1 },
            weights: vec![0.5, -1.0],
            adam: Adam::new(2),
            envs: Vec::new(),
        }
    }

    #[test]
    fn a_checkpoint_comes_back_whole_and_the_oldest_go() {
        let directory = tempfile::tempdir().expect("temporary directory");
        for iteration in 1..=4 {
            save(directory.path(), &state(iteration), 1.5, 2).expect("saved");
        }
        assert_eq!(list(directory.path()).expect("listed").len(), 2);
        let found = newest(directory.path(), |error| panic!("{error:#}")).expect("found");
        assert_eq!(found, (state(4), 1.5));
    }

    #[test]
    fn copies_under_other_names_push_nothing_out_and_are_not_resumed_from() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = |name: &str| directory.path().join(name);
        save(directory.path(), &state(99_999_999), 0.0, 2).expect("saved");
        for copy in ["best.checkpoint", "good-a.checkpoint", "00000007.checkpoint.checkpoint", "7.checkpoint"] {
            std::fs::copy(path("99999999.checkpoint"), path(copy)).expect("copied");
        }
        // Nine digits come after eight, and what was just written stays even behind newer ones.
        for iteration in [100_000_000, 100_000_001, 5] {
            assert!(save(directory.path(), &state(iteration), 0.0, 2).expect("saved").exists(), "{iteration}");
        }
        let names = |path: &PathBuf| path.file_stem().expect("a name").to_string_lossy().into_owned();
        let left: Vec<String> = list(directory.path()).expect("listed").iter().map(names).collect();
        assert_eq!(left, ["00000005", "100000000", "100000001"]);
        assert!(path("best.checkpoint").exists() && path("7.checkpoint").exists());
        let found = newest(directory.path(), |error| panic!("{error:#}")).expect("found");
        assert_eq!(found.0.done.iterations, 100_000_001);
    }

    #[test]
    fn a_checkpoint_has_the_layout_of_the_table() {
        let bytes = state(3).to_bytes(1.5);
        let (content, digest) = bytes.split_at(bytes.len() - 32);
        let work = postcard::to_allocvec(&state(3)).expect("plain data");
        assert_eq!(content, [&b"KEISEICP\x01\0\0\0"[..], &1.5f64.to_le_bytes(), &work].concat());
        assert_eq!(digest, Sha256::digest(content).as_slice());
    }

    #[test]
    fn the_digest_ignores_the_clock_and_sees_the_state() {
        assert_eq!(state(1).digest(), State::from_bytes(&state(1).to_bytes(77.0)).expect("whole").0.digest());
        assert_ne!(state(1).digest(), state(2).digest());
    }

    #[test]
    fn the_digest_ignores_how_the_run_is_run() {
        let digest = |config: &str| State { config: config.into(), ..state(1) }.digest();
        assert_eq!(digest("seed = 1\n[run]\nthreads = 1\n"), digest("seed = 1\n[run]\nthreads = 2\n"));
        assert_ne!(digest("seed = 1\n[run]\nthreads = 1\n"), digest("seed = 2\n[run]\nthreads = 1\n"));
    }

    #[test]
    fn no_damage_goes_unnoticed() {
        let bytes = state(3).to_bytes(0.0);
        for length in 0..bytes.len() {
            assert!(State::from_bytes(&bytes[..length]).is_err(), "cut to {length}");
        }
        for bit in 0..8 * bytes.len() {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(State::from_bytes(&damaged).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_damaged_checkpoint_is_reported_and_the_one_before_it_taken() {
        let directory = tempfile::tempdir().expect("temporary directory");
        save(directory.path(), &state(1), 0.0, 9).expect("saved");
        let path = save(directory.path(), &state(2), 0.0, 9).expect("saved");
        let mut bytes = std::fs::read(&path).expect("read");
        bytes[30] ^= 4;
        std::fs::write(&path, bytes).expect("write");
        let mut reports = Vec::new();
        let (found, _) = newest(directory.path(), |error| reports.push(format!("{error:#}"))).expect("found");
        assert_eq!(found.done.iterations, 1);
        assert!(reports.len() == 1 && reports[0].contains("00000002") && reports[0].contains("SHA-256"), "{reports:?}");
        assert!(path.exists(), "a damaged file is left for its owner to look at");
    }
}
