//! The training loop: collect → advantages → update → log → evaluate → save.

use crate::arena::Match;
use crate::events::{EndedGames, Evaluation, Metrics, Perf};
use crate::network::Network;
use crate::player::{Agent, Contender, EVALUATION_TEMPERATURE};
use crate::ppo;
use crate::random::{Purpose, Stream};
use crate::rollout::Rollout;
use crate::run::{LATEST, Run};
use crate::selfplay::Collected;
use crate::settings::{Layers, Sources};
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// So many updates in a row without one finite gradient end the run.
const BARREN_UPDATES: u32 = 3;

/// `trainer-native train`
#[derive(clap::Args, Debug)]
pub struct Options {
    /// Sources of the settings.
    #[command(flatten)]
    pub sources: Sources,
    /// Stop after so many minutes of the whole run, earlier parts included
    #[arg(long)]
    pub minutes: Option<f64>,
    /// Stop after so many iterations of the whole run
    #[arg(long)]
    pub iterations: Option<u64>,
    /// Directory of the run [default: runs/<time>]
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Go on with a run from its newest whole checkpoint, with its own settings
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = LATEST)]
    #[arg(conflicts_with_all = ["preset", "config", "out"])]
    pub resume: Option<PathBuf>,
    /// One line an iteration instead of the live panel
    #[arg(long)]
    pub plain: bool,
}

impl Options {
    /// Puts the budget, if one is given, over other settings: it replaces the whole of the one before.
    ///
    /// # Errors
    /// If it is not a number that the settings can hold.
    pub fn budget(&self, settings: Layers) -> Result<Layers> {
        let source = match (self.minutes, self.iterations) {
            (None, None) => return Ok(settings),
            (Some(minutes), None) => format!("--minutes {minutes}"),
            (None, Some(iterations)) => format!("--iterations {iterations}"),
            (Some(minutes), Some(iterations)) => format!("--minutes {minutes} --iterations {iterations}"),
        };
        let (minutes, iterations) = (self.minutes.unwrap_or(0.0), self.iterations.unwrap_or(0));
        let settings = settings.put(&source, "run.minutes", &minutes.to_string())?;
        settings.put(&source, "run.iterations", &iterations.to_string())
    }
}

/// Trains until the budget is spent or a signal asks to stop.
///
/// # Errors
/// If the settings, the run directory or a checkpoint are not usable, a checkpoint cannot be written, the learner fails, or
/// three updates in a row find nothing finite to learn from. What was saved before stays.
pub fn run(options: &Options) -> Result<()> {
    let mut run = match &options.resume {
        Some(directory) => Run::resume(directory, options)?,
        None => Run::start(options)?,
    };
    let stop = stop_signals()?;
    let threads = run.config.threads();
    let mut rollout = Rollout::default();
    let mut saved = run.iteration;
    let mut barren = 0;

    while !run.is_over() && stop.load(Ordering::Relaxed) == 0 {
        let begin = Instant::now();
        let (rates, estimation) = run.schedules();
        let learner = run.learner.as_mut();
        let mut collected = run.selfplay.collect(learner, &run.weights, run.iteration, threads, &mut rollout)?;
        rollout.estimate(&estimation);
        let collect_seconds = begin.elapsed().as_secs_f64();
        let order = Stream::new(run.config.seed, Purpose::Shuffle, run.iteration, 0);
        let update = ppo::update(learner, &mut run.weights, &mut run.adam, &rollout, &run.config.ppo, rates, order)?;
        let learn_seconds = begin.elapsed().as_secs_f64() - collect_seconds;
        let plies_per_second = rollout.steps.len() as f64 / begin.elapsed().as_secs_f64();
        let samples_per_second = update.samples as f64 / learn_seconds;

        run.iteration += 1;
        run.plies += rollout.steps.len() as u64;
        run.samples += update.samples as u64;
        run.games += collected.games();
        run.records.append(&mut collected.records);
        let evaluation = evaluate(&run, threads);
        run.tell(Metrics {
            iteration: run.iteration,
            plies: run.plies,
            games: run.games,
            seconds: run.seconds(),
            progress: run.progress(),
            update,
            learning_rate: rates.learning_rate,
            ent_coef: rates.ent_coef,
            prior_weight: estimation.prior_weight,
            normalized_entropy: collected.mean_entropy(),
            ended: ended(collected),
            perf: Perf { plies_per_second, samples_per_second, collect_seconds, learn_seconds },
            evaluation,
            sink_failures: 0,
            alarms: Vec::new(),
        });
        barren = if update.steps == 0 { barren + 1 } else { 0 };
        if barren == BARREN_UPDATES {
            bail!(
                "{barren} updates in a row had no finite gradient; the last good checkpoint is that of iteration {saved}"
            );
        }
        // Checkpoints that learned nothing must not push out the good ones.
        if barren == 0 && run.iteration.is_multiple_of(run.config.run.checkpoint_every) {
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

/// Plays the greedy player if it is time to.
fn evaluate(run: &Run, threads: usize) -> Option<Evaluation> {
    let config = &run.config.run;
    if config.evaluate_every == 0 || !run.iteration.is_multiple_of(config.evaluate_every) {
        return None;
    }
    let seed = Stream::new(run.config.seed, Purpose::Evaluation, run.iteration, 0).next_u64();
    let table = Match { pairs: config.evaluate_games / 2, seed, threads };
    let model = run.model();
    let agent = Agent::new("agent", &model, Network::f32(&model), EVALUATION_TEMPERATURE as f32);
    let played = table.play(&agent.into(), &Contender::Greedy, &|_| {});
    let tally = played.tally();
    Some(Evaluation {
        opponent: played.second.clone(),
        games: tally.games(),
        score: tally.score(),
        interval: played.score_interval(),
    })
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
