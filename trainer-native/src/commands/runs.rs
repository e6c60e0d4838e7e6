//! `trainer-native runs`: the runs in a folder, the newest first.

use crate::event::EvaluationMatch;
use crate::history::{History, is_run};
use crate::run::budget::plies_in_words;
use crate::view::duration;
use anyhow::{Context, Result};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// `trainer-native runs`
#[derive(clap::Args, Debug)]
pub struct RunsArgs {
    /// Folder that holds the directories of runs
    #[arg(default_value = "runs")]
    pub folder: PathBuf,
}

/// Names of the columns.
const COLUMNS: [&str; 8] = ["run", "state", "plies", "budget", "done", "time", "last score", "alarms"];

/// Table of the runs, or a line that there is none; `report` receives what cannot be read.
///
/// # Errors
/// If the folder cannot be read.
pub fn run(args: &RunsArgs, mut report: impl FnMut(&str)) -> Result<String> {
    let mut runs = Vec::new();
    for directory in directories(&args.folder)? {
        match History::glance(&directory) {
            Ok(history) => runs.push(history),
            Err(error) => report(&format!("{error:#}")),
        }
    }
    if runs.is_empty() {
        return Ok(format!("{}: no runs\n", args.folder.display()));
    }
    runs.sort_by(|a, b| b.began.total_cmp(&a.began).then_with(|| b.directory.cmp(&a.directory)));
    let rows: Vec<[String; 8]> = runs.iter().map(row).collect();
    Ok(table(&COLUMNS.map(ToOwned::to_owned), &rows))
}

/// Directories of runs in a folder, and the folder itself if it is one; links such as `latest` would name a run twice.
fn directories(folder: &Path) -> Result<Vec<PathBuf>> {
    if is_run(folder) {
        return Ok(vec![folder.to_owned()]);
    }
    let at = || folder.display().to_string();
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(at)? {
        let entry = entry.with_context(at)?;
        if entry.file_type().with_context(at)?.is_dir() && is_run(&entry.path()) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn row(run: &History) -> [String; 8] {
    let none = || "-".to_owned();
    let budget = run.started.as_ref().map_or(0, |started| started.budget_plies);
    let score = |EvaluationMatch { score, interval: (low, high), opponent, .. }: &EvaluationMatch| {
        format!("{score:.3} [{low:.2}, {high:.2}] {opponent}")
    };
    let m = run.metrics.as_ref();
    let alarms = m.map_or_else(String::new, |m| m.alarms.join(" "));
    [
        run.name(),
        run.activity.name().to_owned(),
        m.map_or_else(none, |m| plies_in_words(m.plies)),
        if budget > 0 { plies_in_words(budget) } else { none() },
        m.map_or_else(none, |m| format!("{:.0} %", 100.0 * m.progress)),
        m.map_or_else(none, |m| duration(m.seconds)),
        run.evaluations.last().map_or_else(none, score),
        if alarms.is_empty() { none() } else { alarms },
    ]
}

/// Table of text with columns as wide as their content.
pub fn table<R: AsRef<[String]>>(head: &[String], rows: &[R]) -> String {
    let lines = || std::iter::once(head).chain(rows.iter().map(AsRef::as_ref));
    let width = |i: usize| lines().map(|row| row[i].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut text = String::new();
    for row in lines() {
        let mut line = String::new();
        for (cell, &width) in row.iter().zip(&widths) {
            let _ = write!(line, "{cell:<width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_listed_with_the_newest_first_and_other_folders_left_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let make = |name: &str, file: &str, content: &str| {
            std::fs::create_dir_all(folder.path().join(name)).expect("created");
            std::fs::write(folder.path().join(name).join(file), content).expect("written");
        };
        let list = || run(&RunsArgs { folder: folder.path().to_owned() }, |report| panic!("{report}")).expect("listed");
        assert!(list().ends_with(": no runs\n"));
        make("other", "notes.txt", "no run");
        let notice = |time| format!("{{\"time\":{time},\"event\":\"notice\",\"text\":\"hello\"}}\n");
        make("old", "events.jsonl", &notice(5));
        make("new", "events.jsonl", &notice(7));
        make("empty", "config.toml", "");
        let list = list();
        let names: Vec<&str> = list.lines().filter_map(|line| line.split(' ').next()).collect();
        assert_eq!(names, ["run", "new", "old", "empty"]);
        assert_eq!(list.lines().nth(1), Some("new    killed  -      -       -     -     -           -"));
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = run(&RunsArgs { folder: "/nowhere".into() }, |_| {}).expect_err("not there");
        assert!(error.to_string().contains("/nowhere"), "{error}");
    }
}
