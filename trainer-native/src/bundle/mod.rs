//! Run bundle: runs and their games as static files for the page `run.html`.
//!
//! A bundle is a folder. [`MANIFEST`] is the only name that stays; every other file, a *chunk*, has 16 digits of its SHA-256 in
//! its name, is never changed, and stands in the manifest or in the index of a game set with its length and whole digest.
//! `docs/run-bundle.md` describes the files for readers in other languages; [`mod@format`] defines them.
//!
//! | module | holds |
//! |---|---|
//! | [`mod@format`] | types of the files |
//! | [`chunk`] | files that are named by their content |
//! | [`curves`] | metrics of a run, thinned to a bounded number of points |
//! | [`games`] | games in chunks, with the index by which a page lists and filters them |
//! | [`ratings`] | rating history of a run |
//! | [`live`] | bundle in memory of runs that go on |

pub mod format;
pub mod chunk;
pub mod curves;
pub mod games;
pub mod ratings;
pub mod live;

pub use self::format::{FORMAT, MANIFEST, VERSION};

use self::chunk::{Put, is_chunk_name, json, put_chunk, rounded};
use self::curves::Curves;
use self::format::{Manifest, RunEntry, Story, TournamentEntry};
use self::games::{GameFile, Games, files_of};
use self::ratings::{history, measured};
use crate::durable::{remove, write_atomically};
use crate::event::{Machine, Metrics, Stamped};
use crate::history::{History, settings_of};
use crate::sinks::read_run;
use anyhow::{Context, Result};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Most games of one game set that a bundle holds, unless the user asks for another number.
pub const MOST_GAMES: usize = 20_000;

/// Content of a bundle to be exported.
#[derive(Clone, Debug)]
pub struct Contents {
    /// Directories of runs.
    pub runs: Vec<PathBuf>,
    /// Record files of tournaments.
    pub tournaments: Vec<PathBuf>,
    /// Most games of one game set.
    pub most_games: usize,
}

/// Writes a bundle into `folder`, the manifest last, and deletes the chunks that an earlier export left there. Returns one line on
/// what was written.
///
/// # Errors
/// Names the run or record file that cannot be read, or the file that cannot be written.
pub fn export(contents: &Contents, folder: &Path) -> Result<String> {
    let (mut names, mut bytes) = (Vec::new(), 0);
    let mut put = |name: &str, content: Arc<[u8]>| {
        bytes += content.len();
        names.push(name.to_owned());
        // A file of this name has this content: a second export writes what is new.
        let path = folder.join(name);
        std::fs::create_dir_all(folder).with_context(|| format!("{}: cannot be created", folder.display()))?;
        if path.metadata().is_ok_and(|found| found.len() == content.len() as u64) {
            return Ok(());
        }
        write_atomically(&path, &content)
    };
    let mut runs = Vec::new();
    for directory in &contents.runs {
        let mut teller = Teller::of(directory)?;
        for event in read_run(directory)? {
            teller.note(event);
        }
        teller.conclude();
        let mut games = Games::new(contents.most_games);
        for file in files_of(directory)? {
            games.add_file(&file)?;
        }
        runs.push(teller.entry(&games, &mut put)?);
    }
    distinguish(&mut runs);
    let mut tournaments = Vec::new();
    for file in &contents.tournaments {
        let mut games = Games::new(contents.most_games);
        games.add_file(&GameFile { iteration: 0, path: file.clone() })?;
        games.rate();
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        tournaments.push(TournamentEntry { name, games: games.put(&mut put)? });
    }
    let games: usize =
        runs.iter().map(|run| &run.games).chain(tournaments.iter().map(|t| &t.games)).map(|set| set.count).sum();
    let manifest = Manifest { runs, tournaments, ..Manifest::now() };
    write_atomically(&folder.join(MANIFEST), &json(&manifest)?)?;
    remove_other_chunks(folder, &names)?;
    let (runs, files) = (contents.runs.len(), names.len() + 1);
    Ok(format!("{}: {runs} runs, {games} games, {files} files, {bytes} bytes\n", folder.display()))
}

