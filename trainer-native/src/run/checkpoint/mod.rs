//! Checkpoints: the whole state from which a run resumes as if it had never stopped.
//!
//! An [envelope] with magic `KEISEICP` and version [`VERSION`]; header and body are postcard:
//!
//! | part | content |
//! |---|---|
//! | header | [`Header`]: the work done, the seconds that it took, digests of other files of the run, what wrote it, and the snapshots of
//! the league that the state needs |
//! | body | [`State`] |
//!
//! A file appears whole or not at all. The seconds are outside the state: two runs that did the same work have the same
//! [`State::digest`], however long they took. The header tells the iteration without the body being decoded.
//!
//! | module | holds |
//! |---|---|
//! | [`fault`] | why a file cannot be resumed from |
//! | [`store`] | the checkpoints of one run: saved, found, pinned, deleted |
//! | [`retention`] | which of them stay |
//! | [`migration`] | reading what earlier versions of the program wrote |

pub mod fault;
pub mod store;
pub mod retention;
pub mod migration;

pub use fault::Fault;
pub use retention::Retention;
pub use store::{Loaded, Pin, Skipped, Store, any, load_from, pins, set_aside_after};

use super::guard::Guard;
use crate::durable::FileDigest;
use crate::event::Machine;
use crate::league::{Average, LeagueState};
use crate::settings::Settings;
use crate::totals::Totals;
use anyhow::{Context, Result, ensure};
use keisei_core::format::envelope;
use keisei_core::learn::{Adam, Adaptation, Meeting, SlotState};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Version of the format that is written. Versions 1 to 3 are read too.
pub const VERSION: u32 = 4;

const MAGIC: [u8; 8] = *b"KEISEICP";

/// Greatest magnitude of a sound weight, far above any that learning reaches.
const LARGEST_WEIGHT: f32 = 1e6;

/// A checkpoint: the state of a run, and what surrounded it.
#[derive(Clone, PartialEq, Debug)]
pub struct Checkpoint {
    /// State between two iterations.
    pub state: State,
    /// Seconds that the run had taken.
    pub seconds: f64,
    /// Digests of those files of the run that have none of their own.
    pub files: Vec<FileDigest>,
    /// Program, toolchain and machine that wrote it; empty if it was not stored.
    pub machine: Machine,
}

/// Header of a checkpoint.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Header {
    /// Work done.
    pub done: Totals,
    /// Seconds that the run had taken.
    pub seconds: f64,
    /// Digests of those files of the run that have none of their own.
    pub files: Vec<FileDigest>,
    /// Program, toolchain and machine that wrote it; empty if it was not stored.
    pub machine: Machine,
    /// Files of the league's snapshots that the state needs, in the folder [`league`](crate::league::FOLDER) of the run.
    pub snapshots: Vec<FileDigest>,
}

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
    /// Steps that the guard against barren updates has taken.
    pub guard: Guard,
    /// State of the alarms, in their own encoding; empty before the first iteration.
    pub alarms: Vec<u8>,
    /// State of the league.
    pub league: LeagueState,
    /// Average of the weights, if there is one.
    pub average: Option<Average>,
    /// State of what follows the measurements of the run.
    pub adaptation: Adaptation,
    /// Positions of earlier games that games begin in, as SFEN.
    pub starts: Vec<String>,
}

impl State {
    /// SHA-256 of the state, in hexadecimal: equal for runs that did the same work.
    ///
    /// The tables `run` and `sinks` of the settings, which organise that work by threads and budget and say who is told of it, are left
    /// out, and so are the alarms, which only watch it, and the settings of a league, a gate and an average that are switched off.
    ///
    /// # Panics
    /// Never: plain data is always encoded.
    pub fn digest(&self) -> String {
        let settings = match self.config.parse::<toml::Table>() {
            Ok(mut settings) => {
                settings.remove("run");
                settings.remove("sinks");
                remove_what_is_off(&mut settings);
                settings.to_string()
            }
            Err(_) => self.config.clone(),
        };
        let games = self.envs.iter().map(|slot| (&slot.start, &slot.moves, slot.started, &slot.notes));
        let games: Vec<_> = games.collect();
        let work = (settings, self.done, &self.weights, &self.adam, games, &self.guard);
        let mut bytes = postcard::to_allocvec(&work).expect("plain data");
        // Work without a league has the digest that it had before there were any.
        let meetings: Vec<Option<Meeting>> = self.envs.iter().map(|slot| slot.meeting).collect();
        if meetings.iter().any(Option::is_some) || self.league != LeagueState::default() || self.average.is_some() {
            let league = (meetings, &self.league, &self.average);
            bytes.extend(postcard::to_allocvec(&league).expect("plain data"));
        }
        // The same holds of what adapts, and of start positions.
        if self.adaptation != Adaptation::default() || !self.starts.is_empty() {
            bytes.extend(postcard::to_allocvec(&(&self.adaptation, &self.starts)).expect("plain data"));
        }
        sha256(&bytes)
    }

