//! Weights & Biases: a side process, written with its own SDK, that follows the files of a run.

use super::Sink;
use crate::durable::write_atomically;
use crate::event::{Event, Stamped};
use crate::metrics::METRICS;
use crate::settings::SinksSection;
use anyhow::{Context, Result, anyhow};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, create_dir_all};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Program of the side process.
const PROGRAM: &str = include_str!("wandb_follow.py");

/// Shortest and longest time between the end of a process and the start of the next.
const SHORTEST_DELAY: Duration = Duration::from_secs(5);
const LONGEST_DELAY: Duration = Duration::from_mins(5);

/// Length in bytes of the end of the log that an error quotes.
const QUOTED: i64 = 1000;

/// Sink that keeps the side process running.
///
/// The process reads `metrics.jsonl` and `events.jsonl`, and remembers in `sinks/wandb.json` what it has sent: neither its own end
/// nor that of the run loses anything. What it prints stands in `sinks/wandb.log`. It ends by itself when the run does.
pub struct Wandb {
    command: Vec<String>,
    folder: PathBuf,
    child: Option<Child>,
    started: Instant,
    /// Whether the run has started: before that, the files that the process reads may be missing.
    has_begun: bool,
    /// Time before which no process is started.
    waits_until: Option<Instant>,
    delay: Duration,
    is_interrupted: bool,
}

impl Wandb {
    /// Sink of the run in this directory. The process is started when the run has.
    pub fn new(settings: &SinksSection, run: &Path) -> Self {
        let folder = run.join("sinks");
        let program = folder.join("wandb_follow.py");
        let arguments = [run.display().to_string(), settings.wandb_project.clone(), settings.wandb.clone()];
        let command = [settings.wandb_python.clone(), program.display().to_string()].into_iter().chain(arguments);
        Self {
            command: command.collect(),
            folder,
            child: None,
            started: Instant::now(),
            has_begun: false,
            waits_until: None,
            delay: SHORTEST_DELAY,
            is_interrupted: false,
        }
    }

    fn start(&mut self) -> Result<()> {
        self.waits_until = Some(Instant::now() + self.delay);
        self.delay = (self.delay * 2).min(LONGEST_DELAY);
        create_dir_all(&self.folder).with_context(|| self.folder.display().to_string())?;
        write_atomically(&self.folder.join("wandb_follow.py"), PROGRAM.as_bytes())?;
        let log = OpenOptions::new().append(true).create(true).open(self.log()).context("sinks/wandb.log")?;
        let groups: BTreeMap<&str, &str> = METRICS.iter().map(|metric| (metric.key, metric.group)).collect();
        let mut command = Command::new(&self.command[0]);
        command
            .args(&self.command[1..])
            .env("KEISEI_METRIC_GROUPS", serde_json::to_string(&groups).context("groups")?)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().context("sinks/wandb.log")?)
            .stderr(log);
        // A key that stops the run, such as Ctrl-C, is not for the process: it is to send what is left.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        self.child = Some(command.spawn().with_context(|| format!("cannot start {}", self.command[0]))?);
        self.started = Instant::now();
        Ok(())
    }

    fn log(&self) -> PathBuf {
        self.folder.join("wandb.log")
    }

    /// Error if the process has ended.
    fn check(&mut self) -> Result<()> {
        let Some(child) = &mut self.child else { return Ok(()) };
        let Some(status) = child.try_wait().context("side process")? else { return Ok(()) };
        self.child = None;
        if self.started.elapsed() > LONGEST_DELAY {
            self.delay = SHORTEST_DELAY;
        }
        self.waits_until = Some(Instant::now() + self.delay);
        let log = end_of(&self.log()).unwrap_or_default();
        Err(anyhow!("its process ended with {status}: {}", log.trim()))
    }
}

