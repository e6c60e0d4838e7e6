//! The two recursions that compute advantages and value targets from the results of games.
//!
//! Everything at a ply is from the view of the side that moved there, so values change sign from one ply to the next. Only the
//! learner's plies are estimated: in games against an opponent its replies count as moves of the environment.

use core::ops::Deref;

use super::rollout::{Mover, Past, Rollout, Step, StepEnd, Tail};
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
    /// Fills [`advantages`](Self::advantages) and [`targets`](Self::targets) row by row, and the targets of the past.
    pub fn estimate(&mut self, estimation: &Estimation) -> Estimated<'_> {
        self.advantages.resize(self.steps.len(), 0.0);
        self.targets.resize(self.steps.len(), Wdl::DRAW);
        let rows = self.steps.chunks_exact(self.horizon);
        let outputs = self.advantages.chunks_exact_mut(self.horizon).zip(self.targets.chunks_exact_mut(self.horizon));
        for (row, (advantages, targets)) in rows.zip(outputs) {
            gae(row, estimation, advantages);
            categorical_returns(row, estimation, targets);
        }
        self.past_targets.clear();
        self.past_targets.extend(self.past.iter().map(|past| discounted(past, estimation.gamma)));
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

/// Generalised advantage estimation (Schulman et al. 2016) for two sides that move in turn, written for a row in which games
/// of the learner against itself and against opponents follow each other.
///
/// Where the learner plays both sides:
///
/// ```text
/// δ_t = r_t − γ V(s_{t+1}) − V(s_t)          nothing follows a terminated game: V(s_{t+1}) = 0
/// A_t = δ_t − γ λ A_{t+1}                    the trace is cut where a game ends, whether terminated or truncated
/// ```
///
/// The successor is the position of the other side, hence the minus signs.
///
/// Against an opponent only the learner's plies are decisions: the reply is noise of the environment, and the successor of ply
/// `t` is ply `t + 2`, with the same sign. A loss by the opponent's reply is the learner's, by its ply `t`:
///
/// ```text
/// δ_t = r_t − γ r_{t+1} + γ² V(s_{t+2}) − V(s_t)
/// A_t = δ_t + γ² λ A_{t+2}                   λ for each of the learner's decisions
/// ```
///
/// Both are one recursion: an opponent's ply `u` passes on what follows it, as a value `r_u − γ V(s_{u+1})` and a trace
/// `−γ A_{u+1}`, without an estimate or a λ of its own. Its advantage is set to 0.
///
/// Where the row or the game is cut after ply `t`, the value that follows is that of the ply's [tail](Step::tail), and there is no
/// trace.
///
/// `V` mixes the network's value with the material prior: shaping by a potential is the same as starting the value function at
/// that potential (Wiewiora 2003).
///
/// # Panics
/// If the row ends without the end of a game and without a tail.
pub fn gae(row: &[Step], estimation: &Estimation, advantages: &mut [f32]) {
    let Estimation { gamma, gae_lambda, prior_weight, .. } = *estimation;
    let mixed = |wdl: Wdl, material: Value| (1.0 - prior_weight) * wdl.value().0 + prior_weight * material.0;
    // Value and advantage of the position after the ply, for the side to move there.
    let mut next_value = None;
    let mut following = 0.0;
    for (step, advantage) in row.iter().zip(advantages).rev() {
        let result = step.end.result();
        let next = match (result, step.tail) {
            (Some(_), _) => 0.0,
            (None, Some(Tail { wdl, material })) => mixed(wdl, material),
            (None, None) => next_value.expect(CUT),
        };
        if step.end != StepEnd::Continues {
            following = 0.0;
        }
        let reward = result.map_or(0.0, |wdl| wdl.value().0);
        if step.mover == Mover::Learner {
            let value = mixed(step.wdl, step.material);
            let delta = reward - gamma * next - value;
            following = delta - gamma * gae_lambda * following;
            *advantage = following;
            next_value = Some(value);
        } else {
            following *= -gamma;
            *advantage = 0.0;
            next_value = Some(reward - gamma * next);
        }
    }
}