    /// Snapshots that games in progress are against.
    pub fn opponents(&self) -> BTreeSet<u32> {
        self.envs.iter().filter_map(|slot| slot.meeting).map(|meeting| meeting.opponent).collect()
    }

    /// The state as a run with these `settings` goes on from it: without the average, the best agent and the opponents that they switch
    /// off. The learner then plays both sides of games that it began against a snapshot.
    #[must_use]
    pub fn under(mut self, settings: &Settings) -> Self {
        if settings.league.share == 0.0 {
            self.envs.iter_mut().for_each(|slot| slot.meeting = None);
        }
        if settings.ppo.ema == 0.0 {
            self.average = None;
        }
        if settings.selfplay.start_share == 0.0 {
            self.starts.clear();
        }
        self.adaptation = self.adaptation.under(&settings.adaptation());
        let playing = self.opponents();
        self.league = self.league.under(settings, &playing);
        self
    }

    /// Defect of a state from which no run can go on: a weight or moment that is not finite or far too large, or an optimiser of
    /// another network. `None` if it is sound.
    pub fn sickness(&self) -> Option<String> {
        let weights = self.weights.len();
        let [first, second] = self.adam.moments();
        if [first.len(), second.len()] != [weights; 2] {
            let (first, second) = (first.len(), second.len());
            return Some(format!("the optimiser has {first} first and {second} second moments for {weights} weights"));
        }
        if !self.adaptation.is_sound() {
            return Some(format!("the adaptation is {:?}", self.adaptation));
        }
        // No gradient of sound weights takes the moments beyond these limits, since its norm is clipped.
        let second_moments = 0.0..=LARGEST_WEIGHT * LARGEST_WEIGHT;
        let signed = -LARGEST_WEIGHT..=LARGEST_WEIGHT;
        let parts = [
            ("weight", &self.weights[..], signed.clone()),
            ("first moment", first, signed.clone()),
            ("second moment", second, second_moments),
            ("averaged weight", self.average.as_ref().map_or(&[], Average::weights), signed),
        ];
        parts.into_iter().find_map(|(name, numbers, sound)| {
            let (index, number) = numbers.iter().enumerate().find(|(_, number)| !sound.contains(number))?;
            let count = numbers.len();
            let (least, most) = (sound.start(), sound.end());
            Some(format!("{name} {index} of {count} is {number:e}, outside {least:e} to {most:e}"))
        })
    }
}

impl Checkpoint {
    /// Bytes of the checkpoint file.
    ///
    /// # Panics
    /// If there are so many digests of other files that the header is too long.
    pub fn to_bytes(&self) -> Vec<u8> {
        let header = postcard::to_allocvec(&self.header()).expect("plain data");
        envelope::seal(MAGIC, VERSION, &header, &postcard::to_allocvec(&self.state).expect("plain data"))
    }

