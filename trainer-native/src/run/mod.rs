//! Runs and their directories: how a run starts, resumes, goes on, is saved and ends.
//!
//! | file                           | content                                                          |
//! |--------------------------------|------------------------------------------------------------------|
//! | `config.toml`                  | the settings in force                                            |
//! | `metrics.jsonl`, `events.jsonl`| one line per iteration, and one per other event                  |
//! | `log.txt`, `curve.svg`         | the same as text with times, and as a plot                       |
//! | `tensorboard/`, `sinks/`      | event files of TensorBoard, and the state of other sinks         |
//! | `model.model`                  | the network of the newest checkpoint                             |
//! | `best.model`                   | the best agent so far, by the gate                               |
//! | `league/*.model`               | snapshots of the agent that the league plays against             |
//! | `games/*.record`               | games of self-play; the newest of them also in `games.record`    |
//! | `checkpoints/*.checkpoint`     | all that is needed to resume, see [`checkpoint`]                 |
//! | `lock`                         | lock of the one process that may write here                      |

pub mod budget;
pub mod card;
pub mod checkpoint;
pub mod controls;
pub mod directory;
pub mod fit;
pub mod guard;
pub mod interval;
pub mod memory;
pub mod model;
pub mod worker;

use self::budget::{Speed, plies_in_words};
use self::checkpoint::{Checkpoint, Pin, Retention, State, Store, load_from, set_aside_after};
use self::controls::Controls;
use self::directory::Directory;
use self::guard::Remedy;
use self::interval::Interval;
use self::model::{leaving, model_of};
use self::worker::{Done, Iterated, Job, Worker};
use crate::alarm::AlarmState;
use crate::durable::FileDigest;
use crate::event::{
    Alarm, CheckpointWritten, EndedGames, Event, GameEnded, Machine, Metrics, Notice, Perf, Restored, RunEnded,
    RunStarted,
};
use crate::league::{self, Snapshots};
use crate::ranks::follow::in_this_process;
use crate::settings::Settings;
use crate::sinks::{Digests, Journal, Patience, Sink, SinkCounters, Sinks, from_settings, read};
use crate::trainer::{Report, Trainer};
use anyhow::{Context, Result, bail};
use keisei_core::format::model::{Dtype, Model, Provenance};
use keisei_core::format::record::{self, Record};
use keisei_core::learn::{Collected, RatioTolerance, Reduce, share};
use keisei_core::shogi::{Color, GameResult};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// File name of the current model in a run's directory.
pub const MODEL: &str = "model.model";

/// File name of the best agent so far in a run's directory.
pub const BEST: &str = "best.model";

/// File name of the latest games in a run's directory, and in the page's.
pub const GAMES: &str = "games.record";

/// First line of the summary of a run that has spent its budget.
pub const DONE: &str = "done";

/// File name of the settings in a run's directory.
const SETTINGS: &str = "config.toml";

/// Longest time between two looks at the [`Controls`].
const MOMENT: Duration = Duration::from_millis(20);

/// Longest wait for servers and stores at the end of a run that the user has stopped, in seconds.
const MOST_AT_A_STOP: f64 = 3.0;

/// Longest wait for the other ranks at the end of a run, in seconds: they have nothing to do.
const LAST_ORDER: f64 = 10.0;

/// A run in progress.
pub struct Run {
    /// Directory of the run.
    pub directory: Directory,
    /// Settings in force.
    pub settings: Settings,
    /// Wishes of the user.
    pub controls: Arc<Controls>,
    worker: Worker,
    /// State after the last whole iteration.
    state: State,
    /// Snapshots of its league.
    snapshots: Snapshots,
    /// Snapshots whose files are written, and the one that is the best agent in its file.
    written: BTreeSet<u32>,
    written_best: Option<u32>,
    checkpoints: Store,
    sinks: Sinks,
    /// Digests of the files that sinks write, for checkpoints.
    digests: Digests,
    alarms: AlarmState,
    /// Best score in an evaluation.
    best: Option<f64>,
    /// Games that are not yet written to a record file.
    records: Vec<Record>,
    tolerance: RatioTolerance,
    /// Seconds that earlier parts of the run took.
    seconds_before: f64,
    started: Instant,
    /// Time at which the last job was done.
    idle_since: Instant,
    /// Iteration of the last checkpoint, and whether writing one has failed since.
    saved: u64,
    is_unsaved: bool,
}

/// Whether a run goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flow {
    /// It does.
    GoesOn,
    /// The user has stopped it.
    Stopped,
}

impl Run {
    /// Starts a new run in `directory`. Its events go to `sinks`, of which the first should be the display, and to those that the
    /// settings ask for.
    ///
    /// # Errors
    /// If this machine does not support the learner, or the directory cannot be written.
    pub fn start(
        settings: Settings,
        directory: Directory,
        sinks: Vec<Box<dyn Sink>>,
        controls: Arc<Controls>,
    ) -> Result<Self> {
        Self::start_among(settings, directory, sinks, controls, None)
    }

