//! Evaluation of positions by a network: packed positions in, logits of their legal actions and outcomes out.
//!
//! A [`Batch`] holds positions with their legal actions; an [`Evaluator`] turns it into [`Predictions`]. [`HostEvaluator`]
//! does so with any [`Executor`] in the memory of the CPU; a backend on another device implements the trait itself.
//!
//! | step | shape | done by |
//! |---|---|---|
//! | observe, list legal actions | 101 bytes and some 80 actions a position | the caller, in [`Batch::push`] |
//! | expand to planes | `[batch, planes, 81]` | [`Batch::expand`] |
//! | run the network | policy `[batch, actions]`, outcome `[batch, 3]`, score `[batch]` | [`Executor::forward_scored`] |
//! | pick the legal actions | a row of logits for each position, as long as its legal actions | [`Predictions::pick`] |
//!
//! A batch of two positions:
//!
//! ```
//! use keisei_core::encoding::{Actions, Features, PackedObservation};
//! use keisei_core::evaluator::{Batch, HostEvaluator};
//! use keisei_core::net::{NetSpec, Weights, simd::Simd};
//! use keisei_core::search::policy;
//! use keisei_core::shogi::{Game, Position};
//!
//! let (features, actions) = (Features::Attack96, Actions::Dest2187);
//! let spec = NetSpec { channels: 8, blocks: 1, ..NetSpec::for_encodings(features, actions) };
//! let mut evaluator = HostEvaluator::new(Simd::new(&Weights::init(&spec, 1).unwrap()), features, actions);
//!
//! let games = [Game::startpos(), Game::new(Position::from_sfen("8k/9/8P/9/9/9/9/9/K8 b G 1").unwrap(), 0)];
//! let mut batch = Batch::new();
//! for game in &games {
//!     batch.push(PackedObservation::new(game), actions.legal(game.position()).actions().iter().copied());
//! }
//! let predictions = evaluator.predict(&batch);
//! assert!(predictions.is_finite());
//! assert_eq!(predictions.get(0).logits.len(), 30);
//! let wdl = predictions.get(1).wdl.softmax();
//! assert!((wdl.win + wdl.draw + wdl.loss - 1.0).abs() < 1e-6);
//!
//! // The most probable move of the first position.
//! let legal = actions.legal(games[0].position());
//! let probabilities = policy::probabilities(predictions.get(0).logits, 1.0);
//! let (best, _) = policy::top(&probabilities, 1)[0];
//! assert!(games[0].position().is_legal(legal.moves()[best]));
//! ```
//!
//! A [search](crate::search) fills such batches itself; its example runs one with an evaluator.

use alloc::{string::String, vec::Vec};
use core::fmt;
use core::ops::Range;

use crate::encoding::{Action, Actions, Features, PackedObservation, SQUARES};
use crate::net::{Executor, OUTCOMES, WdlLogits};

/// Evaluator of positions, which owns the buffers of its predictions.
pub trait Evaluator {
    /// Shape of the network's input and output.
    fn shape(&self) -> Shape;

    /// Predictions for the positions of `batch`, in their order. A position's prediction does not depend on the rest of
    /// the batch.
    ///
    /// # Errors
    /// If the device fails; a CPU never does.
    fn evaluate(&mut self, batch: &Batch) -> Result<&mut Predictions, EvaluatorError>;
}

/// Shape of a network's input and output.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    /// Input planes.
    pub features: Features,
    /// Numbering of the policy's logits.
    pub actions: Actions,
    /// Whether there is a score head.
    pub has_score: bool,
}

impl Shape {
    /// Numbers in the planes of one position.
    pub fn inputs(self) -> usize {
        self.features.planes() * SQUARES
    }

    /// Logits of one position's policy, legal or not.
    pub fn actions(self) -> usize {
        self.actions.count()
    }
}

/// Failure of a device that evaluates.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EvaluatorError {
    /// The device or its driver failed, with its message.
    Device(String),
    /// The device has not enough memory, with its message.
    OutOfMemory(String),
}

impl fmt::Display for EvaluatorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(message) | Self::OutOfMemory(message) => f.write_str(message),
        }
    }
}

impl core::error::Error for EvaluatorError {}

/// Rows of different lengths, stored one after the other.
///
/// ```
/// use keisei_core::evaluator::Rows;
///
/// let mut rows = Rows::new();
/// rows.push([1, 2, 3]);
/// rows.push([]);
/// rows.push([4]);
/// assert_eq!(rows.iter().collect::<Vec<_>>(), [&[1, 2, 3][..], &[], &[4]]);
/// assert_eq!(rows.values(), [1, 2, 3, 4]);
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Rows<T> {
    values: Vec<T>,
    /// End of each row in `values`.
    ends: Vec<usize>,
}

