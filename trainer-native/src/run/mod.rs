//! Runs and their directories: how a run starts, resumes and is saved.
//!
//! | file                           | content                                                          |
//! |--------------------------------|------------------------------------------------------------------|
//! | `config.toml`                  | the settings in force                                            |
//! | `metrics.jsonl`, `curve.svg`   | one line per iteration, and a plot of them                       |
//! | `model.model`                  | the network of the newest checkpoint                             |
//! | `games/*.record`               | games of self-play; the newest of them also in `games.record`    |
//! | `checkpoints/`                 | all that is needed to resume, see [`checkpoint`]                 |
//! | `lock`                         | lock of the one process that may write here                      |

use self::checkpoint::{Checkpoint, Retention, State, Store};
use self::guard::Guard;
use crate::durable::{FileDigest, sweep, write_atomically};
use crate::event::{Metrics, alarms};
use crate::settings::Settings;
use crate::sinks::{Display, MetricsFile, draw_curve, fresh_entropy};
use crate::trainer::{Totals, Trainer, learner};
use anyhow::{Context, Result, bail};
use keisei_core::format::model::{Dtype, Model, Provenance};
use keisei_core::format::record::{self, Record};
use keisei_core::net::Weights;
use std::fs::{File, TryLockError, create_dir_all};
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

pub mod checkpoint;
pub mod guard;
pub mod interval;

/// File name of the current model in a run's directory.
pub const MODEL: &str = "model.model";

/// File name of the latest games in a run's directory, and in the page's.
pub const GAMES: &str = "games.record";

/// File name of the settings in a run's directory.
const SETTINGS: &str = "config.toml";

/// Directory of all runs.
const RUNS: &str = "runs";

/// Link to the newest run.
pub const LATEST: &str = "runs/latest";

/// A run in progress.
pub struct Run {
    /// Trainer with the state of learning.
    pub trainer: Trainer,
    /// Directory of the run.
    pub directory: PathBuf,
    /// Display of the progress.
    pub display: Display,
    /// Games that are not yet written to a record file.
    pub records: Vec<Record>,
    metrics: MetricsFile,
    checkpoints: Store,
    /// Seconds that earlier parts of the run took.
    seconds_before: f64,
    started: Instant,
    /// Normalised entropy of the run's first iteration.
    fresh_entropy: Option<f64>,
    /// Number of failed writes of metrics or of the curve.
    sink_failures: u64,
    /// Number of iterations with an alarm.
    alarmed: u64,
    /// Iteration at which the curve is next drawn.
    curve_due: u64,
    /// Lock on the directory, held while this process trains there.
    _lock: File,
}

impl Run {
    /// Starts a new run in `out`, or else in a directory named after the time, with progress shown on `display`.
    ///
    /// # Errors
    /// If this machine does not support the learner, the directory cannot be written, or it already holds a run.
    pub fn start(settings: Settings, out: Option<&Path>, display: Display) -> Result<Self> {
        let trainer = Trainer::fresh(settings)?;

        let directory = out.map_or_else(|| Path::new(RUNS).join(timestamp()), Path::to_owned);
        create_dir_all(&directory).with_context(|| format!("{}: cannot create", directory.display()))?;
        let lock = lock(&directory)?;
        if checkpoint::any(&directory.join("checkpoints"))? {
            bail!("{0}: holds a run already; go on with --resume {0}, or choose another --out", directory.display());
        }
        let mut run = Self::open(trainer, directory, display, 0.0, lock)?;
        // From here on a run that is killed can be resumed.
        run.save()?;
        if out.is_none() {
            point_latest_at(&run.directory)?;
        }
        Ok(run)
    }