/// Deletes chunks that do not stand in `names`.
fn remove_other_chunks(folder: &Path, names: &[String]) -> Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_chunk_name(&name) && !names.contains(&name) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Gives runs of one name different ones.
fn distinguish(runs: &mut [RunEntry]) {
    for at in 1..runs.len() {
        let name = runs[at].name.clone();
        let same = runs[..at].iter().filter(|run| run.name == name).count();
        if same > 0 {
            let _ = write!(runs[at].name, " ({})", same + 1);
        }
    }
}

/// Events of a run put together for a bundle.
pub(crate) struct Teller {
    history: History,
    curves: Curves,
    /// Ratings that tournaments have written into the run's models.
    measured: Vec<format::Rating>,
    settings: Vec<(String, String)>,
}

impl Teller {
    /// Teller of the run in `directory` before its first event.
    ///
    /// # Errors
    /// If there is no run.
    pub(crate) fn of(directory: &Path) -> Result<Self> {
        let history = History::empty(directory)?;
        // A run that is only being set up has no settings yet.
        let settings = settings_of(directory).map(|settings| settings.rows()).unwrap_or_default();
        let settings = settings.into_iter().map(|row| (row.setting.key, row.value.to_string())).collect();
        Ok(Self { history, curves: Curves::default(), measured: measured(directory), settings })
    }

    /// Takes note of the next event.
    pub(crate) fn note(&mut self, Stamped { time, event }: Stamped) {
        use crate::event::Event;
        match &event {
            Event::Iteration(metrics) => self.curves.push(metrics),
            Event::RunStarted(run) => self.curves.go_back(run.iteration),
            Event::Restored(restored) => self.curves.go_back(restored.iteration),
            _ => {}
        }
        self.history.note(time, event);
    }

    /// Looks whether a process trains in the run's directory; whether that has changed.
    pub(crate) fn conclude(&mut self) -> bool {
        let before = self.history.activity;
        self.history.conclude();
        before != self.history.activity
    }

    /// The run's entry in the manifest, after its chunks.
    pub(crate) fn entry(&self, games: &Games, put: &mut Put<'_>) -> Result<RunEntry> {
        let history = &self.history;
        let story = Story {
            evaluations: history.evaluations.clone(),
            gates: history.gates.clone(),
            alarms: history.alarms.clone(),
            ratings: [self::history(history), self.measured.clone()].concat(),
            settings: self.settings.clone(),
        };
        let none = Metrics::default();
        let metrics = history.metrics.as_ref().unwrap_or(&none);
        let started = history.started.as_ref();
        Ok(RunEntry {
            name: history.name(),
            state: history.activity.name().to_owned(),
            began: history.began,
            iteration: metrics.iteration,
            plies: metrics.plies,
            budget_plies: started.map_or(0, |run| run.budget_plies),
            games_played: metrics.games,
            seconds: rounded(metrics.seconds),
            learner: started.map_or_else(String::new, |run| run.learner.clone()),
            revision: started.map_or_else(String::new, |run| run.machine.revision.clone()),
            weights: started.map_or(0, |run| run.weights),
            alarms: metrics.alarms.clone(),
            curves: self.curves.put(put)?,
            story: put_chunk(put, "story", "json", json(&story)?)?,
            games: games.put(put)?,
        })
    }
}

impl Manifest {
    /// Manifest of nothing, written now.
    pub(crate) fn now() -> Self {
        let Machine { version, revision, .. } = Machine::this();
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            written: Stamped::now(crate::event::Event::Notice(crate::event::Notice { text: String::new() }))
                .time
                .round(),
            program: format!("trainer-native {version} {revision}").trim_end().to_owned(),
            events: None,
            runs: Vec::new(),
            tournaments: Vec::new(),
        }
    }
}
