//! The two recursions that compute advantages and value targets from the results of games.
//!
//! Everything at a ply is from the view of the side that moved there, so values change sign from one ply to the next.

use core::ops::Deref;

use super::rollout::{Rollout, Step, StepEnd, Tail};
use crate::net::{Value, Wdl};

/// Discounts and prior weight of [`Rollout::estimate`](super::Rollout::estimate).
#[derive(Clone, Copy, Debug)]
pub struct Estimation {
    /// Discount for each ply, 0–1.
    pub gamma: f32,
    /// λ of the advantages, 0–1.
    pub gae_lambda: f32,
    /// λ of the value targets, 0–1.
    pub value_lambda: f32,
    /// Weight of the material prior in the values that advantages are computed from, 0–1; the rest is the network's.
    pub prior_weight: f32,
}

impl Rollout {
    /// Fills [`advantages`](Self::advantages) and [`targets`](Self::targets) row by row.
    pub fn estimate(&mut self, estimation: &Estimation) -> Estimated<'_> {
        self.advantages.resize(self.steps.len(), 0.0);
        self.targets.resize(self.steps.len(), Wdl::DRAW);
        let rows = self.steps.chunks_exact(self.horizon);
        let outputs = self.advantages.chunks_exact_mut(self.horizon).zip(self.targets.chunks_exact_mut(self.horizon));
        for (row, (advantages, targets)) in rows.zip(outputs) {
            negamax_gae(row, estimation, advantages);
            categorical_returns(row, estimation, targets);
        }
        Estimated(self)
    }
}

/// Rollout whose advantages and value targets belong to its plies: what an [update](super::update) learns from. Only
/// [`Rollout::estimate`] makes one, so an update cannot be given the advantages of an earlier rollout.
///
/// ```
/// use keisei_core::learn::{Estimation, Rollout};
///
/// let estimation = Estimation { gamma: 1.0, gae_lambda: 0.9, value_lambda: 0.9, prior_weight: 0.0 };
/// let mut rollout = Rollout { horizon: 1, ..Rollout::default() };
/// let estimated = rollout.estimate(&estimation);
/// assert!(estimated.advantages.is_empty());
/// rollout.steps.clear();
/// ```
///
/// The plies cannot change while their estimates are in use:
///
/// ```compile_fail
/// use keisei_core::learn::{Estimation, Rollout};
///
/// let estimation = Estimation { gamma: 1.0, gae_lambda: 0.9, value_lambda: 0.9, prior_weight: 0.0 };
/// let mut rollout = Rollout { horizon: 1, ..Rollout::default() };
/// let estimated = rollout.estimate(&estimation);
/// rollout.steps.clear();
/// assert!(estimated.advantages.is_empty());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Estimated<'a>(&'a Rollout);

impl Deref for Estimated<'_> {
    type Target = Rollout;

    fn deref(&self) -> &Rollout {
        self.0
    }
}

/// Generalised advantage estimation (Schulman et al. 2016) for two sides that move in turn.
///
/// ```text
/// δ_t = r_t − γ V(s_{t+1}) − V(s_t)          nothing follows a terminated game: V(s_{t+1}) = 0
/// A_t = δ_t − γ λ A_{t+1}                    the trace is cut where a game ends, whether terminated or truncated
/// ```
///
/// The successor is the opponent's position, hence the minus signs. `V` mixes the network's value with the material
/// prior: shaping by a potential is the same as starting the value function at that potential (Wiewiora 2003).
pub fn negamax_gae(row: &[Step], estimation: &Estimation, advantages: &mut [f32]) {
    let Estimation { gamma, gae_lambda, prior_weight, .. } = *estimation;
    let mixed = |wdl: Wdl, material: Value| (1.0 - prior_weight) * wdl.value().0 + prior_weight * material.0;
    let mut following = 0.0;
    for t in (0..row.len()).rev() {
        let step = &row[t];
        let result = step.end.result();
        let next_value = match (result, step.tail, row.get(t + 1)) {
            (Some(_), ..) => 0.0,
            (None, Some(Tail { wdl, material }), _) => mixed(wdl, material),
            (None, None, Some(next)) => mixed(next.wdl, next.material),
            (None, None, None) => unreachable!("the last ply of a row carries the estimate of what follows"),
        };
        if step.end != StepEnd::Continues {
            following = 0.0;
        }
        let reward = result.map_or(0.0, |wdl| wdl.value().0);
        let delta = reward - gamma * next_value - mixed(step.wdl, step.material);
        following = delta - gamma * gae_lambda * following;
        advantages[t] = following;
    }
}