    /// As [`start`](Self::start), as rank 0 of these processes, which [follow](crate::ranks::follow::follow) it. Without any, ranks are threads
    /// of this process.
    ///
    /// # Errors
    /// As for [`start`](Self::start), or if a rank cannot begin.
    pub fn start_among(
        settings: Settings,
        directory: Directory,
        sinks: Vec<Box<dyn Sink>>,
        controls: Arc<Controls>,
        processes: Option<Arc<dyn Reduce>>,
    ) -> Result<Self> {
        memory::check(&settings, memory::available())?;
        card::check(&settings)?;
        let trainer = Trainer::fresh(settings)?;
        let directory = directory.create()?;
        let mut run = Self::open(trainer, directory, sinks, controls, 0.0, processes)?;
        // From here on a run that is killed can be resumed.
        run.save()?;
        run.directory.point_latest()?;
        Ok(run)
    }

    /// Resumes the run in `directory` from its newest sound checkpoint, or from that of `iteration`, with its settings changed by
    /// `over`, with `sinks` as for [`start`](Self::start) and `processes` as for [`start_among`](Self::start_among). Later checkpoints are set
    /// aside.
    ///
    /// # Errors
    /// If no such checkpoint is sound, the new settings do not fit the state, or a rank cannot begin.
    pub fn resume(
        directory: Directory,
        iteration: Option<u64>,
        over: impl FnOnce(Settings) -> Result<Settings>,
        sinks: Vec<Box<dyn Sink>>,
        controls: Arc<Controls>,
        processes: Option<Arc<dyn Reduce>>,
    ) -> Result<Self> {
        let loaded = load_from(&directory.checkpoints(), iteration)?;
        let mut notices: Vec<String> = loaded.skipped.iter().map(ToString::to_string).collect();
        let Checkpoint { state, seconds, files, .. } = loaded.checkpoint;
        let stored = Settings::from_toml(&state.config).context("settings in the checkpoint")?;
        let edited = edits(&directory, &stored);
        // An edited file of settings is told of by its settings.
        let changed = files.iter().filter(|file| file.name != SETTINGS || edited.is_none());
        let changed = changed.filter_map(|file| file.check(directory.path()).err());
        notices.extend(changed.map(|error| format!("{error:#}; the run goes on from its checkpoint")));
        notices.extend(edited);

        let settings = over(stored.clone())?;
        card::check(&settings)?;
        let has_changed = settings.to_toml() != state.config;
        let mut trainer = Trainer::fresh(settings)?;
        (trainer.guard, trainer.done) = (state.guard.clone(), state.done);
        let alarms = postcard::from_bytes(&state.alarms).unwrap_or_default();
        let state = state.under(&trainer.settings);
        let snapshots = state.league.load(directory.path(), &trainer.settings)?;
        trainer.restore(state, snapshots)?;
        // Only now that nothing can refuse the checkpoint.
        let done = trainer.done;
        let aside = set_aside_after(&directory.checkpoints(), done.iterations)?;
        notices.extend(aside.iter().map(|path| format!("set aside: {}", path.display())));
        let mut run = Self { alarms, ..Self::open(trainer, directory, sinks, controls, seconds, processes)? };
        run.state.alarms = postcard::to_allocvec(&run.alarms).context("alarms")?;
        for text in notices {
            run.say(text);
        }
        run.say_changes(&stored, done.plies);
        if has_changed {
            // From here on a kill does not lose the new settings.
            run.save_or_tell();
        }
        Ok(run)
    }

    fn open(
        mut trainer: Trainer,
        directory: Directory,
        mut sinks: Vec<Box<dyn Sink>>,
        controls: Arc<Controls>,
        seconds: f64,
        processes: Option<Arc<dyn Reduce>>,
    ) -> Result<Self> {
        directory.sweep()?;
        let mut notices = Vec::new();
        let iteration = trainer.done.iterations;
        let journal = Journal::open(directory.path(), iteration, |text| notices.push(text))?;
        let digests = journal.digests();
        sinks.push(Box::new(journal));
        sinks.extend(from_settings(&trainer.settings, directory.path())?);
        let sinks = Sinks::start(sinks, Patience::from(&trainer.settings.sinks))?;
        let say = |text: String| sinks.send(Event::Notice(Notice { text }));

        let count = processes.as_ref().map_or(1, |ranks| ranks.ranks());
        set_budget(&mut trainer, seconds, count, say)?;
        directory.write(SETTINGS, trainer.settings.to_toml().as_bytes())?;
        sinks.send(Event::RunStarted(Box::new(RunStarted {
            directory: directory.path().to_owned(),
            iteration,
            plies: trainer.done.plies,
            budget_plies: trainer.settings.run.plies,
            settings: trainer.settings.clone(),
            weights: trainer.weights.data().len(),
            learner: trainer.learner.name(),
            machine: Machine::this(),
        })));
        notices.extend(trainer.learner.notice().map(ToOwned::to_owned));
        notices.extend(memory::check(&trainer.settings, None)?);
        notices.extend(card::check(&trainer.settings)?);
        notices.extend(doubts(&trainer.settings));
        notices.into_iter().for_each(say);
        let kind = if processes.is_some() { "a process" } else { "a thread" };
        let (ranks, threads) = match processes {
            Some(ranks) => (ranks, None),
            None => in_this_process(&trainer.settings)?,
        };
        if ranks.ranks() > 1 {
            say(format!("rank 0 of {}, each {kind}: {}", ranks.ranks(), shares(&trainer.settings)));
        }
        let state = trainer.state()?;
        Ok(Self {
            checkpoints: Store::new(&directory.checkpoints()),
            best: best_score(&directory)?,
            digests,
            directory,
            settings: trainer.settings.clone(),
            controls,
            state,
            written: trainer.league.snapshots().keys().copied().collect(),
            written_best: None,
            snapshots: trainer.league.snapshots().clone(),
            tolerance: trainer.learner.ratio_tolerance(),
            worker: Worker::start(trainer, ranks, threads)?,
            sinks,
            alarms: AlarmState::default(),
            records: Vec::new(),
            seconds_before: seconds,
            started: Instant::now(),
            idle_since: Instant::now(),
            saved: iteration,
            is_unsaved: false,
        })
    }

