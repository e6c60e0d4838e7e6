//! `trainer-native report`: one HTML page about one or several runs.

use crate::durable::write_atomically;
use crate::report::html;
use crate::run::directory::behind_link;
use anyhow::Result;
use std::path::PathBuf;

/// `trainer-native report`
#[derive(clap::Args, Debug)]
pub struct ReportArgs {
    /// Directories of the runs, the first one's curve first
    #[arg(default_value = crate::run::directory::LATEST)]
    pub runs: Vec<PathBuf>,
    /// File of the page [default: report.html in the directory of the first run]
    #[arg(long)]
    pub out: Option<PathBuf>,
}

/// Writes the page and returns a line with its path.
///
/// # Errors
/// If a run cannot be read, or the file cannot be written.
pub fn run(args: &ReportArgs) -> Result<String> {
    let directories: Vec<PathBuf> = args.runs.iter().map(|run| behind_link(run)).collect();
    let page = html(&directories)?;
    let out = args.out.clone().unwrap_or_else(|| directories[0].join("report.html"));
    write_atomically(&out, page.as_bytes())?;
    Ok(format!("report {}\n", out.display()))
}