    /// Checkpoint in the bytes of a file, of this version or an earlier one. The state is not searched for
    /// [sickness](State::sickness).
    ///
    /// # Errors
    /// The first defect found.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Fault> {
        match version(bytes) {
            Some(VERSION) => Self::from_current(bytes),
            Some(1) => {
                envelope::open_content(bytes, MAGIC, 1).map_err(anyhow::Error::from).and_then(migration::from_version_1)
            }
            Some(2) => {
                let opened = envelope::open(bytes, MAGIC, 2).map_err(anyhow::Error::from);
                opened.and_then(|(header, state)| migration::from_version_2(header, state))
            }
            Some(3) => {
                let opened = envelope::open(bytes, MAGIC, 3).map_err(anyhow::Error::from);
                opened.and_then(|(header, state)| migration::from_version_3(header, state))
            }
            // Only if the digest is right has the number of the version not been damaged.
            Some(newer) if newer > VERSION && envelope::open_content(bytes, MAGIC, newer).is_ok() => {
                return Err(Fault::Newer { version: newer });
            }
            _ => envelope::open(bytes, MAGIC, VERSION)
                .map_err(anyhow::Error::from)
                .and_then(|_| Self::from_current(bytes)),
        }
        .map_err(|error| Fault::Damaged { reason: format!("{error:#}") })
    }

    fn from_current(bytes: &[u8]) -> Result<Self> {
        let (header, state) = envelope::open(bytes, MAGIC, VERSION)?;
        let Header { done, seconds, files, machine, .. } =
            postcard::from_bytes(header).context("its header cannot be decoded")?;
        let state: State = postcard::from_bytes(state).context("its state cannot be decoded")?;
        let (named, found) = (done.iterations, state.done.iterations);
        ensure!(state.done == done, "its header is of iteration {named}, its state of {found}");
        Ok(Self { state, seconds, files, machine })
    }

    /// Reads the file at `path`, whose state must be sound.
    ///
    /// # Errors
    /// The first fault found.
    pub fn load(path: &Path) -> Result<Self, Fault> {
        let checkpoint = Self::from_bytes(&std::fs::read(path).map_err(|error| Fault::reading(&error))?)?;
        match checkpoint.state.sickness() {
            Some(reason) => Err(Fault::Sick { reason }),
            None => Ok(checkpoint),
        }
    }

    /// Header of the checkpoint.
    pub fn header(&self) -> Header {
        Header {
            done: self.state.done,
            seconds: self.seconds,
            files: self.files.clone(),
            machine: self.machine.clone(),
            snapshots: self.state.league.files.values().cloned().collect(),
        }
    }
}

impl Header {
    /// Header at the beginning of the file at `path`, without a check of the digest: `None` if it cannot be read, and possibly wrong
    /// if the file is damaged.
    pub fn peek(path: &Path) -> Option<Self> {
        /// Bytes of the beginning that hold any header, and the settings before the totals in version 1.
        const BEGINNING: u64 = 1 << 17;
        let mut bytes = Vec::new();
        File::open(path).ok()?.take(BEGINNING).read_to_end(&mut bytes).ok()?;
        match version(&bytes)? {
            1 => {
                let (done, seconds) = migration::totals_of_version_1(bytes.get(12..)?)?;
                Some(Self { done, seconds, files: Vec::new(), machine: Machine::default(), snapshots: Vec::new() })
            }
            2 => migration::header_of_version_2(Self::part_of(&bytes)?).ok(),
            3 | VERSION => postcard::from_bytes(Self::part_of(&bytes)?).ok(),
            _ => None,
        }
    }

    /// The bytes of the header in the beginning of a file since version 2.
    fn part_of(bytes: &[u8]) -> Option<&[u8]> {
        let length = u32::from_le_bytes(bytes.get(12..16)?.try_into().ok()?);
        bytes.get(24..)?.get(..length as usize)
    }
}

/// Removes the settings of what is switched off: it does no work, whatever else they say.
fn remove_what_is_off(settings: &mut toml::Table) {
    let is_off = |table: &toml::Table, section: &str, key: &str| {
        let number = table.get(section).and_then(|section| section.get(key));
        number.is_none_or(|number| number.as_float() == Some(0.0) || number.as_integer() == Some(0))
    };
    for (section, key) in [("league", "share"), ("gate", "plies")] {
        if is_off(settings, section, key) {
            settings.remove(section);
        }
    }
    let (off, on): (Vec<&Lever>, Vec<&Lever>) = LEVERS.iter().partition(|lever| {
        let number = settings.get(lever.key.0).and_then(|section| section.get(lever.key.1));
        number.is_none_or(|number| number.as_float().or(number.as_integer().map(|n| n as f64)) == Some(lever.off))
    });
    let keys = off.iter().flat_map(|lever| std::iter::once(lever.key).chain(lever.with.iter().copied()));
    for key in keys.filter(|key| on.iter().all(|lever| !lever.with.contains(key))) {
        if let Some(toml::Value::Table(section)) = settings.get_mut(key.0) {
            section.remove(key.1);
        }
    }
}