    /// Tells of the budget and the schedules where settings differ from the `stored` ones.
    fn say_changes(&self, stored: &Settings, plies: u64) {
        let (old, new) = (part(plies, stored.run.plies), part(plies, self.settings.run.plies));
        if old != new {
            let values = |settings: &Settings, progress| {
                let (rates, estimation) = settings.schedules(progress);
                [rates.learning_rate, rates.ent_coef, estimation.prior_weight]
            };
            let (from, to) = (values(stored, old), values(&self.settings, new));
            let names = ["ppo.learning_rate", "ppo.ent_coef", "estimation.prior_weight"];
            let move_of = |i: usize| format!("{} {} → {}", names[i], rounded(from[i]), rounded(to[i]));
            let moves: Vec<String> = (0..3).map(move_of).collect();
            self.say(format!(
                "the budget changes from {} to {} plies: schedules go from {:.0} % to {:.0} % of the run: {}",
                plies_in_words(stored.run.plies),
                plies_in_words(self.settings.run.plies),
                100.0 * old,
                100.0 * new,
                moves.join(", ")
            ));
        }
        for (old, new) in stored.rows().iter().zip(self.settings.rows()) {
            if old.value != new.value && !["run.plies", "run.minutes"].contains(&new.setting.key.as_str()) {
                let what = format!("{} changes from {} to {}", new.setting.key, old.value, new.value);
                let is_ranks = new.setting.key == "run.ranks";
                let anew = || format!("{what}: the games are shared out anew, {}", shares(&self.settings));
                self.say(if is_ranks { anew() } else { what });
            }
        }
    }

    /// Tells the user.
    pub fn say(&self, text: String) {
        self.sinks.send(Event::Notice(Notice { text }));
    }

    /// Counters of the sinks, in their order.
    pub fn sink_counters(&self) -> Vec<SinkCounters> {
        self.sinks.counters()
    }

    /// Seconds that the run has taken, earlier parts included.
    pub fn seconds(&self) -> f64 {
        self.seconds_before + self.started.elapsed().as_secs_f64()
    }

    /// Part of the budget that is spent, 0–1; always 0 without a budget, so that schedules stay at their start.
    pub fn progress(&self) -> f64 {
        part(self.state.done.plies, self.settings.run.plies)
    }

    /// Whether the budget is spent.
    pub fn is_over(&self) -> bool {
        self.progress() >= 1.0
    }

    /// Runs one iteration, tells of it, and saves if a checkpoint is due.
    ///
    /// # Errors
    /// If the learner fails, or the guard has tried everything. What was saved before stays.
    pub fn iterate(&mut self) -> Result<Flow> {
        let before = (self.state.done.plies, self.millis());
        let log_seconds = self.idle_since.elapsed().as_secs_f64();
        let job = Job::Iterate { progress: self.progress(), shown: self.controls.shown() };
        match self.work(job)? {
            None => return Ok(Flow::Stopped),
            Some(Done::Iterated(iterated)) => self.accept(*iterated, log_seconds)?,
            Some(Done::Failed(error, Remedy::Restore)) => self.restore(&error.to_string())?,
            Some(Done::Failed(error, _)) => return Err(self.broken_off(error)),
            Some(_) => unreachable!("an iteration was asked for"),
        }
        let by_plies = Interval(self.settings.run.checkpoint_plies);
        let by_time = Interval((60_000.0 * self.settings.run.checkpoint_minutes) as u64);
        if by_plies.crossed(before.0, self.state.done.plies) || by_time.crossed(before.1, self.millis()) {
            self.save_or_tell();
        }
        Ok(Flow::GoesOn)
    }

    /// The error that ends the run, after what was learned up to the last whole iteration is saved.
    fn broken_off(&mut self, error: anyhow::Error) -> anyhow::Error {
        let saved = if self.saved == self.state.done.iterations { Ok(()) } else { self.save() };
        let folder = self.directory.path().display();
        error.context(match saved {
            Ok(()) => format!(
                "the run breaks off; its checkpoint of iteration {} is whole: go on with train --resume {folder}",
                self.saved
            ),
            Err(error) => format!(
                "the run breaks off, and iteration {} could not be saved: {error:#}; its checkpoint of iteration {} stays",
                self.state.done.iterations, self.saved
            ),
        })
    }

