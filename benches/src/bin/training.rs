//! Samples a second of the learners and of `PyTorch`, side by side: forward, backward and Adam on a minibatch, one thread.
//!
//! Each engine runs in a process of its own, in turn, so that its peak memory is its own; CPU time is counted, so that
//! whatever else the machine does meets all of them alike. `PyTorch` is looked for where `--python` says.

use anyhow::{Context, Result, bail};
use keisei_core::encoding::{Actions, Features, SQUARES};
use keisei_core::net::{NetOptions, NetSpec, Weights};
use std::path::Path;
use std::process::Command;
use std::{env, fs};
use trainer_native::adam::Adam;
use trainer_native::learner::{BurnLearner, CpuLearner, Learner, Minibatch};
use trainer_native::ppo::Coefficients;
use trainer_native::random::{Purpose, Stream};
use trainer_native::rollout::Rollout;

const FEATURES: Features = Features::Attack96;
const ACTIONS: Actions = Actions::Dest2187;
const COEFFICIENTS: Coefficients = Coefficients { clip_coef: 0.2, vf_coef: 1.0, ent_coef: 0.01, scale: 1.0 / 256.0 };

/// Samples of a minibatch.
const SAMPLES: usize = 256;

/// Networks, by channels and blocks.
const NETS: [(u16, u16); 2] = [(64, 4), (32, 4)];

/// How many times as fast as another engine the first one should be.
const BARS: [(&str, f64); 2] = [("pytorch", 2.0), ("burn-flex", 5.0)];

const ENGINES: [&str; 3] = ["keisei", "burn-flex", "pytorch"];

const USAGE: &str = "usage: training [--python PROGRAM] [--rounds N] [--seconds S] [--cpu N]";

struct Options {
    /// A Python that has `PyTorch`.
    python: String,
    rounds: usize,
    /// CPU time of one measurement.
    seconds: f64,
    cpu: usize,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [worker, engine, channels, blocks, seconds] = &arguments[..]
        && worker == "worker"
    {
        let (speed, peak) = measure(engine, channels.parse()?, blocks.parse()?, seconds.parse()?)?;
        println!("{speed} {peak}");
        return Ok(());
    }
    let mut options = Options { python: "python3".into(), rounds: 3, seconds: 3.0, cpu: 0 };
    for pair in arguments.chunks(2) {
        match pair {
            [name, value] if name == "--python" => options.python.clone_from(value),
            [name, value] if name == "--rounds" => options.rounds = value.parse().context(USAGE)?,
            [name, value] if name == "--seconds" => options.seconds = value.parse().context(USAGE)?,
            [name, value] if name == "--cpu" => options.cpu = value.parse().context(USAGE)?,
            _ => bail!(USAGE),
        }
    }
    println!(
        "Samples a second of CPU time, forward + backward + Adam, {SAMPLES} a minibatch, one thread; peak memory."
    );
    for (channels, blocks) in NETS {
        compare(&options, channels, blocks)?;
    }
    Ok(())
}

/// Speed in samples a second and peak memory in KiB.
type Measured = (f64, u64);

fn compare(options: &Options, channels: u16, blocks: u16) -> Result<()> {
    let mut samples: [Vec<Measured>; ENGINES.len()] = Default::default();
    for round in 0..options.rounds {
        for (engine, samples) in ENGINES.iter().zip(&mut samples) {
            match ask(options, engine, channels, blocks) {
                Ok(measured) => samples.push(measured),
                Err(error) if *engine == "pytorch" => {
                    if round == 0 {
                        eprintln!("{engine}: left out: {error:#}");
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }
    let medians = samples.map(|mut samples| {
        samples.sort_by(|a, b| a.0.total_cmp(&b.0));
        samples.get(samples.len() / 2).copied()
    });
    for (engine, measured) in ENGINES.iter().zip(medians) {
        let (Some((speed, peak)), Some((ours, _))) = (measured, medians[0]) else { continue };
        print!("C{channels}N{blocks} {engine}: {speed:.0}/s, {} MiB", peak / 1024);
        if let Some((_, bar)) = BARS.iter().find(|(name, _)| name == engine) {
            let verdict = if ours / speed >= *bar { "met" } else { "missed" };
            print!("; keisei is {:.2}× as fast, the bar of {bar:.1}× is {verdict}", ours / speed);
        }
        println!();
    }
    Ok(())
}

/// Measures an engine in a process of its own, held to one CPU.
fn ask(options: &Options, engine: &str, channels: u16, blocks: u16) -> Result<Measured> {
    let mut command = Command::new("taskset");
    command.arg("--cpu-list").arg(options.cpu.to_string());
    if engine == "pytorch" {
        command.arg(&options.python).arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("python/training_torch.py"));
    } else {
        command.arg(env::current_exe()?).args(["worker", engine]);
    }
    let numbers = [channels.to_string(), blocks.to_string(), options.seconds.to_string()];
    let output = command.args(numbers).output().context("taskset")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let last_words = || String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned();
    let (speed, peak) = text.trim().split_once(' ').with_context(last_words)?;
    Ok((speed.parse()?, peak.parse()?))
}

/// Steps of learning for so many seconds, after one to warm up.
fn measure(engine: &str, channels: u16, blocks: u16, seconds: f64) -> Result<Measured> {
    let rollout = Rollout::of_random_games(SAMPLES, ACTIONS, Stream::new(1, Purpose::Sampling, 0, 0));
    let mut learner: Box<dyn Learner> = match engine {
        "keisei" => Box::new(CpuLearner::new(FEATURES, ACTIONS, 1)),
        "burn-flex" => Box::new(BurnLearner::new(FEATURES, ACTIONS, 1)),
        _ => bail!("no engine {engine}"),
    };
    let spec = NetSpec {
        planes: FEATURES.planes() as u16,
        policy_planes: (ACTIONS.count() / SQUARES) as u16,
        channels,
        blocks,
        value_channels: 8,
        value_hidden: 64,
        options: NetOptions::default(),
    };
    let mut weights = Weights::init(&spec, 1)?;
    let mut adam = Adam::new(spec.parameters());
    let slots: Vec<usize> = (0..rollout.steps.len()).collect();
    let minibatch = Minibatch { rollout: &rollout, slots: &slots, advantages: &rollout.advantages };
    let mut step = || -> Result<()> {
        let (gradient, _) = learner.gradient(&weights, &minibatch, &COEFFICIENTS)?;
        adam.step(weights.data_mut(), &gradient, 1e-4);
        Ok(())
    };
    step()?;
    let (start, mut steps) = (cpu_seconds()?, 0);
    while steps == 0 || cpu_seconds()? - start < seconds {
        step()?;
        steps += 1;
    }
    Ok(((steps * SAMPLES) as f64 / (cpu_seconds()? - start), peak_memory()?))
}

/// Time that this process has spent on CPUs, in steps of 10 ms.
fn cpu_seconds() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat").context("CPU time is read from Linux's stat")?;
    // The name in brackets may hold spaces; user and system time are the 12th and 13th field after it.
    let (_, fields) = stat.rsplit_once(") ").context("stat has a name in brackets")?;
    let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<f64>).sum::<Result<f64, _>>()?;
    Ok(ticks / 100.0)
}

/// In KiB.
fn peak_memory() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status").context("memory is read from Linux's status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
