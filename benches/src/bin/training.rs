//! Learning beside `PyTorch`, one thread: forward, backward and Adam on a minibatch, and a whole iteration of PPO, self-play
//! included.
//!
//! Each engine runs in a process of its own, in turn, so that its peak memory is its own; CPU time is counted, so that
//! whatever else the machine does meets all of them alike. `PyTorch` is installed below the target folder, some 3 GB to
//! download, or is that of `--python`.
//!
//! The iteration is that of the preset `cpu` without mates, with as many games, plies, epochs and samples a minibatch for all. Both sides have
//! dlshogi's planes, which cshogi writes in C++, and so the very same network; legal moves and rules are cshogi's in Python and
//! ours here. Ours also scores material in every position and keeps records.

use anyhow::{Context, Result, bail};
use keisei_benches::worker;
use keisei_core::encoding::{Actions, Features};
use keisei_core::learn::{Adam, Coefficients, Learner, Minibatch, Rollout};
use keisei_core::net::simd::Bf16;
use keisei_core::net::{NetSpec, Weights};
use keisei_core::random::{Purpose, Stream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};
use trainer_native::learner::{BurnLearner, CpuLearner, Precision};
use trainer_native::settings::{Preset, Settings};
use trainer_native::trainer::Trainer;

const FEATURES: Features = Features::Attack96;
const ACTIONS: Actions = Actions::Dest2187;
const COEFFICIENTS: Coefficients = Coefficients {
    clip_coef: 0.2,
    vf_coef: 1.0,
    past_coef: 0.0,
    score_coef: 0.1,
    ent_coef: 0.01,
    kl_coef: 0.0,
    mate_coef: 0.0,
    scale: 1.0 / 256.0,
};

/// Games and plies of an iteration, whatever the presets have: tables of all revisions can be compared.
const ENVS: usize = 256;
const HORIZON: usize = 16;

/// Samples of a minibatch.
const SAMPLES: usize = 256;

/// Networks, by channels and blocks.
const NETS: [(u16, u16); 2] = [(64, 4), (32, 4)];

/// A measurement: its engines, and the bars: one engine, another, and how many times as fast the first should be.
struct Task {
    name: &'static str,
    /// Unit of the rate.
    unit: &'static str,
    engines: &'static [&'static str],
    ratios: &'static [(&'static str, &'static str, Option<f64>)],
}

const STEP: Task = Task {
    name: "training step",
    unit: "samples",
    engines: &["keisei", "keisei-bf16x3", "keisei-bf16", "burn-flex", "pytorch", "pytorch-bf16"],
    ratios: &[
        ("keisei", "pytorch", Some(2.0)),
        ("keisei", "burn-flex", Some(5.0)),
        ("keisei-bf16", "pytorch-bf16", None),
    ],
};

const ITERATION: Task = Task {
    name: "whole PPO iteration",
    unit: "plies",
    engines: &["keisei", "keisei-bf16x3", "keisei-bf16", "pytorch", "pytorch-bf16"],
    ratios: &[("keisei", "pytorch", Some(2.2)), ("keisei-bf16", "pytorch-bf16", None)],
};

const USAGE: &str = "usage: training [--python PROGRAM] [--rounds N] [--seconds S] [--cpu N] [--only step|iteration]";

