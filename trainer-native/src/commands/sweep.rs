//! `trainer-native sweep`: trials of different settings, each trained with several seeds and compared by matches.

use super::train::stop_on_signals;
use crate::argument::BadArgument;
use crate::run::Flow;
use crate::run::budget::{measure, plies_in, plies_in_words};
use crate::run::controls::Controls;
use crate::run::directory::timestamp;
use crate::run::fit::fit;
use crate::settings::{Settings, Sources};
use crate::sweep::journal::{BUILT_IN, DEFAULT, JOURNAL, Journal, Plan};
use crate::sweep::space::Space;
use crate::sweep::strategy::{MOST_TRIALS, Strategy};
use crate::sweep::{Sweep, threads_of_a_job, try_opponents};
use anyhow::{Result, bail, ensure};
use keisei_play::spelling::Spelling;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Trials if `--trials` is not given.
const TRIALS: usize = 12;

/// `trainer-native sweep`
#[derive(clap::Args, Debug)]
pub struct SweepArgs {
    /// Sources of the settings that all trials start from.
    #[command(flatten)]
    pub sources: Sources,
    /// One setting to try values of: `ppo.clip_coef=0.1..0.3`, `ppo.learning_rate.from=log:3e-4..3e-3`, `selfplay.horizon=16,32`;
    /// a key alone tries all its values
    #[arg(long, value_name = "KEY=VALUES")]
    pub over: Vec<String>,
    /// TOML file of settings to try values of, each a list or a text such as "log:3e-4..3e-3"
    #[arg(long, value_name = "FILE")]
    pub space: Option<PathBuf>,
    /// Way to choose the values of trials
    #[arg(long, value_enum, default_value_t = Strategy::Tpe)]
    pub strategy: Strategy,
    /// Trials beside that of the settings they start from [default: 12; a grid has as many as it has points]
    #[arg(long, value_name = "N")]
    pub trials: Option<usize>,
    /// Values of each range in a grid
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub points: usize,
    /// Successive halving keeps one trial in so many, with so many times the budget
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub eta: usize,
    /// Agents that each trial trains, with seeds one apart: the score is their mean
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub seeds: usize,
    /// Budget of each agent.
    #[command(flatten)]
    pub budget: AgentBudget,
    /// Opponent of every agent, as for `evaluate`, or `default`: what the settings that trials start from learn with the same budget
    #[arg(long, value_name = "WHO", default_values = ["greedy", DEFAULT])]
    pub opponent: Vec<String>,
    /// Games of each agent against each opponent, an even number
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub games: usize,
    /// Agents that are trained at the same time; they share the threads of `run.threads`
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub jobs: usize,
    /// Folder of the sweep [default: runs/sweep-TIME]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Go on with a sweep that was stopped or killed, with its own plan
    #[arg(long, value_name = "DIR", conflicts_with_all = [
        "preset", "config", "set", "over", "space", "strategy", "trials", "points", "eta", "seeds", "plies", "minutes", "opponent",
        "games", "out",
    ])]
    pub resume: Option<PathBuf>,
}

/// Budget of each agent of a sweep.
#[derive(clap::Args, Debug)]
#[group(multiple = false)]
pub struct AgentBudget {
    /// Plies of self-play of each agent [default: the budget of the settings]
    #[arg(long)]
    pub plies: Option<u64>,
    /// Minutes of each agent: turned into plies once, by measuring the settings that trials start from, so that all trials are equal
    #[arg(long)]
    pub minutes: Option<f64>,
}

/// Trains and compares all trials; returns their table. `say` is told what happens meanwhile.
///
/// # Errors
/// Names the argument, the setting or the opponent that cannot be used, or the file that cannot be written. Everything done before
/// stays, and `--resume` goes on from it.
pub fn run(args: &SweepArgs, mut say: impl FnMut(&str)) -> Result<String> {
    check(args)?;
    let controls = Arc::new(Controls::default());
    stop_on_signals(controls.clone())?;
    let (folder, mut sweep) = match &args.resume {
        Some(folder) if !folder.join(JOURNAL).is_file() => bail!("{}: no sweep there to go on with", folder.display()),
        Some(folder) => (folder.clone(), Sweep::new(folder, args.jobs, controls, Journal::open)?),
        None => {
            let plan = plan(args, &mut say)?;
            let folder = args.out.clone().unwrap_or_else(|| Path::new("runs").join(format!("sweep-{}", timestamp())));
            let start = |folder: &Path| {
                try_opponents(folder, &plan.opponents)?;
                Journal::start(folder, plan)
            };
            let sweep = Sweep::new(&folder, args.jobs, controls, start)?;
            (folder, sweep)
        }
    };
    say(&format!("sweep in {}", folder.display()));
    let flow = sweep.run(&mut say)?;
    let table = sweep.table().text();
    Ok(match flow {
        Flow::GoesOn => format!("{table}\ntable {0}/sweep.json\ndiagram {0}/sweep.svg\n", folder.display()),
        Flow::Stopped => format!("{table}\nstopped; go on with: trainer-native sweep --resume {}\n", folder.display()),
    })
}