    /// Resumes the run in `directory` from its newest valid checkpoint, with its settings changed by `over`.
    ///
    /// # Errors
    /// If there is no run, another process trains there, no checkpoint is valid, or the new settings do not fit the state.
    pub fn resume(directory: &Path, over: impl FnOnce(Settings) -> Result<Settings>, display: Display) -> Result<Self> {
        let directory = behind_link(directory);
        let checkpoints = directory.join("checkpoints");
        if !checkpoints.is_dir() {
            bail!("{}: no run there to go on with", directory.display());
        }
        let lock = lock(&directory)?;
        let loaded = checkpoint::load_from(&checkpoints, None)?;
        for skipped in &loaded.skipped {
            eprintln!("{skipped}");
        }
        let Checkpoint { state, seconds, files } = loaded.checkpoint;
        for error in files.iter().filter_map(|file| file.check(&directory).err()) {
            eprintln!("{error:#}; the run goes on with the settings of its checkpoint and the lines that are there");
        }
        let settings = over(Settings::from_toml(&state.config).context("settings in the checkpoint")?)?;
        let learner = learner(&settings)?;
        let weights = Weights::new(settings.spec(), state.weights).context("weights in the checkpoint")?;
        if state.adam.len() != weights.data().len() {
            bail!("the checkpoint's optimiser is for {} weights, not {}", state.adam.len(), weights.data().len());
        }
        let has_changed = settings.to_toml() != state.config;
        let mut trainer = Trainer::new(settings, learner, weights);
        trainer.selfplay.restore(&state.envs)?;
        trainer.adam = state.adam;
        trainer.done = state.done;
        // Only now that nothing can refuse the checkpoint.
        for path in checkpoint::set_aside_after(&checkpoints, state.done.iterations)? {
            eprintln!("set aside: {}", path.display());
        }
        let mut run = Self::open(trainer, directory, display, seconds, lock)?;
        if has_changed {
            // From here on a kill does not lose the new settings.
            run.save()?;
        }
        Ok(run)
    }

    fn open(trainer: Trainer, directory: PathBuf, display: Display, seconds: f64, lock: File) -> Result<Self> {
        for folder in ["", "checkpoints", "games"] {
            sweep(&directory.join(folder))?;
        }
        write_atomically(&directory.join(SETTINGS), trainer.settings.to_toml().as_bytes())?;
        let path = directory.join("metrics.jsonl");
        let iteration = trainer.done.iterations;
        let metrics = MetricsFile::open(&path, iteration)?;
        display.say(&format!(
            "{}: {} after iteration {iteration}, {} weights, {}",
            directory.display(),
            if iteration == 0 { "starts" } else { "goes on" },
            trainer.weights.data().len(),
            trainer.learner.name()
        ));
        if let Some(notice) = trainer.learner.notice() {
            display.say(notice);
        }
        Ok(Self {
            trainer,
            display,
            records: Vec::new(),
            metrics,
            checkpoints: Store::new(&directory.join("checkpoints")),
            directory,
            seconds_before: seconds,
            started: Instant::now(),
            fresh_entropy: fresh_entropy(&path)?,
            sink_failures: 0,
            alarmed: 0,
            curve_due: 0,
            _lock: lock,
        })
    }

    /// Seconds that the run has taken, earlier parts included.
    pub fn seconds(&self) -> f64 {
        self.seconds_before + self.started.elapsed().as_secs_f64()
    }

    /// Part of the budget that is spent, 0–1; always 0 without a budget, so that schedules stay at their start.
    pub fn progress(&self) -> f64 {
        let part = |done: f64, budget: f64| if budget > 0.0 { done / budget } else { 0.0 };
        let budget = &self.trainer.settings.run;
        let time = part(self.seconds(), 60.0 * budget.minutes);
        part(self.trainer.done.iterations as f64, budget.iterations as f64).max(time).min(1.0)
    }

    /// Whether the budget is spent.
    pub fn is_over(&self) -> bool {
        self.progress() >= 1.0
    }

    /// Passes an iteration's metrics to the sinks. A failing sink does not stop the run: failures are shown and counted.
    pub fn tell(&mut self, mut metrics: Metrics) {
        let fresh = *self.fresh_entropy.get_or_insert(metrics.normalized_entropy);
        metrics.alarms = alarms(&metrics, fresh, self.trainer.learner.ratio_tolerance());
        metrics.sink_failures = self.sink_failures;
        self.alarmed += u64::from(!metrics.alarms.is_empty());
        self.display.show(&metrics, self.trainer.selfplay.first_game().position());
        let written = self.metrics.write(&metrics);
        self.forgive(written);
    }

    fn forgive(&mut self, written: Result<()>) {
        if let Err(error) = written {
            self.sink_failures += 1;
            self.display.say(&format!("not written, the run goes on: {error:#}"));
        }
    }