impl<T> Rows<T> {
    /// No rows.
    pub const fn new() -> Self {
        Self { values: Vec::new(), ends: Vec::new() }
    }

    /// Appends a row.
    pub fn push(&mut self, row: impl IntoIterator<Item = T>) {
        self.values.extend(row);
        self.ends.push(self.values.len());
    }

    /// Removes all rows and keeps their memory.
    pub fn clear(&mut self) {
        self.values.clear();
        self.ends.clear();
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    fn range(&self, row: usize) -> Range<usize> {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        start..self.ends[row]
    }

    /// One row.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, row: usize) -> &[T] {
        &self.values[self.range(row)]
    }

    /// One row, mutable.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row_mut(&mut self, row: usize) -> &mut [T] {
        let range = self.range(row);
        &mut self.values[range]
    }

    /// The rows in order.
    pub fn iter(&self) -> impl Iterator<Item = &[T]> {
        (0..self.len()).map(|row| self.row(row))
    }

    /// The values of all rows, one row after the other.
    pub fn values(&self) -> &[T] {
        &self.values
    }
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Positions to evaluate, with the actions whose logits are wanted. Clearing keeps the memory, so that a reused batch does not
/// allocate.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Batch {
    observations: Vec<PackedObservation>,
    legal: Rows<Action>,
    with_score: bool,
}

impl Batch {
    /// An empty batch, to be evaluated for policy and outcome.
    pub const fn new() -> Self {
        Self { observations: Vec::new(), legal: Rows::new(), with_score: false }
    }

    /// An empty batch, to be evaluated for the score as well if the network has a score head.
    pub fn with_score() -> Self {
        Self { with_score: true, ..Self::new() }
    }

    /// Appends a position with its legal actions, or without any if only the outcome is wanted.
    pub fn push(&mut self, observation: PackedObservation, legal: impl IntoIterator<Item = Action>) {
        self.observations.push(observation);
        self.legal.push(legal);
    }

    /// Appends the positions of `other` with these indices.
    ///
    /// # Panics
    /// If `other` has fewer positions.
    pub fn extend(&mut self, other: &Batch, positions: Range<usize>) {
        for position in positions {
            self.push(other.observations[position], other.legal.row(position).iter().copied());
        }
    }

    /// Removes all positions and keeps their memory.
    pub fn clear(&mut self) {
        self.observations.clear();
        self.legal.clear();
    }

    /// Number of positions.
    pub fn len(&self) -> usize {
        self.observations.len()
    }

    /// Whether there is no position.
    pub fn is_empty(&self) -> bool {
        self.observations.is_empty()
    }

    /// The positions.
    pub fn observations(&self) -> &[PackedObservation] {
        &self.observations
    }

    /// The legal actions, a row for each position.
    pub fn legal(&self) -> &Rows<Action> {
        &self.legal
    }

    /// Whether the score is wanted.
    pub fn wants_score(&self) -> bool {
        self.with_score
    }

    /// Writes the planes `[batch, planes, 81]` of all positions, the input of an [`Executor`].
    pub fn expand(&self, features: Features, planes: &mut Vec<f32>) {
        planes.resize(self.len() * features.planes() * SQUARES, 0.0);
        features.expand_batch(&self.observations, planes);
    }
}

/// Prediction of the network for one position, from its side to move.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Prediction<'a> {
    /// Logits of the legal actions, in their order in the batch.
    pub logits: &'a [f32],
    /// Logits of win, draw and loss.
    pub wdl: WdlLogits,
    /// Output of the score head: material balance in units of 76 pawns; `None` if not wanted or without a score head.
    pub score: Option<f32>,
}

/// Predictions for a [`Batch`], one for each of its positions.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Predictions {
    logits: Rows<f32>,
    wdl: Vec<WdlLogits>,
    /// Empty without scores.
    score: Vec<f32>,
}

impl Predictions {
    /// No predictions.
    pub const fn new() -> Self {
        Self { logits: Rows::new(), wdl: Vec::new(), score: Vec::new() }
    }

    /// Sets the predictions for `batch` from the outputs of an [`Executor`]: unmasked policy logits `[batch, actions]`, outcome
    /// logits `[batch, 3]`, and scores `[batch]` or none.
    ///
    /// # Panics
    /// If the length of a slice does not match its shape, or an action is out of range.
    pub fn pick(&mut self, batch: &Batch, policy: &[f32], wdl: &[f32], score: &[f32]) {
        self.logits.clear();
        let actions = policy.len() / batch.len().max(1);
        assert_eq!(policy.len(), batch.len() * actions, "policy is [batch, actions]");
        for (legal, policy) in batch.legal.iter().zip(policy.chunks_exact(actions.max(1))) {
            self.logits.push(legal.iter().map(|action| policy[action.index()]));
        }
        self.take_outcomes(batch, wdl, score);
    }

