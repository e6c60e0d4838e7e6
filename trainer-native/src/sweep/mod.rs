//! Sweeps: trials of different settings, compared by matches and never by a loss.
//!
//! | module | holds |
//! |---|---|
//! | [`space`] | the settings that trials change, with their values |
//! | [`strategy`] | which values the next trial tries |
//! | [`journal`] | the plan and what came of each trial; a sweep that is killed goes on from it |
//! | [`process`] | the processes that train and play |
//! | [`score`] | scores of trials, and how sure they are |
//! | [`table`] | the trials in their order: text, JSON and a diagram |
//!
//! | file | content |
//! |---|---|
//! | `journal.jsonl` | the plan, then what came of each trial |
//! | `sweep.json`, `sweep.svg` | the trials so far, and a diagram of them with parallel coordinates |
//! | `trial-003/seed-1/` | the run of an agent |
//! | `trial-003/seed-1.*` | its settings, and what its processes printed |
//! | `lock` | lock of the one process that sweeps here |

pub mod space;
pub mod strategy;
pub mod journal;
pub mod process;
pub mod score;
pub mod table;
mod chart;

use self::journal::{Agent, BUILT_IN, DEFAULT, Entry, Journal, Progress};
use self::process::{End, Process};
use self::table::Table;
use crate::durable::{sweep as sweep_up, write_atomically, write_whole};
use crate::run::budget::plies_in_words;
use crate::run::controls::Controls;
use crate::run::directory::lock;
use crate::run::{DONE, Flow, MODEL};
use crate::settings::{Preset, Settings};
use anyhow::{Context, Result, bail};
use keisei_core::format::Model;
use keisei_core::format::model::{Dtype, Provenance};
use keisei_core::net::Weights;
use keisei_play::rating::Tally;
use std::fs::{File, create_dir_all};
use std::path::Path;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Time between two looks at the processes.
const MOMENT: Duration = Duration::from_millis(50);

/// Longest wait for processes that were asked to stop.
const LONGEST_STOP: Duration = Duration::from_mins(1);

/// Sweep in progress.
pub struct Sweep {
    journal: Journal,
    /// Agents that are trained or play at the same time.
    jobs: usize,
    /// Threads of each of their processes.
    threads: usize,
    controls: Arc<Controls>,
    running: Vec<Running>,
    /// Lock of the folder, held while this process sweeps there.
    _lock: File,
}

/// Agent whose process runs.
struct Running {
    agent: Agent,
    step: Step,
    process: Process,
    since: Instant,
    /// Whether it was told that another process trains there.
    is_told: bool,
}

/// Step of an agent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Train,
    Play,
}

impl Sweep {
    /// Sweep of the journal that `open` makes of the locked `folder`, with so many processes at once.
    ///
    /// # Errors
    /// If the folder cannot be written, another process sweeps there, or as for `open`.
    pub fn new(
        folder: &Path,
        jobs: usize,
        controls: Arc<Controls>,
        open: impl FnOnce(&Path) -> Result<Journal>,
    ) -> Result<Self> {
        create_dir_all(folder).with_context(|| format!("{}: cannot create", folder.display()))?;
        let lock = lock(folder, "sweeps")?;
        sweep_up(folder)?;
        let journal = open(folder)?;
        let threads = threads_of_a_job(&journal.base, jobs);
        Ok(Self { journal, jobs, threads, controls, running: Vec::new(), _lock: lock })
    }

    /// Trains and compares until all trials are done or the user stops it; `say` is told what happens.
    ///
    /// # Errors
    /// If the default settings fail, the journal cannot be written or no process can be started. A trial that fails is noted
    /// and does not end the sweep.
    pub fn run(&mut self, say: &mut dyn FnMut(&str)) -> Result<Flow> {
        loop {
            if self.controls.is_stopping() {
                self.stop(say)?;
                return Ok(Flow::Stopped);
            }
            if self.running.len() < self.jobs && self.start_next(say)? {
                continue;
            }
            if self.running.is_empty() {
                self.write(write_atomically)?;
                return Ok(Flow::GoesOn);
            }
            sleep(MOMENT);
            self.collect(say)?;
        }
    }

    /// The trials in their order.
    pub fn table(&self) -> Table {
        Table::new(&self.journal)
    }

    /// Starts the next step of an agent, or proposes the next trial; false if there is nothing to do now.
    fn start_next(&mut self, say: &mut dyn FnMut(&str)) -> Result<bool> {
        let Some((agent, step)) = self.next_step()? else {
            let Some(point) = self.journal.proposal()? else { return Ok(false) };
            let trial = self.journal.points.len();
            self.journal.add(Entry::Proposed { trial, point })?;
            say(&format!("trial {trial}: {}", self.values(trial)));
            return Ok(true);
        };
        let started = match step {
            Step::Train => self.train(agent),
            Step::Play => self.play(agent),
        };
        match started {
            Ok(Some(process)) => {
                let since = Instant::now();
                self.running.push(Running { agent, step, process, since, is_told: false });
            }
            Ok(None) => {}
            Err(error) => self.fail(agent, &format!("{error:#}"), say)?,
        }
        Ok(true)
    }

