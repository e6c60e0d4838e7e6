//! Differences of the executors from the definition with a trained model, on positions of its own games.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use burn::backend::{Flex, flex::FlexDevice};
use keisei_benches::executors::native;
use keisei_core::encoding::Action;
use keisei_core::format::model::Model;
use keisei_core::net::burn::Net;
use keisei_core::net::scalar::Scalar;
use keisei_core::net::simd::Calibration;
use keisei_core::net::{Executor, OUTCOMES, WdlLogits};
use keisei_core::random::SplitMix64;
use keisei_core::shogi::Game;
use keisei_play::executor::{own_positions, planes};

/// Positions to calibrate on, and to compare on; each from games of its own.
const POSITIONS: [usize; 2] = [256, 1024];

/// Bars: least share of positions with the same best move, and largest difference of a value.
const BARS: (f64, f32) = (0.99, 0.01);

struct Positions {
    planes: Vec<f32>,
    legal: Vec<Vec<Action>>,
}

impl Positions {
    fn new(model: &Model, count: usize, random: &mut SplitMix64) -> Positions {
        let games = own_positions(model, count, random);
        let legal = |game: &Game| model.actions.legal(game.position()).actions().to_vec();
        Positions { planes: planes(model, &games), legal: games.iter().map(legal).collect() }
    }
}

struct Output {
    policy: Vec<f32>,
    wdl: Vec<f32>,
}

/// Prints a table.
pub fn compare(file: &Path) -> Result<()> {
    let bytes = fs::read(file).with_context(|| file.display().to_string())?;
    let model = Model::from_bytes(&bytes).with_context(|| file.display().to_string())?;
    let (weights, spec) = (&model.weights, model.spec());
    let mut random = SplitMix64(20261125);
    let [for_calibration, positions] = POSITIONS.map(|count| Positions::new(&model, count, &mut random));
    let expected = run(&mut Scalar::new(weights), &positions);
    let calibration = Calibration::measure(weights, &for_calibration.planes);

    println!(
        "\n{}, C{}N{}, {} positions of its own games at temperature 1, beside the definition in plain loops:",
        model.provenance.run,
        spec.channels,
        spec.blocks,
        positions.legal.len()
    );
    println!(
        "| executor | same best move | largest difference: logit | value | mean of value |\n|---|---:|---:|---:|---:|"
    );
    let mut executors: Vec<(String, Box<dyn Executor>)> =
        vec![("burn-flex".into(), Box::new(Net::<Flex>::from_weights(weights, &FlexDevice)))];
    executors.extend(native(weights, &calibration).into_iter().map(|native| (native.name, native.executor)));
    for (name, mut executor) in executors {
        let found = run(executor.as_mut(), &positions);
        let logit = largest(expected.policy.iter().zip(&found.policy).map(|(a, b)| a - b));
        let values = || values(&expected).zip(values(&found)).map(|(a, b)| a - b);
        let mean = values().map(f32::abs).sum::<f32>() / positions.legal.len() as f32;
        let same = best(&expected, &positions).zip(best(&found, &positions)).filter(|(a, b)| a == b).count();
        let agreement = same as f64 / positions.legal.len() as f64;
        let met = agreement >= BARS.0 && largest(values()) <= BARS.1;
        println!(
            "| {name} | {:.2} % | {logit:.1e} | {:.1e} | {mean:.1e} |{}",
            100.0 * agreement,
            largest(values()),
            if met { "" } else { " missed" }
        );
    }
    Ok(())
}

fn run(executor: &mut dyn Executor, positions: &Positions) -> Output {
    let batch = positions.legal.len();
    let mut output = Output { policy: vec![0.0; batch * executor.spec().actions()], wdl: vec![0.0; batch * OUTCOMES] };
    executor.forward(batch, &positions.planes, &mut output.policy, &mut output.wdl);
    output
}

/// Index of the best legal move of each position, in its list.
fn best<'a>(output: &'a Output, positions: &'a Positions) -> impl Iterator<Item = usize> + 'a {
    let actions = output.policy.len() / positions.legal.len();
    output.policy.chunks_exact(actions).zip(&positions.legal).map(|(logits, legal)| {
        let logit = |i: usize| logits[legal[i].index()];
        (0..legal.len()).max_by(|&a, &b| logit(a).total_cmp(&logit(b))).expect("a game goes on with a legal move")
    })
}

fn values(output: &Output) -> impl Iterator<Item = f32> {
    output.wdl.chunks_exact(OUTCOMES).map(|wdl| WdlLogits([wdl[0], wdl[1], wdl[2]]).value().0)
}

fn largest(differences: impl Iterator<Item = f32>) -> f32 {
    differences.fold(0.0, |largest, x| largest.max(x.abs()))
}
