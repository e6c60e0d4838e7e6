//! The training loop: collect → advantages → update → log → evaluate → save.

use crate::adam::Adam;
use crate::arena::Match;
use crate::checkpoint::{self, State};
use crate::config::{Config, Preset};
use crate::durable::write_atomically;
use crate::events::{Display, EndedGames, Evaluation, Metrics, MetricsFile, Perf, alarms, draw_curve};
use crate::learner::{self, Learner};
use crate::player::{Agent, Contender};
use crate::ppo::{self, Rates};
use crate::random::{Purpose, Stream};
use crate::rollout::{Estimation, Rollout};
use crate::selfplay::{Collected, SelfPlay};
use anyhow::{Context, Result, bail};
use keisei_core::format::model::{Dtype, Model, Provenance};
use keisei_core::format::record::{self, Record};
use keisei_core::net::Weights;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Where runs are kept, and the link to the newest of them.
const RUNS: &str = "runs";
const LATEST: &str = "runs/latest";

/// Temperature of the policy in evaluations: nearly the best move, but not the same game twice.
const EVALUATION_TEMPERATURE: f32 = 0.15;

/// `trainer-native train`
#[derive(clap::Args, Debug)]
pub struct Options {
    /// Starting point of the settings; chosen for this machine if not given
    #[arg(long)]
    preset: Option<Preset>,
    /// TOML file of settings
    #[arg(long)]
    config: Option<PathBuf>,
    /// One setting, such as `ppo.clip_coef=0.1`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Stop after so many minutes
    #[arg(long)]
    minutes: Option<f64>,
    /// Stop after so many iterations
    #[arg(long)]
    iterations: Option<u64>,
    /// Directory of the run [default: runs/<time>]
    #[arg(long)]
    out: Option<PathBuf>,
    /// Go on with a run from its newest whole checkpoint
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = LATEST)]
    resume: Option<PathBuf>,
    /// One line an iteration instead of the live panel
    #[arg(long)]
    plain: bool,
}

/// A run in progress.
struct Run {
    config: Config,
    directory: PathBuf,
    display: Display,
    metrics: MetricsFile,
    learner: Box<dyn Learner>,
    selfplay: SelfPlay,
    weights: Weights,
    adam: Adam,
    iteration: u64,
    plies: u64,
    samples: u64,
    games: u64,
    /// Seconds that earlier parts of the run took.
    seconds_before: f64,
    started: Instant,
    /// Normalised entropy of the first iteration seen.
    fresh_entropy: Option<f64>,
    /// Games not yet written to a record file.
    records: Vec<Record>,
    /// Held for as long as this process trains in the directory.
    _lock: File,
}

/// Trains until the budget is spent or a signal asks to stop.
///
/// # Errors
/// If the settings, the run directory or a checkpoint are not usable, or the learner fails.
pub fn run(options: &Options) -> Result<()> {
    let mut run = match &options.resume {
        Some(directory) => Run::resume(directory, options)?,
        None => Run::start(options)?,
    };
    let stop = stop_signals()?;
    let threads = run.config.threads();
    let mut rollout = Rollout::default();
    let mut saved = run.iteration;

    while !run.is_over() && stop.load(Ordering::Relaxed) == 0 {
        let begin = Instant::now();
        let rates = run.rates();
        let estimation = run.estimation();
        let collected = run.selfplay.collect(&run.weights, run.iteration, threads, &mut rollout);
        rollout.estimate(&estimation);
        let collect_seconds = begin.elapsed().as_secs_f64();
        let order = Stream::new(run.config.seed, Purpose::Shuffle, run.iteration, 0);
        let learner = run.learner.as_mut();
        let update = ppo::update(learner, &mut run.weights, &mut run.adam, &rollout, &run.config.ppo, rates, order)?;
        let learn_seconds = begin.elapsed().as_secs_f64() - collect_seconds;

        run.iteration += 1;
        run.plies += rollout.steps.len() as u64;
        run.samples += update.samples as u64;
        run.games += collected.games();
        let perf = Perf {
            plies_per_second: rollout.steps.len() as f64 / begin.elapsed().as_secs_f64(),
            samples_per_second: update.samples as f64 / learn_seconds,
            collect_seconds,
            learn_seconds,
        };
        let evaluation = run.evaluate(threads);
        run.log(update, rates, estimation, perf, evaluation, collected);
        if run.iteration.is_multiple_of(run.config.run.checkpoint_every) {
            run.save()?;
            saved = run.iteration;
        }
    }
    if saved != run.iteration {
        run.save()?;
    }
    run.display.finish();
    run.summarise(stop.load(Ordering::Relaxed) > 0);
    Ok(())
}

