//! `metrics.jsonl` and `events.jsonl`: events as lines of JSON, the iterations in the one and all others in the other.

use super::Sink;
use crate::durable::{self, FileDigest, append, write_atomically};
use crate::event::{Event, Stamped};
use crate::run::directory::is_same;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Sink that writes the two files of a run. Games are not written: their records are.
pub struct Journal {
    metrics: Lines,
    events: Lines,
    digests: Digests,
}

/// Digests of the two files as they were at the last [flush](Sink::flush), for a checkpoint.
pub type Digests = Arc<Mutex<Vec<FileDigest>>>;

impl Journal {
    /// Opens the files of a run in `directory` that goes on after `iteration`; `report` receives what is wrong with them.
    ///
    /// Lines of later iterations, which a killed run may have left, and damaged lines are moved to files beside, such as
    /// `metrics.dropped.jsonl`.
    ///
    /// # Errors
    /// If a file cannot be read or written.
    pub fn open(directory: &Path, iteration: u64, mut report: impl FnMut(String)) -> Result<Self> {
        let metrics = Lines::open(directory.join("metrics.jsonl"), iteration, &mut report)?;
        let first_missing = (1..=iteration).zip(metrics.iterations.iter().copied().chain(std::iter::repeat(0)));
        if let Some((missing, _)) = first_missing.into_iter().find(|(expected, found)| expected != found) {
            let found = metrics.iterations.len();
            report(format!(
                "metrics.jsonl has {found} of the {iteration} iterations so far; the first that is missing is {missing}"
            ));
        }
        let events = Lines::open(directory.join("events.jsonl"), iteration, &mut report)?;
        Ok(Self { metrics, events, digests: Digests::default() })
    }

    /// The digests, which each flush brings up to date.
    pub fn digests(&self) -> Digests {
        self.digests.clone()
    }
}

impl Sink for Journal {
    fn name(&self) -> &'static str {
        "jsonl"
    }

    fn receive(&mut self, event: &Stamped) -> Result<()> {
        match &event.event {
            Event::GameEnded(_) => Ok(()),
            Event::Iteration(_) => self.metrics.write(event),
            Event::Restored(restored) => {
                for lines in [&mut self.metrics, &mut self.events] {
                    *lines = Lines::open(lines.path.clone(), restored.iteration, &mut |_| {})?;
                }
                self.events.write(event)
            }
            _ => self.events.write(event),
        }
    }

    fn flush(&mut self) -> Result<()> {
        self.metrics.file.sync()?;
        self.events.file.sync()?;
        let digests = vec![self.metrics.file.digest(), self.events.file.digest()];
        // A list that is replaced whole is never half replaced.
        *self.digests.lock().unwrap_or_else(PoisonError::into_inner) = digests;
        Ok(())
    }

    fn keeps_up(&self) -> bool {
        true
    }

    fn takes_games(&self) -> bool {
        false
    }
}

/// Whole lines of a file of events, in their order; a file that is not there has none, and a damaged line is skipped.
///
/// # Errors
/// If the file cannot be read.
pub fn read(path: &Path) -> Result<impl Iterator<Item = Stamped> + use<>> {
    Ok(lines(path)?.filter_map(|line| serde_json::from_slice(&line).ok()))
}

/// Events in both files of the run in `directory`, in the order in which they happened.
///
/// # Errors
/// If a file cannot be read.
pub fn read_run(directory: &Path) -> Result<impl Iterator<Item = Stamped> + use<>> {
    let mut follower = Follower::open(directory)?;
    Ok(std::iter::from_fn(move || follower.next_event()))
}

/// Reader of the files of a run while another process writes them.
pub struct Follower {
    metrics: Tail,
    events: Tail,
}

impl Follower {
    /// Reader of the run in `directory`, from its first event on.
    ///
    /// # Errors
    /// If a file is there and cannot be read.
    pub fn open(directory: &Path) -> Result<Self> {
        let tail = |name| Tail::open(directory.join(name));
        Ok(Self { metrics: tail("metrics.jsonl")?, events: tail("events.jsonl")? })
    }

    /// The next event, the earlier one of both files; none if no whole line has come since.
    pub fn next_event(&mut self) -> Option<Stamped> {
        let (metrics, events) = (self.metrics.peek(), self.events.peek());
        let is_metrics = match (metrics, events) {
            (Some(metrics), Some(event)) => metrics < event,
            (metrics, _) => metrics.is_some(),
        };
        if is_metrics { self.metrics.next.take() } else { self.events.next.take() }
    }

    /// Whether the files are others than those that are read, or shorter: a resumed run has written them again.
    pub fn is_replaced(&self) -> bool {
        self.metrics.is_replaced() || self.events.is_replaced()
    }
}

/// A file that grows.
struct Tail {
    path: PathBuf,
    reader: Option<BufReader<File>>,
    /// Bytes read so far.
    position: u64,
    /// Beginning of a line whose end is not written yet.
    begun: Vec<u8>,
    next: Option<Stamped>,
}

impl Tail {
    fn open(path: PathBuf) -> Result<Self> {
        let reader = open_if_there(&path)?.map(BufReader::new);
        Ok(Self { path, reader, position: 0, begun: Vec::new(), next: None })
    }

    /// Time of the next event, if a whole line has come.
    fn peek(&mut self) -> Option<f64> {
        while self.next.is_none() {
            if self.reader.is_none() {
                self.reader = open_if_there(&self.path).ok().flatten().map(BufReader::new);
            }
            let length = self.reader.as_mut()?.read_until(b'\n', &mut self.begun).ok()?;
            self.position += length as u64;
            if !self.begun.ends_with(b"\n") {
                return None;
            }
            self.next = serde_json::from_slice(&self.begun).ok();
            self.begun.clear();
        }
        self.next.as_ref().map(|event| event.time)
    }