struct Options {
    /// A Python with the packages of `python/training.txt`; without one the rows of `PyTorch` are left out.
    python: Option<PathBuf>,
    rounds: usize,
    /// CPU time of one measurement.
    seconds: f64,
    cpu: usize,
    tasks: Vec<&'static Task>,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [worker, task, engine, channels, blocks, seconds] = &arguments[..]
        && worker == "worker"
    {
        let (channels, blocks, seconds) = (channels.parse()?, blocks.parse()?, seconds.parse()?);
        let (speed, peak) = if task == ITERATION.name {
            iteration(engine, config(channels, blocks), seconds)?
        } else {
            step(engine, channels, blocks, seconds)?
        };
        println!("{speed} {peak}");
        return Ok(());
    }
    let mut options = Options { python: None, rounds: 3, seconds: 3.0, cpu: 0, tasks: vec![&STEP, &ITERATION] };
    for pair in arguments.chunks(2) {
        match pair {
            [name, value] if name == "--python" => options.python = Some(value.into()),
            [name, value] if name == "--rounds" => options.rounds = value.parse().context(USAGE)?,
            [name, value] if name == "--seconds" => options.seconds = value.parse().context(USAGE)?,
            [name, value] if name == "--cpu" => options.cpu = value.parse().context(USAGE)?,
            [name, value] if name == "--only" && value == "step" => options.tasks = vec![&STEP],
            [name, value] if name == "--only" && value == "iteration" => options.tasks = vec![&ITERATION],
            _ => bail!(USAGE),
        }
    }
    if options.python.is_none() {
        match worker::python_packages(&worker::folder()?, "training.txt") {
            Ok(python) => options.python = Some(python),
            Err(error) => eprintln!("without PyTorch: {error:#}"),
        }
    }
    for task in &options.tasks {
        println!("{}: {} a second of CPU time, one thread; peak memory.", task.name, task.unit);
        for (channels, blocks) in NETS {
            compare(&options, task, channels, blocks)?;
        }
    }
    Ok(())
}

/// Samples or plies a second and peak memory in KiB.
type Measured = (f64, u64);

fn compare(options: &Options, task: &Task, channels: u16, blocks: u16) -> Result<()> {
    let mut measured: Vec<(&str, Vec<Measured>)> = task.engines.iter().map(|engine| (*engine, Vec::new())).collect();
    measured.retain(|(engine, _)| match *engine {
        "keisei-bf16x3" | "keisei-bf16" => Bf16::is_available(),
        // Without the matrix unit PyTorch emulates bfloat16, at a tenth of its speed in f32: an iteration would take minutes.
        "pytorch-bf16" => Bf16::is_available() && options.python.is_some(),
        engine => options.python.is_some() || !engine.starts_with("pytorch"),
    });
    for _ in 0..options.rounds {
        for (engine, samples) in &mut measured {
            samples.push(ask(options, task, engine, channels, blocks).with_context(|| (*engine).to_owned())?);
        }
    }
    let mut medians: Vec<(&str, f64)> = Vec::new();
    for (engine, mut samples) in measured {
        samples.sort_by(|a, b| a.0.total_cmp(&b.0));
        let Some(&(speed, peak)) = samples.get(samples.len() / 2) else { continue };
        println!("C{channels}N{blocks} {engine}: {speed:.0}/s, {} MiB", peak / 1024);
        medians.push((engine, speed));
    }
    let of = |engine: &str| medians.iter().find(|(name, _)| *name == engine).map(|(_, speed)| *speed);
    for (ours, other, bar) in task.ratios {
        let Some((our_speed, speed)) = of(ours).zip(of(other)) else { continue };
        let times = our_speed / speed;
        print!("C{channels}N{blocks} {ours} is {times:.2}× as fast as {other}");
        if let Some(bar) = bar {
            print!(", the bar of {bar:.1}× is {}", if times >= *bar { "met" } else { "missed" });
        }
        println!();
    }
    Ok(())
}

/// Measures an engine in a process of its own, pinned to one CPU.
fn ask(options: &Options, task: &Task, engine: &str, channels: u16, blocks: u16) -> Result<Measured> {
    let mut command = Command::new("taskset");
    command.arg("--cpu-list").arg(options.cpu.to_string());
    // Some machines set these variables for another numpy; they must not affect the measurement.
    command.env_remove("OPENBLAS_CORETYPE").env_remove("OPENBLAS_L2_SIZE");
    let (channels, blocks, seconds) = (channels.to_string(), blocks.to_string(), options.seconds.to_string());
    let python = options.python.as_ref().filter(|_| engine.starts_with("pytorch"));
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
    let precision = engine.strip_prefix("pytorch-").unwrap_or("f32");
    if let Some(python) = python
        && task.name == ITERATION.name
    {
        let ppo = Preset::Cpu.settings().ppo;
        let numbers = [ENVS, HORIZON, ppo.epochs, ppo.minibatch].map(|number| number.to_string());
        command.arg(python).arg(scripts.join("ppo_torch.py")).args([&channels, &blocks]);
        command.args(numbers).args([precision, &seconds]);
    } else if let Some(python) = python {
        command.arg(python).arg(scripts.join("training_torch.py")).args([&channels, &blocks, precision, &seconds]);
    } else {
        command.arg(env::current_exe()?).args(["worker", task.name, engine, &channels, &blocks, &seconds]);
    }
    let output = command.output().context("taskset")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let last_words = || String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned();
    let (speed, peak) = text.trim().split_once(' ').with_context(last_words)?;
    Ok((speed.parse()?, peak.parse()?))
}