    /// Sets the predictions for `batch` from logits of its legal actions only: `logits` in the order of the
    /// [`values`](Rows::values) of [`Batch::legal`], the others as in [`pick`](Self::pick).
    ///
    /// # Panics
    /// If the length of a slice does not match its shape.
    pub fn take(&mut self, batch: &Batch, logits: &[f32], wdl: &[f32], score: &[f32]) {
        assert_eq!(logits.len(), batch.legal.values().len(), "a logit for each legal action");
        self.logits.values.clear();
        self.logits.values.extend_from_slice(logits);
        self.logits.ends.clone_from(&batch.legal.ends);
        self.take_outcomes(batch, wdl, score);
    }

    fn take_outcomes(&mut self, batch: &Batch, wdl: &[f32], score: &[f32]) {
        assert_eq!(wdl.len(), batch.len() * OUTCOMES, "wdl is [batch, 3]");
        assert!(score.is_empty() || score.len() == batch.len(), "score is [batch], or empty");
        self.wdl.clear();
        self.wdl.extend(wdl.as_chunks().0.iter().copied().map(WdlLogits));
        self.score.clear();
        self.score.extend_from_slice(score);
    }

    /// Number of positions.
    pub fn len(&self) -> usize {
        self.wdl.len()
    }

    /// Whether there is no position.
    pub fn is_empty(&self) -> bool {
        self.wdl.is_empty()
    }

    /// The prediction for one position.
    ///
    /// # Panics
    /// If there is no such position.
    pub fn get(&self, position: usize) -> Prediction<'_> {
        Prediction {
            logits: self.logits.row(position),
            wdl: self.wdl[position],
            score: self.score.get(position).copied(),
        }
    }

    /// The logits of one position's legal actions, mutable, to be turned into probabilities in place.
    ///
    /// # Panics
    /// If there is no such position.
    pub fn logits_mut(&mut self, position: usize) -> &mut [f32] {
        self.logits.row_mut(position)
    }

    /// The predictions in order.
    pub fn iter(&self) -> impl Iterator<Item = Prediction<'_>> {
        (0..self.len()).map(|position| self.get(position))
    }

    /// Whether every number is finite, which fails once training has diverged.
    pub fn is_finite(&self) -> bool {
        let numbers = self.logits.values.iter().chain(self.wdl.iter().flat_map(|wdl| &wdl.0)).chain(&self.score);
        numbers.copied().all(f32::is_finite)
    }
}

/// An evaluator in the memory of the CPU: an executor with the encodings of its model, and buffers that grow to the largest
/// batch.
#[derive(Clone, Debug)]
pub struct HostEvaluator<E> {
    executor: E,
    shape: Shape,
    planes: Vec<f32>,
    policy: Vec<f32>,
    wdl: Vec<f32>,
    score: Vec<f32>,
    predictions: Predictions,
}

impl<E: Executor> HostEvaluator<E> {
    /// An evaluator of this network.
    ///
    /// # Panics
    /// If the network does not fit the encodings.
    pub fn new(executor: E, features: Features, actions: Actions) -> Self {
        let spec = executor.spec();
        assert_eq!(usize::from(spec.planes), features.planes(), "the network reads these features");
        assert_eq!(spec.actions(), actions.count(), "the network has these actions");
        let shape = Shape { features, actions, has_score: spec.options.score_hidden > 0 };
        let (planes, policy, wdl, score) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { executor, shape, planes, policy, wdl, score, predictions: Predictions::new() }
    }

    /// The executor, for direct work on tensors.
    pub fn executor(&mut self) -> &mut E {
        &mut self.executor
    }

    /// Predictions for `batch`, like [`evaluate`](Evaluator::evaluate) but without a `Result`: a CPU does not fail.
    pub fn predict(&mut self, batch: &Batch) -> &mut Predictions {
        let count = batch.len();
        batch.expand(self.shape.features, &mut self.planes);
        self.policy.resize(count * self.shape.actions(), 0.0);
        self.wdl.resize(count * OUTCOMES, 0.0);
        self.score.resize(if batch.with_score && self.shape.has_score { count } else { 0 }, 0.0);
        self.executor.forward_scored(count, &self.planes, &mut self.policy, &mut self.wdl, &mut self.score);
        self.predictions.pick(batch, &self.policy, &self.wdl, &self.score);
        &mut self.predictions
    }
}