impl Run {
    fn start(options: &Options) -> Result<Self> {
        let preset = options.preset.unwrap_or_else(Preset::for_this_machine);
        let mut config = Config::load(preset, options.config.as_deref(), std::env::vars(), &options.set)?;
        options.budget(&mut config);
        let directory = match &options.out {
            Some(directory) => directory.clone(),
            None => Path::new(RUNS).join(timestamp()),
        };
        if directory.join("checkpoints").exists() {
            bail!("{0}: holds a run already; go on with --resume {0}, or choose another --out", directory.display());
        }
        std::fs::create_dir_all(&directory).with_context(|| format!("{}: cannot create", directory.display()))?;
        if options.out.is_none() {
            point_latest_at(&directory)?;
        }
        let weights = Weights::init(&config.spec(), Stream::new(config.seed, Purpose::Weights, 0, 0).next_u64())?;
        let adam = Adam::new(weights.data().len());
        let state = State {
            config: config.to_toml(),
            iteration: 0,
            plies: 0,
            samples: 0,
            games: 0,
            weights: weights.data().to_vec(),
            adam,
            envs: Vec::new(),
        };
        Self::open(config, directory, options, state, 0.0)
    }

    fn resume(directory: &Path, options: &Options) -> Result<Self> {
        if options.preset.is_some() || options.config.is_some() || options.out.is_some() {
            bail!("--resume goes on with the run's own settings: leave out --preset, --config and --out");
        }
        let report = |error: &anyhow::Error| eprintln!("skipped a damaged checkpoint: {error:#}");
        let (state, seconds) = checkpoint::newest(&directory.join("checkpoints"), report)?;
        let mut config = Config::from_toml(&state.config).context("settings in the checkpoint")?;
        config = config.with(&options.set)?;
        options.budget(&mut config);
        Self::open(config, directory.to_owned(), options, state, seconds)
    }

    fn open(config: Config, directory: PathBuf, options: &Options, state: State, seconds: f64) -> Result<Self> {
        let lock = lock(&directory)?;
        write_atomically(&directory.join("config.toml"), config.to_toml().as_bytes())?;
        let metrics = MetricsFile::open(&directory.join("metrics.jsonl"), state.iteration)?;
        let learner = learner::for_this_build(config.features(), config.actions(), config.threads())?;
        let mut selfplay = SelfPlay::new(&config.selfplay, config.features(), config.actions(), config.seed);
        if state.iteration > 0 {
            selfplay.restore(&state.envs)?;
        }
        let weights = Weights::new(config.spec(), state.weights).context("weights in the checkpoint")?;
        if state.adam.len() != weights.data().len() {
            bail!("the checkpoint's optimiser is for {} weights, not {}", state.adam.len(), weights.data().len());
        }
        let display = Display::new(options.plain);
        display.say(&format!(
            "{}: {} after iteration {}, {} weights, {}",
            directory.display(),
            if state.iteration == 0 { "starts" } else { "goes on" },
            state.iteration,
            weights.data().len(),
            learner.name()
        ));
        Ok(Self {
            config,
            directory,
            display,
            metrics,
            learner,
            selfplay,
            weights,
            adam: state.adam,
            iteration: state.iteration,
            plies: state.plies,
            samples: state.samples,
            games: state.games,
            seconds_before: seconds,
            started: Instant::now(),
            fresh_entropy: None,
            records: Vec::new(),
            _lock: lock,
        })
    }

