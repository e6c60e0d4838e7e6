//! `trainer-native probe`: share of solved probes of models, or probes from recorded games.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use keisei_core::format::Record;
use keisei_play::files::{read, read_model, read_records};
use keisei_play::probes::{self, Probe, Task};
use serde_json::json;

use crate::argument::BadArgument;
use crate::run::MODEL;

/// Arguments of `probe`.
#[derive(clap::Args, Debug)]
pub struct ProbeArgs {
    /// Model files, or folders of runs: their raw policies are asked
    #[arg(required_unless_present = "games", value_name = "MODEL")]
    models: Vec<PathBuf>,
    /// File of probes in place of those of the program
    #[arg(long, value_name = "FILE")]
    set: Option<PathBuf>,
    /// Print one line of JSON for each model instead of a table
    #[arg(long)]
    json: bool,
    /// Record files: print the probes in their games instead of asking models
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["models", "set", "json"])]
    games: Vec<PathBuf>,
    /// Most probes of each task
    #[arg(long, default_value_t = 100, requires = "games")]
    most: usize,
    /// Seed of the choice among the positions of a game
    #[arg(long, default_value_t = 1, requires = "games")]
    seed: u64,
}

/// Scores of the models, or the probes in the games.
///
/// # Errors
/// Names the file that cannot be read or is not what it should be.
pub fn run(args: &ProbeArgs) -> Result<String> {
    if !args.games.is_empty() {
        let games: Vec<Vec<Record>> = args.games.iter().map(|path| read_records(path)).collect::<Result<_>>()?;
        return Ok(probes::text(&probes::generate(&games.concat(), args.most, args.seed)));
    }
    let set = match &args.set {
        None => probes::standard(),
        Some(path) => read_set(path).with_context(|| path.display().to_string())?,
    };
    let mut text = String::new();
    if !args.json {
        let tasks: Vec<String> = Task::ALL.map(|task| task.id().to_owned()).into();
        let counts = Task::ALL.map(|task| set.iter().filter(|probe| probe.task == task).count().to_string());
        writeln!(text, "| model | {} |\n|---|{}", tasks.join(" | "), "---:|".repeat(tasks.len()))?;
        writeln!(text, "| probes | {} |", counts.join(" | "))?;
    }
    for path in &args.models {
        let path = if path.is_dir() { path.join(MODEL) } else { path.clone() };
        let scores = probes::score(&read_model(&path)?, &set);
        if args.json {
            writeln!(text, "{}", json!({ "model": path.display().to_string(), "probes": scores }))?;
        } else {
            let cells = Task::ALL.map(|task| match scores.get(task.id()) {
                Some(score) => format!("{:.3} ({:.3})", score.solved, score.probability),
                None => "-".to_owned(),
            });
            writeln!(text, "| {} | {} |", path.display(), cells.join(" | "))?;
        }
    }
    if !args.json {
        writeln!(
            text,
            "\nShare of the probes that the most probable move solves (mean probability of the solutions)."
        )?;
    }
    Ok(text)
}

fn read_set(path: &Path) -> Result<Vec<Probe>> {
    let text = String::from_utf8(read(path)?)
        .map_err(|_| BadArgument::new("--set", &path.display().to_string(), "is no text"))?;
    probes::read(&text)
}