    /// Saves everything. The checkpoint is written last: once it exists, so do the other files of its iteration.
    ///
    /// # Errors
    /// Names the file that cannot be written.
    pub fn save(&mut self) -> Result<()> {
        let model = self.model().to_bytes(Dtype::F32).context("model")?;
        write_atomically(&self.directory.join(MODEL), &model)?;
        if !self.records.is_empty() {
            let bytes = record::to_bytes(&std::mem::take(&mut self.records)).context("records")?;
            let games = self.directory.join("games");
            create_dir_all(&games).with_context(|| format!("{}: cannot create", games.display()))?;
            write_atomically(&games.join(format!("{:08}.record", self.trainer.done.iterations)), &bytes)?;
            write_atomically(&self.directory.join(GAMES), &bytes)?;
        }
        let synced = self.metrics.sync();
        self.forgive(synced);
        // Drawing reads all metrics; it is rare enough for the cost to be negligible in a run of any length.
        let iteration = self.trainer.done.iterations;
        if iteration >= self.curve_due {
            self.draw_curve();
            self.curve_due = iteration + iteration / 50;
        }
        let settings = FileDigest::of(SETTINGS, self.trainer.settings.to_toml().as_bytes());
        let files = vec![self.metrics.digest(), settings];
        let checkpoint = Checkpoint { state: self.state(), seconds: self.seconds(), files };
        self.checkpoints.save(&checkpoint)?;
        let newest = self.trainer.settings.run.keep_checkpoints;
        let pruned = self.checkpoints.prune(&Retention { newest, hours: 0.0, log_spaced: false });
        self.forgive(pruned.map(drop));
        Ok(())
    }

    fn draw_curve(&mut self) {
        let drawn = draw_curve(&self.directory.join("metrics.jsonl"), &self.directory.join("curve.svg"));
        self.forgive(drawn);
    }

    /// Model with the current weights, for export.
    pub fn model(&self) -> Model {
        let Trainer { settings, weights, done, .. } = &self.trainer;
        let provenance = Provenance {
            // The name alone: a model that is published should not show its maker's folders.
            run: self.directory.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            iteration: done.iterations,
            plies: done.plies,
            created: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            notes: String::new(),
        };
        Model { features: settings.features(), actions: settings.actions(), provenance, weights: weights.clone() }
    }

    fn state(&self) -> State {
        let Trainer { settings, selfplay, weights, adam, done, .. } = &self.trainer;
        State {
            config: settings.to_toml(),
            done: *done,
            weights: weights.data().to_vec(),
            adam: adam.clone(),
            envs: selfplay.state(),
            guard: Guard::default(),
            alarms: Vec::new(),
        }
    }

    /// Draws the whole curve, and prints a summary of the run.
    pub fn summarise(&mut self, interrupted: bool) {
        self.draw_curve();
        let directory = self.directory.display();
        let seconds = self.seconds();
        let Totals { iterations, plies, games, .. } = self.trainer.done;
        println!("{}", if interrupted { "stopped by a signal; everything is saved" } else { "done" });
        println!("iterations {iterations}, plies {plies}, games {games}, {seconds:.0} s");
        println!("plies/s {:.0}", plies as f64 / seconds);
        println!("iterations with an alarm {}, failed writes {}", self.alarmed, self.sink_failures);
        println!("digest {}", self.state().digest());
        println!("model {directory}/model.model, curve {directory}/curve.svg");
        if interrupted {
            let program = std::env::args().next().unwrap_or_else(|| "trainer-native".to_owned());
            println!("go on with: {program} train --resume {directory}");
        }
    }
}

/// Locks the directory, so that no other process trains there.
fn lock(directory: &Path) -> Result<File> {
    let path = directory.join("lock");
    let file = File::create(&path).with_context(|| format!("{}: cannot create", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!("{}: another process trains here", directory.display()),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("{}: cannot lock", path.display())),
    }
}

/// Name of a run started now, UTC: `2026-11-24-093015`.
fn timestamp() -> String {
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    now.replace([':', 'Z'], "").replace('T', "-")
}

/// Makes `runs/latest` a link to the run; without symlink support it is not created.
fn point_latest_at(directory: &Path) -> Result<()> {
    let name = directory.file_name().context("a run has a name")?;
    let fresh = Path::new(RUNS).join(".latest");
    // Leftover of a killed process; if it is anything else, the link below fails.
    std::fs::remove_file(&fresh).ok();
    #[cfg(unix)]
    std::os::unix::fs::symlink(name, &fresh)
        .and_then(|()| std::fs::rename(&fresh, LATEST))
        .with_context(|| format!("{LATEST}: cannot point at {}", directory.display()))?;
    #[cfg(not(unix))]
    let _ = name;
    Ok(())
}

/// Directory that a link such as `runs/latest` points to, under its own name.
fn behind_link(directory: &Path) -> PathBuf {
    match directory.read_link() {
        Ok(target) => directory.with_file_name("").join(target),
        Err(_) => directory.to_owned(),
    }
}