/// Reason why something follows every ply.
const CUT: &str = "the last ply of a row carries the estimate of what follows";

/// The λ-return of the whole outcome distribution, which trains the value head at every ply of the learner.
///
/// ```text
/// G_t = γ flip((1 − λ) P(s_{t+1}) + λ G_{t+1}) + (1 − γ) draw
/// ```
///
/// A terminated game gives its result; a cut one gives the network's prediction for the position reached. The probability
/// that γ takes away goes to the draw, so that the value of `G` is the discounted scalar return.
///
/// Like [`gae`], an opponent's ply has no estimate and no λ: it passes on what follows it, flipped and discounted. Its own
/// target is set to the draw.
///
/// # Panics
/// If the row ends without the end of a game and without a tail.
pub fn categorical_returns(row: &[Step], estimation: &Estimation, targets: &mut [Wdl]) {
    let Estimation { gamma, value_lambda, .. } = *estimation;
    // Blend of prediction and return of the position after the ply, for the side to move there.
    let mut following = None;
    for (step, target) in row.iter().zip(targets).rev() {
        let value = match (step.end.result(), step.tail) {
            (Some(result), _) => result,
            (None, tail) => {
                let next = tail.map_or_else(|| following.expect(CUT), |tail| tail.wdl);
                blend(Wdl::DRAW, next.flipped(), gamma)
            }
        };
        if step.mover == Mover::Learner {
            *target = value;
            following = Some(blend(step.wdl, value, value_lambda));
        } else {
            *target = Wdl::DRAW;
            following = Some(value);
        }
    }
}

/// Mean of two distributions, of which `b` has this weight.
fn blend(a: Wdl, b: Wdl, weight: f32) -> Wdl {
    let (a, b) = (a.to_array(), b.to_array());
    Wdl::from_array(core::array::from_fn(|i| (1.0 - weight) * a[i] + weight * b[i]))
}