fn check(args: &SweepArgs) -> Result<(), BadArgument> {
    let in_range = |name: &str, number: usize, low: usize, high: usize| {
        let reason = format!("must be from {low} to {high}");
        if (low..=high).contains(&number) { Ok(()) } else { Err(BadArgument::new(name, &number.to_string(), reason)) }
    };
    in_range("--trials", args.trials.unwrap_or(TRIALS), 1, MOST_TRIALS)?;
    in_range("--points", args.points, 1, MOST_TRIALS)?;
    in_range("--eta", args.eta, 2, 100)?;
    in_range("--seeds", args.seeds, 1, 1000)?;
    in_range("--jobs", args.jobs, 1, 4096)?;
    in_range("--games", args.games, 2, 1_000_000)?;
    if !args.games.is_multiple_of(2) {
        let reason = "must be even: every opening is played with both colours";
        return Err(BadArgument::new("--games", &args.games.to_string(), reason));
    }
    if let (Strategy::Grid, Some(trials)) = (args.strategy, args.trials) {
        let reason = "a grid has as many trials as points: --points says how many values each range has";
        return Err(BadArgument::new("--trials", &trials.to_string(), reason));
    }
    for (i, opponent) in args.opponent.iter().enumerate() {
        if opponent == "self" {
            return Err(BadArgument::new("--opponent", opponent, "scores against oneself compare nothing"));
        }
        if opponent != DEFAULT {
            let spelling = opponent.parse::<Spelling>();
            spelling.map_err(|error| BadArgument::new("--opponent", opponent, error))?;
        }
        if args.opponent[..i].contains(opponent) {
            return Err(BadArgument::new("--opponent", opponent, "is given twice"));
        }
    }
    Ok(())
}

/// Plan of a new sweep.
fn plan(args: &SweepArgs, say: &mut dyn FnMut(&str)) -> Result<Plan> {
    let space = Space::new(&args.over, args.space.as_deref())?;
    let mut settings = args.sources.layers(std::env::vars_os())?.settings()?;
    let trials = match args.strategy {
        Strategy::Grid => space.grid_size(args.points),
        _ => args.trials.unwrap_or(TRIALS),
    };
    ensure!(
        trials <= MOST_TRIALS,
        "the grid has {trials} trials: give fewer values, so that it has at most {MOST_TRIALS}"
    );
    let last_seed = settings.seed.checked_add(args.seeds as u64);
    ensure!(last_seed.is_some_and(|last| i64::try_from(last).is_ok()), "seed = {}: too large", settings.seed);
    let is_swept = |key: &str| space.dimensions.iter().any(|dimension| dimension.key == key);
    if settings.selfplay.envs == 0 && !is_swept("selfplay.envs") {
        settings = fit(&settings, |text| say(&text))?;
    }
    let plies = plies(args, &settings, say)?;
    (settings.run.plies, settings.run.minutes) = (plies, 0.0);
    settings.validate()?;
    Ok(Plan {
        version: Plan::VERSION,
        settings: settings.to_toml(),
        space,
        strategy: args.strategy,
        trials,
        points: args.points,
        eta: args.eta,
        seeds: args.seeds,
        plies,
        opponents: args.opponent.iter().map(|opponent| lasting(opponent)).collect(),
        games: args.games,
        ahead: args.jobs.div_ceil(args.seeds),
    })
}

/// Budget of each agent in plies.
fn plies(args: &SweepArgs, settings: &Settings, say: &mut dyn FnMut(&str)) -> Result<u64> {
    let minutes = match (args.budget.plies, args.budget.minutes) {
        (Some(0), _) => bail!(BadArgument::new("--plies", "0", "a trial has an end")),
        (Some(plies), _) => return Ok(plies),
        (None, Some(minutes)) => minutes,
        (None, None) if settings.run.plies > 0 => return Ok(settings.run.plies),
        (None, None) => settings.run.minutes,
    };
    if !(minutes > 0.0 && minutes <= 1e7) {
        bail!(BadArgument::new("--minutes", &minutes.to_string(), "must be above 0, and at most 10000000"));
    }
    let mut measured = settings.clone();
    (measured.run.plies, measured.run.minutes) = (0, minutes);
    measured.run.threads = threads_of_a_job(settings, args.jobs);
    let plies = plies_in(minutes, &measure(&measured)?, settings);
    say(&format!("{minutes} minutes of {} threads are {} plies", measured.run.threads, plies_in_words(plies)));
    Ok(plies)
}

/// Name of an opponent; that of a file with its whole path, so that it is found from any folder.
fn lasting(opponent: &str) -> String {
    match Path::new(opponent).canonicalize() {
        Ok(path) if !BUILT_IN.contains(&opponent) => path.display().to_string(),
        _ => opponent.to_owned(),
    }
}
