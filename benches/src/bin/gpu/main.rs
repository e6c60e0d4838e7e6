//! Speed of a GPU that plays and learns: the trainer's own evaluator, update and whole iteration, beside `PyTorch` with the same network.
//!
//! Rates are of positions a second of wall time, everything included that the trainer does for them: writing the planes, sending
//! them, fetching the logits of the legal actions. `PyTorch`'s forward pass and training step find their input on the GPU and
//! leave their output there. `MFU` is the part of the GPU's peak in dense bf16 that the network's multiplications make up.
//!
//! Rows appear as they are measured; `benches/gpu/run` builds the program and looks for `PyTorch`.

mod parity;

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;
use std::{env, path::Path};

use anyhow::{Context, Result, bail};
use keisei_core::encoding::{Actions, Features, SQUARES};
use keisei_core::evaluator::Batch;
use keisei_core::learn::{Adam, Coefficients, Learner, Minibatch, Rollout, StepRules};
use keisei_core::net::{NetSpec, Weights};
use keisei_core::random::{Purpose, Stream};
use trainer_native::learner::{Device, Limits, Precision};
use trainer_native::run::card::Needs;
use trainer_native::settings::Preset;
use trainer_native::trainer::Trainer;

const FEATURES: Features = Features::Attack96;
const ACTIONS: Actions = Actions::Dest2187;

const USAGE: &str = "usage: gpu [--device cuda|wgpu] [--net C64N4]… [--precision f32|bf16|f16]… [--batch N] \
                     [--horizon N] [--threads N] [--seconds S] [--python PROGRAM] \
                     [--only parity|limits|forward|training|iteration|pytorch]…";

/// Parts of the benchmark, in their order.
const PARTS: [&str; 6] = ["parity", "limits", "forward", "training", "iteration", "pytorch"];

struct Options {
    device: Device,
    /// Channels and blocks.
    nets: Vec<(u16, u16)>,
    precisions: Vec<Precision>,
    /// Positions of a forward pass, samples of a training step, games of an iteration.
    batch: usize,
    /// Plies of an iteration in each game.
    horizon: usize,
    /// Threads that play an iteration, each with its share of the games; 0 for one a core.
    threads: usize,
    /// Time of one measurement.
    seconds: f64,
    /// A Python that has `PyTorch`.
    python: Option<String>,
    /// Parts to run; all if empty.
    only: Vec<String>,
}

impl Options {
    fn asks_for(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == part)
    }
}

