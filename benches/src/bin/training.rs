//! Samples a second of the learners, side by side: `cargo run --release -p keisei-benches --bin training [SAMPLES]`.

use anyhow::Result;
use keisei_core::encoding::{Actions, Features, SQUARES};
use keisei_core::net::{NetOptions, NetSpec, Weights};
use std::time::Instant;
use trainer_native::learner::{BurnLearner, CpuLearner, Learner, Minibatch};
use trainer_native::ppo::Coefficients;
use trainer_native::random::{Purpose, Stream};
use trainer_native::rollout::Rollout;

const FEATURES: Features = Features::Attack96;
const ACTIONS: Actions = Actions::Dest2187;
const COEFFICIENTS: Coefficients = Coefficients { clip_coef: 0.2, vf_coef: 1.0, ent_coef: 0.01, scale: 1.0 / 512.0 };

fn main() -> Result<()> {
    let samples = std::env::args().nth(1).map_or(Ok(512), |samples| samples.parse())?;
    let stream = Stream::new(1, Purpose::Sampling, 0, 0);
    let rollout = Rollout::of_random_games(samples, ACTIONS, stream);
    for (channels, blocks) in [(32, 4), (64, 4)] {
        for threads in [1, 2] {
            let mut cpu = CpuLearner::new(FEATURES, ACTIONS, threads);
            let mut burn = BurnLearner::cpu(FEATURES, ACTIONS, threads);
            let fast = samples_per_second(&mut cpu, channels, blocks, &rollout, 3)?;
            let slow = samples_per_second(&mut burn, channels, blocks, &rollout, 3)?;
            println!(
                "C{channels} N{blocks}: {} {fast:.0}/s, {} {slow:.0}/s, {:.1} times",
                cpu.name(),
                burn.name(),
                fast / slow
            );
        }
    }
    Ok(())
}

/// The best of some gradients of the whole rollout, after one to warm up.
fn samples_per_second(
    learner: &mut dyn Learner,
    channels: u16,
    blocks: u16,
    rollout: &Rollout,
    repeats: usize,
) -> Result<f64> {
    let spec = NetSpec {
        planes: FEATURES.planes() as u16,
        policy_planes: (ACTIONS.count() / SQUARES) as u16,
        channels,
        blocks,
        value_channels: 8,
        value_hidden: 64,
        options: NetOptions::default(),
    };
    let weights = Weights::init(&spec, 1)?;
    let slots: Vec<usize> = (0..rollout.steps.len()).collect();
    let minibatch = Minibatch { rollout, slots: &slots, advantages: &rollout.advantages };
    learner.gradient(&weights, &minibatch, &COEFFICIENTS)?;
    let mut best = f64::INFINITY;
    for _ in 0..repeats {
        let start = Instant::now();
        learner.gradient(&weights, &minibatch, &COEFFICIENTS)?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok(slots.len() as f64 / best)
}