/// Setting that switches something off.
struct Lever {
    /// Section and name.
    key: (&'static str, &'static str),
    /// Number that switches it off.
    off: f64,
    /// Settings that then mean nothing, unless another lever has them.
    with: &'static [(&'static str, &'static str)],
}

/// Settings that work had not before they were there.
const LEVERS: &[Lever] = &[
    Lever { key: ("ppo", "ema"), off: 0.0, with: &[] },
    Lever { key: ("ppo", "kl_coef"), off: 0.0, with: &[] },
    Lever { key: ("ppo", "advantage_share"), off: 1.0, with: &[] },
    Lever { key: ("ppo", "update_kl"), off: 0.0, with: &[] },
    Lever { key: ("ppo", "warmup_plies"), off: 0.0, with: &[] },
    Lever { key: ("ppo", "entropy_floor"), off: 0.0, with: &[] },
    Lever { key: ("estimation", "prior_explained"), off: 0.0, with: &[] },
    Lever { key: ("selfplay", "mate_plies"), off: 0.0, with: &[("selfplay", "mate_share"), ("ppo", "mate_coef")] },
    Lever { key: ("selfplay", "mate_lessons"), off: 0.0, with: &[("ppo", "mate_coef"), ("ppo", "past_coef")] },
    Lever { key: ("selfplay", "past_positions"), off: 0.0, with: &[("ppo", "past_coef")] },
    Lever { key: ("selfplay", "start_share"), off: 0.0, with: &[] },
    Lever { key: ("selfplay", "mirror_share"), off: 0.0, with: &[] },
];

/// Version of the format in the first bytes of a checkpoint.
fn version(bytes: &[u8]) -> Option<u32> {
    let version = bytes.get(8..12)?.try_into().ok()?;
    bytes.starts_with(&MAGIC).then(|| u32::from_le_bytes(version))
}

