//! Processes of a sweep: each agent is trained, and plays, in a process of its own, so that none can take another down.

use crate::run::directory::{busy, is_locked};
use crate::settings::ENVIRONMENT_PREFIX;
use anyhow::{Context, Result, ensure};
use keisei_play::rating::Tally;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// Bytes at the end of a log in which the reason of a failure stands.
const LAST_LINES: usize = 4096;

/// Process of the trainer, with what it prints in files.
pub struct Process {
    arguments: Vec<OsString>,
    /// Directory of the run that it trains; no other process may train there when it starts.
    directory: Option<PathBuf>,
    output: PathBuf,
    log: PathBuf,
    /// The process, once it is started.
    child: Option<Child>,
}

/// End of a process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum End {
    /// It did what was asked.
    Success,
    /// It failed for this reason.
    Failure(String),
}

impl Process {
    /// Process of the trainer with these arguments; `output` receives its standard output and `log` its standard error.
    ///
    /// If another process trains in `directory`, which a killed sweep leaves behind, it is started once that is done.
    ///
    /// # Errors
    /// If it cannot be started, or the files cannot be created.
    pub fn start(arguments: Vec<OsString>, directory: Option<PathBuf>, output: PathBuf, log: PathBuf) -> Result<Self> {
        let mut process = Self { arguments, directory, output, log, child: None };
        process.start_if_free()?;
        Ok(process)
    }

    fn start_if_free(&mut self) -> Result<()> {
        if self.directory.as_deref().is_some_and(is_locked) {
            return Ok(());
        }
        let create = |path: &Path| {
            // A process that a killed sweep left behind may still write to the old file.
            std::fs::remove_file(path).ok();
            File::create(path).with_context(|| format!("{}: cannot create", path.display()))
        };
        let program = std::env::current_exe().context("the trainer's own program")?;
        let mut command = Command::new(&program);
        command.args(&self.arguments).stdin(Stdio::null());
        command.stdout(create(&self.output)?).stderr(create(&self.log)?);
        for (name, _) in std::env::vars_os() {
            // They are in the plan already, below the values of the trial.
            if name.to_string_lossy().starts_with(ENVIRONMENT_PREFIX) {
                command.env_remove(name);
            }
        }
        // Ctrl-C in a terminal reaches the sweep alone, which then stops its processes.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        self.child = Some(command.spawn().with_context(|| format!("{}: cannot start", program.display()))?);
        Ok(())
    }

    /// Whether it waits for another process that trains in its directory.
    pub fn is_waiting(&self) -> bool {
        self.child.is_none()
    }

    /// The end of the process, if it has come.
    ///
    /// # Errors
    /// If it cannot be started or asked.
    pub fn end(&mut self) -> Result<Option<End>> {
        match &mut self.child {
            None => {
                self.start_if_free()?;
                Ok(None)
            }
            Some(child) => {
                let Some(status) = child.try_wait().context("a process cannot be asked")? else { return Ok(None) };
                if status.success() {
                    return Ok(Some(End::Success));
                }
                let reason = self.reason(status);
                if self.directory.is_some() && reason.ends_with(&busy("trains")) {
                    // The one that a killed sweep left behind had not locked its directory when this one was started.
                    self.child = None;
                    return Ok(None);
                }
                Ok(Some(End::Failure(reason)))
            }
        }
    }

    /// Asks the process to stop: one that trains saves its last whole iteration.
    pub fn stop(&mut self) {
        let Some(child) = &mut self.child else { return };
        // If it cannot be signalled, it has ended.
        #[cfg(unix)]
        let _ = rustix::process::kill_process(rustix::process::Pid::from_child(child), rustix::process::Signal::TERM);
        #[cfg(not(unix))]
        let _ = child.kill();
    }

    /// Reason of a failure: the last line about an error in its log, or how it ended.
    fn reason(&self, status: ExitStatus) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(LAST_LINES)..]).into_owned();
        let error = text.lines().rev().find_map(|line| line.strip_prefix("error: "));
        let panic = text.lines().find(|line| line.contains("panicked"));
        match error.or(panic) {
            Some(reason) => reason.trim().to_owned(),
            None => status.to_string(),
        }
    }

    /// Text that it printed.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn output(&self) -> Result<String> {
        std::fs::read_to_string(&self.output).with_context(|| self.output.display().to_string())
    }
}

impl Drop for Process {
    /// Ends the process if it still runs: whatever ends the sweep leaves none behind.
    fn drop(&mut self) {
        self.stop();
        if let Some(child) = &mut self.child {
            let _ = child.wait();
        }
    }
}

/// Arguments that train an agent with the settings in `config`, or go on with it.
pub fn train(directory: &Path, config: &Path, plies: u64, threads: usize) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = ["train", "--plain", "--resume-or-start"].map(Into::into).into();
    let mut add = |name: &str, value: &OsStr| arguments.extend([name.into(), value.to_owned()]);
    add("--out", directory.as_os_str());
    add("--config", config.as_os_str());
    add("--plies", plies.to_string().as_ref());
    add("--set", format!("run.threads={threads}").as_ref());
    arguments
}

/// Arguments that let the model in a file play against each of the opponents.
pub fn play(model: &Path, opponents: &[String], games: usize, seed: u64, threads: usize) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = vec!["evaluate".into(), "--json".into()];
    let mut add = |name: &str, value: &OsStr| arguments.extend([name.into(), value.to_owned()]);
    add("--model", model.as_os_str());
    add("--games", games.to_string().as_ref());
    add("--seed", seed.to_string().as_ref());
    add("--threads", threads.to_string().as_ref());
    for opponent in opponents {
        add("--opponent", opponent.as_ref());
    }
    arguments
}

/// Results against each of `opponents`, as `evaluate --json` prints them, a line each.
///
/// # Errors
/// If it is not what was asked for, or a player forfeited more than half of its games: then the score says nothing.
pub fn results(output: &str, opponents: usize) -> Result<Vec<Tally>> {
    let tally = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).context("a result of evaluate")?;
        let count = |what: &str| line["all"][what].as_u64().map(|count| count as usize).context("a count of games");
        let tally = Tally { wins: count("wins")?, draws: count("draws")?, losses: count("losses")? };
        for (forfeits, name) in line["forfeits"].as_array().into_iter().flatten().zip(["name", "opponent"]) {
            let forfeited = forfeits["count"].as_u64().context("a count of forfeits")? as usize;
            let (games, name, texts) = (tally.games(), &line[name], &forfeits["texts"]);
            ensure!(2 * forfeited <= games, "{name} forfeited {forfeited} of {games} games: {texts}");
        }
        Ok(tally)
    };
    let results = output.lines().map(tally).collect::<Result<Vec<_>>>()?;
    ensure!(results.len() == opponents, "{} of {opponents} results", results.len());
    Ok(results)
}
