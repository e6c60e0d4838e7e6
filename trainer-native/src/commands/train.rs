//! `trainer-native train`: iterate → evaluate → save, until the budget is spent.

use crate::event::{Event, Notice, Stamped};
use crate::run::checkpoint::any;
use crate::run::controls::Controls;
use crate::run::directory::{Directory, LATEST};
use crate::run::fit::fit;
use crate::run::{Flow, Run};
use crate::settings::{Layers, Settings, Sources};
use crate::sinks::{Display, Plain, Sink};
use crate::terminal;
use crate::trace::TraceArgs;
use anyhow::{Context, Result};
use std::io::{Write, stderr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// `trainer-native train`
#[derive(clap::Args, Debug)]
pub struct TrainArgs {
    /// Sources of the settings.
    #[command(flatten)]
    pub sources: Sources,
    /// Budget of the run.
    #[command(flatten)]
    pub budget: Budget,
    /// Directory of the run [default: runs/<time>]
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Resume a run from its newest valid checkpoint, with its own settings
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = LATEST)]
    #[arg(conflicts_with_all = ["preset", "config", "out"])]
    pub resume: Option<PathBuf>,
    /// Resume from the checkpoint of this iteration; later ones are set aside
    #[arg(long, value_name = "N", requires = "resume")]
    pub from_iteration: Option<u64>,
    /// Resume the run in --out if there is one, else start it: for schedulers that start a job again
    #[arg(long, requires = "out", conflicts_with = "resume")]
    pub resume_or_start: bool,
    /// Folder in which the run is saved at its end if its own cannot be written [default: the system's temporary folder]
    #[arg(long, value_name = "DIR")]
    pub rescue: Option<PathBuf>,
    /// Print lines instead of the full-screen display
    #[arg(long)]
    pub plain: bool,
    /// Log and trace.
    #[command(flatten)]
    pub trace: TraceArgs,
}

/// Budget of the whole run, parts before a resume included.
#[derive(clap::Args, Debug)]
#[group(multiple = false)]
pub struct Budget {
    /// Stop after this many plies of self-play: the same on every machine
    #[arg(long)]
    pub plies: Option<u64>,
    /// Stop after about this many minutes, which a measurement at the start turns into plies
    #[arg(long)]
    pub minutes: Option<f64>,
    /// Stop after this many iterations
    #[arg(long)]
    pub iterations: Option<u64>,
}

impl Budget {
    /// Adds the budget, if one is given, as the topmost layer of settings.
    ///
    /// # Errors
    /// If the budget is out of the range of its setting.
    fn over(&self, settings: Layers) -> Result<Layers> {
        if let Some(plies) = self.plies {
            return settings.put(&format!("--plies {plies}"), "run.plies", &plies.to_string());
        }
        if let Some(minutes) = self.minutes {
            return settings.put(&format!("--minutes {minutes}"), "run.minutes", &minutes.to_string());
        }
        if let Some(iterations) = self.iterations {
            let plies = settings.settings()?.iteration_plies().saturating_mul(iterations);
            return settings.put(&format!("--iterations {iterations}"), "run.plies", &plies.to_string());
        }
        Ok(settings)
    }
}

/// Trains until the budget is spent or the user stops it; returns a summary.
///
/// # Errors
/// If the settings, the run directory or a checkpoint are not usable, the learner fails, or the run could not be saved in its
/// directory at its end. Everything saved before stays.
pub fn run(args: &TrainArgs) -> Result<String> {
    // Whatever comes, an error too, is printed after the display is gone.
    let _closing = terminal::Closing;
    let controls = Arc::new(Controls::default());
    stop_on_signals(controls.clone())?;
    let tracing = args.trace.install()?;
    let mut run = open(args, controls)?;
    let flow = train(&mut run)?;
    let summary = run.finish(flow, args.rescue.as_deref().unwrap_or(&std::env::temp_dir()))?;
    Ok(summary + &tracing.finish())
}

/// The training loop.
fn train(run: &mut Run) -> Result<Flow> {
    while !run.is_over() {
        if run.iterate()? == Flow::Stopped || run.evaluate_if_due()? == Flow::Stopped {
            return Ok(Flow::Stopped);
        }
    }
    Ok(Flow::GoesOn)
}

/// A new run, or the one to resume.
fn open(args: &TrainArgs, controls: Arc<Controls>) -> Result<Run> {
    let in_lines = args.plain || args.trace.log()?.is_some() || !terminal::is_usable();
    let mut display: Box<dyn Sink> = if in_lines { Box::new(Plain) } else { Box::new(Display::new(controls.clone())) };
    let out = args.out.as_deref();
    // A run killed before its first checkpoint is started anew.
    let there = out.filter(|out| args.resume_or_start && any(&out.join("checkpoints")).unwrap_or(true));
    if let Some(directory) = args.resume.as_deref().or(there) {
        return resume(args, directory, vec![display], controls);
    }
    let mut layers = args.sources.layers(std::env::vars_os())?;
    let given = layers.settings()?;
    if given.is_open() {
        let fitted = fit(&given, |text| {
            // It is said before the run exists; if it cannot be said here, the settings still tell.
            let _ = display.receive(&Stamped::now(Event::Notice(Notice { text })));
        })?;
        for (key, number) in [("selfplay.envs", fitted.selfplay.envs), ("ppo.minibatch", fitted.ppo.minibatch)] {
            layers = layers.put("measurement", key, &number.to_string())?;
        }
    }
    let settings = args.budget.over(layers)?.settings()?;
    Run::start(settings, Directory::of_new_run(out), vec![display], controls)
}

fn resume(args: &TrainArgs, directory: &Path, sinks: Vec<Box<dyn Sink>>, controls: Arc<Controls>) -> Result<Run> {
    let directory = Directory::of_run(directory)?;
    let over =
        |stored: Settings| args.budget.over(Layers::new("checkpoint", &stored).set(&args.sources.set)?)?.settings();
    Run::resume(directory, args.from_iteration, over, sinks, controls)
}

/// Time after a signal for which another one is the same: `timeout` sends its signal to the process, then to its whole group.
const SAME_SIGNAL: Duration = Duration::from_secs(1);

/// Lets the first SIGINT, SIGTERM or SIGHUP stop the run, and the second end the process.
pub(super) fn stop_on_signals(controls: Arc<Controls>) -> Result<()> {
    let mut last: Option<Instant> = None;
    ctrlc::set_handler(move || {
        if last.replace(Instant::now()).is_some_and(|last| last.elapsed() < SAME_SIGNAL) {
            return;
        }
        if controls.is_stopping() {
            terminal::close();
            std::process::exit(130);
        }
        controls.stop();
        if terminal::is_full() {
            return;
        }
        // If nobody can read it, it need not be said.
        let _ = writeln!(stderr(), "\nstopping: the last whole iteration is saved; once more to end at once");
    })
    .context("cannot listen for Ctrl-C")
}