    /// The first step that can be taken now, in the order of rungs, trials and seeds.
    fn next_step(&self) -> Result<Option<(Agent, Step)>> {
        for rung in 0..self.journal.rungs.len() {
            for trial in self.journal.trials(rung) {
                if let Some(reason) = self.journal.failure(rung, trial) {
                    if trial == 0 {
                        bail!("the settings that the sweep starts from fail: {reason}");
                    }
                    continue;
                }
                for agent in self.journal.agents_of(rung, trial) {
                    if self.running.iter().any(|running| running.agent == agent) {
                        continue;
                    }
                    match self.journal.agents.get(&agent) {
                        None => return Ok(Some((agent, Step::Train))),
                        Some(Progress::Trained) if self.has_opponents(rung) => return Ok(Some((agent, Step::Play))),
                        Some(_) => {}
                    }
                }
            }
        }
        Ok(None)
    }

    /// Whether the opponents of a rung are there: the agents of the default settings, if they are among them.
    fn has_opponents(&self, rung: usize) -> bool {
        let is_there = |agent| matches!(self.journal.agents.get(&agent), Some(Progress::Trained | Progress::Played(_)));
        !self.journal.plan.opponents.iter().any(|opponent| opponent == DEFAULT)
            || self.journal.agents_of(rung, 0).all(is_there)
    }

    /// Process that trains an agent.
    fn train(&self, agent: Agent) -> Result<Option<Process>> {
        let settings = self.journal.settings(agent, self.threads)?;
        let directory = self.journal.directory(agent);
        let beside = |extension: &str| directory.with_extension(extension);
        create_dir_all(directory.parent().unwrap_or(&directory))
            .with_context(|| format!("{}: cannot create its folder", directory.display()))?;
        let config = beside("toml");
        write_whole(&config, settings.to_toml().as_bytes())?;
        let arguments = process::train(&directory, &config, settings.run.plies, self.threads);
        Process::start(arguments, Some(directory.clone()), beside("train.txt"), beside("train.log")).map(Some)
    }

    /// Process in which an agent plays; none if it has no opponent but itself, which is noted at once.
    fn play(&mut self, agent: Agent) -> Result<Option<Process>> {
        let files: Vec<String> = self.opponents(agent).into_iter().flatten().collect();
        if files.is_empty() {
            let results = vec![[0; 3]; self.journal.plan.opponents.len()];
            self.journal.add(Entry::Played { agent, results })?;
            return Ok(None);
        }
        let directory = self.journal.directory(agent);
        let (games, seed) = (self.journal.plan.games, self.journal.base.seed);
        let arguments = process::play(&directory.join(MODEL), &files, games, seed, self.threads);
        let beside = |extension: &str| directory.with_extension(extension);
        Process::start(arguments, None, beside("play.jsonl"), beside("play.log")).map(Some)
    }

    /// Files and names that stand for each opponent of the plan.
    fn opponents(&self, agent: Agent) -> Vec<Vec<String>> {
        let models = || {
            let others = self.journal.agents_of(agent.rung, 0).filter(|&other| other != agent);
            others.map(|other| self.journal.directory(other).join(MODEL).display().to_string()).collect()
        };
        let opponents = self.journal.plan.opponents.iter();
        opponents.map(|opponent| if opponent == DEFAULT { models() } else { vec![opponent.clone()] }).collect()
    }

    /// Takes over what has ended.
    fn collect(&mut self, say: &mut dyn FnMut(&str)) -> Result<()> {
        let mut i = 0;
        while i < self.running.len() {
            let running = &mut self.running[i];
            let end = running.process.end()?;
            if running.process.is_waiting() && !running.is_told {
                running.is_told = true;
                say(&format!("{}: waiting for a process that still trains there", name(running.agent)));
            }
            let Some(end) = end else {
                i += 1;
                continue;
            };
            let ended = self.running.remove(i);
            match end {
                End::Success => self.accept(&ended, say)?,
                End::Failure(reason) => self.fail(ended.agent, &reason, say)?,
            }
        }
        Ok(())
    }

