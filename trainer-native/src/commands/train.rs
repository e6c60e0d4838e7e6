//! `trainer-native train`: iterate → evaluate → save, until the budget is spent.

use crate::event::{Event, Notice, Stamped};
use crate::ranks::follow::follow;
use crate::ranks::hello::{Hello, greet};
#[cfg(feature = "mpi")]
use crate::ranks::mpi::Seat;
use crate::ranks::orders::ready;
use crate::run::checkpoint::any;
use crate::run::controls::Controls;
use crate::run::directory::{Directory, LATEST};
use crate::run::fit::fit;
use crate::run::{Flow, Run};
use crate::settings::{Layers, Settings, Sources};
use crate::sinks::{Display, Plain, Sink};
use crate::terminal;
use crate::trace::TraceArgs;
use anyhow::{Context, Result, ensure};
use keisei_core::learn::Reduce;
use std::collections::BTreeMap;
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
    /// Directory of the run [default: runs/TIME]
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
    let job = Job::take()?;
    if !job.is_first() {
        job.follow(args)?;
        return Ok(String::new());
    }
    // Whatever comes, an error too, is printed after the display is gone.
    let _closing = terminal::Closing;
    let controls = Arc::new(Controls::default());
    stop_on_signals(controls.clone())?;
    job.greet(args)?;
    let tracing = args.trace.install()?;
    let mut run = open(args, controls, &job)?;
    let flow = train(&mut run)?;
    let summary = run.finish(flow, args.rescue.as_deref().unwrap_or(&std::env::temp_dir()))?;
    job.leave();
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

/// Processes that train together, of which this is one.
struct Job {
    /// The ranks of the job, if there is more than this process.
    ranks: Option<Arc<dyn Reduce>>,
    #[cfg(feature = "mpi")]
    seat: Option<Seat>,
}

impl Job {
    /// Takes part in the job that this process was started in.
    ///
    /// # Errors
    /// If this program was built without a way to do so, or the launcher has none that it knows.
    fn take() -> Result<Self> {
        #[cfg(feature = "mpi")]
        {
            let seat = Seat::take()?;
            ensure!(
                seat.is_some() || processes("WORLD_SIZE") <= 1,
                "this is one of {} processes (WORLD_SIZE), which MPI does not know of: start them with mpirun or srun",
                processes("WORLD_SIZE")
            );
            let ranks = seat.as_ref().map(Seat::ranks).filter(|ranks| ranks.ranks() > 1);
            Ok(Self { ranks, seat })
        }
        #[cfg(not(feature = "mpi"))]
        {
            for name in ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "WORLD_SIZE"] {
                ensure!(
                    processes(name) <= 1,
                    "this is one of {} processes ({name}), and the program was built without MPI: build it with --features mpi",
                    processes(name)
                );
            }
            Ok(Self { ranks: None })
        }
    }

    fn is_first(&self) -> bool {
        self.ranks.as_ref().is_none_or(|ranks| ranks.rank() == 0)
    }

    /// The settings with the number of processes, which is that of the ranks.
    ///
    /// # Errors
    /// If they ask for another number.
    fn over(&self, layers: Layers) -> Result<Layers> {
        let Some(ranks) = &self.ranks else { return Ok(layers) };
        let (asked, count) = (layers.settings()?.run.ranks, ranks.ranks());
        ensure!(asked == 1 || asked == count, "run.ranks = {asked}: this is a job of {count} processes; leave it out");
        layers.put("the job", "run.ranks", &count.to_string())
    }

    /// Checks that all processes are this program and were given the same.
    ///
    /// # Errors
    /// Names the rank that differs.
    fn greet(&self, args: &TrainArgs) -> Result<()> {
        let Some(ranks) = &self.ranks else { return Ok(()) };
        let given = ready(ranks.as_ref(), given(args, self))?;
        greet(ranks.as_ref(), Hello::new(given))
    }

    /// Trains as a rank other than 0, until the run ends.
    ///
    /// # Errors
    /// If a rank is lost, or differs.
    fn follow(self, args: &TrainArgs) -> Result<()> {
        // Rank 0 ends the run in its own time, which a signal to all processes leaves to it; the second signal ends this one.
        stop_on_second_signal()?;
        self.greet(args)?;
        if let Some(ranks) = &self.ranks {
            follow(ranks, None)?;
        }
        self.leave();
        Ok(())
    }

    /// Leaves the job in an orderly way.
    fn leave(self) {
        // The seat is left once nobody uses the ranks.
        drop(self.ranks);
        #[cfg(feature = "mpi")]
        if let Some(seat) = self.seat {
            seat.leave();
        }
    }
}