    fn seconds(&self) -> f64 {
        self.seconds_before + self.started.elapsed().as_secs_f64()
    }

    /// Part of the budget that is spent, 0–1; without a budget schedules stay at their start.
    fn progress(&self) -> f64 {
        let part = |done: f64, budget: f64| if budget > 0.0 { done / budget } else { 0.0 };
        let budget = &self.config.run;
        let time = part(self.seconds(), 60.0 * budget.minutes);
        part(self.iteration as f64, budget.iterations as f64).max(time).min(1.0)
    }

    fn is_over(&self) -> bool {
        self.progress() >= 1.0
    }

    fn rates(&self) -> Rates {
        let progress = self.progress();
        Rates {
            learning_rate: self.config.ppo.learning_rate.at(progress),
            ent_coef: self.config.ppo.ent_coef.at(progress),
        }
    }

    fn estimation(&self) -> Estimation {
        let config = &self.config.estimation;
        Estimation {
            gamma: config.gamma,
            gae_lambda: config.gae_lambda,
            value_lambda: config.value_lambda,
            prior_weight: config.prior_weight.at(self.progress()),
        }
    }

    /// Plays the greedy player if it is time to.
    fn evaluate(&self, threads: usize) -> Option<Evaluation> {
        let config = &self.config.run;
        if config.evaluate_every == 0 || !self.iteration.is_multiple_of(config.evaluate_every) {
            return None;
        }
        let seed = Stream::new(self.config.seed, Purpose::Evaluation, self.iteration, 0).next_u64();
        let table = Match { pairs: config.evaluate_games / 2, seed, threads };
        let agent = Agent::of_model("agent", &self.model(), EVALUATION_TEMPERATURE);
        let played = table.play(&agent.into(), &Contender::Greedy, &|_| {});
        let tally = played.tally();
        Some(Evaluation {
            opponent: played.second.clone(),
            games: tally.games(),
            score: tally.score(),
            interval: played.score_interval(),
        })
    }

    fn model(&self) -> Model {
        let provenance = Provenance {
            run: self.directory.display().to_string(),
            iteration: self.iteration,
            plies: self.plies,
            created: humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string(),
            notes: String::new(),
        };
        Model {
            features: self.config.features(),
            actions: self.config.actions(),
            provenance,
            weights: self.weights.clone(),
        }
    }

    fn log(
        &mut self,
        update: ppo::Update,
        rates: Rates,
        estimation: Estimation,
        perf: Perf,
        evaluation: Option<Evaluation>,
        mut collected: Collected,
    ) {
        let (entropy, choices) = collected.normalized_entropy;
        self.records.append(&mut collected.records);
        let mut metrics = Metrics {
            iteration: self.iteration,
            plies: self.plies,
            games: self.games,
            seconds: self.seconds(),
            progress: self.progress(),
            update,
            learning_rate: rates.learning_rate,
            ent_coef: rates.ent_coef,
            prior_weight: estimation.prior_weight,
            normalized_entropy: entropy / choices.max(1) as f64,
            ended: ended(collected),
            perf,
            evaluation,
            alarms: Vec::new(),
        };
        let fresh = *self.fresh_entropy.get_or_insert(metrics.normalized_entropy);
        metrics.alarms = alarms(&metrics, fresh);
        self.display.show(&metrics, self.selfplay.first_game().position());
        if let Err(error) = self.metrics.write(&metrics) {
            self.display.say(&format!("metrics are not written: {error:#}"));
        }
    }