/// Target at a position of a game that has ended: the return of [`categorical_returns`] with a λ of 1.
fn discounted(past: &Past, gamma: f32) -> Wdl {
    blend(Wdl::DRAW, past.result, libm::powf(gamma, f32::from(past.plies) - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::PackedObservation;
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
        gae(row, estimation, &mut out);
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
    fn the_past_is_learnt_as_the_whole_game_with_a_lambda_of_one() {
        let mut stream = Stream::new(7, Purpose::Sampling, 0, 0);
        let mut row: Vec<Step> = (0..9).map(|_| step(random_wdl(&mut stream))).collect();
        row[8].end = StepEnd::Won;
        let estimation = Estimation { gamma: 0.9, value_lambda: 1.0, ..UNDISCOUNTED };
        for (t, target) in targets(&row, &estimation).into_iter().enumerate() {
            let plies = 9 - t as u16;
            let result = if plies % 2 == 1 { Wdl::WIN } else { Wdl::LOSS };
            let past = Past { observation: PackedObservation::EMPTY, result, plies, score: 0.0, lesson: None };
            for (found, expected) in discounted(&past, 0.9).to_array().into_iter().zip(target.to_array()) {
                near(found, expected);
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

    /// How a game of a random row is played.
    #[derive(Clone, Copy, PartialEq, Debug)]
    enum Kind {
        SelfPlay,
        /// Against an opponent, whose plies are those with an index of this parity in the game.
        Opponent(usize),
    }

    /// A row of random games of all kinds and ends, the last one possibly cut by the end of the row, with the kind and the
    /// first ply of each.
    fn random_row(stream: &mut Stream) -> (Vec<Step>, Vec<(Kind, usize)>) {
        let length = 1 + stream.below(30);
        let (mut row, mut games): (Vec<Step>, _) = (Vec::new(), Vec::new());
        while row.len() < length {
            let kind = [Kind::SelfPlay, Kind::Opponent(0), Kind::Opponent(1)][stream.below(3)];
            games.push((kind, row.len()));
            let plies = 1 + stream.below(8);
            for ply in 0..plies.min(length - row.len()) {
                let mover = if kind == Kind::Opponent(ply % 2) { Mover::Opponent } else { Mover::Learner };
                let material = Value(stream.uniform() - 0.5);
                let mut one = Step { mover, material, ..step(random_wdl(stream)) };
                if ply + 1 == plies {
                    one.end = [StepEnd::Won, StepEnd::Drawn, StepEnd::Lost, StepEnd::Truncated][stream.below(4)];
                }
                row.push(one);
                let is_cut = one.end == StepEnd::Truncated || (one.end == StepEnd::Continues && row.len() == length);
                let tail = Tail { wdl: random_wdl(stream), material: Value(stream.uniform() - 0.5) };
                row.last_mut().expect("a ply").tail = is_cut.then_some(tail);
            }
        }
        (row, games)
    }

    /// The definition, written out: for each of the learner's decisions in a game, the sum over the later ones. Returns the
    /// advantages by ply, where there is a decision.
    fn defined(
        row: &[Step],
        games: &[(Kind, usize)],
        gamma: f64,
        lambda: f64,
        value: &dyn Fn(Wdl, Value) -> f64,
    ) -> Vec<Option<f64>> {
        let mut found = vec![None; row.len()];
        for (index, &(kind, first)) in games.iter().enumerate() {
            let end = games.get(index + 1).map_or(row.len(), |&(_, next)| next);
            // The learner's decisions and how far the next one is: one ply with the sign changed, or two with the same.
            let (span, discount) = match kind {
                Kind::SelfPlay => (1, -gamma),
                Kind::Opponent(_) => (2, gamma * gamma),
            };
            let start = if kind == Kind::Opponent(0) { first + 1 } else { first };
            let decisions: Vec<usize> = (start..end).step_by(span).collect();
            let delta = |t: usize| {
                let mut delta = -value(row[t].wdl, row[t].material);
                // What happens from the decision to the next one, from the view of the learner at the decision.
                for (distance, step) in row[t..end].iter().take(span).enumerate() {
                    let view = (-gamma).powi(distance as i32);
                    if let Some(result) = step.end.result() {
                        delta += view * f64::from(result.value().0);
                    }
                    if let Some(tail) = step.tail {
                        delta -= gamma * view * value(tail.wdl, tail.material);
                    }
                }
                match row[..end].get(t + span) {
                    Some(next) => delta + discount * value(next.wdl, next.material),
                    None => delta,
                }
            };
            for (k, &t) in decisions.iter().enumerate() {
                let later = decisions[k..].iter().enumerate();
                found[t] = Some(later.map(|(n, &u)| (discount * lambda).powi(n as i32) * delta(u)).sum());
            }
        }
        found
    }

    #[test]
    fn the_recursions_are_the_sums_of_the_definition_in_rows_of_all_kinds_of_games() {
        let mut plies = [0; 2];
        for seed in 0..400 {
            let mut stream = Stream::new(seed, Purpose::Sampling, 0, 0);
            let (row, games) = random_row(&mut stream);
            let mut number = || [stream.uniform(), 1.0][stream.below(2)];
            let (gamma, gae_lambda, value_lambda, prior_weight) = (number(), number(), number(), number());
            let estimation = Estimation { gamma, gae_lambda, value_lambda, prior_weight };
            let mixed =
                |wdl: Wdl, material: Value| f64::from((1.0 - prior_weight) * wdl.value().0 + prior_weight * material.0);
            let of_network = |wdl: Wdl, _| f64::from(wdl.value().0);
            let (advantages, targets) = (advantages(&row, &estimation), targets(&row, &estimation));
            let expected = defined(&row, &games, gamma.into(), gae_lambda.into(), &mixed);
            let returns = defined(&row, &games, gamma.into(), value_lambda.into(), &of_network);
            for (t, step) in row.iter().enumerate() {
                near(targets[t].to_array().iter().sum(), 1.0);
                if let (Some(advantage), Some(beyond_value)) = (expected[t], returns[t]) {
                    plies[0] += 1;
                    assert_eq!(step.mover, Mover::Learner);
                    near(advantages[t], advantage as f32);
                    near(targets[t].value().0, step.wdl.value().0 + beyond_value as f32);
                } else {
                    plies[1] += 1;
                    assert_eq!((step.mover, advantages[t], targets[t]), (Mover::Opponent, 0.0, Wdl::DRAW));
                }
            }
        }
        assert!(plies[0] > 2000 && plies[1] > 1000, "{plies:?}");
    }

    /// Row of one finished game against an opponent that plays the plies of this parity, with random values.
    fn game_against_opponent(plies: usize, parity: usize, end: StepEnd, stream: &mut Stream) -> Vec<Step> {
        let mut row: Vec<Step> = (0..plies).map(|_| step(random_wdl(stream))).collect();
        row.iter_mut().skip(parity).step_by(2).for_each(|step| step.mover = Mover::Opponent);
        row[plies - 1].end = end;
        row
    }

    #[test]
    fn against_an_opponent_every_return_without_discount_is_the_learners_result_whatever_the_values() {
        let mut stream = Stream::new(3, Purpose::Sampling, 0, 0);
        for (plies, parity) in [(1, 1), (2, 0), (2, 1), (7, 0), (7, 1), (8, 0), (8, 1)] {
            for end in [StepEnd::Won, StepEnd::Drawn, StepEnd::Lost] {
                let row = game_against_opponent(plies, parity, end, &mut stream);
                let of_mover = end.result().expect("by the rules");
                let is_learners = row[plies - 1].mover == Mover::Learner;
                let result = if is_learners { of_mover } else { of_mover.flipped() };
                let (advantages, targets) = (advantages(&row, &UNDISCOUNTED), targets(&row, &UNDISCOUNTED));
                for t in (0..plies).filter(|&t| row[t].mover == Mover::Learner) {
                    near(advantages[t] + row[t].wdl.value().0, result.value().0);
                    assert_eq!(targets[t], result, "{plies} plies, parity {parity}, {end:?}");
                }
            }
        }
    }

    #[test]
    fn a_win_of_the_opponents_ply_is_a_loss_of_the_learners_last_ply() {
        // The opponent mates. What its network thought of that does not matter.
        let mut row = vec![step(Wdl::from_array([0.6, 0.2, 0.2])), step(Wdl::from_array([0.9, 0.1, 0.0]))];
        (row[1].mover, row[1].end) = (Mover::Opponent, StepEnd::Won);
        let estimation = Estimation { gamma: 0.9, gae_lambda: 0.5, value_lambda: 0.5, prior_weight: 0.0 };
        near(advantages(&row, &estimation)[0], -0.9 - 0.4);
        near(targets(&row, &estimation)[0].value().0, -0.9);
        // Perpetual check by the opponent's ply is the learner's win.
        row[1].end = StepEnd::Lost;
        near(advantages(&row, &estimation)[0], 0.9 - 0.4);
        near(targets(&row, &estimation)[0].value().0, 0.9);
    }

    #[test]
    fn both_roles_of_a_game_together_are_the_game_against_oneself() {
        // With λ = 1 a return does not depend on the values between, so it does not matter whose plies are learned from.
        let mut stream = Stream::new(4, Purpose::Sampling, 0, 0);
        for end in [StepEnd::Won, StepEnd::Drawn, StepEnd::Lost] {
            let first = game_against_opponent(9, 1, end, &mut stream);
            let swapped = |mover| if mover == Mover::Learner { Mover::Opponent } else { Mover::Learner };
            let second: Vec<Step> = first.iter().map(|&one| Step { mover: swapped(one.mover), ..one }).collect();
            let alone: Vec<Step> = first.iter().map(|&one| Step { mover: Mover::Learner, ..one }).collect();
            let estimation = Estimation { gamma: 0.9, prior_weight: 0.3, ..UNDISCOUNTED };
            let [a, b, both] = [&first, &second, &alone].map(|row| advantages(row, &estimation));
            let [c, d, targets] = [&first, &second, &alone].map(|row| targets(row, &estimation));
            for t in 0..9 {
                near(a[t] + b[t], both[t]);
                let learners = if first[t].mover == Mover::Learner { c[t] } else { d[t] };
                near(learners.value().0, targets[t].value().0);
            }
        }
    }

    #[test]
    fn a_cut_game_against_an_opponent_bootstraps_and_cuts_the_trace() {
        let tail = Tail { wdl: Wdl::from_array([0.5, 0.5, 0.0]), material: Value(0.0) };
        let estimation = Estimation { gamma: 0.9, gae_lambda: 0.8, value_lambda: 0.8, prior_weight: 0.0 };
        // Another game, won at once, follows the cut one; nothing of it may be seen before.
        let won = Step { end: StepEnd::Won, ..step(Wdl::DRAW) };
        let cut = |mover| Step { mover, end: StepEnd::Truncated, tail: Some(tail), ..step(Wdl::LOSS) };
        // After the learner's ply the opponent is to move, and has 0.5.
        let row = [Step { wdl: Wdl::DRAW, ..cut(Mover::Learner) }, won];
        near(advantages(&row, &estimation)[0], -0.9 * 0.5);
        near(targets(&row, &estimation)[0].value().0, -0.9 * 0.5);
        // After the reply the learner is to move, and has 0.5.
        let row = [step(Wdl::DRAW), cut(Mover::Opponent), won];
        near(advantages(&row, &estimation)[0], 0.81 * 0.5);
        near(targets(&row, &estimation)[0].value().0, 0.81 * 0.5);
        // Without discount the returns of the whole game are that value, whatever the values between: a cut adds no bias of its
        // own to that of the bootstrap.
        let mut stream = Stream::new(5, Purpose::Sampling, 0, 0);
        for plies in 1..9 {
            for parity in 0..2 {
                let mut row = game_against_opponent(plies, parity, StepEnd::Truncated, &mut stream);
                row[plies - 1].tail = Some(tail);
                let expected = if row[plies - 1].mover == Mover::Learner { -0.5 } else { 0.5 };
                let (advantages, targets) = (advantages(&row, &UNDISCOUNTED), targets(&row, &UNDISCOUNTED));
                for t in (0..plies).filter(|&t| row[t].mover == Mover::Learner) {
                    near(advantages[t] + row[t].wdl.value().0, expected);
                    near(targets[t].value().0, expected);
                }
            }
        }
    }

    #[test]
    fn the_opponents_own_estimates_change_nothing() {
        for seed in 0..50 {
            let (row, _) = random_row(&mut Stream::new(seed, Purpose::Sampling, 1, 0));
            let (nan, estimation) =
                (f32::NAN, Estimation { gamma: 0.9, gae_lambda: 0.8, value_lambda: 0.7, prior_weight: 0.6 });
            let blind: Vec<Step> = row
                .iter()
                .map(|&one| match one.mover {
                    Mover::Learner => one,
                    Mover::Opponent => {
                        Step { wdl: Wdl::from_array([nan; 3]), material: Value(nan), log_prob: nan, ..one }
                    }
                })
                .collect();
            assert_eq!(advantages(&row, &estimation), advantages(&blind, &estimation));
            assert_eq!(targets(&row, &estimation), targets(&blind, &estimation));
        }
    }
}