impl<E: Executor> Evaluator for HostEvaluator<E> {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn evaluate(&mut self, batch: &Batch) -> Result<&mut Predictions, EvaluatorError> {
        Ok(self.predict(batch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::scalar::Scalar;
    use crate::net::{NetOptions, NetSpec, Weights};
    use crate::shogi::Game;
    use alloc::vec;

    const FEATURES: Features = Features::Attack96;
    const ACTIONS: Actions = Actions::Dest2187;

    fn evaluator(score_hidden: u16) -> HostEvaluator<Scalar> {
        let options = NetOptions { score_hidden, ..NetOptions::default() };
        let spec = NetSpec { channels: 8, blocks: 0, options, ..NetSpec::for_encodings(FEATURES, ACTIONS) };
        HostEvaluator::new(Scalar::new(&Weights::init(&spec, 1).expect("the shape is valid")), FEATURES, ACTIONS)
    }

    /// Adds three positions of a game; of the second only the outcome is wanted.
    fn fill(batch: &mut Batch) {
        let mut game = Game::startpos();
        for position in 0..3 {
            let legal = ACTIONS.legal(game.position());
            let wanted = if position == 1 { &[] } else { legal.actions() };
            batch.push(PackedObservation::new(&game), wanted.iter().copied());
            game.play(legal.moves()[position]);
        }
    }

    #[test]
    fn predictions_are_the_executors_logits_of_the_legal_actions() {
        let (mut batch, mut evaluator) = (Batch::with_score(), evaluator(4));
        fill(&mut batch);
        let found = evaluator.predict(&batch).clone();
        let (mut policy, mut wdl, mut score) = (vec![0.0; 3 * 2187], vec![0.0; 9], vec![0.0; 3]);
        let mut planes = Vec::new();
        batch.expand(FEATURES, &mut planes);
        evaluator.executor().forward_scored(3, &planes, &mut policy, &mut wdl, &mut score);
        assert_eq!(found.len(), 3);
        for (i, prediction) in found.iter().enumerate() {
            let logits = batch.legal().row(i).iter().map(|action| policy[2187 * i + action.index()]);
            assert_eq!(prediction.logits, logits.collect::<Vec<_>>());
            assert_eq!((&prediction.wdl.0[..], prediction.score), (&wdl[3 * i..][..3], Some(score[i])));
        }
        assert!(found.get(1).logits.is_empty());
        // The same logits, as if a device had picked them.
        let picked: Vec<f32> = found.iter().flat_map(|prediction| prediction.logits).copied().collect();
        let mut taken = Predictions::new();
        taken.take(&batch, &picked, &wdl, &score);
        assert_eq!(taken, found);
    }

    #[test]
    fn a_score_is_given_where_it_is_wanted_and_there() {
        for (mut batch, score_hidden, expected) in
            [(Batch::with_score(), 4, true), (Batch::new(), 4, false), (Batch::with_score(), 0, false)]
        {
            fill(&mut batch);
            let mut evaluator = evaluator(score_hidden);
            assert_eq!(evaluator.shape().has_score, score_hidden > 0);
            assert!(evaluator.predict(&batch).iter().all(|prediction| prediction.score.is_some() == expected));
        }
    }

    #[test]
    fn the_rest_of_the_batch_changes_nothing() {
        let (mut batch, mut part) = (Batch::new(), Batch::new());
        fill(&mut batch);
        part.extend(&batch, 2..3);
        let mut evaluator = evaluator(0);
        let whole = evaluator.predict(&batch).clone();
        assert_eq!(evaluator.predict(&part).get(0), whole.get(2));
        batch.clear();
        assert_eq!(evaluator.predict(&batch).len(), 0);
    }

    #[test]
    fn what_is_not_finite_is_seen() {
        let mut batch = Batch::new();
        fill(&mut batch);
        let logits = batch.legal().values().len();
        let check = |change: fn(&mut [f32], &mut [f32]), expected: bool| {
            let (mut logits, mut wdl) = (vec![0.0; logits], vec![0.0; 9]);
            change(&mut logits, &mut wdl);
            let mut predictions = Predictions::new();
            predictions.take(&batch, &logits, &wdl, &[]);
            assert_eq!(predictions.is_finite(), expected);
        };
        check(|_, _| {}, true);
        check(|logits, _| logits[7] = f32::NAN, false);
        check(|_, wdl| wdl[8] = f32::INFINITY, false);
    }
}