fn main() -> Result<ExitCode> {
    let options = parse(&env::args().skip(1).collect::<Vec<_>>())?;
    let peak = peak();
    let is_equal = !options.asks_for("parity") || parity::compare(&options)?;
    if options.asks_for("limits") {
        limits(&options)?;
    }
    println!("| network | program | what | positions/s | MFU | first, s |\n|---|---|---|---:|---:|---:|");
    for &(channels, blocks) in &options.nets {
        let net = spec(channels, blocks);
        let row = |program: &str, what: &str, Rate { rate, first }: Rate| {
            // The backward pass costs two forward passes; an iteration plays each position once and learns from it once.
            let passes = match what {
                "forward" => 1.0,
                "iteration" => 4.0,
                _ => 3.0,
            };
            let mfu = peak.map_or("–".into(), |peak| percent(rate * passes * operations(&net) / peak));
            println!("| C{channels} N{blocks} | {program} | {what} | {rate:.0} | {mfu} | {first:.1} |");
        };
        for &precision in &options.precisions {
            let program = format!("keisei {precision}");
            let mut learner = match options.device.learner(FEATURES, ACTIONS, precision, options.threads) {
                Ok(learner) => learner,
                Err(error) => {
                    println!("| C{channels} N{blocks} | {program} | left out: {error:#} | | | |");
                    continue;
                }
            };
            if options.asks_for("forward") {
                row(&program, "forward", forward(learner.as_ref(), &net, &options)?);
            }
            if options.asks_for("training") {
                row(&program, "training step", training(learner.as_mut(), &net, &options)?);
            }
            if options.asks_for("iteration") {
                row(&program, "iteration", iteration(learner, &net, &options)?);
            }
        }
        if let (Some(python), true) = (&options.python, options.asks_for("pytorch")) {
            pytorch(python, (channels, blocks), &options, row)?;
        }
    }
    Ok(if is_equal { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn parse(arguments: &[String]) -> Result<Options> {
    let mut options = Options {
        device: Device::of_this_build(),
        nets: Vec::new(),
        precisions: Vec::new(),
        batch: 2048,
        horizon: 16,
        threads: 0,
        seconds: 3.0,
        python: None,
        only: Vec::new(),
    };
    for pair in arguments.chunks(2) {
        match pair {
            [name, value] if name == "--device" => {
                options.device = match &value[..] {
                    "cuda" => Device::Cuda,
                    "wgpu" => Device::Wgpu,
                    _ => bail!(USAGE),
                }
            }
            [name, value] if name == "--net" => {
                let sizes = value.strip_prefix('C').and_then(|sizes| sizes.split_once('N')).context(USAGE)?;
                options.nets.push((sizes.0.parse().context(USAGE)?, sizes.1.parse().context(USAGE)?));
            }
            [name, value] if name == "--precision" => {
                options.precisions.push(match &value[..] {
                    "f32" => Precision::F32,
                    "bf16" => Precision::Bf16,
                    "f16" => Precision::F16,
                    _ => bail!(USAGE),
                });
            }
            [name, value] if name == "--batch" => options.batch = value.parse().context(USAGE)?,
            [name, value] if name == "--horizon" => options.horizon = value.parse().context(USAGE)?,
            [name, value] if name == "--threads" => options.threads = value.parse().context(USAGE)?,
            [name, value] if name == "--seconds" => options.seconds = value.parse().context(USAGE)?,
            [name, value] if name == "--only" && PARTS.contains(&&value[..]) => options.only.push(value.clone()),
            [name, value] if name == "--python" => options.python = Some(value.clone()),
            _ => bail!(USAGE),
        }
    }
    if options.threads == 0 {
        options.threads = std::thread::available_parallelism()?.get();
    }
    if options.nets.is_empty() {
        options.nets = vec![(64, 4), (128, 8), (256, 20)];
    }
    if options.precisions.is_empty() {
        options.precisions = vec![Precision::F32, Precision::Bf16];
    }
    Ok(options)
}

/// Speed of copies and of matrix products on the device, see [`Limits`].
fn limits(options: &Options) -> Result<()> {
    println!("| what | by | rate | time |\n|---|---|---:|---:|");
    for &(channels, _) in &options.nets {
        for &precision in &options.precisions {
            let limits = Limits {
                batch: options.batch,
                channels: usize::from(channels),
                precision,
                seconds: options.seconds / 10.0,
            };
            limits.measure(options.device, &mut |row| println!("| {row} |"))?;
        }
    }
    println!();
    Ok(())
}

fn spec(channels: u16, blocks: u16) -> NetSpec {
    NetSpec { channels, blocks, ..NetSpec::for_encodings(FEATURES, ACTIONS) }
}

/// Floating-point operations of the network on one position, a multiplication and an addition as two.
fn operations(net: &NetSpec) -> f64 {
    let multiplications = |tensor: keisei_core::net::TensorSpec| {
        let on_every_square =
            tensor.shape.len() == 4 || ["policy.weight", "value.conv.weight"].contains(&&tensor.name[..]);
        let size: usize = if tensor.name.ends_with("weight") { tensor.shape.iter().product() } else { 0 };
        size * if on_every_square { SQUARES } else { 1 }
    };
    2.0 * net.tensors().into_iter().map(multiplications).sum::<usize>() as f64
}

/// Operations a second of the first NVIDIA GPU in dense bf16, by NVIDIA's data sheets, if it is one of these.
fn peak() -> Option<f64> {
    let output = Command::new("nvidia-smi").args(["--query-gpu=name", "--format=csv,noheader"]).output().ok()?;
    let name = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("GPU: {}", name.trim());
    let peaks = [("H100", 989e12), ("H200", 989e12), ("A100", 312e12), ("RTX 4090", 165e12), ("L40S", 362e12)];
    peaks.into_iter().find(|(gpu, _)| name.contains(gpu)).map(|(_, peak)| peak)
}

fn percent(part: f64) -> String {
    format!("{:.1} %", 100.0 * part)
}

/// Speed of something that is done again and again.
struct Rate {
    /// Positions a second.
    rate: f64,
    /// Seconds of the first time, in which kernels are compiled or loaded.
    first: f64,
}

/// Speed of `run`, which handles so many positions, measured for some time after two runs.
fn rate(positions: usize, seconds: f64, mut run: impl FnMut() -> Result<()>) -> Result<Rate> {
    let begin = Instant::now();
    run()?;
    let first = begin.elapsed().as_secs_f64();
    run()?;
    let (start, mut runs) = (Instant::now(), 0);
    while runs == 0 || start.elapsed().as_secs_f64() < seconds {
        run()?;
        runs += positions;
    }
    Ok(Rate { rate: runs as f64 / start.elapsed().as_secs_f64(), first })
}

/// The positions of a rollout with their legal actions.
fn positions(rollout: &Rollout) -> Batch {
    let mut batch = Batch::new();
    for step in &rollout.steps {
        batch.push(step.observation, rollout.legal_of(step.legal).iter().copied());
    }
    batch
}

/// Coefficients of a loss that is a mean over so many samples.
fn coefficients(samples: usize) -> Coefficients {
    Coefficients {
        clip_coef: 0.2,
        vf_coef: 1.0,
        past_coef: 0.0,
        score_coef: 0.1,
        ent_coef: 0.01,
        kl_coef: 0.0,
        mate_coef: 0.0,
        scale: 1.0 / samples as f32,
    }
}

/// Forward pass as self-play calls it.
fn forward(learner: &dyn Learner, net: &NetSpec, options: &Options) -> Result<Rate> {
    let rollout = Rollout::of_random_games(options.batch, ACTIONS, Stream::new(1, Purpose::Sampling, 0, 0));
    let batch = positions(&rollout);
    let mut evaluator = learner.evaluator(&Weights::init(net, 1)?);
    rate(options.batch, options.seconds, || Ok(evaluator.evaluate(&batch).map(drop)?))
}

/// Minibatches of an epoch, in which nobody waits for the device.
const MINIBATCHES: usize = 4;

/// Gradients and steps of Adam, as in an epoch.
fn training(learner: &mut dyn Learner, net: &NetSpec, options: &Options) -> Result<Rate> {
    let rollout = Rollout::of_random_games(options.batch, ACTIONS, Stream::new(1, Purpose::Sampling, 0, 0));
    let slots: Vec<usize> = (0..options.batch).collect();
    let minibatch = Minibatch { rollout: &rollout, slots: &slots, advantages: &rollout.advantages, past: &[] };
    let coefficients = coefficients(options.batch);
    let rules =
        StepRules { learning_rate: 1e-4, max_grad_norm: 1.0, target_kl: f32::INFINITY, ratio_limit: f64::INFINITY };
    let mut weights = Weights::init(net, 1)?;
    let mut adam = Adam::new(weights.data().len());
    let mut descent = learner.descent(&mut weights, &mut adam);
    rate(MINIBATCHES * options.batch, options.seconds, || {
        (0..MINIBATCHES).try_for_each(|_| descent.step(&minibatch, &coefficients, &rules))?;
        descent.results()?;
        Ok(())
    })
}

/// Iterations of the trainer.
fn iteration(learner: Box<dyn Learner>, net: &NetSpec, options: &Options) -> Result<Rate> {
    let mut config = Preset::Gpu.settings();
    config.selfplay.envs = options.batch;
    config.selfplay.horizon = options.horizon;
    config.ppo.minibatch = options.batch;
    config.ppo.epochs = 1;
    config.ppo.target_kl = f32::INFINITY;
    config.run.threads = options.threads;
    let mut trainer = Trainer::new(config, learner, Weights::init(net, 1)?);
    // Seconds of self-play, of these in the network, and of learning.
    let mut shares = [0.0; 3];
    let speed = rate(options.batch * options.horizon, options.seconds, || {
        let report = trainer.iterate(0.0)?;
        if trainer.done.iterations == 1 {
            println!("first minibatch: mean |ratio - 1| = {:.1e}", report.update.first_ratio_error);
        } else {
            let seconds = [report.collect_seconds, report.inference_seconds, report.learn_seconds];
            shares.iter_mut().zip(seconds).for_each(|(sum, part)| *sum += part);
        }
        Ok(())
    })?;
    let whole = shares[0] + shares[2];
    let [collect, inference, learn] = shares.map(|part| percent(part / whole));
    println!("iteration: self-play {collect}, of it in the network {inference}; learning {learn}");
    if let (Some(card), Some([_, held])) = (options.device.card()?, options.device.memory()?) {
        let estimated = Needs::of(&trainer.settings).total(card.largest);
        let [held, estimated] = [held, estimated].map(|bytes| bytes as f64 / 1e9);
        println!("memory of the GPU: {held:.2} GB held, {estimated:.2} GB estimated");
    }
    Ok(speed)
}

/// `PyTorch`'s rows, as its program prints them: program, what, positions a second.
fn pytorch(
    python: &str,
    (channels, blocks): (u16, u16),
    options: &Options,
    row: impl Fn(&str, &str, Rate),
) -> Result<()> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/gpu_torch.py");
    let numbers = [channels.to_string(), blocks.to_string(), options.batch.to_string(), options.seconds.to_string()];
    let mut child = Command::new(python)
        .arg(script)
        .args(numbers)
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| python.to_owned())?;
    for line in BufReader::new(child.stdout.take().context("its output is piped")?).lines() {
        let line = line?;
        let [program, what, rate] = line.split('\t').collect::<Vec<_>>()[..] else { bail!("PyTorch said {line:?}") };
        row(program, what, Rate { rate: rate.parse()?, first: f64::NAN });
    }
    if !child.wait()?.success() {
        println!("| C{channels} N{blocks} | PyTorch | broke off | | | |");
    }
    Ok(())
}