    /// Plays the match against the greedy player, if one is due after the last iteration or asked for.
    ///
    /// # Errors
    /// If the thread that trains has panicked.
    pub fn evaluate_if_due(&mut self) -> Result<Flow> {
        let plies = self.state.done.plies;
        let before = plies.saturating_sub(self.settings.iteration_plies());
        let is_due = Interval(self.settings.run.evaluate_plies).crossed(before, plies);
        if !is_due && !self.controls.take_evaluate() {
            return Ok(Flow::GoesOn);
        }
        let evaluation = match self.work(Job::Evaluate)? {
            Some(Done::Evaluated(evaluation)) => evaluation,
            Some(_) => unreachable!("a match was asked for"),
            None => return Ok(Flow::Stopped),
        };
        let is_best = self.best.is_none_or(|best| evaluation.score > best);
        if is_best {
            self.best = Some(evaluation.score);
        }
        self.sinks.send(Event::Evaluation(evaluation));
        if is_best {
            self.save_or_tell();
            if let Err(error) = self.checkpoints.pin(Pin::Best, self.state.done.iterations) {
                self.say(format!("the best checkpoint could not be pinned: {error:#}"));
            }
        }
        Ok(Flow::GoesOn)
    }

    /// The result of a job; none if the user stops the run, whatever the job is at.
    fn work(&mut self, job: Job) -> Result<Option<Done>> {
        while self.controls.is_paused() && !self.controls.is_stopping() {
            std::thread::sleep(MOMENT);
        }
        if self.controls.is_stopping() {
            return Ok(None);
        }
        self.worker.give(job)?;
        loop {
            let done = self.worker.wait(MOMENT)?;
            if done.is_some() || self.controls.is_stopping() {
                self.idle_since = Instant::now();
                return Ok(done);
            }
        }
    }

    /// Takes over the results of an iteration.
    fn accept(&mut self, iterated: Iterated, log_seconds: f64) -> Result<()> {
        let Iterated { mut report, state, shown, league, gate, snapshots } = iterated;
        (self.state, self.snapshots) = (state, snapshots);
        self.records.append(&mut report.collected.records);
        let remedy = report.remedy;
        let iteration = self.state.done.iterations;
        for game in &report.collected.ended {
            let winner = match game.outcome.result {
                GameResult::Win(Color::Black) => Some("black".to_owned()),
                GameResult::Win(Color::White) => Some("white".to_owned()),
                GameResult::Draw | GameResult::Truncated => None,
            };
            let reason = game.outcome.reason.id().to_owned();
            self.sinks.send(Event::GameEnded(GameEnded { iteration, plies: game.plies, winner, reason }));
        }
        let mut metrics = Metrics { league, shown, ..self.metrics(&report, log_seconds) };
        let news = self.alarms.observe(&mut metrics, &report.collected.ended, self.tolerance);
        self.state.alarms = postcard::to_allocvec(&self.alarms).context("alarms")?;
        if self.is_unsaved {
            metrics.alarms.push("not_saved".into());
        }
        self.sinks.send(Event::Iteration(Box::new(metrics)));
        for alarm in news {
            self.sinks.send(Event::Alarm(alarm));
        }
        if let Some(gate) = gate {
            self.sinks.send(Event::Gate(gate));
        }
        match remedy {
            Remedy::Nothing => {}
            Remedy::Skip => self.say("an update without a finite gradient is left out".into()),
            Remedy::Halve => {
                self.say("a second update without a finite gradient: the learning rate is halved".into());
            }
            Remedy::Restore => self.restore("updates have no finite gradient")?,
            Remedy::Stop => bail!(
                "updates have no finite gradient, and going back to a checkpoint at half the learning rate did not help; \
                 the last good checkpoint is that of iteration {}",
                self.saved
            ),
        }
        Ok(())
    }

    /// Goes back to the last good checkpoint.
    fn restore(&mut self, reason: &str) -> Result<()> {
        let loaded = load_from(&self.directory.checkpoints(), None)?;
        loaded.skipped.iter().for_each(|skipped| self.say(skipped.to_string()));
        let state = loaded.checkpoint.state.under(&self.settings);
        let snapshots = state.league.load(self.directory.path(), &self.settings)?;
        match self.work(Job::Restore(Box::new(state.clone()), snapshots.clone()))? {
            Some(Done::Restored(restored)) => restored?,
            Some(_) => unreachable!("a return to a state was asked for"),
            None => return Ok(()),
        }
        set_aside_after(&self.directory.checkpoints(), state.done.iterations)?;
        self.alarms = postcard::from_bytes(&state.alarms).unwrap_or_default();
        self.saved = state.done.iterations;
        self.written = snapshots.keys().copied().collect();
        (self.state, self.snapshots, self.written_best) = (state, snapshots, None);
        self.records.clear();
        let text = format!("{reason}; the learning rate is halved");
        let done = self.state.done;
        self.sinks.send(Event::Restored(Restored { iteration: done.iterations, plies: done.plies, text }));
        Ok(())
    }

    fn millis(&self) -> u64 {
        (1000.0 * self.seconds()) as u64
    }

