//! Comparison of a GPU with the CPU: logits of legal actions, and gradients, of five networks.

use anyhow::Result;
use keisei_core::learn::{Learner, Minibatch, Rollout};
use keisei_core::net::{NetOptions, NetSpec, Weights};
use keisei_core::random::{Purpose, Stream};
use trainer_native::learner::{CpuLearner, Precision};

use crate::{ACTIONS, FEATURES, Options, coefficients, positions};

/// Samples of the gradients.
const SAMPLES: usize = 64;

/// Channels, blocks and optional layers of the networks.
const NETS: [(u16, u16, NetOptions); 5] = [
    (8, 1, PLAIN),
    (32, 4, PLAIN),
    (24, 2, NetOptions { se_hidden: 5, pool_hidden: 6, score_hidden: 7 }),
    (64, 4, PLAIN),
    (128, 8, PLAIN),
];

const PLAIN: NetOptions = NetOptions { se_hidden: 0, pool_hidden: 0, score_hidden: 0 };

/// Largest accepted differences from the CPU in f32: of a logit, and of a gradient by its norm. Those of f16 and bf16, which round
/// every layer, allow for their 11 and 8 bits.
fn tolerances(precision: Precision) -> [f64; 2] {
    match precision {
        Precision::F32 | Precision::Bf16x3 => [1e-4, 1e-3],
        Precision::F16 => [2e-2, 3e-2],
        Precision::Bf16 => [0.2, 0.2],
    }
}

/// Prints a row for each network and precision; returns whether every difference is within its bar.
pub fn compare(options: &Options) -> Result<bool> {
    println!(
        "| network | precision | largest difference of a logit | of the gradient, by its norm | |\n|---|---|---:|---:|---|"
    );
    let mut all_good = true;
    for (channels, blocks, net_options) in NETS {
        let spec = NetSpec { channels, blocks, options: net_options, ..NetSpec::for_encodings(FEATURES, ACTIONS) };
        let mut weights = Weights::init(&spec, 1)?;
        let mut stream = Stream::new(2, Purpose::Weights, 0, 0);
        weights.data_mut().iter_mut().for_each(|w| *w += 0.02 * (stream.uniform() - 0.5));
        let mut cpu = CpuLearner::new(FEATURES, ACTIONS, options.threads);
        let expected = outputs(&mut cpu, &weights)?;
        for &precision in &options.precisions {
            let mut learner = match options.device.learner(FEATURES, ACTIONS, precision, options.threads) {
                Ok(learner) => learner,
                Err(error) => {
                    println!("| C{channels} N{blocks} | {precision} | left out: {error:#} | | |");
                    continue;
                }
            };
            let found = outputs(learner.as_mut(), &weights)?;
            let difference = |i: usize| found[i].iter().zip(&expected[i]).map(|(f, e)| f64::from(f - e));
            let logit = difference(0).map(f64::abs).fold(0.0, f64::max);
            let norm = |numbers: &mut dyn Iterator<Item = f64>| numbers.map(|x| x * x).sum::<f64>().sqrt();
            let gradient = norm(&mut difference(1)) / norm(&mut expected[1].iter().map(|&x| f64::from(x)));
            let [of_logit, of_gradient] = tolerances(precision);
            let is_good = logit <= of_logit && gradient <= of_gradient;
            all_good &= is_good;
            let verdict = if is_good { "" } else { "**too far**" };
            println!("| C{channels} N{blocks} | {precision} | {logit:.1e} | {gradient:.1e} | {verdict} |");
        }
    }
    println!();
    Ok(all_good)
}

/// Logits of the legal actions of some positions, and the gradient of their loss.
fn outputs(learner: &mut dyn Learner, weights: &Weights) -> Result<[Vec<f32>; 2]> {
    let rollout = Rollout::of_random_games(SAMPLES, ACTIONS, Stream::new(4, Purpose::Sampling, 0, 0));
    let batch = positions(&rollout);
    let logits = learner.evaluator(weights).evaluate(&batch)?.iter().flat_map(|one| one.logits.to_vec()).collect();
    let slots: Vec<usize> = (0..SAMPLES).collect();
    let minibatch = Minibatch { rollout: &rollout, slots: &slots, advantages: &rollout.advantages, past: &[] };
    let (gradient, _) = learner.gradient(weights, &minibatch, &coefficients(SAMPLES))?;
    Ok([logits, gradient])
}