/// Steps of learning.
fn step(engine: &str, channels: u16, blocks: u16, seconds: f64) -> Result<Measured> {
    let rollout = Rollout::of_random_games(SAMPLES, ACTIONS, Stream::new(1, Purpose::Sampling, 0, 0));
    let mut learner: Box<dyn Learner> = match engine {
        "burn-flex" => Box::new(BurnLearner::new(FEATURES, ACTIONS, 1)),
        _ => Box::new(cpu_learner(engine, FEATURES)?),
    };
    let spec = NetSpec { channels, blocks, ..NetSpec::for_encodings(FEATURES, ACTIONS) };
    let mut weights = Weights::init(&spec, 1)?;
    let mut adam = Adam::new(spec.parameters());
    let slots: Vec<usize> = (0..rollout.steps.len()).collect();
    let minibatch = Minibatch { rollout: &rollout, slots: &slots, advantages: &rollout.advantages, past: &[] };
    let steps = rate(seconds, || {
        let (gradient, _) = learner.gradient(&weights, &minibatch, &COEFFICIENTS)?;
        adam.step(weights.data_mut(), &gradient, 1e-4);
        Ok(())
    })?;
    Ok((steps * SAMPLES as f64, peak_memory()?))
}

/// Our learner in the precision that the engine is named after.
fn cpu_learner(engine: &str, features: Features) -> Result<CpuLearner> {
    let precision = match engine {
        "keisei" => Precision::F32,
        "keisei-bf16x3" => Precision::Bf16x3,
        "keisei-bf16" => Precision::Bf16,
        _ => bail!("no engine {engine}"),
    };
    CpuLearner::with_precision(features, ACTIONS, precision, 1)
}

/// The preset for CPUs with a network of this size on the planes that cshogi has, and one thread.
fn config(channels: u16, blocks: u16) -> Settings {
    let mut config = Preset::Cpu.settings();
    config.net.features = Features::Dlshogi119.id().into();
    (config.net.channels, config.net.blocks) = (channels, blocks);
    (config.selfplay.envs, config.selfplay.horizon) = (ENVS, HORIZON);
    (config.selfplay.mate_plies, config.selfplay.mate_lessons, config.ppo.mate_coef) = (0, 0, 0.0);
    // All minibatches are learned from, as in the loop for PyTorch.
    config.ppo.target_kl = f32::INFINITY;
    config.run.threads = 1;
    config
}

/// Iterations of the trainer.
fn iteration(engine: &str, config: Settings, seconds: f64) -> Result<Measured> {
    let learner = cpu_learner(engine, config.features())?;
    let weights = Weights::init(&config.spec(), 1)?;
    let mut trainer = Trainer::new(config, Box::new(learner), weights);
    let mut plies = 0;
    let iterations = rate(seconds, || {
        plies = trainer.iterate(0.0)?.plies;
        Ok(())
    })?;
    Ok((iterations * plies as f64, peak_memory()?))
}

/// Runs of `run` per second of CPU time, measured for `seconds` after one run.
fn rate(seconds: f64, mut run: impl FnMut() -> Result<()>) -> Result<f64> {
    run()?;
    let (start, mut runs) = (cpu_seconds()?, 0);
    while runs == 0 || cpu_seconds()? - start < seconds {
        run()?;
        runs += 1;
    }
    Ok(f64::from(runs) / (cpu_seconds()? - start))
}

/// Time that this process has spent on CPUs, in steps of 10 ms.
fn cpu_seconds() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat").context("CPU time is read from Linux's stat")?;
    // The name in brackets may hold spaces; user and system time are the 12th and 13th field after it.
    let (_, fields) = stat.rsplit_once(") ").context("stat has a name in brackets")?;
    let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<f64>).sum::<Result<f64, _>>()?;
    Ok(ticks / 100.0)
}

/// Peak memory in KiB.
fn peak_memory() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status").context("memory is read from Linux's status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
