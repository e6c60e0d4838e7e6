//! `trainer-native settings`: the settings that a run would have or had, with their meaning.

use super::runs::table;
use crate::history::{History, is_run, settings_of};
use crate::run::memory;
use crate::settings::{SettingValue, Sources, json_schema, markdown, text};
use anyhow::Result;
use clap::Subcommand;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Arguments of `settings`.
#[derive(clap::Args, Debug)]
pub struct SettingsArgs {
    /// Subcommand.
    #[command(subcommand)]
    pub command: SettingsCommand,
}

/// Subcommands of `settings`.
#[derive(Subcommand, Debug)]
pub enum SettingsCommand {
    /// List every setting: value in force, default, range, unit and meaning
    List {
        /// Sources of the values.
        #[command(flatten)]
        sources: Sources,
        /// Print a page of the documentation instead
        #[arg(long, conflicts_with_all = ["preset", "config", "set"])]
        markdown: bool,
    },
    /// Print the settings in force as a TOML file, each with its source
    Show {
        /// Directory of a run, or a TOML file: its settings
        #[arg(conflicts_with_all = ["preset", "config", "set"])]
        run: Option<PathBuf>,
        /// Sources of the values.
        #[command(flatten)]
        sources: Sources,
    },
    /// Check settings, and say what a run with them will need
    Check {
        /// Sources of the values.
        #[command(flatten)]
        sources: Sources,
    },
    /// Compare the settings and the programs of two runs, or of two TOML files
    Diff {
        /// Directory of a run, or a TOML file
        first: PathBuf,
        /// Directory of another, or a TOML file
        second: PathBuf,
    },
    /// Print the JSON schema of a file of settings
    Schema,
}

/// What the subcommand prints.
///
/// # Errors
/// As for [`Sources::layers`], or if the files of a run cannot be read.
pub fn run(args: &SettingsArgs) -> Result<String> {
    match &args.command {
        SettingsCommand::List { markdown: true, .. } => Ok(markdown()),
        SettingsCommand::List { sources, .. } => {
            let layers = sources.layers(std::env::vars_os())?;
            Ok(text(&layers.settings()?, |key| layers.source(key)))
        }
        SettingsCommand::Show { run: Some(run), .. } => Ok(settings_of(run)?.to_toml()),
        SettingsCommand::Show { sources, .. } => show(sources),
        SettingsCommand::Check { sources } => {
            let settings = sources.layers(std::env::vars_os())?.settings()?;
            let note = memory::check(&settings, memory::available())?;
            let count = settings.rows().len();
            Ok(format!("{count} settings are valid\n{}", note.map_or_else(String::new, |note| note + "\n")))
        }
        SettingsCommand::Diff { first, second } => diff(first, second),
        SettingsCommand::Schema => Ok(format!("{:#}\n", json_schema())),
    }
}

/// The settings in force as TOML, with the source of each value as a comment.
fn show(sources: &Sources) -> Result<String> {
    let layers = sources.layers(std::env::vars_os())?;
    let rows = layers.settings()?.rows();
    let assignment = |key: &str, value: &SettingValue| match value {
        SettingValue::Name(name) => format!("{key} = \"{name}\""),
        number => format!("{key} = {number}"),
    };
    let lines: Vec<(String, String)> =
        rows.iter().map(|row| (assignment(&row.setting.key, &row.value), layers.source(&row.setting.key))).collect();
    let width = lines.iter().map(|(line, _)| line.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (line, source) in lines {
        let _ = writeln!(text, "{line:<width$}  # {source}");
    }
    Ok(text)
}

/// Table of what differs between two runs: settings, and where and by what they were trained.
fn diff(first: &Path, second: &Path) -> Result<String> {
    let name = |path: &Path| path.display().to_string();
    let rows = differences(&[first.to_owned(), second.to_owned()])?;
    if rows.is_empty() {
        return Ok("the settings are the same\n".to_owned());
    }
    let rows: Vec<[String; 3]> = rows
        .into_iter()
        .map(|(key, mut values)| {
            let second = values.pop().unwrap_or_default();
            [key, values.pop().unwrap_or_default(), second]
        })
        .collect();
    Ok(table(&["setting".to_owned(), name(first), name(second)], &rows))
}

/// Settings that are not the same in all of these runs or TOML files, with their values; then the program, its learner and the
/// machine, where all are runs and they differ.
///
/// # Errors
/// If the settings of one cannot be read.
pub fn differences(paths: &[PathBuf]) -> Result<Vec<(String, Vec<String>)>> {
    let all: Vec<_> = paths.iter().map(|path| settings_of(path)).collect::<Result<_>>()?;
    let columns: Vec<_> = all.iter().map(crate::settings::Settings::rows).collect();
    let mut rows: Vec<(String, Vec<String>)> = Vec::new();
    for (i, row) in columns.first().into_iter().flatten().enumerate() {
        rows.push((row.setting.key.clone(), columns.iter().map(|rows| rows[i].value.to_string()).collect()));
    }
    if paths.iter().all(|path| is_run(path)) {
        let runs: Vec<_> = paths.iter().map(|path| History::glance(path)).collect::<Result<_>>()?;
        let started: Vec<_> = runs.iter().map(|run| run.started.clone()).collect();
        let mut add = |key: &str, of: fn(&crate::event::RunStarted) -> String| {
            rows.push((key.to_owned(), started.iter().map(|run| run.as_ref().map_or_else(String::new, of)).collect()));
        };
        add("(program)", |run| run.machine.version.clone());
        add("(revision)", |run| run.machine.revision.clone());
        add("(toolchain)", |run| run.machine.toolchain.clone());
        add("(learner)", |run| run.learner.clone());
        add("(machine)", |run| format!("{}, {} cores", run.machine.system, run.machine.cores));
    }
    rows.retain(|(_, values)| values.iter().any(|value| *value != values[0]));
    Ok(rows)
}