    fn metrics(&self, report: &Report, log_seconds: f64) -> Metrics {
        let Report { collected, update, rates, estimation, collect_seconds, learn_seconds, .. } = report;
        let done = self.state.done;
        Metrics {
            iteration: done.iterations,
            plies: done.plies,
            games: done.games,
            seconds: self.seconds(),
            progress: self.progress(),
            update: *update,
            update_norm: report.update_norm,
            dropped_samples: report.dropped_samples,
            brier: report.brier,
            learning_rate: rates.learning_rate,
            ent_coef: rates.ent_coef,
            prior_weight: estimation.prior_weight,
            normalized_entropy: collected.mean_entropy(),
            top_probability: collected.mean_top_probability(),
            mates_drawn: collected.mates[1] as f64 / collected.mates[0].max(1) as f64,
            ended: ended(collected),
            perf: Perf {
                plies_per_second: report.plies as f64 / (collect_seconds + learn_seconds),
                samples_per_second: update.samples as f64 / learn_seconds,
                collect_seconds: *collect_seconds,
                env_seconds: collect_seconds - report.inference_seconds,
                inference_seconds: report.inference_seconds,
                learn_seconds: *learn_seconds,
                log_seconds,
                longest_wait_seconds: report.longest_wait.0,
                slowest_rank: report.longest_wait.1,
            },
            sink_failures: self.sinks.failures(),
            ..Metrics::default()
        }
    }

    /// Saves everything, or tells that it could not be saved: the run goes on and tries again when the next checkpoint is due.
    fn save_or_tell(&mut self) {
        if let Err(error) = self.save() {
            self.is_unsaved = true;
            self.sinks.send(Event::Alarm(Alarm {
                iteration: self.state.done.iterations,
                id: "not_saved".into(),
                text: format!("no checkpoint could be written, the run goes on: {error:#}"),
                advice: "Make room on the disk or give the folder back; the next checkpoint is tried again.".into(),
            }));
        }
    }

    /// Saves everything. The checkpoint is written last: once it exists, so do the other files of its iteration.
    ///
    /// # Errors
    /// Names the file that cannot be written.
    pub fn save(&mut self) -> Result<()> {
        let _span = tracing::info_span!("save", iteration = self.state.done.iterations).entered();
        let begin = Instant::now();
        if let Some(reason) = self.state.sickness() {
            bail!("{reason}; the checkpoint of iteration {} stays the last", self.saved);
        }
        self.directory.check_is_there()?;
        let iteration = self.state.done.iterations;
        let model = self.model()?.to_bytes(Dtype::F32).context("model")?;
        self.directory.write(MODEL, &model)?;
        self.save_league()?;
        if !self.records.is_empty() {
            let bytes = record::to_bytes(&self.records).context("records")?;
            self.directory.write(&format!("games/{iteration:08}.record"), &bytes)?;
            self.directory.write(GAMES, &bytes)?;
            self.records.clear();
        }
        self.sinks.flush();
        let checkpoint = self.checkpoint();
        let path = self.checkpoints.save(&checkpoint)?;
        self.state = checkpoint.state;
        (self.saved, self.is_unsaved) = (iteration, false);
        let plies = self.state.done.plies;
        let seconds = begin.elapsed().as_secs_f64();
        self.sinks.send(Event::Checkpoint(CheckpointWritten { iteration, plies, path, seconds }));
        let run = &self.settings.run;
        let retention = Retention { newest: run.keep_checkpoints, hours: run.keep_hours, log_spaced: true };
        if let Err(error) = self.checkpoints.prune(&retention) {
            // The next checkpoint tries again.
            self.say(format!("old checkpoints could not be deleted: {error:#}"));
        }
        let needed = self.checkpoints.snapshots();
        let pruned =
            needed.and_then(|needed| needed.map_or(Ok(()), |needed| league::prune(self.directory.path(), &needed)));
        if let Err(error) = pruned {
            self.say(format!("old snapshots could not be deleted: {error:#}"));
        }
        Ok(())
    }

    /// Writes the snapshots of the league and the best agent, where they are new.
    fn save_league(&mut self) -> Result<()> {
        for (&iteration, snapshot) in &self.snapshots {
            if !self.written.contains(&iteration) {
                self.directory.create_folder(league::FOLDER)?;
                snapshot.write(&self.directory.file(league::FOLDER))?;
            }
        }
        self.written = self.snapshots.keys().copied().collect();
        let best = self.state.league.best;
        if best != self.written_best
            && let Some(snapshot) = best.and_then(|best| self.snapshots.get(&best))
        {
            let mut model = snapshot.model.clone();
            model.provenance = Provenance {
                notes: "the best agent by the gate".into(),
                ..leaving(&model.provenance, self.directory.name())
            };
            self.directory.write(BEST, &model.to_bytes(Dtype::F32).context("best agent")?)?;
            self.written_best = best;
        }
        Ok(())
    }

    /// The state as a checkpoint.
    fn checkpoint(&mut self) -> Checkpoint {
        let settings = FileDigest::of(SETTINGS, self.settings.to_toml().as_bytes());
        let mut files = self.digests.lock().unwrap_or_else(PoisonError::into_inner).clone();
        files.push(settings);
        let state = State { config: self.settings.to_toml(), ..self.state.clone() };
        Checkpoint { state, seconds: self.seconds(), files, machine: Machine::this() }
    }

