//! Network of a model, in the arithmetic that the user chose.

use std::fmt;

use anyhow::{Result, bail};
use keisei_core::encoding::{PackedObservation, SQUARES};
use keisei_core::evaluator::{Batch, HostEvaluator};
use keisei_core::format::Model;
use keisei_core::net::simd::{Bf16, Calibration, Quantized, Simd};
use keisei_core::net::{Executor, NetSpec};
use keisei_core::random::{SplitMix64, mix};
use keisei_core::search::policy;
use keisei_core::shogi::Game;

/// Number of positions on which integer arithmetic is calibrated.
const CALIBRATION: usize = 256;

/// Sampling rate: one position in `ONE_IN`.
const ONE_IN: usize = 7;

/// Number format in which the convolutions of a network are computed in play.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum Arithmetic {
    /// 32-bit floating point
    #[default]
    F32,
    /// 16-bit integers: faster on every CPU, most of all with VNNI
    Integer,
    /// bfloat16: the fastest, on CPUs with a matrix unit (Intel AMX, on Linux)
    Bf16,
}

impl Arithmetic {
    /// Arithmetic of this name, if there is one.
    pub fn from_name(name: &str) -> Option<Arithmetic> {
        [Arithmetic::F32, Arithmetic::Integer, Arithmetic::Bf16].into_iter().find(|one| one.to_string() == name)
    }
}

impl fmt::Display for Arithmetic {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Arithmetic::F32 => "f32",
            Arithmetic::Integer => "integer",
            Arithmetic::Bf16 => "bf16",
        })
    }
}

/// Network of a model in one of the arithmetics. A clone shares the weights: make one for each thread.
#[derive(Clone, Debug)]
pub enum ModelExecutor {
    /// Network in [`Arithmetic::F32`].
    F32(Simd),
    /// Network in [`Arithmetic::Integer`].
    Integer(Quantized),
    /// Network in [`Arithmetic::Bf16`].
    Bf16(Bf16),
}

impl ModelExecutor {
    /// Network of `model` in this arithmetic.
    ///
    /// # Errors
    /// If this CPU does not support the arithmetic.
    pub fn new(model: &Model, arithmetic: Arithmetic) -> Result<ModelExecutor> {
        Ok(match arithmetic {
            Arithmetic::F32 => ModelExecutor::f32(model),
            Arithmetic::Integer => {
                let planes = planes(model, &own_positions(model, CALIBRATION, &mut SplitMix64(0)));
                ModelExecutor::Integer(Quantized::new(&model.weights, &Calibration::measure(&model.weights, &planes)))
            }
            Arithmetic::Bf16 => match Bf16::new(&model.weights) {
                Some(network) => ModelExecutor::Bf16(network),
                None => bail!("bf16: this CPU has no matrix unit (Intel AMX, on Linux)"),
            },
        })
    }

    /// Arithmetic and a hash of the weights of `model`, whose network this is: different networks play different games.
    pub(crate) fn identity(&self, model: &Model) -> String {
        let arithmetic = match self {
            ModelExecutor::F32(_) => Arithmetic::F32,
            ModelExecutor::Integer(_) => Arithmetic::Integer,
            ModelExecutor::Bf16(_) => Arithmetic::Bf16,
        };
        let weights = model.weights.data().iter();
        let hash = weights.fold(0, |hash, weight| mix(hash ^ u64::from(weight.to_bits())));
        format!("network {hash:016x} in {arithmetic}")
    }

    /// Network of `model` in [`Arithmetic::F32`].
    pub fn f32(model: &Model) -> ModelExecutor {
        ModelExecutor::F32(Simd::new(&model.weights))
    }
}

impl Executor for ModelExecutor {
    fn spec(&self) -> &NetSpec {
        match self {
            ModelExecutor::F32(network) => network.spec(),
            ModelExecutor::Integer(network) => network.spec(),
            ModelExecutor::Bf16(network) => network.spec(),
        }
    }

    fn forward_scored(&mut self, batch: usize, planes: &[f32], policy: &mut [f32], wdl: &mut [f32], score: &mut [f32]) {
        match self {
            ModelExecutor::F32(network) => network.forward_scored(batch, planes, policy, wdl, score),
            ModelExecutor::Integer(network) => network.forward_scored(batch, planes, policy, wdl, score),
            ModelExecutor::Bf16(network) => network.forward_scored(batch, planes, policy, wdl, score),
        }
    }
}

/// Positions from games that the model plays against itself by its policy, at temperature 1.
pub fn own_positions(model: &Model, count: usize, random: &mut SplitMix64) -> Vec<Game> {
    let mut evaluator = HostEvaluator::new(Simd::new(&model.weights), model.features, model.actions);
    let mut batch = Batch::new();
    let (mut positions, mut game) = (Vec::new(), Game::startpos());
    while positions.len() < count {
        if game.outcome().is_some() {
            game = Game::startpos();
        }
        if random.below(ONE_IN) == 0 {
            positions.push(game.clone());
        }
        let legal = model.actions.legal(game.position());
        batch.clear();
        batch.push(PackedObservation::new(&game), legal.actions().iter().copied());
        let probabilities = policy::probabilities(evaluator.predict(&batch).get(0).logits, 1.0);
        game.play(legal.moves()[policy::draw(&probabilities, random.uniform())]);
    }
    positions
}

/// Input of the model's network for these positions: planes `[positions, planes, 81]`.
pub fn planes(model: &Model, positions: &[Game]) -> Vec<f32> {
    let observations: Vec<PackedObservation> = positions.iter().map(PackedObservation::new).collect();
    let mut planes = vec![0.0; positions.len() * model.features.planes() * SQUARES];
    model.features.expand_batch(&observations, &mut planes);
    planes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::model;
    use keisei_core::net::OUTCOMES;

    fn check(arithmetic: Arithmetic, tolerance: f32) {
        let model = model();
        let positions = own_positions(&model, 40, &mut SplitMix64(1));
        let planes = planes(&model, &positions);
        let run = |mut network: ModelExecutor| {
            let mut policy = vec![0.0; positions.len() * model.actions.count()];
            let mut wdl = vec![0.0; positions.len() * OUTCOMES];
            network.forward(positions.len(), &planes, &mut policy, &mut wdl);
            [policy, wdl].concat()
        };
        let found = match ModelExecutor::new(&model, arithmetic) {
            Ok(network) => run(network),
            Err(error) => {
                assert!(arithmetic == Arithmetic::Bf16 && !Bf16::is_available(), "{arithmetic}: {error}");
                return;
            }
        };
        let expected = run(ModelExecutor::f32(&model));
        let worst = expected.iter().zip(&found).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst <= tolerance, "{arithmetic}: logits differ by {worst}");
        assert_eq!(arithmetic == Arithmetic::F32, worst == 0.0, "{arithmetic} rounds in its own way");
    }

    #[test]
    fn every_arithmetic_computes_the_model() {
        check(Arithmetic::F32, 0.0);
        check(Arithmetic::Integer, 0.05);
        check(Arithmetic::Bf16, 0.1);
    }

    #[cfg(feature = "clap")]
    #[test]
    fn names_are_those_of_the_command_line() {
        for one in <Arithmetic as clap::ValueEnum>::value_variants() {
            let name = clap::ValueEnum::to_possible_value(one).expect("none is hidden");
            assert_eq!(name.get_name(), one.to_string());
            assert_eq!(Arithmetic::from_name(name.get_name()), Some(*one));
        }
    }
}
