//! `metrics.jsonl`: one line of JSON per iteration.

use crate::durable::{FileDigest, Journal};
use crate::event::Metrics;
use anyhow::{Context, Result};
use serde_json::Value;
use std::path::Path;

/// Metrics file of a run, open for appending.
pub struct MetricsFile(Journal);

impl MetricsFile {
    /// Opens the file of a run that resumes after `iteration`; lines of later iterations, which a killed run may have left, are
    /// deleted.
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
        Ok(Self(Journal::create(path, kept.as_bytes())?))
    }

    /// Appends one line.
    ///
    /// # Errors
    /// If the file cannot be written; the whole line is then missing.
    ///
    /// # Panics
    /// Never: metrics are plain data.
    pub fn write(&mut self, metrics: &Metrics) -> Result<()> {
        let line = serde_json::to_string(metrics).expect("plain data") + "\n";
        self.0.append(line.as_bytes())
    }

    /// Waits until all lines are on the disk.
    ///
    /// # Errors
    /// If they cannot be written to the disk.
    pub fn sync(&self) -> Result<()> {
        self.0.sync()
    }

    /// Digest of all lines, for the checkpoint.
    pub fn digest(&self) -> FileDigest {
        self.0.digest()
    }
}

/// Normalised entropy of the first iteration in a metrics file, if it has one.
///
/// # Errors
/// If the file cannot be read.
pub fn fresh_entropy(path: &Path) -> Result<Option<f64>> {
    Ok(lines(path)?.first().and_then(|line| line["normalized_entropy"].as_f64()))
}

/// Complete lines of a metrics file; none if the file does not exist.
pub(super) fn lines(path: &Path) -> Result<Vec<Value>> {
    Ok(text(path)?.lines().filter_map(parse).collect())
}

fn parse(line: &str) -> Option<Value> {
    serde_json::from_str(line).ok()
}

/// Text of the file, in which bytes that are not UTF-8 are replaced: a damaged line must not hide the others.
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