/// Number of processes by a variable that a launcher sets.
fn processes(name: &str) -> usize {
    std::env::var(name).ok().and_then(|size| size.parse().ok()).unwrap_or(1)
}

/// Everything given that decides what the run does.
fn given(args: &TrainArgs, job: &Job) -> Result<BTreeMap<String, String>> {
    let sources = &args.sources;
    if args.resume.is_none() {
        let layers = args.budget.over(job.over(sources.layers(std::env::vars_os())?)?)?;
        return Ok(Hello::rows(&layers.settings()?));
    }
    let Budget { plies, minutes, iterations } = args.budget;
    let mut given: BTreeMap<String, String> = sources
        .set
        .iter()
        .map(|set| set.split_once('=').unwrap_or((set, "")))
        .map(|(key, value)| (key.into(), value.into()))
        .collect();
    given.insert("--from-iteration".into(), format!("{:?}", args.from_iteration));
    given.insert("budget".into(), format!("{plies:?}, {minutes:?}, {iterations:?}"));
    Ok(given)
}

/// A new run, or the one to resume.
fn open(args: &TrainArgs, controls: Arc<Controls>, job: &Job) -> Result<Run> {
    let in_lines = args.plain || args.trace.log()?.is_some() || !terminal::is_usable();
    let mut display: Box<dyn Sink> = if in_lines { Box::new(Plain) } else { Box::new(Display::new(controls.clone())) };
    let out = args.out.as_deref();
    // A run killed before its first checkpoint is started anew.
    let there = out.filter(|out| args.resume_or_start && any(&out.join("checkpoints")).unwrap_or(true));
    if let Some(directory) = args.resume.as_deref().or(there) {
        return resume(args, directory, vec![display], controls, job);
    }
    let mut layers = job.over(args.sources.layers(std::env::vars_os())?)?;
    let given = layers.settings()?;
    ensure!(
        given.selfplay.envs > 0 || job.ranks.is_none(),
        "selfplay.envs is auto: it is measured in one process, so give the number of games of all processes"
    );
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
    Run::start_among(settings, Directory::of_new_run(out), vec![display], controls, job.ranks.clone())
}

fn resume(
    args: &TrainArgs,
    directory: &Path,
    sinks: Vec<Box<dyn Sink>>,
    controls: Arc<Controls>,
    job: &Job,
) -> Result<Run> {
    let directory = Directory::of_run(directory)?;
    let over = |stored: Settings| {
        let mut layers = Layers::new("checkpoint", &stored);
        if job.ranks.is_some() {
            // Those that it ran on before are gone.
            layers = layers.put("the job", "run.ranks", "1")?;
        }
        args.budget.over(job.over(layers.set(&args.sources.set)?)?)?.settings()
    };
    Run::resume(directory, args.from_iteration, over, sinks, controls, job.ranks.clone())
}

/// Time after a signal for which another one is the same: `timeout` sends its signal to the process, then to its whole group.
const SAME_SIGNAL: Duration = Duration::from_secs(1);

/// Lets the second SIGINT, SIGTERM or SIGHUP end the process.
fn stop_on_second_signal() -> Result<()> {
    let mut first: Option<Instant> = None;
    let heard = move || match first {
        None => first = Some(Instant::now()),
        Some(first) if first.elapsed() < SAME_SIGNAL => {}
        Some(_) => std::process::exit(130),
    };
    ctrlc::set_handler(heard).context("cannot listen for Ctrl-C")
}

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