    /// Model with the weights of the last iteration, for export.
    ///
    /// # Errors
    /// Never in a run: the weights are those of its network.
    pub fn model(&self) -> Result<Model> {
        model_of(&self.settings, &self.state, self.directory.name())
    }

    /// Saves what is not saved, into a folder in `rescue` if the run's own cannot be written, and ends all sinks; returns a
    /// summary for the user.
    ///
    /// # Errors
    /// If the run could only be saved in `rescue`, or not at all.
    pub fn finish(mut self, flow: Flow, rescue: &Path) -> Result<String> {
        let interrupted = flow == Flow::Stopped;
        let saved = if self.saved == self.state.done.iterations { Ok(()) } else { self.save() };
        let rescued = saved.map_err(|error| match self.rescue(rescue) {
            Ok(path) => error.context(format!(
                "the run could not be saved in its folder; it is saved in {0}: go on with train --resume {0}",
                path.display()
            )),
            Err(second) => error.context(format!("the run is not saved, and could not be rescued: {second:#}")),
        });
        let done = self.state.done;
        let (seconds, digest) = (self.seconds(), self.state.digest());
        self.sinks.send(Event::RunEnded(RunEnded {
            iteration: done.iterations,
            plies: done.plies,
            games: done.games,
            seconds,
            interrupted,
            digest: digest.clone(),
        }));
        // A scheduler that stops a run gives it half a minute.
        let longest = if interrupted { MOST_AT_A_STOP } else { f64::INFINITY }.min(self.settings.sinks.last_wait);
        let counters = self.sinks.finish(Duration::from_secs_f64(longest));
        let (ranks, longest) =
            (self.settings.run.ranks, Duration::from_secs_f64(if interrupted { MOST_AT_A_STOP } else { LAST_ORDER }));
        let ended = ranks == 1 || self.worker.end(longest);
        rescued?;

        let failures: u64 = counters.iter().map(|counters| counters.failures + counters.dropped).sum();
        let mut lines = vec![
            if interrupted { "stopped by a signal; everything is saved" } else { DONE }.to_owned(),
            format!("iterations {}, plies {}, games {}, {seconds:.0} s", done.iterations, done.plies, done.games),
            format!("plies/s {:.0}", done.plies as f64 / seconds),
            format!("failures of sinks {failures}"),
            format!("digest {digest}"),
            format!("model {0}/{MODEL}, curve {0}/curve.svg", self.directory.path().display()),
        ];
        if !ended {
            lines.push("the other ranks were in the middle of an iteration, and end with this process".to_owned());
        }
        if interrupted {
            let program = std::env::args().next().unwrap_or_else(|| "trainer-native".to_owned());
            lines.push(format!("go on with: {program} train --resume {}", self.directory.path().display()));
        }
        Ok(lines.join("\n") + "\n")
    }

    /// Saves the checkpoint and the model in a new folder in `rescue`, and returns its path.
    fn rescue(&self, rescue: &Path) -> Result<PathBuf> {
        let folder = Directory::named(rescue, &format!("keisei-rescue-{}", self.directory.name())).create()?;
        folder.write(MODEL, &self.model()?.to_bytes(Dtype::F32).context("model")?)?;
        for snapshot in self.snapshots.values() {
            folder.create_folder(league::FOLDER)?;
            snapshot.write(&folder.file(league::FOLDER))?;
        }
        Store::new(&folder.checkpoints()).save(&Checkpoint {
            state: self.state.clone(),
            seconds: self.seconds(),
            files: Vec::new(),
            machine: Machine::this(),
        })?;
        Ok(folder.path().to_owned())
    }
}

/// How the ranks share out the games, in words; of many ranks only the sum.
fn shares(settings: &Settings) -> String {
    let (games, ranks) = (settings.selfplay.envs, settings.run.ranks);
    let counts: Vec<String> = (0..ranks).map(|rank| share(games, rank, ranks).len().to_string()).collect();
    if ranks > 8 { format!("{games} games") } else { format!("{} of {games} games", counts.join(" + ")) }
}