/// The λ-return of the whole outcome distribution, which trains the value head at every ply.
///
/// ```text
/// G_t = γ flip((1 − λ) P(s_{t+1}) + λ G_{t+1}) + (1 − γ) draw
/// ```
///
/// A terminated game gives its result; a cut one gives the network's prediction for the position reached. The probability
/// that γ takes away goes to the draw, so that the value of `G` is the discounted scalar return.
pub fn categorical_returns(row: &[Step], estimation: &Estimation, targets: &mut [Wdl]) {
    let Estimation { gamma, value_lambda, .. } = *estimation;
    let blend = |a: Wdl, b: Wdl, weight: f32| {
        let (a, b) = (a.to_array(), b.to_array());
        Wdl::from_array(core::array::from_fn(|i| (1.0 - weight) * a[i] + weight * b[i]))
    };
    for t in (0..row.len()).rev() {
        let step = &row[t];
        let next: Wdl = match (step.end.result(), step.tail, row.get(t + 1)) {
            (Some(result), ..) => {
                targets[t] = result;
                continue;
            }
            (None, Some(tail), _) => tail.wdl,
            (None, None, Some(next)) => blend(next.wdl, targets[t + 1], value_lambda),
            (None, None, None) => unreachable!("the last ply of a row carries the estimate of what follows"),
        };
        targets[t] = blend(Wdl::DRAW, next.flipped(), gamma);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};
    use alloc::{vec, vec::Vec};

    fn step(wdl: Wdl) -> Step {
        Step { wdl, ..Step::EMPTY }
    }

    fn random_wdl(stream: &mut Stream) -> Wdl {
        let raw = [stream.uniform() + 0.01, stream.uniform() + 0.01, stream.uniform() + 0.01];
        Wdl::from_array(raw.map(|p| p / raw.iter().sum::<f32>()))
    }

    const UNDISCOUNTED: Estimation = Estimation { gamma: 1.0, gae_lambda: 1.0, value_lambda: 1.0, prior_weight: 0.0 };

    fn advantages(row: &[Step], estimation: &Estimation) -> Vec<f32> {
        let mut out = vec![0.0; row.len()];
        negamax_gae(row, estimation, &mut out);
        out
    }

    fn targets(row: &[Step], estimation: &Estimation) -> Vec<Wdl> {
        let mut out = vec![Wdl::DRAW; row.len()];
        categorical_returns(row, estimation, &mut out);
        out
    }

    fn near(found: f32, expected: f32) {
        assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
    }

    #[test]
    fn without_discount_every_return_is_the_result_with_alternating_sign_whatever_the_values() {
        for seed in 0..50 {
            let mut stream = Stream::new(seed, Purpose::Sampling, 0, 0);
            let mut row: Vec<Step> = (0..9).map(|_| step(random_wdl(&mut stream))).collect();
            for one in &mut row {
                one.material = Value(stream.uniform() - 0.5);
            }
            let last = row.last_mut().expect("nine plies");
            last.end = StepEnd::Won;
            let estimation = Estimation { prior_weight: stream.uniform(), ..UNDISCOUNTED };
            let mixed =
                |s: &Step| (1.0 - estimation.prior_weight) * s.wdl.value().0 + estimation.prior_weight * s.material.0;
            let (advantages, targets) = (advantages(&row, &estimation), targets(&row, &estimation));
            for (t, one) in row.iter().enumerate() {
                let expected = if (row.len() - 1 - t).is_multiple_of(2) { 1.0 } else { -1.0 };
                near(advantages[t] + mixed(one), expected);
                near(targets[t].value().0, expected);
            }
        }
    }

    #[test]
    fn truncation_bootstraps_and_cuts_the_trace() {
        // Ply 0 is truncated in a position of value 0.5 for the opponent; ply 1 starts another game and wins at once.
        let mut row = vec![step(Wdl::DRAW), step(Wdl::DRAW)];
        row[0].end = StepEnd::Truncated;
        row[0].tail = Some(Tail { wdl: Wdl::from_array([0.5, 0.5, 0.0]), material: Value(0.0) });
        row[1].end = StepEnd::Won;
        let estimation = Estimation { gamma: 0.9, gae_lambda: 0.8, value_lambda: 0.8, prior_weight: 0.0 };
        let found = advantages(&row, &estimation);
        near(found[0], -0.9 * 0.5);
        near(found[1], 1.0);
        assert_eq!(targets(&row, &estimation)[1], Wdl::WIN);
        near(targets(&row, &estimation)[0].value().0, -0.9 * 0.5);
    }

    #[test]
    fn hand_worked_row() {
        // V = 0.2, −0.1 and 0.4 beyond the row; γ = 0.5, λ = 0.5.
        let mut row = vec![step(Wdl::from_array([0.2, 0.8, 0.0])), step(Wdl::from_array([0.0, 0.9, 0.1]))];
        row[1].tail = Some(Tail { wdl: Wdl::from_array([0.4, 0.6, 0.0]), material: Value(0.0) });
        let estimation = Estimation { gamma: 0.5, gae_lambda: 0.5, value_lambda: 0.5, prior_weight: 0.0 };
        let found = advantages(&row, &estimation);
        let last = -0.5 * 0.4 + 0.1; // −0.1
        near(found[1], last);
        near(found[0], 0.5 * 0.1 - 0.2 - 0.25 * last);
        let returns = targets(&row, &estimation);
        near(returns[1].value().0, -0.2);
        near(returns[0].value().0, -0.5 * (0.5 * -0.1 + 0.5 * -0.2));
        for target in returns {
            near(target.to_array().iter().sum(), 1.0);
        }
    }

    #[test]
    fn the_side_that_loses_by_its_own_move_is_told_so() {
        // Perpetual check: the mover's repetition loses.
        let mut row = vec![step(Wdl::DRAW)];
        row[0].end = StepEnd::Lost;
        near(advantages(&row, &UNDISCOUNTED)[0], -1.0);
        assert_eq!(targets(&row, &UNDISCOUNTED)[0], Wdl::LOSS);
    }
}