impl Sink for Wandb {
    fn name(&self) -> &'static str {
        "wandb"
    }

    fn receive(&mut self, event: &Stamped) -> Result<()> {
        match &event.event {
            Event::RunStarted(_) => self.has_begun = true,
            Event::RunEnded(end) => self.is_interrupted = end.interrupted,
            _ => {}
        }
        self.check()?;
        if self.has_begun && self.child.is_none() && self.waits_until.is_none_or(|until| Instant::now() >= until) {
            self.start()?;
        }
        Ok(())
    }

    /// Tells the process of the end of the run, and waits until it has sent everything; not if the run was interrupted.
    fn flush(&mut self) -> Result<()> {
        let Some(child) = &mut self.child else { return Ok(()) };
        drop(child.stdin.take());
        if self.is_interrupted {
            return Ok(());
        }
        let status = child.wait().context("side process")?;
        self.child = None;
        if status.success() {
            return Ok(());
        }
        let log = end_of(&self.log()).unwrap_or_default();
        Err(anyhow!("its process ended with {status}: {}", log.trim()))
    }

    fn takes_games(&self) -> bool {
        false
    }

    fn follows_files(&self) -> bool {
        true
    }
}

/// The last lines of a file.
fn end_of(path: &Path) -> Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len() as i64;
    file.seek(SeekFrom::End(-length.min(QUOTED)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::event::{Notice, RunEnded};

    /// Sink whose Python is a shell script.
    fn sink(run: &Path, script: &str) -> Wandb {
        let shell = run.join("python");
        std::fs::write(&shell, format!("#!/bin/sh\n{script}\n")).expect("written");
        std::fs::set_permissions(&shell, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("executable");
        let settings = SinksSection {
            wandb: "offline".into(),
            wandb_python: shell.display().to_string(),
            ..SinksSection::default()
        };
        Wandb { has_begun: true, ..Wandb::new(&settings, run) }
    }

    fn send(sink: &mut Wandb, event: Event) -> Result<()> {
        sink.receive(&Stamped { time: 1e9, event })
    }

    fn notice() -> Event {
        Event::Notice(Notice { text: String::new() })
    }

    #[test]
    fn the_process_gets_its_arguments_and_ends_with_the_run() {
        let run = tempfile::tempdir().expect("temporary directory");
        let mut sink = sink(run.path(), "echo \"$@\"; cat; echo closed");
        send(&mut sink, notice()).expect("started");
        send(&mut sink, Event::RunEnded(RunEnded::default())).expect("told");
        sink.flush().expect("it ended well");
        let log = std::fs::read_to_string(run.path().join("sinks/wandb.log")).expect("a log");
        let path = run.path().display();
        assert_eq!(log, format!("{path}/sinks/wandb_follow.py {path} keisei offline\nclosed\n"));
        assert_eq!(std::fs::read_to_string(run.path().join("sinks/wandb_follow.py")).expect("the program"), PROGRAM);
    }

    #[test]
    fn a_process_that_dies_is_a_failure_and_is_started_again_after_a_while() {
        let run = tempfile::tempdir().expect("temporary directory");
        let mut sink = sink(run.path(), "echo no module named wandb >&2; exit 3");
        send(&mut sink, notice()).expect("started");
        let failed = |sink: &mut Wandb| {
            let begin = Instant::now();
            loop {
                match send(sink, notice()) {
                    Err(error) => return error.to_string(),
                    Ok(()) => assert!(begin.elapsed() < Duration::from_mins(1), "it died"),
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        };
        let error = failed(&mut sink);
        assert!(error.contains("exit status: 3: no module named wandb"), "{error}");
        send(&mut sink, notice()).expect("it waits");
        assert!(sink.child.is_none());
        sink.waits_until = None;
        send(&mut sink, notice()).expect("started again");
        assert!(sink.child.is_some());
        assert!(failed(&mut sink).contains("exit status: 3"));
    }

    #[test]
    fn a_python_that_is_not_there_is_a_failure() {
        let run = tempfile::tempdir().expect("temporary directory");
        let settings = SinksSection { wandb_python: "no-such-python".into(), ..SinksSection::default() };
        let mut sink = Wandb { has_begun: true, ..Wandb::new(&settings, run.path()) };
        let error = format!("{:#}", send(&mut sink, notice()).expect_err("it is not there"));
        assert!(error.contains("cannot start no-such-python"), "{error}");
        sink.flush().expect("nothing to end");
    }
}