/// Settings that are accepted, and do not do what they seem to.
fn doubts(settings: &Settings) -> Vec<String> {
    let mut doubts = Vec::new();
    let (minibatch, samples) = (settings.ppo.minibatch as u64, settings.iteration_plies());
    if minibatch > samples {
        doubts
            .push(format!("ppo.minibatch is {minibatch}, an iteration has {samples} samples: each epoch is one step"));
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if settings.threads() > cores {
        doubts.push(format!(
            "run.threads is {} on {cores} cores: more threads than cores slow a run down",
            settings.threads()
        ));
    }
    doubts
}

/// What was edited in the settings file of a run since they were stored: a resume does not take it from there.
fn edits(directory: &Directory, stored: &Settings) -> Option<String> {
    let text = std::fs::read_to_string(directory.file("config.toml")).ok()?;
    let note = "a resume takes the settings of its checkpoint, changed by --set";
    let Ok(found) = Settings::from_toml(&text) else {
        return Some(format!("config.toml was edited and cannot be read; {note}"));
    };
    let pairs = stored.rows().into_iter().zip(found.rows());
    let changed: Vec<String> =
        pairs.filter(|(stored, found)| stored.value != found.value).map(|(row, _)| row.setting.key).collect();
    (!changed.is_empty())
        .then(|| format!("config.toml was edited ({}), which changes nothing: {note}", changed.join(", ")))
}

/// The number to four significant digits.
fn rounded(number: f32) -> f64 {
    format!("{number:.3e}").parse().expect("a printed number can be read")
}

/// Part of a budget that is spent, 0–1; 0 without a budget.
fn part(plies: u64, budget: u64) -> f64 {
    if budget == 0 { 0.0 } else { (plies as f64 / budget as f64).min(1.0) }
}

/// Best score in the evaluations that a run has told of.
fn best_score(directory: &Directory) -> Result<Option<f64>> {
    let scores = read(&directory.file("events.jsonl"))?.filter_map(|event| match event.event {
        Event::Evaluation(evaluation) => Some(evaluation.score),
        _ => None,
    });
    Ok(scores.max_by(f64::total_cmp))
}

/// Tells of the budget, and turns one in minutes into plies, which stand in the settings from then on. A speed that is measured is that of
/// this process; all `processes` are taken to be as fast.
fn set_budget(trainer: &mut Trainer, seconds: f64, processes: usize, say: impl Fn(String)) -> Result<()> {
    let Settings { run, .. } = &trainer.settings;
    let minutes = run.minutes;
    if run.plies > 0 {
        say(format!("budget: {} plies", plies_in_words(run.plies)));
        return Ok(());
    }
    if minutes == 0.0 {
        say("budget: none; the run goes on until it is stopped, and its schedules stay at their start".into());
        return Ok(());
    }
    say(format!("budget: {minutes} minutes"));
    let plies = trainer.done.plies;
    let speed = if plies > 0 && seconds > 30.0 {
        Speed { plies_per_second: plies as f64 / seconds, measured: Duration::from_secs_f64(seconds) }
    } else {
        let speed = budget::measure(&trainer.settings)?;
        Speed { plies_per_second: processes as f64 * speed.plies_per_second, ..speed }
    };
    let plies = budget::plies_in(minutes, &speed, &trainer.settings);
    trainer.settings.run.plies = plies;
    say(format!(
        "{minutes} minutes are about {} plies here ({:.0} plies/s, measured over {:.1} s); schedules follow plies: --plies {plies} \
         repeats this run",
        plies_in_words(plies),
        speed.plies_per_second,
        speed.measured.as_secs_f64()
    ));
    Ok(())
}

/// Summary of the games that ended.
fn ended(collected: &Collected) -> EndedGames {
    let mut lengths: Vec<u16> = collected.ended.iter().map(|game| game.plies).collect();
    lengths.sort_unstable();
    let at = |part: f64| lengths.get((part * lengths.len() as f64) as usize).copied().unwrap_or(0);
    EndedGames {
        games_ended: lengths.len() as u64,
        // Not `sum::<f64>`: without any game that would be −0.
        length_mean: lengths.iter().map(|&plies| u64::from(plies)).sum::<u64>() as f64 / lengths.len().max(1) as f64,
        length_p50: at(0.5),
        length_p95: at(0.95),
        results: collected.results,
        reasons: collected.reasons.iter().map(|(&reason, &count)| (reason.to_owned(), count)).collect(),
        ..EndedGames::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Stamped;
    use crate::settings::Preset;
    use crate::trainer::learner;
    use keisei_core::evaluator::Evaluator;
    use keisei_core::learn::{
        Adam, Coefficients, Descent, HostDescent, LearnError, Learner, Minibatch, RatioTolerance, Sums,
    };
    use keisei_core::net::Weights;
    use std::ops::Range;
    use std::sync::Mutex;

    /// Learner whose gradients are not finite in some calls, counted over the process.
    struct Failing {
        inner: Box<dyn Learner>,
        calls: usize,
        fails: Range<usize>,
        /// Whether the sick gradient spoils the weights, as an overflow inside of an update would.
        spoils: bool,
        /// Call at which the device has no more memory.
        exhausted: usize,
    }

    impl Learner for Failing {
        fn name(&self) -> String {
            "sick".into()
        }

        fn ratio_tolerance(&self) -> RatioTolerance {
            self.inner.ratio_tolerance()
        }

        fn evaluator(&self, weights: &Weights) -> Box<dyn Evaluator + Send> {
            self.inner.evaluator(weights)
        }

        fn descent<'a>(&'a mut self, weights: &'a mut Weights, adam: &'a mut Adam) -> Box<dyn Descent + 'a> {
            if self.spoils && self.fails.contains(&self.calls) {
                weights.data_mut()[0] = f32::NAN;
            }
            Box::new(HostDescent::new(self, weights, adam))
        }

        fn gradient(
            &mut self,
            weights: &Weights,
            minibatch: &Minibatch,
            coefficients: &Coefficients,
        ) -> Result<(Vec<f32>, Sums), LearnError> {
            if self.calls == self.exhausted {
                return Err(LearnError::OutOfMemory("the GPU has not enough memory".into()));
            }
            let (mut gradient, sums) = self.inner.gradient(weights, minibatch, coefficients)?;
            if self.fails.contains(&self.calls) {
                gradient[0] = f32::NAN;
            }
            self.calls += 1;
            Ok((gradient, sums))
        }
    }

    /// Sink that keeps all events as lines.
    struct Kept(Arc<Mutex<Vec<String>>>);

    impl Sink for Kept {
        fn name(&self) -> &'static str {
            "kept"
        }

        fn receive(&mut self, event: &Stamped) -> Result<()> {
            self.0.lock().expect("no panic").extend(crate::sinks::line(&event.event));
            Ok(())
        }
    }

    /// Run of 16 iterations of one gradient step each, saved after every second one, whose gradients are `sick` in some
    /// steps; returns how it ended, what it told, and its metrics.
    fn run(sick: Range<usize>, spoils: bool) -> (Result<String>, Vec<String>, Vec<Metrics>) {
        run_with(|inner| Failing { inner, calls: 0, fails: sick, spoils, exhausted: usize::MAX }, |_| {})
    }

    /// The same with this learner; `look` sees the run's folder at its end.
    fn run_with(
        failing: impl FnOnce(Box<dyn Learner>) -> Failing,
        look: impl FnOnce(&Path),
    ) -> (Result<String>, Vec<String>, Vec<Metrics>) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut settings = Preset::Tiny.settings();
        settings.ppo.minibatch = 64;
        (settings.run.plies, settings.run.checkpoint_plies) = (1024, 128);
        let mut trainer = Trainer::fresh(settings).expect("a trainer");
        let inner = learner(&trainer.settings).expect("a learner");
        trainer.learner = Box::new(failing(inner));
        let directory = Directory::of_new_run(Some(&folder.path().join("run"))).create().expect("created");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let display = Box::new(Kept(lines.clone()));
        let mut run = Run::open(trainer, directory, vec![display], Arc::default(), 0.0, None).expect("opened");
        run.save().expect("saved");
        let mut ended = Ok(());
        while ended.is_ok() && !run.is_over() {
            ended = run.iterate().map(drop);
        }
        let ended = ended.and_then(|()| run.finish(Flow::GoesOn, folder.path()));
        look(&folder.path().join("run"));
        let metrics = read(&folder.path().join("run/metrics.jsonl")).expect("read");
        let metrics = metrics.filter_map(|line| match line.event {
            Event::Iteration(metrics) => Some(*metrics),
            _ => None,
        });
        let lines = lines.lock().expect("no panic").clone();
        (ended, lines, metrics.collect())
    }

    fn told(lines: &[String], part: &str) -> usize {
        lines.iter().filter(|line| line.contains(part)).count()
    }

    #[test]
    fn the_guard_skips_halves_and_goes_back() {
        let (ended, lines, metrics) = run(5..6, false);
        assert!(ended.is_ok() && told(&lines, "is left out") == 1, "{lines:?}");
        assert_eq!((metrics.len(), metrics[5].update.skipped, metrics[5].alarms.len()), (16, 1, 1));

        let (ended, lines, metrics) = run(5..7, false);
        assert!(ended.is_ok() && told(&lines, "the learning rate is halved") == 1, "{lines:?}");
        let rate = |iteration: usize| metrics[iteration - 1].learning_rate;
        assert!((0.4..0.55).contains(&(rate(8) / rate(7))), "{} after {}", rate(8), rate(7));

        let (ended, lines, metrics) = run(5..8, false);
        assert!(ended.is_ok() && told(&lines, "back to iteration ") == 1, "{lines:?}");
        let iterations: Vec<u64> = metrics.iter().map(|metrics| metrics.iteration).collect();
        assert_eq!(iterations, (1..=16).collect::<Vec<_>>(), "each once and in order");
    }

    #[test]
    fn spoilt_weights_are_not_saved_and_what_does_not_heal_ends_the_run_with_a_report() {
        let (ended, lines, metrics) = run(5..6, true);
        assert!(ended.is_ok(), "{ended:?}");
        assert_eq!((told(&lines, "back to iteration 4: "), metrics.len()), (1, 16), "{lines:?}");
        assert_eq!(told(&lines, "weight 0 of 11840 is NaN"), 1, "{lines:?}");

        let (ended, lines, _) = run(5..usize::MAX, false);
        let error = ended.expect_err("nothing helps").to_string();
        assert!(error.contains("going back to a checkpoint at half the learning rate did not help"), "{error}");
        assert_eq!(told(&lines, "back to iteration "), 3, "{lines:?}");
    }

    #[test]
    fn memory_that_runs_out_ends_the_run_with_advice_and_a_whole_checkpoint() {
        // The sixth update fails; iteration 5 was not due for a checkpoint.
        let failing = |inner| Failing { inner, calls: 0, fails: 0..0, spoils: false, exhausted: 5 };
        let (ended, ..) = run_with(failing, |folder| {
            let checkpoint = load_from(&folder.join("checkpoints"), None).expect("whole").checkpoint;
            assert_eq!(checkpoint.state.done.iterations, 5);
        });
        let error = format!("{:#}", ended.expect_err("no memory"));
        for part in [
            "checkpoint of iteration 5 is whole: go on with train --resume",
            "not enough memory; ",
            "ppo.minibatch = 16",
        ] {
            assert!(error.contains(part), "{error}");
        }
    }
}