    fn save(&mut self) -> Result<()> {
        let state = self.state();
        checkpoint::save(
            &self.directory.join("checkpoints"),
            &state,
            self.seconds(),
            self.config.run.keep_checkpoints,
        )?;
        let model = self.model().to_bytes(Dtype::F32).context("model")?;
        write_atomically(&self.directory.join("model.model"), &model)?;
        if !self.records.is_empty() {
            let bytes = record::to_bytes(&std::mem::take(&mut self.records)).context("records")?;
            let games = self.directory.join("games");
            std::fs::create_dir_all(&games).with_context(|| format!("{}: cannot create", games.display()))?;
            write_atomically(&games.join(format!("{:08}.record", self.iteration)), &bytes)?;
            write_atomically(&self.directory.join("games.record"), &bytes)?;
        }
        if let Err(error) = draw_curve(&self.directory.join("metrics.jsonl"), &self.directory.join("curve.svg")) {
            self.display.say(&format!("the learning curve is not drawn: {error:#}"));
        }
        Ok(())
    }

    fn state(&self) -> State {
        State {
            config: self.config.to_toml(),
            iteration: self.iteration,
            plies: self.plies,
            samples: self.samples,
            games: self.games,
            weights: self.weights.data().to_vec(),
            adam: self.adam.clone(),
            envs: self.selfplay.state(),
        }
    }

    fn summarise(&self, interrupted: bool) {
        let directory = self.directory.display();
        let seconds = self.seconds();
        println!("{}", if interrupted { "stopped by a signal; everything is saved" } else { "done" });
        println!("iterations {}, plies {}, games {}, {:.0} s", self.iteration, self.plies, self.games, seconds);
        println!("plies/s {:.0}", self.plies as f64 / seconds);
        println!("digest {}", self.state().digest());
        println!("model {directory}/model.model, curve {directory}/curve.svg");
        if interrupted {
            println!("go on with: train --resume {directory}");
        }
    }
}

impl Options {
    fn budget(&self, config: &mut Config) {
        let run = &mut config.run;
        match (self.minutes, self.iterations) {
            (None, None) => {}
            (minutes, iterations) => {
                run.minutes = minutes.unwrap_or(0.0);
                run.iterations = iterations.unwrap_or(0);
            }
        }
    }
}

/// Summarises the games that ended.
fn ended(mut collected: Collected) -> EndedGames {
    let lengths = &mut collected.lengths;
    lengths.sort_unstable();
    let at = |part: f64| lengths.get((part * lengths.len() as f64) as usize).copied().unwrap_or(0);
    EndedGames {
        games_ended: lengths.len() as u64,
        length_mean: lengths.iter().map(|&plies| f64::from(plies)).sum::<f64>() / lengths.len().max(1) as f64,
        length_p50: at(0.5),
        length_p95: at(0.95),
        results: collected.results,
        reasons: collected.reasons,
    }
}

/// Counts SIGINT and SIGTERM: the first asks the loop to stop after this iteration, the second ends the process.
fn stop_signals() -> Result<Arc<AtomicUsize>> {
    let signals = Arc::new(AtomicUsize::new(0));
    let count = signals.clone();
    ctrlc::set_handler(move || {
        if count.fetch_add(1, Ordering::Relaxed) > 0 {
            std::process::exit(130);
        }
        eprintln!("\nstopping after this iteration; once more to stop at once");
    })
    .context("cannot listen for Ctrl-C")?;
    Ok(signals)
}

/// Makes sure that no other process trains in the directory.
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
    let now = humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string();
    now.replace([':', 'Z'], "").replace('T', "-")
}

/// Lets `runs/latest` lead to the run; where links are not to be had, the name is just not there.
fn point_latest_at(directory: &Path) -> Result<()> {
    let name = directory.file_name().context("a run has a name")?;
    let fresh = Path::new(RUNS).join(".latest");
    let _ = std::fs::remove_file(&fresh);
    #[cfg(unix)]
    std::os::unix::fs::symlink(name, &fresh)
        .and_then(|()| std::fs::rename(&fresh, LATEST))
        .with_context(|| format!("{LATEST}: cannot point at {}", directory.display()))?;
    #[cfg(not(unix))]
    let _ = name;
    Ok(())
}
