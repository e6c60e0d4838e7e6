//! History: what the files of a run tell about it, while it goes on or later.

use crate::event::{Alarm, EvaluationMatch, Event, GateMatch, Metrics, RunEnded, RunStarted};
use crate::run::directory::is_locked;
use crate::settings::Settings;
use crate::sinks::{read, read_run};
use crate::view::Activity;
use anyhow::{Context, Result, bail};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Bytes at the end of `metrics.jsonl` that hold at least one whole line.
const LAST_LINES: u64 = 1 << 16;

/// A run as its files tell it.
#[derive(Clone, PartialEq, Debug)]
pub struct History {
    /// Directory of the run.
    pub directory: PathBuf,
    /// What the run is doing, or how it ended.
    pub activity: Activity,
    /// Seconds since 1970 at which it started; 0 if it has told nothing.
    pub began: f64,
    /// Start of its last part.
    pub started: Option<RunStarted>,
    /// Its newest metrics.
    pub metrics: Option<Metrics>,
    /// Its evaluations.
    pub evaluations: Vec<EvaluationMatch>,
    /// Its gates.
    pub gates: Vec<GateMatch>,
    /// The alarms that were raised.
    pub alarms: Vec<Alarm>,
    /// End of its last part.
    pub end: Option<RunEnded>,
}

impl History {
    /// History of the run in `directory`, of whose metrics only the newest are read.
    ///
    /// # Errors
    /// If there is no run, or its files cannot be read.
    pub fn glance(directory: &Path) -> Result<Self> {
        let mut history = Self::empty(directory)?;
        for event in read(&directory.join("events.jsonl"))? {
            history.note(event.time, event.event);
        }
        if let Some(metrics) = last_metrics(&directory.join("metrics.jsonl"))? {
            history.metrics = Some(metrics);
        }
        history.conclude();
        Ok(history)
    }

    /// History of the run in `directory`; `each` receives the metrics of every iteration.
    ///
    /// # Errors
    /// If there is no run, or its files cannot be read.
    pub fn read(directory: &Path, mut each: impl FnMut(&Metrics)) -> Result<Self> {
        let mut history = Self::empty(directory)?;
        for event in read_run(directory)? {
            if let Event::Iteration(metrics) = &event.event {
                each(metrics);
            }
            history.note(event.time, event.event);
        }
        history.conclude();
        Ok(history)
    }

    /// History of the run in `directory` before its first event.
    pub(crate) fn empty(directory: &Path) -> Result<Self> {
        if !is_run(directory) {
            bail!("{}: no run there", directory.display());
        }
        Ok(Self {
            directory: directory.to_owned(),
            activity: Activity::Starting,
            began: 0.0,
            started: None,
            metrics: None,
            evaluations: Vec::new(),
            gates: Vec::new(),
            alarms: Vec::new(),
            end: None,
        })
    }

    /// Takes note of the next event, which happened at `time`.
    pub(crate) fn note(&mut self, time: f64, event: Event) {
        if self.began == 0.0 {
            self.began = time;
        }
        match event {
            Event::RunStarted(run) => {
                self.go_back(run.iteration);
                self.started = Some(*run);
                self.end = None;
            }
            Event::Iteration(metrics) => self.metrics = Some(*metrics),
            Event::Evaluation(evaluation) => self.evaluations.push(evaluation),
            Event::Gate(gate) => self.gates.push(gate),
            Event::Alarm(alarm) => self.alarms.push(alarm),
            Event::Restored(restored) => self.go_back(restored.iteration),
            Event::RunEnded(end) => self.end = Some(end),
            Event::GameEnded(_) | Event::Checkpoint(_) | Event::Notice(_) | Event::SinkFailed(_) => {}
        }
    }

    /// Forgets matches after an iteration that the run has gone back to.
    fn go_back(&mut self, iteration: u64) {
        self.evaluations.retain(|evaluation| evaluation.iteration <= iteration);
        self.gates.retain(|gate| gate.iteration <= iteration);
    }

    /// Tells what the run is doing, after its last event so far.
    pub(crate) fn conclude(&mut self) {
        self.activity = match &self.end {
            _ if is_locked(&self.directory) => Activity::Training,
            Some(end) if end.interrupted => Activity::Stopped,
            Some(_) => Activity::Ended,
            None => Activity::Killed,
        };
    }

    /// Name of the run.
    pub fn name(&self) -> String {
        let path = std::fs::canonicalize(&self.directory).unwrap_or_else(|_| self.directory.clone());
        path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
    }
}

/// Whether the directory holds a run.
pub fn is_run(directory: &Path) -> bool {
    ["events.jsonl", "metrics.jsonl", "config.toml"].iter().any(|name| directory.join(name).is_file())
}

/// The last whole line of a file of metrics.
fn last_metrics(path: &Path) -> Result<Option<Metrics>> {
    let Ok(mut file) = File::open(path) else { return Ok(None) };
    let at = || path.display().to_string();
    let length = file.metadata().with_context(at)?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LAST_LINES))).with_context(at)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).with_context(at)?;
    let lines = bytes.rsplit(|&byte| byte == b'\n');
    Ok(lines.filter(|line| !line.is_empty()).find_map(|line| serde_json::from_slice(line).ok()))
}

/// Settings of a run, or in a TOML file.
///
/// # Errors
/// If the file cannot be read or is not one of settings.
pub fn settings_of(path: &Path) -> Result<Settings> {
    let file = if path.is_dir() { path.join("config.toml") } else { path.to_owned() };
    let name = || file.display().to_string();
    let text = std::fs::read_to_string(&file).with_context(name)?;
    Settings::from_toml(&text).with_context(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Notice, Stamped};

    fn write(directory: &Path, name: &str, events: &[Event]) {
        let line = |(i, event): (usize, &Event)| {
            serde_json::to_string(&Stamped { time: 10.0 + i as f64, event: event.clone() }).expect("plain data") + "\n"
        };
        std::fs::write(directory.join(name), events.iter().enumerate().map(line).collect::<String>()).expect("written");
    }

    #[test]
    fn a_run_is_told_by_its_files_with_a_glance_or_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let directory = folder.path();
        assert!(History::glance(directory).is_err());
        std::fs::write(directory.join("config.toml"), "").expect("written");
        let history = History::glance(directory).expect("a run");
        assert_eq!((history.activity, history.metrics), (Activity::Killed, None));

        let iteration = |iteration| Event::Iteration(Box::new(Metrics { iteration, ..Metrics::default() }));
        write(directory, "metrics.jsonl", &(1..=900).map(iteration).collect::<Vec<_>>());
        let end = |interrupted| {
            Event::RunEnded(RunEnded {
                iteration: 900,
                plies: 9,
                games: 1,
                seconds: 1.0,
                interrupted,
                digest: String::new(),
            })
        };
        let said = Event::Notice(Notice { text: "budget: none".into() });
        for (interrupted, activity) in [(true, Activity::Stopped), (false, Activity::Ended)] {
            write(directory, "events.jsonl", &[said.clone(), end(interrupted)]);
            let mut seen = 0;
            let whole = History::read(directory, |_| seen += 1).expect("a run");
            let glance = History::glance(directory).expect("a run");
            assert_eq!((whole.activity, seen, glance.began), (activity, 900, 10.0));
            assert_eq!(whole, glance);
            assert_eq!(whole.metrics.expect("told").iteration, 900);
        }
        // Another process that trains there holds the lock.
        let lock = File::create(directory.join("lock")).expect("created");
        lock.try_lock().expect("free");
        assert_eq!(History::glance(directory).expect("a run").activity, Activity::Training);
    }
}