    fn is_replaced(&self) -> bool {
        let Some(reader) = &self.reader else { return false };
        let Ok(found) = std::fs::metadata(&self.path) else { return false };
        let is_other = reader.get_ref().metadata().is_ok_and(|held| !is_same(&held, &found));
        is_other || found.len() < self.position
    }
}

/// The file, or none if it is not there.
fn open_if_there(path: &Path) -> Result<Option<File>> {
    match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        file => Ok(Some(file.with_context(|| path.display().to_string())?)),
    }
}

/// File of lines, open for appending.
struct Lines {
    path: PathBuf,
    file: durable::Journal,
    /// Iterations of the lines that were there when it was opened.
    iterations: Vec<u64>,
}

/// The part of a line that decides whether it stays.
#[derive(Deserialize)]
struct Numbered {
    #[serde(default)]
    iteration: u64,
}

impl Lines {
    /// Opens the file at `path`, without the lines of iterations after `iteration`.
    fn open(path: PathBuf, iteration: u64, report: &mut impl FnMut(String)) -> Result<Self> {
        let (mut kept, mut dropped) = (Vec::new(), Vec::new());
        let mut iterations = Vec::new();
        let mut later = 0;
        for line in lines(&path)? {
            match serde_json::from_slice::<Numbered>(&line).ok().filter(|_| line.ends_with(b"\n")) {
                Some(found) if found.iteration <= iteration => {
                    iterations.push(found.iteration);
                    kept.extend(line);
                }
                found => {
                    later += usize::from(found.is_some());
                    dropped.extend(line);
                }
            }
        }
        if !dropped.is_empty() {
            let aside = path.with_extension("dropped.jsonl");
            if !dropped.ends_with(b"\n") {
                dropped.push(b'\n');
            }
            append(&aside, &dropped)?;
            write_atomically(&path, &kept)?;
            if later > 0 {
                report(format!(
                    "the checkpoint is older than {}: {later} lines of iterations after {iteration} are now in {}",
                    path.display(),
                    aside.display()
                ));
            }
        }
        let file = durable::Journal::open(&path, &kept)?;
        Ok(Self { path, file, iterations })
    }

    /// Appends one line; if that fails the whole line is missing.
    fn write(&mut self, event: &Stamped) -> Result<()> {
        let line = serde_json::to_string(event).context("an event")? + "\n";
        self.file.append(line.as_bytes())
    }
}

/// Lines of the file with their ends, read one by one; none if there is no file.
fn lines(path: &Path) -> Result<impl Iterator<Item = Vec<u8>> + use<>> {
    let mut reader = open_if_there(path)?.map(BufReader::new);
    Ok(std::iter::from_fn(move || {
        let mut line = Vec::new();
        let length = reader.as_mut()?.read_until(b'\n', &mut line).ok()?;
        (length > 0).then_some(line)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Metrics, Restored};

    fn text(path: &Path) -> Vec<u8> {
        std::fs::read(path).expect("the file is there")
    }

    #[test]
    fn what_a_killed_run_left_after_its_checkpoint_is_set_aside_and_the_rest_stays_to_the_letter() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("metrics.jsonl");
        let first = b"{\"z\":0.1,\"iteration\":1,\"normalized_entropy\":0.75}\n";
        let second = b"{\"iteration\":2}\n";
        let rest = b"{\"iteration\":3}\n{\"iterati";
        std::fs::write(&path, [&first[..], b"\xff\n", second, rest].concat()).expect("written");
        let mut reports = Vec::new();
        Journal::open(directory.path(), 2, |report| reports.push(report)).expect("opened");
        assert_eq!(text(&path), [&first[..], second].concat());
        assert_eq!(text(&path.with_extension("dropped.jsonl")), [&b"\xff\n"[..], rest, b"\n"].concat());
        assert!(reports.len() == 1 && reports[0].contains("1 lines of iterations after 2"), "{reports:?}");
    }

    #[test]
    fn missing_lines_are_noticed() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("metrics.jsonl");
        let check = |content: &str, iteration, expected: &str| {
            std::fs::write(&path, content).expect("written");
            let mut reports = Vec::new();
            Journal::open(directory.path(), iteration, |report| reports.push(report)).expect("opened");
            assert!(reports.len() == 1 && reports[0].contains(expected), "{reports:?}");
        };
        check(
            "{\"iteration\":1}\n{\"iteration\":3}\n",
            3,
            "2 of the 3 iterations so far; the first that is missing is 2",
        );
        check("", 7, "0 of the 7 iterations so far; the first that is missing is 1");
    }

    #[test]
    fn a_restored_run_writes_each_iteration_once() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let mut journal = Journal::open(directory.path(), 0, |report| panic!("{report}")).expect("opened");
        let mut write = |event| journal.receive(&Stamped::now(event)).expect("written");
        let iteration = |iteration| Event::Iteration(Box::new(Metrics { iteration, ..Metrics::default() }));
        (1..=5).for_each(|number| write(iteration(number)));
        write(Event::Restored(Restored { iteration: 3, plies: 0, text: "NaN".into() }));
        (4..=6).for_each(|number| write(iteration(number)));
        let found = read(&directory.path().join("metrics.jsonl")).expect("read");
        assert_eq!(found.map(|line| line.event).collect::<Vec<_>>(), (1..=6).map(iteration).collect::<Vec<_>>());
        assert_eq!(read(&directory.path().join("metrics.dropped.jsonl")).expect("read").count(), 2);
        assert_eq!(read(&directory.path().join("absent")).expect("no file is no line").count(), 0);
    }
}