    fn accept(&mut self, ended: &Running, say: &mut dyn FnMut(&str)) -> Result<()> {
        let agent = ended.agent;
        let took = format!("{:.0} s", ended.since.elapsed().as_secs_f64());
        match ended.step {
            Step::Train => {
                if !is_done(&ended.process) {
                    // It was stopped from outside, and goes on.
                    say(&format!("{}: stopped after {took}", name(agent)));
                    return Ok(());
                }
                self.journal.add(Entry::Trained { agent })?;
                let plies = plies_in_words(self.journal.rungs[agent.rung].plies);
                say(&format!("{}: {plies} plies in {took}", name(agent)));
            }
            Step::Play => {
                let opponents = self.opponents(agent);
                let count = opponents.iter().map(Vec::len).sum();
                let results = match ended.process.output().and_then(|output| process::results(&output, count)) {
                    Ok(results) => results,
                    Err(error) => return self.fail(agent, &format!("{error:#}"), say),
                };
                let mut results = results.into_iter();
                let sum = |files: &Vec<String>| {
                    let tally = results.by_ref().take(files.len()).fold(Tally::default(), |sum, tally| sum + tally);
                    [tally.wins, tally.draws, tally.losses]
                };
                let results = opponents.iter().map(sum).collect();
                self.journal.add(Entry::Played { agent, results })?;
                if let Some(Progress::Played(tallies)) = self.journal.agents.get(&agent) {
                    say(&format!("{}: score {:.3} in {took}", name(agent), score::of_agent(tallies)));
                }
                self.write(write_whole)?;
            }
        }
        Ok(())
    }

    fn fail(&mut self, agent: Agent, reason: &str, say: &mut dyn FnMut(&str)) -> Result<()> {
        say(&format!("{}: failed: {reason}", name(agent)));
        self.journal.add(Entry::Failed { agent, reason: reason.to_owned() })?;
        self.write(write_whole)
    }

    /// Stops all processes; what is trained in full is noted, the rest goes on when the sweep is resumed.
    fn stop(&mut self, say: &mut dyn FnMut(&str)) -> Result<()> {
        self.running.retain_mut(|running| !running.process.is_waiting());
        self.running.iter_mut().for_each(|running| running.process.stop());
        let begin = Instant::now();
        while let Some(mut running) = self.running.pop() {
            while running.process.end()?.is_none() && begin.elapsed() < LONGEST_STOP {
                sleep(MOMENT);
            }
            if running.step == Step::Train && is_done(&running.process) {
                self.accept(&running, say)?;
            }
        }
        self.write(write_whole)
    }

    /// Writes the trials so far.
    fn write(&self, write: fn(&Path, &[u8]) -> Result<()>) -> Result<()> {
        let table = self.table();
        write(&self.journal.folder().join("sweep.json"), format!("{:#}\n", table.json()).as_bytes())?;
        write(&self.journal.folder().join("sweep.svg"), chart::svg(&table)?.as_bytes())
    }

    fn values(&self, trial: usize) -> String {
        let dimensions = &self.journal.plan.space.dimensions;
        let value = |(dimension, value): (&space::Dimension, &String)| format!("{}={value}", dimension.key);
        dimensions.iter().zip(&self.journal.points[trial]).map(value).collect::<Vec<_>>().join(" ")
    }
}

/// Whether a process that trained has spent its budget.
fn is_done(process: &Process) -> bool {
    process.output().is_ok_and(|output| output.lines().next() == Some(DONE))
}

fn name(agent: Agent) -> String {
    let rung = if agent.rung > 0 { format!(", rung {}", agent.rung + 1) } else { String::new() };
    format!("trial {}, seed {}{rung}", agent.trial, agent.seed + 1)
}

/// Threads of each of so many processes at once, which share those of the settings.
pub fn threads_of_a_job(settings: &Settings, jobs: usize) -> usize {
    (settings.threads() / jobs).max(1)
}

/// Plays a game of a small untrained network against each opponent that is no name of the trainer's own, so that one that
/// cannot be used is refused before anything is trained.
///
/// # Errors
/// The message of the match that failed.
pub fn try_opponents(folder: &Path, opponents: &[String]) -> Result<()> {
    let others: Vec<&String> = opponents.iter().filter(|opponent| !BUILT_IN.contains(&opponent.as_str())).collect();
    if others.is_empty() {
        return Ok(());
    }
    let settings = Preset::Tiny.settings();
    let weights = Weights::init(&settings.spec(), 1).context("a small network")?;
    let (features, actions) = (settings.features(), settings.actions());
    let model = Model { features, actions, provenance: Provenance::default(), weights };
    let path = folder.join("untrained.model");
    write_whole(&path, &model.to_bytes(Dtype::F32).context("a small network")?)?;
    for opponent in others {
        let arguments = process::play(&path, std::slice::from_ref(opponent), 2, 1, 1);
        let mut process = Process::start(arguments, None, path.with_extension("jsonl"), path.with_extension("log"))?;
        let end = loop {
            match process.end()? {
                Some(end) => break end,
                None => sleep(MOMENT),
            }
        };
        if let End::Failure(reason) = end {
            bail!("--opponent {opponent}: {reason}");
        }
        process::results(&process.output()?, 1).with_context(|| format!("--opponent {opponent}"))?;
    }
    Ok(())
}
