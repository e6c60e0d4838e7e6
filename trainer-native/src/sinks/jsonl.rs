//! `metrics.jsonl`: a line of JSON an iteration.

use crate::event::Metrics;
use anyhow::{Context, Result};
use serde_json::Value;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The metrics of a run, open for more.
pub struct MetricsFile {
    path: PathBuf,
    file: File,
    /// Bytes of whole lines.
    length: u64,
}

impl MetricsFile {
    /// Opens the file of a run that goes on after `iteration`: lines of later iterations, which a killed run may have left,
    /// are dropped.
    ///
    /// # Errors
    /// If the file cannot be read or written.
    pub fn open(path: &Path, iteration: u64) -> Result<Self> {
        let mut kept = String::new();
        for line in text(path)?.lines() {
            if parse(line).is_some_and(|line| line["iteration"].as_u64().is_some_and(|i| i <= iteration)) {
                kept += line;
                kept.push('\n');
            }
        }
        crate::durable::write_atomically(path, kept.as_bytes())?;
        let file = OpenOptions::new().append(true).open(path).with_context(|| path.display().to_string())?;
        Ok(Self { path: path.to_owned(), file, length: kept.len() as u64 })
    }

    /// Appends one line.
    ///
    /// # Errors
    /// If the file cannot be written; the line is then left out as a whole.
    ///
    /// # Panics
    /// Never: metrics are plain data.
    pub fn write(&mut self, metrics: &Metrics) -> Result<()> {
        let line = serde_json::to_string(metrics).expect("plain data") + "\n";
        let written = self.file.write_all(line.as_bytes());
        if written.is_ok() {
            self.length += line.len() as u64;
        } else {
            // Half a line would spoil the next one. Where even this fails, readers skip what they cannot parse.
            self.file.set_len(self.length).ok();
        }
        written.with_context(|| self.path.display().to_string())
    }

    /// Waits until all lines are on the disk.
    ///
    /// # Errors
    /// If they do not get there.
    pub fn sync(&self) -> Result<()> {
        self.file.sync_data().with_context(|| self.path.display().to_string())
    }
}

/// Normalised entropy of the first iteration in a metrics file, if it has one.
///
/// # Errors
/// If the file cannot be read.
pub fn fresh_entropy(path: &Path) -> Result<Option<f64>> {
    Ok(lines(path)?.first().and_then(|line| line["normalized_entropy"].as_f64()))
}

/// The lines of a metrics file that are whole; none if it is not there.
pub(super) fn lines(path: &Path) -> Result<Vec<Value>> {
    Ok(text(path)?.lines().filter_map(parse).collect())
}

fn parse(line: &str) -> Option<Value> {
    serde_json::from_str(line).ok()
}

/// A line that the disk garbled is no reason not to read the others.
fn text(path: &Path) -> Result<String> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_run_left_after_its_checkpoint_is_dropped_and_the_rest_stays_to_the_letter() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("metrics.jsonl");
        let first = b"{\"z\":0.1,\"iteration\":1,\"normalized_entropy\":0.75}\n";
        let rest = b"\xff\n{\"iteration\":2}\n{\"iteration\":3}\n{\"iterati";
        std::fs::write(&path, [&first[..], &rest[..]].concat()).expect("written");
        MetricsFile::open(&path, 2).expect("opened");
        let kept = std::fs::read(&path).expect("read");
        assert_eq!(kept, [&first[..], b"{\"iteration\":2}\n"].concat());
        assert_eq!(fresh_entropy(&path).expect("read"), Some(0.75));
        assert_eq!(fresh_entropy(&directory.path().join("absent")).expect("no file is no line"), None);
    }
}