/// SHA-256 as hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Two hexadecimal digits a byte.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}").expect("writing to a string");
    }
    text
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use keisei_core::learn::{Notes, Thought};
    use keisei_core::net::Value;
    use keisei_core::shogi::Color;

    /// A sound state, small and without a meaning, after `iteration` iterations.
    pub(crate) fn state(iteration: u64) -> State {
        let thought = Thought { value: Value(0.25), top: [7, 0, 0], probabilities: [0.5, 0.0, 0.0] };
        let notes = Notes { opening: 1, thoughts: vec![thought] };
        let slot = SlotState {
            start: "startpos".into(),
            moves: vec![700, 800],
            started: 3,
            notes: Some(notes),
            meeting: None,
        };
        State {
            config: "seed = 1".into(),
            done: Totals { iterations: iteration, plies: 10 * iteration, samples: 9, games: 1 },
            weights: vec![0.5, -1.0],
            adam: Adam::new(2),
            envs: vec![slot.clone(), SlotState { notes: None, ..slot }],
            guard: Guard { barren: 1, halvings: 2, restores: 3 },
            alarms: vec![5, 6],
            league: LeagueState::default(),
            average: None,
            adaptation: Adaptation::default(),
            starts: Vec::new(),
        }
    }

    pub(crate) fn checkpoint(iteration: u64) -> Checkpoint {
        let files = vec![FileDigest::of("metrics.jsonl", b"one\n")];
        Checkpoint { state: state(iteration), seconds: 1.5 * iteration as f64, files, machine: Machine::this() }
    }

    #[test]
    fn a_checkpoint_comes_back_whole_and_has_the_layout_of_the_table() {
        let expected = checkpoint(3);
        let bytes = expected.to_bytes();
        assert_eq!(Checkpoint::from_bytes(&bytes).as_ref(), Ok(&expected));
        let (header, body) = envelope::open(&bytes, *b"KEISEICP", 4).expect("sealed");
        assert_eq!(body, postcard::to_allocvec(&expected.state).expect("plain data"));
        let fields =
            (expected.state.done, expected.seconds, &expected.files, &expected.machine, Vec::<FileDigest>::new());
        assert_eq!(header, postcard::to_allocvec(&fields).expect("plain data"));

        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("file");
        std::fs::write(&path, &bytes).expect("written");
        assert_eq!(Header::peek(&path), Some(expected.header()));
        std::fs::write(&path, &bytes[..30]).expect("written");
        assert_eq!(Header::peek(&path), None);
        assert_eq!(Header::peek(directory.path()), None);
    }

    #[test]
    fn the_digest_ignores_the_clock_and_the_alarms_and_sees_the_work() {
        let digest = |change: fn(&mut State)| {
            let mut state = state(1);
            change(&mut state);
            state.digest()
        };
        let same = digest(|_| {});
        assert_eq!(digest(|state| state.alarms.clear()), same);
        for other in [
            digest(|state| state.done.plies += 1),
            digest(|state| state.weights[1] = 0.0),
            digest(|state| state.adam = Adam::new(3)),
            digest(|state| state.envs[0].notes = None),
            digest(|state| state.guard.halvings = 0),
        ] {
            assert_ne!(other, same);
        }
    }

    #[test]
    fn the_digest_ignores_how_the_run_is_run() {
        let digest = |config: &str| State { config: config.into(), ..state(1) }.digest();
        assert_eq!(digest("seed = 1\n[run]\nthreads = 1\n"), digest("seed = 1\n[run]\nthreads = 2\n"));
        assert_ne!(digest("seed = 1\n[run]\nthreads = 1\n"), digest("seed = 2\n[run]\nthreads = 1\n"));
        // Settings of a file that is not ours are only text.
        assert_ne!(digest("[run"), digest("[ru"));
    }

    #[test]
    fn the_digest_ignores_what_is_switched_off_and_sees_the_league() {
        let digest = |config: &str| State { config: config.into(), ..state(1) }.digest();
        let before = digest("seed = 1\n[ppo]\nepochs = 1\n");
        let off = "[league]\nshare = 0.0\nsnapshots = 5\n[gate]\nplies = 0\ngames = 4\n";
        assert_eq!(digest(&format!("seed = 1\n[ppo]\nepochs = 1\nema = 0.0\n{off}")), before);
        for on in ["[league]\nshare = 0.1\n", "[gate]\nplies = 5\n"] {
            assert_ne!(digest(&format!("seed = 1\n[ppo]\nepochs = 1\n{on}")), before, "{on}");
        }
        assert_ne!(digest("seed = 1\n[ppo]\nema = 0.5\nepochs = 1\n"), before);
        let both = digest("seed = 1\n[selfplay]\nenvs = 2\n[ppo]\nepochs = 1\n");
        let off = "mate_plies = 0\nmate_share = 0.5\nmate_lessons = 0\npast_positions = 0\nstart_share = 0.0\n\
                   mirror_share = 0\n";
        let ppo = "mate_coef = 3.0\npast_coef = 2.0\nadvantage_share = 1.0\nkl_coef = 0.0\nwarmup_plies = 0\n";
        assert_eq!(digest(&format!("seed = 1\n[selfplay]\nenvs = 2\n{off}[ppo]\nepochs = 1\n{ppo}")), both);
        for on in
            ["mate_plies = 1", "mate_lessons = 1", "past_positions = 1", "start_share = 0.1", "mirror_share = 0.1"]
        {
            assert_ne!(digest(&format!("seed = 1\n[selfplay]\nenvs = 2\n{on}\n[ppo]\nepochs = 1\n")), both, "{on}");
        }
        let lessons = |coef: f32| {
            let selfplay = "[selfplay]\nenvs = 2\nmate_lessons = 1\n";
            digest(&format!("seed = 1\n{selfplay}[ppo]\nepochs = 1\nmate_coef = {coef:?}\n"))
        };
        assert_ne!(lessons(1.0), lessons(2.0));
        for on in ["advantage_share = 0.5", "kl_coef = 0.1", "warmup_plies = 9", "update_kl = 0.1"] {
            assert_ne!(digest(&format!("seed = 1\n[selfplay]\nenvs = 2\n[ppo]\nepochs = 1\n{on}\n")), both, "{on}");
        }

        let changed = |change: fn(&mut State)| {
            let mut state = state(1);
            change(&mut state);
            state.digest()
        };
        let digests = [
            changed(|_| {}),
            changed(|state| state.league.best = Some(7)),
            changed(|state| state.average = Some(Average::default())),
            changed(|state| state.envs[1].meeting = Some(Meeting { opponent: 7, learner: Color::Black })),
            changed(|state| state.envs[1].meeting = Some(Meeting { opponent: 7, learner: Color::White })),
            changed(|state| state.league.pool = [(7, crate::league::Score { games: 1.0, points: 0.5 })].into()),
        ];
        assert_eq!(digests.iter().collect::<BTreeSet<_>>().len(), digests.len());
    }

    #[test]
    fn no_damage_goes_unnoticed() {
        let bytes = checkpoint(3).to_bytes();
        let check = |damaged: &[u8], what: &dyn std::fmt::Display| match Checkpoint::from_bytes(damaged) {
            Err(Fault::Damaged { reason }) => assert!(!reason.is_empty()),
            other => panic!("{what}: {other:?}"),
        };
        for length in 0..bytes.len() {
            check(&bytes[..length], &format_args!("cut to {length}"));
        }
        for bit in 0..8 * bytes.len() {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            check(&damaged, &format_args!("bit {bit}"));
        }
        check(b"text that is no checkpoint, but long enough to be one of some kind, were it not text", &"text");
    }

    #[test]
    fn what_a_later_version_wrote_is_not_called_damaged() {
        let bytes = envelope::seal(MAGIC, VERSION + 1, b"header", b"body");
        assert_eq!(Checkpoint::from_bytes(&bytes), Err(Fault::Newer { version: VERSION + 1 }));
    }

    #[test]
    fn a_header_that_contradicts_the_state_is_refused() {
        let body = postcard::to_allocvec(&state(4)).expect("plain data");
        let header = postcard::to_allocvec(&checkpoint(5).header()).expect("plain data");
        let error = Checkpoint::from_bytes(&envelope::seal(MAGIC, VERSION, &header, &body)).expect_err("refused");
        assert!(error.to_string().contains("header is of iteration 5, its state of 4"), "{error}");
    }

    #[test]
    fn sick_numbers_are_found_wherever_they_are() {
        let check = |change: fn(&mut State), expected: &str| {
            let mut state = state(1);
            change(&mut state);
            let found = state.sickness().expect(expected);
            assert!(found.contains(expected), "{found}");
        };
        let moments = |state: &mut State, first: [f32; 2], second: [f32; 2]| {
            state.adam.set_moments(1, [first.to_vec(), second.to_vec()]);
        };
        assert_eq!(state(1).sickness(), None);
        check(|state| state.weights[1] = f32::NAN, "weight 1 of 2 is NaN, outside -1e6 to 1e6");
        check(|state| state.weights[0] = 1e30, "weight 0 of 2 is 1e30");
        check(|state| state.weights[0] = f32::NEG_INFINITY, "weight 0 of 2 is -inf");
        check(
            |state| {
                let mut average = Average::default();
                average.add(&[0.5, f32::NAN], 0.5);
                state.average = Some(average);
            },
            "averaged weight 1 of 2 is NaN",
        );
        check(|state| state.weights.push(0.0), "2 first and 2 second moments for 3 weights");
        let [nan, huge, negative] = [f32::NAN, 1e30, -1.0];
        let mut sick = state(1);
        for (first, second, expected) in [
            ([nan, 0.0], [0.0; 2], "first moment 0 of 2 is NaN"),
            ([0.0, huge], [0.0; 2], "first moment 1 of 2 is 1e30"),
            ([0.0; 2], [huge, 0.0], "second moment 0 of 2 is 1e30"),
            ([0.0; 2], [0.0, negative], "second moment 1 of 2 is -1e0"),
        ] {
            moments(&mut sick, first, second);
            let found = sick.sickness().expect(expected);
            assert!(found.contains(expected), "{found}");
        }
    }
}
