//! Score of a model in probes, by its raw policy.

use std::collections::BTreeMap;

use keisei_core::encoding::PackedObservation;
use keisei_core::evaluator::{Batch, HostEvaluator};
use keisei_core::format::Model;
use keisei_core::search::policy;
use keisei_core::shogi::Game;
use serde::{Deserialize, Serialize};

use super::Probe;
use crate::executor::ModelExecutor;

/// Score in the probes of one task.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct ProbeScore {
    /// Number of probes.
    pub probes: usize,
    /// Share of the probes whose solution is the policy's most probable move, 0–1.
    pub solved: f64,
    /// Mean probability of the solutions, 0–1.
    pub probability: f64,
}

/// Positions of a batch.
const BATCH: usize = 64;

/// Scores of the model's raw policy, by the id of the task.
pub fn score(model: &Model, probes: &[Probe]) -> BTreeMap<String, ProbeScore> {
    let mut evaluator = HostEvaluator::new(ModelExecutor::f32(model), model.features, model.actions);
    let mut scores: BTreeMap<String, ProbeScore> = BTreeMap::new();
    for probes in probes.chunks(BATCH) {
        let mut batch = Batch::new();
        let legal: Vec<_> = probes.iter().map(|probe| model.actions.legal(&probe.position)).collect();
        for (probe, legal) in probes.iter().zip(&legal) {
            let game = Game::new(probe.position.clone(), 0);
            batch.push(PackedObservation::new(&game), legal.actions().iter().copied());
        }
        for ((probe, legal), prediction) in probes.iter().zip(&legal).zip(evaluator.predict(&batch).iter()) {
            let probabilities = policy::probabilities(prediction.logits, 1.0);
            let solves = |at: usize| probe.solutions.contains(&legal.moves()[at]);
            let best = policy::top(&probabilities, 1)[0].0;
            let of_solutions = probabilities.iter().enumerate().filter(|&(at, _)| solves(at));
            let score = scores.entry(probe.task.id().to_owned()).or_default();
            score.probes += 1;
            score.solved += f64::from(u8::from(solves(best)));
            score.probability += of_solutions.map(|(_, &p)| f64::from(p)).sum::<f64>();
        }
    }
    for score in scores.values_mut() {
        score.solved /= score.probes as f64;
        score.probability /= score.probes as f64;
    }
    scores
}
