//! `trainer-native train`: iterate → log → evaluate → save, until the budget is spent.

use crate::event::{EndedGames, EvaluationMatch, Metrics, Perf};
use crate::run::{LATEST, Run};
use crate::settings::{Layers, Settings, Sources};
use crate::sinks::Display;
use crate::trainer::Report;
use anyhow::{Context, Result, bail};
use keisei_core::learn::Collected;
use keisei_core::random::{Purpose, Stream};
use keisei_play::contender::Contender;
use keisei_play::executor::ModelExecutor;
use keisei_play::matches::Match;
use keisei_play::policy_player::{EVALUATION_TEMPERATURE, PolicyPlayer};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Number of consecutive updates without a finite gradient after which the run ends.
const BARREN_UPDATES: u32 = 3;

/// `trainer-native train`
#[derive(clap::Args, Debug)]
pub struct TrainArgs {
    /// Sources of the settings.
    #[command(flatten)]
    pub sources: Sources,
    /// Stop after this many minutes of the whole run, earlier parts included
    #[arg(long)]
    pub minutes: Option<f64>,
    /// Stop after this many iterations of the whole run, earlier parts included
    #[arg(long)]
    pub iterations: Option<u64>,
    /// Directory of the run [default: runs/<time>]
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Resume a run from its newest valid checkpoint, with its own settings
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = LATEST)]
    #[arg(conflicts_with_all = ["preset", "config", "out"])]
    pub resume: Option<PathBuf>,
    /// Print one line per iteration instead of the live panel
    #[arg(long)]
    pub plain: bool,
}

impl TrainArgs {
    /// Adds the budget, if one is given, as the topmost layer of settings: it replaces both limits of the earlier budget.
    ///
    /// # Errors
    /// If the budget is out of the range of its setting.
    fn budget(&self, settings: Layers) -> Result<Layers> {
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

/// Trains until the budget is spent or a signal stops it.
///
/// # Errors
/// If the settings, the run directory or a checkpoint are not usable, a checkpoint cannot be written, the learner fails, or
/// three consecutive updates have no finite gradient. Everything saved before stays.
pub fn run(args: &TrainArgs) -> Result<()> {
    let mut run = open(args)?;
    let stop = stop_signals()?;
    let mut saved = run.trainer.done.iterations;
    let mut barren = 0;

    while !run.is_over() && stop.load(Ordering::Relaxed) == 0 {
        let mut report = run.trainer.iterate(run.progress())?;
        run.records.append(&mut report.collected.records);
        barren = if report.update.steps == 0 { barren + 1 } else { 0 };
        let evaluation = evaluate(&run);
        run.tell(metrics(&run, report, evaluation));
        if barren == BARREN_UPDATES {
            bail!(
                "{barren} updates in a row had no finite gradient; the last good checkpoint is that of iteration {saved}"
            );
        }
        // Checkpoints without progress must not replace the good ones.
        let iteration = run.trainer.done.iterations;
        if barren == 0 && iteration.is_multiple_of(run.trainer.settings.run.checkpoint_every) {
            run.save()?;
            saved = iteration;
        }
    }
    if saved != run.trainer.done.iterations {
        run.save()?;
    }
    run.display.finish();
    run.summarise(stop.load(Ordering::Relaxed) > 0);
    Ok(())
}

/// A new run, or the one to resume.
fn open(args: &TrainArgs) -> Result<Run> {
    let display = if args.plain { Display::Plain } else { Display::of_terminal() };
    if let Some(directory) = &args.resume {
        let over =
            |stored: Settings| args.budget(Layers::new("checkpoint", &stored).set(&args.sources.set)?)?.settings();
        return Run::resume(directory, over, display);
    }
    let settings = args.budget(args.sources.layers(std::env::vars_os())?)?.settings()?;
    Run::start(settings, args.out.as_deref(), display)
}

/// Match against the greedy player, if one is due after this iteration.
fn evaluate(run: &Run) -> Option<EvaluationMatch> {
    let config = &run.trainer.settings;
    let (every, iteration) = (config.run.evaluate_every, run.trainer.done.iterations);
    if every == 0 || !iteration.is_multiple_of(every) {
        return None;
    }
    let seed = Stream::new(config.seed, Purpose::Evaluation, iteration, 0).next_u64();
    let table = Match { pairs: config.run.evaluate_games / 2, seed, threads: config.threads() };
    let model = run.model();
    let agent = PolicyPlayer::new("agent", &model, ModelExecutor::f32(&model), EVALUATION_TEMPERATURE as f32);
    let played = table.play(&agent.into(), &Contender::Greedy, &|_| {});
    let tally = played.tally();
    Some(EvaluationMatch {
        opponent: played.second.clone(),
        games: tally.games(),
        score: tally.score(),
        interval: played.score_interval(),
    })
}

/// Metrics of an iteration.
fn metrics(run: &Run, report: Report, evaluation: Option<EvaluationMatch>) -> Metrics {
    let Report { collected, update, rates, estimation, plies, collect_seconds, learn_seconds } = report;
    let done = run.trainer.done;
    Metrics {
        iteration: done.iterations,
        plies: done.plies,
        games: done.games,
        seconds: run.seconds(),
        progress: run.progress(),
        update,
        learning_rate: rates.learning_rate,
        ent_coef: rates.ent_coef,
        prior_weight: estimation.prior_weight,
        normalized_entropy: collected.mean_entropy(),
        ended: ended(collected),
        perf: Perf {
            plies_per_second: plies as f64 / (collect_seconds + learn_seconds),
            samples_per_second: update.samples as f64 / learn_seconds,
            collect_seconds,
            learn_seconds,
        },
        evaluation,
        sink_failures: 0,
        alarms: Vec::new(),
    }
}

/// Summary of the games that ended.
fn ended(mut collected: Collected) -> EndedGames {
    let lengths = &mut collected.lengths;
    lengths.sort_unstable();
    let at = |part: f64| lengths.get((part * lengths.len() as f64) as usize).copied().unwrap_or(0);
    EndedGames {
        games_ended: lengths.len() as u64,
        // Not `sum::<f64>`: without any game that would be −0.
        length_mean: lengths.iter().map(|&plies| u64::from(plies)).sum::<u64>() as f64 / lengths.len().max(1) as f64,
        length_p50: at(0.5),
        length_p95: at(0.95),
        results: collected.results,
        reasons: collected.reasons,
    }
}

/// Counter of SIGINT and SIGTERM: the first one stops the loop after its iteration, the second one ends the process.
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
